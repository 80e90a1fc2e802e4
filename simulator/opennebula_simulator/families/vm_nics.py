# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The methods on the network interfaces of a VM: attach, detach, update, and their security groups."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import ACTION, Refused, answered, internal, wrong_action
from ..store import Object
from ..template import Template, Vector
from . import context, lifecycle, nics, pci, references, secgroup, usage
from .operations import AS_RUNNING, OFF, refuse_router, start, transient

WORK = {AS_RUNNING: lifecycle.HOTPLUG_NIC, OFF: lifecycle.HOTPLUG_NIC_POWEROFF}
KINDS = ("NIC", "NIC_ALIAS", "PCI")
TRAFFIC = [f"{way}_{what}" for way in ("INBOUND", "OUTBOUND") for what in ("AVG_BW", "PEAK_BW", "PEAK_KB")]
# ---------------------------------------------------------------- attach


def attach(call: Call, oid: int, given: str) -> None:
    vm = call.find("VM", oid)
    refuse_router(vm)
    attach_to(call, vm, call.template(given))


def attach_to(call: Call, vm: Object, body: Template) -> None:
    """One more interface for a VM, that of a virtual router or another. Raises Refused."""
    passed = body.vector("PCI")
    if passed is not None and passed.get("TYPE") != "NIC":
        raise wrong_action("PCI device is not of type NIC")
    with answered(ACTION):
        pci.check(passed or {"DEVICE": "any"})
    kind = next((name for name in KINDS if body.vector(name) is not None), "")
    wanted = dict(body.vector(kind) or {})
    call.require(call.need("nic-attach", vm), *references.needs(call, body, vm.uid))
    generic.forbid_restricted(call, "VM", "NIC", body)
    with usage.attaching(call, vm, references.extended(call, body, vm.uid)):
        lcm = transient(vm, WORK, f"Could not add a new NIC to VM {vm.oid}")
        if not kind:
            raise wrong_action("Wrong format or missing NIC/NIC_ALIAS/PCI attribute")
        with answered(ACTION):
            nic = add(call, vm, kind, wanted)
    context.add_nic(call.cloud, vm, nic)
    lifecycle.copy_record(call, vm, "alias-attach" if kind == "NIC_ALIAS" else "nic-attach")
    words = "Error attaching new VM NIC"
    start(call, vm, lcm, "attach_nic", words, undone=lambda cloud, vm: drop(cloud, vm, nic["NIC_ID"]))


def add(call: Call, vm: Object, kind: str, wanted: Vector) -> Vector:
    """The new interface; one that is passed through takes a device of the host. Raises Refused."""
    if kind == "PCI":
        wanted.update(PCI_ID=str(pci.next_id(vm)))
        host = call.find("HOST", vm.history[-1]["hid"])
        if not pci.take(host, vm, wanted):
            raise internal(pci.NONE_FREE)
        pci.place_in_guest(call.cloud, wanted)
    try:
        return nics.attach(call, vm, kind, wanted)
    except Refused:
        if kind == "PCI":
            pci.give_back(host, vm, wanted["ADDRESS"])
        raise


# ---------------------------------------------------------------- detach


def detach(call: Call, oid: int, nic_id: int) -> None:
    vm = call.find("VM", oid)
    refuse_router(vm)
    detach_from(call, vm, nic_id)


def detach_from(call: Call, vm: Object, nic_id: int) -> None:
    call.require(call.need("nic-detach", vm))
    lcm = transient(vm, WORK, f"Could not detach NIC from VM {vm.oid}")
    nic = nics.of(vm, nic_id)
    if nic is None:
        raise wrong_action(f"Could not detach NIC with NIC_ID {nic_id}, it does not exist.")
    if nics.is_alias(nic):
        nics.forget_alias(vm, nic)
    lifecycle.copy_record(call, vm, "alias-detach" if nics.is_alias(nic) else "nic-detach")
    words = "Error detaching VM NIC"
    start(call, vm, lcm, "detach_nic", words, done=lambda cloud, vm: drop(cloud, vm, str(nic_id)))


def drop(cloud: Any, vm: Object, nic_id: str) -> None:
    """The interface, its aliases and what the context says of them are gone."""
    nic = nics.of(vm, int(nic_id))
    if nics.is_alias(nic):
        nics.forget_alias(vm, nic)
    with usage.recounted(cloud, vm):
        gone_ones = nics.detach(cloud, vm, nic)
    for gone in gone_ones:
        context.drop_nic(vm, gone)
        if "PCI_ID" in gone and "ADDRESS" in gone:
            pci.give_back(cloud["HOST"].get(vm.history[-1]["hid"]), vm, gone["ADDRESS"])


