# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How many VMs the policies of a role ask for."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from . import expressions, recurrence
from .merge import whole
from .service import Role, vm_state

PLACES = ("USER_TEMPLATE/", "MONITORING/", "TEMPLATE/", "")  # where an attribute of a VM is looked for


def change(cloud: Any, role: Role, cooldown: int) -> tuple[int, int | None]:
    """VMs to add or (negative) to remove, and the cooldown afterwards (None: as it is).

    What the policies remember (last_eval, true_evals, expression_evaluated) is changed in place.
    """
    now = cloud.events.time()
    for policy in role.body.get("scheduled_policies") or []:
        found = by_time(role, policy, now)
        if found:
            return found, policy.get("cooldown")
    for policy in role.body.get("elasticity_policies") or []:
        found = by_expression(cloud, role, policy, now)
        if found:
            own = policy.get("cooldown")
            return found, role.body.get("cooldown", cooldown) if own is None else own
    missing = int(role.body.get("min_vms") or 0) - role.cardinality
    return (missing, 0) if missing > 0 else (0, None)


def by_time(role: Role, policy: dict, now: int) -> int:
    """What falls due between the last look and this one; at the first look nothing does."""
    last = int(policy.get("last_eval") or 0)
    policy["last_eval"] = now
    if not last:
        return 0
    if policy.get("start_time"):
        due = recurrence.moment(policy["start_time"])
    else:
        rule = recurrence.cron(policy.get("recurrence") or "")
        due = recurrence.following(rule, last) if rule else None
    return wanted(role, policy) - role.cardinality if due is not None and last < due <= now else 0


def by_expression(cloud: Any, role: Role, policy: dict, now: int) -> int:
    """A policy that held in enough looks, one a period."""
    if now < int(policy.get("last_eval") or 0) + int(policy.get("period") or 0):
        return 0
    policy["last_eval"] = now
    node = expressions.parse(policy["expression"])
    holds, policy["expression_evaluated"] = expressions.evaluate(node, lambda name: mean(cloud, role, name))
    needed = int(policy.get("period_number") or 0)
    policy["true_evals"] = min(int(policy.get("true_evals") or 0) + 1, needed) if holds else 0
    return wanted(role, policy) - role.cardinality if holds and policy["true_evals"] >= needed else 0


def wanted(role: Role, policy: dict) -> int:
    """The cardinality that a policy asks for, within the limits unless these are passed already."""
    present, adjust = role.cardinality, int(policy["adjust"])
    number = present + adjust if policy["type"] == "CHANGE" else adjust
    if policy["type"] == "PERCENTAGE_CHANGE":
        part = present * adjust / 100
        step = max(int(abs(part)) or 1, int(policy.get("min_adjust_step") or 0))
        number = present + (step if part > 0 else -step)
    if adjust > 0:
        return min(number, max(present, int(role.body.get("max_vms") or 0)))
    return max(number, int(role.body.get("min_vms") or 0)) if adjust < 0 else number


def mean(cloud: Any, role: Role, name: str) -> float | None:
    """Of an attribute over the running VMs that have it, with two digits; None when none has it."""
    name = name.strip("'\"")
    trees = [ET.fromstring(cloud["VM"].get_ro(oid).xml()) for oid in role.vms if vm_state(cloud, oid) == "RUNNING"]
    found = [text for text in (attribute(tree, name) for tree in trees) if text is not None]
    return round(sum(map(number, found)) / len(found), 2) if found else None


def attribute(tree: ET.Element, name: str) -> str | None:
    texts = (tree.findtext(place + name) for place in PLACES)
    return next((text for text in texts if text is not None), None)


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(whole(text))


def has_sched_action(cloud: Any, oid: int, number: int) -> bool:
    """Whether a VM has a scheduled action of this ID."""
    call = cloud.as_administrator("one.vm.info")
    tree = ET.fromstring(call.run([oid, False]))
    return any(each.findtext("ID") == str(number) for each in tree.findall("TEMPLATE/SCHED_ACTION"))
