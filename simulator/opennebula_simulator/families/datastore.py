# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Datastores: types and drivers, and what the drivers' configuration writes into their templates."""

from __future__ import annotations

import re
from typing import Any

from .. import dummy, generic
from ..calls import Call, Method
from ..errors import internal
from ..store import OWNED, Kind, Object, cdata, ids, permissions, template, text
from ..template import Template, Vector
from . import membership

TYPES = {"IMAGE_DS": 0, "SYSTEM_DS": 1, "FILE_DS": 2, "BACKUP_DS": 3}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
IMAGE_DS, SYSTEM_DS, FILE_DS, BACKUP_DS = TYPES.values()
DISK_TYPES = {
    "FILE": 0,
    "CD_ROM": 1,
    "BLOCK": 2,
    "RBD": 3,
    "RBD_CDROM": 4,
    "GLUSTER": 5,
    "GLUSTER_CDROM": 6,
    "SHEEPDOG": 7,
    "SHEEPDOG_CDROM": 8,
    "ISCSI": 9,
    "FILESYSTEM": 10,
}
READY, DISABLED = 0, 1
NO_DRIVER = "-"
LOCATION = "/var/lib/one//datastores"

DATASTORE = Kind(
    name="DATASTORE",
    title="datastore",
    method="datastore",
    root="DATASTORE",
    layout=(
        *OWNED,
        permissions,
        cdata("DS_MAD", "ds_mad"),
        cdata("TM_MAD", "tm_mad"),
        cdata("BASE_PATH", "base_path"),
        text("TYPE", "type"),
        text("DISK_TYPE", "disk_type"),
        text("STATE", "state"),
        ids("CLUSTERS", "cluster_ids"),
        text("TOTAL_MB", "total_mb"),
        text("FREE_MB", "free_mb"),
        text("USED_MB", "used_mb"),
        ids("IMAGES", "images"),
        template(),
    ),
    unique="pool",
    bits=0o640,
    encrypted="DATASTORE",
    first_id=100,
    clusters=lambda obj: obj.cluster_ids,
)


def new(name: str, body: Template, **fields: Any) -> Object:
    defaults = {
        "ds_mad": NO_DRIVER,
        "tm_mad": NO_DRIVER,
        "type": IMAGE_DS,
        "disk_type": 0,
        "state": READY,
        "total_mb": 0,
        "free_mb": 0,
        "used_mb": 0,
        "base_path": "",
    }
    return Object(DATASTORE, name, body, **{**defaults, "cluster_ids": set(), "images": set(), **fields})


LIMIT = re.compile(r"\s*[+-]?[0-9]+\s*").fullmatch  # a LIMIT_MB that counts


def lacks(cloud: Any, datastore: Object, size: int) -> bool:
    """Whether so many MB are more than it may still take, where that is checked."""
    body = datastore.template
    if not body.flag("DATASTORE_CAPACITY_CHECK", cloud.config.flag("DATASTORE_CAPACITY_CHECK")):
        return False
    limit = body.text("LIMIT_MB")
    free = min(datastore.free_mb, int(limit) - datastore.used_mb) if LIMIT(limit) else datastore.free_mb
    return size > max(free, 0)


# ---------------------------------------------------------------- creation


def allocate(call: Call, given: str, cluster_id: int) -> int:
    cluster = call.find("CLUSTER", membership.DEFAULT if cluster_id == -1 else cluster_id)
    call.require(call.need("CREATE", "DATASTORE"), call.need("ADMIN", cluster))
    body = call.template(given)
    datastore = new(body.pop("NAME"), body)
    oid = call.allocate(datastore, lambda obj: complete(call.cloud, obj))
    membership.join(cluster, "datastores", datastore)
    call.cloud.events.after(1, monitor, call.cloud, oid)
    return oid


