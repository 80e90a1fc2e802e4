# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Plans of DRS: asked for, carried out, discarded."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes.template import canonical_numbers
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.cluster import (
    CLUSTER,
    CLUSTER_WITH_PLAN,
    RESERVING,
    PlanRequest,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.states import last_record

REQUESTED, EXECUTED, ABSENT = ({"plan": PlanRequest(action, 0.3)} for action in ("requested", "executed", "absent"))


@pytest.fixture
def vms(one):
    """Four VMs on the host; there is a second host."""
    found = [one.template.instantiate(0, f"vm-{number}", False, {"CPU": "1"}) for number in range(4)]
    one.vmpool.info(-2, -1, -1, -1)  # lets the scheduler and the driver do their work
    one.host.allocate("other", "dummy", "dummy", 0)
    one.hostpool.info()
    return found


@pytest.fixture
def make(simulator, one):
    """make(wanted) → (Report, names of the calls) of the cluster default; check=True only plans."""

    def task(wanted, check=False, waits=True):
        calls = []
        options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
        cloud = Cloud(connect(options, read_only=check, on_call=calls.append), 10)
        engine = Engine(cloud, CLUSTER_WITH_PLAN, apply=not check, waits=waits)
        return engine.converge("default", None, wanted), calls

    return task


def test_a_plan_is_asked_for_and_carried_out(one, vms, make):
    planned = make(REQUESTED, check=True)[0]
    assert set(planned.record) == set(make(ABSENT, check=True)[0].record), "an act leaves nothing to see"
    asked = make(REQUESTED)[0]
    assert (asked.changed, asked.before, asked.after) == (planned.changed, planned.before, planned.after)
    assert asked.changed
    plan = asked.record["plan"]
    assert plan["state"] == "ready"
    assert {(action["operation"], action["host_id"], action["state"]) for action in plan["actions"]} == {
        ("migrate", 1, "ready")
    }

    planned = make(EXECUTED, check=True)[0]
    assert planned.before["plan"] == plan
    done = make(EXECUTED)[0]
    assert (done.changed, done.before, done.after) == (True, planned.before, planned.after)
    assert done.record["plan"]["state"] == "done"
    assert sorted(last_record(one.vm.info(oid)).HID for oid in vms) == [0, 0, 1, 1]

    again, calls = make(EXECUTED)
    assert not again.changed
    assert calls == ["one.clusterpool.info", "one.cluster.info"]


def test_a_plan_is_discarded(vms, make):
    make(REQUESTED)
    assert make(ABSENT)[0].record["plan"] is None
    assert not make(ABSENT)[0].changed
    assert not make(EXECUTED)[0].changed, "there is nothing to carry out"


def test_an_old_plan_is_not_taken_for_the_new_one(one, vms, make):
    make(REQUESTED)
    make(EXECUTED)
    report = make(REQUESTED)[0]
    assert report.changed
    assert report.record["plan"] is None, "nothing would be better elsewhere"


def test_a_plan_that_fails_is_told(simulator, one, vms, make):
    make(REQUESTED)
    one.host.delete(1)
    with pytest.raises(Failure, match=r"The plan of cluster default has failed: VM \d to host 1 \(error\), VM"):
        make(EXECUTED)
    with pytest.raises(Failure, match="has failed"):
        make(EXECUTED)


def test_a_plan_that_is_under_way_is_waited_for(simulator, vms, make):
    make(REQUESTED)
    simulator.cloud.events.delay = 0.2
    assert make(EXECUTED, waits=False)[0].record["plan"]["state"] == "applying"
    with pytest.raises(Failure, match="previous plan is currently being applied"):
        make(REQUESTED)
    report = make(EXECUTED)[0]
    assert (report.changed, report.record["plan"]["state"]) == (False, "done")


def test_who_does_not_speak_of_plans_does_not_read_them(simulator, one):
    calls = []
    options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
    cloud = Cloud(connect(options, on_call=calls.append), 10)
    assert "plan" not in Engine(cloud, CLUSTER).converge("default", None, {}).record
    assert calls == ["one.clusterpool.info"]


def test_a_cluster_goes_with_its_members_out_of_it_where_the_task_says_so(one):
    cloud = Cloud(one)
    wanted = {"hosts": ["host"], "datastores": ["default"], "vnets": ["net"]}
    edge = Engine(cloud, CLUSTER).converge("edge", None, wanted).record["id"]
    with pytest.raises(Failure, match="Cannot remove cluster edge"):
        Engine(Cloud(one), CLUSTER).remove("edge", None)
    assert Engine(Cloud(one), CLUSTER, Modes(purge=frozenset(["purge"]))).remove("edge", None).changed
    assert edge not in [cluster.ID for cluster in one.clusterpool.info().CLUSTER]
    assert one.host.info(0).CLUSTER_ID == 0


@pytest.mark.parametrize("text", ["0", "100", "-100", "+5", "10%", "-10%", "150%", "00100", ""])
def test_what_a_host_may_reserve(text):
    given = {"RESERVED_CPU": text, "RESERVED_MEM": text}
    assert canonical_numbers(RESERVING, None, given) == given


@pytest.mark.parametrize(
    "text", ["ten", "1.5", "20.9", "1.5%", "10 GB", "1e3", "5x", "0x10", "10 %", "%", "5%%", "- 5", "--1"]
)
def test_what_no_host_can_reserve(text):
    with pytest.raises(
        Failure, match=r"^The option template \(RESERVED_CPU\) takes a whole number of hundredths of a core"
    ):
        canonical_numbers(RESERVING, None, {"RESERVED_CPU": text})
