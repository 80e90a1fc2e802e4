# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How a VM is read: its record in the words of the options, and what modules return of it."""

from __future__ import annotations

import time

from .._attributes import access
from .._attributes.labels import split_labels
from .._core.values import canonical
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
        cpu=float(template.get("CPU") or 0),
        vcpu=int(template.get("VCPU") or 1),
        memory=int(template.get("MEMORY") or 0),
        vcpu_max=int(template.get("VCPU_MAX") or 0),
        memory_max=int(template.get("MEMORY_MAX") or 0),
        updateconf=_sections(template, vm.BACKUPS),
        vm_group=_vm_group(template.get("VMGROUP") or {}),
        attributes=attributes,
        labels=split_labels(attributes.get("LABELS")),
    )
    record.update((device.option, template.get(device.vector, [])) for device in DEVICES)
    return record


def _sections(template, backups):
    found = {name: template[name] for name in SECTIONS if template.get(name)}
    # of several vectors one.vm.updateconf changes the first
    found = {name: value[0] if isinstance(value, list) else value for name, value in found.items()}
    config = backups.BACKUP_CONFIG if backups is not None else None
    if config is not None:
        settings = {name: getattr(config, name) for name in BACKUP_SETTINGS}
        found["BACKUP_CONFIG"] = {name: value for name, value in settings.items() if value is not None}
    return found


def _vm_group(vector):
    return {"group": int(vector["VMGROUP_ID"]), "role": vector.get("ROLE", "")} if vector.get("VMGROUP_ID") else {}


def instance(vm, record):
    """A VM as modules return it: the record, and the names that playbooks for community.general expect."""
    number, last = (vm.TEMPLATE or {}).get("TEMPLATE_ID", ""), last_record(vm)
    return dict(
        record,
        vm_id=vm.ID,
        vm_name=vm.NAME,
        state=state_name(vm),
        lcm_state=lcm_name(vm),
        owner_id=vm.UID,
        owner_name=vm.UNAME,
        template_id=int(number) if number.isdigit() else None,
        host=last.HOSTNAME if last is not None else None,
        memory="%d MB" % record["memory"],
        disk_size=["%s MB" % disk["SIZE"] for disk in record["disks"] if "SIZE" in disk],
        networks=[network(nic) for nic in record["networks"]],
        nic_aliases=[network(nic) for nic in record["nic_aliases"]],
        uptime_h=int((time.time() - vm.STIME) // 3600) if vm.STIME else 0,
        error=vm.USER_TEMPLATE.get("ERROR") if vm.USER_TEMPLATE else None,
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
