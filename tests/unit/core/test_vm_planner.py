# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The way of a VM through the states in which its steps work, what it is waited for, and what cannot be."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    LAST,
    Attribute,
    Modes,
    Resource,
    Step,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import planner
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.planner import DesiredState, conditions, route
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.resource import VM
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.transitions import Reach
from fake_vms import Element, cloud, refusal, vm

ANY = Step("label", "vm.update")
LIVE = Step("attach", "vm.attach", states=frozenset(("running", "poweredoff")))
OFF = Step("resize", "vm.resize", states=frozenset(("poweredoff", "undeployed")))
HELD = Step("configure", "vm.updateconf", states=frozenset(("pending", "held", "poweredoff")))
FROZEN = Step("thaw", "vm.thaw", states=frozenset(("suspended",)))
LOCK = Step("lock", "vm.lock", phase=LAST)

# state (as OpenNebula calls it), goal, steps, the way (texts are states to reach), what the power is off for
ROUTES = [
    ("RUNNING", None, [], [], []),
    ("RUNNING", "running", [ANY], [ANY], []),
    ("RUNNING", None, [ANY, LIVE], [ANY, LIVE], []),
    ("RUNNING", None, [LOCK, ANY], [ANY, LOCK], []),
    ("RUNNING", None, [OFF], ["poweredoff", OFF, "running"], ["resize"]),
    ("RUNNING", None, [LIVE, OFF, LOCK], [LIVE, "poweredoff", OFF, "running", LOCK], ["resize"]),
    ("RUNNING", "poweredoff", [LIVE, OFF], [LIVE, "poweredoff", OFF], []),
    ("RUNNING", "undeployed", [OFF, LOCK], ["undeployed", OFF, LOCK], []),
    ("RUNNING", "suspended", [FROZEN], ["suspended", FROZEN], []),
    ("RUNNING", "suspended", [OFF], ["poweredoff", OFF, "suspended"], ["resize"]),
    ("UNKNOWN", None, [OFF], ["poweredoff", OFF, "unknown"], ["resize"]),
    ("POWEROFF", None, [OFF, LIVE], [OFF, LIVE], []),
    ("POWEROFF", "running", [OFF, LIVE], [OFF, LIVE, "running"], []),
    ("POWEROFF", "running", [ANY, LOCK], [ANY, "running", LOCK], []),
    ("STOPPED", "running", [LIVE], ["running", LIVE], []),
    ("STOPPED", "poweredoff", [OFF, LOCK], ["poweredoff", OFF, LOCK], []),
    ("HOLD", "running", [HELD, LIVE], [HELD, "running", LIVE], []),
    ("HOLD", None, [HELD], [HELD], []),
    ("PENDING", "held", [HELD], [HELD, "held"], []),
    ("PENDING", None, [HELD, LIVE], [HELD, "running", LIVE, "running"], []),
    ("PENDING", None, [ANY], [ANY, "running"], []),
    ("PENDING", None, [LOCK], [LOCK, "running"], []),
    ("BOOT", None, [], ["running"], []),
    ("BOOT", "running", [LIVE], ["running", LIVE, "running"], []),
    ("BOOT", None, [OFF], ["poweredoff", OFF, "running"], ["resize"]),
    ("BOOT", "poweredoff", [LIVE, OFF], ["running", LIVE, "poweredoff", OFF], []),
    ("SHUTDOWN_POWEROFF", None, [OFF], ["poweredoff", OFF, "poweredoff"], []),
    ("SHUTDOWN_POWEROFF", "poweredoff", [ANY], [ANY, "poweredoff"], []),
    ("SHUTDOWN_POWEROFF", "running", [OFF], ["poweredoff", OFF, "running"], []),
]


@pytest.mark.parametrize(("state", "goal", "steps", "way", "cycle"), ROUTES)
def test_every_step_is_carried_out_where_it_works(state, goal, steps, way, cycle):
    found, off = route(vm(state), goal, steps, True)
    assert [step.state if isinstance(step, Reach) else step for step in found] == way
    assert off == cycle


REFUSED = [  # state, goal, steps, allow_poweroff, message, what the power has to be off for
    (
        "RUNNING",
        None,
        [OFF],
        False,
        "VM db has to be powered off for this: resize. Give allow_poweroff: true, or power it off first.",
        ["resize"],
    ),
    (
        "UNKNOWN",
        "unknown",
        [OFF, HELD],
        False,
        "VM db has to be powered off for this: resize; configure. Give allow_poweroff: true, or power it off first.",
        ["resize", "configure"],
    ),
    (
        "HOLD",
        None,
        [LIVE],
        True,
        "VM db is held, where this does not work: attach. It has to be running or poweredoff.",
        None,
    ),
    (
        "SUSPENDED",
        None,
        [LIVE, OFF],
        False,
        "VM db is suspended, where this does not work: attach; resize. It has to be poweredoff.",
        None,
    ),
    (
        "RUNNING",
        None,
        [FROZEN],
        True,
        "VM db is running, where this does not work: thaw. Make these changes in tasks of their own.",
        None,
    ),
    (
        "RUNNING",
        None,
        [OFF, FROZEN],
        True,
        "VM db is running, where this does not work: resize; thaw. Make these changes in tasks of their own.",
        None,
    ),
    (
        "SHUTDOWN_POWEROFF",
        None,
        [FROZEN],
        True,
        "VM db is poweredoff, where this does not work: thaw. Make these changes in tasks of their own.",
        None,
    ),
]


