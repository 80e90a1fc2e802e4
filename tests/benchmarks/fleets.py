# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Fleets of VMs by one task, ours beside the peer's: calls and seconds. The cloud counts the calls, for both alike."""

from __future__ import annotations

import plays
from timing import Case

FLEET = 100  # VMs
TEMPLATE = 'NAME="web" CPU="0.1" VCPU="1" MEMORY="64"'  # the peer wants VCPU


def steady(pool: int, wanted: dict[str, str]) -> Case:
    """A fleet that is complete, in a pool of so many VMs."""
    with plays.counting(hosts=20, vms=pool - FLEET) as cloud:
        template = cloud("template.allocate", TEMPLATE)
        for number in range(FLEET):
            cloud("template.instantiate", template, f"web-{number:03}", False, 'ROLE="web"', False)
        case = plays.timed(tasks(cloud, wanted), warm=False)
    return with_calls(case, cloud)


def create(delay: float) -> Case:
    """A fleet of which there is nothing, in a cloud without other VMs, whose transitions take so many seconds."""

    def afresh() -> None:
        cloud.reset()
        cloud("template.allocate", TEMPLATE)

    with plays.counting(delay, hosts=20) as cloud:
        both = tasks(cloud, {"ROLE": "web"})
        case = plays.timed(both, warm=False, before=afresh, recap=r"changed=1 .* failed=0")
    return with_calls(case, cloud)


def tasks(cloud: plays.CountingSimulator, wanted: dict[str, str]) -> dict[str, list[plays.Task]]:
    """The same task of both modules."""
    options = {
        "template_name": "web",
        "exact_count": FLEET,
        "attributes": {"NAME": "web-###", "ROLE": "web"},
        "count_attributes": wanted,
    }
    both = {"ours": plays.OURS, "peer": plays.PEER}
    return {who: [cloud.task(collection, "one_vm", who, **options)] for who, collection in both.items()}


def with_calls(case: Case, cloud: plays.CountingSimulator) -> Case:
    """The case with the calls of one run."""
    return {**case, **{f"{who}_calls": len(cloud.calls[who]) // case["rounds"] for who in ("ours", "peer")}}
