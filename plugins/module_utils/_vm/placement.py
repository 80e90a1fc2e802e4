# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Where a VM is, and how it gets elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core.failure import Failure
from . import resource as vm
from .evacuation import MIGRATED, MONITORED, placed
from .states import RESTING, status
from .transitions import Step, Until, heading

SAME = -1  # datastore
# how → (live, type of a cold migration)
WAYS = {"live": (True, 0), "save": (False, 0), "poweroff": (False, 1), "poweroff-hard": (False, 2)}


class Place(NamedTuple):
    """Ids of where a VM is, or is to be."""

    host: Any
    datastore: Any


def present(item):
    """The Place of a VM (one.vm.info).

    Raises:
        Failure: it is on no host.
    """
    records = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    if not records or heading(item) not in MIGRATED:
        message = "VM %s is %s: only what is on a host can be moved."
        raise Failure(message % (item.NAME, status(item)), object=vm.KIND, id=item.ID)
    return Place(records[-1].HID, records[-1].DS_ID)


def wanted(cloud, item, params):
    """The Place that the options `host`, `cluster` and `datastore` speak of; what they leave open stays.

    Raises:
        Failure: no host of the cluster has room.
    """
    here = present(item)
    host, datastore = here
    if params["host"] is not None:
        host = _id(cloud, "host", params["host"])
    elif params["cluster"] is not None:
        host = _in_cluster(cloud, item, here, params["cluster"])
    if params["datastore"] is not None:
        datastore = _id(cloud, "datastore", params["datastore"])
    return Place(host, datastore)


def _id(cloud, kind, given):
    found = cloud.reference(kind, given)
    return given if found is None else found.ID


def hosts(cloud, cluster):
    """The hosts of a cluster, by its name or id, that take VMs."""
    found = cloud.reference("cluster", cluster)
    return [one for one in cloud.pool("host") if one.STATE in MONITORED and one.CLUSTER_ID == found.ID] if found else []


def _in_cluster(cloud, item, here, cluster):
    """The host where the VM is, if that is in the cluster; else the one with most room."""
    found = hosts(cloud, cluster)
    if here.host in [one.ID for one in found]:
        return here.host
    target = placed(found, [item]).get(item.ID)
    if target is None:
        message = "No host of cluster %s has room for VM %s."
        raise Failure(message % (cluster, item.NAME), object=vm.KIND, id=item.ID)
    return target.ID


def shown(cloud, place):
    """A Place in names."""
    return {"host": _name(cloud, "host", place.host), "datastore": _name(cloud, "datastore", place.datastore)}


def _name(cloud, kind, oid):
    return next((one.NAME for one in cloud.pool(kind) if oid == one.ID), oid)


def move(cloud, item, here, there, how, enforce):
    """[Step, Until] from one Place to another.

    Args:
        how (str): key of WAYS, for a VM that runs.
        enforce (bool): refuse a host without room.
    """
    live, cold = WAYS[how]
    datastore = SAME if there.datastore == here.datastore else there.datastore
    arguments = (item.ID, there.host, live and heading(item) == "running", enforce, datastore, cold)

    def run():
        cloud.call("migrate VM %s" % item.NAME, "vm.migrate", *arguments, object=vm.KIND, id=item.ID)

    def arrived(seen):
        return status(seen) in RESTING and present(seen) == there

    return [Step("be migrated", MIGRATED, run, still=False), Until("arrival on the other host", arrived)]
