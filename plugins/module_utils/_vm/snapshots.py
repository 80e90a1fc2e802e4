# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The snapshots of a VM (with its memory), and of one of its disks."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core.failure import Failure
from .._core.values import canonical
from . import resource as vm
from .transitions import Step, Until

RUNS = frozenset(("running",))
OFF = frozenset(("poweredoff",))
RESTS = frozenset(("running", "poweredoff", "suspended"))
# A VM that is off can lose a snapshot too, but OpenNebula 7.4.0 then refuses to terminate it.
# act → (method, states in which OpenNebula takes it)
SYSTEM = {
    "take": ("vm.snapshotcreate", RUNS),
    "revert to": ("vm.snapshotrevert", RUNS),
    "delete": ("vm.snapshotdelete", RUNS),
}
DISK = {
    "take": ("vm.disksnapshotcreate", RESTS),
    "revert to": ("vm.disksnapshotrevert", OFF),
    "delete": ("vm.disksnapshotdelete", RESTS),
}


class Order(NamedTuple):
    """What is wanted of the snapshots.

    Args:
        state (str): present, absent or reverted.
        name (str | None): of the snapshot.
        disk (int | None): whose snapshots; None: of the whole VM.
        keep (int | None): how many may stay.
    """

    state: str
    name: Any = None
    disk: Any = None
    keep: Any = None


def read(item, disk=None):
    """The snapshots of a VM (one.vm.info), or of a disk of it, the oldest first.

    Raises:
        Failure: the VM has no such disk.
    """
    template = canonical(item.TEMPLATE or {})
    if disk is None:
        found = [_system(vector) for vector in template.get("SNAPSHOT", [])]
    elif not any(one["DISK_ID"] == str(disk) for one in template.get("DISK", [])):
        raise Failure("VM %s has no disk %d." % (item.NAME, disk), object=vm.KIND, id=item.ID)
    else:
        found = [_of_disk(one) for tree in item.SNAPSHOTS if disk == tree.DISK_ID for one in tree.SNAPSHOT]
    return sorted(found, key=lambda one: one["id"])


def _system(vector):
    return {
        "id": int(vector["SNAPSHOT_ID"]),
        "name": vector.get("NAME", ""),
        "time": int(vector.get("TIME", 0)),
        "size": int(vector.get("SYSTEM_DISK_SIZE", 0)),
    }


def _of_disk(one):
    return {
        "id": one.ID,
        "name": one.NAME or "",
        "time": one.DATE,
        "size": one.SIZE,
        "active": one.ACTIVE == "YES",
        "parent": one.PARENT if one.PARENT is not None and one.PARENT >= 0 else None,
    }


def plan(cloud, item, order):
    """(snapshots as they would be, [Step]) for a VM.

    Raises:
        Failure: the disk, or the snapshot to revert to, is not there.
    """
    return PLANS[order.state](cloud, item, order, read(item, order.disk))


def _present(cloud, item, order, there):
    new = order.name is not None and all(order.name != one["name"] for one in there)
    surplus = 0 if order.keep is None else max(0, len(there) + new - order.keep)
    gone, kept = there[:surplus], there[surplus:]
    steps = [_step(cloud, item, order, "take", order.name, order.name)] if new else []
    return kept + ([{"name": order.name}] if new else []), steps + _deletions(cloud, item, order, gone)


def _absent(cloud, item, order, there):
    gone = [one for one in there if one["name"] == order.name]
    return [one for one in there if one not in gone], _deletions(cloud, item, order, gone[::-1])


def _reverted(cloud, item, order, there):
    """The newest of the name."""
    found = [one for one in there if one["name"] == order.name]
    if not found:
        where = "VM %s" % item.NAME if order.disk is None else "Disk %d of VM %s" % (order.disk, item.NAME)
        names = ", ".join(one["name"] for one in there) or "none"
        message = "%s has no snapshot %s. There is: %s."
        raise Failure(message % (where, order.name, names), object=vm.KIND, id=item.ID)
    return there, [_step(cloud, item, order, "revert to", order.name, found[-1]["id"])]


PLANS = {"present": _present, "absent": _absent, "reverted": _reverted}


def _deletions(cloud, item, order, gone):
    return [_step(cloud, item, order, "delete", one["name"], one["id"]) for one in gone]


def _step(cloud, item, order, act, name, argument):
    method, works = (SYSTEM if order.disk is None else DISK)[act]
    what = "%s snapshot %s%s" % (act, name, "" if order.disk is None else " of disk %d" % order.disk)
    place = () if order.disk is None else (order.disk,)

    def run():
        doing = "%s of VM %s" % (what, item.NAME)
        cloud.call(doing, method, item.ID, *place, argument, object=vm.KIND, id=item.ID)

    return Step(what, works, run, still=False)


def stored(cloud, order):
    """What to wait for behind the steps."""
    if order.state == "reverted":
        return []
    return [Until("change of its snapshots", lambda item: not plan(cloud, item, order)[1])]
