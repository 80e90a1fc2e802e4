# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The scheduler: which monitored host has room for a waiting VM; the emptiest first."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ..expressions import Malformed, holds
from ..store import Object
from . import capacity
from . import vmgroup as vmgroups
from .host import MONITORED

SYSTEM_DS, READY = 1, 0
# Where the names in requirements are looked for.
HOST_PLACES = ("TEMPLATE/", "HOST_SHARE/", "MONITORING/CAPACITY/", "MONITORING/SYSTEM/", "")
DATASTORE_PLACES = ("TEMPLATE/", "")
NOWHERE = {
    "requirements": "No host meets SCHED_REQUIREMENTS",
    "room": "No host with enough capacity to deploy the VM",
    "datastore": "No system datastore meets SCHED_DS_REQUIREMENTS",
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
    return min(roomy, key=lambda host: (len(host.vms), host.oid)), ""


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


def system_datastore(cloud: Any, host: Object, requirements: str = "") -> Object | None:
    """A system datastore of the host's cluster that is as required."""
    usable = (ds for ds in cloud["DATASTORE"] if ds.type == SYSTEM_DS and ds.state == READY)
    near = (ds for ds in usable if host.cluster_id in ds.cluster_ids)
    return next((ds for ds in near if meets(requirements, ds, DATASTORE_PLACES)), None)
