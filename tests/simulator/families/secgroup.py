# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Security groups."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import internal
from ..store import OWNED, Kind, Object, ids, permissions, template
from ..template import Template, Vector

SETS = ("updated_vms", "outdated_vms", "updating_vms", "error_vms")
DEFAULT = 0
PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPV6", "IPSEC", "ALL")
DIRECTIONS = ("INBOUND", "OUTBOUND")
PORTS = re.compile(r"\d+(:\d+)?(,\d+(:\d+)?)*")
MAX_PORT = 65536

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


# ---------------------------------------------------------------- rules


def check_rules(body: Template) -> None:
    """Raises Refused INTERNAL at the first rule that is none; a rule that is only a text is not looked at."""
    for rule in body.vectors("RULE"):
        for check in (check_kind, check_range, check_icmp, check_addresses):
            check(rule)


def check_kind(rule: Vector) -> None:
    if rule.get("PROTOCOL", "").upper() not in PROTOCOLS:
        raise internal(f"Wrong PROTOCOL in rule. Valid options: {', '.join(PROTOCOLS)}.")
    if rule.get("RULE_TYPE", "").upper() not in DIRECTIONS:
        raise internal(f"Wrong RULE_TYPE in rule. Valid options: {', '.join(DIRECTIONS)}.")


def check_range(rule: Vector) -> None:
    ports = rule.get("RANGE", "").replace(" ", "")
    if not ports:
        return
    if not PORTS.fullmatch(ports):
        raise internal("Invalid RANGE specification.")
    for part in ports.split(","):
        first, dummy, last = part.partition(":")
        begin, end = int(first), int(last or first)
        if max(begin, end) > MAX_PORT:
            raise internal(f"RANGE out of bounds 0-{MAX_PORT}.")
        if begin > end:
            raise internal("RANGE BEGIN value is greater than RANGE END value")


def check_icmp(rule: Vector) -> None:
    for name, protocol in (("ICMP_TYPE", "ICMP"), ("ICMPV6_TYPE", "ICMPV6")):
        given = rule.get(name, "")
        if not given:
            continue
        if rule["PROTOCOL"].upper() != protocol:
            raise internal(f"{name} is supported only for {protocol} protocol.")
        if not given.isdigit():
            raise internal(f"Wrong {name}, it must be integer")


def check_addresses(rule: Vector) -> None:
    if rule.get("IP"):
        try:
            ipaddress.ip_address(rule["IP"])
        except ValueError:
            raise internal("Wrong format for IP value.") from None
        if not rule.get("SIZE", "").isdigit():
            raise internal("Wrong or empty SIZE.")
    if rule.get("NETWORK_ID") and not rule["NETWORK_ID"].isdigit():
        raise internal("Wrong NETWORK_ID.")


# ---------------------------------------------------------------- methods


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    return call.allocate(new(body.pop("NAME"), body), complete)


def complete(obj: Object) -> None:
    check_rules(obj.template)
    without_doubles(obj.template)


def without_doubles(body: Template) -> None:
    """The server keeps one of two equal rules."""
    rules = body.vectors("RULE")
    if rules:
        body.replace("RULE", [rule for i, rule in enumerate(rules) if rule not in rules[:i]])


def normalise(call: Call, obj: Object, body: Template) -> None:
    check_rules(body)
    without_doubles(body)


def outdate(call: Call, obj: Object) -> None:
    """The VMs have the old rules until they are committed."""
    commit(call, obj, recovery=False)


def copy(call: Call, original: Object, name: str) -> Object:
    return new(name, original.template.copy())


def commit(call: Call, obj: Object, recovery: bool) -> None:
    """Pushes the rules to the VMs, one transition later; a recovery leaves those that have them already."""
    waiting = obj.outdated_vms | obj.error_vms
    if not recovery:
        waiting |= obj.updated_vms | obj.updating_vms
        obj.updated_vms = set()
    obj.outdated_vms, obj.error_vms, obj.updating_vms = set(), set(), waiting
    call.cloud.events.after(1, committed, call.cloud, obj.oid)


def committed(cloud: Any, oid: int) -> None:
    obj = cloud["SECGROUP"].get(oid)
    if obj is not None:
        obj.updated_vms |= obj.updating_vms
        obj.updating_vms = set()


def used(call: Call, obj: Object) -> str | None:
    if obj.oid == DEFAULT:
        return "The default security group (ID 0) cannot be deleted."
    if any(getattr(obj, each) for each in SETS):
        return "The security group has VMs using it"
    return None


# ---------------------------------------------------------------- use by VMs


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
    Method("one.secgroup.allocate", "template:string", allocate, needs="CREATE SECGROUP"),
    generic.delete(SECGROUP, refuse=used),
    generic.info(SECGROUP),
    generic.update(SECGROUP, normalise=normalise, after=outdate),
    generic.chown(SECGROUP),
    generic.chmod(SECGROUP),
    generic.clone(SECGROUP, copy=copy),
    generic.rename(SECGROUP),
    Method("one.secgroup.commit", "oid:int, recovery:boolean", commit, needs="MANAGE SECGROUP"),
    generic.filtered_pool_info(SECGROUP),
]
