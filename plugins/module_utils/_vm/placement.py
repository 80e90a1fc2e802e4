# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The host and the datastore of a VM, and its migration to others."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .._core.failure import Failure
from .._engine.resource import LAST, Attribute, Resource, Step
from .evacuation import MIGRATED, MONITORED, placed
from .record import KIND
from .states import RESTING, error, has_moved, last_record, record_number, status
from .transitions import target_state

SAME = -1  # datastore
# how → (live, type of a cold migration)
WAYS = {"live": (True, 0), "save": (False, 0), "poweroff": (False, 1), "poweroff-hard": (False, 2)}


class Place(NamedTuple):
    """Ids of the host and the system datastore of a VM."""

    host: Any
    datastore: Any


class Migration(NamedTuple):
    """How a VM is moved.

    Args:
        place (Place): where to.
        how (str): key of WAYS, for a VM that runs.
        enforce (bool): refuse a host without room.
    """

    place: Place
    how: str
    enforce: bool


def read(cloud, item):
    """The record of a VM (one.vm.info)."""
    return {"place": present(item), "target_state": target_state(item), "record": record_number(item)}


def present(item):
    """The Place of a VM (one.vm.info).

    Raises:
        Failure: it is on no host.
    """
    last = last_record(item)
    if last is None or target_state(item) not in MIGRATED:
        message = "VM %s is %s: only what is on a host can be moved."
        raise Failure(message % (item.NAME, status(item)), object=KIND, id=item.ID)
    return Place(last.HID, last.DS_ID)


def wanted_place(cloud, item, params):
    """The Place that the options `host`, `cluster` and `datastore` give; what they leave open stays.

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
    """The present host of the VM, if that is in the cluster; else the one with most room."""
    found = hosts(cloud, cluster)
    if here.host in [one.ID for one in found]:
        return here.host
    target = placed(found, [item]).get(item.ID)
    if target is None:
        message = "No host of cluster %s has room for VM %s."
        raise Failure(message % (cluster, item.NAME), object=KIND, id=item.ID)
    return target.ID


def place_names(cloud, place):
    """A Place as a dictionary with names."""
    return {"host": _name(cloud, "host", place.host), "datastore": _name(cloud, "datastore", place.datastore)}


def _name(cloud, kind, oid):
    return next((one.NAME for one in cloud.pool(kind) if oid == one.ID), oid)


def plan_place(record, wanted, modes):
    """The VM is migrated, and waited for at its place."""
    here, (there, how, enforce) = record["place"], wanted["place"]
    live, cold = WAYS[how]
    datastore = SAME if there.datastore == here.datastore else there.datastore
    running = record["target_state"] == "running"
    arguments = (record["id"], there.host, live and running, enforce, datastore, cold)
    on = "VM %s" % record["name"]
    moved = Step("migrate", "vm.migrate", arguments, on=on, states=MIGRATED, transient=True)
    arrived = Step("arrival on the other host", until=partial(_arrived, there, record["record"]), phase=LAST)
    return here, there, [moved, arrived]


def _arrived(place, number, item):
    """Whether a VM rests at a place.

    Args:
        number (int): of the history record that it had before it was migrated.

    Raises:
        Failure: it rests elsewhere after it has moved: the driver has failed, or somebody else has moved it.
    """
    if status(item) in RESTING and present(item) == place:
        return True
    if not has_moved(item, number):
        return False
    message = "VM %s has not stayed where it was migrated to: it is on host %s. %s"
    why = error(item) or "Somebody else may have moved it meanwhile; run the task again"
    raise Failure(message % (item.NAME, last_record(item).HOSTNAME, why + "."), object=KIND, id=item.ID)


VM_PLACE = Resource(KIND, read, {"place": Attribute(plan_place)})
