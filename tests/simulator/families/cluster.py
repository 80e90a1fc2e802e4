# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Clusters and who is in them: a host in exactly one, datastores and networks in any number."""

from __future__ import annotations

from collections.abc import Callable

from .. import generic
from ..calls import Call, Method
from ..errors import wrong_action
from ..store import NAMED, Kind, Object, ids, template
from ..template import Template
from . import vdc
from .capacity import reserve

DEFAULT = 0

CLUSTER = Kind(
    name="CLUSTER",
    title="cluster",
    method="cluster",
    root="CLUSTER",
    layout=(*NAMED, ids("HOSTS", "hosts"), ids("DATASTORES", "datastores"), ids("VNETS", "vnets"), template()),
    owned=False,
    unique="pool",
    allocates=True,
    first_id=100,
)


def new(name: str) -> Object:
    body = Template([("RESERVED_CPU", ""), ("RESERVED_MEM", "")])
    return Object(CLUSTER, name, body, hosts=set(), datastores=set(), vnets=set())


def allocate(call: Call, name: str) -> int:
    return call.allocate(new(name))


def content(call: Call, cluster: Object) -> str | None:
    """Why the cluster cannot go."""
    if cluster.oid < CLUSTER.first_id:
        return "System Clusters (ID < 100) cannot be deleted."
    for what in ("hosts", "datastores", "vnets"):
        number = len(getattr(cluster, what))
        if number:
            return f"Cluster {cluster.oid} is not empty, it contains {number} {what}."
    return None


def removed(call: Call, cluster: Object) -> None:
    call.cloud.rules.forget_cluster(cluster.oid)
    vdc.forget(call.cloud, "clusters", cluster.oid)


# ---------------------------------------------------------------- hosts


def put_host(cluster: Object, host: Object) -> None:
    """Puts a host that is in no cluster into this one."""
    cluster.changed()
    cluster.hosts.add(host.oid)
    host.cluster_id, host.cluster = cluster.oid, cluster.name
    host.changed()


def take_host(cloud: object, host: Object) -> None:
    """Out of its cluster: it goes elsewhere, or for good."""
    cloud["CLUSTER"].get(host.cluster_id).hosts.discard(host.oid)


def move_host(call: Call, cluster: Object, host: Object) -> None:
    if host.cluster_id == cluster.oid:
        return
    take_host(call.cloud, host)
    put_host(cluster, host)
    reserve(call.cloud, host)


def remove_host(call: Call, cluster: Object, host: Object) -> None:
    """To the default cluster, even if the host is in another than the one named."""
    move_host(call, call.pool("CLUSTER").get(DEFAULT), host)


def updated(call: Call, cluster: Object) -> None:
    """Hosts reserve what their cluster says."""
    for oid in cluster.hosts:
        reserve(call.cloud, call.pool("HOST").get(oid))


def renamed(call: Call, cluster: Object) -> None:
    for oid in cluster.hosts:
        call.pool("HOST").get(oid).cluster = cluster.name


# ---------------------------------------------------------------- datastores and networks


def join(cluster: Object, members: str, obj: Object) -> None:
    """Puts a datastore ("datastores") or network ("vnets") into a cluster."""
    getattr(cluster, members).add(obj.oid)
    obj.cluster_ids.add(cluster.oid)
    cluster.changed()
    obj.changed()


def leave(cluster: Object, members: str, obj: Object) -> None:
    getattr(cluster, members).discard(obj.oid)
    obj.cluster_ids.discard(cluster.oid)
    cluster.changed()
    obj.changed()


def leave_all(cloud: object, members: str, obj: Object) -> None:
    """When the datastore or network is deleted: out of VDCs, too."""
    for oid in list(obj.cluster_ids):
        leave(cloud["CLUSTER"].get(oid), members, obj)
    vdc.forget(cloud, members, obj.oid)


def adding(members: str) -> Callable[[Call, Object, Object], None]:
    return lambda call, cluster, obj: join(cluster, members, obj)


def removing(members: str) -> Callable[[Call, Object, Object], None]:
    return lambda call, cluster, obj: leave(cluster, members, obj)


# ---------------------------------------------------------------- placement plans: DRS has never made one here


def execute_plan(call: Call, cluster: Object) -> None:
    raise wrong_action("Plan is not ready")


def delete_plan(call: Call, cluster: Object) -> None:
    raise wrong_action(f"Plan for cluster {cluster.oid} does not exist")


def optimize(call: Call, cluster: Object) -> None:
    """Asks for a plan; hosts of the dummy driver give no reason for one."""


def bootstrap(cloud: object) -> None:
    cloud["CLUSTER"].bootstrap(new("default"))


def membership(action: str, what: str, parameter: str, kind: str, run: Callable[..., None]) -> Method:
    return Method(
        f"one.cluster.{action}{what}", f"oid:int, {parameter}:int", run, needs=("ADMIN CLUSTER", f"ADMIN {kind}")
    )


def plan(action: str, run: Callable[..., None]) -> Method:
    return Method(f"one.cluster.{action}", "oid:int", run, needs="ADMIN CLUSTER")


KINDS = [CLUSTER]
METHODS = [
    Method("one.cluster.allocate", "name:string", allocate, needs="CREATE CLUSTER", signature="ssssi"),
    generic.delete(CLUSTER, "ADMIN", refuse=content, after=removed),
    generic.info(CLUSTER),
    generic.update(CLUSTER, after=updated),
    generic.rename(CLUSTER, after=renamed),
    membership("add", "host", "host_id", "HOST", move_host),
    membership("del", "host", "host_id", "HOST", remove_host),
    membership("add", "datastore", "ds_id", "DATASTORE", adding("datastores")),
    membership("del", "datastore", "ds_id", "DATASTORE", removing("datastores")),
    membership("add", "vnet", "vnet_id", "NET", adding("vnets")),
    membership("del", "vnet", "vnet_id", "NET", removing("vnets")),
    plan("optimize", optimize),
    plan("planexecute", execute_plan),
    plan("plandelete", delete_plan),
    generic.pool_info(CLUSTER),
]
