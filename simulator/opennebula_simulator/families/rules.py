# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which VMs have the rules of a security group."""

from __future__ import annotations

from typing import Any

from ..template import Vector

SETS = ("updated_vms", "outdated_vms", "updating_vms", "error_vms")


def rules_for(cloud: Any, groups: str) -> list[Vector]:
    """The SECURITY_GROUP_RULE of a VM whose NICs are in these groups ("0,100"); unknown groups have none."""
    found = []
    for oid in [int(part) for part in groups.split(",") if part.strip().isdigit()]:
        obj = cloud["SECGROUP"].get_ro(oid)
        if obj is not None:
            named = {"SECURITY_GROUP_ID": str(oid), "SECURITY_GROUP_NAME": obj.name}
            found += [{**rule, **named} for rule in obj.template.vectors("RULE")]
    return found


def add_vm(cloud: Any, groups: str, vm_id: int) -> None:
    for part in groups.split(","):
        obj = cloud["SECGROUP"].get(int(part)) if part.strip().isdigit() else None
        if obj is not None:
            obj.updated_vms.add(vm_id)


def drop_vm(cloud: Any, groups: str, vm_id: int) -> None:
    for part in groups.split(","):
        obj = cloud["SECGROUP"].get(int(part)) if part.strip().isdigit() else None
        for each in SETS if obj is not None else ():
            getattr(obj, each).discard(vm_id)
