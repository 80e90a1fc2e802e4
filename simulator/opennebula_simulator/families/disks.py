# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The DISKs of a VM: out of images or volatile, their device names, their use of images and snapshots."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any

from ..attributes import listed
from ..calls import Call
from ..errors import INTERNAL, Refused, internal
from ..store import Object
from ..template import Template, Vector
from . import chain
from . import image as images
from .datastore import DISK_TYPES
from .image import LOCKED, LOCKED_USED, LOCKED_USED_PERS, READY, USED, USED_PERS

NOBODY = -1
MAX_DISKS = 20
VOLATILE = ("FS", "SWAP")
CDROM_PREFIX = "hd"  # DEFAULT_CDROM_DEVICE_PREFIX
DISKS = ("OS", "DATABLOCK", "CDROM", "FILESYSTEM")  # the types of images that become disks
WITH_SNAPSHOTS = ("OS", "DATABLOCK")
SHARED = (USED_PERS, LOCKED_USED_PERS)  # the states of persistent images in use
DISK_TYPE_NAMES = {number: name for name, number in DISK_TYPES.items()}


def yes(flag: bool) -> str:
    return "YES" if flag else "NO"


def is_volatile(disk: Vector) -> bool:
    return disk.get("TYPE", "").upper() in VOLATILE


def is_persistent(disk: Vector) -> bool:
    return disk.get("PERSISTENT") == "YES"


def of(vm: Object, disk_id: int) -> Vector | None:
    """The disk of this ID; the context disk is none."""
    return next((disk for disk in vm.template.vectors("DISK") if disk["DISK_ID"] == str(disk_id)), None)


def image_of(cloud: Any, disk: Vector) -> Object | None:
    """The disk's image, to be changed."""
    return cloud["IMAGE"].get(int(disk["IMAGE_ID"])) if "IMAGE_ID" in disk else None


# ---------------------------------------------------------------- creation


def add(call: Call, vm: Object) -> None:
    """Completes the disks of a new VM, and takes their images. Raises Refused."""
    given = vm.template.vectors("DISK")
    if len(given) > MAX_DISKS:
        raise internal(f"Exceeded the maximum number of disks ({MAX_DISKS})")
    vm.template.erase("DISK")
    for number, disk in enumerate(given):
        try:
            vm.template.add("DISK", complete(call, vm, number, dict(disk)))
        except Refused as error:
            raise internal(f"DISK {number}: {error.message}") if error.code == INTERNAL else error from None
    name_devices(call.cloud, vm)


def complete(call: Call, vm: Object, number: int, disk: Vector, attaching: bool = False) -> Vector:
    """The disk as the server stores it; its image is taken. Raises Refused."""
    disk["DISK_ID"] = str(number)
    if "IMAGE_ID" not in disk and "IMAGE" not in disk:
        check_volatile(disk)
        disk.setdefault("DEV_PREFIX", call.cloud.config.text("DEFAULT_DEVICE_PREFIX", "sd"))
        return disk
    image = find_image(call, disk, vm.uid)
    check_size(image, disk)
    acquire(image, vm, attaching)
    disk = fill(call.cloud, image, disk)
    if image.type in WITH_SNAPSHOTS and image.snapshots.vectors("SNAPSHOT"):
        vm.disk_snapshots[number] = chain.copy_for(image.snapshots, disk)
    return disk


def check_volatile(disk: Vector) -> None:
    """Raises Refused when this is no disk without image: "fs" or "swap" of a size."""
    if not is_volatile(disk):
        raise internal(f"Unknown disk type {disk.get('TYPE', '').upper()}")
    if not (disk.get("SIZE", "").isdigit() and int(disk["SIZE"]) > 0):
        raise internal("SIZE attribute must be a positive integer value.")


