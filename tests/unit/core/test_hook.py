# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Hooks: what one waits for, its log, and executions that are repeated."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import records
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import hook
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

KEEP = Modes()
API = {"type": "api", "command": "/bin/true", "call": "one.zone.rename"}
HOST = {"type": "state", "command": "/bin/true", "resource": "host", "resource_state": "error"}
VM = {**HOST, "resource": "vm", "resource_state": "active", "lcm_state": "running", "timeout_seconds": 60}


@pytest.fixture
def calls():
    return []


@pytest.fixture
def one(simulator, calls):
    return OneServer(simulator.url, session="oneadmin:opennebula", on_call=calls.append)


def converge(one, wanted, apply=True, modes=KEEP, name="h"):
    return Engine(Cloud(one), hook.HOOK, modes, apply).converge(name, None, wanted)


@pytest.mark.parametrize("wanted", [API, HOST, VM])
def test_each_type_is_made_as_planned_and_then_rests(one, wanted):
    planned, done = (converge(one, wanted, apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert done.record["resource"] == wanted.get("resource", "").upper()
    assert done.record["resource_state"] == wanted.get("resource_state", "").upper()
    assert not converge(one, wanted).changed


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        *[(API, option) for option in ("type", "command", "call")],
        *[(HOST, option) for option in ("resource", "resource_state")],
        (VM, "lcm_state"),
    ],
)
def test_what_a_new_hook_needs_is_told_before(one, calls, kind, missing):
    with pytest.raises(Failure, match=rf"to create it, give: {missing}\."):
        converge(one, {option: value for option, value in kind.items() if option != missing})
    assert calls == ["one.hookpool.info"]


@pytest.mark.parametrize("name", ["ON", "on", True, "true"])
def test_yaml_may_read_the_name_on_as_true(one, name):
    wanted = {"type": "state", "command": "/bin/true", "resource": "vm", "template": {name: "RUNNING"}}
    assert converge(one, wanted).record["lcm_state"] == "RUNNING"
    assert not converge(one, wanted).changed


def test_its_options_change_and_its_type_does_not(one):
    converge(one, API)
    changed = converge(one, {"command": "/bin/false", "arguments_stdin": True, "call": "one.vm.allocate"})
    assert (changed.record["command"], changed.record["arguments_stdin"]) == ("/bin/false", True)
    assert changed.before == {"command": "/bin/true", "arguments_stdin": False, "call": "one.zone.rename"}
    with pytest.raises(Failure, match=r"cannot be changed: type \(api\)"):
        converge(one, {"type": "state"})


def test_a_replaced_template_keeps_what_options_say(one):
    converge(one, {**API, "template": {"A": "1"}})
    template = converge(one, {"template": {"B": "2"}}, modes=Modes(template="replace")).record["template"]
    assert (template["B"], template["CALL"], template.get("A")) == ("2", "one.zone.rename", None)


def test_executions_are_read_by_the_info_and_repeated_on_demand(one, calls):
    converge(one, API)
    one.zone.rename(0, "renamed")
    assert "executions" not in converge(one, {}).record
    found = records(Cloud(one), hook.HOOK_WITH_LOG, {})[0]["executions"]
    assert [(item["id"], item["command"], item["code"]) for item in found] == [(0, "/bin/true", 0)]
    assert not converge(one, {"retry": []}).changed
    assert converge(one, {"retry": [0]}, apply=False).changed
    assert "one.hook.retry" not in calls
    for dummy in range(2):
        assert converge(one, {"retry": [0]}).changed
    assert calls.count("one.hook.retry") == 2
