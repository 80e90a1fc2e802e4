# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Kernels and RAM disks that VMs boot from: OS=[KERNEL_DS="$FILE[IMAGE_ID=3]"]."""

from __future__ import annotations

import re

from ..calls import Call
from ..errors import internal
from ..store import Object
from ..template import Vector
from . import image as images

TYPES = {"KERNEL": "KERNEL", "INITRD": "RAMDISK"}  # attribute of OS -> type of the image
FILE = re.compile(r"\$FILE\[([^\]]*)\]")
MEMBER = re.compile(r'(\w+)\s*=\s*\\?"?([^",\\]*)')


def complete(call: Call, vm: Object) -> None:
    """OS says where the files are. Raises Refused when an image is not what it should be."""
    booted = vm.template.vector("OS") or {}
    for name, kind in TYPES.items():
        if booted.get(f"{name}_DS"):
            booted.update(location(call, vm, f"{name}_DS", booted[f"{name}_DS"], kind))
            booted.pop(name, None)


def location(call: Call, vm: Object, name: str, text: str, kind: str) -> Vector:
    found = FILE.findall(text)
    if len(found) != 1:
        raise internal(f"Only one FILE variable can be used in: {text}")
    image = named(call, vm, dict(MEMBER.findall(found[0])))
    if image is None:
        raise internal(f"Image no longer exists in attribute: {text}")
    if image.type != kind:
        raise internal(f"{name.removesuffix('_DS')} needs an image of type {kind} and not {image.type}")
    if image.state != images.READY:
        raise internal(f"{image.type} Image '{image.oid}' 'not in READY state.")
    datastore = call.pool("DATASTORE").get_ro(image.datastore_id)
    return {
        f"{name}_ID": str(image.oid),
        f"{name}_SOURCE": image.source,
        f"{name}_DSID": str(datastore.oid),
        f"{name}_TM": datastore.tm_mad,
        f"{name}_CLUSTER_ID": ",".join(map(str, sorted(datastore.cluster_ids))),
    }


def named(call: Call, vm: Object, members: Vector) -> Object | None:
    """The image of an ID, or of a name and its owner, who is the VM's unless another is told."""
    pool = call.pool("IMAGE")
    if members.get("IMAGE_ID", "").strip().isdigit():
        return pool.get_ro(int(members["IMAGE_ID"]))
    owner = members.get("IMAGE_UNAME", vm.uname)
    return next((each for each in pool if (each.name, each.uname) == (members.get("IMAGE"), owner)), None)
