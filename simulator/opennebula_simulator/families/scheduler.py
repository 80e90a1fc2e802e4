# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The scheduler: which monitored host has room for a waiting VM; the emptiest first."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ..expressions import Malformed, holds
from ..permissions import Who
from ..store import Object
from . import capacity, pci
from . import vmgroup as vmgroups
from .host import MONITORED
from .topology import is_pinned

SYSTEM_DS, READY = 1, 0
NET_READY = 1
PINNED = "PINNED"
# Where the names in requirements are looked for.
HOST_PLACES = ("TEMPLATE/", "HOST_SHARE/", "MONITORING/CAPACITY/", "MONITORING/SYSTEM/", "")
DATASTORE_PLACES = ("TEMPLATE/", "")
NOWHERE = {
    "requirements": "No host meets SCHED_REQUIREMENTS",
    "room": "No host with enough capacity to deploy the VM",
    "datastore": "No system datastore meets SCHED_DS_REQUIREMENTS",
    "network": "No network meets the requirements of an interface with NETWORK_MODE=auto",
    "hosts": "No hosts enabled to run VMs",
}


def choose(cloud: Any, vm: Object, leaving: int = -1) -> tuple[Object | None, str]:
    """The best host, other than the one that the VM is leaving, or None and why there is none."""
    enabled = [host for host in cloud["HOST"] if host.state == MONITORED and host.oid != leaving]
    if not enabled:
        return None, "hosts"
    wanted = vm.user_template.text("SCHED_REQUIREMENTS")
    fitting = [
        host for host in enabled if in_clusters(vm, host) and meets(wanted, host) and vmgroups.allows(cloud, vm, host)
    ]
    if not fitting:
        return None, "requirements"
    cpu, mem = capacity.needed(vm)
    roomy = [host for host in fitting if not capacity.lacking(host, cpu, mem)]
    if not roomy:
        return None, "room"
    best_first = sorted(roomy, key=lambda host: (len(host.vms), host.oid))
    why = "requirements"
    for host in best_first:
        if can_carry(vm, host):
            if pci.available(host, vm):
                return host, ""
            why = "room"
    return None, why


def can_carry(vm: Object, host: Object) -> bool:
    """Whether the host is for pinned VMs, or for others, as this one is, and its CPU has the features it asks for."""
    for_pinned = host.template.text("PIN_POLICY").upper() == PINNED
    features = host.template.text("KVM_CPU_FEATURES")
    return for_pinned == is_pinned(vm) and all(name in features for name in cpu_features(vm))


def cpu_features(vm: Object) -> list[str]:
    """The features that the host's CPU must have."""
    return [name for name in (vm.template.vector("CPU_MODEL") or {}).get("FEATURES", "").split(",") if name]


def in_clusters(vm: Object, host: Object) -> bool:
    """Whether the host is in a cluster of all the VM's images and networks."""
    return vm.clusters is None or host.cluster_id in vm.clusters


def meets(requirements: str, obj: Object, places: tuple[str, ...] = HOST_PLACES) -> bool:
    """Whether a host, or a datastore, is as required; none is where the expression cannot be read."""
    if not requirements:
        return True
    try:
        return holds(requirements, ElementTree.fromstring(obj.xml()), places)
    except Malformed:
        return False


def networks(cloud: Any, vm: Object, host: Object) -> dict[str, int] | None:
    """The network of each interface that leaves the choice to the scheduler; None when there is none for one."""
    found: dict[str, int] = {}
    for nic in vm.template.vectors("NIC"):
        if nic.get("NETWORK_MODE", "").upper() != "AUTO" or "NETWORK_ID" in nic:
            continue
        network = network_for(cloud, vm, host, nic.get("SCHED_REQUIREMENTS", ""))
        if network is None:
            return None
        found[nic["NIC_ID"]] = network.oid
    return found


def network_for(cloud: Any, vm: Object, host: Object, requirements: str) -> Object | None:
    """The emptiest network of the host's cluster that is as required and that the VM's owner may use."""
    owner = cloud["USER"].get_ro(vm.uid)
    call = cloud.call_by(owner, Who(owner.oid, owner.gid, frozenset(owner.groups)), "one.vm.info")
    usable = (net for net in cloud["NET"] if net.state == NET_READY and host.cluster_id in net.cluster_ids)
    usable = (net for net in usable if leases_left(net) and call.may("USE", net))
    chosen = [net for net in usable if meets(requirements, net, DATASTORE_PLACES)]
    return max(chosen, key=lambda net: (leases_left(net), -net.oid), default=None)


def leases_left(network: Object) -> int:
    return sum(each.size - len(each.leases) for each in network.ranges.values())


def system_datastore(cloud: Any, host: Object, requirements: str = "") -> Object | None:
    """A system datastore of the host's cluster that is as required."""
    usable = (ds for ds in cloud["DATASTORE"] if ds.type == SYSTEM_DS and ds.state == READY)
    near = (ds for ds in usable if host.cluster_id in ds.cluster_ids)
    return next((ds for ds in near if meets(requirements, ds, DATASTORE_PLACES)), None)
