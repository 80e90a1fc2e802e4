# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual data centres: which resources which groups may use, as ACL rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import generic
from ..acl import ALL, CLUSTER, GROUP, INDIVIDUAL, RIGHTS, Rule, types
from ..store import NAMED, Kind, Object, ids, template
from ..template import Template

DEFAULT = 0
ALL_RESOURCES = -10
Resource = tuple[int, int]  # zone, ID

# Elements of a VDC: plural -> element, and the ACL types with the attribute of oned.conf that holds the rights.
RESOURCES = {
    "clusters": (
        "CLUSTER",
        [
            ("HOST", "DEFAULT_VDC_CLUSTER_HOST_ACL"),
            ("NET", "DEFAULT_VDC_CLUSTER_NET_ACL"),
            ("DATASTORE", "DEFAULT_VDC_CLUSTER_DATASTORE_ACL"),
        ],
    ),
    "hosts": ("HOST", [("HOST", "DEFAULT_VDC_HOST_ACL")]),
    "datastores": ("DATASTORE", [("DATASTORE", "DEFAULT_VDC_DATASTORE_ACL")]),
    "vnets": ("VNET", [("NET", "DEFAULT_VDC_VNET_ACL")]),
}


def resources(what: str) -> Callable[[Object], str]:
    element = RESOURCES[what][0]

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
    for kind, attribute in RESOURCES[what][1]:
        granted = rights(cloud, attribute)
        if granted:
            yield Rule(GROUP | gid, types(kind) | selector, granted, INDIVIDUAL | zone)


def rules_of(cloud: Any, vdc: Object, gid: int) -> list[Rule]:
    return [
        rule
        for what in RESOURCES
        for resource in sorted(getattr(vdc, what))
        for rule in rules(cloud, gid, what, resource)
    ]


def add_group(cloud: Any, vdc: Object, gid: int) -> None:
    vdc.groups.add(gid)
    for rule in rules_of(cloud, vdc, gid):
        cloud.rules.ensure(rule)


def del_group(cloud: Any, vdc: Object, gid: int) -> None:
    """The rules go even where another VDC gives the same: so does the server."""
    vdc.groups.discard(gid)
    for rule in rules_of(cloud, vdc, gid):
        cloud.rules.discard(rule)


def bootstrap(cloud: Any) -> None:
    note = (
        "Every new group is added to this VDC. Use it to store default access rules for your groups. NOTE: You may need"
        " to remove a group from the default VDC before assigning it to other VDC."
    )
    vdc = cloud["VDC"].bootstrap(new("default", Template([("DESCRIPTION", note)])))
    vdc.clusters.add((0, ALL_RESOURCES))
    add_group(cloud, vdc, 1)


KINDS = [VDC]
METHODS = [
    generic.update(VDC),
    generic.info(VDC),
    generic.rename(VDC),
    generic.pool_info(VDC),
]
