# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The network interfaces of a VM: NIC, NIC_ALIAS and PCI devices of TYPE NIC; their leases and security groups."""

from __future__ import annotations

from typing import Any

from ..calls import Call
from ..errors import internal
from ..permissions import Need
from ..store import Object
from ..template import Vector
from . import leases, rules
from .disks import NOBODY, owner


def interfaces(vm: Object) -> list[Vector]:
    """All that has a lease of its own, parents before aliases."""
    plain = [nic for nic in vm.template.vectors("NIC") if "NIC_ID" in nic]
    passed = [pci for pci in vm.template.vectors("PCI") if pci.get("TYPE") == "NIC" and "NIC_ID" in pci]
    return [*plain, *passed, *vm.template.vectors("NIC_ALIAS")]


def of(vm: Object, nic_id: int) -> Vector | None:
    return next((nic for nic in interfaces(vm) if nic.get("NIC_ID") == str(nic_id)), None)


def kind_of(vm: Object, nic: Vector) -> str:
    """The attribute that the interface is: NIC, NIC_ALIAS or PCI."""
    return next(name for name in ("NIC", "NIC_ALIAS", "PCI") if any(nic is each for each in vm.template.vectors(name)))


def is_alias(nic: Vector) -> bool:
    return "ALIAS_ID" in nic


def aliases(nic: Vector) -> list[str]:
    return [part for part in nic.get("ALIAS_IDS", "").split(",") if part]


# ---------------------------------------------------------------- creation


def add(call: Call, vm: Object) -> None:
    """Completes the interfaces of a new VM, and takes leases for them. Raises Refused."""
    given, passed = vm.template.vectors("NIC"), vm.template.vectors("PCI")
    vm.template.erase("NIC")
    number = 0
    for nic in given:
        vm.template.add("NIC", lease(call, vm, number, dict(nic)))
        number += 1
    for pci in passed:
        if pci.get("TYPE") == "NIC":
            pci.update(lease(call, vm, number, pci))
            number += 1
    add_aliases(call, vm, number)
    adopt_groups(call.cloud, vm, groups_of(interfaces(vm)))
    for nic in filter(lambda each: "NETWORK_ID" in each, interfaces(vm)):
        call.pool("NET").get(int(nic["NETWORK_ID"])).updated_vms.add(vm.oid)


def add_aliases(call: Call, vm: Object, number: int) -> None:
    given = vm.template.vectors("NIC_ALIAS")
    vm.template.erase("NIC_ALIAS")
    for alias in given:
        if alias.get("NETWORK_MODE", "").upper() == "AUTO":
            raise internal("Alias is incompatible with auto mode")
        parent = named(vm, alias.get("PARENT", ""))
        if parent is None:
            raise internal(f"NIC named {alias.get('PARENT', '')} not found for alias")
        own = {"PARENT_ID": parent["NIC_ID"], "ALIAS_ID": str(len(aliases(parent)))}
        vm.template.add("NIC_ALIAS", lease(call, vm, number, {**alias, **own}))
        parent["ALIAS_IDS"] = ",".join([*aliases(parent), str(number)])
        number += 1


def named(vm: Object, name: str) -> Vector | None:
    """The interface of this name, that aliases may belong to."""
    return next((nic for nic in interfaces(vm) if nic.get("NAME") == name and not is_alias(nic)), None)


def lease(call: Call, vm: Object, number: int, nic: Vector) -> Vector:
    """The interface as the server stores it, with a lease of the network that it names. Raises Refused."""
    default = f"NIC{nic['PARENT_ID']}_ALIAS{number}" if is_alias(nic) else f"NIC{number}"
    defaults = {} if is_alias(nic) else vm.template.vector("NIC_DEFAULT") or {}
    nic = {**defaults, **nic, "NAME": nic.get("NAME") or default, "NIC_ID": str(number)}
    if not any(nic.get(name) for name in ("NETWORK_ID", "NETWORK")):  # the scheduler's to choose, or none
        return nic
    network = find_network(call, nic, vm.uid)
    nic.update(leases.allocate_lease(call.cloud, network, vm, nic))
    return dict(nic, TARGET=f"one-{vm.oid}-{number}")


def find_network(call: Call, nic: Vector, uid: int) -> Object:
    """The network by ID, or by name and owner. Raises Refused."""
    if "NETWORK_ID" in nic:
        found = call.pool("NET").get(int(nic["NETWORK_ID"])) if nic["NETWORK_ID"].isdigit() else None
        if found is None:
            raise internal(f"Virtual network with ID: {nic['NETWORK_ID']} does not exist")
        return found
    wanted = owner(call, nic, "NETWORK", uid)
    found = call.pool("NET").named(nic["NETWORK"], wanted)
    if found is None:
        raise internal(
            f"User {uid if wanted == NOBODY else wanted} does not own a network with name: {nic['NETWORK']} ."
            " Set NETWORK_UNAME or NETWORK_UID of owner in NIC."
        )
    return call.pool("NET").get(found.oid)


