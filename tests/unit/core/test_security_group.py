# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Rules of a security group: one form, and a set."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import security_group

SSH = {"protocol": "tcp", "direction": "inbound", "range": "22"}
ALL = {"protocol": "all", "direction": "outbound"}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        (SSH, SSH),
        ({"protocol": "TCP", "direction": "INBOUND", "range": " 22 "}, SSH),
        ({"direction": "inbound", "range": 22, "protocol": "tcp", "ip": None, "size": ""}, SSH),
        ({**SSH, "range": "22, 80:90"}, {**SSH, "range": "22,80:90"}),
        ({**ALL, "ip": "2001:DB8::1", "size": 4}, {**ALL, "ip": "2001:db8::1", "size": "4"}),
        ({**ALL, "network_id": 0}, {**ALL, "network_id": "0"}),
    ],
)
def test_a_rule_has_one_form(given, canonical):
    found = security_group.canonical_rule(given)
    assert found == canonical
    assert security_group.canonical_rule(found) == found


@pytest.mark.parametrize(
    ("purge", "present", "wanted", "after"),
    [
        (True, [SSH, ALL], [ALL, SSH], [SSH, ALL]),
        (True, [SSH, ALL], [ALL], [ALL]),
        (True, [SSH], [], []),
        (False, [SSH], [ALL], [SSH, ALL]),
        (False, [SSH], [], [SSH]),
    ],
)
def test_rules_are_a_set(purge, present, wanted, after):
    modes = Modes(purge=frozenset(["purge_rules"] if purge else ["purge_roles"]))
    assert security_group.merged_rules(present, wanted, modes) == after


def converge(one, wanted, apply=True, **modes):
    return Engine(Cloud(one), security_group.SECURITY_GROUP, Modes(**modes), apply).converge("web", None, wanted)


def test_rules_are_written_beside_the_template(one):
    purge = frozenset(["purge_rules"])
    planned, done = (converge(one, {"rules": [SSH, SSH], "template": {"A": "1"}}, apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert (done.record["rules"], done.record["template"]) == ([SSH], {"A": "1"})
    rule = {**ALL, "network": "net"}
    changed = converge(one, {"rules": [rule]}, purge=purge).record
    assert changed["rules"] == [{**ALL, "network_id": "0"}]
    replaced = converge(one, {"template": {"B": "2"}}, template="replace").record
    assert (replaced["rules"], replaced["template"]) == (changed["rules"], {"B": "2"})
    assert converge(one, {"rules": []}, purge=purge).record["rules"] == []
    assert not converge(one, {"rules": []}, purge=purge).changed


def test_a_rule_has_a_protocol_and_a_direction(one):
    with pytest.raises(Failure, match="The direction of a rule is one of inbound, outbound, not 'up'"):
        converge(one, {"template": {"RULE": [{"PROTOCOL": "TCP", "RULE_TYPE": "up"}]}})


@pytest.mark.parametrize(("updating", "settled"), [([], True), ([3], False)])
def test_vms_that_get_the_rules_are_waited_for(updating, settled):
    group = SimpleNamespace(UPDATING_VMS=SimpleNamespace(ID=updating))
    assert security_group.settled(group, {}) is settled


def test_rules_are_sent_to_vms_that_lack_them():
    attribute = security_group.SECURITY_GROUP.attributes["committed"]
    record = {"id": 7, "name": "web", "committed": False}
    before, after, (step,) = attribute.plan(record, {"committed": True}, Modes())
    assert (before, after, step.method, step.arguments) == (False, True, "secgroup.commit", (7, True))
    assert attribute.plan(dict(record, committed=True), {"committed": True}, Modes()) == (True, True, [])
