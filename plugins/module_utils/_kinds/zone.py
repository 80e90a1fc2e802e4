# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Zones of a federation."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes import template as templates
from .._attributes.labels import labels
from .._attributes.relations import reference_id
from .._attributes.template import content, template, update
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.federation import here, mode_and_zone
from .._core.values import first_text
from .._engine.resource import FIRST, LAST, Resource, Step, attribute, delete

KIND = "zone"
FEDERATED = ("MASTER", "SLAVE")
ENABLED = 0  # STATE; 1 is disabled
ENDPOINT = "ENDPOINT"
PURGE = "purge_servers"  # option: servers that are not named leave the zone
MANAGED = frozenset((ENDPOINT, "ENDPOINT_GRPC"))


def chosen(cloud, given):
    """The id of a zone by name or id, that of the server when none is given; a name that a check run does not find."""
    return here(cloud) if given is None else reference_id(KIND)(cloud, given)


def read(cloud, zone):
    """The record of a zone (one.zone.info or a ZONE of one.zonepool.info)."""
    found = content(zone)
    pool = zone.SERVER_POOL.SERVER if zone.SERVER_POOL is not None else []
    return dict(
        found,
        endpoint=first_text(found["template"], ENDPOINT),
        enabled=zone.STATE in (None, ENABLED),  # releases before 6.2 have no states
        servers=[{"id": server.ID, "name": server.NAME, "endpoint": server.ENDPOINT} for server in pool],
    )


def create(name, wanted, modes):
    body = dict(templates.new(name, wanted, modes), ENDPOINT=wanted["endpoint"])
    return Step("create zone %s" % name, "zone.allocate", (body,))


def needed(wanted):
    return ("endpoint",)


def permits(cloud):
    """Only the master of a federation creates zones, for a slave too.

    Raises:
        Failure: the server belongs to none.
    """
    mode = mode_and_zone(cloud)[0]
    if mode not in FEDERATED:
        message = "Only the master of a federation creates zones; MODE in oned.conf of this front-end is %s."
        raise Failure(message % mode, object=KIND)


def change_endpoint(record, after):
    return [update(KIND, record, "change the endpoint of zone %s" % record["name"], {ENDPOINT: after})]


def change_enabled(record, after):
    """A disabled zone refuses changes."""
    what = "%s zone %s" % ("enable" if after else "disable", record["name"])
    return [Step(what, "zone.enable", (record["id"], after), phase=FIRST if after else LAST)]


def merged_servers(present, wanted, modes):
    """The servers after the change, which their names tell apart."""
    given = {server["name"]: server for server in wanted}
    kept = [server for server in present if PURGE not in modes.purge or server["name"] in given]
    changed = [dict(server, **given.pop(server["name"], {})) for server in kept]
    return changed + list(given.values())


def change_servers(record, after):
    """A server cannot be changed, only removed and added again."""
    what = "change the servers of zone %s" % record["name"]
    present = record["servers"]
    gone = [server["id"] for server in present if server not in after]
    new = [{"NAME": server["name"], ENDPOINT: server["endpoint"]} for server in after if server not in present]
    steps = [Step(what, "zone.delserver", (record["id"], number)) for number in gone]
    return steps + [Step(what, "zone.addserver", (record["id"], {"SERVER": body})) for body in new]


ZONE = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    needed=needed,
    permits=permits,
    twins={ENDPOINT: twin("endpoint")},
    attributes={
        "name": access.rename(KIND),
        "endpoint": attribute("endpoint", change_endpoint),
        "template": template(KIND, MANAGED),
        "labels": labels(KIND),
        "servers": attribute("servers", change_servers, merged_servers),
        "enabled": attribute("enabled", change_enabled),
    },
)
