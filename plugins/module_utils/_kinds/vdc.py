# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Virtual data centres (VDCs)."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .._attributes import access
from .._attributes import template as templates
from .._attributes.labels import labels
from .._attributes.relations import change_members, in_order, merged_ids, reference_id, reference_ids
from .._attributes.template import content, template
from .._core.cloud import label
from .._core.failure import Failure
from .._core.federation import here
from .._core.numbers import is_whole
from .._engine.resource import Modes, Resource, Step, attribute, delete
from . import zone

KIND = "vdc"
# option: kind of the resources, which is also in the names of the methods and elements
RESOURCES = {"clusters": "cluster", "hosts": "host", "datastores": "datastore", "vnets": "vnet"}
EVERY, ALL = -10, "*"  # the id that stands for all resources of a kind in a zone, and what users write for it
PURGE = "purge"  # option: groups, and resources of the zone, that are not named leave the VDC


def read(cloud, vdc):
    """The record of a VDC (one.vdc.info or a VDC of one.vdcpool.info); resources as ids by the zone's id."""
    resources = {kind + "_ids": read_resources(vdc, kind.upper()) for kind in RESOURCES.values()}
    return dict(content(vdc), group_ids=sorted(vdc.GROUPS.ID), **resources)


def read_resources(vdc, element):
    found: dict[str, list] = {}
    for item in getattr(getattr(vdc, element + "S"), element):
        oid = getattr(item, element + "_ID")
        found.setdefault(str(item.ZONE_ID), []).append(ALL if oid == EVERY else oid)
    return {number: in_order(ids) for number, ids in sorted(found.items())}


def create(name, wanted, modes):
    return Step("create VDC %s" % name, "vdc.allocate", (templates.new(name, wanted, modes),))


# ---------------------------------------------------------------- resources


class Selection(NamedTuple):
    """The resources of one kind that a task names.

    Args:
        zone (str | None): that they belong to, by name or id; None: that of the server.
        given (list): names, ids or ``*``.
    """

    zone: Any
    given: list


def values(params):
    """The option `zone` says where the resources are; two options say which groups there are."""
    given = {option: params[option] for option in RESOURCES}
    found = {option: None if names is None else Selection(params["zone"], names) for option, names in given.items()}
    groups = Groups(params["groups"], params["remove_groups"])
    return dict(found, groups=None if groups == Groups() else groups)


# ---------------------------------------------------------------- groups


class Groups(NamedTuple):
    """What a task wants of the groups.

    Args:
        present (list | None): those to have; None: the task does not say.
        absent (list | None): those that leave.
    """

    present: Any = None
    absent: Any = None


def canonical_groups(cloud, given):
    """Groups with ids in place of names; a group that does not exist has left.

    Raises:
        Failure: one is to be there, and to leave.
    """
    present = None if given.present is None else group_ids(cloud, given.present)
    absent = group_ids(cloud.tolerant(), given.absent or ())
    both = sorted(set(map(str, given.present or ())) & set(map(str, given.absent or ())))
    if both or set(present or ()) & set(absent):
        raise Failure("The options groups and remove_groups name the same group.", object=KIND)
    return Groups(present, absent)


def merged_groups(present, wanted, modes):
    kept = present if wanted.present is None else merged_ids(PURGE, present, wanted.present, modes)
    return [oid for oid in kept if oid not in wanted.absent]


def shown_groups(value):
    return merged_groups([], value, Modes()) if isinstance(value, Groups) else value


group_ids = reference_ids("group")
leave_and_join = partial(change_members, "group_ids", KIND, "group", "vdc.addgroup", "vdc.delgroup", False)


def canonical_resources(kind, cloud, given):
    """{id of the zone: ids} of a Selection."""
    number = _zone(cloud, given.zone)
    local = given.zone is None or number == here(cloud)
    ids = [one_resource(cloud, kind, item, local) for item in given.given]
    return {str(number): [ALL] if ALL in ids else in_order(set(ids))}


def _zone(cloud, given):
    try:
        return zone.chosen(cloud, given)
    except Failure as failure:
        failure.option = "zone"
        raise


def one_resource(cloud, kind, given, local):
    """The id of a resource, or ALL; of one that a check run does not find (yet) the name.

    Raises:
        Failure: it is not known, or it has a name in another zone.
    """
    text = str(given)
    if text == ALL:
        return ALL
    if local:
        return reference_id(kind)(cloud, text)
    if not is_whole(text):
        message = "The %s %r is in another zone, whose names this server does not know: give its id."
        raise Failure(message % (label(kind), text), object=KIND)
    return int(text)


def merged_resources(present, wanted, modes):
    """The resources by zone after the change; zones that are not wanted stay as they are."""
    purge = PURGE in modes.purge
    zones = {number: _merged_zone(present.get(number, []), ids, purge) for number, ids in wanted.items()}
    after = dict(present, **zones)
    return {number: after[number] for number in sorted(after) if after[number]}


def _merged_zone(present, wanted, purge):
    if ALL in wanted or (ALL in present and not purge):
        return [ALL]
    return in_order(set(wanted if purge else present + wanted))


def change_resources(kind, record, after):
    what = "change the %ss of VDC %s" % (label(kind), record["name"])
    before = record[kind + "_ids"]
    return [
        Step(what, "vdc.%s%s" % (verb, kind), (record["id"], _number(number), EVERY if item == ALL else item))
        for number in sorted(set(before) | set(after))
        for verb, item in _differences(before.get(number, []), after.get(number, []))
    ]


def _number(text):
    """The id of a zone; of one that a check run does not find (yet) the name."""
    return int(text) if is_whole(text) else text


def _differences(before, after):
    """(verb, id) of the calls from some resources to others; when all are added, the server itself drops the single."""
    gone = [] if ALL in after else [item for item in before if item not in after]
    return [("del", item) for item in gone] + [("add", item) for item in after if item not in before]


def resources(option, kind):
    """The Attribute for the resources of a kind."""
    write, canonical = partial(change_resources, kind), partial(canonical_resources, kind)
    return attribute(option, write, merged_resources, canonical, field=kind + "_ids")


VDC = Resource(
    kind=KIND,
    read=read,
    values=values,
    create=create,
    remove=partial(delete, KIND),
    attributes={
        "name": access.rename(KIND),
        "template": template(KIND),
        "labels": labels(KIND),
        "groups": attribute("groups", leave_and_join, merged_groups, canonical_groups, "group_ids", shown=shown_groups),
        **{option: resources(option, kind) for option, kind in RESOURCES.items()},
    },
)
