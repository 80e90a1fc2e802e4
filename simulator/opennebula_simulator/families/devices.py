# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a VM is made of: capacity, disks, network interfaces, context. Fills the template as the server does."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from ..calls import Call
from ..errors import internal, not_allocated
from ..store import Object
from ..template import Template
from . import boot_files, context, disks, nics, pci, scheduler, topology
from . import vmgroup as vmgroups

VNC_BASE_PORT = 5900
FALSE = ("NO", "N", "FALSE", "0")
LAST_PORT = 65535
# What the server keeps in TEMPLATE; all else is the user's.
OWN = frozenset(
    "AUTOMATIC_DS_REQUIREMENTS AUTOMATIC_NIC_REQUIREMENTS AUTOMATIC_REQUIREMENTS CONTEXT CPU CPU_COST CPU_MODEL DISK"
    " DISK_COST EMULATOR FEATURES GRAPHICS INPUT MEMORY MEMORY_COST MEMORY_MAX MEMORY_RESIZE_MODE MEMORY_SLOTS NIC"
    " NIC_ALIAS NIC_DEFAULT NUMA_NODE OS PCI QEMU_GA_EXEC RAW SECURITY_GROUP_RULE SNAPSHOT SPICE_OPTIONS SUBMIT_ON_HOLD"
    " TEMPLATE_ID TM_MAD_SYSTEM TOPOLOGY TPM VCPU VCPU_MAX VIDEO VMGROUP VMID VROUTER_ID VROUTER_KEEPALIVED_ID"
    " VROUTER_KEEPALIVED_PASSWORD CLONING_TEMPLATE_ID".split()
)


def split(body: Template) -> tuple[Template, Template]:
    """The server's and the user's part of a template."""
    own, user = Template(), Template()
    for name, value in body:
        (own if name in OWN else user).add(name, value)
    return own, user


# ---------------------------------------------------------------- capacity


def positive_integer(text: str) -> bool:
    return text.isdigit() and int(text) > 0


DECIMAL = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def positive_float(text: str) -> bool:
    return not_negative(text) and float(text) > 0


def not_negative(text: str) -> bool:
    return DECIMAL.fullmatch(text) is not None


INTEGER, FLOAT = "a positive integer value", "a positive float or integer value"
CAPACITY: list[tuple[str, Callable[[str], bool], str, bool]] = [  # name, test, words, required
    ("MEMORY", positive_integer, INTEGER, True),
    ("CPU", positive_float, FLOAT, True),
    ("VCPU", positive_integer, INTEGER, False),
]
NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")


def check_capacity(body: Template) -> None:
    """Raises Refused when capacity is no number as it should be, or a cost negative; what is no cost is lost."""
    for name, good, words, required in CAPACITY:
        if (required or name in body) and not good(body.text(name)):
            raise internal(f"{name} attribute must be {words}.")
    body.set("CPU", f"{body.number('CPU'):.6g}")
    for name in ("CPU_COST", "MEMORY_COST", "DISK_COST"):
        given = body.pop(name)
        if NUMBER.fullmatch(given):
            if float(given) < 0:
                raise internal(f"{name} attribute must be {FLOAT}.")
            body.set(name, f"{float(given):.6g}")


# ---------------------------------------------------------------- all of it


def build(call: Call, vm: Object) -> None:
    """Completes a new VM whose name and ID are known, and takes its images and leases. Raises Refused."""
    body = vm.template
    check_capacity(body)
    check_raw(body)
    set_topology(body)
    context.refuse_token(call.cloud, body.vector("CONTEXT") or {})
    body.set("VMID", str(vm.oid))
    body.set("OS", {"UUID": str(uuid.uuid4()), **(body.vector("OS") or {})})
    check_console(body)
    boot_files.complete(call, vm)
    try:
        pci.add(call.cloud, vm)
        nics.add(call, vm)
        disks.add(call, vm)
        order_boot(body)
        join_group(call, vm)
        draw_passwords(body)
        add_context(call.cloud, vm)
    except Exception:
        release(call.cloud, vm)
        raise
    add_requirements(call, vm)


def add_context(cloud: Any, vm: Object) -> None:
    given = vm.template.vector("CONTEXT")
    if given is not None:
        number = str(len(vm.template.vectors("DISK")))
        vm.template.set("CONTEXT", {**context.complete(cloud, vm, given), "DISK_ID": number})


def release(cloud: Any, vm: Object) -> None:
    """Gives back the images and leases of a VM that ends."""
    disks.release(cloud, vm)
    vmgroups.leave(cloud, vm)
    nics.release(cloud, vm)
    router = cloud["VROUTER"].get(vm.template.integer("VROUTER_ID", -1))
    if router is not None:
        router.vms.discard(vm.oid)


RAW_TYPES = ("lxc", "qemu", "dummy", "vcenter")  # "kvm" needs libvirt's schema, which the server does not have here