def find_image(call: Call, disk: Vector, uid: int) -> Object:
    """The image by ID, or by name and owner. Raises Refused."""
    if "IMAGE_ID" in disk:
        found = call.pool("IMAGE").get(int(disk["IMAGE_ID"])) if disk["IMAGE_ID"].isdigit() else None
        if found is None:
            raise internal(f"Image with ID: {disk['IMAGE_ID']} does not exist")
        return found
    wanted = owner(call, disk, "IMAGE", uid)
    found = call.pool("IMAGE").named(disk["IMAGE"], wanted)
    if found is None:
        raise internal(
            f"User {uid if wanted == NOBODY else wanted} does not own an image with name: {disk['IMAGE']} ."
            " Set IMAGE_UNAME or IMAGE_UID of owner in DISK."
        )
    return call.pool("IMAGE").get(found.oid)


def owner(call: Call, vector: Vector, what: str, uid: int) -> int:
    """Whose object of this name is meant: that user's unless …_UID or …_UNAME say otherwise."""
    if vector.get(f"{what}_UID", "").isdigit():
        return int(vector[f"{what}_UID"])
    if f"{what}_UNAME" not in vector:
        return uid
    user = call.pool("USER").named(vector[f"{what}_UNAME"])
    return NOBODY if user is None else user.oid


# ---------------------------------------------------------------- what a disk has from its image and datastore


def check_size(image: Object, disk: Vector) -> None:
    """Only a copy can be larger than its image. Raises Refused INTERNAL; a word for a number is let through."""
    if not re.fullmatch(r"[+-]?\d+", disk.get("SIZE", "")):
        return
    for what, is_so in (("CDROM", image.type == "CDROM"), ("persistent", image.persistent)):
        if is_so:
            raise internal(f"SIZE attribute is not supported for {what} image [{image.oid}].")
    if int(disk["SIZE"]) < image.size:
        sizes = f"of {int(disk['SIZE'])}MB is less than the image [{image.oid}] size of {image.size}MB."
        raise internal(f"SIZE {sizes}")


def fill(cloud: Any, image: Object, given: Vector) -> Vector:
    """A disk with what the server copies from its image and that image's datastore."""
    datastore = cloud["DATASTORE"].get_ro(image.datastore_id)
    found = {**given, "IMAGE": image.name, "IMAGE_ID": str(image.oid), "IMAGE_STATE": str(image.state)}
    inherit(cloud, "INHERIT_IMAGE_ATTR", image.template, found)
    found.update(usage(image, found))
    found.update(
        DISK_SNAPSHOT_TOTAL_SIZE=str(chain.total(image.snapshots)),
        ORIGINAL_SIZE=str(image.size),
        SIZE=found.get("SIZE") or str(image.size),
        SOURCE=image.source,
        CLONE_TARGET=datastore.template.text("CLONE_TARGET"),
        LN_TARGET=datastore.template.text("LN_TARGET"),
    )
    if image.format:
        found.update(DRIVER=image.format.lower(), FORMAT=image.format.lower())
    found.update(device(cloud, image, found))
    place(cloud, datastore, found)
    found["TYPE"] = "CDROM" if image.type == "CDROM" else DISK_TYPE_NAMES[image.disk_type]
    if image.state in (LOCKED, LOCKED_USED, LOCKED_USED_PERS):
        found["CLONING"] = "YES"
    return found


def device(cloud: Any, image: Object, disk: Vector) -> Vector:
    """The bus and the name that disk or image ask for."""
    default = CDROM_PREFIX if image.type == "CDROM" else cloud.config.text("DEFAULT_DEVICE_PREFIX", "sd")
    target = disk.get("TARGET") or image.template.text("TARGET")
    prefix = disk.get("DEV_PREFIX") or image.template.text("DEV_PREFIX") or default
    return {"DEV_PREFIX": prefix, **({"TARGET": target} if target else {})}


def inherit(cloud: Any, setting: str, source: Template, disk: Vector) -> None:
    """Attributes that oned.conf names, unless the disk has them."""
    for _vector, name in listed(cloud.config, setting):
        if source.text(name) and not disk.get(name):
            disk[name] = source.text(name)


