# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The pure functions of the core, and the clock."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import values as difference
from ansible_collections.privazio.opennebula.plugins.module_utils._core import waiting
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import lacking
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import selection as census
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneTemplateException


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("1", "1.0", True),
        ("0.5", ".50", True),
        ("yes", "YES", True),
        ("true", "YES", True),
        ("no", "YES", False),
        ("abc", "ABC", False),
        ("1_0", "10", False),
        ("", "0", False),
        ("", "", True),
    ],
)
def test_texts_compare_as_opennebula_would(one, other, alike):
    assert difference.same(one, other) is alike
    turned = {"one": other, "other": one}
    assert difference.same(**turned) is alike


def test_canonical_is_idempotent():
    given = {"cpu": 1, "context": {"network": True, "none": None}, "disk": [{"size": 5}], "text": "  x ", "gone": None}
    once = difference.canonical(given)
    assert once == {"CPU": "1", "CONTEXT": {"NETWORK": "YES"}, "DISK": [{"SIZE": "5"}], "TEXT": "x"}
    assert difference.canonical(once) == once


@pytest.mark.parametrize("wrong", [{"A": {"B": {"C": 1}}}, {"A": [{"B": {"C": 1}}]}, {"A": {"B": [{"C": 1}]}}])
def test_a_vector_has_no_vector_inside(wrong):
    with pytest.raises(
        OneTemplateException, match="the member B of the vector A has to be a text, a number or a list of these"
    ):
        difference.canonical(wrong)


PRESENT = {
    "CPU": "1",
    "NIC": [{"NIC_ID": "0", "NETWORK": "a"}, {"NIC_ID": "1", "NETWORK": "b"}],
    "OS": {"ARCH": "x", "BOOT": ""},
}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"CPU": "1.0"},
        {"OS": {"ARCH": "x"}},
        {"NIC": [{"NETWORK": "a"}, {"NETWORK": "b"}]},
        {"NIC": [{"NIC_ID": "0"}, {"NIC_ID": "1", "NETWORK": "b"}]},
        {"NOTHING": []},
    ],
)
def test_what_is_there_already_makes_no_difference(wanted):
    assert difference.merged_template(PRESENT, wanted) == PRESENT


def test_only_declared_members_change():
    after = difference.merged_template(PRESENT, {"OS": {"BOOT": "disk0"}, "NIC": [{"NIC_ID": "1", "NETWORK": "c"}]})
    assert after["OS"] == {"ARCH": "x", "BOOT": "disk0"}
    assert after["NIC"] == [{"NIC_ID": "1", "NETWORK": "c"}]
    assert after["CPU"] == "1"


def test_replace_keeps_what_the_server_manages():
    after = difference.merged_template({"A": "1", "IM_MAD": "kvm"}, {"B": "2"}, replace=True, managed={"IM_MAD"})
    assert after == {"B": "2", "IM_MAD": "kvm"}
    assert difference.merged_template(after, {"B": "2"}, replace=True, managed={"IM_MAD"}) == after


def test_an_empty_list_removes():
    after = difference.merged_template(PRESENT, {"NIC": []})
    assert "NIC" not in after
    assert difference.changed_names(PRESENT, after) == ([], ["NIC"])


def test_contrast_shows_only_what_differs():
    before, after = difference.contrast(
        {"a": 1, "t": {"X": "1", "Y": "2"}}, {"a": 1, "t": {"X": "1", "Y": "3"}, "n": 0}
    )
    assert (before, after) == ({"t": {"Y": "2"}}, {"t": {"Y": "3"}, "n": 0})


def test_secrets_are_covered_wherever_they_are():
    shown = difference.masked({"T": {"PASSWORD": "x", "EMPTY_TOKEN": "", "V": [{"SSH_PASSPHRASE": "y", "A": "z"}]}})
    assert shown == {
        "T": {"PASSWORD": difference.MASK, "EMPTY_TOKEN": "", "V": [{"SSH_PASSPHRASE": difference.MASK, "A": "z"}]}
    }
    assert difference.masked({"TOKEN": ["x", "", "y"]}) == {"TOKEN": [difference.MASK, "", difference.MASK]}


class StillClock(waiting.Clock):
    """A clock that sleeping moves."""

    def __init__(self):
        self.time = 0.0
        self.pauses = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.time += seconds


def test_waiting_slows_down_and_ends_in_time():
    clock = StillClock()
    with pytest.raises(Failure, match=r"after 20 s: vm is pending\. Give a longer wait_timeout"):
        waiting.wait(lambda: "pending", lambda state: state == "running", 20, clock, lambda state: "vm is " + state)
    assert clock.time == pytest.approx(20)
    assert clock.pauses[:-1] == sorted(clock.pauses[:-1])
    assert max(clock.pauses) <= clock.LONGEST


def test_waiting_returns_what_is_done():
    states = iter(["pending", "boot", "running"])
    clock = StillClock()
    assert waiting.wait(lambda: next(states), lambda state: state == "running", 20, clock, str) == "running"
    assert len(clock.pauses) == 2


@pytest.mark.parametrize(
    ("name", "number"), [("web-00.x", 0), ("web-123.x", 123), ("web-1.x", None), ("web-00", None), ("xweb-00.x", None)]
)
def test_a_pattern_knows_its_names(name, number):
    assert census.Pattern("web-##.x").number(name) == number


def test_a_pattern_numbers_names():
    assert [census.Pattern("web-##").name(number) for number in (0, 7, 100)] == ["web-00", "web-07", "web-100"]


@pytest.mark.parametrize("text", ["web", "#-#", "", None])
def test_a_pattern_has_one_run(text):
    with pytest.raises(Failure, match="single run"):
        census.Pattern(text)


@pytest.mark.parametrize(
    ("needed", "wanted", "missing"),
    [
        ((), {}, []),
        (("size",), {"size": 0}, []),
        (("size", "path"), {}, ["size", "path"]),
        ((("size", "path", "PATH"),), {"template": {"NAME": "x"}}, ["size or path"]),
        ((("size", "path", "PATH"),), {"template": {"PATH": "/x"}}, []),
        (("datastore", ("size", "path")), {"path": "/x"}, ["datastore"]),
    ],
)
def test_what_is_lacking_to_create_an_object(needed, wanted, missing):
    assert lacking(needed, wanted) == missing


SHAPES = [lambda inner: inner, lambda inner: {"A": inner}, lambda inner: {"A": [{"B": 1}, inner]}]


@pytest.mark.parametrize("name", [True, False, None, "true", "false", "null"])
@pytest.mark.parametrize(
    "shape", [lambda inner: inner, lambda inner: {"A": inner}, lambda inner: {"A": [{"B": 1}, inner]}]
)
def test_names_that_yaml_does_not_read_as_texts_are_refused(name, shape):
    with pytest.raises(Failure, match=f"cannot be called {name}; YAML reads .* so: put the name in quotes"):
        difference.declared("template", shape({name: 1}))
    assert difference.declared("template", shape({"TRUE": 1, "ON": 2}))


@pytest.mark.parametrize(
    "shape", [lambda inner: inner, lambda inner: {"A": inner}, lambda inner: {"A": [{"B": 1}, inner]}]
)
def test_a_name_given_twice_is_refused(shape):
    with pytest.raises(Failure, match="names C twice"):
        difference.declared("template", shape({"c": 1, "C": 2}))
