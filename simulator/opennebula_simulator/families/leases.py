# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What VMs and virtual routers get from networks: leases, and all that their interfaces copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..addresses import Range
from ..attributes import listed
from ..errors import internal
from ..store import Object
from ..template import Vector
from . import rules

# The states of a network.
INIT, READY, LOCK_CREATE, LOCK_DELETE, DONE, ERROR, UPDATE_FAILURE = range(7)
MANY = 2  # addresses asked for at once get no lease


def number_or_text(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdigit() else (-1, part)


def candidates(network: Object, vector: Mapping[str, str]) -> list[Range]:
    """The ranges that a lease may come from."""
    oid = vector.get("AR_ID")
    return [each for each in network.ranges.values() if oid is None or str(each.ar_id) == oid]


def allocate_lease(cloud: Any, network: Object, user: Object, nic: Mapping[str, str]) -> Vector:
    """A lease for a VM or virtual router: the NIC with all that the server copies from range and network.

    The NIC may ask for MAC, IP or IP6. NIC_ID, NAME and TARGET are the user's to add. Raises Refused INTERNAL.
    """
    return nic_vector(cloud, network, *take_lease(network, user, nic), nic)


def take_lease(network: Object, user: Object, nic: Mapping[str, str]) -> tuple[Range, int]:
    """The range that gives a lease, and the place in it. Raises Refused INTERNAL."""
    wanted = {name: nic[name] for name in ("IP", "IP6", "MAC") if nic.get(name)}
    for each in candidates(network, {}) if len(wanted) < MANY else ():
        place = each.take((user.kind.name, user.oid), wanted)
        if place is not None:
            network.changed()
            return each, place
    raise internal(f"Cannot get IP/MAC lease from virtual network {network.oid}.")


FLOATING = ("IP", "IP6", "MAC", "IP6_LINK", "IP6_ULA", "IP6_GLOBAL")  # VROUTER_… in the NIC of a virtual router


def router_nic(network: Object, router: Object, nic: Mapping[str, str]) -> Vector:
    """The NIC of a virtual router, which has a lease only for a floating address. Raises Refused INTERNAL."""
    found = {**nic, "NETWORK": network.name, "NETWORK_ID": str(network.oid)}
    if nic.get("FLOATING_IP", "").upper() != "YES":
        return found
    source, place = take_lease(network, router, nic)
    network.vrouters.add(router.oid)
    found.update(source.at(place), AR_ID=str(source.ar_id))
    return {f"VROUTER_{name}" if name in FLOATING else name: text for name, text in found.items()}


def free_router_nic(network: Object, router: Object, nic: Mapping[str, str]) -> None:
    source = network.ranges.get(int(nic.get("AR_ID", "-1")))
    place = source and source.index({"MAC": nic.get("VROUTER_MAC", "")})
    if source and source.leases.get(place) == (router.kind.name, router.oid):
        del source.leases[place]
    if not any((router.kind.name, router.oid) in each.leases.values() for each in network.ranges.values()):
        network.vrouters.discard(router.oid)
    network.changed()


def nic_vector(cloud: Any, network: Object, source: Range, place: int, given: Mapping[str, str]) -> Vector:
    inherited = {}
    for dummy, name in listed(cloud.config, "INHERIT_VNET_ATTR"):
        value = source.body.get(name) or network.template.text(name)
        if value:
            inherited[name] = value
    own = {
        "PHYDEV": network.phydev,
        "VLAN_ID": source.body.get("VLAN_ID") or network.vlan_id,
        "OUTER_VLAN_ID": network.outer_vlan_id,
        "PARENT_NETWORK_ID": "" if network.parent == -1 else str(network.parent),
    }
    groups = [part for part in given.get("SECURITY_GROUPS", "").split(",") if part]
    for text in (network.template.text("SECURITY_GROUPS"), source.body.get("SECURITY_GROUPS", "")):
        groups += [part for part in text.split(",") if part]
    return {
        **inherited,
        **given,
        **{name: value for name, value in own.items() if value},
        **source.at(place),
        "AR_ID": str(source.ar_id),
        "BRIDGE": network.bridge,
        "BRIDGE_TYPE": network.bridge_type,
        "CLUSTER_ID": ",".join(map(str, sorted(network.cluster_ids))),
        "NETWORK": network.name,
        "NETWORK_ID": str(network.oid),
        "SECURITY_GROUPS": ",".join(sorted(set(groups), key=number_or_text)),
        "VN_MAD": network.vn_mad,
    }


def free_lease(cloud: Any, network: Object, user: Object, nic: Mapping[str, str]) -> None:
    """Gives the lease of a NIC back."""
    source = network.ranges.get(int(nic.get("AR_ID", "-1")))
    place = source and source.index({"MAC": nic.get("MAC", "")})
    if source and source.leases.get(place) == (user.kind.name, user.oid):
        del source.leases[place]
        network.changed()


def forget(network: Object, vm_id: int) -> None:
    """The network is no longer concerned with a VM."""
    failed = vm_id in network.error_vms
    for each in rules.SETS:
        getattr(network, each).discard(vm_id)
    if failed and not network.error_vms and network.state == UPDATE_FAILURE:
        network.state = READY
