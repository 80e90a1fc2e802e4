# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The backups of a VM: how they are made, when the last one was, and what is made from them."""

from __future__ import annotations

import time

from .._core.failure import Failure
from . import resource as vm
from .transitions import Step, Until

SAVABLE = frozenset(("running", "poweredoff"))
RESTORABLE = frozenset(("poweredoff",))
NEWEST = ALL = -1  # increment, disk
# option → member of BACKUP_CONFIG
SETTINGS = {
    "keep_last": "KEEP_LAST",
    "backup_mode": "MODE",
    "increment_mode": "INCREMENT_MODE",
    "fs_freeze": "FS_FREEZE",
    "backup_volatile": "BACKUP_VOLATILE",
    "disks": "DISK_IDS",
}


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


def settings(cloud, item, params):
    """(before, after, [Step]) of the settings that the options name."""
    given = {member: _text(params[option]) for option, member in SETTINGS.items() if params[option] is not None}
    if not given:
        return {}, {}, []
    wanted = vm.canonical_sections(cloud, {"BACKUP_CONFIG": given})
    present, after, steps = vm.plan_sections(cloud, vm.read(cloud, item), wanted)
    if present == after:
        return {}, {}, []
    return _section(present), _section(after), steps


def _section(sections):
    return {"settings": sections.get("BACKUP_CONFIG", {})}


def _text(value):
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return value.upper() if isinstance(value, str) else value


def refuse_unstored(cloud, item, params):
    """Raises Failure when the VM does not have the settings that it was given."""
    before, after, steps = settings(cloud, item, params)
    if steps:
        has, wanted = before["settings"], after["settings"]
        names = ", ".join(sorted(name for name in wanted if has.get(name) != wanted[name]))
        message = "OpenNebula accepted the backup settings of VM %s, but did not store: %s."
        raise Failure(message % (item.NAME, names), object=vm.KIND, id=item.ID)


# ---------------------------------------------------------------- backup


def due(cloud, item, max_age, now=None):
    """Whether the last backup is older than so many seconds, or there is none; without max_age always."""
    found = ids(item)
    if max_age is None or not found:
        return True
    image = cloud.info("image", found[-1])
    if image is None:
        return True
    parts = image.BACKUP_INCREMENTS.INCREMENT if image.BACKUP_INCREMENTS is not None else []
    last = max([image.REGTIME] + [int(part.DATE) for part in parts])
    return (time.time() if now is None else now) - last > max_age


def backup(cloud, item, datastore, reset):
    """[Step, Until] of a backup now.

    Raises:
        Failure: it has no place to go to.
    """
    goes_on = increment(item) >= 0 and not reset
    if datastore is None and not goes_on:
        raise Failure("Name the datastore that the backup of VM %s goes to." % item.NAME, object=vm.KIND, id=item.ID)
    place = cloud.reference("datastore", datastore) if datastore is not None else None
    before = (ids(item), increment(item))

    def run():
        target = place.ID if place is not None else -1
        cloud.call("back up VM %s" % item.NAME, "vm.backup", item.ID, target, reset, object=vm.KIND, id=item.ID)

    made = Until("new backup", lambda seen: (ids(seen), increment(seen)) != before)
    return [Step("back up", SAVABLE, run, still=False), made]


# ---------------------------------------------------------------- restore


def chosen(cloud, item, image):
    """Id of the backup image that a name or id speaks of, or of the newest of the VM.

    Raises:
        Failure: the VM has no backup.
    """
    if image is not None:
        found = cloud.reference("image", image)
        return None if found is None else found.ID
    if not ids(item):
        raise Failure("VM %s has no backup." % item.NAME, object=vm.KIND, id=item.ID)
    return ids(item)[-1]


def restore(cloud, item, image, number, disk):
    """The Step that puts disks of a VM back to what they were."""
    what = "restore %s from backup %s" % ("its disks" if disk is None else "disk %d" % disk, image)

    def run():
        arguments = (item.ID, image, NEWEST if number is None else number, ALL if disk is None else disk)
        cloud.call("%s of VM %s" % (what, item.NAME), "vm.restore", *arguments, object=vm.KIND, id=item.ID)

    return Step(what, RESTORABLE, run, still=False)


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
    return [int(part) for part in str(text).split() if part.isdigit()]
