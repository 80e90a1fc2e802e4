# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual data centres: which resources which groups may use, as ACL rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .. import generic
from ..acl import ALL, CLUSTER, GROUP, INDIVIDUAL, RIGHTS, Rule, types
from ..calls import Call, Method
from ..errors import internal
from ..permissions import Need
from ..store import NAMED, Kind, Object, ids, template
from ..template import Template

DEFAULT = 0
ALL_RESOURCES = -10
Resource = tuple[int, int]  # zone, ID


class Sort(NamedTuple):
    """A sort of resources: the kind of object, its element, and the ACL types with the attributes of oned.conf."""

    kind: str
    element: str
    rights: tuple[tuple[str, str], ...]


RESOURCES = {
    "clusters": Sort(
        "CLUSTER",
        "CLUSTER",
        (
            ("HOST", "DEFAULT_VDC_CLUSTER_HOST_ACL"),
            ("NET", "DEFAULT_VDC_CLUSTER_NET_ACL"),
            ("DATASTORE", "DEFAULT_VDC_CLUSTER_DATASTORE_ACL"),
        ),
    ),
    "hosts": Sort("HOST", "HOST", (("HOST", "DEFAULT_VDC_HOST_ACL"),)),
    "datastores": Sort("DATASTORE", "DATASTORE", (("DATASTORE", "DEFAULT_VDC_DATASTORE_ACL"),)),
    "vnets": Sort("NET", "VNET", (("NET", "DEFAULT_VDC_VNET_ACL"),)),
}


def resources(what: str) -> Callable[[Object], str]:
    element = RESOURCES[what].element

    def show(obj: Object) -> str:
        rows = [
            f"<{element}><ZONE_ID>{zone}</ZONE_ID><{element}_ID>{oid}</{element}_ID></{element}>"
            for zone, oid in sorted(getattr(obj, what))
        ]
        return f"<{what.upper()}>{''.join(rows)}</{what.upper()}>"

    return show


VDC = Kind(
    name="VDC",
    title="VDC",
    method="vdc",
    root="VDC",
    layout=(*NAMED, ids("GROUPS", "groups"), *(resources(what) for what in RESOURCES), template()),
    owned=False,
    unique="pool",
    taken="Vdc",
    first_id=100,
)


def new(name: str, body: Template) -> Object:
    empty = {what: set() for what in RESOURCES}
    return Object(VDC, name, body, groups=set(), **empty)


def rights(cloud: Any, attribute: str) -> int:
    """Rights from oned.conf, such as "USE+MANAGE"; "-" and nothing stand for none."""
    return sum(RIGHTS.get(name.strip(), 0) for name in cloud.config.text(attribute).split("+"))


def rules(cloud: Any, gid: int, what: str, resource: Resource) -> Iterator[Rule]:
    """The rules that give a group one resource of a VDC."""
    zone, oid = resource
    selector = ALL if oid == ALL_RESOURCES else (CLUSTER if what == "clusters" else INDIVIDUAL) | oid
    for kind, attribute in RESOURCES[what].rights:
        granted = rights(cloud, attribute)
        if granted:
            yield Rule(GROUP | gid, types(kind) | selector, granted, INDIVIDUAL | zone)


def give(cloud: Any, gid: int, what: str, resource: Resource) -> None:
    for rule in rules(cloud, gid, what, resource):
        cloud.rules.ensure(rule)


def take(cloud: Any, gid: int, what: str, resource: Resource) -> None:
    """The rules go even where another VDC gives the same: so does the server."""
    for rule in rules(cloud, gid, what, resource):
        cloud.rules.discard(rule)


def resources_of(vdc: Object) -> Iterator[tuple[str, Resource]]:
    for what in RESOURCES:
        for resource in sorted(getattr(vdc, what)):
            yield what, resource


# ---------------------------------------------------------------- groups


def add_group(cloud: Any, vdc: Object, gid: int) -> None:
    vdc.groups.add(gid)
    for what, resource in resources_of(vdc):
        give(cloud, gid, what, resource)


def del_group(cloud: Any, vdc: Object, gid: int) -> None:
    vdc.groups.discard(gid)
    for what, resource in resources_of(vdc):
        take(cloud, gid, what, resource)


def edit_group(edit: Callable[[Any, Object, int], None], there: bool) -> Callable[[Call, int, int], None]:
    """A handler that makes a group enter (there=False) or leave (True) a VDC; one that leaves may be gone already."""

    def run(call: Call, oid: int, gid: int) -> None:
        needs = [call.need("ADMIN", call.find("VDC", oid))]
        if not there or gid in call.pool("GROUP"):
            needs.append(call.need("ADMIN", call.find("GROUP", gid)))
        call.require(*needs)
        vdc = call.pool("VDC").get(oid)
        if (gid in vdc.groups) != there:
            raise internal(f"Group {gid} is {'not' if there else 'already'} assigned to the VDC {oid}")
        edit(call.cloud, vdc, gid)

    return run


