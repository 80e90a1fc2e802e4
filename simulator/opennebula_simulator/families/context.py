# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The CONTEXT of a VM: variables out of the VM, its networks and its devices."""

from __future__ import annotations

import base64
import re
from typing import Any

from ..errors import internal
from ..store import Object
from ..template import Vector
from . import nics

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
VARIABLE = re.compile(r"\$(\w+)(?:\[([^\]]*)\])?")
NETWORKED = re.compile(rf"ETH\d+_(ALIAS\d+_)?({'|'.join(OF_NIC)})")


OF_ROUTER = ("VROUTER_ID", "VROUTER_KEEPALIVED_ID", "VROUTER_KEEPALIVED_PASSWORD")


def complete(cloud: Any, vm: Object, given: Vector) -> Vector:
    """A context with its variables replaced and, if it asks for that, those of the VM's interfaces."""
    full = {name: substituted(cloud, vm, text) for name, text in given.items()}
    if wants_network(full):
        full.update(of_router(vm))
        for nic in nics.interfaces(vm):
            full.update(of_nic(cloud, nic))
    return full


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


def substituted(cloud: Any, vm: Object, text: str) -> str:
    """ "$NAME", "$VMID", "$CPU" … by the VM's own, "$NETWORK[BRIDGE, NETWORK_ID="0"]" by attributes of its networks."""
    own = {"NAME": vm.name, "UID": str(vm.uid), "UNAME": vm.uname, "GID": str(vm.gid), "GNAME": vm.gname}

    def value(found: re.Match) -> str:
        name, selector = found.groups()
        if selector is not None:
            return SELECTED.get(name, lambda *dummy: "")(cloud, vm, selector)
        return own.get(name) or vm.template.text(name) or vm.user_template.text(name)

    return VARIABLE.sub(value, text)


def of_network(cloud: Any, vm: Object, selector: str) -> str:
    wanted, dummy, condition = selector.partition(",")
    key, dummy, number = condition.replace('"', "").replace("\\", "").partition("=")
    for nic in vm.template.vectors("NIC"):
        if nic.get(key.strip()) == number.strip():
            network = cloud["NET"].get_ro(int(nic["NETWORK_ID"]))
            return nic.get(wanted.strip()) or network.template.text(wanted.strip())
    return ""


def of_user(cloud: Any, vm: Object, name: str) -> str:
    """An attribute of the owner's template, or all of him."""
    user = cloud["USER"].get_ro(vm.uid)
    if name.strip().upper() == "TEMPLATE":
        return base64.b64encode(user.xml().encode()).decode()
    return user.template.text(name.strip().upper())


SELECTED = {"NETWORK": of_network, "USER": of_user}
