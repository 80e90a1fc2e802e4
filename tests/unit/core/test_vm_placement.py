# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The host and the datastore of a VM: which are chosen, how the VM is moved to them, and how a host is emptied."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import LAST, Modes, Step
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import evacuation, placement
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.evacuation import Evacuation, evacuate, placed
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.placement import Migration, Place
from fake_vms import Element, cloud, host, infoset, record, refusal, vm

ON_HOST = frozenset(("running", "poweredoff", "unknown", "suspended"))
HOSTS = [
    host(0, "here"),
    host(1, "full", memory=1),
    host(2, "roomy", memory=4096),
    host(3, "off", state=4),
    host(4, "broken", state=3),
    host(5, "busy", state=1, memory=2048),
    host(6, "far", cluster=9),
]
CLUSTERS = [Element(ID=0, NAME="default"), Element(ID=9, NAME="east"), Element(ID=8, NAME="empty")]
DATASTORES = [Element(ID=100, NAME="system"), Element(ID=101, NAME="fast")]


def here(check=False, **answers):
    pools = {"hostpool_info": HOSTS, "clusterpool_info": CLUSTERS, "datastorepool_info": DATASTORES}
    return cloud(check, **{**pools, **answers})


def placed_vm(state="RUNNING", oid=7, at=0, datastore=100, memory=64, cpu=1, **more):
    template = {"MEMORY": str(memory), "CPU": str(cpu)}
    return vm(state, oid, history=(record(at, "node", datastore),), TEMPLATE=template, **more)


# ---------------------------------------------------------------- places


@pytest.mark.parametrize("state", ["RUNNING", "POWEROFF", "UNKNOWN", "SUSPENDED", "BOOT", "SAVE_SUSPEND"])
def test_the_place_of_a_vm_is_its_last(state):
    item = vm(state, history=(record(3, "old", 104), record(1, "node", 101)))
    found = placement.read(None, item)
    assert found == {"place": (1, 101), "target_state": placement.target_state(item), "record": 0}


@pytest.mark.parametrize("state", ["HOLD", "STOPPED", "UNDEPLOYED", "DONE", "BOOT_FAILURE", "SAVE_STOP"])
def test_only_what_is_on_a_host_can_be_moved(state):
    item = placed_vm(state)
    message = "VM db is %s: only what is on a host can be moved." % placement.status(item)
    assert refusal(placement.present, item) == (message, {"object": "vm", "id": 7})
    assert refusal(placement.present, vm("RUNNING"))[0] == "VM db is running: only what is on a host can be moved."


WANTED = [  # host, cluster, datastore, the place
    (None, None, None, (0, 100)),
    ("roomy", None, None, (2, 100)),
    ("2", None, "fast", (2, 101)),
    (None, None, "101", (0, 101)),
    (None, "default", None, (0, 100)),
    (None, "east", None, (6, 100)),
    (None, "9", "fast", (6, 101)),
    ("roomy", "east", None, (2, 100)),
]


@pytest.mark.parametrize(("node", "cluster", "datastore", "place"), WANTED)
def test_what_options_leave_open_stays(node, cluster, datastore, place):
    params = {"host": node, "cluster": cluster, "datastore": datastore}
    assert placement.wanted_place(here(), placed_vm(), params) == place


def test_what_does_not_exist_yet_stays_as_it_is_written_in_check_runs():
    params = {"host": "new", "cluster": None, "datastore": "later"}
    assert placement.wanted_place(here(check=True), placed_vm(), params) == ("new", "later")
    assert placement.hosts(here(check=True), "nowhere") == []


@pytest.mark.parametrize(("cluster", "names"), [("default", ["here", "full", "roomy", "busy"]), ("9", ["far"])])
def test_hosts_of_a_cluster_that_take_vms(cluster, names):
    """Disabled hosts and those in error are none of them."""
    assert [one.NAME for one in placement.hosts(here(), cluster)] == names


def test_in_a_cluster_the_host_with_most_room_is_taken():
    params = {"host": None, "cluster": "default", "datastore": None}
    assert placement.wanted_place(here(), placed_vm(at=6, memory=1024), params).host == 0
    assert placement.wanted_place(here(hostpool_info=HOSTS[1:]), placed_vm(at=6, memory=1024), params).host == 2
    message = "No host of cluster default has room for VM db."
    item = placed_vm(at=6, memory=9000)
    assert refusal(placement.wanted_place, here(), item, params) == (message, {"object": "vm", "id": 7})
    message = "No host of cluster empty has room for VM db."
    assert refusal(placement.wanted_place, here(), placed_vm(), dict(params, cluster="empty"))[0] == message


