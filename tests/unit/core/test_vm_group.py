# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Roles and rules of a VM group: one form, told apart by name."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import vm_group

WEB = {"id": 0, "name": "web", "policy": "affined", "host_affined": [1], "host_anti_affined": []}
DB = {"id": 1, "name": "db", "policy": "none", "host_affined": [], "host_anti_affined": []}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ([], []),
        ([["b", "a"], ["c", "c "]], [["a", "b"], ["c"]]),
        ([["z", "y"], ["b", "a"]], [["a", "b"], ["y", "z"]]),
    ],
)
def test_rules_have_one_form(given, canonical):
    found = vm_group.canonical_rules(None, given)
    assert found == canonical
    assert vm_group.canonical_rules(None, found) == found


@pytest.mark.parametrize(
    ("purge", "wanted", "after"),
    [
        (False, [], [WEB, DB]),
        (True, [], []),
        (False, [{"name": "web", "policy": "none"}], [{**WEB, "policy": "none"}, DB]),
        (True, [{"name": "db"}], [DB]),
        (False, [{"name": "new", "policy": "affined"}], [WEB, DB, {"name": "new", "policy": "affined"}]),
        (True, [{"name": "web", "host_affined": []}], [{**WEB, "host_affined": []}]),
    ],
)
def test_roles_are_told_apart_by_name_and_keep_what_is_not_given(purge, wanted, after):
    modes = Modes(purge=frozenset(["purge_roles"] if purge else ["purge_rules"]))
    assert vm_group.merged_roles([WEB, DB], wanted, modes) == after


def test_a_role_is_given_once():
    with pytest.raises(Failure, match="given twice"):
        vm_group.canonical_roles(None, [{"name": "web"}, {"name": "web"}])


@pytest.mark.parametrize(("text", "ids"), [(None, []), ("", []), ("3,1", [1, 3]), ("x", [])])
def test_hosts_and_vms_are_numbers(text, ids):
    assert vm_group.numbers(text) == ids


def converge(one, wanted, apply=True, **modes):
    return Engine(Cloud(one), vm_group.VM_GROUP, Modes(**modes), apply).converge("shop", None, wanted)


def test_roles_that_are_removed_leave_the_rules_first(one):
    roles = [{"name": name} for name in ("web", "db", "cache", "batch", "report")]
    roles[1]["host_affined"] = ["host"]
    rules = {"affined": [["web", "db", "cache"]], "anti_affined": [["report", "batch"]]}
    wanted = {"roles": roles, **rules, "template": {"A": "1"}}
    planned, done = (converge(one, wanted, apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert (done.record["affined"], done.record["anti_affined"]) == ([["cache", "db", "web"]], [["batch", "report"]])
    left = converge(one, {"roles": roles[:2]}, purge=frozenset(["purge_roles"])).record
    assert ([role["name"] for role in left["roles"]], left["anti_affined"]) == (["web", "db"], [])
    assert (left["affined"], left["roles"][1]["host_affined"], left["template"]) == ([["db", "web"]], [0], {"A": "1"})
    assert not converge(one, {"roles": roles[:2]}, purge=frozenset(["purge_roles"])).changed


def test_a_role_changes_and_another_one_is_added(one):
    converge(one, {"roles": [{"name": "web", "policy": "affined"}]})
    wanted = {"roles": [{"name": "web", "host_anti_affined": ["host"]}, {"name": "new", "policy": "affined"}]}
    planned, done = (converge(one, wanted, apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    found = {role["name"]: (role["policy"], role["host_anti_affined"]) for role in done.record["roles"]}
    assert found == {"web": ("affined", [0]), "new": ("affined", [])}
    assert not converge(one, wanted).changed


def test_a_replaced_template_keeps_the_rules(one):
    converge(one, {"roles": [{"name": "web"}, {"name": "db"}], "affined": [["web", "db"]], "template": {"A": "1"}})
    found = converge(one, {"template": {"B": "2"}}, template="replace").record
    assert (found["template"], found["affined"]) == ({"B": "2"}, [["db", "web"]])
    assert converge(one, {"affined": []}).record["affined"] == []
