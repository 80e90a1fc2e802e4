# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The methods on the disks of a VM: attach, detach, resize, save, and their snapshots."""

from __future__ import annotations

import re
from typing import Any

from .. import dummy, generic
from ..calls import Call, Method
from ..errors import ACTION, Refused, answered, internal, not_found, wrong_action
from ..store import Object
from ..template import Template, Vector
from . import chain, disks, lifecycle, references, usage
from . import image as images
from .operations import AS_RUNNING, OFF, OFF_AFTER_SNAPSHOT, refuse_router, start, transient

SUSPENDED, UNDEPLOYED, STOPPED = (lifecycle.SUSPENDED, 0), (lifecycle.UNDEPLOYED, 0), (lifecycle.STOPPED, 0)
ATTACH = {
    AS_RUNNING: lifecycle.HOTPLUG,
    OFF: lifecycle.HOTPLUG_PROLOG_POWEROFF,
    OFF_AFTER_SNAPSHOT: lifecycle.HOTPLUG_PROLOG_POWEROFF,
}
DETACH = {
    AS_RUNNING: lifecycle.HOTPLUG,
    OFF: lifecycle.HOTPLUG_EPILOG_POWEROFF,
    OFF_AFTER_SNAPSHOT: lifecycle.HOTPLUG_EPILOG_POWEROFF,
}
RESIZE = {
    AS_RUNNING: lifecycle.DISK_RESIZE,
    OFF: lifecycle.DISK_RESIZE_POWEROFF,
    UNDEPLOYED: lifecycle.DISK_RESIZE_UNDEPLOYED,
}
SAVE = {
    AS_RUNNING: lifecycle.HOTPLUG_SAVEAS,
    OFF: lifecycle.HOTPLUG_SAVEAS_POWEROFF,
    SUSPENDED: lifecycle.HOTPLUG_SAVEAS_SUSPENDED,
    UNDEPLOYED: lifecycle.HOTPLUG_SAVEAS_UNDEPLOYED,
    STOPPED: lifecycle.HOTPLUG_SAVEAS_STOPPED,
}
SNAPSHOT = {
    AS_RUNNING: lifecycle.DISK_SNAPSHOT,
    OFF: lifecycle.DISK_SNAPSHOT_POWEROFF,
    SUSPENDED: lifecycle.DISK_SNAPSHOT_SUSPENDED,
}
DELETE_SNAPSHOT = {
    AS_RUNNING: lifecycle.DISK_SNAPSHOT_DELETE,
    OFF: lifecycle.DISK_SNAPSHOT_DELETE_POWEROFF,
    SUSPENDED: lifecycle.DISK_SNAPSHOT_DELETE_SUSPENDED,
}
REVERT = {OFF: lifecycle.DISK_SNAPSHOT_REVERT_POWEROFF}
SAVEABLE = ("OS", "DATABLOCK", "CDROM")


def existing(vm: Object, disk_id: int) -> Vector:
    """The disk of this ID. Raises Refused."""
    disk = disks.of(vm, disk_id)
    if disk is None:
        raise wrong_action("VM disk does not exist")
    return disk


# ---------------------------------------------------------------- attach and detach


def attach(call: Call, oid: int, given: str) -> None:
    vm = call.find("VM", oid)
    if not vm.history:
        raise wrong_action("VM is not running in any host")
    refuse_router(vm)
    body = call.template(given)
    call.require(call.need("disk-attach", vm), *references.needs(call, body, vm.uid))
    generic.forbid_restricted(call, "VM", "DISK", body)
    with usage.attaching(call, vm, references.extended(call, body, vm.uid)):
        lcm = transient(vm, ATTACH, f"Could not attach a new disk to VM {oid}")
        wanted = body.vector("DISK")
        if wanted is None:
            raise wrong_action("Internal error parsing DISK attribute")
        with answered(ACTION):
            disk = disks.attach(call, vm, wanted, call.find("DATASTORE", vm.history[-1]["ds_id"]))
    lifecycle.copy_record(call, vm, "disk-attach")
    words = "Error attaching new VM Disk"
    start(call, vm, lcm, "attach_disk", words, undone=lambda cloud, vm: drop(cloud, vm, disk["DISK_ID"]))


