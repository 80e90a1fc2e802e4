# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How a VM is read: its record in the words of the options, and what modules return of it."""

from __future__ import annotations

import time

from .._attributes import access
from .._core.numbers import is_whole
from .._core.values import canonical, first_text, first_vector, labels_of, vectors
from .devices import DEVICES
from .state_names import lcm_name, state_name
from .states import last_record, status

KIND = "vm"
# What one.vm.updateconf takes; the backup settings are kept apart from the template.
SECTIONS = ("OS", "FEATURES", "INPUT", "GRAPHICS", "VIDEO", "RAW", "CPU_MODEL", "CONTEXT", "BACKUP_CONFIG")
BACKUP_SETTINGS = "BACKUP_VOLATILE DISK_IDS FS_FREEZE INCREMENT_MODE INTERACTIVE KEEP_LAST MODE".split()


def read(cloud, vm):
    """The record of a VM (one.vm.info, or of one.vmpool.infoset and infoextended); memory in MB."""
    template, attributes = canonical(vm.TEMPLATE or {}), canonical(vm.USER_TEMPLATE or {})
    record = dict(
        access.owned(vm),
        **access.locked(vm),
        id=vm.ID,
        name=vm.NAME,
        status=status(vm),
        cpu=number(template, "CPU", float),
        vcpu=number(template, "VCPU") or 1,
        memory=number(template, "MEMORY"),
        vcpu_max=number(template, "VCPU_MAX"),
        memory_max=number(template, "MEMORY_MAX"),
        updateconf=_sections(template, vm.BACKUPS),
        vm_group=_vm_group(first_vector(template, "VMGROUP")),
        attributes=attributes,
        labels=labels_of(attributes),
    )
    record.update((device.option, vectors(template, device.vector)) for device in DEVICES)
    return record


def number(template, name, form=int):
    """The number in an attribute of a canonical template; 0: it has none.

    Args:
        form (type): int or float.
    """
    try:
        return form(float(first_text(template, name)))
    except (ValueError, OverflowError):
        return form(0)


def _sections(template, backups):
    found = {name: first_vector(template, name) for name in SECTIONS if vectors(template, name)}
    config = backups.BACKUP_CONFIG if backups is not None else None
    if config is not None:
        settings = {name: getattr(config, name) for name in BACKUP_SETTINGS}
        found["BACKUP_CONFIG"] = {name: value for name, value in settings.items() if value is not None}
    return found


def _vm_group(vector):
    return {"group": int(vector["VMGROUP_ID"]), "role": vector.get("ROLE", "")} if vector.get("VMGROUP_ID") else {}


def instance(vm, record):
    """A VM as modules return it: the record, and the names that playbooks for community.general expect."""
    number, last = first_text(vm.TEMPLATE, "TEMPLATE_ID"), last_record(vm)
    return dict(
        record,
        vm_id=vm.ID,
        vm_name=vm.NAME,
        state=state_name(vm),
        lcm_state=lcm_name(vm),
        owner_id=vm.UID,
        owner_name=vm.UNAME,
        template_id=int(number) if is_whole(number) else None,
        host=last.HOSTNAME if last is not None else None,
        memory="%d MB" % record["memory"],
        disk_size=["%s MB" % disk["SIZE"] for disk in record["disks"] if "SIZE" in disk],
        networks=[network(nic) for nic in record["networks"]],
        nic_aliases=[network(nic) for nic in record["nic_aliases"]],
        uptime_h=int((time.time() - vm.STIME) / 3600) if vm.STIME else 0,
        error=first_text(vm.USER_TEMPLATE, "ERROR", None),
    )


def network(nic):
    """A NIC as modules return it."""
    return {
        "nic_id": int(nic["NIC_ID"]),
        "name": nic.get("NETWORK"),
        "ip": nic.get("IP"),
        "ip6": nic.get("IP6_GLOBAL") or nic.get("IP6"),
        "mac": nic.get("MAC"),
        "security_groups": nic.get("SECURITY_GROUPS", ""),
    }
