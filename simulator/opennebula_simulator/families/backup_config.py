# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How a VM is backed up: its BACKUP_CONFIG, made of what a template says and of the server's own state."""

from __future__ import annotations

from ..store import Object
from ..template import Vector

WORDS = {  # attribute -> what it may be; the first is the default
    "FS_FREEZE": ("NONE", "AGENT", "SUSPEND"),
    "MODE": ("FULL", "INCREMENT"),
    "INCREMENT_MODE": ("CBT", "SNAPSHOT"),
}
FLAGS = ("BACKUP_VOLATILE", "INTERACTIVE")
TRUE = ("YES", "Y", "TRUE", "1")
STATE = {"LAST_INCREMENT_ID": "-1", "INCREMENTAL_BACKUP_ID": "-1"}


def configure(vm: Object, given: Vector, append: bool) -> None:
    """What a template says of a VM's backups; disks that cannot tell what changed are saved in full."""
    if not given:
        return
    vm.backup_config = changed(vm.backup_config, given, append)
    if not can_increment(vm):
        vm.backup_config.update(MODE="FULL", **STATE)
        vm.backup_config.pop("INCREMENT_MODE", None)


def can_increment(vm: Object) -> bool:
    volatile = vm.backup_config.get("BACKUP_VOLATILE") == "YES"
    disks = [disk for disk in vm.template.vectors("DISK") if disk.get("TYPE", "").upper() not in ("SWAP", "CDROM")]
    disks = [disk for disk in disks if volatile or disk.get("TYPE", "").upper() != "FS"]
    return all(disk.get("FORMAT") == "qcow2" or disk.get("DISK_TYPE") == "RBD" for disk in disks)


def changed(config: Vector, given: Vector, append: bool) -> Vector:
    """The new configuration; what is not understood, or silent when appended, changes nothing."""
    found = {**({} if append else defaults()), **stated(given)}
    kept = config if append else {name: text for name, text in config.items() if name not in known()}
    return {**STATE, **kept, **found}


def known() -> set[str]:
    return {*WORDS, *FLAGS, "KEEP_LAST", "DISK_IDS"}


def defaults() -> Vector:
    return {**{name: words[0] for name, words in WORDS.items()}, **dict.fromkeys(FLAGS, "NO")}


def stated(given: Vector) -> Vector:
    """What a template says in words that the server knows."""
    found = {name: given.get(name, "").upper() for name, words in WORDS.items()}
    found = {name: text for name, text in found.items() if text in WORDS[name]}
    found.update({name: "YES" if given[name].upper() in TRUE else "NO" for name in FLAGS if given.get(name)})
    if given.get("KEEP_LAST", "").isdigit():
        found["KEEP_LAST"] = given["KEEP_LAST"]
    if given.get("DISK_IDS"):
        found["DISK_IDS"] = given["DISK_IDS"]
    return found
