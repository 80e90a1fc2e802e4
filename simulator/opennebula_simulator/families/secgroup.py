# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Security groups."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import Refused, internal, wrong_action
from ..store import OWNED, Kind, Object, ids, permissions, template
from ..template import Template, Vector
from . import lifecycle, nics
from .rules import SETS

DEFAULT = 0
PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPV6", "IPSEC", "ALL")
WITH_PORTS = ("TCP", "UDP")
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
    if rule["PROTOCOL"].upper() not in WITH_PORTS:
        raise internal("RANGE is supported only for TCP and UDP protocols.")
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


def copy(call: Call, original: Object, name: str) -> Object:
    return new(name, original.template.copy())


def used(call: Call, obj: Object) -> str | None:
    if obj.oid == DEFAULT:
        return "The default security group (ID 0) cannot be deleted."
    if any(getattr(obj, each) for each in SETS):
        return "The security group has VMs using it"
    return None


# ---------------------------------------------------------------- the rules of VMs

# LCM states in which the driver is about to set rules itself, and those in which it can be told to.
NO_RULES = (
    "BOOT BOOT_MIGRATE BOOT_SUSPENDED BOOT_STOPPED BOOT_UNDEPLOY BOOT_POWEROFF BOOT_UNKNOWN BOOT_FAILURE"
    " BOOT_MIGRATE_FAILURE BOOT_UNDEPLOY_FAILURE BOOT_STOPPED_FAILURE MIGRATE HOTPLUG_NIC HOTPLUG_NIC_POWEROFF"
    " UNKNOWN".split()
)
LIVE_RULES = (
    "RUNNING HOTPLUG HOTPLUG_SNAPSHOT HOTPLUG_SAVEAS HOTPLUG_RESIZE DISK_SNAPSHOT DISK_SNAPSHOT_DELETE"
    " DISK_RESIZE".split()
)


def takes_rules(vm: Object) -> bool:
    """Whether the host must be told of new rules. Raises Refused while they cannot change."""
    name = lifecycle.LCM_NAMES[vm.lcm_state]
    if name in NO_RULES:
        raise wrong_action(f"VM {vm.oid} is in wrong state {lifecycle.state_name(vm)}")
    return vm.state == lifecycle.ACTIVE and name in LIVE_RULES


def push(cloud: Any, vm: Object, group: Object, live: bool) -> None:
    """The driver sets the rules of a group on a running VM, one transition later."""
    if live:
        group.updated_vms.discard(vm.oid)
        group.updating_vms.add(vm.oid)
        cloud.events.after(1, pushed, cloud, vm.oid, group.oid)


def pushed(cloud: Any, oid: int, group_id: int) -> None:
    """Event: the driver has set the rules, or failed to; the next VM waits."""
    group, vm = cloud["SECGROUP"].get(group_id), cloud["VM"].get_ro(oid)
    if group is None or oid not in group.updating_vms:
        return
    group.updating_vms.discard(oid)
    (group.error_vms if cloud.events.fails("update_sg", vm.key) else group.updated_vms).add(oid)
    spread(cloud, group)


def outdate(call: Call, obj: Object) -> None:
    """The VMs have old rules now."""
    commit(call, obj, recovery=False)


def commit(call: Call, obj: Object, recovery: bool) -> None:
    """The VMs get the rules of the group; in a recovery those that have them are left alone."""
    if not recovery:
        obj.outdated_vms, obj.updated_vms = obj.outdated_vms | obj.updated_vms, set()
    obj.outdated_vms |= obj.updating_vms | obj.error_vms
    obj.updating_vms, obj.error_vms = set(), set()
    spread(call.cloud, obj)


def spread(cloud: Any, group: Object) -> None:
    """Renews the rules of VMs, until one is met whose host must be told: hosts are told one after the other."""
    while group.outdated_vms and not group.updating_vms:
        oid = min(group.outdated_vms)
        group.outdated_vms.discard(oid)
        vm = cloud["VM"].get(oid)
        try:
            live = takes_rules(vm)
        except Refused:
            group.error_vms.add(oid)
            continue
        nics.drop_rules(vm, {group.oid})
        nics.adopt_groups(cloud, vm, {group.oid})
        push(cloud, vm, group, live)


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
