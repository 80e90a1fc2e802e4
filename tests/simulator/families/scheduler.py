# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The scheduler: which monitored host has room for a waiting VM; the emptiest first."""

from __future__ import annotations

import re
from typing import Any

from ..store import Object
from . import capacity
from . import vmgroup as vmgroups
from .host import MONITORED

SYSTEM_DS, READY = 1, 0
TERM = re.compile(r'\s*\(?\s*"?([A-Z_]+)"?\s*(!=|=)\s*"?([^"()]*?)"?\s*\)?\s*$')
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


def meets(requirements: str, host: Object) -> bool:
    """Whether a host meets an expression of = and != terms joined by & and | (what is not understood is met)."""
    if not requirements:
        return True
    return any(all(term(part, host) for part in option.split("&")) for option in requirements.split("|"))


def term(text: str, host: Object) -> bool:
    found = TERM.match(text)
    if found is None:
        return True
    name, operator, wanted = found.groups()
    own = {"ID": host.oid, "NAME": host.name, "CLUSTER_ID": host.cluster_id, "CLUSTER": host.cluster}
    actual = str(own.get(name, host.template.text(name)))
    return (actual == wanted) == (operator == "=")


def system_datastore(cloud: Any, host: Object) -> Object | None:
    """A system datastore of the host's cluster."""
    return next(
        (
            ds
            for ds in cloud["DATASTORE"]
            if ds.type == SYSTEM_DS and ds.state == READY and host.cluster_id in ds.cluster_ids
        ),
        None,
    )
