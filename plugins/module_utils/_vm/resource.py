# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM is: how it is read, what of it can change, and in which states."""

from __future__ import annotations

import time
from typing import Any, Callable, NamedTuple

from .._attributes import access, common
from .._core.cloud import ALL
from .._core.failure import Failure
from .._core.values import canonical, merged_template, same
from . import devices as vm_devices
from .state_names import lcm_name, state_name
from .states import ANYWHERE, status
from .transitions import Step

KIND = "vm"
# OpenNebula moves these from what is given at creation to where vm.update cannot reach them (releases up to 7.4).
NOT_USER = frozenset(
    "CONTEXT CPU CPU_COST CPU_MODEL DISK DISK_COST FEATURES GRAPHICS INPUT MEMORY MEMORY_COST NAME NIC NIC_ALIAS "
    "NIC_DEFAULT OS PCI RAW TEMPLATE_ID TOPOLOGY VCPU VCPU_MAX MEMORY_MAX VIDEO VMGROUP VMID".split()
)
# What one.vm.updateconf takes; the backup settings are kept apart from the template.
SECTIONS = ("OS", "FEATURES", "INPUT", "GRAPHICS", "VIDEO", "RAW", "CPU_MODEL", "CONTEXT", "BACKUP_CONFIG")
BACKUP_SETTINGS = "BACKUP_VOLATILE DISK_IDS FS_FREEZE INCREMENT_MODE INTERACTIVE KEEP_LAST MODE".split()
ENCRYPTED = frozenset(("PASSWORD",))  # of CONTEXT: what is read back is no text to compare with
CONFIGURABLE = frozenset(("pending", "held", "poweredoff", "undeployed", "running", "cloning"))
LAST = ("mode", "group", "owner", "lock")  # they may take the right to change the rest
SAVABLE = frozenset(("running", "poweredoff", "suspended", "undeployed", "stopped"))
RESIZABLE = frozenset(("init", "pending", "held", "poweredoff", "undeployed", "cloning"))
SIMPLE = frozenset("attributes group labels lock mode name owner status updateconf vm_group".split())  # shown as kept
DEVICES = (vm_devices.DISK, vm_devices.NIC, vm_devices.ALIAS)


def read(cloud, vm):
    """The record of a VM (one.vm.info, or of one.vmpool.infoset and infoextended), in the words of the options."""
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
        vm_group=_group(template.get("VMGROUP") or {}),
        attributes=attributes,
        labels=common.split_labels(attributes.get("LABELS")),
    )
    record.update((device.option, template.get(device.vector, [])) for device in DEVICES)
    return record


def _sections(template, backups):
    found = {}
    for name in SECTIONS:
        value = template.get(name)
        if value:  # of several vectors one.vm.updateconf changes the first
            found[name] = value[0] if isinstance(value, list) else value
    config = backups.BACKUP_CONFIG if backups is not None else None
    if config is not None:
        settings = {name: getattr(config, name) for name in BACKUP_SETTINGS}
        found["BACKUP_CONFIG"] = {name: value for name, value in settings.items() if value is not None}
    return found


def _group(vector):
    return {"group": int(vector["VMGROUP_ID"]), "role": vector.get("ROLE", "")} if vector.get("VMGROUP_ID") else {}


