# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The states of VMs: what each is called, where it leads by itself, and the actions that lead from one to another."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Broken
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import state_names, states, transitions
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneInternalException
from fake_vms import Element, cloud, infoset, record, refusal, vm

WORDS = {
    "INIT": "init",
    "PENDING": "pending",
    "HOLD": "held",
    "STOPPED": "stopped",
    "SUSPENDED": "suspended",
    "DONE": "done",
    "FAILED": "failed",
    "POWEROFF": "poweredoff",
    "UNDEPLOYED": "undeployed",
    "CLONING": "cloning",
    "CLONING_FAILURE": "failed",
    "RUNNING": "running",
    "UNKNOWN": "unknown",
    "PROLOG": "changing",
    "SHUTDOWN_POWEROFF": "changing",
    "BOOT_FAILURE": "failed",
    "PROLOG_MIGRATE_UNKNOWN_FAILURE": "failed",
}


@pytest.mark.parametrize("name", WORDS)
def test_every_state_has_a_word(name):
    assert states.status(vm(name)) == WORDS[name]


def test_states_of_later_releases_are_shown_as_they_are():
    item = Element(STATE=12, LCM_STATE=73)
    assert (states.status(item), state_names.state_name(item), state_names.lcm_name(item)) == ("12", "12", "73")
    assert state_names.state_name(vm("CLONING_FAILURE")) == "CLONING_FAILURE"
    assert [state_names.state_name(vm(name)) for name in ("INIT", "RUNNING")] == ["INIT", "ACTIVE"]
    assert [state_names.lcm_name(vm(name)) for name in ("RESTORE", "INIT")] == ["RESTORE", "LCM_INIT"]


# ---------------------------------------------------------------- where states lead

