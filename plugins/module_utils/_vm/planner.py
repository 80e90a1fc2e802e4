# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What would change of a VM, and its way through the states in which each step works."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .._core.failure import Failure
from .._core.quota_refusals import Call
from .._core.values import first_text, same
from .._engine import engine
from .._engine.resource import LAST, Modes, Plan, Step
from . import power_cycle
from .addresses import has_address
from .record import KIND
from .states import LIVE, RESTING, status
from .transitions import Reach, action, target_state

NEVER_DEPLOYED = frozenset(("init", "pending", "cloning", "held"))
WORKABLE = ("running", "poweredoff")  # states to name, when a step does not work in the present one


class DesiredState(NamedTuple):
    """What is wanted of each VM of a task.

    Args:
        wanted (dict): option → value in canonical form; of the attributes of `resource`.
        resource (Resource)
        modes (Modes)
        state (str | None): to be in; `rebooted` and `done` too.
        conditions (tuple[Step]): what to wait for in that state.
        allow_poweroff (bool): whether a running VM may be powered off and on again for changes that need it.
        hard (bool): power off without asking the guest.
    """

    wanted: dict
    resource: Any
    modes: Modes = Modes()
    state: Any = None
    conditions: tuple = ()
    allow_poweroff: bool = False
    hard: bool = False


# ---------------------------------------------------------------- wait conditions


def conditions(state, ready=False, network=None):
    """The Steps that wait for VMs that are to run.

    Args:
        state (str | None): of DesiredState.
        ready (bool): until the guest says so.
        network (str | None): until the VM has an address on the network of this name.
    """
    if state not in (None, "running", "rebooted"):
        return ()
    found = [Step("READY from the guest", until=is_ready, states=LIVE)] if ready else []
    if network is not None:
        found.append(Step("address on network %s" % network, until=partial(has_address, network), states=LIVE))
    return tuple(found)


def is_ready(item):
    return same(first_text(item.USER_TEMPLATE, "READY"), "YES")


# ---------------------------------------------------------------- plan


def plan(cloud, item, desired):
    """The Plan for a VM (of one.vm.info); its steps are those of a Run.

    Raises:
        Failure: something cannot be changed, or only with the power off, or the state cannot be reached.
    """
    record = dict(desired.resource.read(cloud, item), id=item.ID, name=item.NAME)
    before, after, steps = engine.plan(desired.resource, record, desired.wanted, desired.modes)
    present, goal = status(item), _goal(item, desired)
    if desired.state == "rebooted" and goal is None:
        steps.append(_reboot(item, desired.hard))
        before["status"], after["status"] = present, "rebooted"
    elif goal is not None and goal not in (present, target_state(item)):
        before["status"], after["status"] = present, goal
    resolved = engine.resolved(cloud, steps, later=_counted(item, present, goal))
    found, cycle = route(item, goal, resolved, desired.allow_poweroff)
    if cycle:
        after["power_cycle"] = cycle
    return Plan(before, after, found + list(desired.conditions))


def _counted(item, present, goal):
    """The call that counts in quotas on the way to a state: a VM at rest runs again."""
    if goal is None or action(present, goal) != "resume":
        return []
    return [Call("resume VM %s" % item.NAME, "vm.action", ("resume", item.ID))]


def _goal(item, desired):
    """The state to reach; None: the present one, or that of a running VM that is rebooted.

    A VM that a run has powered off for a change, and has not started again, is to run.
    """
    goal = "running" if desired.state is None and power_cycle.interrupted(item) else desired.state
    if goal == "held" and status(item) not in NEVER_DEPLOYED:
        message = "VM %s is %s: only a VM that was never deployed can be held."
        raise Failure(message % (item.NAME, status(item)), object=KIND, id=item.ID)
    if goal != "rebooted":
        return goal
    return None if target_state(item) == "running" else "running"


def _reboot(item, hard):
    action = "reboot-hard" if hard else "reboot"
    return Step("reboot VM %s" % item.NAME, "vm.action", (action, item.ID), states=frozenset(("running",)))


# ---------------------------------------------------------------- route


class Groups(NamedTuple):
    """The steps of a route by the state in which they are carried out."""

    now: list  # in the present state
    start: list  # in the state that the VM is changing to
    off: list  # powered off
    end: list  # in the state to end in
    last: list  # after all others


def route(item, goal, steps, allow_poweroff):
    """The way of a VM through steps and states.

    Args:
        item: the VM.
        goal (str | None): state to end in; None: the present one, or the one that it is changing to.
        steps (list[Step])
        allow_poweroff (bool)

    Returns:
        (list[Step | Reach], list[str]): steps of a Run, and what the VM is powered off and on again for.

    Raises:
        Failure: a step does not work on the way.
    """
    start = target_state(item)
    end = start if goal is None else goal
    groups = _grouped(steps, status(item), start, end)
    found = groups.now + ([Reach(start)] if groups.start and status(item) not in RESTING else []) + groups.start
    if groups.off:
        _refuse(item, start, groups.off, allow_poweroff)
        found += (power_cycle.begin(item) if end == "running" else []) + [Reach("poweredoff")] + groups.off
    elif end == start:  # no action is needed to get there
        return found + groups.last + ([] if end == status(item) else [Reach(end)]), []
    return found + [Reach(end)] + groups.end + groups.last, [step.what for step in groups.off]


def _grouped(steps, present, start, end):
    groups = Groups([], [], [], [], [])
    for step in steps:
        places = ((groups.now, present), (groups.start, start), (groups.end, end))
        fitting = (group for group, state in places if step.states is None or state in step.states)
        (groups.last if step.phase == LAST else next(fitting, groups.off)).append(step)
    return groups


def _refuse(item, start, steps, allow_poweroff):
    """Raises Failure unless steps that do not work in the state of the VM may be carried out with its power off."""
    whats = "; ".join(step.what for step in steps)
    nowhere = [step for step in steps if "poweredoff" not in step.states]
    if start in LIVE and not nowhere and allow_poweroff:
        return
    if start in LIVE and not nowhere:
        message = "VM %s has to be powered off for this: %s. Give allow_poweroff: true, or power it off first."
        needs = [step.what for step in steps]
        raise Failure(message % (item.NAME, whats), object=KIND, id=item.ID, need_poweroff=needs)
    places = [state for state in WORKABLE if all(state in step.states for step in steps)]
    advice = "It has to be %s" % " or ".join(places) if places else "Make these changes in tasks of their own"
    message = "VM %s is %s, where this does not work: %s. %s."
    raise Failure(message % (item.NAME, start, whats, advice), object=KIND, id=item.ID)
