# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The runner, look by look: what is asked in which state, what is waited for, and what ends a run."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Broken, Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import TimeOver
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Step
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import runner
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.runner import Run, in_parallel
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.transitions import Reach
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneActionException, OneInternalException
from fake_vms import cloud, infoset, record, vm

LIVE = Step("attach", "vm.attach", (7,), states=frozenset(("running",)), transient=True, on="to VM db")
LABEL = Step("label", "vm.label", (7,))
OFF = Step("resize", "vm.resize", (7,), states=frozenset(("poweredoff",)), transient=True)
GROUP = Step("join", "vm.join", (7,), states=frozenset(("running", "failed")))
READY = Step("READY", until=lambda item: item.USER_TEMPLATE.get("READY") == "YES")
UNDER = Step("grow", "vm.grow", (7,), states=frozenset(("running",)))

EARLY = Step("set", "vm.set", (7,), states=frozenset(("pending",)), transient=True)

ADDRESS = READY._replace(what="address", states=frozenset(("running",)))
CALLS = {
    "address": ADDRESS,
    "set": EARLY,
    "attach": LIVE,
    "label": LABEL,
    "resize": OFF,
    "join": GROUP,
    "ready": READY,
    "grow": UNDER,
}


def refused(code=0x0800):
    found = OneActionException("wrong state")
    found.code = code
    return found


def travelled(steps, looks, hard=False, waits=True, **answers):
    """(what was asked, the run) of a VM with these steps and looks; texts are states to reach, or in CALLS."""
    here = cloud(**answers)
    looks = [vm(look) if isinstance(look, str) else look for look in looks]
    found = Run(looks[0], [CALLS.get(step) or Reach(step) for step in steps], hard, waits)
    for item in looks:
        if not found.over:
            found.advance(here, item)
    asked = [call[1] if call[0] == "vm.action" else call[0][3:] for call in here.one.calls if call[0] != "vm.info"]
    return asked, found


WENT = [  # steps, looks, what is asked, whether the run is over
    (["running"], ["RUNNING"], [], True),
    (["running"], ["BOOT"], [], False),
    (["running"], ["BOOT", "RUNNING"], [], True),
    (["running"], ["HOLD"], ["release"], False),
    (["running"], ["POWEROFF", "BOOT_POWEROFF", "RUNNING"], ["resume"], True),
    (["poweredoff"], ["HOLD", "PENDING", "RUNNING", "SHUTDOWN_POWEROFF", "POWEROFF"], ["release", "poweroff"], True),
    (["poweredoff"], ["SUSPENDED", "SUSPENDED", "RUNNING", "POWEROFF"], ["resume", "poweroff"], True),
    (["suspended"], ["UNDEPLOYED", "RUNNING", "SAVE_SUSPEND", "SUSPENDED"], ["resume", "suspend"], True),
    (["stopped"], ["SUSPENDED", "EPILOG_STOP", "STOPPED"], ["stop"], True),
    (["undeployed"], ["POWEROFF", "EPILOG_UNDEPLOY", "UNDEPLOYED"], ["undeploy"], True),
    (["held"], ["PENDING", "HOLD"], ["hold"], True),
    (["done"], ["CLONING", "DONE"], ["terminate"], True),
    (["done"], ["BOOT", "RUNNING", "EPILOG", "DONE"], ["terminate"], True),
    (["done"], ["BOOT_FAILURE", "DONE"], ["terminate"], True),
    (["label"], ["RUNNING"], ["label"], True),
    (["label", "grow"], ["RUNNING"], ["label", "grow"], True),
    (["grow", "running"], ["RUNNING"], ["grow"], True),
    (["attach"], ["RUNNING"], ["attach"], False),
    (["attach"], ["RUNNING", "HOTPLUG"], ["attach"], False),
    (["attach"], ["RUNNING", "HOTPLUG", "RUNNING"], ["attach"], True),
    (["attach", "label"], ["RUNNING", "HOTPLUG", "RUNNING"], ["attach", "label"], True),
    (["attach", "attach"], ["RUNNING", "RUNNING", "RUNNING"], ["attach", "attach"], True),
    (["attach"], ["BOOT", "RUNNING", "RUNNING"], ["attach"], True),
    (["attach"], ["RUNNING", "HOTPLUG", "POWEROFF"], ["attach"], True),
    (["attach"], ["PENDING"], [], False),
    (["set"], ["PENDING", "PENDING"], ["set"], True),
    (["set"], ["PENDING", "BOOT"], ["set"], False),
    (["poweredoff", "resize"], ["RUNNING", "POWEROFF", "POWEROFF"], ["poweroff", "resize"], True),
    (["resize", "running"], ["POWEROFF", "POWEROFF", "BOOT", "RUNNING"], ["resize", "resume"], True),
    (["join"], ["BOOT_FAILURE"], ["join"], True),
    (["ready"], ["RUNNING"], [], False),
    (["ready"], ["RUNNING", vm(USER_TEMPLATE={"READY": "YES"})], [], True),
    (["ready", "label"], [vm(USER_TEMPLATE={"READY": "YES"})], ["label"], True),
    ([], ["RUNNING"], [], True),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "looks", "asked", "over"), WENT)
