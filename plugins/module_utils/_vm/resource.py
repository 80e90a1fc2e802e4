# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What of a VM can change."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes.labels import labels
from .._attributes.template import template
from .._engine.resource import Attribute, Resource
from .configuration import (
    canonical_attributes,
    canonical_capacity,
    canonical_saveas,
    canonical_sections,
    canonical_vm_group,
    plan_capacity,
    plan_saveas,
    plan_sections,
    plan_vm_group,
)
from .devices import ALIAS, DISK, NIC, canonical_disks, canonical_nics, plan_devices
from .record import KIND, read

VM = Resource(
    kind=KIND,
    read=read,
    attributes={
        "name": access.rename(KIND),
        "attributes": template(KIND, option="attributes", creation=(), canonical=canonical_attributes),
        "labels": labels(KIND),
        "vm_group": Attribute(plan_vm_group, canonical_vm_group),
        "capacity": Attribute(plan_capacity, canonical_capacity),
        "disks": Attribute(partial(plan_devices, DISK, "purge_disks"), canonical_disks),
        "networks": Attribute(partial(plan_devices, NIC, "purge_networks"), canonical_nics),
        "nic_aliases": Attribute(partial(plan_devices, ALIAS, "purge_networks"), canonical_nics),
        "updateconf": Attribute(plan_sections, canonical_sections),
        "disk_saveas": Attribute(plan_saveas, canonical_saveas, persisted=False),
        **access.ownership(KIND),
        **access.lock(KIND),
    },
)
