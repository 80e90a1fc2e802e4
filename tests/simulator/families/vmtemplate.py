# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VM templates."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import INTERNAL, Refused, not_allocated
from ..store import OWNED, Kind, Object, lock, permissions, template, text
from ..template import Template
from . import vm

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


NOT_MERGED = ("NAME", "TEMPLATE_ID")  # of the extra template: arguments and the server say these


def instantiate(call: Call, obj: Object, name: str, hold: bool, extra: str, persistent: bool) -> int:
    """A VM from the template, over which the extra one is merged."""
    body, more = obj.template.copy(), call.template(extra) if extra else Template()
    more.erase(*NOT_MERGED)
    vm.refuse_restricted(call, more, obj.template)
    body.merge(more)
    body.set("TEMPLATE_ID", str(obj.oid))
    try:
        return vm.create(call, name or f"{obj.name}-{call.pool('VM').next_id}", body, hold)
    except Refused as error:
        raise not_allocated(VMTEMPLATE.title, error.message) if error.code == INTERNAL else error from None


KINDS = [VMTEMPLATE]
METHODS = [
    Method("one.template.allocate", "template:string", allocate, needs="CREATE TEMPLATE"),
    Method(
        "one.template.instantiate",
        "oid:int, name:string, hold:boolean=false, extra:string=, persistent:boolean=false",
        instantiate,
        needs="USE TEMPLATE",
    ),
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