def drop(cloud: Any, vm: Object, disk_id: str) -> None:
    with usage.recounted(cloud, vm):
        disks.detach(cloud, vm, disks.of(vm, int(disk_id)))


def detach(call: Call, vm: Object, disk_id: int) -> None:
    refuse_router(vm)
    if disks.of(vm, disk_id) is None:
        raise wrong_action(call.cloud.release.disk_missing.format(id=disk_id))
    lcm = transient(vm, DETACH, f"Could not detach disk from VM {vm.oid}")
    lifecycle.copy_record(call, vm, "disk-detach")
    words = "Error detaching VM Disk"
    start(call, vm, lcm, "detach_disk", words, done=lambda cloud, vm: drop(cloud, vm, str(disk_id)))


# ---------------------------------------------------------------- size


def resize(call: Call, oid: int, disk_id: int, given: str) -> None:
    if not re.fullmatch(r"\s*[+-]?\d+", given):
        raise wrong_action("Disk SIZE is not a valid integer")
    vm = call.object("VM", oid, "disk-resize")
    disk = existing(vm, disk_id)
    if int(given) <= int(disk["SIZE"]):
        raise wrong_action("New disk size has to be greater than current one")
    manage_image(call, disk)
    image = disks.image_of(call.cloud, disk)
    with usage.growing(call, vm, disk, image, SIZE=str(int(given))):
        lcm = transient(vm, RESIZE, f"Could not resize disk for VM {oid}")
    disk.update(SIZE_PREV=disk["SIZE"], SIZE=str(int(given)))
    lifecycle.copy_record(call, vm, "disk-resize")
    start(call, vm, lcm, "resize_disk", "Error resizing disk", done=resized, undone=not_resized)


def manage_image(call: Call, disk: Vector) -> None:
    """What changes the disk of a persistent image changes the image."""
    image = disks.image_of(call.cloud, disk)
    if image is not None and disks.is_persistent(disk):
        call.require(call.need("MANAGE", image))


def resized(cloud: Any, vm: Object) -> None:
    for disk in vm.template.vectors("DISK"):
        disk.pop("SIZE_PREV", None)


def not_resized(cloud: Any, vm: Object) -> None:
    for disk in vm.template.vectors("DISK"):
        if "SIZE_PREV" in disk:
            with usage.shrinking(cloud, vm, disk, disks.image_of(cloud, disk)):
                disk["SIZE"] = disk.pop("SIZE_PREV")


# ---------------------------------------------------------------- save as an image


def save(call: Call, oid: int, disk_id: int, name: str, kind: str, snapshot_id: int) -> int:
    vm = call.find("VM", oid)
    try:
        return save_disk(call, vm, disk_id, name, kind, snapshot_id)
    except Refused as error:
        raise Refused(error.code, error.message, oid if call.cloud.release.saveas_names_vm else -1) from None


def save_disk(call: Call, vm: Object, disk_id: int, name: str, kind: str, snapshot_id: int) -> int:
    lcm = SAVE.get((vm.state, vm.lcm_state))
    if lcm is None:
        raise internal("VM has to be RUNNING, POWEROFF or SUSPENDED to save disks.")
    disk = savable(vm, disk_id, snapshot_id)
    original = disks.image_of(call.cloud, disk)
    if original is None:
        raise not_found("image", int(disk["IMAGE_ID"]))
    if original.type not in SAVEABLE:
        raise internal(f"Cannot save an image of type {original.type}")
    datastore = call.find("DATASTORE", original.datastore_id)
    images.refuse_overflow(call.cloud, datastore, int(disk["SIZE"]))
    call.require(call.need("disk-saveas", vm), call.need("CREATE", "IMAGE"), call.need("USE", datastore))
    image = copy_of(call, vm, disk, original, name, kind)
    images.admit(call, image, datastore, lambda obj: images.complete(call, obj, datastore))
    datastore.images.add(image.oid)
    image.state, image.format = images.LOCKED, original.format
    words = "Error saving VM disk"
    start(call, vm, lcm, "cpds", words, done=saved(image.oid, failed=False), undone=saved(image.oid, failed=True))
    return image.oid


