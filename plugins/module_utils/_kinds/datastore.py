# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Datastores."""

from __future__ import annotations

import re
from functools import partial

from .._attributes import access, twins
from .._attributes import template as templates
from .._attributes.template import content, update
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import first_text
from .._engine.resource import Attribute, Resource, Step, as_given, delete
from .cluster import clusters

KIND = "datastore"
TYPES = ("image", "system", "file", "backup")  # by the number TYPE; IMAGE_DS, … in the template
WORDS = tuple(name + "_ds" for name in TYPES)
READY = 0  # STATE; 1 is disabled
NO_DRIVER = "-"
NO_CLUSTER = -1  # of one.datastore.allocate: the default cluster
DRIVERS = ("ds_mad", "tm_mad")
NEEDED = (("ds_mad", "DS_MAD"), ("tm_mad", "TM_MAD"))
SOME_NEEDED: dict = {"system": NEEDED[1:], "backup": NEEDED[:1]}  # by type; the others need both
# What the server writes from the configuration of the drivers: a replacement without it would lose it for good.
MANAGED = frozenset(
    "ALLOW_ORPHANS CLONE_TARGET DISK_TYPE DRIVER DS_LIVE_MIGRATE DS_MAD DS_MIGRATE DS_MIGRATE_SNAP LN_TARGET "
    "PERSISTENT_SNAPSHOTS RESTRICTED_DIRS SAFE_DIRS SHARED TM_MAD TM_MAD_SYSTEM TYPE".split()
) | frozenset(
    "%s_%s" % (name, driver)
    for name in ("CLONE_TARGET", "DISK_TYPE", "LN_TARGET")
    for driver in ("LOCAL", "QCOW2", "SHARED", "SSH")
)
NUMBERS = {"LIMIT_MB": (re.compile(r"[+-]?[0-9]+\Z"), "a whole number of MB")}  # as 7.4.0 and 6.10.5 count


def read(cloud, datastore):
    """The record of a datastore (one.datastore.info or a DATASTORE of one.datastorepool.info); sizes in MB."""
    number = datastore.TYPE
    return dict(
        access.owned(datastore),
        **content(datastore),
        type=TYPES[number] if 0 <= number < len(TYPES) else str(number),
        **{driver: driver_name(cloud, getattr(datastore, driver.upper()) or "") for driver in DRIVERS},
        cluster_ids=sorted(datastore.CLUSTERS.ID) if datastore.CLUSTERS is not None else [],
        enabled=datastore.STATE in (None, READY),
        base_path=datastore.BASE_PATH or "",
        total_mb=datastore.TOTAL_MB,
        free_mb=datastore.FREE_MB,
        used_mb=datastore.USED_MB,
        image_ids=sorted(datastore.IMAGES.ID),
    )


def driver_name(cloud, given):
    """The name of a driver; empty for none."""
    return "" if given == NO_DRIVER else given


def type_named(name, value):
    """The type that OpenNebula calls IMAGE_DS, SYSTEM_DS, …"""
    return twins.chosen(WORDS)(name, value)[:-3]


def canonical_type(cloud, given):
    """A type, also as OpenNebula calls it, in the words of the option."""
    return given if given in TYPES else given.lower()[: -len("_ds")]


def body(wanted):
    """The template attributes of the type and the drivers that are wanted."""
    drivers = {driver.upper(): wanted[driver] or NO_DRIVER for driver in DRIVERS if driver in wanted}
    return dict(drivers, **({"TYPE": wanted["type"].upper() + "_DS"} if "type" in wanted else {}))


def create(name, wanted, modes):
    refuse_disabled(wanted, TYPES[0])
    own = {attribute: value for attribute, value in body(wanted).items() if value != NO_DRIVER}
    cluster = (wanted.get("clusters") or [NO_CLUSTER])[0]
    given = dict(templates.new(name, wanted, modes), **own)
    return Step("create datastore %s" % name, "datastore.allocate", (given, cluster))


def needed(wanted):
    return SOME_NEEDED.get(wanted.get("type"), NEEDED)


def plan_kind(option, record, wanted, modes):
    """The change of type or driver: a new type and its drivers have to come in one call, so all bring the same step."""
    what = "change the type or the drivers of datastore %s" % record["name"]
    return record[option], wanted[option], [update(KIND, record, what, body(wanted))]


def kind_option(option, canonical=as_given):
    """The Attribute for the type or a driver."""
    return Attribute(partial(plan_kind, option), canonical)


def plan_enabled(record, wanted, modes):
    """Raises Failure for a datastore that is always enabled."""
    present, after = record["enabled"], wanted["enabled"]
    refuse_disabled(wanted, record["type"])
    what = "%s datastore %s" % ("enable" if after else "disable", record["name"])
    return present, after, [Step(what, "datastore.enable", (record["id"], after))]


def refuse_disabled(wanted, kind):
    """Raises Failure when a datastore is to be disabled that is no system datastore.

    Args:
        wanted (dict)
        kind (str): its type, unless the task gives another one.
    """
    if wanted.get("enabled") is False and wanted.get("type", kind) != "system":
        raise Failure("Only system datastores can be disabled: leave out enabled, or give type: system.", object=KIND)


def settled(datastore, wanted):
    """Whether its size is known; the server asks for that of a disabled or unshared system datastore never."""
    if datastore.STATE not in (None, READY):
        return True
    system = TYPES.index("system") == datastore.TYPE
    return bool(datastore.TOTAL_MB) or (system and first_text(datastore.TEMPLATE, "SHARED") != "YES")


def describe(cloud, datastore):
    """What one waits for."""
    return "the size of datastore %s is not known yet" % datastore.NAME


OWN = {
    "type": kind_option("type", canonical_type),
    **{driver: kind_option(driver, driver_name) for driver in DRIVERS},
    "clusters": clusters("datastores"),
    "enabled": Attribute(plan_enabled),
}
DATASTORE = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    settled=settled,
    describe=describe,
    needed=needed,
    twins={"TYPE": twin("type", type_named), **{driver.upper(): twin(driver) for driver in DRIVERS}},
    attributes=access.attributes(KIND, OWN, managed=MANAGED, canonical=partial(templates.canonical_numbers, NUMBERS)),
)