def test_a_vm_goes_through_its_steps(steps, looks, asked, over):
    found, run = travelled(steps, looks)
    assert (found, run.over, run.failure) == (asked, over, None)
    if over:
        assert run.done == [CALLS[step] for step in steps if step in CALLS]


HARD = [
    (["done"], "RUNNING", "terminate-hard"),
    (["poweredoff"], "RUNNING", "poweroff-hard"),
    (["suspended"], "RUNNING", "suspend"),
    (["running"], "POWEROFF", "resume"),
]


@pytest.mark.parametrize(("steps", "look", "asked"), HARD)
def test_actions_that_do_not_ask_the_guest(steps, look, asked):
    assert travelled(steps, [look], hard=True)[0] == [asked]


NOT_WAITED = [  # steps, looks, what is asked, whether the run is over, when nobody waits
    (["running"], ["POWEROFF"], ["resume"], True),
    (["running"], ["HOLD"], ["release"], True),
    (["running"], ["BOOT"], [], True),
    (["running"], ["PENDING"], [], True),
    (["running"], ["SHUTDOWN_POWEROFF"], [], False),
    (["poweredoff"], ["SHUTDOWN_POWEROFF"], [], True),
    (["poweredoff"], ["RUNNING"], ["poweroff"], True),
    (["poweredoff"], ["HOLD"], ["release"], False),
    (["poweredoff"], ["SUSPENDED", "RUNNING"], ["resume", "poweroff"], True),
    (["poweredoff"], ["BOOT"], [], False),
    (["done"], ["RUNNING"], ["terminate"], True),
    (["done"], ["SHUTDOWN"], [], True),
    (["done"], ["BOOT"], [], False),
    (["done"], ["PENDING"], ["terminate"], True),
    (["attach"], ["RUNNING"], ["attach"], True),
    (["attach", "label"], ["RUNNING"], ["attach"], False),
    (["attach", "running"], ["RUNNING"], ["attach"], False),
    (["attach", "ready"], ["RUNNING"], ["attach"], True),
    (["ready"], ["RUNNING"], [], True),
    (["poweredoff", "resize", "running"], ["RUNNING"], ["poweroff"], False),
    (["poweredoff", "resize", "running"], ["SHUTDOWN_POWEROFF"], [], False),
]


@pytest.mark.parametrize(("steps", "looks", "asked", "over"), NOT_WAITED)
def test_who_does_not_wait_has_the_last_step_asked_for_only(steps, looks, asked, over):
    found, run = travelled(steps, looks, waits=False)
    assert (found, run.over, run.failure) == (asked, over, None)


def test_who_does_not_wait_is_told_what_is_refused():
    asked, run = travelled(["poweredoff"], ["RUNNING", "RUNNING"], waits=False, vm_action=refused())
    assert (asked, run.over) == (["poweroff"], True)
    assert run.failure.message == "Cannot power off VM db: wrong state."


