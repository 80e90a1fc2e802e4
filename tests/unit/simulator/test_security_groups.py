# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How the rules of a security group reach its VMs."""

from __future__ import annotations

import re

import pytest

OLD, NEW = '"22"', '"443"'


def rule(ports):
    return f"RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE={ports}]"


@pytest.fixture
def vms(one):
    """Three VMs of the group 100: 0 and 1 run, 2 is on hold."""
    one("secgroup.allocate", f"NAME=web {rule(OLD)}")
    network = 'NAME="n" VN_MAD="dummy" BRIDGE="b" SECURITY_GROUPS="100" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="9"]'
    one("vn.allocate", network, 0)
    one("host.allocate", "h", "dummy", "dummy", 0)
    for oid in range(3):
        one("vm.allocate", 'CPU="1" MEMORY="64" NIC=[NETWORK_ID="0"]', True)
        if oid < 2:
            assert one("vm.deploy", oid, 0, False, -1, "")[0]
    for dummy in range(3):
        one("system.version")


def sets(one):
    shown = one("secgroup.info", 100)[1]
    names = ("UPDATED", "OUTDATED", "UPDATING", "ERROR")
    found = {name: re.search(f"<{name}_VMS>(.*?)</{name}_VMS>", shown)[1] for name in names}
    return {name: [int(oid) for oid in re.findall("<ID>(.*?)</ID>", inner)] for name, inner in found.items() if inner}


def ports(one, oid):
    return re.findall(r"<SECURITY_GROUP_RULE>.*?<RANGE><!\[CDATA\[(.*?)]]>", one("vm.info", oid)[1])


@pytest.mark.usefixtures("vms")
def test_new_rules_reach_one_host_after_the_other(simulator, one):
    assert sets(one) == {"UPDATED": [0, 1, 2]}
    events = simulator.cloud.events
    events.delay = 10
    now = events.clock()
    events.clock = lambda: now
    one("secgroup.update", 100, f"NAME=web {rule(NEW)}", 0)
    assert sets(one) == {"OUTDATED": [1, 2], "UPDATING": [0]}
    assert (ports(one, 0), ports(one, 1)) == (["443"], ["22"])
    now += 11
    assert sets(one) == {"UPDATED": [0], "OUTDATED": [2], "UPDATING": [1]}
    now += 11
    assert sets(one) == {"UPDATED": [0, 1, 2]}
    assert [ports(one, oid) for oid in range(3)] == [["443"]] * 3


@pytest.mark.usefixtures("vms")
def test_a_recovery_leaves_alone_those_that_have_the_rules(simulator, one):
    simulator.cloud.events.failures.append(("update_sg", "vm-1"))
    one("secgroup.update", 100, rule(NEW), 0)
    for dummy in range(3):
        one("system.version")
    assert sets(one) == {"UPDATED": [0, 2], "ERROR": [1]}
    simulator.cloud.events.failures.clear()
    simulator.cloud.events.delay = 3600
    assert one("secgroup.commit", 100, True) == [True, 100, 0]
    assert sets(one) == {"UPDATED": [0, 2], "UPDATING": [1]}


@pytest.mark.usefixtures("vms")
def test_a_group_in_use_stays(one):
    assert one("secgroup.delete", 100)[1:3] == [
        "[one.secgroup.delete] Cannot delete security group. The security group has VMs using it",
        2048,
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('PROTOCOL=ICMP,RULE_TYPE=inbound,RANGE="1"', "RANGE is supported only for TCP and UDP protocols."),
        ('PROTOCOL=UDP,RULE_TYPE=inbound,RANGE="x"', "Invalid RANGE specification."),
        ('PROTOCOL=UDP,RULE_TYPE=inbound,RANGE="1:65537"', "RANGE out of bounds 0-65536."),
        ('PROTOCOL=UDP,RULE_TYPE=inbound,RANGE="2:1"', "RANGE BEGIN value is greater than RANGE END value"),
    ],
)
def test_ports_are_checked_where_a_rule_is_written(one, rule, said):
    assert said in one("secgroup.allocate", f"NAME=refused RULE=[{rule}]")[1]
