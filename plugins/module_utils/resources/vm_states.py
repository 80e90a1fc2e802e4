# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The states of a VM, in one word each, the action that leads on from each (one.vm.action), and steps in a state."""

from __future__ import annotations

from typing import Callable, NamedTuple

STATE_NAMES = (
    "INIT PENDING HOLD ACTIVE STOPPED SUSPENDED DONE FAILED POWEROFF UNDEPLOYED CLONING CLONING_FAILURE".split()
)
LCM_NAMES = (
    "LCM_INIT PROLOG BOOT RUNNING MIGRATE SAVE_STOP SAVE_SUSPEND SAVE_MIGRATE PROLOG_MIGRATE PROLOG_RESUME "
    "EPILOG_STOP EPILOG SHUTDOWN CANCEL FAILURE CLEANUP_RESUBMIT UNKNOWN HOTPLUG SHUTDOWN_POWEROFF BOOT_UNKNOWN "
    "BOOT_POWEROFF BOOT_SUSPENDED BOOT_STOPPED CLEANUP_DELETE HOTPLUG_SNAPSHOT HOTPLUG_NIC HOTPLUG_SAVEAS "
    "HOTPLUG_SAVEAS_POWEROFF HOTPLUG_SAVEAS_SUSPENDED SHUTDOWN_UNDEPLOY EPILOG_UNDEPLOY PROLOG_UNDEPLOY "
    "BOOT_UNDEPLOY HOTPLUG_PROLOG_POWEROFF HOTPLUG_EPILOG_POWEROFF BOOT_MIGRATE BOOT_FAILURE BOOT_MIGRATE_FAILURE "
    "PROLOG_MIGRATE_FAILURE PROLOG_FAILURE EPILOG_FAILURE EPILOG_STOP_FAILURE EPILOG_UNDEPLOY_FAILURE "
    "PROLOG_MIGRATE_POWEROFF PROLOG_MIGRATE_POWEROFF_FAILURE PROLOG_MIGRATE_SUSPEND PROLOG_MIGRATE_SUSPEND_FAILURE "
    "BOOT_UNDEPLOY_FAILURE BOOT_STOPPED_FAILURE PROLOG_RESUME_FAILURE PROLOG_UNDEPLOY_FAILURE "
    "DISK_SNAPSHOT_POWEROFF DISK_SNAPSHOT_REVERT_POWEROFF DISK_SNAPSHOT_DELETE_POWEROFF DISK_SNAPSHOT_SUSPENDED "
    "DISK_SNAPSHOT_REVERT_SUSPENDED DISK_SNAPSHOT_DELETE_SUSPENDED DISK_SNAPSHOT DISK_SNAPSHOT_REVERT "
    "DISK_SNAPSHOT_DELETE PROLOG_MIGRATE_UNKNOWN PROLOG_MIGRATE_UNKNOWN_FAILURE DISK_RESIZE DISK_RESIZE_POWEROFF "
    "DISK_RESIZE_UNDEPLOYED HOTPLUG_NIC_POWEROFF HOTPLUG_RESIZE HOTPLUG_SAVEAS_UNDEPLOYED HOTPLUG_SAVEAS_STOPPED "
    "BACKUP BACKUP_POWEROFF RESTORE"
).split()

ACTIVE = 3  # STATE whose LCM_STATE tells more
WORDS = {
    "INIT": "init",
    "PENDING": "pending",
    "HOLD": "held",
    "STOPPED": "stopped",
    "SUSPENDED": "suspended",
    "DONE": "done",
    "POWEROFF": "poweredoff",
    "UNDEPLOYED": "undeployed",
    "CLONING": "cloning",
    "CLONING_FAILURE": "failed",
    "RUNNING": "running",
    "UNKNOWN": "unknown",
}
# On the way to DONE.
LEAVING = frozenset(("EPILOG", "SHUTDOWN", "CLEANUP_DELETE"))
# Where what moves by itself is going, by what its LCM_STATE begins or ends with; all else is going to run.
HEADINGS = (
    ("SAVE_SUSPEND", "suspended"),
    ("SAVE_STOP", "stopped"),
    ("EPILOG_STOP", "stopped"),
    ("SHUTDOWN_UNDEPLOY", "undeployed"),
    ("EPILOG_UNDEPLOY", "undeployed"),
    ("SHUTDOWN_POWEROFF", "poweredoff"),
    ("RESTORE", "poweredoff"),
    ("_UNDEPLOYED", "undeployed"),
    ("_STOPPED", "stopped"),
    ("_SUSPENDED", "suspended"),
    ("_MIGRATE_SUSPEND", "suspended"),
    ("_POWEROFF", "poweredoff"),
)
STARTING = frozenset(("BOOT_POWEROFF", "BOOT_SUSPENDED", "BOOT_STOPPED"))

