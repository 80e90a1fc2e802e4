# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Disks of a VM as images (one.vm.disksaveas)."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core.failure import Failure
from .._core.values import canonical
from . import resource as vm
from . import snapshots as vm_snapshots
from .transitions import Step

CURRENT = -1  # snapshot


class Order(NamedTuple):
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


def refuse_missing(item, order):
    """Raises Failure when a VM (one.vm.info) has not what is to be saved: the disk, its image, its snapshot."""
    snapshots = vm_snapshots.read(item, order.disk)
    disk = next(one for one in canonical(item.TEMPLATE)["DISK"] if one["DISK_ID"] == str(order.disk))
    where = "Disk %d of VM %s" % (order.disk, item.NAME)
    if "IMAGE_ID" not in disk:
        raise Failure("%s is not made from an image; it cannot be saved." % where, object=vm.KIND, id=item.ID)
    if order.snapshot is not None and all(order.snapshot != one["id"] for one in snapshots):
        raise Failure("%s has no snapshot %d." % (where, order.snapshot), object=vm.KIND, id=item.ID)


def save(cloud, item, order, made):
    """The Step that saves a disk; the id of the image is added to the list `made`."""
    snapshot = CURRENT if order.snapshot is None else order.snapshot

    def run():
        kind = (order.kind or "").upper()
        made.append(vm.save_disk(cloud, item.ID, item.NAME, order.disk, order.image, kind, snapshot))

    return Step("save disk %d as image %s" % (order.disk, order.image), vm.SAVABLE, run, still=False)
