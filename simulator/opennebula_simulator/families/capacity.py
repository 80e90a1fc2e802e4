# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Capacity of hosts: what they offer to VMs."""

from __future__ import annotations

import re

from ..store import Object

RESERVED = re.compile(r"\s*([+-]?[0-9]+)(%?)\s*").fullmatch


def reserve(cloud: object, host: Object) -> None:
    """Capacity for VMs: the total less what the host reserves or, if it is silent, its cluster."""
    cluster = cloud["CLUSTER"].get_ro(host.cluster_id)
    for metric, total in (("cpu", host.total_cpu), ("mem", host.total_mem)):
        name = f"RESERVED_{metric.upper()}"
        given = host.template.text(name) or (cluster.template.text(name) if cluster is not None else "")
        setattr(host, f"max_{metric}", int(total - reserved(given, total)))


def reserved(given: str, total: int) -> float:
    """ "100" of the unit, "10%" of the total; negative numbers offer more than there is, and what is none is 0."""
    found = RESERVED(given)
    number = int(found.group(1)) if found else 0
    return total * number / 100 if found and found.group(2) else number


# ---------------------------------------------------------------- what VMs take


def needed(vm: Object) -> tuple[int, int]:
    """CPU in percent of a core and memory in KiB that a VM takes."""
    return round(vm.template.number("CPU") * 100), vm.template.integer("MEMORY") * 1024


def take(host: Object, vm: Object) -> None:
    cpu, mem = needed(vm)
    host.vms.add(vm.oid)
    host.cpu_usage += cpu
    host.mem_usage += mem
    host.changed()


def give_back(host: Object, vm: Object) -> None:
    if vm.oid not in host.vms:
        return
    cpu, mem = needed(vm)
    host.vms.discard(vm.oid)
    host.cpu_usage -= cpu
    host.mem_usage -= mem
    host.changed()


def lacking(host: Object, cpu: int, mem: int) -> str:
    """What a host cannot give on top of what it gives; empty when it can."""
    for name, wanted, used, most in (
        ("CPU", cpu, host.cpu_usage, host.max_cpu),
        ("memory", mem, host.mem_usage, host.max_mem),
    ):
        if used + wanted > most:
            return f"Not enough {name}: {wanted}/{most - used}"
    return ""
