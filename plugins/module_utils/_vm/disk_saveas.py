# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Disks of a VM as images (one.vm.disksaveas)."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core import names
from .._core.failure import Failure
from .._core.values import canonical, vectors
from .._engine.resource import Attribute, Resource
from .configuration import save_disk
from .record import KIND
from .snapshots import snapshots_of

CURRENT = -1  # snapshot


class Saved(NamedTuple):
    """What is saved.

    Args:
        image (str): name of the image.
        disk (int)
        kind (str | None): type of the image; None: that of the disk.
        snapshot (int | None): of the disk; None: the disk as it is.
    """

    image: str
    disk: int = 0
    kind: Any = None
    snapshot: Any = None


def values(params):
    return {"image": Saved(params["image"], params["disk"], params["type"], params["snapshot"])}


def canonical_image(cloud, given):
    """What is saved. Raises Failure for a name that OpenNebula does not take."""
    return given._replace(image=names.valid("image", "image", given.image))


def read(cloud, item):
    """The record of a VM (one.vm.info): its disks, and the snapshots of each."""
    disks = vectors(canonical(item.TEMPLATE or {}), "DISK")
    found = {disk["DISK_ID"]: [one["id"] for one in snapshots_of(item, int(disk["DISK_ID"]))] for disk in disks}
    return {"disks": {disk["DISK_ID"]: disk for disk in disks}, "snapshots": found}


def plan_image(record, wanted, modes):
    """The disk is saved.

    Raises:
        Failure: the VM does not have the disk, its image or its snapshot.
    """
    save = wanted["image"]
    disk = record["disks"].get(str(save.disk))
    if disk is None:
        raise Failure("VM %s has no disk %d." % (record["name"], save.disk), object=KIND, id=record["id"])
    where = "Disk %d of VM %s" % (save.disk, record["name"])
    if "IMAGE_ID" not in disk:
        raise Failure("%s is not made from an image; it cannot be saved." % where, object=KIND, id=record["id"])
    if save.snapshot is not None and save.snapshot not in record["snapshots"][str(save.disk)]:
        raise Failure("%s has no snapshot %d." % (where, save.snapshot), object=KIND, id=record["id"])
    snapshot = CURRENT if save.snapshot is None else save.snapshot
    step = save_disk(record, save.disk, save.image, (save.kind or "").upper(), snapshot, _image_id)
    return None, save.image, [step]


def _image_id(answer):
    return {"image_id": answer}


VM_DISK = Resource(KIND, read, {"image": Attribute(plan_image, canonical_image, persisted=False)}, values=values)
