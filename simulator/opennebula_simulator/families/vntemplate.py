# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Templates of virtual networks."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import Refused, internal, not_allocated
from ..store import OWNED, Kind, Object, lock, permissions, template, text
from ..template import Template
from . import membership
from . import vnet as networks

VNTEMPLATE = Kind(
    name="VNTEMPLATE",
    title="virtual network template",
    method="vntemplate",
    root="VNTEMPLATE",
    taken="VN TEMPLATE",
    layout=(*OWNED, lock, permissions, text("REGTIME", "regtime"), template()),
    restricted="VNET",
    restricted_title="Virtual Network Template",
    encrypted="VNET",
)


def new(cloud: Any, name: str, body: Template) -> Object:
    return Object(VNTEMPLATE, name, body, regtime=cloud.events.time())


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    generic.forbid_restricted(call, "VNET", "VN Template", body)
    return call.allocate(new(call.cloud, body.pop("NAME"), body), complete)


def complete(obj: Object) -> None:
    if not obj.template.text("VN_MAD"):
        raise internal("Error inserting Template in DB. VN_MAD is mandatory")


def copy(call: Call, original: Object, name: str) -> Object:
    return new(call.cloud, name, original.template.copy())


# ---------------------------------------------------------------- networks out of a template


def instantiate(call: Call, oid: int, name: str, extra: str) -> int:
    """A network from the template, over which the extra one is laid."""
    obj = call.find("VNTEMPLATE", oid)
    body = merged(call, obj.template, call.template(extra))
    body.erase("TEMPLATE_NAME", "TEMPLATE_ID")
    body.set("NAME", name or f"{obj.name}-{call.pool('NET').next_id}")
    call.require(call.need("USE", obj))
    try:
        return networks.create(call, body, cluster_ids(call, obj.template), template_id=obj.oid)
    except Refused as error:
        raise not_allocated(VNTEMPLATE.title, error.message) from None


def merged(call: Call, stored: Template, extra: Template) -> Template:
    """The extra template replaces; newer releases add its address ranges. Raises Refused for restricted attributes."""
    generic.forbid_restricted(call, "VNET", "User Template", extra, stored)
    body, ranges = stored.copy(), [*stored.vectors("AR"), *extra.vectors("AR")]
    body.merge(extra)
    if call.cloud.release.adds_ranges:
        body.replace("AR", [dict(vector) for vector in ranges])
    return body


def cluster_ids(call: Call, stored: Template) -> list[int]:
    """Those of the stored CLUSTER_IDS that exist; the default cluster if it names none."""
    wanted = [part.strip() for part in stored.text("CLUSTER_IDS").split(",") if part.strip()]
    found = sorted({int(part) for part in wanted if part.isdigit()})
    return [number for number in found if number in call.pool("CLUSTER")] if wanted else [membership.DEFAULT]


KINDS = [VNTEMPLATE]
METHODS = [
    Method("one.vntemplate.allocate", "template:string", allocate, needs="CREATE VNTEMPLATE"),
    generic.delete(VNTEMPLATE),
    generic.info(VNTEMPLATE),
    generic.update(VNTEMPLATE),
    generic.rename(VNTEMPLATE),
    generic.chmod(VNTEMPLATE),
    generic.chown(VNTEMPLATE),
    generic.lock(VNTEMPLATE),
    generic.unlock(VNTEMPLATE),
    generic.clone(VNTEMPLATE, copy=copy),
    Method("one.vntemplate.instantiate", "oid:int, name:string, extra:string", instantiate),
    generic.filtered_pool_info(VNTEMPLATE),
]
