# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""One VM: what would change, and the way there through the states in which each change works."""

from __future__ import annotations

from typing import NamedTuple

from .._core.failure import Failure
from .._core.values import canonical as canonical_template
from .._core.values import same
from . import resource as vm
from .states import RESTING, status
from .transitions import Step, Until, heading

LIVE = frozenset(("running", "unknown"))
NEVER_DEPLOYED = frozenset(("init", "pending", "cloning", "held"))
PLACES = ("running", "poweredoff")  # to name, when a change does not work where the VM is


class Desire(NamedTuple):
    """What is wanted of each VM.

    Args:
        options (dict): option → value, canonical; keys of `changes`.
        changes (dict): of vm.changes().
        state (str | None): to be in; `rebooted` and `done` too.
        awaited (list[Until]): what to wait for once that is reached.
        allow_poweroff (bool): whether a running VM may be switched off and on again for changes that need it.
        hard (bool): without asking the guest.
    """

    options: dict
    changes: dict
    state: object = None
    awaited: tuple = ()
    allow_poweroff: bool = False
    hard: bool = False


class Plan(NamedTuple):
    """What would change of a VM, and the legs of its journey."""

    before: dict
    after: dict
    legs: list


def canonical(cloud, changes, given):
    """The given options in their one form, without what is nobody's business."""
    return {option: changes[option].canonical(cloud, value) for option, value in given.items() if value is not None}


def awaited(state, ready=False, network=None):
    """The Untils for VMs that are to run: `ready`: the guest says so; `network`: name of one to have an address on."""
    if state not in (None, "running", "rebooted"):
        return ()
    found = [Until("READY from the guest", is_ready)] if ready else []
    if network is not None:
        found.append(Until("address on network %s" % network, lambda item: has_address(item, network)))
    return tuple(found)


def is_ready(item):
    return same((item.USER_TEMPLATE or {}).get("READY", ""), "YES")


def has_address(item, network):
    """Whether a NIC on a network has an address, or the guest agent tells one."""
    template = canonical_template(item.TEMPLATE or {})
    nics = [nic for nic in template.get("NIC", []) if nic.get("NETWORK") == network]
    if any(nic.get(name) for nic in nics for name in ("IP", "IP6", "IP6_GLOBAL")):
        return True
    return bool(nics) and bool(getattr(item.MONITORING, "GUEST_IP_ADDRESSES", None))


def plan(cloud, item, desire):
    """The Plan for a VM (of one.vm.info).

    Raises:
        Failure: something cannot be changed, or only with the power off, or the state cannot be reached.
    """
    before, after, steps = differences(cloud, item, desire)
    present, goal = status(item), _goal(cloud, item, desire, steps)
    if desire.state == "rebooted" and goal is None:
        before["status"], after["status"] = present, "rebooted"
    elif goal is not None and goal not in (present, heading(item)):
        before["status"], after["status"] = present, goal
    legs, cycle = route(item, goal, steps, desire.allow_poweroff)
    if cycle:
        after["power_cycle"] = cycle
    return Plan(before, after, legs + list(desire.awaited))


def differences(cloud, item, desire):
    """(before, after, [Step]) of what is not as it is wanted, but for the state."""
    record = vm.read(cloud, item)
    before, after, steps = {}, {}, []
    for option in _in_order(desire):
        present, value, made = desire.changes[option].plan(cloud, record, desire.options[option])
        if present != value:
            before[option], after[option] = present, value
            steps += made
    return before, after, steps


def _in_order(desire):
    """The options in the order of the table, but what unlocks first."""
    found = [option for option in desire.changes if option in desire.options]
    return sorted(found, key=lambda option: not (option == "lock" and desire.options[option] == "none"))


def _goal(cloud, item, desire, steps):
    """The state to reach; None: where it is. A reboot becomes a step of a VM that runs."""
    goal = desire.state
    if goal == "held" and status(item) not in NEVER_DEPLOYED:
        message = "VM %s is %s: only a VM that was never deployed can be held."
        raise Failure(message % (item.NAME, status(item)), object=vm.KIND, id=item.ID)
    if goal != "rebooted":
        return goal
    if heading(item) != "running":
        return "running"
    steps.append(_reboot(cloud, item, desire.hard))
    return None


def _reboot(cloud, item, hard):
    def reboot():
        name = "reboot-hard" if hard else "reboot"
        cloud.call("reboot VM %s" % item.NAME, "vm.action", name, item.ID, object=vm.KIND, id=item.ID)

    return Step("reboot", frozenset(("running",)), reboot)


def route(item, goal, steps, allow_poweroff):
    """The way of a VM through steps and states.

    Args:
        item: the VM.
        goal (str | None): state to end in; None: where it is, or is going by itself.
        steps (list[Step])
        allow_poweroff (bool)

    Returns:
        (list, list[str]): legs of a Journey, and what it is switched off and on again for.

    Raises:
        Failure: steps do not work on the way.
    """
    start, rests = heading(item), status(item) in RESTING
    end = start if goal is None else goal
    last = [step for step in steps if step.last]
    now = [step for step in steps if status(item) in step.works and step not in last]
    later = [step for step in steps if step not in now and step not in last]
    here = [step for step in later if start in step.works]
    there = [step for step in later if step not in here and end in step.works]
    off = [step for step in later if step not in here and step not in there]
    legs = now + ([start] if here and not rests else []) + here
    if off:
        _refuse(item, start, off, allow_poweroff)
        legs += ["poweredoff"] + off
    cycle = [step.what for step in off]
    if not off and end == start:  # nothing is asked for on the way there
        return legs + last + ([] if end == status(item) else [end]), cycle
    return legs + [end] + there + last, cycle


def _refuse(item, start, steps, allow_poweroff):
    """Raises Failure unless steps that do not work as the VM is may be done with its power off."""
    whats = "; ".join(step.what for step in steps)
    nowhere = [step for step in steps if "poweredoff" not in step.works]
    if start in LIVE and not nowhere and allow_poweroff:
        return
    if start in LIVE and not nowhere:
        message = "VM %s has to be switched off for this: %s. Give allow_poweroff: true, or switch it off first."
        raise Failure(message % (item.NAME, whats), object=vm.KIND, id=item.ID, need_poweroff=[s.what for s in steps])
    message = "VM %s is %s, where this does not work: %s. It has to be %s."
    places = [word for word in PLACES if all(word in step.works for step in steps)]
    raise Failure(message % (item.NAME, start, whats, " or ".join(places)), object=vm.KIND, id=item.ID)
