# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Templates of virtual networks."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..store import OWNED, Kind, Object, lock, permissions, template, text
from ..template import Template

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
    return call.allocate(new(call.cloud, body.pop("NAME"), body))


def copy(call: Call, original: Object, name: str) -> Object:
    return new(call.cloud, name, original.template.copy())


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
    generic.filtered_pool_info(VNTEMPLATE),
]
