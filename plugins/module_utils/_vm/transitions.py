# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The transitions between the states of a VM (one.vm.action)."""

from __future__ import annotations

from typing import NamedTuple

from .state_names import lcm_name
from .states import ACTIVE, ANYWHERE, COMING, status

# LCM_STATE of VMs that will be DONE.
TERMINATING = frozenset(("EPILOG", "SHUTDOWN", "CLEANUP_DELETE"))
# What its LCM_STATE begins or ends with → the state that a VM is changing to; any other is changing to running.
TARGETS = (
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
# state to reach → {present state: action}; a state in no row cannot reach it, or does so by itself.
ACTIONS = {
    "running": _START,
    "poweredoff": dict(_START, running="poweroff", unknown="poweroff"),
    "suspended": dict(_START, running="suspend"),
    "stopped": dict(_START, running="stop", suspended="stop"),
    "undeployed": dict(_START, running="undeploy", unknown="undeploy", poweredoff="undeploy"),
    "held": {"pending": "hold"},
    "done": dict.fromkeys(ANYWHERE - {"done", "changing"}, "terminate"),
}
FORCED = frozenset(("poweroff", "undeploy", "terminate", "reboot"))  # actions that have a -hard


class Reach(NamedTuple):
    """A state that a VM is brought to, by the actions that lead there."""

    state: str


def terminating(vm):
    """Whether a VM is DONE or will be."""
    return status(vm) == "done" or (vm.STATE == ACTIVE and lcm_name(vm) in TERMINATING)


def target_state(vm):
    """The state in which a VM will rest: the one that it is in, or is changing to."""
    present = status(vm)
    if present not in COMING:
        return present
    lcm = lcm_name(vm)
    if present != "changing" or lcm in STARTING:
        return "running"
    return next((word for part, word in TARGETS if lcm.startswith(part) or lcm.endswith(part)), "running")


def action(present, wanted, hard=False):
    """The action of one.vm.action that leads from a state towards another; None: there is none, or none is needed."""
    name = ACTIONS[wanted].get(present)
    return name + "-hard" if hard and name in FORCED else name
