# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Security groups."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..store import OWNED, Kind, Object, ids, permissions, template
from ..template import Template

SETS = ("updated_vms", "outdated_vms", "updating_vms", "error_vms")

SECGROUP = Kind(
    name="SECGROUP",
    title="security group",
    method="secgroup",
    root="SECURITY_GROUP",
    layout=(*OWNED, permissions, *(ids(name.upper(), name) for name in SETS), template()),
    taken="SecurityGroup",
    first_id=100,
)


def new(name: str, body: Template, **fields: Any) -> Object:
    return Object(SECGROUP, name, body, **{**{each: set() for each in SETS}, **fields})


def bootstrap(cloud: Any) -> None:
    note = (
        "The default security group is added to every network. Use it to add default filter rules for your networks."
        " You may remove this security group from any network by updating its properties."
    )
    rules = [("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": direction}) for direction in ("OUTBOUND", "INBOUND")]
    obj = cloud["SECGROUP"].bootstrap(new("default", Template([("DESCRIPTION", note), *rules]), bits=0o744))
    cloud["SECGROUP"].give(obj, cloud["USER"].get_ro(0), cloud["GROUP"].get_ro(0))


KINDS = [SECGROUP]
METHODS = [
    generic.info(SECGROUP),
    generic.chown(SECGROUP),
    generic.chmod(SECGROUP),
    generic.rename(SECGROUP),
    generic.filtered_pool_info(SECGROUP),
]
