# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is left to do for a VM that another run has changed at the same time."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import TimeOver
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import operation, planner
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.planner import DesiredState
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.resource import VM
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.rounds import left
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.runner import Run
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.transitions import Reach
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneActionException
from fake_vms import cloud, infoset, refusal, vm

DESIRED = DesiredState({"disks": [{"IMAGE_ID": "4"}]}, VM)
REFUSED = Failure("Cannot attach disk 4 to VM db: wrong state HOTPLUG.", code=0x0800)


def having(*disks, state="RUNNING"):
    """A VM with disks of image 4: (id, request id)."""
    found = [{"DISK_ID": str(oid), "IMAGE_ID": "4", "ANSIBLE_REQUEST": request} for oid, request in disks]
    return vm(state, TEMPLATE={"DISK": found}, UNAME="u", GNAME="g")


def ended(failure=None, desired=DESIRED, done=0):
    """A Run of a VM without disks that is over, with so many steps done."""
    one = Run(having(), planner.plan(cloud(), having(), desired).steps)
    if failure is None:
        one.done, one.steps = one.steps, []
    else:
        one.done, one.steps = one.steps[:done], one.steps[done:]
        one.fail(failure)
    return one


def whats(run):
    return None if run is None else [step if isinstance(step, Reach) else step.what for step in run.steps]


ATTACH = "attach disk 4"
LEFT = [  # failure of the Run, the VM now, (whether that stays a failure, what is still to do)
    (None, having((0, "7-a-0")), (False, None)),
    (None, None, (False, None)),
    (None, having(), (True, None)),
    (None, having((0, "7-a-0"), (1, "7-a-0")), (True, ["detach disk 1"])),
    (REFUSED, having((0, "7-a-0")), (False, None)),
    (REFUSED, having((0, "7-a-0"), (1, "7-a-0")), (True, ["detach disk 1"])),
    (REFUSED, having(), (True, None)),
    (REFUSED, having(state="HOTPLUG"), (True, [Reach("running"), ATTACH, Reach("running")])),
    (REFUSED, having((0, "7-a-0"), state="HOTPLUG"), (False, None)),
    (Failure("no rights", code=0x0200), having(state="HOTPLUG"), (True, None)),
    (Failure("no rights", code=0x0200), having((0, "7-a-0")), (False, None)),
    (TimeOver(3, ["db is changing"]), having((0, "7-a-0")), (True, None)),
    (REFUSED, None, (True, None)),
]


@pytest.mark.parametrize(("failure", "now", "expected"), LEFT)
def test_what_is_left(failure, now, expected):
    found, again = left(cloud(), ended(failure), now, DESIRED)
    assert (found is not None, whats(again)) == expected
    if failure is not None and expected[0]:
        assert found is failure


def test_a_vm_that_was_removed_is_told():
    failure, again = left(cloud(), ended(), having((0, "7-a-0"), state="DONE"), DESIRED)
    assert (failure.message, again) == ("VM db has been removed meanwhile.", None)
    removed = DesiredState({}, VM, state="done")
    assert left(cloud(), ended(desired=removed), having(state="DONE"), removed) == (None, None)


def test_what_leaves_nothing_behind_is_not_done_twice():
    """A reboot; the VM is made as it is wanted all the same."""
    desired = DESIRED._replace(state="rebooted")
    dummy, again = left(cloud(), ended(desired=desired), having((0, "7-a-0"), (1, "7-a-0")), desired)
    assert whats(again) == ["detach disk 1"]
    dummy, again = left(cloud(), ended(REFUSED, desired, done=1), having((0, "7-a-0"), state="HOTPLUG"), desired)
    assert whats(again) == [Reach("running"), "reboot VM db", Reach("running")]
    assert again.done[0].what == ATTACH


def refused():
    found = OneActionException("wrong state HOTPLUG")
    found.code = 0x0800
    return found


def test_a_disk_that_another_run_is_attaching_is_no_failure():
    looks = [having((0, "7-a-0"), state="HOTPLUG"), having((0, "7-a-0"))]
    here = cloud(vm_attach=refused(), vm_info=looks[0], vmpool_infoset=infoset([having()], *[[one] for one in looks]))
    report = operation.change(here, VM, having(), {"disks": [{"IMAGE_ID": "4"}]}, operation.Choices())
    assert report.changed
    assert [call[0] for call in here.one.calls].count("vm.attach") == 1


def test_a_disk_that_is_refused_for_good_is_told():
    here = cloud(vm_attach=refused(), vm_info=having(), vmpool_infoset=infoset([having()]))
    message, data = refusal(operation.change, here, VM, having(), {"disks": [{"IMAGE_ID": "4"}]}, operation.Choices())
    assert message == "Cannot attach disk 4 to VM db: wrong state HOTPLUG."
    assert data["id"] == 7
    assert [call[0] for call in here.one.calls].count("vm.attach") == 1


def test_rounds_come_to_an_end():
    """A VM that is always busy when it is asked."""
    busy = [having(), having(state="HOTPLUG")] * 20
    here = cloud(vm_attach=refused(), vm_info=having(state="HOTPLUG"), vmpool_infoset=infoset(*[[one] for one in busy]))
    message = refusal(operation.change, here, VM, having(), {"disks": [{"IMAGE_ID": "4"}]}, operation.Choices())[0]
    assert "wrong state HOTPLUG" in message
    assert [call[0] for call in here.one.calls].count("vm.attach") == 4


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("SHUTDOWN_POWEROFF", (True, [Reach("poweredoff")])),
        ("POWEROFF", (False, None)),
        ("RUNNING", (True, None)),
    ],
)
def test_a_vm_on_its_way_after_a_lost_answer_is_waited_for(now, expected):
    lost = Failure("Cannot power off VM db: the connection was closed.")
    lost.unclear = True
    desired = DesiredState({}, VM, state="poweredoff")
    failure, again = left(cloud(), ended(lost, desired), having(state=now), desired)
    assert (failure is not None, whats(again)) == expected