def instance(vm, record):
    """A VM as the module returns it: the record, and the names that playbooks for community.general expect."""
    template, history = vm.TEMPLATE or {}, vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS is not None else []
    number = template.get("TEMPLATE_ID", "")
    return dict(
        record,
        vm_id=vm.ID,
        vm_name=vm.NAME,
        state=state_name(vm),
        lcm_state=lcm_name(vm),
        owner_id=vm.UID,
        owner_name=vm.UNAME,
        template_id=int(number) if number.isdigit() else None,
        host=history[-1].HOSTNAME if history else None,
        memory="%d MB" % record["memory"],
        disk_size=["%s MB" % disk["SIZE"] for disk in record["disks"] if "SIZE" in disk],
        networks=[network(nic) for nic in record["networks"]],
        nic_aliases=[network(nic) for nic in record["nic_aliases"]],
        uptime_h=int((time.time() - vm.STIME) // 3600) if vm.STIME else 0,
        error=vm.USER_TEMPLATE.get("ERROR") if vm.USER_TEMPLATE else None,
    )


def network(nic):
    return {
        "nic_id": int(nic["NIC_ID"]),
        "name": nic.get("NETWORK"),
        "ip": nic.get("IP"),
        "ip6": nic.get("IP6_GLOBAL") or nic.get("IP6"),
        "mac": nic.get("MAC"),
        "security_groups": nic.get("SECURITY_GROUPS", ""),
    }


# ---------------------------------------------------------------- what can change


class Change(NamedTuple):
    """One option: what it would make of a VM, and the steps there."""

    plan: Callable  # (cloud, record, wanted) -> (present, value after, [Step]); equal values: no change
    canonical: Callable  # (cloud, given) -> the one form of a value
    merged: Any = None  # of an Attribute


def of(option, attribute):
    """The Change of an Attribute that is written by one call, whatever the state."""

    def plan(cloud, record, wanted):
        after = attribute.merged(record[option], wanted)

        def write():
            attribute.write(cloud, record["id"], after, record)

        last = option in LAST and not attribute.early(after)
        return record[option], after, [Step("change %s" % option, ANYWHERE, write, last=last)]

    return Change(plan, attribute.canonical, attribute.merged)


def canonical_attributes(cloud, given):
    attributes = common.canonical_template(cloud, given)
    wrong = sorted(NOT_USER.intersection(attributes))
    if wrong:
        message = "The option attributes is for the user template of a VM; %s belongs into the VM template."
        raise Failure(message % ", ".join(wrong), object=KIND)
    return attributes


# ---------------------------------------------------------------- capacity


def canonical_capacity(cloud, given):
    result = {"cpu": float("%.6g" % given["cpu"])} if "cpu" in given else {}
    if "vcpu" in given:
        result["vcpu"] = int(given["vcpu"])
    if "memory" in given:
        result["memory"] = vm_devices.megabytes(given["memory"], "memory")
    small = [option for option in result if result[option] <= 0]
    if small:
        raise Failure("The option %s takes a number greater than 0." % small[0], object=KIND)
    return result


def plan_capacity(cloud, record, wanted):
    """CPU, VCPU and memory in one call; hot when the VM was started with room for it (VCPU_MAX, MEMORY_MAX)."""
    present = {option: record[option] for option in wanted}
    changed = {option: value for option, value in wanted.items() if value != record[option]}
    hot = all(value <= room(record, option) for option, value in changed.items() if option != "cpu")
    what = "resize %s" % ", ".join("%s to %s" % item for item in changed.items())

    def resize():
        sizes = {option.upper(): value for option, value in changed.items()}
        doing = "%s of VM %s" % (what, record["name"])
        cloud.call(doing, "vm.resize", record["id"], sizes, True, object=KIND, id=record["id"])

    return present, wanted, [Step(what, RESIZABLE | {"running"} if hot else RESIZABLE, resize, still=False)]


def room(record, option):
    """How much a running VM can have: what its hypervisor was told at the start."""
    return max(record[option], record[option + "_max"])


# ---------------------------------------------------------------- configuration, groups, devices


def canonical_sections(cloud, given):
    sections = common.canonical_template(cloud, given)
    for name, value in sections.items():
        sections[name] = value[0] if isinstance(value, list) and len(value) == 1 else value
        if name not in SECTIONS or not isinstance(sections[name], dict):
            message = "The option updateconf takes the sections %s, each a dictionary; %s is not one."
            raise Failure(message % (", ".join(SECTIONS), name), object=KIND)
    return sections


def plan_sections(cloud, record, wanted):
    """Sections are merged member by member, so nothing that is not declared is wiped."""
    present = record["updateconf"]
    changes = {}
    for name, members in wanted.items():
        has = present.get(name, {})
        differing = {key: value for key, value in members.items() if not _stands(name, key, value, has)}
        if differing:
            changes[name] = differing
    after = merged_template(present, changes)

    def update():
        doing = "update %s of VM %s" % (", ".join(changes), record["name"])
        cloud.call(doing, "vm.updateconf", record["id"], changes, 1, object=KIND, id=record["id"])

    return present, after, [Step("update %s" % ", ".join(changes), CONFIGURABLE, update, still=False)]


def _stands(section, key, value, present):
    """Whether a member is as wanted, or as near as can be told: passwords and $VARIABLES are not stored as given."""
    if key in present and section == "CONTEXT" and (key in ENCRYPTED or "$" in value):
        return True
    return same(value, present.get(key, ""))


def canonical_group(cloud, given):
    if not given.get("group"):
        return {}
    item = cloud.reference("vm_group", given["group"])
    return {"group": str(given["group"]) if item is None else item.ID, "role": given["role"]}


def plan_group(cloud, record, wanted):
    """One VM group and role, or none (one.vm.vmgroupadd and vmgroupdel, OpenNebula 7.4)."""
    present, oid = record["vm_group"], record["id"]

    def move():
        doing = "change the VM group of VM %s" % record["name"]
        if present:
            cloud.call(doing, "vm.vmgroupdel", oid, object=KIND, id=oid)
        if wanted:
            cloud.call(doing, "vm.vmgroupadd", oid, wanted["group"], wanted["role"], object=KIND, id=oid)

    return present, wanted, [Step("change the VM group", ANYWHERE - {"changing"}, move)]


def canonical_saveas(cloud, given):
    return {"name": given["name"], "disk_id": int(given.get("disk_id") or 0)}


def plan_saveas(cloud, record, wanted):
    """A disk as a new image; one that has the name already is taken for it."""
    pool = cloud.call("list the images", "imagepool.info", *ALL, object="image").IMAGE
    disk, name = wanted["disk_id"], wanted["name"]

    def save():
        save_disk(cloud, record["id"], record["name"], disk, name)

    present = wanted if any(name == item.NAME for item in pool) else None
    return present, wanted, [Step("save disk %d as image %s" % (disk, name), SAVABLE, save, still=False)]


def save_disk(cloud, oid, name, disk, image, kind="", snapshot=-1):
    """Begins to save a disk of a VM as an image (one.vm.disksaveas); returns the image's id.

    Args:
        oid, name: of the VM.
        disk (int)
        image (str): name of the image.
        kind (str): type of the image; empty: that of the one that the disk is made from.
        snapshot (int): id of a snapshot of the disk; -1: the disk as it is.
    """
    doing = "save disk %d as image %s of VM %s" % (disk, image, name)
    return cloud.call(doing, "vm.disksaveas", oid, disk, image, kind, snapshot, object=KIND, id=oid)


def plan_devices(device, purge):
    def plan(cloud, record, wanted):
        steps, before, after = vm_devices.steps(cloud, device, record, wanted, purge)
        return before, after if steps else before, steps

    return plan


def each(canonical_one):
    """canonical() of a list."""
    return lambda cloud, given: [canonical_one(cloud, one) for one in given]


def changes(labels_mode="exact", purge=()):
    """{option: Change} in order of application.

    Args:
        labels_mode (str): exact, add or remove.
        purge (container): of `disks` and `networks`: those that are not wanted are detached.
    """
    table = {
        "name": of("name", common.rename(KIND)),
        "attributes": of("attributes", common.template(KIND, option="attributes"))._replace(
            canonical=canonical_attributes
        ),
        "labels": of("labels", common.labels(KIND, labels_mode)),
        "vm_group": Change(plan_group, canonical_group),
        "capacity": Change(plan_capacity, canonical_capacity),
        "disks": Change(plan_devices(vm_devices.DISK, "disks" in purge), each(vm_devices.canonical_disk)),
        "networks": Change(plan_devices(vm_devices.NIC, "networks" in purge), each(vm_devices.canonical_nic)),
        "nic_aliases": Change(plan_devices(vm_devices.ALIAS, "networks" in purge), each(vm_devices.canonical_nic)),
        "updateconf": Change(plan_sections, canonical_sections),
        "disk_saveas": Change(plan_saveas, canonical_saveas),
    }
    table.update((option, of(option, attribute)) for option, attribute in access.ownership(KIND).items())
    table.update((option, of(option, attribute)) for option, attribute in access.lock(KIND).items())
    return table