def complete(cloud: Any, obj: Object) -> None:
    """Fields and template of a new datastore. Raises Refused when its template does not allow one."""
    body = obj.template
    obj.type = TYPES.get(body.text("TYPE"), IMAGE_DS)
    obj.base_path = f"{LOCATION}/{obj.oid}"
    set_ds_mad(cloud, obj, body)
    set_disk_type(obj, body)
    obj.tm_mad = NO_DRIVER if obj.type == BACKUP_DS else body.text("TM_MAD")
    if not obj.tm_mad:
        raise internal("No TM_MAD in template.")
    body.set("TM_MAD", obj.tm_mad)
    apply_tm_mad(cloud, obj, body)
    for name, default in (("RESTRICTED_DIRS", "/"), ("SAFE_DIRS", "/var/tmp")):  # noqa: S108 the server's default
        if name not in body:
            body.set(name, default)


def set_ds_mad(cloud: Any, obj: Object, body: Template) -> None:
    """The datastore driver; system datastores have none. Raises Refused."""
    if obj.type == SYSTEM_DS:
        obj.ds_mad = NO_DRIVER
        body.erase("DS_MAD")
        return
    obj.ds_mad = body.text("DS_MAD")
    if not obj.ds_mad:
        raise internal("No DS_MAD in template.")
    for name in filter(None, driver(cloud, "DS_MAD", obj.ds_mad).get("REQUIRED_ATTRS", "").split(",")):
        if not body.text(name):
            raise internal(f'Datastore template is missing the "{name}" attribute or it\'s empty.')


def set_disk_type(obj: Object, body: Template) -> None:
    """The kind of disks: files unless told otherwise; only images and running VMs have any."""
    given = body.text("DISK_TYPE") or "FILE"
    if given not in DISK_TYPES:
        raise internal("Unknown DISK_TYPE in template.")
    obj.disk_type = DISK_TYPES[given]
    if obj.type in (FILE_DS, BACKUP_DS):
        body.erase("DISK_TYPE")
    else:
        body.set("DISK_TYPE", given)


def driver(cloud: Any, kind: str, name: str) -> Vector:
    """The configuration of a driver ("DS_MAD" or "TM_MAD"). Raises Refused when there is none."""
    for conf in cloud.config.vectors(f"{kind}_CONF"):
        if conf["NAME"] == name:
            return conf
    raise internal(f'{kind} named "{name}" is not defined in oned.conf')


# ---------------------------------------------------------------- what the transfer driver writes

IMAGE_SIDE = ["CLONE_TARGET", "LN_TARGET"]
SYSTEM_SIDE = ["SHARED", "DS_MIGRATE", "DS_LIVE_MIGRATE", "DS_MIGRATE_SNAP"]
OTHER_SYSTEM = ["CLONE_TARGET", "LN_TARGET", "DISK_TYPE"]  # for each driver of TM_MAD_SYSTEM


def apply_tm_mad(cloud: Any, obj: Object, body: Template) -> None:
    """Raises Refused when the driver is not configured. Backups are not transferred: they have no driver."""
    if obj.type == BACKUP_DS:
        return
    conf = driver(cloud, "TM_MAD", obj.tm_mad)
    own, foreign = (SYSTEM_SIDE, IMAGE_SIDE) if obj.type == SYSTEM_DS else (IMAGE_SIDE, ["SHARED"])
    body.erase(*foreign)
    written = {name: conf.get(name, "") for name in own}
    written["ALLOW_ORPHANS"] = conf.get("ALLOW_ORPHANS", "NO")
    written["PERSISTENT_SNAPSHOTS"] = conf.get("PERSISTENT_SNAPSHOTS", "YES")
    if obj.type != SYSTEM_DS:
        written.update(other_systems(conf))
        written.update({"DRIVER": conf["DRIVER"]} if "DRIVER" in conf else {})
    for name, value in cloud.release.shown("DATASTORE", written).items():
        body.set(name, value)


def other_systems(conf: Vector) -> dict[str, str]:
    """The variants for system datastores of another driver, e.g. CLONE_TARGET_SSH."""
    others = [name for name in conf.get("TM_MAD_SYSTEM", "").split(",") if name]
    written = {"TM_MAD_SYSTEM": ",".join(others)} if others else {}
    for other in others:
        for name in OTHER_SYSTEM:
            variant = f"{name}_{other.upper()}"
            if variant in conf:
                written[variant] = conf[variant]
    return written


