# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Where the scheduler places the VMs of a group; rights to groups."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

PENDING, ACTIVE = "1", "3"


@pytest.fixture
def place(simulator, one):
    """place(group template, role, role, …) -> the host of a new VM in each role; None for one that waits."""
    for name in ("host0", "host1"):
        one("host.allocate", name, "dummy", "dummy", 0)

    def run(group, *roles):
        assert one("vmgroup.allocate", f'NAME="g" {group}')[0]
        hosts = []
        for role in roles:
            answer = one("vm.allocate", f'CPU="0.1" MEMORY="32" VMGROUP=[VMGROUP_ID="0",ROLE="{role}"]', False)
            assert answer[0], answer
            one("hostpool.info")
            shown = ElementTree.fromstring(one("vm.info", answer[1])[1])
            assert shown.findtext("STATE") in (PENDING, ACTIVE)
            hosts.append(shown.findtext(".//HISTORY/HID"))
        return hosts

    return run


@pytest.mark.parametrize(
    ("group", "roles", "hosts"),
    [
        ('ROLE=[NAME="a"]', "aaa", ["0", "1", "0"]),
        ('ROLE=[NAME="a",POLICY="AFFINED"]', "aaa", ["0", "0", "0"]),
        ('ROLE=[NAME="a",POLICY="anti_affined"]', "aaa", ["0", "1", None]),
        ('ROLE=[NAME="a",HOST_AFFINED="1"]', "aa", ["1", "1"]),
        ('ROLE=[NAME="a",HOST_ANTI_AFFINED="0, 7"]', "aa", ["1", "1"]),
        ('ROLE=[NAME="a",HOST_AFFINED="7"]', "a", [None]),
        ('ROLE=[NAME="a"] ROLE=[NAME="b"] AFFINED="a, b"', "aba", ["0", "0", "0"]),
        ('ROLE=[NAME="a"] ROLE=[NAME="b"] ANTI_AFFINED="a,b"', "abb", ["0", "1", "1"]),
        ('ROLE=[NAME="a"] ROLE=[NAME="b"] ROLE=[NAME="c"] ANTI_AFFINED="a,b"', "aca", ["0", "1", "0"]),
    ],
)
def test_places(place, group, roles, hosts):
    assert place(group, *roles) == hosts


def test_a_vm_that_ends_makes_room(place, one):
    place('ROLE=[NAME="a",POLICY="ANTI_AFFINED"]', "a", "a")
    one("vm.recover", 0, 3)
    assert "<VMS><![CDATA[1]]></VMS>" in one("vmgroup.info", 0)[1]
    one("vm.allocate", 'CPU="0.1" MEMORY="32" VMGROUP=[VMGROUP_NAME="g",ROLE="a"]', False)
    one("hostpool.info")
    assert "<HID>0</HID>" in one("vm.info", 2)[1]


@pytest.mark.parametrize(
    ("group", "why"),
    [
        ('AFFINED="a,b" AFFINED="b,a"', "Duplicated AFFINED rule (b,a) detected."),
        (
            'ROLE=[NAME="c",POLICY="ANTI_AFFINED"] AFFINED="a,c"',
            "Role c is in an AFFINED rule but the role policy is ANTI_AFFINED",
        ),
    ],
)
def test_rules_that_contradict(one, group, why):
    answer = one("vmgroup.allocate", f'NAME="g" ROLE=[NAME="a"] ROLE=[NAME="b"] {group}')
    assert answer[1] == f"[one.vmgroup.allocate] {why}"


def test_rules_hold_when_roles_change(one):
    one("vmgroup.allocate", 'NAME="g" ROLE=[NAME="a"] ROLE=[NAME="b"] AFFINED="a,b"')
    for method, arguments in (
        ("roledelete", [1]),
        ("roleupdate", [1, 'ROLE=[NAME="renamed"]']),
        ("roleupdate", [1, 'ROLE=[POLICY="ANTI_AFFINED"]']),
    ):
        before = one("vmgroup.info", 0)
        assert one(f"vmgroup.{method}", 0, *arguments)[0] is False
        assert one("vmgroup.info", 0) == before


def test_a_group_with_vms_is_not_changed(one):
    one("vmgroup.allocate", 'NAME="g" ROLE=[NAME="a"] ROLE=[NAME="b"]')
    one("vm.allocate", 'CPU="0.1" MEMORY="32" VMGROUP=[VMGROUP_ID="0",ROLE="a"]', True)
    assert one("vmgroup.update", 0, 'AFFINED="a,b"', 1)[1] == (
        "[one.vmgroup.update] Cannot update template. VM Group has 1 VMs"
    )
    assert one("vmgroup.roleupdate", 0, 0, 'ROLE=[NAME="x"]')[1] == (
        "[one.vmgroup.roleupdate] VMGroup 0 Role 0 has VMs, unable to update"
    )
    assert one("vmgroup.roleupdate", 0, 1, 'ROLE=[NAME="x",VMS="7",ID="9"]')[0]
    assert "<VMS><![CDATA[7]]>" not in one("vmgroup.info", 0)[1]


def test_the_right_to_use_a_group(one):
    one("user.allocate", "alice", "secret", "core", [])
    one("vmgroup.allocate", 'NAME="g" ROLE=[NAME="a"]')
    for wanted in ('VMGROUP_ID="0"', 'VMGROUP_NAME="g",VMGROUP_UID="0"'):
        body = f'CPU="0.1" MEMORY="32" VMGROUP=[{wanted},ROLE="a"]'
        answer = one("vm.allocate", body, True, session="alice:secret")
        assert answer[1] == "[one.vm.allocate] User [2] : Not authorized to perform USE VMGROUP [0]."
