# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Hosts."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes.labels import labels
from .._attributes.relations import optional, reference
from .._attributes.template import canonical_numbers, content, template
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import first_text
from .._engine.resource import FIRST, NORMAL, Attribute, Reference, Resource, Step, attribute, deletion
from .._vm.evacuation import Evacuation, evacuate
from .cluster import RESERVING

KIND = "host"
STATES = {
    0: "init",
    1: "monitored",
    2: "monitored",
    3: "error",
    4: "disabled",
    5: "error",
    6: "init",
    7: "disabled",
    8: "offline",
}
STATUS = {"init": "enabled", "monitored": "enabled", "error": "enabled", "disabled": "disabled", "offline": "offline"}
NUMBERS = {"enabled": 0, "disabled": 1, "offline": 2}  # of one.host.status
DEFAULT_DRIVER = "kvm"
# Restored by the server, or written by every monitoring message.
MANAGED = frozenset(
    "ARCH CGROUPS_VERSION CPUSPEED HOSTNAME HYPERVISOR IM_MAD KVM_CPU_FEATURES KVM_CPU_MODEL KVM_CPU_MODELS "
    "KVM_MACHINES MEMORY_ENCRYPTION MODELNAME RESERVED_CPU RESERVED_MEM TOTALCPU TOTALMEMORY TOTAL_WILDS "
    "TOTAL_ZOMBIES VERSION VM_MAD WILDS ZOMBIES".split()
)


def read(cloud, host):
    """The record of a host (one.host.info or a HOST of one.hostpool.info)."""
    state = STATES.get(host.STATE, str(host.STATE))
    return {
        "status": STATUS.get(state, state),
        "host_state": state,
        "cluster": host.CLUSTER,
        "cluster_id": host.CLUSTER_ID,
        "im_mad": host.IM_MAD,
        "vm_mad": host.VM_MAD,
        "vms": list(host.VMS.ID) if host.VMS is not None else [],
        **content(host),
    }


def create(name, wanted, modes):
    drivers = (wanted.get("im_mad", DEFAULT_DRIVER), wanted.get("vm_mad", DEFAULT_DRIVER))
    return Step("create host %s" % name, "host.allocate", (name, *drivers, optional("cluster", wanted, "cluster")))


def move(record, after):
    what = "move host %s to cluster %s" % (record["name"], after)
    return [Step(what, "cluster.addhost", (Reference("cluster", after), record["id"]))]


def change_status(record, after):
    """One that is disabled gets no new VM from then on."""
    phase = FIRST if after == "disabled" else NORMAL
    return [
        Step("make host %s %s" % (record["name"], after), "host.status", (record["id"], NUMBERS[after]), phase=phase)
    ]


# ---------------------------------------------------------------- evacuation


def plan_evacuation(record, wanted, modes):
    """No VM is left on the host; none comes meanwhile.

    Raises:
        Failure: the host would get new VMs again.
    """
    if wanted.get("status") not in ("disabled", "offline"):
        raise Failure("The option evacuate goes with state: disabled, offline or absent.", object=KIND)
    return record["vms"], [], evacuation_steps(record, wanted["vms"])


def evacuation_steps(record, evacuation):
    """The steps that move all VMs away from a host.

    Args:
        evacuation (Evacuation)
    """
    if not record["vms"]:
        return []
    disabled = change_status(record, "disabled") if record["status"] == "enabled" else []
    what = "evacuate host %s" % record["name"]
    return disabled + [Step(what, run=partial(evacuate, record["id"], record["vms"], evacuation))]


def canonical_evacuation(cloud, given):
    """An Evacuation whose destinations exist.

    Raises:
        Failure: they do not, or the scheduler would ignore them.
    """
    if given.destinations is not None and given.how != "live":
        raise Failure("The option destinations goes with evacuate: live.", object=KIND)
    try:
        for destination in given.destinations or ():
            cloud.reference(KIND, destination)
    except Failure as failure:
        failure.option = "destinations"
        raise
    return given


def remove(cloud, record, wanted, modes):
    """OpenNebula removes no host with VMs, so they leave first where the task says how."""
    return (evacuation_steps(record, wanted["vms"]) if "vms" in wanted else []) + [deletion(KIND, record)]


# ---------------------------------------------------------------- states


def settled(host, wanted):
    waits = "vms" in wanted and wanted["vms"].waits
    left = waits and host.VMS is not None and len(host.VMS.ID) > 0
    return STATES.get(host.STATE) != "init" and not left


def failure(host, wanted):
    if STATES.get(host.STATE) != "error":
        return None
    return first_text(host.TEMPLATE, "ERROR") or "its monitoring fails"


def values(params):
    """`state` may be a status; `evacuate` asks for a host without VMs."""
    found = {"status": params["state"] if params["state"] in NUMBERS else None}
    if params["evacuate"] is not None:
        waits = params["wait"] or params["state"] != "disabled"
        found["vms"] = Evacuation(params["evacuate"], params["destinations"], waits)
    return found


HOST = Resource(
    kind=KIND,
    read=read,
    values=values,
    create=create,
    remove=remove,
    removal=("vms",),
    settled=settled,
    failure=failure,
    twins={"IM_MAD": twin("im_mad"), "VM_MAD": twin("vm_mad")},
    attributes={
        "name": access.rename(KIND),
        "im_mad": attribute("im_mad"),
        "vm_mad": attribute("vm_mad"),
        "cluster": attribute("cluster", move, canonical=reference("cluster")),
        "template": template(KIND, MANAGED, canonical=partial(canonical_numbers, RESERVING)),
        "labels": labels(KIND),
        "vms": Attribute(plan_evacuation, canonical_evacuation, existing_only=True),
        "status": attribute("status", change_status),
    },
)
