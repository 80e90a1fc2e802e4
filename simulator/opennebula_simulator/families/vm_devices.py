# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What else a VM can be given: PCI devices, commands for its guest, a role in a VM group."""

from __future__ import annotations

from typing import Any

from .. import generic, guest, guests
from ..calls import Call, Method
from ..errors import ACTION, answered, not_found, wrong_action
from ..store import Object
from ..template import Vector
from . import context, lifecycle, pci, usage
from . import vmgroup as vmgroups
from .operations import AS_RUNNING, start

# ---------------------------------------------------------------- PCI devices


def attach_device(call: Call, oid: int, given: str) -> None:
    body = call.template(given)
    wanted = body.vector("PCI")
    if wanted is None:
        raise wrong_action("PCI attribute not found")
    if wanted.get("TYPE") == "NIC":
        raise wrong_action("Use one.vm.attachnic to attach this PCI device")
    with answered(ACTION):
        pci.check(wanted)
    vm = call.object("VM", oid, "pci-attach")
    generic.forbid_restricted(call, "VM", "PCI", body)
    refuse_running(vm)
    device = {**wanted, "PCI_ID": str(pci.next_id(vm)), "VM_BUS": pci.guest_bus(call.cloud)}
    with usage.attaching(call, vm, body):
        if vm.state == lifecycle.POWEROFF:
            if not pci.take(call.find("HOST", vm.history[-1]["hid"]), vm, device):
                raise wrong_action(pci.NONE_FREE)
            pci.place_in_guest(call.cloud, device)
    vm.template.add("PCI", device)
    if call.cloud.release.pci_in_context:
        context.add_devices(vm)
    if vm.state == lifecycle.POWEROFF:
        lifecycle.copy_record(call, vm, "pci-attach")


def detach_device(call: Call, vm: Object, number: int) -> None:
    refuse_running(vm)
    device = pci.of(vm, number)
    if device is None:
        raise wrong_action("PCI device not found")
    if vm.state == lifecycle.POWEROFF:
        if "ADDRESS" in device:
            pci.give_back(call.find("HOST", vm.history[-1]["hid"]), vm, device["ADDRESS"])
        lifecycle.copy_record(call, vm, "pci-detach")
    with usage.recounted(call.cloud, vm):
        vm.template.replace("PCI", [each for each in vm.template.vectors("PCI") if each is not device])
    if call.cloud.release.pci_in_context:
        context.drop_device(vm, device)


def refuse_running(vm: Object) -> None:
    if vm.state not in (lifecycle.POWEROFF, lifecycle.UNDEPLOYED):
        raise wrong_action("VM in wrong state, it has to be in poweroff")


# ---------------------------------------------------------------- commands for the guest

EXECUTING, CANCELLED = "EXECUTING", "CANCELLED"
PROBE = 0.05  # seconds between two looks for the end of a command; EXEC_VM of a real server is 5


def execute(call: Call, vm: Object, command: str, given: str) -> None:
    run(call, vm, command, given, "exec")


def execute_again(call: Call, vm: Object) -> None:
    last = executed(vm)
    run(call, vm, last.get("COMMAND", ""), last.get("STDIN", ""), "exec-retry")


def executed(vm: Object) -> Vector:
    """The VM's last command; empty when there was none."""
    return vm.template.vector("QEMU_GA_EXEC") or {}


def run(call: Call, vm: Object, command: str, given: str, action: str) -> None:
    refuse_not_running(vm, "execute")
    if executed(vm).get("STATUS") == EXECUTING:
        raise wrong_action("Could not execute command, a command is already being executed")
    vm.template.set("QEMU_GA_EXEC", {"COMMAND": command, "STDIN": given, "STATUS": EXECUTING})
    lifecycle.copy_record(call, vm, action)
    start(call, vm, lifecycle.HOTPLUG, "exec", "Error executing command in VM", command_started, command_failed)


def command_started(cloud: Any, vm: Object) -> None:
    if vm.history[-1]["vm_mad"] in guest.WITHOUT_GUEST:
        return
    last = executed(vm)
    if cloud.guests is None:
        last.update(guest.report(guest.result(last["COMMAND"], guest.decoded(last["STDIN"]))))
        return
    try:
        cloud.guests.start(vm.oid, last["COMMAND"], last["STDIN"])
    except (ValueError, OSError):
        command_failed(cloud, vm)
    else:
        cloud.events.again(PROBE, look_for_end, cloud, vm.oid)


def look_for_end(cloud: Any, oid: int) -> None:
    """Event: the probe looks whether a command that runs for real has ended."""
    if not cloud.guests.runs(oid):
        return
    vm = cloud["VM"].get(oid)
    if vm is None or vm.state != lifecycle.ACTIVE:
        cloud.guests.kill(oid)
        return
    ended = cloud.guests.ended(oid)
    if ended is None:
        cloud.events.again(PROBE, look_for_end, cloud, oid)
    elif len(ended.stdout) + len(ended.stderr) <= guests.LARGEST_REPORT:  # else the report is lost
        executed(vm).update(guests.report(ended))


def command_failed(cloud: Any, vm: Object) -> None:
    executed(vm).update(STATUS="ERROR")


def cancel(call: Call, vm: Object) -> None:
    refuse_not_running(vm, "cancel")
    last = executed(vm)
    if last.get("STATUS") != EXECUTING:
        raise wrong_action("Could not cancel command, there is no command being executed")
    if call.cloud.guests is not None:
        call.cloud.guests.kill(vm.oid)
    last["STATUS"] = CANCELLED


def refuse_not_running(vm: Object, word: str) -> None:
    if (vm.state, vm.lcm_state) != AS_RUNNING:
        raise wrong_action(f"Could not {word} command, VM must be in running")


# ---------------------------------------------------------------- VM groups


def join_group(call: Call, vm: Object, group_id: int, role: str) -> None:
    group = call.pool("VMGROUP").get(group_id)
    if group is None:
        raise not_found(vmgroups.VMGROUP.title, group_id)
    call.require(call.need("vmgroup-add", vm), call.need("USE", group))
    if vmgroups.role_named(group.roles, role) is None:
        raise wrong_action("Role does not exist in VM Group")
    vmgroups.leave(call.cloud, vm)
    wanted = {"VMGROUP_ID": str(group_id), "ROLE": role}
    with answered(ACTION):
        vmgroups.join(call.cloud, vm, wanted, call.uid)
    vm.template.set("VMGROUP", wanted)


def leave_group(call: Call, vm: Object) -> None:
    vmgroups.leave(call.cloud, vm)
    vm.template.erase("VMGROUP")


METHODS = [
    Method("one.vm.attachpci", "oid:int, template:string", attach_device),
    Method("one.vm.detachpci", "oid:int, pci_id:int", detach_device, needs="pci-detach VM"),
    Method("one.vm.exec", "oid:int, cmd:string, cmd_stdin:string", execute, needs="exec VM"),
    Method("one.vm.retryexec", "oid:int", execute_again, needs="exec-retry VM"),
    Method("one.vm.cancelexec", "oid:int", cancel, needs="exec-cancel VM"),
    Method("one.vm.vmgroupadd", "oid:int, vmg_id:int, role:string", join_group, needs="vmgroup-add VM"),
    Method("one.vm.vmgroupdel", "oid:int", leave_group, needs="vmgroup-del VM"),
]
