# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Rules of a security group: one form, and a set."""

from __future__ import annotations

import pytest
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