def usage(image: Object, disk: Vector) -> Vector:
    """Whether the disk is a copy, is saved, may be written."""
    kind = image.template.text("PERSISTENT_TYPE").upper()
    if image.type == "CDROM" or kind == "IMMUTABLE":
        return {"SAVE": "NO", "CLONE": "NO", "READONLY": "YES"}
    readonly = (disk.get("READONLY") or image.template.text("READONLY", "NO")).upper()
    found = {"SAVE": yes(image.persistent), "CLONE": yes(not image.persistent), "READONLY": readonly}
    if image.persistent:
        found["PERSISTENT"] = "YES"
        if kind == "SHAREABLE" and image.format == "raw":
            found["SHAREABLE"] = "YES"
    return found


def place(cloud: Any, datastore: Object, disk: Vector) -> None:
    """What a disk has from the datastore that it lies in."""
    inherit(cloud, "INHERIT_DATASTORE_ATTR", datastore.template, disk)
    disk.update(
        CLUSTER_ID=",".join(map(str, sorted(datastore.cluster_ids))),
        DATASTORE=datastore.name,
        DATASTORE_ID=str(datastore.oid),
        DISK_TYPE=DISK_TYPE_NAMES[datastore.disk_type],
        TM_MAD=datastore.tm_mad,
    )


def place_volatile(cloud: Any, vm: Object, datastore: Object) -> None:
    """The volatile disks of a VM lie in the system datastore that it is deployed to."""
    for disk in filter(is_volatile, vm.template.vectors("DISK")):
        fill_volatile(cloud, datastore, disk)


def fill_volatile(cloud: Any, datastore: Object, disk: Vector) -> None:
    place(cloud, datastore, disk)
    disk["FORMAT"] = disk.get("FORMAT") or datastore.template.text("DRIVER") or "raw"
    disk["DRIVER"] = datastore.template.text("DRIVER") or disk["FORMAT"]


# ---------------------------------------------------------------- device names


def name_devices(cloud: Any, vm: Object) -> None:
    """TARGETs: those asked for; then the first OS disk, CDROMs and the context, all others. Raises Refused."""
    context = vm.template.vector("CONTEXT")
    everything = [*vm.template.vectors("DISK"), *([context] if context is not None else [])]
    taken: set[str] = set()
    for device in everything:
        if device.get("TARGET") in taken:
            raise internal(f"Two disks have defined the same target {device['TARGET']}")
        taken |= {device["TARGET"]} if device.get("TARGET") else set()
    ranks = ranked(cloud, everything, context)
    for device in sorted(everything, key=lambda each: ranks[id(each)]):
        if not device.get("TARGET"):
            prefix = device.get("DEV_PREFIX") or CDROM_PREFIX
            device["TARGET"] = free_target(prefix, taken)
            taken.add(device["TARGET"])


def ranked(cloud: Any, devices: list[Vector], context: Vector | None) -> dict[int, int]:
    """Which devices get their names first, by identity."""
    ranks, first_os = {}, True
    for device in devices:
        image = image_of(cloud, device) if device is not context else None
        kind = image.type if image is not None else "CDROM" if device is context else ""
        if kind == "OS" and first_os and not device.get("TARGET"):
            ranks[id(device)], first_os = 0, False
        else:
            ranks[id(device)] = 1 if kind == "CDROM" else 2
    return ranks


def free_target(prefix: str, taken: Iterable[str]) -> str:
    return next((prefix + letter for letter in string.ascii_lowercase if prefix + letter not in taken), prefix + "z")


# ---------------------------------------------------------------- more disks


