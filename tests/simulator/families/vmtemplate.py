# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VM templates."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..store import OWNED, Kind, Object, lock, permissions, template, text
from ..template import Template

VMTEMPLATE = Kind(
    name="TEMPLATE",
    title="virtual machine template",
    method="template",
    root="VMTEMPLATE",
    layout=(*OWNED, lock, permissions, text("REGTIME", "regtime"), template()),
    restricted="VM",
    restricted_title="VM Template",
    encrypted="VM",
)


def new(cloud: Any, name: str, body: Template) -> Object:
    return Object(VMTEMPLATE, name, body, regtime=cloud.events.time())


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    return call.allocate(new(call.cloud, body.pop("NAME"), body))


def copy(call: Call, original: Object, name: str) -> Object:
    return new(call.cloud, name, original.template.copy())


KINDS = [VMTEMPLATE]
METHODS = [
    Method("one.template.allocate", "template:string", allocate, needs="CREATE TEMPLATE"),
    generic.delete(VMTEMPLATE, more="recursive:boolean=false"),
    generic.info(VMTEMPLATE, "extended:boolean=false, decrypt:boolean=false"),
    generic.update(VMTEMPLATE),
    generic.rename(VMTEMPLATE),
    generic.chmod(VMTEMPLATE, "recursive:boolean=false"),
    generic.chown(VMTEMPLATE),
    generic.lock(VMTEMPLATE),
    generic.unlock(VMTEMPLATE),
    generic.clone(VMTEMPLATE, "recursive:boolean=false", copy),
    generic.filtered_pool_info(VMTEMPLATE),
]