# ---------------------------------------------------------------- resources


def resource_needs(call: Call, what: str, resource: Resource, must_exist: bool) -> Iterator[Need]:
    """The rights on zone and resource; those in other zones, and all at once, are not looked at."""
    zone, oid = resource
    if must_exist or zone in call.pool("ZONE"):
        yield call.need("ADMIN", call.find("ZONE", zone))
    kind = RESOURCES[what].kind
    if zone == call.cloud.federation.zone and oid != ALL_RESOURCES and (must_exist or oid in call.pool(kind)):
        yield call.need("ADMIN", call.find(kind, oid))


def add_resource(what: str) -> Callable[[Call, int, int, int], None]:
    def run(call: Call, oid: int, zone: int, resource_id: int) -> None:
        vdc, resource = call.find("VDC", oid), (zone, resource_id)
        call.require(call.need("ADMIN", vdc), *resource_needs(call, what, resource, must_exist=True))
        held = getattr(vdc, what)
        if resource in held:
            raise internal(f"{RESOURCES[what].kind} {resource_id} from Zone {zone} is already assigned to the VDC")
        held.add(resource)
        for gid in sorted(vdc.groups):
            give(call.cloud, gid, what, resource)
        if resource_id == ALL_RESOURCES:
            for other in [other for other in held if other[0] == zone and other != resource]:
                drop_resource(call.cloud, vdc, what, other)

    return run


def del_resource(what: str) -> Callable[[Call, int, int, int], None]:
    def run(call: Call, oid: int, zone: int, resource_id: int) -> None:
        vdc, resource = call.find("VDC", oid), (zone, resource_id)
        call.require(call.need("ADMIN", vdc), *resource_needs(call, what, resource, must_exist=False))
        if resource not in getattr(vdc, what):
            raise internal(f"{RESOURCES[what].kind} {resource_id} from Zone {zone} is not assigned to the VDC ")
        drop_resource(call.cloud, vdc, what, resource)

    return run


def drop_resource(cloud: Any, vdc: Object, what: str, resource: Resource) -> None:
    getattr(vdc, what).discard(resource)
    for gid in vdc.groups:
        take(cloud, gid, what, resource)


def forget(cloud: Any, what: str, oid: int) -> None:
    """A cluster, host, datastore or network of this zone is gone."""
    for vdc in cloud["VDC"]:
        if (cloud.federation.zone, oid) in getattr(vdc, what):
            drop_resource(cloud, cloud["VDC"].get(vdc.oid), what, (cloud.federation.zone, oid))


# ---------------------------------------------------------------- creation and removal


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    return call.allocate(new(body.pop("NAME"), body))


def removed(call: Call, vdc: Object) -> None:
    for gid in list(vdc.groups):
        del_group(call.cloud, vdc, gid)


def bootstrap(cloud: Any) -> None:
    note = (
        "Every new group is added to this VDC. Use it to store default access rules for your groups. NOTE: You may need"
        " to remove a group from the default VDC before assigning it to other VDC."
    )
    vdc = cloud["VDC"].bootstrap(new("default", Template([("DESCRIPTION", note)])))
    vdc.clusters.add((0, ALL_RESOURCES))
    add_group(cloud, vdc, 1)


def editing(action: str, what: str, run: Callable[..., None]) -> Method:
    name = RESOURCES[what].element.lower()
    parameter = "ds_id" if name == "datastore" else f"{name}_id"
    return Method(f"one.vdc.{action}{name}", f"oid:int, zone_id:int, {parameter}:int", run)


KINDS = [VDC]
METHODS = [
    Method("one.vdc.allocate", "template:string", allocate, needs="CREATE VDC"),
    generic.update(VDC),
    generic.delete(VDC, "ADMIN", refuse=generic.system_object("VDCs"), after=removed),
    Method("one.vdc.addgroup", "oid:int, group_id:int", edit_group(add_group, there=False)),
    Method("one.vdc.delgroup", "oid:int, group_id:int", edit_group(del_group, there=True)),
    *(
        editing(action, what, make(what))
        for what in RESOURCES
        for action, make in (("add", add_resource), ("del", del_resource))
    ),
    generic.info(VDC),
    generic.rename(VDC),
    generic.pool_info(VDC),
]