def savable(vm: Object, disk_id: int, snapshot_id: int) -> Vector:
    """Raises Refused when the disk is not one of an image, or does not have the snapshot."""
    disk, why = disks.of(vm, disk_id), ""
    if disk is None:
        why = "DISK does not exist."
    elif "IMAGE_ID" not in disk:
        why = "DISK does not have a valid IMAGE_ID."
    elif snapshot_id != -1 and chain.find(vm.disk_snapshots.get(disk_id, Template()), snapshot_id) is None:
        why = "Snapshot does not exist."
    if why or disk is None:
        raise internal(f"Cannot use DISK. {why}")
    return disk


def copy_of(call: Call, vm: Object, disk: Vector, original: Object, name: str, kind: str) -> Object:
    """A new image for the content of a disk."""
    body = Template(last_wins=True)
    saved_from = {"SAVED_IMAGE_ID": original.oid, "SAVED_DISK_ID": disk["DISK_ID"], "SAVED_VM_ID": vm.oid}
    for attribute, number in saved_from.items():
        body.set(attribute, str(number))
    body.set("TYPE", kind or original.type)
    for attribute in ("TARGET", "DEV_PREFIX"):
        if original.template.text(attribute):
            body.set(attribute, original.template.text(attribute))
    return images.new(call.cloud, name, body, size=int(disk["SIZE"]))


def saved(image_id: int, failed: bool) -> Any:
    """The driver has copied the disk into the new image, or failed to make the image or to copy."""

    def settle(cloud: Any, vm: Object) -> None:
        image = cloud["IMAGE"].get(image_id)
        if image is None or image.state != images.LOCKED:
            return
        if failed or cloud.events.fails("mkfs", image.key):
            image.state = images.ERROR
            image.template.set("ERROR", f"{cloud.events.date()} : Error saving disk of VM {vm.oid}")
        else:
            image.state, image.source = images.READY, dummy.IMAGE_SOURCE

    return settle


# ---------------------------------------------------------------- snapshots


def supporting(vm: Object, disk_id: int, words: str) -> Vector:
    """The disk, if disks of its type have snapshots. Raises Refused."""
    disk = existing(vm, disk_id)
    if disks.is_volatile(disk) or disk["TYPE"] == "FILESYSTEM":
        raise wrong_action(f"{words} on disks of type: {disk['TYPE']}")
    return disk


def refuse_incremental(vm: Object, action: str) -> None:
    if vm.backup_config.get("MODE") == "INCREMENT":
        raise wrong_action(f'Action "{action}" is not compatible with incremental backups')


def count_snapshots(vm: Object, disk: Vector) -> None:
    disk["DISK_SNAPSHOT_TOTAL_SIZE"] = str(chain.total(vm.disk_snapshots[int(disk["DISK_ID"])]))


def create_snapshot(call: Call, oid: int, disk_id: int, name: str) -> int:
    vm = call.find("VM", oid)
    refuse_incremental(vm, "disk-snapshot-create")
    disk = supporting(vm, disk_id, "Cannot make snapshots")
    call.require(call.need("disk-snapshot-create", vm))
    manage_image(call, disk)
    lcm = transient(vm, SNAPSHOT, f"Could not create a new snapshot for VM {oid}")
    if disk.get("READONLY") == "YES":
        raise wrong_action("Cannot make snapshots on readonly disks")
    total = usage.number(disk, "DISK_SNAPSHOT_TOTAL_SIZE") + int(disk["SIZE"])
    with usage.growing(call, vm, disk, disks.image_of(call.cloud, disk), DISK_SNAPSHOT_TOTAL_SIZE=str(total)):
        pass  # nothing can refuse it any more
    tree = vm.disk_snapshots.setdefault(disk_id, chain.new(chain.orphans_of(disk), str(disk_id)))
    number = chain.add(tree, name, disk["SIZE"], call.cloud.events.time())
    count_snapshots(vm, disk)
    lifecycle.copy_record(call, vm, "disk-snapshot-create")

    def done(cloud: Any, vm: Object) -> None:
        chain.activate(vm.disk_snapshots[disk_id], number)

    words = "Error creating new disk snapshot"
    start(call, vm, lcm, "snap_create", words, done=done, undone=remover(disk_id, number))
    return number


