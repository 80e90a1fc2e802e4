# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The backups of a VM: their settings, a backup now, and what is restored from one."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import canonical
from .._engine.resource import LAST, Attribute, Reference, Resource, Step, action
from .configuration import plan_sections
from .record import KIND
from .record import read as read_vm
from .states import LIVE

SAVABLE = frozenset(("running", "poweredoff"))
RESTORABLE = frozenset(("poweredoff",))
NEWEST = ALL = CONTINUE = -1  # increment, disk, datastore of a chain
SECTION = "BACKUP_CONFIG"
# option → member of BACKUP_CONFIG
SETTINGS = {
    "keep_last": "KEEP_LAST",
    "backup_mode": "MODE",
    "increment_mode": "INCREMENT_MODE",
    "fs_freeze": "FS_FREEZE",
    "backup_volatile": "BACKUP_VOLATILE",
    "disks": "DISK_IDS",
}


def read(cloud, item):
    """The record of a VM (one.vm.info): settings, ids of its backup images, number of the last increment."""
    settings = read_vm(cloud, item)["updateconf"].get(SECTION, {})
    return {"settings": settings, "backups": ids(item), "increment": increment(item)}


def ids(item):
    """Ids of the backup images of a VM, the oldest first."""
    found = item.BACKUPS.BACKUP_IDS if item.BACKUPS is not None else None
    return sorted(found.ID) if found is not None else []


def increment(item):
    """Number of the last increment of a chain that the VM has begun; -1: there is none."""
    config = item.BACKUPS.BACKUP_CONFIG if item.BACKUPS is not None else None
    if config is None or config.MODE != "INCREMENT":
        return NEWEST
    return int(config.LAST_INCREMENT_ID or NEWEST)


# ---------------------------------------------------------------- settings


def settings(params):
    """The settings that the options of one_vm_backup give; None when they give none."""
    found = {member: _text(params[option]) for option, member in SETTINGS.items() if params[option] is not None}
    return found or None


def _text(value):
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return value.upper() if isinstance(value, str) else value


def canonical_settings(cloud, given):
    return canonical(given)


def plan_settings(record, wanted, modes):
    """The settings are a section of one.vm.updateconf."""
    present = {"id": record["id"], "name": record["name"], "updateconf": {SECTION: record["settings"]}}
    before, after, steps = plan_sections(present, {"updateconf": {SECTION: wanted["settings"]}}, modes)
    return before[SECTION], after[SECTION], steps


# ---------------------------------------------------------------- backup


class Backup(NamedTuple):
    """A backup now.

    Args:
        datastore (str | None): name or id; None: that of the chain that it goes on with.
        reset (bool): begin a new chain.
    """

    datastore: Any
    reset: bool


def due(cloud, item, max_age):
    """Whether the last backup is older than so many seconds, or there is none; without max_age always."""
    found = ids(item)
    image = cloud.info("image", found[-1]) if max_age is not None and found else None
    if image is None:
        return True
    parts = image.BACKUP_INCREMENTS.INCREMENT if image.BACKUP_INCREMENTS is not None else []
    last = max([image.REGTIME] + [int(part.DATE) for part in parts])
    return cloud.clock.time() - last > max_age


def plan_backup(record, wanted, modes):
    """A backup is made.

    Raises:
        Failure: no datastore is named, and there is no chain to go on with.
    """
    datastore, reset = wanted["backup"]
    if datastore is None and (record["increment"] < 0 or reset):
        message = "Name the datastore that the backup of VM %s goes to."
        raise Failure(message % record["name"], object=KIND, id=record["id"])
    target = CONTINUE if datastore is None else Reference("datastore", datastore)
    arguments = (record["id"], target, reset)
    before = (record["backups"], record["increment"])
    made = Step("new backup", until=partial(_differs, before), states=SAVABLE | LIVE, phase=LAST)
    on = "VM %s" % record["name"]
    return "none", "taken", [Step("back up", "vm.backup", arguments, on=on, states=SAVABLE, transient=True), made]


def _differs(before, item):
    return (ids(item), increment(item)) != before


# ---------------------------------------------------------------- restore


class Restored(NamedTuple):
    """What is restored.

    Args:
        image (int | str): id of the backup image; its name where it does not exist yet in a check run.
        increment, disk (int | None): None: the newest; all.
    """

    image: Any
    increment: Any
    disk: Any


def chosen(cloud, item, image):
    """Id of the backup image with a name or id, or of the newest of the VM; the name of one that is yet to come.

    Raises:
        Failure: the VM has no backup.
    """
    if image is not None:
        found = cloud.reference("image", image)
        return image if found is None else found.ID
    if not ids(item):
        raise Failure(
            "VM %s has no backup to restore. Take one first, with state: taken." % item.NAME, object=KIND, id=item.ID
        )
    return ids(item)[-1]


def restore(record, wanted):
    """The Step that puts disks of a VM back to what they were."""
    what = "restore %s from backup %s" % ("its disks" if wanted.disk is None else "disk %d" % wanted.disk, wanted.image)
    number, disk = (NEWEST if part is None else part for part in (wanted.increment, wanted.disk))
    arguments = (record["id"], wanted.image, number, disk)
    on = "of VM %s" % record["name"]
    return [Step(what, "vm.restore", arguments, on=on, states=RESTORABLE, transient=True)]


def image_of(wanted):
    """What a diff shows of what is restored."""
    return wanted.image if isinstance(wanted, Restored) else wanted


def copy(cloud, image, datastore, name, params):
    """Makes a VM template and images, or an image of one disk, from a backup; returns their ids."""
    options = {
        "NAME": name,
        "INCREMENT_ID": params["increment"],
        "DISK_ID": params["disk"],
        "NO_IP": params["no_ip"] or None,
        "NO_NIC": params["no_nic"] or None,
    }
    given = {key: value for key, value in options.items() if value is not None}
    place = cloud.reference("datastore", datastore).ID
    text = cloud.call("restore backup %d as %s" % (image, name), "image.restore", image, place, given)
    return [int(part) for part in str(text).split() if is_whole(part)]


VM_BACKUPS = Resource(
    KIND,
    read,
    {
        "settings": Attribute(plan_settings, canonical_settings),
        "backup": Attribute(plan_backup, persisted=False),
        "restored": action("restored", restore, shown=image_of),
    },
)
