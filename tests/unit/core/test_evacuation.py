# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VMs that leave a host, and those that cannot."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import runner
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.evacuation import Evacuation, placed
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.states import last_record


@pytest.fixture
def vms(one):
    """Two VMs on the host, one of them off; there is a second host."""
    found = [one.template.instantiate(0, name) for name in ("web", "db")]
    one.vmpool.info(-2, -1, -1, -1)  # lets the scheduler and the driver do their work
    one.vm.action("poweroff", found[1])
    one.host.allocate("other", "dummy", "dummy", 0)
    one.hostpool.info()
    return found


@pytest.fixture
def make(simulator, one):
    """make(status, how) → (Report, names of the calls): the host evacuated; check=True only plans."""

    def task(status, how="live", destinations=None, waits=True, timeout=10, check=False):
        calls = []
        options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
        cloud = Cloud(connect(options, read_only=check, on_call=calls.append), timeout)
        engine = Engine(cloud, HOST, apply=not check, waits=waits)
        wanted = {"vms": Evacuation(how, destinations, waits)}
        if status == "absent":
            return engine.remove("host", None, wanted), calls
        return engine.converge("host", None, dict(wanted, status=status)), calls

    return task


@pytest.mark.parametrize("how", ["live", "resched"])
def test_a_host_goes_offline_when_it_is_empty(one, vms, make, how):
    planned = make("offline", how, check=True)[0]
    report, calls = make("offline", how)
    assert (report.before, report.after) == (planned.before, planned.after)
    assert report.after == {"status": "offline", "vms": []}
    assert (report.record["status"], report.record["vms"]) == ("offline", [])
    statuses = [index for index, name in enumerate(calls) if name == "one.host.status"]
    moves = [index for index, name in enumerate(calls) if name in ("one.vm.action", "one.vm.migrate")]
    assert len(statuses) == len(moves) == 2
    assert statuses[0] < min(moves) <= max(moves) < statuses[1], "disabled, empty, offline"
    assert [place(one.vm.info(oid)) for oid in vms] == [1, 1]
    assert [one.vm.info(oid).STATE for oid in vms] == [3, 8], "as they were"
    again, calls = make("offline", how)
    assert not again.changed
    assert calls == ["one.hostpool.info"]


def test_a_host_is_removed_when_it_is_empty(one, vms, make):
    assert make("absent")[0].changed
    assert [item.NAME for item in one.hostpool.info().HOST] == ["other"]


def test_what_cannot_move_is_told_and_the_others_go(one, vms, make):
    one.vm.action("suspend", vms[0])
    one.vmpool.info(-2, -1, -1, -1)
    with pytest.raises(Failure) as caught:
        make("offline", "resched")
    failures = caught.value.data["failures"]
    assert [failure["name"] for failure in failures] == ["web"]
    assert failures[0]["reason"] == "VM web is suspended, and in this state it cannot reschedule."
    assert caught.value.message.startswith("1 of 2 VMs did not leave host host. VM %d: VM web is" % vms[0])
    assert (place(one.vm.info(vms[0])), place(one.vm.info(vms[1]))) == (0, 1)
    assert one.host.info(0).STATE == 4, "disabled, not offline"
    assert make("offline", "live")[0].record["status"] == "offline", "the next run goes on from there"


def test_without_room_or_time_the_reason_is_told(one, vms, make):
    with pytest.raises(Failure, match="No host has room for VM web"):
        make("disabled", "live", destinations=["host"])
    one.host.status(1, 1)
    with pytest.raises(Failure, match=r"Time is over, web is running\."):
        make("disabled", "resched", timeout=0)


def test_a_failure_on_the_way_is_not_taken_for_want_of_time(simulator, one, vms, make, monkeypatch):
    simulator.cloud.events.delay = 0.2

    def refuse(cloud, ids, *whole):
        return cloud.call("read the VMs", "vm.info", max(ids) + 1)

    monkeypatch.setattr(runner, "fetch_vms", refuse)
    with pytest.raises(Failure, match="Cannot read the VMs") as caught:
        make("disabled")
    assert "Time is over" not in caught.value.message