TARGETS = {  # state → the one in which a VM will rest; others that are changing will run
    **{word: WORDS[word] for word in ("RUNNING", "UNKNOWN", "HOLD", "STOPPED", "SUSPENDED", "POWEROFF", "UNDEPLOYED")},
    **dict.fromkeys(("INIT", "PENDING", "CLONING", "PROLOG", "BOOT", "MIGRATE", "SAVE_MIGRATE", "HOTPLUG"), "running"),
    **dict.fromkeys(("BOOT_POWEROFF", "BOOT_SUSPENDED", "BOOT_STOPPED", "HOTPLUG_NIC", "BACKUP"), "running"),
    **dict.fromkeys(("SAVE_SUSPEND", "HOTPLUG_SAVEAS_SUSPENDED", "PROLOG_MIGRATE_SUSPEND"), "suspended"),
    **dict.fromkeys(("SAVE_STOP", "EPILOG_STOP", "HOTPLUG_SAVEAS_STOPPED"), "stopped"),
    **dict.fromkeys(("SHUTDOWN_UNDEPLOY", "EPILOG_UNDEPLOY", "DISK_RESIZE_UNDEPLOYED"), "undeployed"),
    **dict.fromkeys(("SHUTDOWN_POWEROFF", "RESTORE", "BACKUP_POWEROFF", "HOTPLUG_PROLOG_POWEROFF"), "poweredoff"),
    **dict.fromkeys(("FAILED", "BOOT_FAILURE"), "failed"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_vm_rests_in_the_end(name):
    assert transitions.target_state(vm(name)) == TARGETS[name]


ENDING = ("DONE", "EPILOG", "SHUTDOWN", "CLEANUP_DELETE")


@pytest.mark.parametrize("name", [*ENDING, "RUNNING", "SHUTDOWN_POWEROFF", "EPILOG_STOP", "POWEROFF", "HOLD"])
def test_which_vms_are_ending(name):
    assert transitions.terminating(vm(name)) is (name in ENDING)


def test_only_active_vms_have_a_state_of_their_life_cycle():
    item = vm("POWEROFF")
    item.LCM_STATE = state_names.LCM_NAMES.index("EPILOG")  # what an older state left behind
    assert transitions.terminating(item) is False


# ---------------------------------------------------------------- every action

ACTIONS = {  # state to reach → {present state: action, and when it is forced}
    "running": {
        "held": ("release", "release"),
        "stopped": ("resume", "resume"),
        "suspended": ("resume", "resume"),
        "poweredoff": ("resume", "resume"),
        "undeployed": ("resume", "resume"),
        "unknown": ("resume", "resume"),
    },
    "poweredoff": {
        "held": ("release", "release"),
        "stopped": ("resume", "resume"),
        "suspended": ("resume", "resume"),
        "undeployed": ("resume", "resume"),
        "running": ("poweroff", "poweroff-hard"),
        "unknown": ("poweroff", "poweroff-hard"),
    },
    "suspended": {
        "held": ("release", "release"),
        "stopped": ("resume", "resume"),
        "poweredoff": ("resume", "resume"),
        "undeployed": ("resume", "resume"),
        "unknown": ("resume", "resume"),
        "running": ("suspend", "suspend"),
    },
    "stopped": {
        "held": ("release", "release"),
        "poweredoff": ("resume", "resume"),
        "undeployed": ("resume", "resume"),
        "unknown": ("resume", "resume"),
        "running": ("stop", "stop"),
        "suspended": ("stop", "stop"),
    },
    "undeployed": {
        "held": ("release", "release"),
        "stopped": ("resume", "resume"),
        "suspended": ("resume", "resume"),
        "running": ("undeploy", "undeploy-hard"),
        "unknown": ("undeploy", "undeploy-hard"),
        "poweredoff": ("undeploy", "undeploy-hard"),
    },
    "held": {"pending": ("hold", "hold")},
    "done": dict.fromkeys(states.ANYWHERE - {"done", "changing"}, ("terminate", "terminate-hard")),
}


PAIRS = [(present, wanted) for wanted in ACTIONS for present in sorted(states.ANYWHERE) if present != wanted]


@pytest.mark.parametrize(("present", "wanted"), PAIRS)
def test_the_action_that_leads_from_a_state_towards_another(present, wanted):
    soft, hard = ACTIONS[wanted].get(present, (None, None))
    assert transitions.action(present, wanted) == soft
    assert transitions.action(present, wanted, True) == hard


# ---------------------------------------------------------------- what is said of a VM

SAID = [  # user template, what is said of its state, what of its failure
    ({}, "db is running", "VM db has failed: OpenNebula gives no reason; see the log of the VM."),
    ({"ERROR": "No memory."}, "db is running: No memory", "VM db has failed: No memory."),
    ({"ERROR": "No memory", "SCHED_MESSAGE": "No."}, "db is running: No memory", "VM db has failed: No memory."),
    (
        {"SCHED_MESSAGE": "No host."},
        "db is running: No host",
        "VM db has failed: OpenNebula gives no reason; see the log of the VM.",
    ),
    ({"ERROR": ".X."}, "db is running: .X", "VM db has failed: .X."),
    ({"SCHED_MESSAGE": ".X."}, "db is running: .X", None),
]


@pytest.mark.parametrize(
    ("template", "user", "said"),
    [
        ({}, {}, ""),
        ({"AUTOMATIC_REQUIREMENTS": "(PIN_POLICY = PINNED)"}, {}, ": (PIN_POLICY = PINNED)"),
        ({}, {"SCHED_REQUIREMENTS": "ID=9"}, ": (ID=9)"),
        ({"AUTOMATIC_REQUIREMENTS": "!(A = B)"}, {"SCHED_REQUIREMENTS": "ID=9"}, ": !(A = B) & (ID=9)"),
    ],
)
def test_the_requirements_that_no_host_meets_are_told(template, user, said):
    item = vm("PENDING", TEMPLATE=template, USER_TEMPLATE={**user, "SCHED_MESSAGE": "No host meets SCHED_REQUIREMENTS"})
    assert states.describe(item) == "db is pending: No host meets SCHED_REQUIREMENTS" + said


@pytest.mark.parametrize(("user", "state", "failure"), SAID)
def test_drivers_and_the_scheduler_say_why(user, state, failure):
    item = vm("RUNNING", USER_TEMPLATE=user)
    assert states.describe(item) == state
    found = states.failure_of(item)
    assert (found.message, found.data) == (failure or found.message, {"object": "vm", "id": 7})
    assert isinstance(found, Broken)


def test_what_a_vm_lacks_and_what_it_cannot():
    assert states.describe(vm("BOOT"), " (no READY)") == "db is changing (no READY)"
    found = states.invalid_state(vm("HOLD"), "be migrated")
    assert found.message == "VM db is held, and in this state it cannot be migrated."
    assert found.data == {"object": "vm", "id": 7}


# ---------------------------------------------------------------- reading


def test_many_vms_are_read_by_one_call():
    items = [vm(oid=7), vm(oid=3)]
    here = cloud(vmpool_infoset=infoset(items))
    assert states.fetch_vms(here, {7, 3, 5}) == {7: items[0], 3: items[1]}
    assert states.fetch_vms(here, [3], False) == {3: items[1]}
    assert states.fetch_vms(here, []) == {}
    broken = cloud(vmpool_infoset=OneInternalException("down"))
    assert refusal(states.fetch_vms, broken, [3])[0] == "Cannot read the VMs: down."
    assert here.one.calls == [("vmpool.infoset", "3,5,7", True), ("vmpool.infoset", "3", False)]


def test_the_last_place_counts():
    last = record(3)
    assert states.last_record(vm(history=(record(1), record(2), last))) is last
    assert states.last_record(vm()) is None
