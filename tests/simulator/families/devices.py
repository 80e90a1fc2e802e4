# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a VM is made of: capacity, disks, network interfaces, context. Fills the template as the server does."""

from __future__ import annotations

import re
import secrets
import string
import uuid
from collections.abc import Callable
from typing import Any

from ..calls import Call
from ..errors import INTERNAL, Refused, internal, not_allocated
from ..store import Object
from ..template import Template, Vector
from . import image as images
from . import secgroup as secgroups
from . import vmgroup as vmgroups
from . import vnet as networks

VNC_BASE_PORT = 5900
NOBODY = -1
# What the server keeps in TEMPLATE; all else is the user's.
OWN = frozenset(
    "AUTOMATIC_DS_REQUIREMENTS AUTOMATIC_NIC_REQUIREMENTS AUTOMATIC_REQUIREMENTS CONTEXT CPU CPU_COST CPU_MODEL DISK"
    " DISK_COST EMULATOR FEATURES GRAPHICS INPUT MEMORY MEMORY_COST MEMORY_MAX MEMORY_RESIZE_MODE MEMORY_SLOTS NIC"
    " NIC_ALIAS NIC_DEFAULT NUMA_NODE OS PCI RAW SECURITY_GROUP_RULE SNAPSHOT SPICE_OPTIONS SUBMIT_ON_HOLD TEMPLATE_ID"
    " TM_MAD_SYSTEM TOPOLOGY TPM VCPU VCPU_MAX VIDEO VMGROUP VMID VROUTER_ID VROUTER_KEEPALIVED_ID"
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


def positive_float(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d*)?|\.\d+", text) is not None and float(text) > 0


def not_negative(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d*)?|\.\d+", text) is not None


INTEGER, FLOAT = "a positive integer value", "a positive float or integer value"
CAPACITY: list[tuple[str, Callable[[str], bool], str, bool]] = [  # name, test, words, required
    ("MEMORY", positive_integer, INTEGER, True),
    ("CPU", positive_float, FLOAT, True),
    ("VCPU", positive_integer, INTEGER, False),
    ("CPU_COST", not_negative, FLOAT, False),
    ("MEMORY_COST", not_negative, FLOAT, False),
    ("DISK_COST", not_negative, FLOAT, False),
]


def check_capacity(body: Template) -> None:
    """Raises Refused when capacity or costs are not numbers as they should be."""
    for name, good, words, required in CAPACITY:
        if (required or name in body) and not good(body.text(name)):
            raise internal(f"{name} attribute must be {words}.")


# ---------------------------------------------------------------- all of it


def build(call: Call, vm: Object) -> None:
    """Completes a new VM whose name and ID are known, and takes its images and leases. Raises Refused."""
    body = vm.template
    check_capacity(body)
    check_raw(body)
    set_topology(body)
    body.set("VMID", str(vm.oid))
    boot = dict(body.vector("OS") or {})
    body.set("OS", {"UUID": str(uuid.uuid4()), **boot})
    try:
        nics = add_nics(call, vm)
        disks = add_disks(call, vm)
        check_boot(boot, disks, nics)
        join_group(call, vm)
    except Exception:
        release(call.cloud, vm)
        raise
    add_rules(call, vm, nics)
    draw_passwords(body)
    add_context(call, vm, len(disks))
    add_requirements(call, vm, disks, nics)


RAW_TYPES = ("lxc", "qemu", "dummy", "vcenter")  # "kvm" needs libvirt's schema, which the server does not have here


def check_raw(body: Template) -> None:
    """Raises Refused when a RAW section is for another hypervisor than the drivers know."""
    for raw in body.vectors("RAW"):
        if raw.get("TYPE", "").lower() not in RAW_TYPES:
            raise internal("Invalid RAW section: unsupported TYPE")


def set_topology(body: Template) -> None:
    """A virtual topology is pinned, or has all its numbers. Raises Refused."""
    topology = body.vector("TOPOLOGY")
    if topology is None:
        return
    topology.setdefault("PIN_POLICY", "NONE")
    numbers = [topology.get(name) for name in ("SOCKETS", "CORES", "THREADS")]
    if topology["PIN_POLICY"].upper() == "NONE" and not all(numbers):
        raise not_allocated(
            "virtual machine",
            "Non-pinned VMs with a virtual topology needs to set  SOCKETS, CORES and THREADS numbers.",
        )


def join_group(call: Call, vm: Object) -> None:
    """The VM takes its role in a VM group, if it is to have one. Raises Refused."""
    wanted = vm.template.vector("VMGROUP")
    if wanted is None:
        return
    group = vmgroups.named_by(call.cloud, wanted, call.uid)
    if group is not None:
        call.require(call.need("USE", group))
    vmgroups.join(call.cloud, vm, wanted, call.uid)


# ---------------------------------------------------------------- disks


def add_disks(call: Call, vm: Object) -> list[Vector]:
    given, made = vm.template.vectors("DISK"), []
    vm.template.erase("DISK")
    for number, disk in enumerate(given):
        made.append(complete_disk(call, vm, number, dict(disk)))
        vm.template.add("DISK", made[-1])
    set_targets(made)
    return made


def complete_disk(call: Call, vm: Object, number: int, disk: Vector) -> Vector:
    """The disk as the server stores it; its image is taken. Raises Refused."""
    try:
        if "IMAGE_ID" in disk or "IMAGE" in disk:
            image = find_image(call, disk)
            call.require(call.need("USE", image))
            disk = images.acquire(call.cloud, image, vm, disk)
        else:
            volatile(disk)
    except Refused as error:
        raise internal(f"DISK {number}: {error.message}") if error.code == INTERNAL else error from None
    return dict(disk, DISK_ID=str(number))


def find_image(call: Call, disk: Vector) -> Object:
    """The image by ID, or by name and owner. Raises Refused."""
    if "IMAGE_ID" in disk:
        found = call.pool("IMAGE").get(int(disk["IMAGE_ID"])) if disk["IMAGE_ID"].isdigit() else None
        if found is None:
            raise internal(f"Image with ID: {disk['IMAGE_ID']} does not exist")
        return found
    uid = owner(call, disk, "IMAGE")
    found = call.pool("IMAGE").named(disk["IMAGE"], uid)
    if found is None:
        raise internal(
            f"User {call.uid if uid == NOBODY else uid} does not own an image with name: {disk['IMAGE']} ."
            " Set IMAGE_UNAME or IMAGE_UID of owner in DISK."
        )
    return call.pool("IMAGE").get(found.oid)


def owner(call: Call, vector: Vector, what: str) -> int:
    """Whose object of this name is meant: the caller's unless …_UID or …_UNAME say otherwise."""
    if vector.get(f"{what}_UID", "").isdigit():
        return int(vector[f"{what}_UID"])
    user = call.pool("USER").named(vector.get(f"{what}_UNAME", call.user.name))
    return NOBODY if user is None else user.oid


def volatile(disk: Vector) -> None:
    """A disk without image: "fs" or "swap" of a size. Raises Refused."""
    kind = disk.get("TYPE", "").lower()
    if kind not in ("fs", "swap", "block"):
        raise internal(f"Unknown disk type {disk.get('TYPE', '')}")
    if not positive_integer(disk.get("SIZE", "")):
        raise internal("SIZE attribute must be a positive integer value.")
    disk.setdefault("DEV_PREFIX", "sd")
    disk.update(TYPE=kind)


def set_targets(disks: list[Vector]) -> None:
    """Device names: those asked for, and the next free one of the prefix for the others. Raises Refused."""
    taken: set[str] = set()
    for disk in filter(lambda one: one.get("TARGET"), disks):
        if disk["TARGET"] in taken:
            raise internal(f"Two disks have defined the same target {disk['TARGET']}")
        taken.add(disk["TARGET"])
    for disk in disks:
        if not disk.get("TARGET"):
            disk["TARGET"] = free_target(disk.get("DEV_PREFIX", "sd"), taken)
            taken.add(disk["TARGET"])


def free_target(prefix: str, taken: set[str]) -> str:
    return next(prefix + letter for letter in string.ascii_lowercase if prefix + letter not in taken)


# ---------------------------------------------------------------- network interfaces


def add_nics(call: Call, vm: Object) -> list[Vector]:
    given, made = vm.template.vectors("NIC"), []
    vm.template.erase("NIC")
    for number, nic in enumerate(given):
        made.append(complete_nic(call, vm, number, dict(nic)))
        vm.template.add("NIC", made[-1])
    return made


def complete_nic(call: Call, vm: Object, number: int, nic: Vector) -> Vector:
    nic = {"NAME": f"NIC{number}", **nic, "NIC_ID": str(number)}
    if not any(name in nic for name in ("NETWORK_ID", "NETWORK")):  # the scheduler's to choose, or none
        return nic
    network = find_network(call, nic)
    call.require(call.need("USE", network))
    nic.update(networks.allocate_lease(call.cloud, network, vm, nic))
    network.updated_vms.add(vm.oid)
    return dict(nic, TARGET=f"one-{vm.oid}-{number}")


def find_network(call: Call, nic: Vector) -> Object:
    """The network by ID, or by name and owner. Raises Refused."""
    if "NETWORK_ID" in nic:
        found = call.pool("NET").get(int(nic["NETWORK_ID"])) if nic["NETWORK_ID"].isdigit() else None
        if found is None:
            raise internal(f"Virtual network with ID: {nic['NETWORK_ID']} does not exist")
        return found
    uid = owner(call, nic, "NETWORK")
    found = call.pool("NET").named(nic.get("NETWORK", ""), uid)
    if found is None:
        raise internal(
            f"User {call.uid if uid == NOBODY else uid} does not own a network with name: {nic.get('NETWORK', '')} ."
            " Set NETWORK_UNAME or NETWORK_UID of owner in NIC."
        )
    return call.pool("NET").get(found.oid)


def check_boot(boot: Vector, disks: list[Vector], nics: list[Vector]) -> None:
    """OS/BOOT names disks and interfaces that are there. Raises Refused."""
    for order, device in enumerate(filter(None, boot.get("BOOT", "").split(",")), 1):
        found = re.fullmatch(r"\s*(disk|nic)(\d+)\s*", device)
        if found is None:
            continue
        kind, number = found.group(1), int(found.group(2))
        devices = disks if kind == "disk" else nics
        if number >= len(devices):
            raise internal(f"Wrong OS/BOOT value. Device with {kind.upper()}_ID {number} not found")
        devices[number]["ORDER"] = str(order)


def groups_of(nics: list[Vector]) -> str:
    """The security groups of all interfaces, once each, ascending: "0,100"."""
    found = {number for nic in nics for number in nic.get("SECURITY_GROUPS", "").split(",") if number.isdigit()}
    return ",".join(sorted(found, key=int))


def add_rules(call: Call, vm: Object, nics: list[Vector]) -> None:
    groups = groups_of(nics)
    vm.template.replace("SECURITY_GROUP_RULE", secgroups.rules_for(call.cloud, groups))
    secgroups.add_vm(call.cloud, groups, vm.oid)


# ---------------------------------------------------------------- context

CONTEXT_OF_NIC = (
    "DNS EXTERNAL GATEWAY IP IP6 IP6_GATEWAY IP6_METHOD IP6_METRIC IP6_PREFIX_LENGTH IP6_ULA MAC MASK METHOD METRIC MTU"
    " NETWORK ROUTES SEARCH_DOMAIN VLAN_ID VROUTER_IP VROUTER_IP6 VROUTER_MANAGEMENT".split()
)
FROM_NIC = {
    "IP": ["IP"],
    "MAC": ["MAC"],
    "IP6": ["IP6", "IP6_GLOBAL"],
    "IP6_ULA": ["IP6_ULA"],
    "VLAN_ID": ["VLAN_ID"],
    "MTU": ["MTU", "GUEST_MTU"],
    "VROUTER_IP": ["VROUTER_IP"],
    "VROUTER_IP6": ["VROUTER_IP6"],
    "VROUTER_MANAGEMENT": ["VROUTER_MANAGEMENT"],
    "EXTERNAL": ["EXTERNAL"],
}
FROM_NETWORK = {"GATEWAY", "DNS", "IP6_GATEWAY", "METHOD", "METRIC", "MTU", "ROUTES", "SEARCH_DOMAIN"}
FROM_NETWORK_AS = {"MASK": "NETWORK_MASK", "NETWORK": "NETWORK_ADDRESS", "MTU": "GUEST_MTU"}
VARIABLE = re.compile(r"\$(\w+)(?:\[([^\]]*)\])?")


def add_context(call: Call, vm: Object, disks: int) -> None:
    context = vm.template.vector("CONTEXT")
    if context is None:
        return
    full = {name: substituted(call, vm, text) for name, text in context.items()}
    if full.get("NETWORK", "").upper() in ("YES", "Y", "TRUE", "1"):
        for nic in vm.template.vectors("NIC"):
            full.update(context_of(call, nic))
    taken = {disk["TARGET"] for disk in vm.template.vectors("DISK")}
    full.update(DISK_ID=str(disks), TARGET=context.get("TARGET") or free_target("hd", taken))
    vm.template.set("CONTEXT", full)


def context_of(call: Call, nic: Vector) -> Vector:
    """The ETH0_… variables of one interface; what the network does not say is empty."""
    network = call.pool("NET").get_ro(int(nic["NETWORK_ID"])) if "NETWORK_ID" in nic else None
    found = {}
    for name in CONTEXT_OF_NIC:
        text = next((nic[key] for key in FROM_NIC.get(name, ()) if key in nic), "")
        source = FROM_NETWORK_AS.get(name, name if name in FROM_NETWORK else "")
        if not text and source and network is not None:
            text = network.template.text(source)
        found[f"ETH{nic['NIC_ID']}_{name}"] = text
    return found


def substituted(call: Call, vm: Object, text: str) -> str:
    """ "$NAME", "$VMID", "$CPU" … by the VM's own, "$NETWORK[BRIDGE, NETWORK_ID="0"]" by attributes of its networks."""
    own = {"NAME": vm.name, "UID": str(vm.uid), "UNAME": vm.uname, "GID": str(vm.gid), "GNAME": vm.gname}

    def value(found: re.Match) -> str:
        name, selector = found.groups()
        if selector is not None:
            return of_network(call, vm, selector) if name == "NETWORK" else ""
        return own.get(name) or vm.template.text(name) or vm.user_template.text(name)

    return VARIABLE.sub(value, text)


def of_network(call: Call, vm: Object, selector: str) -> str:
    wanted, dummy, condition = selector.partition(",")
    key, dummy, number = condition.replace('"', "").replace("\\", "").partition("=")
    for nic in vm.template.vectors("NIC"):
        if nic.get(key.strip()) == number.strip():
            network = call.pool("NET").get_ro(int(nic["NETWORK_ID"]))
            return nic.get(wanted.strip()) or network.template.text(wanted.strip())
    return ""


def add_requirements(call: Call, vm: Object, disks: list[Vector], nics: list[Vector]) -> None:
    """The clusters that hold all datastores and networks of the VM."""
    vm.template.erase("AUTOMATIC_REQUIREMENTS", "AUTOMATIC_DS_REQUIREMENTS", "AUTOMATIC_NIC_REQUIREMENTS")
    places = [call.pool("DATASTORE").get_ro(int(disk["DATASTORE_ID"])) for disk in disks if "DATASTORE_ID" in disk]
    places += [call.pool("NET").get_ro(int(nic["NETWORK_ID"])) for nic in nics if "NETWORK_ID" in nic]
    not_pinned = "!(PIN_POLICY = PINNED)"
    vm.clusters = set.intersection(*(set(one.cluster_ids) for one in places)) if places else None
    if vm.clusters is None:
        vm.template.set("AUTOMATIC_REQUIREMENTS", not_pinned)
        return
    hosts = " | ".join(f"CLUSTER_ID = {number}" for number in sorted(vm.clusters))
    members = " | ".join(f'"CLUSTERS/ID" @> {number}' for number in sorted(vm.clusters))
    vm.template.set("AUTOMATIC_REQUIREMENTS", f"({hosts}) & {not_pinned}")
    vm.template.set("AUTOMATIC_DS_REQUIREMENTS", f"({members})")
    vm.template.set("AUTOMATIC_NIC_REQUIREMENTS", f"({members})")


# ---------------------------------------------------------------- later


def release(cloud: Any, vm: Object) -> None:
    """Gives back the images and leases of a VM that ends."""
    for disk in vm.template.vectors("DISK"):
        image = cloud["IMAGE"].get(int(disk["IMAGE_ID"])) if "IMAGE_ID" in disk else None
        if image is not None:
            images.release(cloud, image, vm)
    vmgroups.leave(cloud, vm)
    secgroups.drop_vm(cloud, groups_of(vm.template.vectors("NIC")), vm.oid)
    for nic in vm.template.vectors("NIC"):
        network = cloud["NET"].get(int(nic["NETWORK_ID"])) if "NETWORK_ID" in nic else None
        if network is not None:
            networks.free_lease(cloud, network, vm, nic)
            network.updated_vms.discard(vm.oid)


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
