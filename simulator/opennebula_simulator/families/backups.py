# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Backups of VMs: one.vm.backup, its cancellation, one.vm.restore, and the images that hold them."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from .. import dummy
from ..calls import Call, Method
from ..errors import Refused, internal, wrong_action
from ..quotas import Use, charge, refund
from ..store import Object, id_list
from ..template import Template, attribute
from . import image as images
from . import lifecycle, usage
from .datastore import BACKUP_DS, lacks

NO_JOB = NONE = "-1"
LATEST = ALL_DISKS = -1
STATES = {
    (lifecycle.ACTIVE, lifecycle.RUNNING): lifecycle.BACKUP,
    (lifecycle.POWEROFF, 0): lifecycle.BACKUP_POWEROFF,
}


def shown(vm: Object) -> str:
    """The BACKUPS of a VM."""
    told = vm.release.shown("BACKUP_CONFIG", vm.backup_config)
    config = attribute("BACKUP_CONFIG", told) if told else "<BACKUP_CONFIG/>"
    return f"<BACKUPS>{config}<BACKUP_IDS>{id_list(vm.backup_ids)}</BACKUP_IDS></BACKUPS>"


# ---------------------------------------------------------------- backup


def backup(call: Call, oid: int, datastore_id: int, reset: bool) -> None:
    vm = call.find("VM", oid)
    if vm.backup_config.get("BACKUP_JOB_ID", NO_JOB) != NO_JOB:
        raise internal(  # the server names no job either
            f"Unable to start an individual backup for the Virtual Machine, it is part of Backup Job ID {NO_JOB}"
        )
    start(call, vm, datastore_id, reset)


def start(call: Call, vm: Object, datastore_id: int, reset: bool) -> None:
    """A backup begins, of a job's VM too. Raises Refused."""
    if any(disk.get("TYPE", "").upper() == "FILESYSTEM" for disk in vm.template.vectors("DISK")):
        raise wrong_action("Cannot backup VM with FILESYSTEM disks")
    last = None if reset else last_increment(call.cloud, vm)
    datastore = call.find("DATASTORE", datastore_id if last is None else last.datastore_id)
    if datastore.type != BACKUP_DS:
        raise wrong_action("Datastore needs to be of type BACKUP")
    size = sum(usage.size_of(disk) for disk in saved_disks(vm))
    if lacks(call.cloud, datastore, size):
        raise wrong_action("Not enough free space on target datastore")
    call.require(call.need("backup", vm), call.need("USE", datastore))
    lcm = STATES.get((vm.state, vm.lcm_state))
    if lcm is None:
        raise internal(f"Could not create a new backup for VM {vm.oid}, wrong state {lifecycle.state_name(vm)}.")
    uses = usage.of_image(datastore.oid, size, int(last is None))
    charge(call, uses, vm.uid, vm.gid)
    if reset and vm.backup_config:
        vm.backup_config.update(LAST_INCREMENT_ID=NONE, INCREMENTAL_BACKUP_ID=NONE)
    lifecycle.copy_record(call, vm, "backup")
    done = partial(finished, datastore_id=datastore.oid, uses=uses, begun=call.cloud.events.now())
    undone = partial(failed, uses=uses)
    lifecycle.work(call.cloud, vm, lcm, lifecycle.Task("backup", "Error creating VM backup", done, undone))


def saved_disks(vm: Object) -> list[dict[str, str]]:
    """The disks that a backup holds: no swap, no CD-ROM, volatile ones if configured, or those of DISK_IDS."""
    volatile = vm.backup_config.get("BACKUP_VOLATILE") == "YES"
    chosen = vm.backup_config.get("DISK_IDS", "").split(",")
    disks = [disk for disk in vm.template.vectors("DISK") if disk.get("TYPE", "").upper() not in ("SWAP", "CDROM")]
    disks = [disk for disk in disks if volatile or not usage.is_volatile(disk)]
    return [disk for disk in disks if chosen == [""] or disk["DISK_ID"] in chosen]


def last_increment(cloud: Any, vm: Object) -> Object | None:
    """The image to which an incremental backup is added, if the VM has begun one."""
    config = vm.backup_config
    if config.get("MODE") != "INCREMENT" or config.get("LAST_INCREMENT_ID", NONE) == NONE:
        return None
    return cloud["IMAGE"].get(int(config["INCREMENTAL_BACKUP_ID"]))


def finished(cloud: Any, vm: Object, datastore_id: int, uses: list[Use], begun: float) -> None:
    """The driver has saved the disks: an image holds them, and the oldest ones may go."""
    refund(cloud, vm.uid, vm.gid, uses)
    last = last_increment(cloud, vm)
    try:
        image = store(cloud, vm, datastore_id, begun) if last is None else last
    except Refused as error:
        vm.user_template.set("ERROR", f"{cloud.events.date()}: Error creating VM backup: {error.message}")
        tell_job(cloud, vm, done=False)
        return
    if vm.backup_config.get("MODE") == "INCREMENT":
        add_increment(cloud, vm, image)
    forget_oldest(cloud, vm)
    tell_job(cloud, vm, done=True)


