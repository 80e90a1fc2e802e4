# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM is."""

from __future__ import annotations

from ..difference import canonical
from ..failure import Failure
from ..resource import Attribute, Resource
from . import access, common

KIND = "vm"
STATES = {
    0: "init", 1: "pending", 2: "held", 4: "stopped", 5: "suspended", 6: "done",
    8: "poweredoff", 9: "undeployed", 10: "cloning", 11: "failed",
}  # fmt: skip
RUNNING, UNKNOWN = 3, 16  # LCM_STATE while STATE is 3 (ACTIVE)
FAILED = frozenset((36, 37, 38, 39, 40, 41, 42, 44, 46, 47, 48, 49, 50, 61))
# Where a VM stays until somebody acts.
RESTING = frozenset(("running", "unknown", "held", "stopped", "suspended", "poweredoff", "undeployed", "done"))
# What gets there by itself.
COMING = frozenset(("init", "pending", "cloning", "changing"))
# one.vm.action that leads from a state to another.
ACTIONS = {
    ("held", "running"): "release",
    ("stopped", "running"): "resume",
    ("suspended", "running"): "resume",
    ("poweredoff", "running"): "resume",
    ("undeployed", "running"): "resume",
    ("unknown", "running"): "resume",
    ("running", "poweredoff"): "poweroff",
    ("unknown", "poweredoff"): "poweroff",
}
# OpenNebula moves these from what is given at creation to where vm.update cannot reach them (releases up to 7.4).
NOT_USER = frozenset(
    "CONTEXT CPU CPU_COST CPU_MODEL DISK DISK_COST FEATURES GRAPHICS INPUT MEMORY MEMORY_COST NAME NIC NIC_ALIAS "
    "NIC_DEFAULT OS PCI RAW TEMPLATE_ID TOPOLOGY VCPU VCPU_MAX MEMORY_MAX VIDEO VMGROUP VMID".split()
)


def status(vm):
    """One word for STATE and LCM_STATE of a VM, from vm.info or a pool."""
    if vm.STATE != 3:
        return STATES.get(vm.STATE, str(vm.STATE))
    if vm.LCM_STATE in FAILED:
        return "failed"
    return {RUNNING: "running", UNKNOWN: "unknown"}.get(vm.LCM_STATE, "changing")


def read(cloud, vm):
    """The record of a VM (one.vm.info, or a VM of one.vmpool.infoextended)."""
    template = vm.TEMPLATE or {}
    history = vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS is not None else []
    return dict(
        access.owned(vm),
        status=status(vm),
        state=vm.STATE,
        lcm_state=vm.LCM_STATE,
        template_id=int(template["TEMPLATE_ID"]) if template.get("TEMPLATE_ID", "").isdigit() else None,
        host=history[-1].HOSTNAME if history else None,
        networks=[network(nic) for nic in template.get("NIC", [])],
        cpu=template.get("CPU"),
        memory=template.get("MEMORY"),
        template=None,
        attributes=canonical(vm.USER_TEMPLATE or {}),
    )


def network(nic):
    return {
        "name": nic.get("NETWORK"),
        "ip": nic.get("IP"),
        "ip6": nic.get("IP6_GLOBAL") or nic.get("IP6"),
        "mac": nic.get("MAC"),
    }


def instantiate(cloud, name, wanted):
    """Creates a VM from the template that was declared; returns its id."""
    if "template" not in wanted:
        raise Failure(
            "There is no VM %s, and to create it the option template is needed." % name, object=KIND, name=name
        )
    template = cloud.reference("template", wanted["template"])
    extra = wanted.get("attributes", {})
    doing = "create VM %s from template %s" % (name, template.NAME)
    return cloud.call(doing, "template.instantiate", template.ID, name, False, extra, False, object=KIND, name=name)


def canonical_attributes(cloud, given):
    attributes = canonical(given)
    wrong = sorted(NOT_USER.intersection(attributes))
    if wrong:
        message = "The option attributes is for the user template of a VM; %s belongs into the VM template."
        raise Failure(message % ", ".join(wrong), object=KIND)
    return attributes


def power(hard):
    """The Attribute `status`; `hard`: without asking the guest."""

    def merged(present, wanted):
        on_the_way = wanted == "running" and present in COMING
        return present if on_the_way else wanted

    def write(cloud, oid, after, record):
        action = ACTIONS.get((record["status"], after))
        if action is None:
            message = (
                "VM %s is %s, and from there it cannot be made %s. Bring it to a steady state first (one.vm.recover)."
            )
            raise Failure(message % (record["name"], record["status"], after))
        action += "-hard" if hard and action == "poweroff" else ""
        cloud.call("make VM %s %s" % (record["name"], after), "vm.action", action, oid)

    return Attribute(write, merged)


def settled(vm, wanted):
    if "status" in wanted:
        return status(vm) == wanted["status"]
    return status(vm) in RESTING


def failure(vm):
    if status(vm) != "failed":
        return None
    return (vm.USER_TEMPLATE or {}).get("ERROR") or "OpenNebula gives no reason; see the log of the VM"


def gone(vm):
    """A VM that is DONE stays in the database."""
    return vm is None or status(vm) == "done"


def terminate(hard):
    """remove(): a VM that is not wanted any more."""

    def remove(cloud, record):
        action = "terminate-hard" if hard else "terminate"
        cloud.call("remove VM %s" % record["name"], "vm.action", action, record["id"], object=KIND, id=record["id"])

    return remove


def resource(hard=False):
    """The Resource; `hard`: power off and terminate without asking the guest."""
    return Resource(
        KIND,
        read,
        instantiate,
        {
            "name": common.rename(KIND),
            # Where a VM came from says nothing about what it should be: the template counts at creation only.
            "template": Attribute(None, lambda present, wanted: present, common.reference("template")),
            "attributes": common.template(KIND, option="attributes")._replace(canonical=canonical_attributes),
            "status": power(hard),
        },
        terminate(hard),
        settled,
        failure,
        needed=("template",),
        gone=gone,
    )
