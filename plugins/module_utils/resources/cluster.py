# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a cluster is."""

from __future__ import annotations

from ..resource import Resource
from . import common

KIND = "cluster"
# option: (kind of the members, method that adds, method that takes away; None: the object always has a cluster)
MEMBERS = {
    "hosts": ("host", "cluster.addhost", "cluster.delhost"),
    "datastores": ("datastore", "cluster.adddatastore", "cluster.deldatastore"),
    "vnets": ("vnet", "cluster.addvnet", "cluster.delvnet"),
}
MANAGED = frozenset(("RESERVED_CPU", "RESERVED_MEM"))


def read(cloud, cluster):
    """The record of a cluster; members as ids in `host_ids`, …: names would cost a pool each."""
    return {
        "host_ids": sorted(cluster.HOSTS.ID),
        "datastore_ids": sorted(cluster.DATASTORES.ID),
        "vnet_ids": sorted(cluster.VNETS.ID),
        **common.content(cluster),
    }


def create(cloud, name, wanted):
    return cloud.call("create cluster %s" % name, "cluster.allocate", name, object=KIND, name=name)


def members(option, purge):
    """The Attribute for members: ids, added to those there are, or exactly these with `purge`."""
    kind, add, take = MEMBERS[option]
    return common.members(kind + "_ids", kind, KIND, add, take, purge)


def clusters(option, purge):
    """The Attribute `cluster_ids` of the members that an option names: added, or exactly these with `purge`."""
    kind, add, take = MEMBERS[option]
    return common.members("cluster_ids", KIND, kind, add, take, purge)


def resource(replace=False, purge=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `purge`: members not named leave; `labels`: labels_mode."""
    attributes = {"name": common.rename(KIND)}
    for option, (kind, dummy, dummy) in MEMBERS.items():
        attributes[kind + "_ids"] = members(option, purge)
    attributes["template"] = common.template(KIND, replace, MANAGED)
    attributes["labels"] = common.labels(KIND, labels)
    return Resource(KIND, read, create, attributes, common.remove(KIND))