def store(cloud: Any, vm: Object, datastore_id: int, begun: float) -> Object:
    """A new image of the VM's owner, named after VM and time. Raises Refused when there is one of that second."""
    datastore = cloud["DATASTORE"].get(datastore_id)
    image = images.new(
        cloud,
        f"{vm.oid} {time.strftime('%d-%b %H.%M.%S', time.localtime(begun))}",
        Template(last_wins=True),
        type="BACKUP",
        persistent=True,
        source=dummy.BACKUP_SOURCE,
        format="raw",
        size=dummy.BACKUP_MB,
        state=images.READY,
        datastore_id=datastore.oid,
        datastore=datastore.name,
        bits=0o600,
    )
    image.vms.add(vm.oid)
    image.backup_disk_ids.update(int(disk["DISK_ID"]) for disk in saved_disks(vm))
    image.uid, image.gid, image.uname, image.gname = vm.uid, vm.gid, vm.uname, vm.gname
    cloud["IMAGE"].add(image)
    datastore.images.add(image.oid)
    usage.count_freely(cloud, vm, images.uses_of(image))
    vm.backup_ids.add(image.oid)
    return image


def add_increment(cloud: Any, vm: Object, image: Object) -> None:
    number = len(image.increments.vectors("INCREMENT"))
    increment = {
        "ID": str(number),
        "TYPE": "INCREMENT" if number else "FULL",
        "PARENT_ID": str(number - 1),
        "DATE": str(cloud.events.time()),
        "SIZE": str(dummy.BACKUP_MB),
        "SOURCE": dummy.BACKUP_SOURCE,
    }
    image.increments.add("INCREMENT", increment)
    vm.backup_config.update(LAST_INCREMENT_ID=str(number), INCREMENTAL_BACKUP_ID=str(image.oid))


def forget_oldest(cloud: Any, vm: Object) -> None:
    """KEEP_LAST full backups stay; 0 keeps all."""
    kept = int(vm.backup_config.get("KEEP_LAST", "0"))
    if not kept or vm.backup_config.get("MODE") == "INCREMENT":
        return
    for oid in sorted(vm.backup_ids)[:-kept]:
        vm.backup_ids.discard(oid)
        image = cloud["IMAGE"].get(oid)
        if image is not None:
            image.state = images.DELETE
            cloud.events.after(1, images.deleted, cloud, oid)


def failed(cloud: Any, vm: Object, uses: list[Use]) -> None:
    refund(cloud, vm.uid, vm.gid, uses)
    tell_job(cloud, vm, done=False)


def tell_job(cloud: Any, vm: Object, done: bool) -> None:
    """The backup job of the VM, if it has one, moves it between its lists."""
    job = cloud["BACKUPJOB"].get(int(vm.backup_config.get("BACKUP_JOB_ID", NO_JOB)))
    if job is not None:
        job.finished(cloud, vm.oid, done)


# ---------------------------------------------------------------- cancel and restore


def cancel(call: Call, vm: Object) -> None:
    if vm.lcm_state not in STATES.values():
        raise internal(f"Could not cancel backup for VM {vm.oid}, no backup in progress")
    lifecycle.fail(call.cloud, vm)


def restore(call: Call, oid: int, image_id: int, increment: int, disk_id: int) -> None:
    vm = call.find("VM", oid)
    if disk_id != ALL_DISKS and str(disk_id) not in (disk["DISK_ID"] for disk in vm.template.vectors("DISK")):
        raise wrong_action("VM disk does not exist")
    image = call.find("IMAGE", image_id)
    if image.type != "BACKUP":
        raise wrong_action("Image has to be of type BACKUP")
    if increment > len(image.increments.vectors("INCREMENT")) - 1:
        raise wrong_action("Wrong increment")
    call.require(call.need("restore", vm), call.need("USE", image))
    if vm.state != lifecycle.POWEROFF:
        raise wrong_action("Could not restore VM, it must be in poweroff")
    lifecycle.copy_record(call, vm, "restore")
    task = lifecycle.Task("restore", "Error restoring VM", nothing, nothing)
    lifecycle.work(call.cloud, vm, lifecycle.RESTORE, task)


def nothing(cloud: Any, vm: Object) -> None:
    """The disks hold what they held when they were saved; a simulator has no bytes to show it."""


METHODS = [
    Method("one.vm.backup", "oid:int, ds_id:int=-1, reset:boolean=false", backup),
    Method("one.vm.backupcancel", "oid:int", cancel, needs="backup-cancel VM"),
    Method("one.vm.restore", "oid:int, image_id:int, increment_id:int, disk_id:int", restore),
]
