# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The action that leads a VM on from each state (one.vm.action), where it is going, and steps in a state."""

from __future__ import annotations

from typing import Callable, NamedTuple

from .state_names import lcm_name
from .states import ACTIVE, ANYWHERE, COMING, status

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
