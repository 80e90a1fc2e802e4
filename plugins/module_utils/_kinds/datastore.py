# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a datastore is."""

from __future__ import annotations

from .._attributes import access, common
from .._engine.engine import Attribute, Resource
from .cluster import clusters

KIND = "datastore"
TYPES = ("image", "system", "file", "backup")  # by the number TYPE; IMAGE_DS, … in the template
READY = 0  # STATE; 1 is disabled
NO_DRIVER = "-"
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


def read(cloud, datastore):
    """The record of a datastore (one.datastore.info or a DATASTORE of one.datastorepool.info); sizes in MB."""
    number = datastore.TYPE
    return dict(
        access.owned(datastore),
        **common.content(datastore),
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


def body(wanted):
    """The template attributes of type and drivers."""
    drivers = {driver.upper(): wanted[driver] for driver in DRIVERS if wanted.get(driver)}
    return dict(drivers, **({"TYPE": wanted["type"].upper() + "_DS"} if wanted.get("type") else {}))


def create(cloud, name, wanted):
    given = dict(wanted.get("template", {}), NAME=name, **body(wanted))
    cluster = (wanted.get("cluster_ids") or [-1])[0]
    return cloud.call("create datastore %s" % name, "datastore.allocate", given, cluster, object=KIND, name=name)


def kind_of(wanted):
    """The Attributes for type and drivers.

    Args:
        wanted (dict): type and drivers as they are given; a new type and its drivers have to come in one call.
    """

    def write(cloud, oid, after, record):
        doing = "change the type or the drivers of datastore %s" % record["name"]
        cloud.call(doing, "datastore.update", oid, body(wanted), 1)

    drivers = {driver: Attribute(write, canonical=driver_name) for driver in DRIVERS}
    return {"type": Attribute(write), **drivers}


def write_enabled(cloud, oid, after, record):
    doing = "%s datastore %s" % ("enable" if after else "disable", record["name"])
    cloud.call(doing, "datastore.enable", oid, after)


def settled(datastore, wanted):
    """Whether its size is known; the server asks for that of a disabled or unshared system datastore never."""
    if datastore.STATE not in (None, READY):
        return True
    system = TYPES.index("system") == datastore.TYPE
    return bool(datastore.TOTAL_MB) or (system and (datastore.TEMPLATE or {}).get("SHARED") != "YES")


def resource(replace=False, labels="exact", purge=False, kind=None):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        purge (bool): the datastore leaves clusters that are not named.
        kind (dict | None): as for kind_of().
    """
    own = dict(kind_of(kind or {}), cluster_ids=clusters("datastores", purge), enabled=Attribute(write_enabled))
    attributes = access.attributes(KIND, own, replace, labels, MANAGED)
    needed = SOME_NEEDED.get((kind or {}).get("type"), NEEDED)
    return Resource(KIND, read, create, attributes, common.remove(KIND), settled, needed=needed)
