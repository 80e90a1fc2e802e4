# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Clusters and who is in them: a host in exactly one, datastores and networks in any number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import wrong_action
from ..store import NAMED, Kind, Object, ids, template
from ..template import Template
from . import membership, usage, vdc
from . import plan as plans
from .capacity import reserve

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
    return Object(CLUSTER, name, body, hosts=set(), datastores=set(), vnets=set(), plan=None)


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


def move_host(call: Call, cluster: Object, host: Object) -> None:
    if host.cluster_id == cluster.oid:
        return
    membership.take_host(call.cloud, host)
    membership.put_host(cluster, host)
    reserve(call.cloud, host)
    for oid in host.vms:
        vm = call.pool("VM").get(oid)
        usage.change_cluster(call.cloud, vm, cluster.oid)
        vm.history[-1]["cid"] = cluster.oid


def remove_host(call: Call, oid: int, host_id: int) -> None:
    """To the default cluster; which one is named does not matter, as a host is in one alone."""
    default, host = call.find("CLUSTER", membership.DEFAULT), call.find("HOST", host_id)
    call.require(call.need("ADMIN", default), call.need("ADMIN", host))
    move_host(call, default, host)


def updated(call: Call, cluster: Object) -> None:
    """Hosts reserve what their cluster says."""
    for oid in cluster.hosts:
        reserve(call.cloud, call.pool("HOST").get(oid))


def renamed(call: Call, cluster: Object) -> None:
    for oid in cluster.hosts:
        call.pool("HOST").get(oid).cluster = cluster.name


# ---------------------------------------------------------------- datastores and networks


def adding(members: str) -> Callable[[Call, Object, Object], None]:
    return lambda call, cluster, obj: membership.join(cluster, members, obj)


def removing(members: str) -> Callable[[Call, Object, Object], None]:
    return lambda call, cluster, obj: membership.leave(cluster, members, obj)


# ---------------------------------------------------------------- placement plans


def with_plan(call: Call, cluster: Object, decrypt: bool) -> str:
    shown = cluster.plan.xml() if cluster.plan is not None else ""
    return f"<CLUSTER>{cluster.children()}{shown}</CLUSTER>"


def optimize(call: Call, cluster: Object) -> None:
    """The optimiser answers one transition later."""
    if cluster.plan is not None and cluster.plan.state == plans.APPLYING:
        raise wrong_action("Can't optimize cluster. A previous plan is currently being applied.")
    call.cloud.events.after(1, optimized, call.cloud, cluster.oid)


def optimized(cloud: Any, oid: int) -> None:
    """Event: a plan that would move nothing is none; the old one stays."""
    cluster = cloud["CLUSTER"].get(oid)
    if cluster is None or (cluster.plan is not None and cluster.plan.state == plans.APPLYING):
        return
    made = plans.make(cloud, cluster)
    if made is not None:
        cluster.plan = made
        if plans.setting(cluster, "AUTOMATION", plans.MANUAL) == plans.FULL:
            apply_plan(cloud, cluster)


def execute_plan(call: Call, cluster: Object) -> None:
    if cluster.plan is None:
        raise wrong_action("Plan is not ready")
    if cluster.plan.state in plans.NOT_APPLIED:
        raise wrong_action(plans.NOT_APPLIED[cluster.plan.state])
    apply_plan(call.cloud, cluster)


def apply_plan(cloud: Any, cluster: Object) -> None:
    cluster.plan.state = plans.APPLYING
    cloud.applying.add(cluster.oid)


def advance_plans(cloud: Any) -> None:
    """Looks after the plans under way: VMs have gone a step, or a plan has begun."""
    for oid in list(cloud.applying):
        cluster = cloud["CLUSTER"].get_ro(oid)
        if cluster is None or cluster.plan is None or cluster.plan.state != plans.APPLYING:
            cloud.applying.discard(oid)
        else:
            plans.advance(cloud, cluster.plan)


def delete_plan(call: Call, cluster: Object) -> None:
    if cluster.plan is None:
        raise wrong_action(f"Plan for cluster {cluster.oid} does not exist")
    cluster.plan = None


def bootstrap(cloud: object) -> None:
    cloud["CLUSTER"].bootstrap(new("default"))


def member_method(action: str, what: str, parameter: str, kind: str, run: Callable[..., None]) -> Method:
    return Method(
        f"one.cluster.{action}{what}", f"oid:int, {parameter}:int", run, needs=("ADMIN CLUSTER", f"ADMIN {kind}")
    )


def planning(action: str, run: Callable[..., None]) -> Method:
    return Method(f"one.cluster.{action}", "oid:int", run, needs="ADMIN CLUSTER")


KINDS = [CLUSTER]
METHODS = [
    Method("one.cluster.allocate", "name:string", allocate, needs="CREATE CLUSTER"),
    generic.delete(CLUSTER, "ADMIN", refuse=content, after=removed),
    generic.info(CLUSTER, xml=with_plan),
    generic.update(CLUSTER, after=updated),
    generic.rename(CLUSTER, after=renamed),
    member_method("add", "host", "host_id", "HOST", move_host),
    Method("one.cluster.delhost", "oid:int, host_id:int", remove_host),
    member_method("add", "datastore", "ds_id", "DATASTORE", adding("datastores")),
    member_method("del", "datastore", "ds_id", "DATASTORE", removing("datastores")),
    member_method("add", "vnet", "vnet_id", "NET", adding("vnets")),
    member_method("del", "vnet", "vnet_id", "NET", removing("vnets")),
    planning("optimize", optimize),
    planning("planexecute", execute_plan),
    planning("plandelete", delete_plan),
    generic.pool_info(CLUSTER),
]