# ---------------------------------------------------------------- what ends a run


def numbered(state, number):
    """A VM whose last history record has a number, and is settled."""
    return vm(state, history=(record(SEQ=number, RSTIME=5, RETIME=6 if state == "POWEROFF" else 0),))


ERROR = vm(USER_TEMPLATE={"ERROR": "Error executing attach."})
OLD = vm(USER_TEMPLATE={"ERROR": "old"})
AGAIN = "VM db was asked to %s, and is running again. Give hard: true to do it without the guest."
UNMOVED = "VM db was asked to %s, and is %s again. Somebody else may have done that; run the task again."
STATE = "VM db is %s, and in this state it cannot %s."
GAVE_UP = "OpenNebula gives no reason; see the log of the VM"
ENDS = [  # steps, looks, what is asked, message of the failure
    (["running"], ["BOOT", "BOOT_FAILURE"], [], "VM db has failed: %s." % GAVE_UP),
    (["attach"], ["RUNNING", "BOOT_FAILURE"], ["attach"], "VM db has failed: %s." % GAVE_UP),
    (["label"], ["BOOT_FAILURE"], ["label"], None),
    (["grow"], ["BOOT_FAILURE"], [], "VM db has failed: %s." % GAVE_UP),
    (["ready"], ["BOOT_FAILURE"], [], "VM db has failed: %s." % GAVE_UP),
    (["attach"], ["RUNNING", "HOTPLUG", ERROR], ["attach"], "VM db has failed: Error executing attach."),
    (["attach"], [OLD, "HOTPLUG", OLD], ["attach"], None),
    (["attach"], [OLD, "HOTPLUG", "RUNNING"], ["attach"], None),
    (["attach"], ["POWEROFF"], [], STATE % ("poweredoff", "attach")),
    (["attach"], ["PENDING", "HOLD"], [], STATE % ("held", "attach")),
    (["held"], ["RUNNING"], [], STATE % ("running", "become held")),
    (["running"], ["DONE"], [], STATE % ("done", "become running")),
    (["poweredoff"], ["RUNNING", "SHUTDOWN_POWEROFF", "RUNNING"], ["poweroff"], AGAIN % "poweroff"),
    (["done"], ["RUNNING", "SHUTDOWN", "RUNNING"], ["terminate"], AGAIN % "terminate"),
    (["poweredoff"], ["RUNNING", ERROR], ["poweroff"], "VM db has failed: Error executing attach."),
    # what happens between two looks is told by the history records
    (["running"], [numbered("POWEROFF", 0), numbered("POWEROFF", 1)], ["resume"], UNMOVED % ("resume", "poweredoff")),
    (["running"], ["SUSPENDED", "BOOT_SUSPENDED", "SUSPENDED"], ["resume"], UNMOVED % ("resume", "suspended")),
    (["poweredoff"], [numbered("RUNNING", 0), numbered("RUNNING", 1)], ["poweroff"], UNMOVED % ("poweroff", "running")),
    # a condition does not come about in a state where the guest does not work
    (["address"], ["RUNNING", "BOOT", "POWEROFF"], [], "VM db is poweredoff, where there is no address."),
]


@pytest.mark.parametrize(("steps", "looks", "asked", "message"), ENDS)
def test_what_ends_a_run(steps, looks, asked, message):
    now = looks[-1] if not isinstance(looks[-1], str) else None
    found, run = travelled(steps, looks, vm_info=now)
    assert (found, run.over) == (asked, True)
    assert (run.failure and run.failure.message) == message
    if message:
        assert run.failure.data == {"object": "vm", "id": 7}
        assert isinstance(run.failure, Broken) is ("has failed" in message)


def test_a_vm_that_has_not_moved_yet_is_waited_for():
    found, run = travelled(["poweredoff"], [OLD, OLD, "RUNNING", "RUNNING"])
    assert (found, run.over) == (["poweroff"], False)


