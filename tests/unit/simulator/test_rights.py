# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import pytest
from opennebula_simulator.acl import ALL, CLUSTER, GROUP, INDIVIDUAL, RIGHTS, Rule, Rules, types
from opennebula_simulator.errors import Refused
from opennebula_simulator.permissions import Need, Who, new_bits, refusal
from opennebula_simulator.store import NAMED, Kind, Object

HOST = Kind(name="HOST", title="host", method="host", root="HOST", layout=NAMED, clusters=lambda obj: [obj.cluster_id])
ADMIN, ALICE = Who(0, 0, frozenset([0])), Who(2, 1, frozenset([1, 100]))


def host(**fields):
    return Object(HOST, "h", **{"oid": 5, "cluster_id": 7, **fields})


def why(who, operation, obj, *rules):
    known = Rules()
    for rule in rules:
        known.add(rule)
    return refusal(who, [Need(operation, HOST, obj)], known)


@pytest.mark.parametrize(
    ("bits", "operation", "owner", "may"),
    [
        (0o600, "MANAGE", {"uid": 2}, True),
        (0o600, "ADMIN", {"uid": 2}, False),
        (0o600, "USE", {"uid": 3}, False),
        (0o640, "USE", {"gid": 100}, True),
        (0o640, "MANAGE", {"gid": 100}, False),
        (0o604, "USE", {}, True),
        (0o601, "ADMIN", {}, True),
    ],
)
def test_bits(bits, operation, owner, may):
    assert (why(ALICE, operation, host(bits=bits, **owner)) == "") == may


@pytest.mark.parametrize(
    ("user", "resource", "may"),
    [
        (INDIVIDUAL | 2, INDIVIDUAL | 5, True),
        (INDIVIDUAL | 2, INDIVIDUAL | 6, False),
        (INDIVIDUAL | 3, ALL, False),
        (GROUP | 100, CLUSTER | 7, True),
        (GROUP | 100, CLUSTER | 8, False),
        (ALL, ALL, True),
    ],
)
def test_rules(user, resource, may):
    rule = Rule(user, types("HOST") | resource, RIGHTS["USE"])
    assert (why(ALICE, "USE", host(), rule) == "") == may
    assert why(ALICE, "MANAGE", host(), rule) == "Not authorized to perform MANAGE HOST [5]"


def test_a_rule_of_another_zone_is_silent():
    rule = Rule(ALL, types("HOST") | ALL, RIGHTS["USE"], INDIVIDUAL | 99)
    assert why(ALICE, "USE", host(), rule)


def test_locks_bind_administrators_too_and_say_so():
    held = host(uid=2, bits=0o700, lock={"LOCKED": 2, "OWNER": 2, "TIME": 1, "REQ_ID": 1})
    assert why(ADMIN, "MANAGE", held) == "HOST is locked. [5]"
    assert why(ALICE, "MANAGE", held) == "Not authorized to perform MANAGE HOST [5]"
    assert why(ALICE, "USE", held) == ""
    assert refusal(ALICE, [Need("MANAGE", HOST, held, heeds_lock=False)], Rules()) == ""


def test_everything_that_is_missing_is_named():
    needs = [Need("CREATE", HOST), Need("ADMIN", HOST, host())]
    expected = "Not authorized to perform CREATE HOST; Not authorized to perform ADMIN HOST [5]"
    assert refusal(ALICE, needs, Rules()) == expected


def test_malformed_and_repeated_rules():
    rules = Rules()
    rules.add(Rule(INDIVIDUAL | 2, types("TEMPLATE") | INDIVIDUAL, 1))
    with pytest.raises(Refused, match="Rule #2 TEMPLATE/#0 USE #0 already exists"):
        rules.add(Rule(INDIVIDUAL | 2, types("TEMPLATE") | INDIVIDUAL, 1))
    with pytest.raises(Refused, match=r"Rule \* TEMPLATE/#0 USE #0 is malformed: when using the ALL bit"):
        rules.add(Rule(ALL | 5, types("TEMPLATE") | INDIVIDUAL, 1))


def test_chmod_keeps_sets_and_clears():
    assert new_bits([-1, 0, 1, 1, -1, -1, -1, -1, -1], 0o600) == 0o540
    assert new_bits([2, 0, 0, 0, 0, 0, 0, 0, 0], 0o600) is None
