# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the template of a VM names: images, networks with security groups, a VM group; and the rights to use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..calls import Call
from ..errors import Refused
from ..permissions import Need
from ..store import Object
from ..template import Template, Vector
from . import disks, nics
from . import vmgroup as vmgroups


def known(find: Callable[[Call, Vector, int], Object], call: Call, vector: Vector, uid: int) -> Object | None:
    """What is found, or None: whoever takes it later says why it is not there."""
    try:
        return find(call, vector, uid)
    except Refused:
        return None


def images(call: Call, body: Template, uid: int) -> Iterator[tuple[Vector, Object]]:
    """The disks that name an image which exists."""
    for disk in body.vectors("DISK"):
        image = known(disks.find_image, call, disk, uid) if "IMAGE" in disk or "IMAGE_ID" in disk else None
        if image is not None:
            yield disk, image


def networks(call: Call, body: Template, uid: int) -> Iterator[tuple[Vector, Object]]:
    passed = [device for device in body.vectors("PCI") if device.get("TYPE") == "NIC"]
    for nic in [*body.vectors("NIC"), *body.vectors("NIC_ALIAS"), *passed]:
        network = known(nics.find_network, call, nic, uid) if "NETWORK" in nic or "NETWORK_ID" in nic else None
        if network is not None:
            yield nic, network


def needs(call: Call, body: Template, uid: int, heeds_locks: bool = True) -> list[Need]:
    """The rights that a VM of this template asks for, those on what does not exist aside."""
    found = [call.need("USE", image) for dummy, image in images(call, body, uid)]
    found += [need for nic, network in networks(call, body, uid) for need in nics.needs(call, network, nic)]
    group = vmgroups.named_by(call.cloud, body.vector("VMGROUP") or {}, uid)
    if group is not None:
        found.append(call.need("USE", group))
    return [need._replace(heeds_lock=heeds_locks) for need in found]


def extended(call: Call, body: Template, uid: int) -> Template:
    """The template, with what its disks have from their images, and the IDs of its networks."""
    full = body.copy()
    for number, disk in enumerate(full.vectors("DISK")):
        disk["DISK_ID"] = str(number)
        if disks.is_volatile(disk):
            disk.setdefault("DEV_PREFIX", call.cloud.config.text("DEFAULT_DEVICE_PREFIX", "sd"))
    for disk, image in images(call, full, uid):
        disk.update(disks.fill(call.cloud, image, disk))
    for nic, network in networks(call, full, uid):
        nic["NETWORK_ID"] = str(network.oid)
    return full