# ---------------------------------------------------------------- update


def update(call: Call, oid: int, nic_id: int, given: str, append: int) -> None:
    vm = call.find("VM", oid)
    refuse_router(vm)
    nic = nics.of(vm, nic_id)
    if nic is None:
        raise wrong_action(f"VM {oid}: NIC {nic_id} does not exists")
    if nics.is_alias(nic):
        raise wrong_action("Action not supported for NIC_ALIAS")
    body = call.template(given)
    call.require(call.need("nic-update", vm), *references.needs(call, body, vm.uid))
    generic.forbid_restricted(call, "VM", "NIC", body)
    running = (vm.state, vm.lcm_state) == AS_RUNNING
    what = f"Error updating NIC ({nic_id}) for VM {oid}"
    if vm.state == lifecycle.ACTIVE and not running:
        raise wrong_action(f"{what}: Wrong state {lifecycle.state_name(vm)}")
    wanted = body.vector("NIC")
    if wanted is None:
        raise wrong_action(f"{what}: Wrong NIC definition, attribute is missing")
    before = dict(nic)
    limit_traffic(nic, wanted, append != 0)
    if running and nic != before:
        lifecycle.copy_record(call, vm, "nic-update")
        words = "Error updating VM NIC"
        start(call, vm, lifecycle.HOTPLUG_NIC, "update_nic", words, undone=lambda cloud, vm: restore(vm, before))


def limit_traffic(nic: Vector, wanted: Vector, append: bool) -> None:
    """Only the limits of traffic can change; without append, those that are not given go."""
    for name in TRAFFIC:
        text = wanted.get(name, nic.get(name) if append else None)
        if text:
            nic[name] = text
        else:
            nic.pop(name, None)


def restore(vm: Object, before: Vector) -> None:
    limit_traffic(nics.of(vm, int(before["NIC_ID"])), before, append=False)


# ---------------------------------------------------------------- security groups


def attach_group(call: Call, oid: int, nic_id: int, group_id: int) -> None:
    vm = call.find("VM", oid)
    nic = nics.of(vm, nic_id)
    if nic is None:
        raise internal(f"VM {oid} doesn't have NIC id {nic_id}")
    wanted = {**nic, "SECURITY_GROUPS": nics.listed(nics.groups_of([nic]) | {group_id})}
    call.require(call.need("sg-attach", vm), *references.needs(call, Template([("NIC", wanted)]), vm.uid))
    group = call.pool("SECGROUP").get(group_id)
    if group is None:
        raise wrong_action(f"Could not attach SG {group_id} to VM, SG does not exist")
    live = secgroup.takes_rules(vm)
    if group_id in nics.groups_of([nic]):
        raise wrong_action(f"VM {oid} SG {group_id} already in NIC {nic_id}")
    nic["SECURITY_GROUPS"] = wanted["SECURITY_GROUPS"]
    nics.disown_groups(call.cloud, vm, {group_id})
    nics.adopt_groups(call.cloud, vm, {group_id})
    secgroup.push(call.cloud, vm, group, live)


def detach_group(call: Call, vm: Object, nic_id: int, group_id: int) -> None:
    live = secgroup.takes_rules(vm)
    nic = nics.of(vm, nic_id)
    if nic is None:
        raise wrong_action(f"VM {vm.oid} doesn't have NIC id {nic_id}")
    if group_id not in nics.groups_of([nic]):
        raise wrong_action(f"VM {vm.oid} NIC {nic_id} doesn't contain SG {group_id}")
    nic["SECURITY_GROUPS"] = nics.listed(nics.groups_of([nic]) - {group_id})
    nics.disown_groups(call.cloud, vm, {group_id})
    group = call.pool("SECGROUP").get(group_id)
    if group is not None and group_id in nics.groups_of(nics.interfaces(vm)):
        nics.adopt_groups(call.cloud, vm, {group_id})
        secgroup.push(call.cloud, vm, group, live)


NIC, GROUP = "oid:int, nic_id:int", "oid:int, nic_id:int, sg_id:int"
METHODS = [
    Method("one.vm.attachnic", "oid:int, template:string", attach),
    Method("one.vm.detachnic", NIC, detach),
    Method("one.vm.updatenic", f"{NIC}, template:string, append:int=0", update),
    Method("one.vm.attachsg", GROUP, attach_group),
    Method("one.vm.detachsg", GROUP, detach_group, needs="sg-detach VM"),
]
