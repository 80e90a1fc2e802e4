# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The methods of ACL rules; the rules themselves are in ..acl."""

from __future__ import annotations

import re
from typing import Any

from ..acl import ALL, GROUP, INDIVIDUAL, MASTER_ZONE, RIGHTS, Rule, types
from ..calls import Call, Method
from ..store import Kind

ACL = Kind(name="ACL", title="ACL", method="acl", root="ACL", layout=(), owned=False, unique="")

HEXADECIMAL = re.compile(r"\s*(?:0[xX])?([0-9a-fA-F]+)")
HERE = INDIVIDUAL | MASTER_ZONE


def number(text: str) -> int:
    """The hexadecimal number that a text begins with, 0 if it begins with none."""
    found = HEXADECIMAL.match(text)
    return int(found.group(1), 16) if found else 0


def add_rule(call: Call, user: str, resource: str, rights: str, zone: str) -> int:
    call.require(call.need("MANAGE", "ACL"))
    return call.cloud.rules.add(Rule(number(user), number(resource), number(rights), number(zone) if zone else HERE))


def delete_rule(call: Call, oid: int) -> None:
    call.require(call.need("MANAGE", "ACL"))
    call.cloud.rules.delete(oid)


def info(call: Call) -> str:
    return call.cloud.rules.xml()


def bootstrap(cloud: Any) -> None:
    users = GROUP | 1
    created = types("VM", "IMAGE", "TEMPLATE", "DOCUMENT", "SECGROUP", "VMGROUP", "BACKUPJOB")
    for rule in (
        Rule(users, created | ALL, RIGHTS["CREATE"], ALL),
        Rule(ALL, types("ZONE") | ALL, RIGHTS["USE"], ALL),
        Rule(ALL, types("MARKETPLACE", "MARKETPLACEAPP") | ALL, RIGHTS["USE"], ALL),
    ):
        cloud.rules.add(rule)


KINDS = [ACL]
METHODS = [
    Method("one.acl.addrule", "user:string, resource:string, rights:string, zone:string=", add_rule),
    Method("one.acl.delrule", "oid:int", delete_rule),
    Method("one.acl.info", "", info, needs="MANAGE ACL", reads=True),
]
