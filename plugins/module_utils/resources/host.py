# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a host is."""

from __future__ import annotations

from ..resource import Attribute, Resource
from . import common

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


def settled(host, wanted):
    return STATES.get(host.STATE) != "init"


def failure(host):
    if STATES.get(host.STATE) != "error":
        return None
    return (host.TEMPLATE or {}).get("ERROR") or "its monitoring fails"


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
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
            "status": Attribute(write_status),
        },
        common.remove(KIND),
        settled,
        failure,
    )