def test_a_place_is_shown_by_names():
    assert placement.place_names(here(), Place(2, 101)) == {"host": "roomy", "datastore": "fast"}
    assert placement.place_names(here(), Place(77, 100)) == {"host": 77, "datastore": "system"}


# ---------------------------------------------------------------- migration

MIGRATIONS = [  # target state, how, datastore there, live, datastore, type of a cold migration
    ("running", "live", 100, True, -1, 0),
    ("running", "save", 100, False, -1, 0),
    ("running", "poweroff", 101, False, 101, 1),
    ("running", "poweroff-hard", 101, False, 101, 2),
    ("poweredoff", "live", 100, False, -1, 0),
    ("suspended", "live", 101, False, 101, 0),
    ("unknown", "live", 100, False, -1, 0),
]


@pytest.mark.parametrize(("state", "how", "datastore", "live", "target", "cold"), MIGRATIONS)
@pytest.mark.parametrize("enforce", [True, False])
def test_only_a_vm_that_runs_is_migrated_live(state, how, datastore, live, target, cold, enforce):
    present, there = Place(0, 100), Place(2, datastore)
    wanted = {"place": Migration(there, how, enforce)}
    known = {"id": 7, "name": "db", "place": present, "target_state": state, "record": 0}
    before, after, (moved, arrived) = placement.plan_place(known, wanted, Modes())
    assert (before, after) == (present, there)
    arguments = (7, 2, live, enforce, target, cold)
    assert moved == Step("migrate", "vm.migrate", arguments, on="VM db", states=ON_HOST, transient=True)
    assert arrived == Step("arrival on the other host", until=arrived.until, phase=LAST)
    assert arrived.until(placed_vm(at=2, datastore=datastore))
    assert not arrived.until(placed_vm("MIGRATE", at=2, datastore=datastore))
    assert not arrived.until(placed_vm(at=0, datastore=datastore))
    assert not arrived.until(placed_vm(at=2, datastore=99))


OTHERS = "Somebody else may have moved it meanwhile; run the task again."
ELSEWHERE = [  # what the VM is now, why it has not stayed
    (vm(history=(record(3, "third", SEQ=1, RSTIME=5),)), OTHERS),
    (vm(history=(record(0, "first", SEQ=2, RSTIME=5),)), OTHERS),
    (vm("POWEROFF", history=(record(0, "first", SEQ=1, RSTIME=5, RETIME=6),)), OTHERS),
    (vm(history=(record(0, SEQ=2, RSTIME=5),), USER_TEMPLATE={"ERROR": "no route."}), "no route."),
]
ON_THE_WAY = [
    vm(history=(record(0, SEQ=0, RSTIME=5),)),
    vm(history=(record(3, SEQ=1),)),
    vm("MIGRATE", history=(record(3, SEQ=1, RSTIME=5),)),
    vm("POWEROFF", history=(record(3, SEQ=1, RSTIME=5),)),
]


@pytest.mark.parametrize(("item", "why"), ELSEWHERE)
def test_a_vm_that_comes_to_rest_elsewhere_is_not_waited_for(item, why):
    host = item.HISTORY_RECORDS.HISTORY[-1].HOSTNAME
    message = f"VM db has not stayed where it was migrated to: it is on host {host}. {why}"
    assert refusal(placement._arrived, Place(2, 100), 0, item) == (message, {"object": "vm", "id": 7})


@pytest.mark.parametrize("item", ON_THE_WAY)
def test_a_history_record_counts_once_it_is_settled(item):
    assert placement._arrived(Place(2, 100), 0, item) is False


@pytest.mark.parametrize(("resched", "told"), [(0, True), (1, False)])
def test_a_vm_that_comes_back_to_the_host_is_told_unless_it_is_to_go_on(resched, told):
    back = [vm(history=(record(0, "here", SEQ=2, RSTIME=5),), RESCHED=resched, TEMPLATE={"MEMORY": "64", "CPU": "1"})]
    failure = evacuated("live", [[placed_vm()], [placed_vm("MIGRATE", at=2)], back])[1]
    assert ("VM db was moved, and is on the host again." in failure.message) is told


# ---------------------------------------------------------------- hosts with room


def sized(oid, memory, cpu):
    return Element(ID=oid, TEMPLATE={"MEMORY": str(memory), "CPU": str(cpu)})