def test_a_vm_that_came_back_from_a_state_on_the_way_is_asked_again():
    """Resumed for a power off, it is suspended once more before it is powered off."""
    found, run = travelled(["poweredoff"], ["SUSPENDED", "BOOT_SUSPENDED", "RUNNING", "RUNNING", "POWEROFF"])
    assert (found, run.over, run.failure) == (["resume", "poweroff"], True, None)


def test_an_action_is_refused_for_good_or_because_another_was_faster():
    asked, run = travelled(["poweredoff"], ["RUNNING", "SHUTDOWN_POWEROFF", "POWEROFF"], vm_action=refused())
    assert (asked, run.over, run.failure) == (["poweroff"], True, None)
    asked, run = travelled(["poweredoff"], ["RUNNING", "RUNNING"], vm_action=refused())
    assert (asked, run.failure.message) == (["poweroff"], "Cannot power off VM db: wrong state.")
    assert run.failure.data == {"object": "vm", "id": 7, "method": None, "code": 0x0800}
    asked, run = travelled(["done"], ["RUNNING", "RUNNING"], hard=True, vm_action=refused(0x0200))
    assert (asked, run.failure.message) == (["terminate-hard"], "Cannot terminate VM db: wrong state.")
    found, run = travelled(["poweredoff"], ["SUSPENDED", "RUNNING", "RUNNING"], vm_action=refused())
    assert (found, run.failure.message) == (["resume", "poweroff"], "Cannot power off VM db: wrong state.")


def test_a_step_that_is_refused_ends_the_run_at_once():
    asked, run = travelled(["attach", "label"], ["RUNNING"], vm_attach=OneInternalException("full"))
    assert (asked, run.over) == (["attach"], True)
    assert run.failure.message == "Cannot attach to VM db: full."
    assert (run.failure.data["object"], run.failure.data["id"]) == ("vm", 7)
    assert (run.done, run.answers) == ([], [])


def test_answers_are_kept_with_their_steps():
    dummy, run = travelled(["label", "grow"], ["RUNNING"], vm_label=5, vm_grow=6)
    assert run.answers == [(LABEL, 5), (UNDER, 6)]
    assert run.done == [LABEL, UNDER]


OFFS = ("POWEROFF", "POWEROFF")
BACK = [  # steps, looks, what is asked: a VM that was powered off for a step that fails comes back
    (["poweredoff", "resize", "running"], ["RUNNING", *OFFS, "RUNNING"], ["poweroff", "resize", "resume"]),
    (["poweredoff", "resize", "running", "label"], ["RUNNING", *OFFS, "RUNNING"], ["poweroff", "resize", "resume"]),
    (["poweredoff", "resize", "undeployed", "running"], ["RUNNING", *OFFS], ["poweroff", "resize", "resume"]),
    (["poweredoff", "resize"], ["RUNNING", "POWEROFF"], ["poweroff", "resize"]),
    (["resize", "running"], ["POWEROFF", "POWEROFF"], ["resize"]),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "looks", "asked"), BACK)
def test_a_vm_is_brought_back_when_a_step_fails_while_it_is_off(steps, looks, asked):
    found, run = travelled(steps, looks, vm_resize=OneInternalException("full"))
    assert (found, run.failure.message) == (asked, "Cannot resize: full.")
    assert run.over is (looks[-1] != "POWEROFF" or "resume" not in asked)


def test_a_vm_that_fails_while_it_is_brought_back_stays_as_it_is():
    looks = ["RUNNING", "POWEROFF", "POWEROFF", "BOOT_FAILURE"]
    dummy, run = travelled(["poweredoff", "resize", "running"], looks, vm_resize=OneInternalException("full"))
    assert (run.over, run.failure.message) == (True, "Cannot resize: full."), "the first failure counts"


def test_a_vm_that_only_lacks_something_at_the_end_is_not_brought_anywhere():
    never = Step("it", until=lambda item: raised())
    run = Run(vm(), [Reach("poweredoff"), never, Reach("running")])
    for look in ("RUNNING", "POWEROFF"):
        run.advance(cloud(), vm(look))
    assert (run.over, run.failure.message) == (True, "never")


def raised():
    raise Failure("never")


# ---------------------------------------------------------------- time


