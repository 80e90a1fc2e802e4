# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""PCI devices of VMs: what they ask for, which device of their host they get, where the guest sees it."""

from __future__ import annotations

from typing import Any

from ..errors import internal
from ..store import Object
from ..template import Vector

ASKED_BY = ("SHORT_ADDRESS", "DEVICE", "VENDOR", "CLASS")
FREE = "-1"
NONE_FREE = "Cannot assign PCI device in host. Check address and free devices"
COPIED = "ADDRESS BUS DOMAIN FUNCTION NUMA_NODE SHORT_ADDRESS SLOT".split()


def check(device: Vector) -> None:
    """Raises Refused when the attribute does not say which device it wants."""
    if not any(device.get(name) for name in ASKED_BY):
        raise internal("SHORT_ADDRESS, DEVICE, VENDOR or CLASS must be defined for PCI.")


def add(cloud: Any, vm: Object) -> None:
    """Numbers the devices of a new VM. Raises Refused."""
    for number, device in enumerate(vm.template.vectors("PCI")):
        check(device)
        device.update(PCI_ID=str(number), VM_BUS=guest_bus(cloud))
        if cloud.release.pci_placed_early:
            place_in_guest(cloud, device)


def next_id(vm: Object) -> int:
    return 1 + max((int(device["PCI_ID"]) for device in vm.template.vectors("PCI")), default=-1)


def guest_bus(cloud: Any) -> str:
    return cloud.config.text("PCI_PASSTHROUGH_BUS", "0x01")


def of(vm: Object, number: int) -> Vector | None:
    """The device of this ID; interfaces are none."""
    devices = [each for each in vm.template.vectors("PCI") if each.get("TYPE") != "NIC"]
    return next((each for each in devices if each.get("PCI_ID") == str(number)), None)


# ---------------------------------------------------------------- devices of hosts


def candidate(host: Object, wanted: Vector) -> Vector | None:
    """The first free device of the host that is asked for."""
    return next((each for each in fitting(host, wanted) if each["VMID"] == FREE), None)


def fitting(host: Object, wanted: Vector) -> list[Vector]:
    """The devices of the host that are as asked for, by address."""
    asked = {name: wanted[name] for name in ASKED_BY if wanted.get(name)}
    if "SHORT_ADDRESS" in asked:
        asked = {"SHORT_ADDRESS": asked["SHORT_ADDRESS"]}
    found = [each for each in host.pci if all(each[name] == text for name, text in asked.items())]
    return sorted(found, key=lambda each: each["ADDRESS"])


def available(host: Object, vm: Object) -> bool:
    """Whether the host has free devices for all that the VM wants."""
    wanted = [device for device in vm.template.vectors("PCI") if device.get("ADDRESS") is None]
    if not wanted:
        return True
    taken = {id(each) for each in host.pci if each["VMID"] != FREE}
    for device in wanted:
        found = next((each for each in fitting(host, device) if id(each) not in taken), None)
        if found is None:
            return False
        taken.add(id(found))
    return True


def take(host: Object, vm: Object, device: Vector) -> bool:
    """Gives a device of the host to the VM; false when none is free."""
    found = candidate(host, device)
    if found is None:
        return False
    found["VMID"] = str(vm.oid)
    host.changed()
    device.update({name: found[name] for name in (*COPIED, *host.release.pci_identity)})
    return True


def place_in_guest(cloud: Any, device: Vector) -> None:
    """The device's address in the guest: its own slot on the bus of passed devices."""
    slot = int(device["PCI_ID"]) + 1
    bus = device.get("VM_BUS") or guest_bus(cloud)
    device.update(
        VM_BUS=bus,
        VM_DOMAIN="0x0000",
        VM_SLOT=f"0x{slot:02x}",
        VM_FUNCTION="0",
        VM_ADDRESS=f"{int(bus, 16):02x}:{slot:02x}.0",
    )


def give_back(host: Object, vm: Object, address: str = "") -> None:
    """The host's device at this address, or all of the VM's, are free again."""
    for device in host.pci:
        if device["VMID"] == str(vm.oid) and address in ("", device["ADDRESS"]):
            device["VMID"] = FREE
    host.changed()


def take_all(cloud: Any, host: Object, vm: Object) -> None:
    """Devices for a VM that is deployed; those that the host lacks stay without."""
    for device in vm.template.vectors("PCI"):
        if take(host, vm, device):
            place_in_guest(cloud, device)
