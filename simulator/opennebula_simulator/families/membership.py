# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Who is in a cluster: told to both sides, cluster and member."""

from __future__ import annotations

from typing import Any

from ..store import Object
from . import vdc

DEFAULT = 0


def put_host(cluster: Object, host: Object) -> None:
    """Puts a host that is in no cluster into this one."""
    cluster.changed()
    cluster.hosts.add(host.oid)
    host.cluster_id, host.cluster = cluster.oid, cluster.name
    host.changed()


def take_host(cloud: Any, host: Object) -> None:
    """Out of its cluster: it goes elsewhere, or for good."""
    cloud["CLUSTER"].get(host.cluster_id).hosts.discard(host.oid)


def join(cluster: Object, members: str, obj: Object) -> None:
    """Puts a datastore ("datastores") or network ("vnets") into a cluster."""
    getattr(cluster, members).add(obj.oid)
    obj.cluster_ids.add(cluster.oid)
    cluster.changed()
    obj.changed()


def leave(cluster: Object, members: str, obj: Object) -> None:
    getattr(cluster, members).discard(obj.oid)
    obj.cluster_ids.discard(cluster.oid)
    cluster.changed()
    obj.changed()


def leave_all(cloud: Any, members: str, obj: Object) -> None:
    """When the datastore or network is deleted: out of VDCs, too."""
    for oid in list(obj.cluster_ids):
        leave(cloud["CLUSTER"].get(oid), members, obj)
    vdc.forget(cloud, members, obj.oid)