def remover(disk_id: int, number: int) -> Any:
    """What takes a snapshot out of a disk's tree."""

    def remove(cloud: Any, vm: Object) -> None:
        disk = existing(vm, disk_id)
        with usage.shrinking(cloud, vm, disk, disks.image_of(cloud, disk)):
            chain.remove(vm.disk_snapshots[disk_id], number)
            count_snapshots(vm, disk)

    return remove


def delete_snapshot(call: Call, oid: int, disk_id: int, number: int) -> None:
    vm = call.find("VM", oid)
    disk = supporting(vm, disk_id, "Snapshots are not supported")
    call.require(call.need("disk-snapshot-delete", vm))
    manage_image(call, disk)
    lcm = transient(vm, DELETE_SNAPSHOT, f"Could not delete disk snapshot from VM {oid}")
    tree = vm.disk_snapshots.get(disk_id)
    why = chain.ABSENT if tree is None else chain.why_kept(tree, number, disks.is_persistent(disk))
    if why:
        raise wrong_action(why)
    lifecycle.copy_record(call, vm, "disk-snapshot-delete")
    start(call, vm, lcm, "snap_delete", "Error deleting disk snapshot", done=remover(disk_id, number))


def revert_snapshot(call: Call, oid: int, disk_id: int, number: int) -> None:
    vm = call.find("VM", oid)
    supporting(vm, disk_id, "Snapshots are not supported")
    call.require(call.need("disk-snapshot-revert", vm))
    lcm = transient(vm, REVERT, f"Could not revert to disk snapshot for VM {oid}")
    tree = vm.disk_snapshots.get(disk_id)
    if tree is None:
        raise wrong_action(chain.ABSENT)
    if chain.find(tree, number) is None:
        raise wrong_action(f"Disk id ({disk_id}) or snapshot id ({number}) is not valid.")
    lifecycle.copy_record(call, vm, "disk-snapshot-revert")

    def done(cloud: Any, vm: Object) -> None:
        chain.activate(vm.disk_snapshots[disk_id], number, revert=True)

    start(call, vm, lcm, "snap_revert", "Error reverting disk snapshot", done=done)


def rename_snapshot(call: Call, vm: Object, disk_id: int, number: int, name: str) -> None:
    supporting(vm, disk_id, "Snapshots are not supported")
    tree = vm.disk_snapshots.get(disk_id)
    if tree is None:
        raise wrong_action("The VM does not have any snapshot")
    snapshot = chain.find(tree, number)
    if snapshot is None:
        raise wrong_action(chain.ABSENT)
    snapshot["NAME"] = name


DISK, SNAP = "oid:int, disk_id:int", "oid:int, disk_id:int, snap_id:int"
METHODS = [
    Method("one.vm.disksaveas", f"{DISK}, name:string, image_type:string, snap_id:int", save),
    Method("one.vm.disksnapshotcreate", f"{DISK}, name:string", create_snapshot),
    Method("one.vm.disksnapshotdelete", SNAP, delete_snapshot),
    Method("one.vm.disksnapshotrevert", SNAP, revert_snapshot),
    Method("one.vm.disksnapshotrename", f"{SNAP}, name:string", rename_snapshot, needs="disk-snapshot-rename VM"),
    Method("one.vm.attach", "oid:int, template:string", attach),
    Method("one.vm.detach", DISK, detach, needs="disk-detach VM"),
    Method("one.vm.diskresize", f"{DISK}, size:string", resize),
]