def test_what_a_vm_lacks_is_told_when_time_is_over():
    waits, reaches = Run(vm("BOOT"), [READY]), Run(vm("BOOT"), [Reach("running")])
    assert (waits.describe(), reaches.describe()) == ("db is changing (no READY)", "db is changing")
    waits.give_up(TimeOver(3, ["all"]))
    assert waits.failure.message == (
        "Gave up waiting after 3 s: db is changing (no READY). Give a longer wait_timeout, or wait: false."
    )
    assert waits.failure.data == {"object": "vm", "id": 7}
    assert (waits.failure.timeout, waits.failure.states) == (3, ["db is changing (no READY)"])
    other, first = Failure("down"), waits.failure
    reaches.give_up(other)
    assert reaches.failure is other
    waits.give_up(other)
    assert waits.failure is first
    over = Run(vm(), [])
    over.give_up(other)
    assert over.failure is None


# ---------------------------------------------------------------- many VMs


def ran(runs, *looks, workers=1, timeout=10, progress=None, **answers):
    here = cloud(timeout=timeout, vmpool_infoset=infoset(*looks), **answers)
    runner.run(here, runs, workers)
    return here.one.calls


def test_all_vms_are_read_by_one_call_until_all_have_ended():
    runs = [Run(vm(oid=oid, state="POWEROFF"), [Reach("running")]) for oid in (1, 2)]
    calls = ran(runs, [vm(oid=1), vm("BOOT", 2)], [vm(oid=2)])
    assert calls == [
        ("vm.action", "resume", 1),
        ("vm.action", "resume", 2),
        ("vmpool.infoset", "1,2", False),
        ("vmpool.infoset", "2", False),
    ]
    assert [(run.over, run.failure) for run in runs] == [(True, None)] * 2


def test_whole_vms_are_read_only_where_something_is_waited_for():
    runs = [Run(vm("BOOT", 1), [Reach("running")]), Run(vm("BOOT", 2), [Reach("running"), READY])]
    calls = ran(runs, [vm(oid=1), vm("BOOT", 2)], [vm(oid=2, USER_TEMPLATE={"READY": "YES"})])
    assert calls == [("vmpool.infoset", "1,2", True), ("vmpool.infoset", "2", True)]
    runs = [Run(vm("BOOT", 1), [Reach("running"), READY]), Run(vm("BOOT", 2), [Reach("running")])]
    ready = vm(oid=1, USER_TEMPLATE={"READY": "YES"})
    assert [call[2] for call in ran(runs, [ready, vm("BOOT", 2)], [vm(oid=2)])] == [True, False]


def test_nothing_is_read_where_there_is_nothing_to_wait_for():
    assert ran([]) == []
    assert ran([Run(vm(), [LABEL])]) == [("vm.label", 7)]


def test_a_vm_that_is_gone_is_what_was_wanted_or_a_failure():
    gone, missed = Run(vm(oid=1), [Reach("done")]), Run(vm(oid=2, name="web"), [Reach("poweredoff"), OFF])
    ran([gone, missed], [])
    assert (gone.over, gone.failure) == (True, None)
    assert (missed.over, missed.failure.message) == (True, "VM web no longer exists.")
    assert missed.failure.data == {"object": "vm", "id": 2}


def test_time_that_is_over_is_a_failure_of_each_vm_that_has_not_ended():
    runs = [Run(vm("BOOT", oid, name), [Reach("running")]) for oid, name in ((1, "a"), (2, "b"), (3, "c"))]
    ran(runs, [vm(oid=1), vm("BOOT", 2, "b"), vm("BOOT", 3, "c")], timeout=0)
    assert [run.failure and run.failure.message for run in runs] == [
        None,
        "Gave up waiting after 0 s: b is changing. Give a longer wait_timeout, or wait: false.",
        "Gave up waiting after 0 s: c is changing. Give a longer wait_timeout, or wait: false.",
    ]


