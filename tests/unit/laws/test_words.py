# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""OpenNebula's own words and lists are taken by every option, planned, stored, and unchanged on the second run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import as_said
from modules import Lab

RANGE = {"type": "IP4", "ip": "10.1.1.1", "size": 10}
SMALL = {"cpu": 0.1, "memory": "64"}
ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    *(
        ("one_vrouter", {"nics": [{"network": "net", "security_groups": groups}]})
        for groups in ([0], ["default"], "0", "default", ["default", 0], [], "")
    ),
    ("one_vrouter", {"template": {"NIC": [{"NETWORK": "net", "SECURITY_GROUPS": ["0"]}]}}),
    ("one_acl", {"user": "oneadmin", "rules": [{"resources": ["NET"], "rights": ["USE"], "object": 0}]}),
    ("one_acl", {"user": "oneadmin", "rules": [{"resources": "VM,SecGroup", "rights": "Use,MANAGE"}]}),
    ("one_user", {"password": "p", "quotas": {"VM": {"VMS": 3}, "DATASTORE": {"default": {"SIZE": "1 GB"}}}}),
    ("one_vm_group", {"roles": [{"name": "a", "policy": "AFFINED"}]}),
    ("one_backupjob", {"datastore": "bck", "backup_mode": "FULL", "execution": "PARALLEL"}),
    ("one_datastore", {"type": "SYSTEM", "tm_mad": "dummy"}),
    ("one_datastore", {"type": "system_ds", "tm_mad": "dummy"}),
    ("one_image", {"datastore": "default", "type": "Datablock", "size": "1"}),
    ("one_security_group", {"rules": [{"protocol": "TCP", "direction": "INBOUND"}]}),
    ("one_vm", {**SMALL, "state": "RUNNING"}),
    ("one_hook", {"type": "STATE", "resource": "VM", "resource_state": "ACTIVE", "lcm_state": "BOOT", "command": "a"}),
    ("one_hook", {"type": "api", "call": "vm.allocate", "command": "a"}),
    ("one_template", {"template": {"CPU": 1}, "template_mode": "MERGE", "lock": "USE"}),
    *(
        ("one_vnet", {"vn_mad": "dummy", "bridge": "b", "address_ranges": [{**RANGE, **more}]})
        for more in ({"dns": ["8.8.8.8", "1.1.1.1"]}, {"mac": None, "ip6": ""}, {"security_groups": ["default"]})
    ),
]


@pytest.mark.parametrize(("module", "options"), ACCEPTED)
def test_it_is_planned_done_and_unchanged(lab: Lab, module: str, options: dict[str, Any]) -> None:
    named = options if module == "one_acl" else {"name": lab.name(), **options}
    planned, first, second = lab.twice(module, **named)
    assert (planned.message, planned.changed, first.message, first.changed) == ("", True, "", True)
    assert second is not None
    assert (second.message, second.changed) == ("", False)


@pytest.mark.parametrize("dns", ["", ["8.8.8.8"], "1.1.1.1"])
def test_members_of_a_range_that_exists_are_replaced_and_removed(lab: Lab, dns: str | list[str]) -> None:
    """An empty member takes an attribute away; an empty address means nothing, as a range keeps its addresses."""
    lab.run("one_vnet", name="ranged", vn_mad="dummy", bridge="b", address_ranges=[{**RANGE, "dns": ["9.9.9.9"]}])
    given = {**RANGE, "dns": dns, "mac": "", "ip6": ""}
    planned, first, second = lab.twice("one_vnet", name="ranged", address_ranges=[given])
    assert (planned.message, first.message, first.changed) == ("", "", True)
    assert second is not None
    assert (second.message, second.changed) == ("", False)


UNTOLD = [("one.vm.info", "runs no hooks"), ("vm.alocate", "Did you mean one.vm.allocate?"), ("", "does not exist")]


@pytest.mark.parametrize(("call", "words"), UNTOLD)
def test_a_call_that_runs_no_hook_is_refused_before_anything_is_sent(lab: Lab, call: str, words: str) -> None:
    planned, first, dummy = lab.twice("one_hook", name=lab.name(), type="api", call=call, command="a")
    assert (planned.message, first.writes) == (first.message, [])
    assert words in first.message


SPEC = {
    "word": {"type": "str", "choices": ["one", "Two"], "aliases": ["other"]},
    "words": {"type": "list", "elements": "str", "choices": ["one", "two"]},
    "inside": {"type": "list", "elements": "dict", "options": {"word": {"type": "str", "choices": ["one"]}}},
    "free": {"type": "str"},
    "whether": {"type": "bool", "choices": [True]},
}
GIVEN = [
    ({"word": "ONE"}, {"word": "one"}),
    ({"other": " two "}, {"other": "Two"}),
    ({"word": "three"}, {"word": "three"}),
    ({"words": ["ONE", "three", 2]}, {"words": ["one", "three", 2]}),
    ({"words": "ONE, Two"}, {"words": "one,two"}),
    ({"inside": [{"word": "One", "x": "ONE"}]}, {"inside": [{"word": "one", "x": "ONE"}]}),
    ({"free": "ONE", "whether": "TRUE", "unknown": "ONE"}, {"free": "ONE", "whether": "TRUE", "unknown": "ONE"}),
    ({"word": None, "words": None, "inside": None, "free": None}, {}),
    ({"inside": [{"word": None, "x": None}]}, {"inside": [{}]}),
]


@pytest.mark.parametrize(("given", "found"), GIVEN)
def test_words_are_taken_in_any_case(given: dict[str, Any], found: dict[str, Any]) -> None:
    before = repr(given)
    assert as_said(given, SPEC) == found
    assert repr(given) == before
