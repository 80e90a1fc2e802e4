# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Disks of a VM as images (one.vm.disksaveas)."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..difference import canonical
from ..failure import Failure
from . import vm
from .vm_states import Step

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
    """Raises Failure when the VM has no such disk."""
    disks = canonical(item.TEMPLATE or {}).get("DISK", [])
    if not any(one["DISK_ID"] == str(order.disk) for one in disks):
        raise Failure("VM %s has no disk %d." % (item.NAME, order.disk), object=vm.KIND, id=item.ID)


def save(cloud, item, order, made):
    """The Step that saves a disk; the id of the image is added to the list `made`."""
    what = "save disk %d as image %s" % (order.disk, order.image)
    snapshot = CURRENT if order.snapshot is None else order.snapshot
    arguments = (item.ID, order.disk, order.image, (order.kind or "").upper(), snapshot)

    def run():
        doing = "%s of VM %s" % (what, item.NAME)
        made.append(cloud.call(doing, "vm.disksaveas", *arguments, object=vm.KIND, id=item.ID))

    return Step(what, vm.SAVABLE, run, still=False)
