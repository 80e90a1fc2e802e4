# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Snapshots of a whole VM, its memory too."""

from __future__ import annotations

from typing import Any

from ..calls import Call, Method
from ..errors import wrong_action
from ..store import Object
from ..template import Vector
from . import lifecycle
from .operations import AS_RUNNING, OFF, start, transient
from .vm_disks import refuse_incremental

WORK = {AS_RUNNING: lifecycle.HOTPLUG_SNAPSHOT}
DELETE = {**WORK, OFF: lifecycle.HOTPLUG_SNAPSHOT}  # the dummy driver keeps snapshots of what does not run
HYPERVISOR_ID = "dummy-snap"


def of(vm: Object, number: int) -> Vector | None:
    return next((each for each in vm.template.vectors("SNAPSHOT") if each["SNAPSHOT_ID"] == str(number)), None)


def create(call: Call, vm: Object, name: str) -> int:
    refuse_incremental(vm, "snapshot-create")
    if any(disk.get("TYPE") == "FILESYSTEM" for disk in vm.template.vectors("DISK")):
        raise wrong_action("Cannot create snapshot for VM with FILESYSTEM disks")
    lcm = transient(vm, WORK, f"Could not create a new snapshot for VM {vm.oid}")
    number = 1 + max((int(each["SNAPSHOT_ID"]) for each in vm.template.vectors("SNAPSHOT")), default=-1)
    snapshot = {
        "SNAPSHOT_ID": str(number),
        "NAME": name or f"snapshot-{number}",
        "TIME": str(call.cloud.events.time()),
        "SYSTEM_DISK_SIZE": vm.template.text("MEMORY"),  # it holds the memory
    }
    vm.template.add("SNAPSHOT", snapshot)
    words = "Error creating new VM Snapshot"
    start(call, vm, lcm, "snapshot_create", words, done=taken(number), undone=remover(number))
    return number


def taken(number: int) -> Any:
    def done(cloud: Any, vm: Object) -> None:
        snapshot = of(vm, number)
        if snapshot is not None:
            snapshot["HYPERVISOR_ID"] = HYPERVISOR_ID

    return done


def remover(number: int) -> Any:
    def remove(cloud: Any, vm: Object) -> None:
        kept = [each for each in vm.template.vectors("SNAPSHOT") if each["SNAPSHOT_ID"] != str(number)]
        vm.template.replace("SNAPSHOT", kept)

    return remove


def revert(call: Call, vm: Object, number: int) -> None:
    what = f"Could not revert VM {vm.oid} to snapshot {number}"
    lcm = transient(vm, WORK, what)
    if of(vm, number) is None:
        raise wrong_action(f"{what}, it does not exist.")
    start(call, vm, lcm, "snapshot_revert", "Error reverting VM Snapshot")


def delete(call: Call, vm: Object, number: int) -> None:
    what = f"Could not delete snapshot {number} for VM {vm.oid}"
    lcm = transient(vm, DELETE, what)
    if of(vm, number) is None:
        raise wrong_action(f"{what}, it does not exist.")
    if vm.state == lifecycle.ACTIVE:
        start(call, vm, lcm, "snapshot_delete", "Error deleting VM Snapshot", done=remover(number))
        return
    vm.lcm_state = vm.prev_lcm_state = lcm  # 7.4.0 changes this one alone, and ends in POWEROFF with RUNNING
    vm.turn += 1
    call.cloud.events.after(1, deleted, call.cloud, vm.oid, vm.turn, number)


def deleted(cloud: Any, oid: int, turn: int, number: int) -> None:
    """Event: the driver has deleted a snapshot of a VM that is powered off, or failed to."""
    vm = cloud["VM"].get(oid)
    if vm is None or vm.turn != turn:
        return
    vm.lcm_state = vm.prev_lcm_state = lifecycle.RUNNING
    if cloud.events.fails("snapshot_delete", vm.key):
        vm.user_template.set("ERROR", f"{cloud.events.date()}: Error deleting VM Snapshot")
    else:
        remover(number)(cloud, vm)


METHODS = [
    Method("one.vm.snapshotcreate", "oid:int, name:string", create, needs="snapshot-create VM"),
    Method("one.vm.snapshotdelete", "oid:int, snap_id:int", delete, needs="snapshot-delete VM"),
    Method("one.vm.snapshotrevert", "oid:int, snap_id:int", revert, needs="snapshot-revert VM"),
]
