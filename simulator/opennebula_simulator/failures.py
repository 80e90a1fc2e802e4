# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What can be made to fail: the actions that drivers are asked for, by the family of their object."""

from __future__ import annotations

from fnmatch import fnmatchcase

# Family -> actions of a driver -> what a failure does to the object.
FAILURES: dict[str, dict[str, str]] = {
    "vm": {
        "prolog": "PROLOG_FAILURE, or the failure of the migration or resumption that it begins",
        "deploy": "BOOT_FAILURE; after POWEROFF or UNKNOWN, back there",
        "restore": "BOOT_STOPPED_FAILURE, BOOT_MIGRATE_FAILURE; SUSPENDED, or POWEROFF after a backup, stays",
        "save": "RUNNING as before",
        "migrate": "RUNNING on the old host",
        "shutdown": "RUNNING as before",
        "cancel": "RUNNING as before",
        "epilog": "EPILOG_FAILURE, EPILOG_STOP_FAILURE or EPILOG_UNDEPLOY_FAILURE",
        "cleanup": "nothing: the VM goes all the same",
        "resize": "RUNNING with the old size",
        "update_conf": "RUNNING with the old configuration",
        "exec": "the command in ERROR",
        "attach_disk": "the VM without the disk",
        "detach_disk": "the VM with the disk",
        "resize_disk": "the disk with the old size",
        "cpds": "the new image in ERROR",
        "snap_create": "the disk without the snapshot",
        "snap_delete": "the disk with the snapshot",
        "snap_revert": "the disk as before",
        "attach_nic": "the VM without the interface",
        "detach_nic": "the VM with the interface",
        "update_nic": "the interface as before",
        "update_sg": "the VM among the ERROR_VMS of the security group",
        "snapshot_create": "the VM without the snapshot",
        "snapshot_delete": "the VM with the snapshot",
        "snapshot_revert": "the VM as before",
        "backup": "no backup image",
    },
    "host": {"monitor": "ERROR"},
    "image": {
        "cp": "ERROR (an image from a file)",
        "mkfs": "ERROR (an empty image)",
        "clone": "ERROR (the copy of an image)",
        "rm": "ERROR instead of gone",
        "snap_delete": "the image with the snapshot",
        "snap_revert": "the image as before",
        "snap_flatten": "the image as before",
    },
    "vn": {"create": "ERROR", "delete": "ERROR instead of gone"},
    "market": {"monitor": "no sizes"},
    "marketapp": {"import": "ERROR"},
    "hook": {"execute": "an execution with exit code 1 in the log"},
}


def known(action: str, target: str) -> bool:
    """Whether a driver is ever asked for this action on this target; both may be patterns."""
    family = target.partition("-")[0]
    return any(
        fnmatchcase(name, family) and any(fnmatchcase(each, action) for each in actions)
        for name, actions in FAILURES.items()
    )


def problem(rule: str) -> str:
    """Why ACTION:TARGET is no rule that ever applies; empty when it is one."""
    action, colon, target = rule.partition(":")
    if not (action and colon and target):
        return f"{rule!r}: write ACTION:TARGET, for instance deploy:vm-3 or monitor:host-*"
    return "" if known(action, target) else f"{rule!r}: no driver is asked for that; --help lists the actions"


def listing() -> str:
    """The table, for --help."""
    lines = ["actions that --fail can make fail, on targets such as vm-3, image-* or host-0, and what follows:"]
    for family, actions in FAILURES.items():
        lines += ["", f"  {family}"]
        lines += [f"    {action:16} {follows}" for action, follows in actions.items()]
    return "\n".join(lines)