def attach(call: Call, vm: Object, given: Vector, datastore: Object) -> Vector:
    """One more disk, its image taken. Raises Refused."""
    number = 1 + max((int(device["DISK_ID"]) for device in devices(vm)), default=-1)
    disk = complete(call, vm, number, dict(given), attaching=True)
    try:
        name_device(vm, disk)
        check_cluster(vm, disk)
    except Refused:
        give_back(call.cloud, vm, disk)
        raise
    if is_volatile(disk):
        fill_volatile(call.cloud, datastore, disk)
    if vm.template.text("TM_MAD_SYSTEM"):
        disk["TM_MAD_SYSTEM"] = vm.template.text("TM_MAD_SYSTEM")
    vm.template.add("DISK", disk)
    return disk


def devices(vm: Object) -> list[Vector]:
    """Disks and the context disk."""
    return [each for each in [*vm.template.vectors("DISK"), *vm.template.vectors("CONTEXT")] if "DISK_ID" in each]


def name_device(vm: Object, disk: Vector) -> None:
    taken = {device.get("TARGET", "") for device in devices(vm)}
    if disk.get("TARGET") and disk["TARGET"] in taken:
        raise internal(f"Target {disk['TARGET']} is already in use.")
    disk["TARGET"] = disk.get("TARGET") or free_target(disk["DEV_PREFIX"], taken)


def check_cluster(vm: Object, disk: Vector) -> None:
    if "IMAGE_ID" in disk and str(vm.history[-1]["cid"]) not in disk["CLUSTER_ID"].split(","):
        raise internal(f"Image [{disk['IMAGE_ID']}] is not part of cluster [{vm.history[-1]['cid']}]")


def detach(cloud: Any, vm: Object, disk: Vector) -> None:
    """The disk is no longer the VM's."""
    vm.template.replace("DISK", [each for each in vm.template.vectors("DISK") if each is not disk])
    give_back(cloud, vm, disk)


# ---------------------------------------------------------------- use of images


def acquire(image: Object, vm: Object, attaching: bool) -> None:
    """A VM begins to use the image. Raises Refused INTERNAL when it may not."""
    if image.type not in DISKS:
        raise internal(f"Image {image.oid} ({image.name}) of type {image.type} cannot be used as DISK.")
    why = why_taken(image, attaching)
    if why:
        raise internal(f"Cannot acquire image {image.oid}, {why}")
    image.vms.add(vm.oid)
    images.settle(image)


def why_taken(image: Object, attaching: bool) -> str:
    """Why no further VM can use the image; empty when it can."""
    shareable = image.template.text("PERSISTENT_TYPE").upper() == "SHAREABLE"
    if image.state in SHARED and not shareable:
        return "it is persistent and already in use"
    if image.state in (LOCKED, LOCKED_USED, LOCKED_USED_PERS) and attaching:
        return "it is locked"
    if image.state in (READY, USED, *SHARED, LOCKED, LOCKED_USED):
        return ""
    return f"it is in state: {images.STATES[image.state]}"


def release(cloud: Any, vm: Object) -> None:
    """Gives back the images of a VM that ends."""
    for disk in vm.template.vectors("DISK"):
        if "DISK_ID" in disk:  # creation may have failed before
            give_back(cloud, vm, disk, ends=True)


def give_back(cloud: Any, vm: Object, disk: Vector, ends: bool = False) -> None:
    """The image is free again. A persistent one keeps what the VM did to the disk: its size and its snapshots."""
    number = int(disk["DISK_ID"])
    snapshots = vm.disk_snapshots.get(number) if ends else vm.disk_snapshots.pop(number, None)
    image = image_of(cloud, disk)
    if image is None or vm.oid not in image.vms:
        return
    if image.persistent:
        image.modtime = cloud.events.time()
        image.size = max(image.size, int(disk["SIZE"]))
        image.snapshots = chain.for_image(snapshots)
    others = [each.get("IMAGE_ID") for each in vm.template.vectors("DISK") if each is not disk]
    if ends or disk["IMAGE_ID"] not in others:
        image.vms.discard(vm.oid)
    images.settle(image)