@pytest.mark.parametrize(("state", "goal", "steps", "allowed", "message", "needs"), REFUSED)
def test_what_does_not_work_on_the_way_is_refused(state, goal, steps, allowed, message, needs):
    data = {"object": "vm", "id": 7, **({"need_poweroff": needs} if needs else {})}
    assert refusal(route, vm(state), goal, steps, allowed) == (message, data)


# ---------------------------------------------------------------- plans


def planned(item, wanted=None, **desired):
    return planner.plan(cloud(), item, DesiredState(wanted or {}, VM, **desired))


GOALS = [  # state of the VM, state wanted, difference, the way
    ("RUNNING", None, None, []),
    ("RUNNING", "running", None, []),
    ("RUNNING", "poweredoff", ("running", "poweredoff"), [Reach("poweredoff")]),
    ("BOOT", "running", None, [Reach("running")]),
    ("BOOT", "poweredoff", ("changing", "poweredoff"), [Reach("poweredoff")]),
    ("SHUTDOWN_POWEROFF", "poweredoff", None, [Reach("poweredoff")]),
    ("POWEROFF", "rebooted", ("poweredoff", "running"), [Reach("running")]),
    ("HOLD", "held", None, []),
    ("PENDING", "held", ("pending", "held"), [Reach("held")]),
]


@pytest.mark.parametrize(("state", "goal", "difference", "way"), GOALS)
def test_a_state_is_a_difference_unless_the_vm_comes_to_it_by_itself(state, goal, difference, way):
    found = planned(vm(state), state=goal)
    told = tuple({"status": text} for text in difference) if difference else ({}, {})
    assert (found.before, found.after) == told
    assert found.steps == way


@pytest.mark.parametrize(("hard", "action"), [(False, "reboot"), (True, "reboot-hard")])
@pytest.mark.parametrize("state", ["RUNNING", "BOOT"])
def test_a_vm_that_runs_is_rebooted(state, hard, action):
    found = planned(vm(state), state="rebooted", hard=hard)
    present = "running" if state == "RUNNING" else "changing"
    assert (found.before, found.after) == ({"status": present}, {"status": "rebooted"})
    step = Step("reboot VM db", "vm.action", (action, 7), states=frozenset(("running",)))
    assert found.steps == ([step] if state == "RUNNING" else [Reach("running"), step, Reach("running")])


def test_all_that_is_wanted_is_one_plan():
    here = cloud()
    wanted = {"capacity": {"memory": 128}, "lock": "use"}
    item = vm(TEMPLATE={"MEMORY": "64"})
    step = Step("on", until=bool)
    desired = DesiredState(wanted, VM, Modes(), "running", (step,), True)
    found = planner.plan(here, item, desired)
    assert found.before == {"capacity": {"memory": 64}, "lock": "none"}
    assert found.after == {"capacity": {"memory": 128}, "lock": "use", "power_cycle": ["resize memory to 128"]}
    assert [getattr(one, "state", getattr(one, "what", None)) for one in found.steps] == [
        "poweredoff",
        "resize memory to 128",
        "running",
        "lock VM db",
        "on",
    ]
    assert ("vm.resize", 7, {"MEMORY": 128}, True) in here.one.checked


def test_modes_count_and_the_power_goes_off_only_where_it_may():
    item = vm(USER_TEMPLATE={"LABELS": "a"})
    found = planned(item, {"labels": ["b"]}, modes=Modes(labels="add"))
    assert found.after == {"labels": ["a", "b"]}
    message, data = refusal(planned, vm(TEMPLATE={"MEMORY": "64"}), {"capacity": {"memory": 128}})
    assert message.startswith("VM db has to be powered off for this: resize memory to 128.")
    assert data["need_poweroff"] == ["resize memory to 128"]