def test_without_waiting_vms_are_only_asked(one, vms, make):
    report, calls = make("disabled", "resched", waits=False)
    assert report.changed
    assert calls.count("one.vm.action") == 2
    assert calls.count("one.vmpool.infoset") == 1


def test_an_unknown_destination_is_refused_before_anything_happens(one, vms, make):
    with pytest.raises(Failure, match="There is no host 'othr'; did you mean 'other'"):
        make("disabled", destinations=["othr"])
    assert one.host.info(0).STATE == 2


@pytest.mark.parametrize("status", ["disabled", "absent"])
def test_the_scheduler_does_not_heed_destinations(one, vms, make, status):
    with pytest.raises(Failure, match="destinations goes with evacuate: live"):
        make(status, "resched", destinations=["other"])
    assert one.host.info(0).STATE == 2


def test_a_driver_that_fails_is_told(simulator, one, vms, make):
    simulator.cloud.events.failures = [("migrate", f"vm-{vms[0]}")]
    with pytest.raises(Failure) as caught:
        make("offline")
    failures = caught.value.data["failures"]
    assert [failure["id"] for failure in failures] == [vms[0]]
    assert "VM web has failed: " in failures[0]["reason"]
    assert one.vm.info(vms[0]).LCM_STATE == 3, "it runs where it was"
    assert [place(one.vm.info(oid)) for oid in vms] == [0, 1]
    simulator.cloud.events.failures = []
    assert make("offline")[0].record["vms"] == []


def test_vms_that_leave_by_themselves_are_waited_for(simulator, one, vms, make):
    simulator.cloud.events.delay = 0.2
    one.vm.action("terminate", vms[0])
    one.vm.action("undeploy", vms[1])
    report, calls = make("offline")
    assert report.record["vms"] == []
    assert "one.vm.migrate" not in calls


def test_vms_that_are_booting_are_moved_when_they_run(simulator, one, vms, make):
    simulator.cloud.events.delay = 0.2
    one.vm.action("resume", vms[1])
    assert make("offline")[0].record["vms"] == []
    assert [(one.vm.info(oid).LCM_STATE, place(one.vm.info(oid))) for oid in vms] == [(3, 1), (3, 1)]


def test_a_host_in_service_is_not_emptied(one, vms, make):
    with pytest.raises(Failure, match="state: disabled, offline or absent"):
        make("enabled")


def place(item):
    return last_record(item).HID


def machine(oid, memory, cpu):
    return SimpleNamespace(ID=oid, TEMPLATE={"MEMORY": str(memory), "CPU": str(cpu)})


def room(oid, memory, cpu):
    """A host with so many MB and CPUs free; it is half full."""
    share = SimpleNamespace(MAX_MEM=memory * 2048, MEM_USAGE=memory * 1024, MAX_CPU=cpu * 200, CPU_USAGE=cpu * 100)
    return SimpleNamespace(ID=oid, HOST_SHARE=share)


@pytest.mark.parametrize(
    ("hosts", "vms", "expected"),
    [
        ([(0, 1024, 4)], [(7, 1024, 4)], {7: 0}),
        ([(0, 1024, 4)], [(7, 1025, 1)], {}),
        ([(0, 1024, 4)], [(7, 512, 5)], {}),
        ([(0, 2048, 4), (1, 1024, 4)], [(7, 512, 1), (8, 1024, 1)], {8: 0, 7: 0}),
        ([(0, 2048, 4), (1, 1025, 4)], [(7, 512, 1), (8, 1024, 1)], {8: 0, 7: 1}),
        ([(0, 1024, 4)], [(7, 1024, 1), (8, 1024, 1)], {7: 0}),
        ([], [(7, 1, 1)], {}),
    ],
)
def test_where_vms_find_room(hosts, vms, expected):
    found = placed([room(*host) for host in hosts], [machine(*vm) for vm in vms])
    assert {oid: host.ID for oid, host in found.items()} == expected
