# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The snapshots of a VM (with its memory), and of one of its disks."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .._core.failure import Failure
from .._core.values import canonical, vectors
from .._engine.resource import LAST, Attribute, Resource, Step, action
from .record import KIND

RUNS = frozenset(("running",))
OFF = frozenset(("poweredoff",))
RESTS = frozenset(("running", "poweredoff", "suspended"))
# A VM that is off can lose a snapshot too, but OpenNebula 7.4.0 then refuses to terminate it.
# verb → (method, states in which OpenNebula takes it)
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
GIVE_UP = 10  # seconds that a VM may rest before its snapshots are as they were asked to be


class Wanted(NamedTuple):
    """What is wanted of the snapshots.

    Args:
        present (str | None): name of one to have.
        absent (str | None): name of those to remove.
        keep (int | None): how many may stay; the oldest are removed.
    """

    present: Any = None
    absent: Any = None
    keep: Any = None


def values(params):
    """What the options of one_vm_snapshot want.

    Raises:
        Failure: the name is empty; OpenNebula would give another one.
    """
    state, name = params["state"], params["snapshot"]
    if name is not None and not name.strip():
        raise Failure("The option snapshot cannot be empty.", object=KIND)
    if state == "reverted":
        return {"reverted": name}
    return {"snapshots": Wanted(**{state: name}, keep=params["keep"])}


# ---------------------------------------------------------------- reading


def read(disk, cloud, item):
    """The record of a VM (one.vm.info) with its snapshots, or those of a disk of it, the oldest first.

    Raises:
        Failure: the VM has no such disk.
    """
    return {"disk": disk, "snapshots": snapshots_of(item, disk)}


def is_missing(item, disk):
    """Whether there is no such VM, or no such disk of it (None: the VM will do), and so no snapshot."""
    return item is None or (disk is not None and not _has_disk(item, disk))


def _has_disk(item, disk):
    return any(one["DISK_ID"] == str(disk) for one in vectors(canonical(item.TEMPLATE or {}), "DISK"))


def snapshots_of(item, disk=None):
    template = canonical(item.TEMPLATE or {})
    if disk is None:
        found = [_system(vector) for vector in vectors(template, "SNAPSHOT")]
    elif not _has_disk(item, disk):
        raise Failure("VM %s has no disk %d." % (item.NAME, disk), object=KIND, id=item.ID)
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


# ---------------------------------------------------------------- plan


def plan_snapshots(record, wanted, modes):
    """One is taken unless there is one of the name, then those that are too many are deleted."""
    there, want = record["snapshots"], wanted["snapshots"]
    gone = [one for one in there if one["name"] == want.absent]
    new = [{"name": want.present}] if want.present is not None and want.present not in names(there) else []
    if want.keep is not None:
        gone = there[: max(0, len(there) + len(new) - want.keep)]
    after = [one for one in there if one not in gone] + new
    steps = [_step(record, "take", one["name"], one["name"]) for one in new]
    steps += [_step(record, "delete", one["name"], one["id"]) for one in (gone if want.absent is None else gone[::-1])]
    stored = partial(_stored, record["disk"], names(new), [one["id"] for one in gone])
    return there, after, steps + [Step("change of its snapshots", until=stored, give_up=GIVE_UP, phase=LAST)]


def _stored(disk, new, gone, item):
    """Whether a VM has the snapshots of these names, and none with these ids."""
    there = snapshots_of(item, disk)
    return set(new) <= set(names(there)) and not {one["id"] for one in there}.intersection(gone)


def revert(record, name):
    """The Step that brings a VM or disk back to the newest snapshot of a name.

    Raises:
        Failure: there is none.
    """
    found = [one for one in record["snapshots"] if one["name"] == name]
    if not found:
        where = "VM %s" % record["name"] if record["disk"] is None else "Disk %(disk)d of VM %(name)s" % record
        there = ", ".join(names(record["snapshots"])) or "none"
        raise Failure("%s has no snapshot %s. There is: %s." % (where, name, there), object=KIND, id=record["id"])
    return [_step(record, "revert to", name, found[-1]["id"])]


def _step(record, verb, name, argument):
    disk = record["disk"]
    method, states = (SYSTEM if disk is None else DISK)[verb]
    what = "%s snapshot %s%s" % (verb, name, "" if disk is None else " of disk %d" % disk)
    arguments = (record["id"], argument) if disk is None else (record["id"], disk, argument)
    return Step(what, method, arguments, on="of VM %s" % record["name"], states=states, transient=True)


def names(snapshots):
    return [one["name"] for one in snapshots]


def vm_snapshots(disk):
    """The Resource of a VM's snapshots; `disk`: id of the disk whose snapshots they are, None: of the whole VM."""
    attributes = {"snapshots": Attribute(plan_snapshots, shown=names), "reverted": action("reverted", revert)}
    return Resource(KIND, partial(read, disk), attributes, values=values)
