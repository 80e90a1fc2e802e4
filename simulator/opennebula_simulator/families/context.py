# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The CONTEXT of a VM: variables out of the VM, its networks and its devices."""

from __future__ import annotations

import re
from typing import Any

from ..errors import internal
from ..store import Object
from ..template import Vector
from . import nics, variables

TRUE = ("YES", "Y", "TRUE", "1")
OF_NIC = (
    "DNS EXTERNAL GATEWAY IP IP6 IP6_GATEWAY IP6_METHOD IP6_METRIC IP6_PREFIX_LENGTH IP6_ULA MAC MASK METHOD METRIC MTU"
    " NETWORK ROUTES SEARCH_DOMAIN VLAN_ID VROUTER_IP VROUTER_IP6 VROUTER_MANAGEMENT".split()
)
FROM_NIC = {
    "IP": ["IP"],
    "MAC": ["MAC"],
    "IP6": ["IP6", "IP6_GLOBAL"],
    "IP6_ULA": ["IP6_ULA"],
    "VLAN_ID": ["VLAN_ID"],
    "MTU": ["MTU", "GUEST_MTU"],
    "VROUTER_IP": ["VROUTER_IP"],
    "VROUTER_IP6": ["VROUTER_IP6"],
    "VROUTER_MANAGEMENT": ["VROUTER_MANAGEMENT"],
    "EXTERNAL": ["EXTERNAL"],
}
FROM_NETWORK = {"GATEWAY", "DNS", "IP6_GATEWAY", "METHOD", "METRIC", "MTU", "ROUTES", "SEARCH_DOMAIN"}
FROM_NETWORK_AS = {"MASK": "NETWORK_MASK", "NETWORK": "NETWORK_ADDRESS", "MTU": "GUEST_MTU"}
NETWORKED = re.compile(rf"ETH\d+_(ALIAS\d+_)?({'|'.join(OF_NIC)})")


OF_ROUTER = ("VROUTER_ID", "VROUTER_KEEPALIVED_ID", "VROUTER_KEEPALIVED_PASSWORD")


def complete(cloud: Any, vm: Object, given: Vector) -> Vector:
    """A context with its variables replaced and, if it asks for that, those of the VM's interfaces. Raises Refused."""
    full = variables.filled(cloud, vm, {name: text for name, text in given.items() if name != "FILES_DS"})
    if wants_network(full):
        full.update(of_router(vm))
        for nic in nics.interfaces(vm):
            full.update(of_nic(cloud, nic))
    files = variables.sources(cloud, vm, given.get("FILES_DS", ""))
    return {**full, "FILES_DS": files} if files else full


def refuse_token(cloud: Any, given: Vector) -> None:
    """Raises Refused for a token of OneGate where oned.conf names none."""
    if given.get("TOKEN", "").upper() in TRUE and not cloud.config.text("ONEGATE_ENDPOINT"):
        raise internal("TOKEN set, but onegate endpoint was not defined in oned.conf.")


def of_router(vm: Object) -> Vector:
    """What the VM of a virtual router is told of it."""
    return {name: vm.template.text(name) for name in OF_ROUTER if vm.template.text(name)}


def wants_network(context: Vector) -> bool:
    return context.get("NETWORK", "").upper() in TRUE


def add_nic(cloud: Any, vm: Object, nic: Vector) -> None:
    context = vm.template.vector("CONTEXT")
    if context is not None and wants_network(context):
        context.update(of_nic(cloud, nic))


def drop_nic(vm: Object, nic: Vector) -> None:
    context = vm.template.vector("CONTEXT")
    for name in OF_NIC if context is not None else ():
        context.pop(f"{prefix(nic)}_{name}", None)


def add_devices(vm: Object) -> None:
    """The addresses of PCI devices in the guest, as the VM boots."""
    context = vm.template.vector("CONTEXT")
    for device in vm.template.vectors("PCI") if context is not None else ():
        if "VM_ADDRESS" in device:
            context[f"PCI{device['PCI_ID']}_ADDRESS"] = device["VM_ADDRESS"]


def drop_device(vm: Object, device: Vector) -> None:
    (vm.template.vector("CONTEXT") or {}).pop(f"PCI{device['PCI_ID']}_ADDRESS", None)


def prefix(nic: Vector) -> str:
    """ "ETH0", "ETH0_ALIAS1"."""
    return f"ETH{nic['PARENT_ID']}_ALIAS{nic['ALIAS_ID']}" if nics.is_alias(nic) else f"ETH{nic['NIC_ID']}"


def of_nic(cloud: Any, nic: Vector) -> Vector:
    """The variables of one interface; what the network does not say is empty."""
    network = cloud["NET"].get_ro(int(nic["NETWORK_ID"])) if nic.get("NETWORK_ID", "").isdigit() else None
    found = {}
    for name in OF_NIC:
        text = next((nic[key] for key in FROM_NIC.get(name, ()) if key in nic), "")
        source = FROM_NETWORK_AS.get(name, name if name in FROM_NETWORK else "")
        if not text and source and network is not None:
            text = network.template.text(source)
        if cloud.release.has("CONTEXT", name):
            found[f"{prefix(nic)}_{name}"] = text
    return found
