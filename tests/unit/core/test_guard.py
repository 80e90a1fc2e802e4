# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What no call removes, and which names objects may have: tables of values and sentences."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import encrypted, guard, names
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import KINDS, label
from fake_vms import Element, refusal

# ---------------------------------------------------------------- guard


@pytest.mark.parametrize(
    ("method", "arguments", "target"),
    [
        ("image.delete", (7,), ("image", 7)),
        ("flow.service.delete", (7, "x"), ("flow.service", 7)),
        ("image.delete", (), None),
        ("image.delete", ("7",), None),
        ("image.rename", (7, "x"), None),
        ("vm.action", ("terminate", 7), ("vm", 7)),
        ("vm.action", ("terminate-hard", 7), ("vm", 7)),
        ("vm.action", ("poweroff", 7), None),
        ("vm.action", ("terminate",), None),
        *[("vm.recover", (7, operation), ("vm", 7)) for operation in (3, 4, 5)],
        *[("vm.recover", (7, operation), None) for operation in (0, 1, 2)],
        ("vm.restore", (7, 1, 2, 3), ("vm", 7)),
        ("vm.snapshotrevert", (7, 1), ("vm", 7)),
        ("vm.disksnapshotrevert", (7, 1, 0), ("vm", 7)),
        ("flow.service.recover", (7, True), ("flow.service", 7)),
        ("flow.service.recover", (7, False), None),
        ("flow.service.recover", (7,), None),
    ],
)
def test_which_object_a_call_removes_or_replaces(method, arguments, target):
    assert guard.target(method, arguments) == target


def item(oid=7, name="web", lock=None, labels=None, **more):
    known = {"TEMPLATE": {} if labels is None else {"LABELS": labels}}
    return Element(ID=oid, NAME=name, LOCK=None if lock is None else Element(LOCKED=lock), **{**known, **more})


class OfOneFlow:
    """An object of OneFlow, which keeps its labels elsewhere."""

    ID, NAME, LOCK = 8, "flow", None
    labels = ("Protected",)


@pytest.mark.parametrize(
    ("one", "label", "why"),
    [
        (item(), "protected", None),
        (item(lock=1), "protected", "is locked (use)"),
        (item(lock=2), "", "is locked (manage)"),
        (item(lock=3), "protected", None),
        (item(lock=0), "protected", None),
        (item(labels="a, Protected"), "protected", "has the label protected"),
        (item(labels="protected"), " PROTECTED ", "has the label  PROTECTED "),
        (item(labels="protected", lock=1), "protected", "has the label protected"),
        (item(labels="protected"), "", None),
        (item(labels="protected"), "  ", None),
        (item(labels="other"), "protected", None),
        (item(labels="other", USER_TEMPLATE={"LABELS": "protected"}), "protected", "has the label protected"),
        (item(TEMPLATE=None), "protected", None),
        (OfOneFlow(), "protected", "has the label protected"),
        (object(), "", None),
    ],
)
def test_why_an_object_is_kept(one, label, why):
    assert guard.forbids(one, label) == why


def test_what_is_kept_is_told_with_what_to_do():
    label = 'Take the label away first, or give protected_label: "" to do it all the same.'
    lock = "Unlock it first (lock: none)."
    labelled, locked = item(1, "a", labels="protected"), item(2, "b", lock=1)
    message, data = refusal(guard.refuse, "VM", [labelled], "protected")
    assert message == f"No VM is removed or replaced here: a has the label protected. {label}"
    assert data == {"object": "VM", "id": 1, "ids": [1]}
    assert refusal(guard.refuse, "VM", [item(), locked], "protected") == (
        f"No VM is removed or replaced here: b is locked (use). {lock}",
        {"object": "VM", "id": 2, "ids": [2]},
    )
    message, data = refusal(guard.refuse, "VM", [locked, item(), labelled], "protected")
    assert message == (
        f"No VM is removed or replaced here: b is locked (use); a has the label protected. {label[:-1]}. {lock}"
    )
    assert data == {"object": "VM", "id": 2, "ids": [2, 1]}
    assert guard.refuse("VM", [item()], "protected") is None


def test_no_more_is_removed_than_may_be():
    assert guard.refuse_many("VMs", ["a", "b"], None) is None
    assert guard.refuse_many("VMs", ["a", "b"], 2) is None
    assert refusal(guard.refuse_many, "VMs", ["a", "b"], 1) == (
        "2 VMs would be removed, but max_remove is 1: a, b. Give a larger max_remove if all of them are to go.",
        {},
    )
    assert refusal(guard.refuse_many, "VMs", ["a"], 0)[0].startswith("1 VMs would be removed, but max_remove is 0: a.")


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("image", " os ", "os"),
        ("image", "a b", "a b"),
        ("image", "ü" * 64, "ü" * 64),
        ("image", 7, "7"),
        ("host", "node-1.example_a:b", "node-1.example_a:b"),
        ("host", "n" * 63, "n" * 63),
        ("user", "ann@example.org", "ann@example.org"),
        ("document", "a/b|c", "a/b|c"),
        ("service", "a:b;c\t", "a:b;c"),
    ],
)
def test_names_have_one_form(kind, name, found):
    assert names.valid(kind, kind, name) == found


