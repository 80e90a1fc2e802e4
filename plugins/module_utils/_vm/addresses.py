# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The addresses by which a VM can be reached: those of its NICs, and those that its guest agent tells."""

from __future__ import annotations

from .._core.values import canonical, first_text, vectors

GUEST = ("GUEST_IP", "GUEST_IP_ADDRESSES")  # of MONITORING
# Addresses that are good inside the guest, or on one link, only.
LOCAL = ("127.", "169.254.", "::1", "fe80:")


def guest_addresses(vm):
    """The addresses that the guest agent of a VM tells, without local ones (VM → list[str])."""
    told = {name: getattr(vm.MONITORING, name, "") for name in GUEST}
    parts = (part.strip() for name in GUEST for part in first_text(told, name).split(","))
    return [part for part in parts if part and not part.lower().startswith(LOCAL)]


def has_address(network, vm):
    """Whether a NIC on a network has an address, or the guest agent tells one."""
    template = canonical(vm.TEMPLATE or {})
    nics = [nic for nic in vectors(template, "NIC") if nic.get("NETWORK") == network]
    if any(nic.get(name) for nic in nics for name in ("IP", "IP6", "IP6_GLOBAL")):
        return True
    return bool(nics) and bool(guest_addresses(vm))
