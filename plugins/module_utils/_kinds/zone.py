# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a zone is."""

from __future__ import annotations

from .._attributes import common, relations
from .._engine.engine import Attribute, Resource
from ..pyone import bindings_service

KIND = "zone"
SHIPPED = bindings_service  # the types of what system.config answers
ENABLED = 0  # STATE; 1 is disabled
ENDPOINT = "ENDPOINT"
MANAGED = frozenset((ENDPOINT, "ENDPOINT_GRPC"))


def here(cloud):
    """The id of the zone that the server belongs to; in a federation only administrators may ask for it."""
    zones = cloud.pool(KIND)
    if len(zones) == 1:
        return zones[0].ID
    return cloud.call("ask for the zone of the server", "system.config").FEDERATION.ZONE_ID


def chosen(cloud, given):
    """The id of a zone by name or id, that of the server when none is given; a name that a check run does not find."""
    return here(cloud) if given is None else relations.oid(KIND)(cloud, given)


def read(cloud, zone):
    """The record of a zone (one.zone.info or a ZONE of one.zonepool.info)."""
    found = common.content(zone)
    pool = zone.SERVER_POOL.SERVER if zone.SERVER_POOL is not None else []
    return dict(
        found,
        endpoint=found["template"].get(ENDPOINT, ""),
        enabled=zone.STATE in (None, ENABLED),  # releases before 6.2 have no states
        servers=[{"id": server.ID, "name": server.NAME, "endpoint": server.ENDPOINT} for server in pool],
    )


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name, ENDPOINT=wanted["endpoint"])
    return cloud.call("create zone %s" % name, "zone.allocate", body, object=KIND, name=name)


def write_endpoint(cloud, oid, after, record):
    cloud.call("change the endpoint of zone %s" % record["name"], "zone.update", oid, {ENDPOINT: after}, 1)


def write_enabled(cloud, oid, after, record):
    cloud.call("%s zone %s" % ("enable" if after else "disable", record["name"]), "zone.enable", oid, after)


def servers(purge):
    """The Attribute `servers`, told apart by name; `purge`: those that are not named leave the zone."""

    def merged(present, wanted):
        given = {server["name"]: server for server in wanted}
        kept = [
            dict(server, **given.pop(server["name"], {})) for server in present if not purge or server["name"] in given
        ]
        return kept + list(given.values())

    def write(cloud, oid, after, record):
        doing = "change the servers of zone %s" % record["name"]
        for server in record["servers"]:
            if server not in after:
                cloud.call(doing, "zone.delserver", oid, server["id"])
        for server in after:
            if server not in record["servers"]:  # a server cannot be changed, only added anew
                body = {"NAME": server["name"], ENDPOINT: server["endpoint"]}
                cloud.call(doing, "zone.addserver", oid, {"SERVER": body})

    return Attribute(write, merged)


def resource(replace=False, labels="exact", purge=False):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode; `purge`: as for servers()."""
    attributes = {
        "name": common.rename(KIND),
        "endpoint": Attribute(write_endpoint),
        "template": common.template(KIND, replace, MANAGED),
        "labels": common.labels(KIND, labels),
        "servers": servers(purge),
        "enabled": Attribute(write_enabled, early=bool),  # a disabled zone refuses changes
    }
    return Resource(KIND, read, create, attributes, common.remove(KIND), needed=("endpoint",))
