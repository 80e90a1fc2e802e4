# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the methods on parts of a VM have in common: states, refusals, and the work of a driver that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..calls import Call
from ..errors import wrong_action
from ..store import Object
from . import lifecycle

Action = Callable[[Any, Object], None]  # of cloud and VM
AS_RUNNING = (lifecycle.ACTIVE, lifecycle.RUNNING)
OFF = (lifecycle.POWEROFF, 0)
OFF_AFTER_SNAPSHOT = (lifecycle.POWEROFF, lifecycle.RUNNING)  # 7.4.0 leaves this after deleting a system snapshot


def nothing(cloud: Any, vm: Object) -> None:
    """A driver action that leaves no trace."""


def transient(vm: Object, legal: Mapping[tuple[int, int], int], what: str) -> int:
    """The LCM state in which the driver works. Raises Refused "<what>, wrong state …" where that is not possible."""
    lcm = legal.get((vm.state, vm.lcm_state))
    if lcm is None:
        raise wrong_action(f"{what}, wrong state {lifecycle.state_name(vm)}.")
    return lcm


def refuse_router(vm: Object) -> None:
    """The interfaces and disks of a virtual router's VM are the router's business."""
    if vm.template.text("VROUTER_ID"):
        raise wrong_action("Action is not supported for virtual router VMs")


def start(
    call: Call, vm: Object, lcm: int, action: str, error: str, done: Action = nothing, undone: Action = nothing
) -> None:
    """A driver begins to work: what follows when it has `done` it, or failed with an error and it is `undone`."""
    lifecycle.work(call.cloud, vm, lcm, lifecycle.Task(action, error, done, undone))
