# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a cluster is."""

from __future__ import annotations

from ..difference import canonical
from ..resource import Attribute, Resource
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
        "template": canonical(cluster.TEMPLATE or {}),
    }


def create(cloud, name, wanted):
    return cloud.call("create cluster %s" % name, "cluster.allocate", name, object=KIND, name=name)


def members(option, purge):
    """The Attribute for members: ids, added to those there are, or exactly these with `purge`."""
    kind, add, take = MEMBERS[option]

    def canonical_ids(cloud, given):
        found = [cloud.reference(kind, item) for item in given]
        return sorted({item.ID for item in found if item is not None})

    def merged(present, wanted):
        return wanted if purge else sorted(set(present) | set(wanted))

    def write(cloud, oid, after, record):
        present = record[kind + "_ids"]
        for method, ids in ((add, set(after) - set(present)), (take, set(present) - set(after))):
            for member in sorted(ids):
                doing = "change the %s of cluster %s" % (option, record["name"])
                cloud.call(doing, method, oid, member)

    return Attribute(write, merged, canonical_ids)


def remove(cloud, record):
    cloud.call("remove cluster %s" % record["name"], "cluster.delete", record["id"], object=KIND, id=record["id"])


def resource(replace=False, purge=False):
    """The Resource; `replace`: template_mode replace; `purge`: members that are not named leave."""
    attributes = {"name": common.rename("cluster.rename", KIND)}
    for option, (kind, dummy, dummy) in MEMBERS.items():
        attributes[kind + "_ids"] = members(option, purge)
    attributes["template"] = common.template("cluster.update", KIND, replace, MANAGED)
    return Resource(KIND, read, create, attributes, remove)
