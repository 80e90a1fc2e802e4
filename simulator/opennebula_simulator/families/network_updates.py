# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How the VMs of a network get what changes in it: the interfaces at once, the hosts of running VMs one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..addresses import Range
from ..attributes import listed
from ..store import Object
from ..template import Template, Vector
from . import lifecycle, nics
from .leases import READY, UPDATE_FAILURE

# The template of a network names here what changes, and the values before; that of a VM what its host is told.
NOTE = "VNET_UPDATE"
SPREADS = (
    "PHYDEV MTU VLAN_ID QINQ_TYPE CVLANS VLAN_TAGGED_ID OUTER_VLAN_ID INBOUND_AVG_BW INBOUND_PEAK_BW INBOUND_PEAK_KB"
    " OUTBOUND_AVG_BW OUTBOUND_PEAK_BW OUTBOUND_PEAK_KB SPOOFCHK TRUST".split()
)
# In these states of an active VM its interfaces cannot change.
FIXED = frozenset(
    "BOOT BOOT_MIGRATE BOOT_SUSPENDED BOOT_STOPPED BOOT_UNDEPLOY BOOT_POWEROFF BOOT_UNKNOWN BOOT_FAILURE"
    " BOOT_MIGRATE_FAILURE BOOT_UNDEPLOY_FAILURE BOOT_STOPPED_FAILURE MIGRATE HOTPLUG_NIC HOTPLUG_NIC_POWEROFF HOTPLUG"
    " HOTPLUG_SNAPSHOT HOTPLUG_SAVEAS HOTPLUG_RESIZE DISK_SNAPSHOT DISK_SNAPSHOT_DELETE DISK_RESIZE UNKNOWN".split()
)


# ---------------------------------------------------------------- what changes


def differences(old: Template, new: Template) -> Vector:
    """{name: value before} of what spreads, empty where there was none."""
    before, after = ({name: body.text(name) for name in SPREADS if name in body} for body in (old, new))
    return changed(before, after)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> Vector:
    return {name: before.get(name, "") for name in {**before, **after} if before.get(name) != after.get(name)}


def note(body: Template, changes: Vector) -> None:
    body.erase(NOTE)
    if changes:
        body.add(NOTE, changes)


def template_changed(cloud: Any, network: Object) -> None:
    """The template was updated, and has a note of what spreads."""
    if NOTE in network.template:
        network.state = READY if network.state == UPDATE_FAILURE else network.state
        commit(cloud, network, recovery=False)


def range_changed(cloud: Any, network: Object, target: Range, before: Vector) -> None:
    """An address range was updated: what interfaces inherit of it spreads to its VMs."""
    names = {name for dummy, name in listed(cloud.config, "INHERIT_VNET_ATTR")}
    inherited = [{name: text for name, text in body.items() if name in names} for body in (before, target.body)]
    changes = changed(*inherited)
    if changes:
        note(network.template, changes)
        network.state = READY if network.state == UPDATE_FAILURE else network.state
        outdate(network, {oid for what, oid in target.leases.values() if what == "VM" and oid >= 0})
        spread(cloud, network)


# ---------------------------------------------------------------- which VMs have it


def commit(cloud: Any, network: Object, recovery: bool) -> None:
    """All VMs get what changed; in a recovery those that have it are left alone."""
    outdate(network, network.updating_vms | network.error_vms | (set() if recovery else network.updated_vms))
    spread(cloud, network)


def outdate(network: Object, vm_ids: Iterable[int]) -> None:
    chosen = set(vm_ids)
    network.outdated_vms |= chosen
    for each in ("updated_vms", "updating_vms", "error_vms"):
        setattr(network, each, getattr(network, each) - chosen)


def spread(cloud: Any, network: Object) -> None:
    """Renews the interfaces of VMs, until one is met whose host must be told: hosts are told one after the other."""
    network.changed()
    while network.outdated_vms:
        oid = min(network.outdated_vms)
        network.outdated_vms.discard(oid)
        vm = cloud["VM"].get(oid)
        if vm.state == lifecycle.ACTIVE and lifecycle.LCM_NAMES[vm.lcm_state] in FIXED:
            network.error_vms.add(oid)
            continue
        stale = renew(network, vm) or NOTE in vm.template
        if stale and (vm.state, vm.lcm_state) == (lifecycle.ACTIVE, lifecycle.RUNNING):
            network.updating_vms.add(oid)
            tell_host(cloud, network, vm)
            return
        network.updated_vms.add(oid)
    network.template.erase(NOTE)


def renew(network: Object, vm: Object) -> bool:
    """Its interfaces in the network take over what changed, but for what they were given a value of their own.

    Whether they took over anything.
    """
    changes = network.template.vector(NOTE) or {}
    concerned = [nic for nic in nics.interfaces(vm) if nic.get("NETWORK_ID") == str(network.oid)]
    stale = [(nic, name) for nic in concerned for name, old in changes.items() if nic.get(name, old) == old]
    for nic, name in stale:
        source = network.ranges.get(int(nic.get("AR_ID", "-1")))
        if source is not None and name in source.body:
            nic[name] = source.body[name]
        elif name in network.template:
            nic[name] = network.template.text(name)
        else:
            nic.pop(name, None)
    return bool(stale)


def tell_host(cloud: Any, network: Object, vm: Object) -> None:
    note(vm.template, dict(network.template.vector(NOTE) or vm.template.vector(NOTE) or {}))
    lifecycle.copy_record(lifecycle.Owner(cloud, vm.uid, vm.gid), vm, "nic-update")
    done, undone = (partial(told, network_id=network.oid, good=good) for good in (True, False))
    task = lifecycle.Task("update_nic", "Error updating VM NIC", done, undone)
    lifecycle.work(cloud, vm, lifecycle.HOTPLUG_NIC, task)


def told(cloud: Any, vm: Object, network_id: int, good: bool) -> None:
    """The driver has changed the interfaces at the host, or failed to; the next VM waits."""
    if good:
        vm.template.erase(NOTE)
    network = cloud["NET"].get(network_id)
    if network is None:
        return
    if vm.oid in network.updating_vms:
        network.updating_vms.discard(vm.oid)
        (network.updated_vms if good else network.error_vms).add(vm.oid)
        network.state = network.state if good else UPDATE_FAILURE
    spread(cloud, network)