# ---------------------------------------------------------------- update


def normalise(call: Call, obj: Object, body: Template) -> None:
    """Type and drivers are fields of the datastore: the template changes them, and cannot lose them."""
    before = (obj.type, obj.tm_mad, obj.ds_mad, obj.disk_type)
    try:
        renew(call.cloud, obj, body)
    except Exception:
        obj.type, obj.tm_mad, obj.ds_mad, obj.disk_type = before
        raise


def renew(cloud: Any, obj: Object, body: Template) -> None:
    """What the driver writes stays as it is where the template names no driver, as one that replaces all may not."""
    old_type, is_named = obj.type, bool(body.text("TM_MAD"))
    if body.text("TYPE"):
        obj.type = TYPES.get(body.text("TYPE"), IMAGE_DS)
    body.set("TYPE", TYPE_NAMES[obj.type])
    if obj.type != SYSTEM_DS and not body.text("DS_MAD"):
        body.set("DS_MAD", obj.ds_mad)
    set_ds_mad(cloud, obj, body)
    if body.text("DISK_TYPE"):
        set_disk_type(obj, body)
    obj.tm_mad = body.text("TM_MAD") or obj.tm_mad
    body.set("TM_MAD", obj.tm_mad)
    if is_named or obj.type != old_type:
        apply_tm_mad(cloud, obj, body)


# ---------------------------------------------------------------- the rest


def monitor(cloud: Any, oid: int) -> None:
    """Event: the driver reports the size."""
    datastore = cloud["DATASTORE"].get(oid)
    if datastore is not None:
        for name, number in dummy.DATASTORE_MB.items():
            setattr(datastore, name.lower(), number)


def enable(call: Call, obj: Object, enabled: bool) -> None:
    if obj.type != SYSTEM_DS:
        raise internal("Only SYSTEM_DS can be disabled or enabled")
    obj.state = READY if enabled else DISABLED


def rename_in_images(call: Call, obj: Object) -> None:
    for oid in obj.images:
        call.pool("IMAGE").get(oid).datastore = obj.name


def removed(call: Call, obj: Object) -> None:
    membership.leave_all(call.cloud, "datastores", obj)


def bootstrap(cloud: Any) -> None:
    """The three datastores of a fresh server."""
    cluster, owner, group = cloud["CLUSTER"].get(0), cloud["USER"].get_ro(0), cloud["GROUP"].get_ro(0)
    for name, kind, ds_mad in (("system", SYSTEM_DS, ""), ("default", IMAGE_DS, "fs"), ("files", FILE_DS, "fs")):
        body = Template([("TYPE", TYPE_NAMES[kind]), ("TM_MAD", cloud.release.default_driver)])
        if ds_mad:
            body.set("DS_MAD", ds_mad)
        obj = cloud["DATASTORE"].bootstrap(new(name, body, bits=DATASTORE.bits))
        cloud["DATASTORE"].give(obj, owner, group)
        complete(cloud, obj)
        membership.join(cluster, "datastores", obj)
        cloud.events.after(1, monitor, cloud, obj.oid)


KINDS = [DATASTORE]
METHODS = [
    Method("one.datastore.allocate", "template:string, cluster_id:int", allocate),
    generic.delete(
        DATASTORE,
        refuse=lambda call, obj: f"Datastore {obj.oid} is not empty." if obj.images else None,
        after=removed,
    ),
    generic.info(DATASTORE),
    generic.update(DATASTORE, normalise=normalise),
    generic.rename(DATASTORE, after=rename_in_images),
    generic.chown(DATASTORE),
    generic.chmod(DATASTORE),
    Method("one.datastore.enable", "oid:int, enable:boolean", enable, needs="MANAGE DATASTORE"),
    generic.pool_info(DATASTORE),
]