@pytest.mark.parametrize(
    ("kind", "name", "wrong"),
    [
        *[("image", f"a{letter}b", f"'{letter}'") for letter in "&|:\\\";/'#{}$<>"],
        ("image", "a\tb", "a tab"),
        *[("image", f"a{letter}b", "a line break") for letter in "\n\v\f\r"],
        ("group", "a b", "a blank"),
        ("user", "a b", "a blank"),
        ("user", "a:b", "':'"),
        ("host", "a b", "a blank"),
        ("host", "a/b", "'/'"),
        ("service_template", "a<b", "'<'"),
        ("service", "a&b", "'&'"),
        ("document", "a\nb", "a line break"),
    ],
)
def test_a_character_that_no_name_has_is_told(kind, name, wrong):
    message, data = refusal(names.valid, kind, "thing", name)
    assert message == f"The name of a thing cannot have {wrong}: {name!r}."
    assert data == {"object": kind, "name": name}


@pytest.mark.parametrize(
    ("kind", "name", "most"), [("image", "x" * 129, 128), ("image", "ü" * 65, 128), ("host", "n" * 64, 63)]
)
def test_a_name_that_is_too_long_is_told(kind, name, most):
    message, data = refusal(names.valid, kind, "thing", name)
    assert message == f"The name of a thing has at most {most} bytes: '{name[:20]}…' is longer."
    assert data == {"object": kind, "name": name}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_message_about_a_name_has_the_article_of_its_kind(kind):
    message, dummy = refusal(names.valid, kind, label(kind), "")
    article = "an" if kind in ("acl", "image") else "a"
    assert message == f"The name of {article} {label(kind)} cannot be empty."


def test_no_message_has_an_article_of_its_own_before_a_word_that_is_filled_in():
    """A word of with_article() has the right one."""
    sources = (Path(names.__file__).parents[2]).rglob("*.py")
    assert [str(one) for one in sources if re.search(r"\b[Aa]n? (?:%[sr]|\{)", one.read_text("utf-8"))] == []


def test_a_name_that_is_empty_is_told():
    assert names.trimmed("thing", None) is None
    assert names.trimmed("thing", " a ") == "a"
    assert refusal(names.trimmed, "thing", " ", id=3) == ("The name of a thing cannot be empty.", {"id": 3})
    assert refusal(names.valid, "image", "thing", "") == ("The name of a thing cannot be empty.", {"object": "image"})


def test_blanks_around_names_never_count():
    a, b, c = Element(NAME="a"), Element(NAME=" a "), Element(NAME="b")
    assert names.by_name([a, b, c]) == {"a": [a, b], "b": [c]}


# ---------------------------------------------------------------- encrypted attributes

HIDDEN = base64.b64encode(b"x" * 16).decode()


@pytest.mark.parametrize(
    ("kind", "present", "given", "hidden"),
    [
        ("host", {"EC2_SECRET": HIDDEN}, {"EC2_SECRET": "a"}, True),
        ("host", {"EC2_SECRET": HIDDEN}, {"EC2_SECRET": HIDDEN}, False),
        ("host", {"EC2_SECRET": HIDDEN}, {"OTHER": "a"}, False),
        ("host", {"EC2_SECRET": "plain"}, {"EC2_SECRET": "a"}, False),
        ("host", {"EC2_SECRET": ""}, {"EC2_SECRET": "a"}, False),
        ("host", {"EC2_SECRET": base64.b64encode(b"x" * 15).decode()}, {"EC2_SECRET": "a"}, False),
        ("host", {"EC2_SECRET": base64.b64encode(b"x" * 48).decode()}, {"EC2_SECRET": "a"}, True),
        ("host", {"EC2_SECRET": HIDDEN[:4] + "\n" + HIDDEN[4:]}, {"EC2_SECRET": "a"}, False),
        ("host", {"EC2_SECRET": "ü" * 16}, {"EC2_SECRET": "a"}, False),
        ("host", {}, {"EC2_SECRET": "a"}, False),
        ("image", {"EC2_SECRET": HIDDEN}, {"EC2_SECRET": "a"}, False),
        ("template", {"CONTEXT": {"PASSWORD": HIDDEN}}, {"CONTEXT": {"PASSWORD": "a"}}, True),
        ("template", {"CONTEXT": {"PASSWORD": HIDDEN}}, {"PASSWORD": "a"}, False),
        ("template", {"CONTEXT": "text"}, {"CONTEXT": {"PASSWORD": "a"}}, False),
        ("template", {"CONTEXT": {"PASSWORD": HIDDEN}}, {"CONTEXT": []}, False),
        ("template", {"PASSWORD": HIDDEN}, {"PASSWORD": "a"}, False),
    ],
)
def test_an_encrypted_value_is_hidden_where_another_one_is_given(kind, present, given, hidden):
    assert encrypted.is_hidden(kind, present, given) is hidden
    assert (encrypted.assumed(kind, present, given) == present) is not hidden


def test_what_is_given_is_assumed_to_be_what_is_hidden():
    present = {"ONE_PASSWORD": HIDDEN, "EC2_SECRET": HIDDEN, "A": "1"}
    assert encrypted.assumed("host", present, {"ONE_PASSWORD": "a", "A": "2"}) == dict(present, ONE_PASSWORD="a")
    present = {"CONTEXT": {"PASSWORD": HIDDEN, "A": "1"}, "ONEAPP_ONEKS_CLUSTER_SPEC": HIDDEN}
    given = {"CONTEXT": {"PASSWORD": "a"}, "ONEAPP_ONEKS_CLUSTER_SPEC": "b"}
    assert encrypted.assumed("template", present, given) == {
        "CONTEXT": {"PASSWORD": "a", "A": "1"},
        "ONEAPP_ONEKS_CLUSTER_SPEC": "b",
    }
    assert present["CONTEXT"]["PASSWORD"] == HIDDEN