ROOM = [  # hosts with so much left, VMs that need so much, host of each
    ([(0, 1024, 4)], [(7, 1024, 4)], {7: 0}),
    ([(0, 1024, 4)], [(7, 1025, 1)], {}),
    ([(0, 1024, 4)], [(7, 1, 4.01)], {}),
    ([(0, 1024, 4), (1, 1024, 4)], [(7, 512, 1)], {7: 0}),
    ([(0, 1024, 4), (1, 1024, 4)], [(7, 512, 1), (8, 512, 1)], {7: 0, 8: 1}),
    ([(0, 1024, 4), (1, 1023, 4)], [(7, 512, 1), (8, 512, 1)], {7: 0, 8: 1}),
    ([(0, 1024, 4)], [(7, 512, 3), (8, 512, 2)], {7: 0}),
    ([(0, 1024, 4)], [(7, 256, 3), (8, 512, 2)], {8: 0}),
    ([(0, 1024, 4)], [(7, 512, 3), (8, 512, 1)], {7: 0, 8: 0}),
    ([(0, 512, 9), (1, 1024, 1)], [(7, 512, 2)], {7: 0}),
    ([(0, 512, 4)], [(9, 512, 1), (8, 512, 1)], {8: 0}),
]


@pytest.mark.parametrize(("hosts", "vms", "expected"), ROOM)
def test_the_largest_goes_first_to_the_host_with_most_room(hosts, vms, expected):
    nodes = [host(oid, "node", memory=memory, cpu=cpu) for oid, memory, cpu in hosts]
    found = placed(nodes, (sized(*one) for one in vms))
    assert {oid: node.ID for oid, node in found.items()} == expected


# ---------------------------------------------------------------- evacuation

GONE = ("PENDING", "HOLD", "STOPPED", "UNDEPLOYED", "DONE", "INIT", "CLONING")
LEFT = [  # state, host of its last record (None: no record), whether the VM has left host 0
    *((state, 0, True) for state in GONE),
    *((state, None, True) for state in (*GONE, "RUNNING", "POWEROFF")),
    *((state, 0, False) for state in ("RUNNING", "POWEROFF", "SUSPENDED", "UNKNOWN", "BOOT_FAILURE", "MIGRATE")),
    *((state, 2, True) for state in ("RUNNING", "POWEROFF", "SUSPENDED", "UNKNOWN")),
    *((state, 2, False) for state in ("MIGRATE", "BOOT_MIGRATE_FAILURE")),
]


@pytest.mark.parametrize(("state", "at", "left"), LEFT)
def test_which_vms_have_left_a_host(state, at, left):
    item = vm(state) if at is None else placed_vm(state, at=at)
    found = cloud(host_info=HOSTS[0], vmpool_infoset=infoset([item]))
    found.timeout = 0
    if left:
        evacuate(0, [7], Evacuation("resched"), found)
        assert found.one.calls == [("host.info", 0), ("vmpool.infoset", "7", True)]
    else:
        message, data = refusal(evacuate, 0, [7], Evacuation("resched"), found)
        assert message.startswith("1 of 1 VMs did not leave host here. VM 7: ")
        assert [one["id"] for one in data["failures"]] == [7]


def evacuated(how, looks, ids=(7,), destinations=None, waits=True, timeout=10, **answers):
    """The calls of an evacuation of host 0, but for reads; the last look is what is seen from then on."""
    found = here(host_info=HOSTS[0], vmpool_infoset=infoset(*looks), **answers)
    found.timeout = timeout
    failure = None
    try:
        evacuate(0, list(ids), Evacuation(how, destinations, waits), found)
    except Failure as caught:
        failure = caught
    return [call for call in found.one.calls if ".info" not in call[0]], failure, found


WAYS = [  # how, state of the VM, where it may go, what is asked
    ("resched", "RUNNING", None, ("vm.action", "resched", 7)),
    ("resched", "POWEROFF", None, ("vm.action", "resched", 7)),
    ("live", "RUNNING", None, ("vm.migrate", 7, 2, True, True, -1, 0)),
    ("live", "POWEROFF", None, ("vm.migrate", 7, 2, False, True, -1, 0)),
    ("live", "SUSPENDED", None, ("vm.migrate", 7, 2, False, True, -1, 0)),
    ("live", "RUNNING", ["busy", "here"], ("vm.migrate", 7, 5, True, True, -1, 0)),
    ("live", "RUNNING", ["6"], ("vm.migrate", 7, 6, True, True, -1, 0)),
]


@pytest.mark.parametrize(("how", "state", "destinations", "call"), WAYS)
def test_vms_go_to_hosts_in_service_with_room(how, state, destinations, call):
    looks = [[placed_vm(state)], [placed_vm(state)], [placed_vm("MIGRATE", at=2)], [placed_vm(state, at=2)]]
    calls, failure, found = evacuated(how, looks, destinations=destinations)
    assert (calls, failure) == ([call], None)
    assert len([one for one in found.one.calls if one[0] == "vmpool.infoset"]) == 4, "until it has arrived"


