# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a host is."""

from __future__ import annotations

from .._attributes import common
from .._core.failure import Failure
from .._engine.engine import Attribute, Resource
from .._vm.evacuation import evacuate

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
# Restored by the server, or written by every monitoring message.
MANAGED = frozenset(
    "ARCH CGROUPS_VERSION CPUSPEED HOSTNAME HYPERVISOR IM_MAD KVM_CPU_FEATURES KVM_CPU_MODEL KVM_CPU_MODELS "
    "KVM_MACHINES MEMORY_ENCRYPTION MODELNAME RESERVED_CPU RESERVED_MEM TOTALCPU TOTALMEMORY TOTAL_WILDS "
    "TOTAL_ZOMBIES VERSION VM_MAD WILDS ZOMBIES".split()
)


def read(cloud, host):
    """The record of a host (one.host.info or a host of one.hostpool.info)."""
    state = STATES.get(host.STATE, str(host.STATE))
    return {
        "status": STATUS.get(state, state),
        "host_state": state,
        "cluster": host.CLUSTER,
        "cluster_id": host.CLUSTER_ID,
        "im_mad": host.IM_MAD,
        "vm_mad": host.VM_MAD,
        "vms": list(host.VMS.ID) if host.VMS is not None else [],
        **common.content(host),
    }


def create(cloud, name, wanted):
    cluster = cloud.reference("cluster", wanted["cluster"]).ID if "cluster" in wanted else -1
    drivers = [wanted.get(driver, "kvm") for driver in ("im_mad", "vm_mad")]
    return cloud.call(
        "create host %s" % name, "host.allocate", name, drivers[0], drivers[1], cluster, object=KIND, name=name
    )


def write_cluster(cloud, oid, after, record):
    cluster = cloud.reference("cluster", after)
    cloud.call("move host %s to cluster %s" % (record["name"], after), "cluster.addhost", cluster.ID, oid)


def write_status(cloud, oid, after, record):
    cloud.call("make host %s %s" % (record["name"], after), "host.status", oid, NUMBERS[after])


def shut(cloud, oid, record):
    """Lets no VM come to a host that they are to leave."""
    if record["status"] == "enabled":
        write_status(cloud, oid, "disabled", record)


def emptied(evacuation, status):
    """The Attribute `vms` of a host that VMs are to leave.

    Args:
        evacuation (Evacuation)
        status (str | None): of the host afterwards.
    """

    def canonical(cloud, given):
        if status not in ("disabled", "offline"):
            raise Failure("The option evacuate goes with state: disabled, offline or absent.", object=KIND)
        require_destinations(cloud, evacuation)
        return given

    def write(cloud, oid, after, record):
        if status == "offline":  # disabled is written before
            shut(cloud, oid, record)
        evacuate(cloud, cloud.info(KIND, oid), record["vms"], evacuation)

    return Attribute(write, canonical=canonical)


def require_destinations(cloud, evacuation):
    """Refuses hosts that there are not, or that the scheduler would not heed, before anything is changed."""
    if evacuation.destinations is not None and evacuation.how != "live":
        raise Failure("The option destinations goes with evacuate: live.", object=KIND)
    for destination in evacuation.destinations or ():
        cloud.reference(KIND, destination)


def remover(evacuation):
    """remove() of a host, once VMs have left it; without an evacuation OpenNebula refuses that while they are there."""
    remove = common.remove(KIND)

    def evacuate_first(cloud, record):
        require_destinations(cloud, evacuation)
        if record["vms"]:
            shut(cloud, record["id"], record)
            evacuate(cloud, cloud.info(KIND, record["id"]), record["vms"], evacuation)
        remove(cloud, record)

    return remove if evacuation is None else evacuate_first


def settled(host, wanted):
    left = wanted.get("vms") == [] and host.VMS is not None and len(host.VMS.ID) > 0
    return STATES.get(host.STATE) != "init" and not left


def failure(host):
    if STATES.get(host.STATE) != "error":
        return None
    return (host.TEMPLATE or {}).get("ERROR") or "its monitoring fails"


def resource(replace=False, labels="exact", evacuation=None, status=None):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        evacuation (Evacuation | None): how VMs leave, where none are wanted.
        status (str | None): what is wanted.
    """
    return Resource(
        KIND,
        read,
        create,
        {
            "name": common.rename(KIND),
            "im_mad": Attribute(),
            "vm_mad": Attribute(),
            "cluster": Attribute(write_cluster, canonical=common.reference("cluster")),
            "template": common.template(KIND, replace, MANAGED),
            "labels": common.labels(KIND, labels),
            **({} if evacuation is None else {"vms": emptied(evacuation, status)}),
            "status": Attribute(write_status, early=lambda after: after == "disabled"),
        },
        remover(evacuation),
        settled,
        failure,
    )
