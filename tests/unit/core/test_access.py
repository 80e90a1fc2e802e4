# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Owner, group, mode, lock and labels; which objects an info module returns."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import access
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes.labels import canonical_labels
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import info
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.template import TEMPLATE
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneServer,
    permissions,
)


class Calls(list):
    """The methods that a client was asked for."""

    def changes(self) -> list[str]:
        return [name for name in self if not name.endswith("info")]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def one(simulator, calls) -> OneServer:
    return OneServer(simulator.url, session="oneadmin:opennebula", on_call=calls.append)


def converge(one, how="exact", apply=True, **wanted):
    return Engine(Cloud(one), TEMPLATE, Modes(labels=how), apply).converge("t", None, wanted)


def test_permissions_come_back_as_they_were_set():
    names = [f"{who}_{right}" for who in ("OWNER", "GROUP", "OTHER") for right in "UMA"]
    for digits in map("".join, itertools.product("01234567", repeat=3)):
        element = type("PERMISSIONS", (), dict(zip(names, permissions.bits(digits), strict=True)))
        assert permissions.octal(element) == digits


@pytest.mark.parametrize("text", ["", "64", "648", "6400", "rw-", "1640", "640\n"])
def test_other_texts_are_no_permissions(text):
    with pytest.raises(OneArgumentException, match="three octal digits"):
        permissions.bits(text)


def test_a_mode_has_one_form_and_a_wrong_one_is_told_with_its_option():
    assert access.canonical_mode(None, "0640") == access.canonical_mode(None, "640") == "640"
    with pytest.raises(Failure, match="option mode"):
        access.canonical_mode(None, "9")


def test_all_that_can_be_said_of_access_is_made_true_and_then_rests(one, calls):
    wanted = {"owner": "serveradmin", "group": "users", "mode": "0644", "lock": "use", "labels": ["b", "a"]}
    report = converge(one, template={"CPU": 1}, **wanted)
    assert {name: report.record[name] for name in wanted} == dict(wanted, mode="644")
    calls.clear()
    assert not converge(one, **wanted).changed
    assert sorted(calls) == ["one.grouppool.info", "one.templatepool.info", "one.userpool.info"]


def test_a_check_run_plans_what_the_real_run_does_and_writes_nothing(one, calls):
    converge(one, template={"CPU": 1})
    wanted = {"group": "users", "mode": "600", "lock": "admin", "labels": ["x"]}
    calls.clear()
    plan = converge(one, apply=False, **wanted)
    assert calls.changes() == []
    done = converge(one, **wanted)
    assert (plan.before, plan.after) == (done.before, done.after)


def test_a_lock_goes_before_the_other_changes_and_comes_after_them(one, calls):
    converge(one, template={"CPU": 1}, lock="use")
    calls.clear()
    converge(one, lock="none", mode="640", template={"CPU": 2})
    assert calls.changes()[0] == "one.template.unlock"
    calls.clear()
    converge(one, lock="manage", mode="600")
    assert calls.changes() == ["one.template.chmod", "one.template.lock"]


def test_a_locked_object_says_so(one):
    converge(one, template={"CPU": 1}, lock="use")
    with pytest.raises(Failure, match="locked"):
        converge(one, mode="777")


@pytest.mark.parametrize(
    ("how", "given", "left"),
    [
        ("exact", ["c"], ["c"]),
        ("exact", [], []),
        ("add", ["b", "c"], ["a", "b", "c"]),
        ("add", [], ["a", "b"]),
        ("remove", ["a", "z"], ["b"]),
        ("remove", [], ["a", "b"]),
    ],
)
def test_labels_are_a_set(one, how, given, left):
    converge(one, template={"CPU": 1}, labels=["a", "b"])
    assert converge(one, how, labels=given).record["labels"] == left
    assert not converge(one, how, labels=given).changed


def test_a_replaced_template_keeps_its_labels(one):
    converge(one, template={"CPU": 1}, labels=["a"])
    report = Engine(Cloud(one), TEMPLATE, Modes(template="replace")).converge("t", None, {"template": {"MEMORY": 1}})
    assert report.record["labels"] == ["a"]
    assert "CPU" not in report.record["template"]


def test_a_label_with_a_comma_is_refused(one):
    with pytest.raises(Failure, match="comma"):
        converge(one, labels=["a,b"])


@pytest.mark.parametrize("given", [["a ", " a", "b", ""], []])
def test_canonical_labels_are_canonical(given):
    assert canonical_labels(None, canonical_labels(None, given)) == canonical_labels(None, given)


# ---------------------------------------------------------------- selection


@pytest.fixture
def templates(one):
    ids = [one.template.allocate({"NAME": name, "CPU": 1, "LABELS": "l"}) for name in ("web-1", "WEB-2", "db")]
    one.template.chown(ids[2], 1, 1)
    return ids


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["web-1", "WEB-2", "db"]),
        ({"name": "db"}, ["db"]),
        ({"name": "~web"}, ["web-1"]),
        ({"name": "~*web"}, ["web-1", "WEB-2"]),
        ({"name": "~.*2$"}, ["WEB-2"]),
        ({"name": "nothing"}, []),
        ({"owner": "serveradmin"}, ["db"]),
        ({"owner": "1"}, ["db"]),
        ({"group": "oneadmin"}, ["web-1", "WEB-2"]),
        ({"labels": ["l"]}, ["web-1", "WEB-2", "db"]),
        ({"labels": ["l", "m"]}, []),
    ],
)
def test_objects_that_fit_are_returned_by_one_call(one, calls, templates, options, names):
    calls.clear()
    found = info.records(Cloud(one), TEMPLATE, options)
    assert [record["name"] for record in found] == names
    assert calls == ["one.templatepool.info"]


def test_ids_are_read_one_by_one_and_missing_ones_passed_over(one, calls, templates):
    calls.clear()
    found = info.records(Cloud(one), TEMPLATE, {"ids": [templates[1], 99]})
    assert [record["name"] for record in found] == ["WEB-2"]
    assert calls == ["one.template.info"] * 2


def test_a_wrong_regular_expression_is_told():
    with pytest.raises(Failure, match="not a regular expression"):
        info.pattern("~(")