RESTING = frozenset(("running", "unknown", "held", "stopped", "suspended", "poweredoff", "undeployed", "done"))
# What gets somewhere by itself.
COMING = frozenset(("init", "pending", "cloning", "changing"))
ANYWHERE = RESTING | COMING | {"failed"}

_START = dict.fromkeys(("stopped", "suspended", "poweredoff", "undeployed", "unknown"), "resume")
_START["held"] = "release"
# state to reach → {state now: action}; what is in no row cannot get there, or gets there by itself.
ROADS = {
    "running": _START,
    "poweredoff": dict(_START, running="poweroff", unknown="poweroff"),
    "suspended": dict(_START, running="suspend"),
    "stopped": dict(_START, running="stop", suspended="stop"),
    "undeployed": dict(_START, running="undeploy", unknown="undeploy", poweredoff="undeploy"),
    "held": {"pending": "hold"},
    "done": dict.fromkeys(ANYWHERE - {"done", "changing"}, "terminate"),
}
FORCED = frozenset(("poweroff", "undeploy", "terminate", "reboot"))  # actions that have a -hard


class Step(NamedTuple):
    """One change of a VM."""

    what: str  # as in "VM web needs to be off to …"
    works: frozenset  # the states in which OpenNebula takes it
    run: Callable  # () -> None: asks for it
    still: bool = True  # whether the VM stays as it is meanwhile
    last: bool = False  # whether it may take the right to do the others


class Until(NamedTuple):
    """Something that the guest has to do."""

    what: str  # as in "VM web: no …"
    holds: Callable  # (VM of one.vm.info) -> bool


def state_name(vm):
    """STATE as OpenNebula calls it."""
    return STATE_NAMES[vm.STATE] if vm.STATE in range(len(STATE_NAMES)) else str(vm.STATE)


def lcm_name(vm):
    """LCM_STATE as OpenNebula calls it; a number that releases up to 7.4 do not have as it is."""
    return LCM_NAMES[vm.LCM_STATE] if vm.LCM_STATE in range(len(LCM_NAMES)) else str(vm.LCM_STATE)


def status(vm):
    """One word for STATE and LCM_STATE of a VM, from vm.info or a pool."""
    if vm.STATE != ACTIVE:
        return WORDS.get(state_name(vm), state_name(vm).lower())
    lcm = lcm_name(vm)
    return "failed" if lcm.endswith("_FAILURE") else WORDS.get(lcm, "changing")


def leaving(vm):
    """Whether a VM is DONE or on its way there."""
    return status(vm) == "done" or (vm.STATE == ACTIVE and lcm_name(vm) in LEAVING)


def heading(vm):
    """The state in which a VM will rest if nobody acts: where it is, or where it is going."""
    present = status(vm)
    if present not in COMING:
        return present
    lcm = lcm_name(vm)
    if present != "changing" or lcm in STARTING:
        return "running"
    return next((word for part, word in HEADINGS if lcm.startswith(part) or lcm.endswith(part)), "running")


def action(present, wanted, hard=False):
    """The action that leads a VM from a state towards another; None: there is none, or it is on the way."""
    name = ROADS[wanted].get(present)
    return name + "-hard" if hard and name in FORCED else name


def error(vm):
    """What the drivers said when they last failed; empty when they did not."""
    return (vm.USER_TEMPLATE or {}).get("ERROR", "").rstrip(".")


def reason(vm):
    """Why a VM does not get on, as drivers or scheduler say it; empty when they say nothing."""
    return error(vm) or (vm.USER_TEMPLATE or {}).get("SCHED_MESSAGE", "").rstrip(".")