def test_vms_are_not_moved_to_hosts_that_are_disabled_or_in_another_cluster():
    """What is left when those with room are away: a host that is off, one in error, one of another cluster."""
    nodes = [node for node in HOSTS if node.NAME not in ("roomy", "busy", "full")]
    calls, failure, dummy = evacuated("live", [[placed_vm()]], hostpool_info=nodes)
    assert calls == []
    assert failure.message == "1 of 1 VMs did not leave host here. VM 7: No host has room for VM db."
    assert failure.data == {
        "object": "host",
        "id": 0,
        "failures": [{"id": 7, "name": "db", "reason": "No host has room for VM db."}],
    }


def test_a_vm_that_starts_is_moved_when_it_runs():
    looks = [[placed_vm("BOOT")], [placed_vm()], [placed_vm(at=2)]]
    calls, failure, dummy = evacuated("live", looks)
    assert (calls, failure) == ([("vm.migrate", 7, 2, True, True, -1, 0)], None)
    looks = [[placed_vm("SAVE_SUSPEND")], [placed_vm("SUSPENDED")], [placed_vm("SUSPENDED", at=2)]]
    calls, failure, dummy = evacuated("live", looks)
    assert (calls, failure) == ([("vm.migrate", 7, 2, False, True, -1, 0)], None)


def test_each_vm_that_stays_is_told_with_the_reason():
    items = [placed_vm(oid=7), placed_vm("SUSPENDED", oid=8), placed_vm(oid=10, at=2)]
    calls, failure, dummy = evacuated("resched", [items], ids=(7, 8, 9, 10), timeout=0)
    assert calls == [("vm.action", "resched", 7)]
    assert failure.message == (
        "3 of 4 VMs did not leave host here. VM 7: Time is over, db is running. "
        "VM 8: VM db is suspended, and in this state it cannot reschedule. VM 9: this user may not see it."
    )
    assert [(one["id"], one["name"]) for one in failure.data["failures"]] == [(7, "db"), (8, "db"), (9, None)]


def test_a_vm_that_left_in_spite_of_a_failure_is_none():
    looks = [[placed_vm("SUSPENDED")], [placed_vm("SUSPENDED", at=3)]]
    assert evacuated("resched", looks)[1] is None
    assert evacuated("resched", [[placed_vm("SUSPENDED")], []])[1] is None


def test_a_driver_that_fails_ends_the_waiting_and_what_it_said_before_does_not():
    looks = [[placed_vm()], [placed_vm(USER_TEMPLATE={"ERROR": "Error migrating"})]]
    failure = evacuated("live", looks)[1]
    assert failure.data["failures"][0]["reason"] == "VM db has failed: Error migrating."
    old = {"ERROR": "old"}
    looks = [[placed_vm(USER_TEMPLATE=old)], [placed_vm(USER_TEMPLATE=old)], [placed_vm(at=2, USER_TEMPLATE=old)]]
    assert evacuated("live", looks)[1] is None
    assert evacuated("live", [[placed_vm(USER_TEMPLATE=old)], [placed_vm()], [placed_vm(at=2)]])[1] is None


def test_what_is_waited_for_is_told_on_the_way():
    lines = []
    progress = SimpleNamespace(tell=lambda describe: lines.append(describe()))
    evacuated("live", [[placed_vm()], [placed_vm("MIGRATE", at=2)], [placed_vm(at=2)]], progress=progress)
    assert lines == ["db is changing (no departure)"]


def test_vms_are_asked_one_after_the_other():
    threads = []
    asked = evacuated(
        "resched",
        [[placed_vm(), placed_vm(oid=8)]],
        ids=(7, 8),
        waits=False,
        vm_action=lambda *arguments: threads.append(threading.current_thread()),
    )[0]
    assert (len(asked), set(threads)) == (2, {threading.main_thread()})


def test_without_waiting_they_are_only_asked():
    calls, failure, dummy = evacuated("resched", [[placed_vm(), placed_vm(oid=8)]], ids=(7, 8), waits=False)
    assert (calls, failure) == ([("vm.action", "resched", 7), ("vm.action", "resched", 8)], None)


def test_the_steps_of_an_evacuation():
    step = Step(
        "reschedule", "vm.action", ("resched", 7), on="VM db", states=frozenset(("running", "poweredoff", "unknown"))
    )
    assert evacuation.WAYS["resched"](None, None, {7: vm()}, None) == {7: step}
    step = Step("migrate", "vm.migrate", (7, 2, True, True, -1, 0), on="VM db to host roomy", states=ON_HOST)
    found = evacuation.WAYS["live"](here(), HOSTS[0], {7: placed_vm(), 8: placed_vm(oid=8, memory=99999)}, None)
    assert found[7] == step
    assert (found[8].message, found[8].data) == ("No host has room for VM db.", {"object": "vm", "id": 8})
