# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which right an operation on a VM asks for: oned.conf says, and users and groups may have a rule of their own."""

from __future__ import annotations

from collections.abc import Iterable

from .template import Template

SETTINGS = {f"VM_{level}_OPERATIONS": level for level in ("ADMIN", "MANAGE", "USE")}
DEFAULT = "MANAGE"
# What a setting names -> the operations that it stands for; every other name stands for itself.
FAMILIES = {
    "migrate": "migrate live-migrate poweroff-migrate poweroff-hard-migrate",
    "delete": "delete delete-recreate",
    "undeploy": "undeploy undeploy-hard",
    "reboot": "reboot reboot-hard",
    "resched": "resched unresched",
    "poweroff": "poweroff poweroff-hard",
    "terminate": "terminate terminate-hard",
    "disk-attach": "disk-attach disk-detach",
    "nic-attach": "nic-attach nic-detach",
    "disk-snapshot": "disk-snapshot-create disk-snapshot-delete disk-snapshot-revert disk-snapshot-rename",
    "snapshot": "snapshot-create snapshot-delete snapshot-revert",
    "sched-action": "sched-add sched-update sched-delete",
    "backup": "backup backup-cancel",
    "sg-attach": "sg-attach sg-detach",
    "pci-attach": "pci-attach pci-detach",
    "exec": "exec exec-retry exec-cancel",
    "vmgroup": "vmgroup-add vmgroup-del",
}


def named(setting: str) -> set[str]:
    """The operations in a setting such as "undeploy, disk-attach"."""
    names = [name.strip().lower() for name in setting.split(",")]
    return {operation for name in names if name for operation in FAMILIES.get(name, name).split()}


def level(operation: str, places: Iterable[Template]) -> str:
    """ "ADMIN", "MANAGE" or "USE": what the first of these templates says that speaks of the operation."""
    for place in places:
        for setting, found in SETTINGS.items():
            if operation in named(place.text(setting)):
                return found
    return DEFAULT
