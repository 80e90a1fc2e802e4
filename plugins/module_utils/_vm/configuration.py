# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Capacity, sections of the template, VM group and user template of a VM: how each is planned."""

from __future__ import annotations

from .._core import names
from .._core.cloud import ALL
from .._core.failure import Failure, did_you_mean
from .._core.values import declared, megabytes, merged_template, same
from .._engine.resource import Step
from .context import require_variables
from .record import KIND, SECTIONS
from .states import ANYWHERE

# OpenNebula moves these from what is given at creation to where vm.update cannot reach them (releases up to 7.4).
NOT_USER = frozenset(
    "CONTEXT CPU CPU_COST CPU_MODEL DISK DISK_COST FEATURES GRAPHICS INPUT MEMORY MEMORY_COST NAME NIC NIC_ALIAS "
    "NIC_DEFAULT OS PCI RAW TEMPLATE_ID TOPOLOGY VCPU VCPU_MAX MEMORY_MAX VIDEO VMGROUP VMID".split()
)
ENCRYPTED = frozenset(("PASSWORD",))  # of CONTEXT: what is read back is no text to compare with
CONFIGURABLE = frozenset(("pending", "held", "poweredoff", "undeployed", "running", "cloning"))
SAVABLE = frozenset(("running", "poweredoff", "suspended", "undeployed", "stopped"))
RESIZABLE = frozenset(("init", "pending", "held", "poweredoff", "undeployed", "cloning"))


def canonical_attributes(cloud, given):
    """A user template in canonical form.

    Raises:
        Failure: it has attributes of the VM template.
    """
    attributes = declared("attributes", given)
    wrong = sorted(NOT_USER.intersection(attributes))
    if wrong:
        message = "The option attributes is for the user template of a VM; %s belongs to the VM template."
        raise Failure(message % ", ".join(wrong), object=KIND)
    return attributes


# ---------------------------------------------------------------- capacity


def canonical_capacity(cloud, given):
    """CPU (float), VCPU and memory (MB).

    Raises:
        Failure: one is not greater than 0.
    """
    result = {"cpu": float("%.6g" % given["cpu"])} if "cpu" in given else {}
    if "vcpu" in given:
        result["vcpu"] = int(given["vcpu"])
    if "memory" in given:
        result["memory"] = megabytes(given["memory"], "memory")
    small = [option for option in result if result[option] <= 0]
    if small:
        message = "The option %s takes a number greater than 0, not %s."
        raise Failure(message % (small[0], given[small[0]]), object=KIND)
    return result


def plan_capacity(record, wanted, modes):
    """CPU, VCPU and memory in one call; a running VM is resized within what it was started for."""
    sizes = wanted["capacity"]
    present = {option: record[option] for option in sizes}
    changed = {option: value for option, value in sizes.items() if value != record[option]}
    hot = all(option == "cpu" or value <= _maximum(record, option) for option, value in changed.items())
    what = "resize %s" % ", ".join("%s to %s" % item for item in changed.items())
    arguments = (record["id"], {option.upper(): value for option, value in changed.items()}, True)
    states = RESIZABLE | {"running"} if hot else RESIZABLE
    on = "of VM %s" % record["name"]
    return present, sizes, [Step(what, "vm.resize", arguments, on=on, states=states, transient=True)]


def _maximum(record, option):
    """VCPU_MAX or MEMORY_MAX, which the hypervisor was told at the start."""
    return max(record[option], record[option + "_max"])


# ---------------------------------------------------------------- sections


def canonical_sections(cloud, given):
    """Sections of the VM template that one.vm.updateconf takes.

    Raises:
        Failure: a section is none of them, or no dictionary.
    """
    sections = declared("updateconf", given)
    for name, value in sections.items():
        sections[name] = value[0] if isinstance(value, list) and len(value) == 1 else value
        if name not in SECTIONS or not isinstance(sections[name], dict):
            near = "" if name in SECTIONS else did_you_mean(name, SECTIONS)
            message = "The option updateconf takes the sections %s, each a dictionary; %s is not one.%s"
            raise Failure(message % (", ".join(SECTIONS), name, near), object=KIND)
    require_variables(sections.get("CONTEXT", {}), "this task")
    return sections


def plan_sections(record, wanted, modes):
    """Sections are merged member by member, so nothing that is not declared is removed."""
    present = record["updateconf"]
    changes = {}
    for name, members in wanted["updateconf"].items():
        differing = {
            key: value for key, value in members.items() if not _equal(name, key, value, present.get(name, {}))
        }
        if differing:
            changes[name] = differing
    what, on = "update %s" % ", ".join(changes), "of VM %s" % record["name"]
    step = Step(what, "vm.updateconf", (record["id"], changes, 1), on=on, states=CONFIGURABLE, transient=True)
    return present, merged_template(present, changes), [step]


def _equal(section, key, value, present):
    """Whether a member is as wanted, as far as can be told: passwords and $VARIABLES are not stored as given."""
    if key in present and section == "CONTEXT" and (key in ENCRYPTED or "$" in value):
        return True
    return same(value, present.get(key, ""))


# ---------------------------------------------------------------- VM group


def canonical_vm_group(cloud, given):
    if not given.get("group"):
        return {}
    item = cloud.reference("vm_group", given["group"])
    return {"group": str(given["group"]) if item is None else item.ID, "role": given["role"]}


def plan_vm_group(record, wanted, modes):
    """One VM group and role, or none (one.vm.vmgroupadd and vmgroupdel, OpenNebula 7.4)."""
    present, after = record["vm_group"], wanted["vm_group"]
    what, on, states = "change the VM group", "of VM %s" % record["name"], ANYWHERE - {"changing"}
    leave = Step(what, "vm.vmgroupdel", (record["id"],), on=on, states=states)
    if not after:
        return present, after, [leave]
    join = Step(what, "vm.vmgroupadd", (record["id"], after["group"], after["role"]), on=on, states=states)
    return present, after, [leave, join] if present else [join]


# ---------------------------------------------------------------- a disk as an image


def canonical_saveas(cloud, given):
    """`exists` is whether an image of the name exists, which is then taken for the saved one.

    Raises:
        Failure: OpenNebula takes no such name.
    """
    name = names.valid("image", "image", given["name"])
    pool = cloud.call("list the images", "imagepool.info", *ALL, object="image").IMAGE
    exists = any(name == item.NAME for item in pool)
    return {"name": name, "disk_id": int(given.get("disk_id") or 0), "exists": exists}


def plan_saveas(record, wanted, modes):
    """A disk as a new image, unless there is one of the name."""
    disk, name = wanted["disk_saveas"]["disk_id"], wanted["disk_saveas"]["name"]
    after = {"name": name, "disk_id": disk}
    present = after if wanted["disk_saveas"]["exists"] else None
    return present, after, [save_disk(record, disk, name)]


def save_disk(record, disk, image, kind="", snapshot=-1, result=None):
    """The Step that saves a disk of a VM as an image (one.vm.disksaveas), which answers the id of the image.

    Args:
        record (dict): of the VM.
        disk (int)
        image (str): name of the image.
        kind (str): type of the image; empty: that of the one that the disk is made from.
        snapshot (int): id of a snapshot of the disk; -1: the disk as it is.
        result: as of Step.
    """
    what, on = "save disk %d as image %s" % (disk, image), "of VM %s" % record["name"]
    arguments = (record["id"], disk, image, kind, snapshot)
    return Step(what, "vm.disksaveas", arguments, on=on, states=SAVABLE, transient=True, result=result)