def test_what_goes_wrong_with_reading_is_a_failure_of_each():
    runs = [Run(vm("BOOT"), [Reach("running")])]
    here = cloud(vmpool_infoset=OneInternalException("down"))
    runner.run(here, runs, 1)
    assert runs[0].failure.message == "Cannot read the VMs: down."


class Told:
    def __init__(self):
        self.lines = []

    def tell(self, describe):
        self.lines.append(describe())


def test_one_line_tells_how_far_all_are():
    runs = [Run(vm("BOOT", oid, name), [Reach("running")]) for oid, name in ((1, "a"), (2, "b"), (3, "c"), (4, "d"))]
    progress = Told()
    looks = [vm(oid=1), vm("BOOT_FAILURE", 2), vm("BOOT", 3), vm("BOOT", 4)], [vm(oid=3), vm(oid=4)]
    runner.run(cloud(progress=progress, vmpool_infoset=infoset(*looks)), runs, 1)
    assert progress.lines == ["1 of 4 VMs done, 2 changing, 1 failed"]


def test_one_line_tells_how_far_the_only_one_is():
    progress = Told()
    here = cloud(progress=progress, vmpool_infoset=infoset([vm("BOOT")], [vm()]))
    runner.run(here, [Run(vm("BOOT"), [Reach("running")])], 1)
    assert progress.lines == ["db is changing"]


@pytest.mark.parametrize(
    ("items", "workers", "threads"), [([1], 4, 0), ([1, 2], 1, 0), ([1, 2], 2, 2), ([1, 2, 3], 2, 2)]
)
def test_work_is_done_in_parallel_where_there_is_something_to_gain(items, workers, threads):
    names, gate = set(), threading.Barrier(2, timeout=5) if threads else None

    def work(item):
        if gate and item < 3:
            gate.wait()
        names.add(threading.current_thread().name)
        return item * 2

    assert in_parallel(work, iter(items), workers) == [item * 2 for item in items]
    assert (threading.main_thread().name in names) is (threads == 0)
    assert len(names) <= max(1, threads)


@pytest.mark.parametrize(("items", "workers", "threads"), [(3, 2, 2), (2, 9, 2), (12, 10, 10)])
def test_no_more_workers_are_started_than_work(monkeypatch, items, workers, threads):
    started = []

    class Pool(concurrent.futures.ThreadPoolExecutor):
        def __init__(self, number):
            started.append(number)
            super().__init__(number)

    monkeypatch.setattr(concurrent.futures, "ThreadPoolExecutor", Pool)
    assert in_parallel(str, range(items), workers) == [str(item) for item in range(items)]
    assert started == [threads]


def test_many_failures_make_one_message():
    late = [TimeOver(5, ["a is pending"]), TimeOver(5, ["b is pending"])]
    assert runner.together([late[0], Failure("No."), late[1], Failure("No.")]) == (
        "No. Gave up waiting after 5 s: a is pending; b is pending. Give a longer wait_timeout, or wait: false."
    )
    assert runner.together([Failure("a."), Failure("b")]) == "a. b."
    assert runner.together([Failure("X.")]) == "X."
    many = [Failure("%d." % number) for number in range(12)]
    assert runner.together(many).endswith(" 9. and 2 more.")


def test_a_history_record_that_has_just_begun_is_no_return():
    """OpenNebula begins it moments before the state changes."""
    begun = vm("POWEROFF", history=(record(SEQ=1, RSTIME=5),))
    found, run = travelled(["running"], [numbered("POWEROFF", 0), begun, "BOOT_POWEROFF", "RUNNING"], vm_info=begun)
    assert (found, run.over, run.failure) == (["resume"], True, None)


def test_what_does_not_come_about_is_given_up_once_the_vm_has_rested():
    """A clock that goes on by two seconds between two looks."""
    here, looks = cloud(), ["RUNNING", "RUNNING", "HOTPLUG", "RUNNING", "RUNNING", "RUNNING"]
    one = Run(vm(), [READY._replace(give_up=3)])
    overs = []
    for state in looks:
        here.clock.sleep(2)
        one.advance(here, vm(state))
        overs.append(one.over)
    assert overs == [False] * 5 + [True]
    assert one.failure is None
