# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""one.vm.updateconf: the sections of a VM's configuration that can change, and when."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import RPC_API, Refused, internal
from ..releases import Release
from ..store import Object
from ..template import Template, Vector
from . import backup_config, context, devices, lifecycle
from .operations import AS_RUNNING, start

SECTIONS = {
    "OS": "ARCH MACHINE KERNEL INITRD BOOTLOADER BOOT KERNEL_CMD ROOT SD_DISK_BUS UUID FIRMWARE".split(),
    "FEATURES": "PAE ACPI APIC LOCALTIME HYPERV GUEST_AGENT VIRTIO_SCSI_QUEUES VIRTIO_BLK_QUEUES IOTHREADS".split(),
    "INPUT": ["TYPE", "BUS"],
    "GRAPHICS": "TYPE LISTEN PASSWD KEYMAP COMMAND".split(),
    "VIDEO": "IOMMU ATS TYPE VRAM RESOLUTION".split(),
    "RAW": "TYPE DATA VALIDATE DATA_VMX".split(),
    "CPU_MODEL": ["MODEL", "FEATURES"],
    "TPM": ["MODEL"],
}
FLAGS = "PAE ACPI APIC LOCALTIME HYPERV GUEST_AGENT".split()  # of FEATURES
WITHOUT_HOST = (lifecycle.PENDING, lifecycle.HOLD, lifecycle.POWEROFF, lifecycle.UNDEPLOYED)
CLONING = (lifecycle.CLONING, lifecycle.CLONING_FAILURE)
WHILE = (
    "LCM_INIT PROLOG RUNNING EPILOG SHUTDOWN CLEANUP_RESUBMIT SHUTDOWN_POWEROFF CLEANUP_DELETE"
    " HOTPLUG_SAVEAS_POWEROFF SHUTDOWN_UNDEPLOY EPILOG_UNDEPLOY PROLOG_UNDEPLOY HOTPLUG_PROLOG_POWEROFF"
    " HOTPLUG_EPILOG_POWEROFF BOOT_FAILURE PROLOG_FAILURE EPILOG_FAILURE EPILOG_UNDEPLOY_FAILURE"
    " PROLOG_MIGRATE_POWEROFF PROLOG_MIGRATE_POWEROFF_FAILURE BOOT_UNDEPLOY_FAILURE PROLOG_UNDEPLOY_FAILURE"
    " DISK_SNAPSHOT_POWEROFF DISK_SNAPSHOT_REVERT_POWEROFF DISK_SNAPSHOT_DELETE_POWEROFF".split()
)


def update(call: Call, oid: int, given: str, mode: int) -> None:
    if mode not in (0, 1):
        raise Refused(RPC_API, "Wrong update type")
    wanted, append = selected(call.template(given), call.cloud.release), mode == 1
    vm = call.object("VM", oid, "updateconf")
    generic.forbid_restricted(call, "VM", "Template", wanted, vm.template)
    refuse_state(vm)
    devices.check_raw(wanted)
    body = vm.template.copy()
    for name, members in SECTIONS.items():
        change_section(body, name, members, wanted.vector(name), append)
    devices.order_boot(body)
    before = dict(body.vector("CONTEXT") or {})
    change_context(call.cloud, vm, body, wanted.vector("CONTEXT"), append)
    backup_config.configure(vm, wanted.vector("BACKUP_CONFIG") or {}, append)
    vm.template = body
    apply(call, vm, before)


def selected(body: Template, release: Release) -> Template:
    """What of a template can be changed at all; empty texts say nothing."""
    found = Template()
    for name, members in [*SECTIONS.items(), ("BACKUP_CONFIG", sorted(backup_config.known()))]:
        first = body.vector(name) or {}
        section = {member: first[member] for member in members if first.get(member)}
        if name == "FEATURES" and release.normalises_features:
            section = {member: shown(member, text) for member, text in section.items()}
        if section:
            found.add(name, section)
    if body.vector("CONTEXT") is not None:
        found.add("CONTEXT", body.vector("CONTEXT"))
    return found


def shown(member: str, text: str) -> str:
    if member in FLAGS:
        return "YES" if text.upper() in context.TRUE else "NO"
    return text


def refuse_state(vm: Object) -> None:
    busy = vm.state == lifecycle.ACTIVE and lifecycle.LCM_NAMES[vm.lcm_state] in WHILE
    if not (busy or vm.state in WITHOUT_HOST + CLONING):
        raise internal(f"configuration cannot be updated in state {lifecycle.state_name(vm)}")


def change_section(body: Template, name: str, members: list[str], wanted: Vector | None, append: bool) -> None:
    """The section with what is wanted; without append, what is not wanted goes."""
    old = body.vector(name)
    if wanted is None:
        if not append:
            body.erase(name)
        return
    kept = {} if old is None else {key: text for key, text in old.items() if append or key not in members}
    body.set(name, {**kept, **wanted})


def change_context(cloud: Any, vm: Object, body: Template, wanted: Vector | None, append: bool) -> None:
    """Raises Refused when there is no context, or what is wanted is the interfaces' to say."""
    old = body.vector("CONTEXT")
    if wanted is None:
        return
    if old is None:
        raise internal("Virtual machine does not have context, cannot add a new one.")
    for name, text in wanted.items():
        if context.NETWORKED.fullmatch(name) and old.get(name) != text:
            raise internal(f"Unable to update {name}, update NIC to update network context")
    fixed = {name: old[name] for name in ("TARGET", "DISK_ID") if name in old}
    body.set("CONTEXT", {**(old if append else {}), **context.complete(cloud, vm, wanted), **fixed})


def apply(call: Call, vm: Object, before: Vector) -> None:
    """A console that is new on a host gets its port; the driver brings a new context into a running guest."""
    console = vm.template.vector("GRAPHICS")
    lacking = console is not None and "PORT" not in console
    if lacking and vm.state in (lifecycle.ACTIVE, lifecycle.POWEROFF, lifecycle.SUSPENDED):
        devices.give_console_port(vm)
    if (vm.template.vector("CONTEXT") or {}) != before and (vm.state, vm.lcm_state) == AS_RUNNING:
        words = "Error updating conf for VM"
        start(call, vm, lifecycle.HOTPLUG, "update_conf", words, undone=lambda cloud, vm: restore(vm, before))


def restore(vm: Object, before: Vector) -> None:
    vm.template.set("CONTEXT", before)


METHODS = [Method("one.vm.updateconf", "oid:int, template:string, append:int=0", update)]
