# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Placement plans of clusters."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def cloud(one):
    """Two hosts; the VMs 0 to 3 run on the first, with 1 CPU each."""
    one("host.allocate", "h0", "dummy", "dummy", 0)
    one("host.allocate", "h1", "dummy", "dummy", 0)
    one("system.version")
    for dummy in range(4):
        oid = one("vm.allocate", 'CPU="1" MEMORY="1024"', True)[1]
        assert one("vm.deploy", oid, 0, False, -1, "")[0]
    one("system.version")


def plan(one):
    """State of the plan of cluster 0, and (VM, host, state) of its actions; None without a plan."""
    shown = one("cluster.info", 0)[1]
    found = re.search("<PLAN><ID>0</ID><STATE>(.*?)</STATE>(.*)</PLAN>", shown)
    if found is None:
        return None
    pattern = "<VM_ID>(.*?)</VM_ID><STATE>(.*?)</STATE><OPERATION>migrate</OPERATION><HOST_ID>(.*?)</HOST_ID>"
    return int(found[1]), [tuple(map(int, numbers)) for numbers in re.findall(pattern, found[2])]


def hosts(one):
    return [int(re.findall("<HID>(.*?)<", one("vm.info", oid)[1])[-1]) for oid in range(4)]


@pytest.mark.usefixtures("cloud")
def test_a_balanced_plan_halves_the_difference(one):
    assert plan(one) is None
    assert one("cluster.optimize", 0) == [True, 0, 0]
    state, actions = plan(one)
    assert state == 0
    assert [(state, host) for dummy, state, host in actions] == [(0, 1), (0, 1)]


@pytest.mark.usefixtures("cloud")
def test_a_threshold_limits_the_plan(one):
    one("cluster.update", 0, 'ONE_DRS=[MIGRATION_THRESHOLD="1"]', 1)
    one("cluster.optimize", 0)
    assert len(plan(one)[1]) == 1


@pytest.mark.usefixtures("cloud")
def test_a_packing_plan_empties_a_host(one):
    one("vm.allocate", 'CPU="1" MEMORY="1024"', True)
    one("vm.deploy", 4, 1, False, -1, "")
    one("cluster.update", 0, 'ONE_DRS=[POLICY="pack"]', 1)
    one("cluster.optimize", 0)
    assert plan(one) == (0, [(4, 0, 0)])


@pytest.mark.usefixtures("cloud")
def test_a_plan_is_carried_out(one):
    one("cluster.optimize", 0)
    plan(one)
    assert one("cluster.planexecute", 0) == [True, 0, 0]
    for dummy in range(10):
        one("system.version")
    assert plan(one)[0] == 2
    assert sorted(hosts(one)) == [0, 0, 1, 1]
    assert one("cluster.planexecute", 0)[1:3] == ["[one.cluster.planexecute] Plan is already done", 2048]
    one("cluster.optimize", 0)
    assert plan(one)[0] == 2, "nothing to do: the old plan stays"


@pytest.mark.usefixtures("cloud")
def test_a_plan_under_way_is_left_alone(simulator, one):
    one("cluster.optimize", 0)
    plan(one)
    simulator.cloud.events.delay = 3600
    one("cluster.planexecute", 0)
    state, actions = plan(one)
    assert (state, [state for dummy, state, host in actions]) == (1, [1, 0]), "one migration to a host at a time"
    assert one("cluster.planexecute", 0)[1].endswith("Plan is already applying")
    assert one("cluster.optimize", 0)[1:3] == [
        "[one.cluster.optimize] Can't optimize cluster. A previous plan is currently being applied.",
        2048,
    ]
    assert one("cluster.plandelete", 0) == [True, 0, 0]
    assert plan(one) is None


@pytest.mark.usefixtures("cloud")
def test_a_cluster_may_apply_its_plans_by_itself(one):
    one("cluster.update", 0, 'ONE_DRS=[AUTOMATION="full"]', 1)
    one("cluster.optimize", 0)
    for dummy in range(10):
        one("system.version")
    assert sorted(hosts(one)) == [0, 0, 1, 1]


def test_without_a_plan(one):
    assert one("cluster.planexecute", 0)[1:3] == ["[one.cluster.planexecute] Plan is not ready", 2048]
    assert one("cluster.plandelete", 0)[1:3] == ["[one.cluster.plandelete] Plan for cluster 0 does not exist", 2048]