def check_raw(body: Template) -> None:
    """Raises Refused when the first RAW section is for another hypervisor than the drivers know.

    VALIDATE=NO takes it as it is.
    """
    raw = body.vector("RAW")
    if raw is None or raw.get("VALIDATE", "YES").upper() in FALSE:
        return
    if raw.get("TYPE", "").lower() not in RAW_TYPES:
        raise internal("Invalid RAW section: unsupported TYPE")


def check_console(body: Template) -> None:
    port = (body.vector("GRAPHICS") or {}).get("PORT", "")
    if port and not (port.isdigit() and int(port) <= LAST_PORT):
        raise internal("Wrong PORT number in GRAPHICS attribute")


def set_topology(body: Template) -> None:
    """Raises Refused for a virtual topology that cannot be."""
    try:
        topology.complete(body)
    except ValueError as error:
        raise not_allocated("virtual machine", str(error)) from None


def join_group(call: Call, vm: Object) -> None:
    """The VM takes its role in a VM group, if it is to have one. Raises Refused."""
    wanted = vm.template.vector("VMGROUP")
    if wanted is None:
        return
    group = vmgroups.named_by(call.cloud, wanted, call.uid)
    if group is not None:
        call.require(call.need("USE", group))
    vmgroups.join(call.cloud, vm, wanted, call.uid)


def order_boot(body: Template) -> None:
    """OS/BOOT names disks and interfaces that are there, and they get its ORDER. Raises Refused."""
    everything = {"disk": ("DISK", "DISK_ID"), "nic": ("NIC", "NIC_ID")}
    for name, _number in everything.values():
        for device in body.vectors(name):
            device.pop("ORDER", None)
    boot = (body.vector("OS") or {}).get("BOOT", "")
    for order, asked in enumerate(filter(None, boot.split(",")), 1):
        found = re.fullmatch(r"\s*(disk|nic)(\d+)\s*", asked)
        if found is None:
            continue
        name, member = everything[found.group(1)]
        device = next((each for each in body.vectors(name) if each.get(member) == found.group(2)), None)
        if device is None:
            raise internal(f"Wrong OS/BOOT value. Device with {member} {found.group(2)} not found")
        device["ORDER"] = str(order)


def add_requirements(call: Call, vm: Object) -> None:
    """The clusters that hold all datastores and networks of the VM."""
    vm.template.erase("AUTOMATIC_REQUIREMENTS", "AUTOMATIC_DS_REQUIREMENTS", "AUTOMATIC_NIC_REQUIREMENTS")
    stores = [int(disk["DATASTORE_ID"]) for disk in vm.template.vectors("DISK") if "DATASTORE_ID" in disk]
    nets = [int(nic["NETWORK_ID"]) for nic in nics.interfaces(vm) if "NETWORK_ID" in nic]
    places = [call.pool("DATASTORE").get_ro(number) for number in stores]
    places += [call.pool("NET").get_ro(number) for number in nets]
    policy = "(PIN_POLICY = PINNED)" if topology.is_pinned(vm) else "!(PIN_POLICY = PINNED)"
    policy = f"!(PUBLIC_CLOUD = YES) & {policy}" if call.cloud.release.public_clouds else policy
    policy += "".join([f' & (KVM_CPU_FEATURES = "*{name}*")' for name in scheduler.cpu_features(vm)])
    vm.clusters = set.intersection(*(set(one.cluster_ids) for one in places)) if places else None
    if vm.clusters is None:
        vm.template.set("AUTOMATIC_REQUIREMENTS", policy)
        return
    hosts = " | ".join(f"CLUSTER_ID = {number}" for number in sorted(vm.clusters))
    members = " | ".join(f'"CLUSTERS/ID" @> {number}' for number in sorted(vm.clusters))
    vm.template.set("AUTOMATIC_REQUIREMENTS", f"({hosts}) & {policy}")
    vm.template.set("AUTOMATIC_DS_REQUIREMENTS", f"({members})")
    vm.template.set("AUTOMATIC_NIC_REQUIREMENTS", f"({members})")


# ---------------------------------------------------------------- consoles


def draw_passwords(body: Template) -> None:
    for console in body.vectors("GRAPHICS"):
        if console.get("RANDOM_PASSWD", "").upper() in ("YES", "Y", "TRUE", "1") and not console.get("PASSWD"):
            console["PASSWD"] = secrets.token_hex(16)


def give_console_port(vm: Object) -> None:
    """A VM that is deployed gets a port for its console, unless it has one."""
    for console in vm.template.vectors("GRAPHICS"):
        if console.get("TYPE", "").upper() in ("VNC", "SPICE") and "PORT" not in console:
            console["PORT"] = vm.console_port = str(VNC_BASE_PORT + vm.oid)


def take_console_port(vm: Object) -> None:
    """A VM that leaves its host for good loses the port that it was given."""
    for console in vm.template.vectors("GRAPHICS"):
        if vm.console_port and console.get("PORT") == vm.console_port:
            del console["PORT"]
