# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The virtual topology of a VM: sockets, cores and threads, whether it is pinned, and the NUMA nodes that follow."""

from __future__ import annotations

from ..store import Object
from ..template import Template, Vector

POLICIES = ("CORE", "THREAD", "SHARED")
KIB = 1024


def is_pinned(vm: Object) -> bool:
    return pinned(vm.template.vector("TOPOLOGY") or {})


def pinned(topology: Vector) -> bool:
    return topology.get("PIN_POLICY", "").upper() in POLICIES


def complete(body: Template) -> None:
    """Writes what follows from a TOPOLOGY into the template of a new VM. Raises ValueError."""
    topology = body.vector("TOPOLOGY")
    if topology is None:
        return
    body.set("VCPU", body.text("VCPU") or "1")
    if "VCPU_MAX" in body:
        raise ValueError("VM with TOPOLOGY does not support CPU hotplug (VCPU_MAX)")
    nodes = body.vectors("NUMA_NODE")
    body.erase("NUMA_NODE")
    if not pinned(topology):
        fill(topology, body.integer("VCPU"))
        return
    body.set("CPU", body.text("VCPU"))
    topology.setdefault("SOCKETS", str(len(nodes) or 1))
    set_threads(topology, body.integer("VCPU"))
    body.replace("NUMA_NODE", asked_for(body, nodes) if nodes else even(body, number(topology, "SOCKETS")))


def number(vector: Vector, name: str) -> int:
    text = vector.get(name, "")
    return int(text) if text.isdigit() else 0


def fill(topology: Vector, vcpu: int) -> None:
    """A VM that is not pinned says all, and it fits."""
    sockets, cores, threads = (number(topology, name) for name in ("SOCKETS", "CORES", "THREADS"))
    if not (sockets and cores and threads):
        raise ValueError("Non-pinned VMs with a virtual topology needs to set  SOCKETS, CORES and THREADS numbers.")
    refuse_total(sockets * cores * threads, vcpu)
    topology["PIN_POLICY"] = "NONE"


def refuse_total(threads: int, vcpu: int) -> None:
    if threads != vcpu:
        raise ValueError("Total threads per core and socket needs to match VCPU")


def set_threads(topology: Vector, vcpu: int) -> None:
    """Threads follow from cores; without cores, the host decides."""
    sockets, cores, threads = (number(topology, name) for name in ("SOCKETS", "CORES", "THREADS"))
    if not cores:
        return
    if threads:
        refuse_total(sockets * cores * threads, vcpu)
        return
    if vcpu % (cores * sockets):
        raise ValueError("VCPU is not multiple of the total number of cores")
    threads = vcpu // (cores * sockets)
    if threads & (threads - 1):
        raise ValueError("Computed number of threads is not power of 2")
    topology["THREADS"] = str(threads)


def even(body: Template, nodes: int) -> list[Vector]:
    """As many equal nodes as sockets."""
    for name in ("VCPU", "MEMORY"):
        if body.integer(name) % nodes:
            raise ValueError(f"{name} is not multiple of the number of NUMA nodes")
    return [node(body.integer("VCPU") // nodes, body.integer("MEMORY") // nodes)] * nodes


def asked_for(body: Template, nodes: list[Vector]) -> list[Vector]:
    """The nodes of the template; together they are the VM."""
    found = [(number(each, "TOTAL_CPUS"), number(each, "MEMORY")) for each in nodes]
    for cpus, memory in found:
        if not cpus:
            raise ValueError("A NUMA_NODE must have TOTAL_CPUS greater than 0")
        if not memory:
            raise ValueError(" A NUMA_NODE must have MEMORY greater than 0")
    if sum(cpus for cpus, dummy in found) != body.integer("VCPU"):
        raise ValueError("Total CPUS of NUMA nodes is different from VM VCPU")
    if sum(memory for dummy, memory in found) != body.integer("MEMORY"):
        raise ValueError("Total MEMORY of NUMA nodes is different from VM MEMORY")
    return [node(*each) for each in found]


def node(cpus: int, memory: int) -> Vector:
    return {"TOTAL_CPUS": str(cpus), "MEMORY": str(memory * KIB)}
