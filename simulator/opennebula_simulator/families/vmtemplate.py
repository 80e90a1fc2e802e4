# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VM templates, their images, and the VMs out of them."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import INTERNAL, Refused, internal, not_allocated, wrong_action
from ..store import OWNED, Kind, Object, lock, permissions, template, text
from ..template import Template
from . import devices, references, schedules, vm
from . import image as images

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
    call.require(call.need("CREATE", "TEMPLATE"))
    generic.forbid_restricted(call, "VM", VMTEMPLATE.restricted_title, body)
    return call.allocate(new(call.cloud, body.pop("NAME"), body), lambda obj: check(call, obj, obj.template))


def check(call: Call, obj: Object, body: Template) -> None:
    """Raises Refused for a scheduled action or a RAW section that a VM could not have."""
    for action in body.vectors("SCHED_ACTION"):
        try:
            schedules.parsed(schedules.OF_VM, action, 0, schedules.FIELDS)
        except ValueError as error:
            raise internal(str(error)) from None
    devices.check_raw(body)


def info(call: Call, obj: Object, extended: bool, decrypt: bool) -> str:
    """Extended, disks show what they have from their images; that needs the right to use these."""
    if not extended:
        return generic.in_clear(call, obj) if decrypt else obj.xml()
    call.require(*references.needs(call, obj.template, call.uid, heeds_locks=False))
    shown = new(call.cloud, obj.name, references.extended(call, obj.template, call.uid))
    shown.__dict__.update({name: value for name, value in vars(obj).items() if name not in ("template", "_shown")})
    return generic.in_clear(call, shown) if decrypt else shown.xml()


# ---------------------------------------------------------------- the images of a template


def image_ids(call: Call, body: Template) -> list[int]:
    return sorted({image.oid for dummy, image in references.images(call, body, call.uid)})


def chmod_images(call: Call, obj: Object, nine: list[int], recursive: bool) -> None:
    """Raises Refused ACTION when it could not be done for some image; the others are done."""
    failed = []
    for oid in image_ids(call, obj.template) if recursive else ():
        try:
            generic.change_bits(call, call.find("IMAGE", oid), nine)
        except Refused:
            failed.append(oid)
    if failed:
        raise wrong_action(f"Cannot chmod image: {','.join(map(str, failed))}")


def delete_images(call: Call, obj: Object, recursive: bool) -> None:
    """What cannot be deleted stays, without a word."""
    for oid in image_ids(call, obj.template) if recursive else ():
        try:
            images.delete(call, call.find("IMAGE", oid))
        except Refused:
            continue


# ---------------------------------------------------------------- copies

OF_ORIGINAL = ("IMAGE", "IMAGE_UNAME", "IMAGE_UID", "OPENNEBULA_MANAGED")


def clone(call: Call, oid: int, name: str, recursive: bool) -> int:
    return copy(call, call.find("TEMPLATE", oid), name, Template(), recursive)


def copy(call: Call, original: Object, name: str, extra: Template, recursive: bool, persistent: bool = False) -> int:
    """A new template, with copies of its images if recursive. Raises Refused; nothing of it is left then.

    What rights the caller needs on the original depends on the release.
    """
    body = merged(call, original.template, extra)
    body.erase("NAME")
    call.require(*generic.clone_needs(call, original))
    twin = new(call.cloud, name, body)
    oid = call.add_copy(twin)
    if recursive:
        try:
            copy_images(call, twin, persistent)
        except Refused as error:
            call.pool("TEMPLATE").drop(twin)
            raise wrong_action(f"Failed to clone images: {error.why}") from None
    return oid


def copy_images(call: Call, twin: Object, persistent: bool) -> None:
    """The disks of a new template get copies of their images: NAME-disk-0, … Raises Refused."""
    made: list[Object] = []
    found = {id(disk): image for disk, image in references.images(call, twin.template, call.uid)}
    for number, disk in enumerate(twin.template.vectors("DISK")):
        if id(disk) not in found and not disk.get("IMAGE_ID", "").isdigit():
            continue
        try:
            if id(disk) not in found:
                raise wrong_action("")
            oid = images.clone(call, found[id(disk)], f"{twin.name}-disk-{number}", persistent=persistent)
        except Refused:
            for image in made:
                images.discard(call.cloud, image)
            raise
        made.append(call.find("IMAGE", oid))
        for attribute in OF_ORIGINAL:
            disk.pop(attribute, None)
        disk["IMAGE_ID"] = str(oid)
    twin.changed()


def merged(call: Call, stored: Template, extra: Template) -> Template:
    """Raises Refused when the extra template sets what only administrators may set."""
    generic.forbid_restricted(call, "VM", "User Template", extra, stored)
    body = stored.copy()
    body.merge(extra)
    return body


# ---------------------------------------------------------------- VMs out of a template


def instantiate(call: Call, oid: int, name: str, hold: bool, extra: str, persistent: bool) -> int:
    """A VM from the template, or from a copy of it with copies of its images, that stay when the VM ends."""
    obj = call.find("TEMPLATE", oid)
    if is_router(obj):
        raise wrong_action("Virtual router templates cannot be instantiated")
    more = call.template(extra)
    if persistent:
        twin = copy(call, obj, name or f"{obj.name}-copy", more, recursive=True, persistent=True)
        obj, more = call.find("TEMPLATE", twin), Template([("CLONING_TEMPLATE_ID", str(oid))])
    return vm_of(call, obj, name, hold, more)


def is_router(obj: Object) -> bool:
    """Whether the template is for the VMs of virtual routers."""
    return obj.template.flag("VROUTER")


SAID_BY_SERVER = ("NAME", "TEMPLATE_NAME", "TEMPLATE_ID")


def vm_of(call: Call, obj: Object, name: str, hold: bool, extra: Template, of_router: Template | None = None) -> int:
    """A VM of the template, over which the extra one is laid, and over both what a virtual router says."""
    body = merged(call, obj.template, extra)
    if of_router is not None:
        body.merge(of_router)
    body.erase(*SAID_BY_SERVER)
    body.set("TEMPLATE_ID", str(obj.oid))
    actions = vm.take_actions(body)
    creating = [call.need("CREATE", "TEMPLATE")] if extra else []
    call.require(call.need("USE", obj), *creating, *references.needs(call, body, call.uid))
    try:
        made = vm.create(call, name or f"{obj.name}-{call.pool('VM').next_id}", body, hold)
    except Refused as error:
        raise not_allocated(VMTEMPLATE.title, error.message) if error.code == INTERNAL else error from None
    vm.schedule(call, made, actions)
    return made


KINDS = [VMTEMPLATE]
METHODS = [
    Method("one.template.allocate", "template:string", allocate),
    generic.delete(VMTEMPLATE, more="recursive:boolean=false", after=delete_images),
    generic.info(VMTEMPLATE, "extended:boolean=false, decrypt:boolean=false", xml=info),
    generic.update(VMTEMPLATE, normalise=check),
    generic.rename(VMTEMPLATE),
    generic.chmod(VMTEMPLATE, "recursive:boolean=false", after=chmod_images),
    generic.chown(VMTEMPLATE),
    generic.lock(VMTEMPLATE),
    generic.unlock(VMTEMPLATE),
    Method("one.template.clone", "oid:int, name:string, recursive:boolean=false", clone),
    Method(
        "one.template.instantiate",
        "oid:int, name:string, hold:boolean=false, extra:string=, persistent:boolean=false",
        instantiate,
    ),
    generic.filtered_pool_info(VMTEMPLATE),
]