def test_attributes_are_planned_with_what_the_cloud_tells_of_the_vm():
    seen = Attribute(lambda record, wanted, modes: (None, record, []), persisted=False)
    resource = Resource("vm", lambda here, item: {"cloud": here, "item": item}, {"seen": seen})
    here, item = cloud(), vm()
    with pytest.raises(Failure, match=r"The VM db has options that cannot be changed: seen"):
        planner.plan(here, item, DesiredState({"seen": 1}, resource))
    seen = seen._replace(plan=lambda record, wanted, modes: (None, record, [ANY]))
    found = planner.plan(here, item, DesiredState({"seen": 1}, resource._replace(attributes={"seen": seen})))
    assert found.after["seen"] == {"cloud": here, "item": item, "id": 7, "name": "db"}


def test_a_vm_that_is_not_as_a_step_needs_it_is_told_by_its_name():
    message, data = refusal(planned, vm("RUNNING"), state="held")
    assert message == "VM db is running: only a VM that was never deployed can be held."
    assert data == {"object": "vm", "id": 7}
    message, data = refusal(
        planned, vm(TEMPLATE={"DISK": [{"DISK_ID": "0", "SIZE": "9"}]}), {"disks": [{"DISK_ID": "0", "SIZE": "8"}]}
    )
    assert (message, data) == ("Disk 0 of VM db has 9 MB and cannot shrink to 8 MB.", {"object": "vm", "id": 7})


@pytest.mark.parametrize("state", ["INIT", "PENDING", "CLONING", "HOLD"])
def test_what_was_never_deployed_can_be_held(state):
    assert planned(vm(state), state="held").steps == ([] if state == "HOLD" else [Reach("held")])


# ---------------------------------------------------------------- power cycles that were interrupted


def cycled(state, number, begun=0, seq=4):
    """A VM with the number of a history record as mark, whose last record has the number `seq`."""
    last = Element(HID=0, SEQ=seq, RSTIME=begun)
    return vm(state, history=(last,), USER_TEMPLATE={} if number is None else {"ANSIBLE_POWER_CYCLE": number})


INTERRUPTED = [  # state, mark, when it began to run in its last record, whether it is to be started again
    ("POWEROFF", "4", 9, True),
    ("SHUTDOWN_POWEROFF", "4", 9, True),
    ("POWEROFF", "3", 0, True),
    ("POWEROFF", "3", 9, False),
    ("POWEROFF", "5", 0, False),
    ("POWEROFF", "x", 0, False),
    ("POWEROFF", None, 0, False),
    ("RUNNING", "4", 9, False),
]


@pytest.mark.parametrize(("state", "number", "begun", "starts"), INTERRUPTED)
def test_a_vm_whose_power_cycle_was_interrupted_is_started_again(state, number, begun, starts):
    item = cycled(state, number, begun)
    goals = [step.state for step in planned(item).steps if isinstance(step, Reach)]
    assert ("running" in goals) is starts
    assert planned(item, state="poweredoff").after in ({}, {"status": "poweredoff"}), "what the task says counts"


@pytest.mark.parametrize(
    ("state", "goal", "number", "noted"),
    [
        ("RUNNING", None, None, True),
        ("RUNNING", None, "3", True),
        ("RUNNING", None, "4", False),
        ("RUNNING", "suspended", None, False),
        ("UNKNOWN", None, None, False),
    ],
)
def test_a_power_cycle_is_noted_before_the_power_is_off(state, goal, number, noted):
    found, dummy = route(cycled(state, number), goal, [OFF], True)
    what = "note that VM db is to be started again"
    note = Step(what, "vm.update", (7, {"ANSIBLE_POWER_CYCLE": "4"}, 1))
    assert found[: found.index(Reach("poweredoff"))] == ([note] if noted else [])


# ---------------------------------------------------------------- wait conditions


@pytest.mark.parametrize("state", [None, "running", "rebooted"])
def test_vms_that_are_to_run_are_waited_for(state):
    assert conditions(state) == ()
    (ready,) = conditions(state, ready=True)
    assert ready == Step("READY from the guest", until=planner.is_ready, states=planner.LIVE)
    (address,) = conditions(state, network="net")
    assert address.what == "address on network net"
    assert address.until(vm(TEMPLATE={"NIC": [{"NETWORK": "net", "IP": "10.0.0.1"}]}))
    assert not address.until(vm(TEMPLATE={"NIC": [{"NETWORK": "net2", "IP": "10.0.0.1"}]}))
    assert [step.what for step in conditions(state, True, "net")] == ["READY from the guest", "address on network net"]


@pytest.mark.parametrize("state", ["poweredoff", "held", "done"])
def test_vms_that_are_not_to_run_are_not_waited_for(state):
    assert conditions(state, True, "net") == ()


@pytest.mark.parametrize(
    ("said", "ready"), [({"READY": "YES"}, True), ({"READY": "yes"}, True), ({"READY": "NO"}, False), ({}, False)]
)
def test_a_guest_says_that_it_is_ready(said, ready):
    assert planner.is_ready(vm(USER_TEMPLATE=said)) is ready