def needs(call: Call, network: Object, nic: Vector) -> list[Need]:
    """The rights to use a network, and the security groups that are not the network's own."""
    own = groups_of([{"SECURITY_GROUPS": network.template.text("SECURITY_GROUPS")}])
    groups = [call.pool("SECGROUP").get_ro(number) for number in sorted(groups_of([nic]) - own)]
    return [call.need("USE", network), *(call.need("USE", group) for group in groups if group is not None)]


# ---------------------------------------------------------------- more interfaces


def attach(call: Call, vm: Object, kind: str, given: Vector) -> Vector:
    """One more interface, with a lease. Raises Refused."""
    number = 1 + max((int(nic["NIC_ID"]) for nic in interfaces(vm)), default=-1)
    nic, parent = dict(given), None
    if kind == "NIC_ALIAS":
        parent = next((each for each in interfaces(vm) if each["NAME"] == given.get("PARENT", "")), None)
        if parent is None:
            raise internal("Alias not found.")
        used = [int(each["ALIAS_ID"]) for each in vm.template.vectors("NIC_ALIAS")]
        place = max(used, default=-1) + 1 if aliases(parent) else 0
        nic.update(PARENT_ID=parent["NIC_ID"], ALIAS_ID=str(place))
    nic = lease(call, vm, number, nic)
    check_cluster(call.cloud, vm, nic)
    if parent is not None:
        parent["ALIAS_IDS"] = ",".join([*aliases(parent), str(number)])
    else:
        adopt_groups(call.cloud, vm, groups_of([nic]) - groups_of(interfaces(vm)))
    vm.template.add(kind, nic)
    return nic


def check_cluster(cloud: Any, vm: Object, nic: Vector) -> None:
    cluster = vm.history[-1]["cid"]
    if "CLUSTER_ID" in nic and str(cluster) not in nic["CLUSTER_ID"].split(","):
        free(cloud, vm, nic)
        raise internal(f"Virtual network is not part of cluster [{cluster}]")


def detach(cloud: Any, vm: Object, nic: Vector) -> list[Vector]:
    """The interface and its aliases are no longer the VM's; all that went."""
    gone = [nic, *(alias for alias in vm.template.vectors("NIC_ALIAS") if alias["PARENT_ID"] == nic["NIC_ID"])]
    gone = gone[:1] if is_alias(nic) else gone
    for name in ("NIC", "NIC_ALIAS", "PCI"):
        kept = [each for each in vm.template.vectors(name) if not any(each is one for one in gone)]
        vm.template.replace(name, kept)
    for each in gone:
        free(cloud, vm, each)
    disown_groups(cloud, vm, groups_of(gone) - groups_of(interfaces(vm)))
    return gone


def forget_alias(vm: Object, nic: Vector) -> None:
    """The parent no longer lists an alias."""
    parent = of(vm, int(nic["PARENT_ID"]))
    if parent is not None:
        parent["ALIAS_IDS"] = ",".join([each for each in aliases(parent) if each != nic["NIC_ID"]])


def free(cloud: Any, vm: Object, nic: Vector) -> None:
    """Gives the lease back."""
    network = cloud["NET"].get(int(nic["NETWORK_ID"])) if nic.get("NETWORK_ID", "").isdigit() else None
    if network is None:
        return
    leases.free_lease(cloud, network, vm, nic)
    others = [each for each in interfaces(vm) if each is not nic and each.get("NETWORK_ID") == nic["NETWORK_ID"]]
    if not others:
        leases.forget(network, vm.oid)


def release(cloud: Any, vm: Object) -> None:
    """Gives back all leases of a VM that ends."""
    rules.drop_vm(cloud, listed(groups_of(interfaces(vm))), vm.oid)
    for nic in interfaces(vm):
        network = cloud["NET"].get(int(nic["NETWORK_ID"])) if nic.get("NETWORK_ID", "").isdigit() else None
        if network is not None:
            leases.free_lease(cloud, network, vm, nic)
            leases.forget(network, vm.oid)


# ---------------------------------------------------------------- security groups


def groups_of(nics: list[Vector]) -> set[int]:
    """The security groups of interfaces."""
    return {int(part) for nic in nics for part in nic.get("SECURITY_GROUPS", "").split(",") if part.strip().isdigit()}


def listed(groups: set[int]) -> str:
    """ "0,100"."""
    return ",".join(map(str, sorted(groups)))


def adopt_groups(cloud: Any, vm: Object, groups: set[int]) -> None:
    """The rules of security groups that are new to the VM."""
    for rule in rules.rules_for(cloud, listed(groups)):
        vm.template.add("SECURITY_GROUP_RULE", rule)
    rules.add_vm(cloud, listed(groups), vm.oid)


def disown_groups(cloud: Any, vm: Object, groups: set[int]) -> None:
    drop_rules(vm, groups)
    rules.drop_vm(cloud, listed(groups), vm.oid)


def drop_rules(vm: Object, groups: set[int]) -> None:
    found = vm.template.vectors("SECURITY_GROUP_RULE")
    kept = [rule for rule in found if int(rule.get("SECURITY_GROUP_ID", "-1")) not in groups]
    vm.template.replace("SECURITY_GROUP_RULE", kept)
