# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a virtual data centre is."""

from __future__ import annotations

from .._attributes import common, relations
from .._core.cloud import label
from .._core.failure import Failure
from .._engine.engine import Attribute, Resource
from . import zone

KIND = "vdc"
# option: kind of the resources, which is also in the names of the methods and elements
RESOURCES = {"clusters": "cluster", "hosts": "host", "datastores": "datastore", "vnets": "vnet"}
EVERY, ALL = -10, "*"  # the id that stands for all resources of a kind in a zone, and the word for it


def read(cloud, vdc):
    """The record of a VDC (one.vdc.info or a VDC of one.vdcpool.info); resources as ids by the zone's id."""
    resources = {kind + "_ids": read_resources(vdc, kind.upper()) for kind in RESOURCES.values()}
    return dict(common.content(vdc), group_ids=sorted(vdc.GROUPS.ID), **resources)


def read_resources(vdc, element):
    found: dict[str, list] = {}
    for item in getattr(getattr(vdc, element + "S"), element):
        oid = getattr(item, element + "_ID")
        found.setdefault(str(item.ZONE_ID), []).append(ALL if oid == EVERY else oid)
    return {number: relations.in_order(ids) for number, ids in sorted(found.items())}


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name)
    return cloud.call("create VDC %s" % name, "vdc.allocate", body, object=KIND, name=name)


def groups(purge):
    """The Attribute `group_ids`: added to those there are, or exactly these with `purge`."""
    return relations.members("group_ids", "group", KIND, "vdc.addgroup", "vdc.delgroup", purge)


def resources(kind, where, purge):
    """The Attribute for the resources of a kind: {id of the zone: ids}.

    Args:
        kind (str): of the resources.
        where (str | None): zone that the resources belong to, by name or id; None: that of the server.
        purge (bool): those of the zone that are not named leave.
    """

    def canonical(cloud, given):
        number = zone.chosen(cloud, where)
        local = where is None or number == zone.here(cloud)
        ids = [one_resource(cloud, kind, item, local) for item in given]
        return {str(number): [ALL] if ALL in ids else relations.in_order(set(ids))}

    def merged(present, wanted):
        after = dict(
            present, **{number: _merged(present.get(number, []), ids, purge) for number, ids in wanted.items()}
        )
        return {number: after[number] for number in sorted(after) if after[number]}

    def write(cloud, oid, after, record):
        doing = "change the %ss of VDC %s" % (label(kind), record["name"])
        before = record[kind + "_ids"]
        for number in sorted(set(before) | set(after)):
            for verb, item in _steps(before.get(number, []), after.get(number, [])):
                cloud.call(doing, "vdc.%s%s" % (verb, kind), oid, int(number), EVERY if item == ALL else item)

    return Attribute(write, merged, canonical)


def one_resource(cloud, kind, given, local):
    """The id of a resource, or ALL; of one that a check run does not find (yet) the name.

    Raises:
        Failure: it is not known, or it has a name in another zone.
    """
    text = str(given)
    if text == ALL:
        return ALL
    if local:
        return relations.oid(kind)(cloud, text)
    if not text.isdigit():
        message = "The %s %r is in another zone, whose names this server does not know: give its id."
        raise Failure(message % (label(kind), text), object=KIND)
    return int(text)


def _merged(present, wanted, purge):
    if ALL in wanted or (ALL in present and not purge):
        return [ALL]
    return relations.in_order(set(wanted if purge else present + wanted))


def _steps(before, after):
    """(verb, id) of the calls from some resources to others; when all are added, the server itself drops the single."""
    gone = [] if ALL in after else [item for item in before if item not in after]
    return [("del", item) for item in gone] + [("add", item) for item in after if item not in before]


def resource(replace=False, labels="exact", where=None, purge=False):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        where, purge: as for resources(); `purge` also for groups.
    """
    attributes = {
        "name": common.rename(KIND),
        "template": common.template(KIND, replace),
        "labels": common.labels(KIND, labels),
        "group_ids": groups(purge),
        **{kind + "_ids": resources(kind, where, purge) for kind in RESOURCES.values()},
    }
    return Resource(KIND, read, create, attributes, common.remove(KIND))
