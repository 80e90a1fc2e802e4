# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Images: types, states, and the VMs and clones that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import dummy, generic
from ..attributes import listed
from ..calls import Call, Method
from ..errors import internal, wrong_action
from ..store import OWNED, Kind, Object, cdata, ids, lock, permissions, template, text
from ..template import Template, Vector
from .datastore import BACKUP_DS, DISK_TYPES, FILE_DS, IMAGE_DS, SYSTEM_DS

TYPES = ("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT", "BACKUP", "FILESYSTEM")
DISKS, FILES, BACKUPS = ("OS", "CDROM", "DATABLOCK", "FILESYSTEM"), ("KERNEL", "RAMDISK", "CONTEXT"), ("BACKUP",)
FITS = {
    IMAGE_DS: (DISKS, ""),
    FILE_DS: (FILES, "Only IMAGES of type KERNEL, RAMDISK and CONTEXT can be registered in a FILE_DS datastore"),
    BACKUP_DS: (BACKUPS, "Only IMAGES of type BACKUP can be registered in a BACKUP_DS datastore"),
}
INTERCHANGEABLE = (("OS", "CDROM", "DATABLOCK"), FILES)
NEEDS_PATH = ("CDROM", *FILES, "FILESYSTEM")
INIT, READY, USED, DISABLED, LOCKED, ERROR, CLONE, DELETE, USED_PERS, LOCKED_USED, LOCKED_USED_PERS = range(11)
STATES = "INIT READY USED DISABLED LOCKED ERROR CLONE DELETE USED_PERS LOCKED_USED LOCKED_USED_PERS".split()
IN_USE = (USED, USED_PERS, LOCKED_USED, LOCKED_USED_PERS, CLONE)


def state(obj: Object) -> str:
    return f"<STATE>{obj.state}</STATE><PREV_STATE>{obj.state}</PREV_STATE>"


IMAGE = Kind(
    name="IMAGE",
    title="image",
    method="image",
    root="IMAGE",
    layout=(
        *OWNED,
        lock,
        permissions,
        lambda obj: f"<TYPE>{TYPES.index(obj.type)}</TYPE>",
        text("DISK_TYPE", "disk_type"),
        lambda obj: f"<PERSISTENT>{int(obj.persistent)}</PERSISTENT>",
        text("REGTIME", "regtime"),
        text("MODTIME", "modtime"),
        cdata("SOURCE", "source"),
        cdata("PATH", "path"),
        cdata("FORMAT", "format"),
        cdata("FS", "fs"),
        text("SIZE", "size"),
        state,
        lambda obj: f"<RUNNING_VMS>{len(obj.vms)}</RUNNING_VMS>",
        text("CLONING_OPS", "cloning_ops"),
        text("CLONING_ID", "cloning_id"),
        lambda obj: "<TARGET_SNAPSHOT>-1</TARGET_SNAPSHOT>",
        text("DATASTORE_ID", "datastore_id"),
        text("DATASTORE", "datastore"),
        ids("VMS", "vms"),
        ids("CLONES", "clones"),
        ids("APP_CLONES", "app_clones"),
        template(),
        template("SNAPSHOTS", "snapshots"),
        lambda obj: "<BACKUP_INCREMENTS></BACKUP_INCREMENTS>",
        ids("BACKUP_DISK_IDS", "backup_disk_ids"),
    ),
    allocates=True,
    last_wins=True,
    restricted="IMAGE",
    restricted_title="Image Template",
    encrypted="IMAGE",
)


def new(cloud: Any, name: str, body: Template, **fields: Any) -> Object:
    now = cloud.events.time()
    snapshots = Template([("ALLOW_ORPHANS", "NO"), ("CURRENT_BASE", "-1"), ("NEXT_SNAPSHOT", "0")])
    defaults = {
        "type": "OS",
        "disk_type": 0,
        "persistent": False,
        "regtime": now,
        "modtime": now,
        "source": "",
        "path": "",
        "format": "",
        "fs": "",
        "size": 0,
        "state": INIT,
        "cloning_ops": 0,
        "cloning_id": -1,
        "datastore_id": -1,
        "datastore": "",
        "snapshots": snapshots,
    }
    sets = {name: set() for name in ("vms", "clones", "app_clones", "backup_disk_ids")}
    return Object(IMAGE, name, body, **{**defaults, **sets, **fields})


# ---------------------------------------------------------------- creation


def allocate(call: Call, given: str, datastore_id: int, skip_capacity_check: bool) -> int:
    body = call.template(given, IMAGE)
    datastore = call.find("DATASTORE", datastore_id)
    if not call.is_admin:
        generic.refuse_restricted(call, IMAGE, body, Template(), append=True)
    size = size_of_app(call.cloud, body) if body.text("FROM_APP").isdigit() else size_of(body)
    call.require(call.need("CREATE", "IMAGE"), call.need("USE", datastore))
    if not skip_capacity_check and datastore.type != SYSTEM_DS and size > datastore.free_mb:
        raise wrong_action("Not enough space in datastore")
    image = new(call.cloud, body.pop("NAME"), body, size=size)
    call.allocate(image, lambda obj: complete(call.cloud, obj, datastore))
    register(call.cloud, image, datastore)
    return image.oid


def size_of(body: Template) -> int:
    """The size in MiB that the template or, for a file, the driver tells. Raises Refused."""
    kind = body.text("TYPE").upper() or "OS"
    if kind not in NEEDS_PATH and body.text("SIZE"):
        size = body.text("SIZE")
        if not size.lstrip("-").isdigit():
            raise internal("Cannot parse image SIZE: Wrong number or missing SIZE attribute.")
        return int(size)
    if not body.text("PATH"):
        why = "Missing PATH attribute." if kind in NEEDS_PATH else "Wrong number or missing SIZE attribute."
        raise internal(f"Cannot parse image SIZE: {why}")
    return dummy.IMAGE_MB


def size_of_app(cloud: Any, body: Template) -> int:
    """The size in MiB of the marketplace app that the image comes from; the template learns of it. Raises Refused."""
    app = cloud["MARKETPLACEAPP"].get_ro(int(body.text("FROM_APP")))
    if app is None:
        raise internal("Cannot determine image SIZE.")
    told = {"FROM_APP_NAME": app.name, "PATH": app.source, "FORMAT": app.format, "FROM_APP_MD5": app.md5}
    for name, value in told.items():
        body.set(name, value)
    return app.size


def complete(cloud: Any, image: Object, datastore: Object) -> None:
    """Fields of a new image, out of its template. Raises Refused when they do not go together."""
    body = image.template
    image.type = (body.pop("TYPE") or cloud.config.text("DEFAULT_IMAGE_TYPE", "OS")).upper()
    check_type(image.type, datastore)
    image.persistent = persistent(cloud, body) or image.type == "BACKUP"
    image.path, image.source, image.fs = body.pop("PATH"), body.pop("SOURCE"), body.pop("FS")
    image.format = body.pop("FORMAT")
    if image.source and image.path:
        raise internal("PATH and SOURCE cannot be both set.")
    if image.source and not image.format:
        raise internal("SOURCE needs FORMAT to be set.")
    set_device_prefix(cloud, image)
    if not image.source:
        image.format = dummy.IMAGE_FORMAT if image.path else image.format or "raw"
    body.erase("SIZE", "DISK_TYPE")
    image.disk_type = datastore.disk_type
    image.datastore_id, image.datastore = datastore.oid, datastore.name
    image.snapshots.set("ALLOW_ORPHANS", datastore.template.text("ALLOW_ORPHANS", "NO"))


def set_device_prefix(cloud: Any, image: Object) -> None:
    if image.type in ("OS", "DATABLOCK") and not image.template.text("DEV_PREFIX"):
        image.template.set("DEV_PREFIX", cloud.config.text("DEFAULT_DEVICE_PREFIX", "sd"))


def persistent(cloud: Any, body: Template) -> bool:
    given = body.pop("PERSISTENT") or cloud.config.text("DEFAULT_IMAGE_PERSISTENT_NEW")
    return given.upper() == "YES"


def check_type(kind: str, datastore: Object) -> None:
    """Raises Refused when images of this type do not go into the datastore."""
    if kind not in TYPES:
        raise internal("Unknown type ")
    if datastore.type == SYSTEM_DS:
        raise internal("New images can only be allocated in a files or image datastore.")
    allowed, why = FITS[datastore.type]
    if kind in allowed:
        return
    if not why:
        why = (
            "IMAGES of type BACKUP can only be registered in an BACKUP_DS datastore"
            if kind in BACKUPS
            else "IMAGES of type KERNEL, RAMDISK and CONTEXT cannot be registered in an IMAGE_DS datastore"
        )
    raise internal(why)


def register(cloud: Any, image: Object, datastore: Object) -> None:
    """Puts a new image into its datastore; the driver makes or copies it, unless it is there already."""
    datastore.changed()
    datastore.images.add(image.oid)
    image.changed()
    if image.source:
        image.state = READY
        return
    image.state = LOCKED
    cloud.events.after(1, registered, cloud, image.oid)


def registered(cloud: Any, oid: int) -> None:
    """Event: the driver has made, copied or cloned the image, or failed to."""
    image = cloud["IMAGE"].get(oid)
    if image is None or image.state != LOCKED:
        return
    action = "clone" if image.cloning_id != -1 else "cp" if image.path else "mkfs"
    failed = cloud.events.fails(action, image.key)
    image.state = ERROR if failed else READY
    if failed:
        image.template.set("ERROR", f"{cloud.events.date()} : Error {action} image in the datastore")
    else:
        image.source = dummy.IMAGE_SOURCE
    original = cloud["IMAGE"].get(image.cloning_id)
    image.cloning_id = -1
    if original is not None:
        original.cloning_ops -= 1
        settle(original)


# ---------------------------------------------------------------- clones and deletion


def clone(call: Call, image: Object, name: str, datastore_id: int) -> int:
    target = call.find("DATASTORE", image.datastore_id if datastore_id == -1 else datastore_id)
    call.require(call.need("CREATE", "IMAGE"), call.need("USE", image), call.need("USE", target))
    if image.type not in DISKS:
        raise wrong_action(f"{image.type} images cannot be cloned.")
    if target.type != IMAGE_DS:
        raise wrong_action("Clone only supported for IMAGE_DS Datastores")
    if image.state not in (READY, USED, CLONE):
        raise wrong_action(f"Cannot clone image in state: {STATES[image.state]}")
    copied = ("type", "disk_type", "format", "fs", "size")
    fields = {field: getattr(image, field) for field in copied}
    twin = new(call.cloud, name, image.template.copy(), cloning_id=image.oid, path=image.source, **fields)
    set_device_prefix(call.cloud, twin)
    twin.datastore_id, twin.datastore = target.oid, target.name
    call.allocate(twin)
    image.cloning_ops += 1
    settle(image)
    register(call.cloud, twin, target)
    return twin.oid


def lend_to_app(image: Object, app_id: int) -> None:
    """A marketplace app is made from the image. Raises Refused when its state does not allow that."""
    if image.state not in (READY, USED, CLONE):
        raise wrong_action(f"Cannot clone image in state: {STATES[image.state]}")
    image.app_clones.add(app_id)
    image.cloning_ops += 1
    settle(image)


def back_from_app(image: Object, app_id: int) -> None:
    """The app is made, or will never be."""
    if app_id in image.app_clones:
        image.app_clones.discard(app_id)
        image.cloning_ops -= 1
        settle(image)


def delete(call: Call, image: Object, force: bool) -> None:
    if not force and (image.vms or image.cloning_ops or image.state in (LOCKED, *IN_USE)):
        raise wrong_action(why_kept(image))
    image.state = DELETE
    call.cloud.events.after(1, deleted, call.cloud, image.oid)


def why_kept(image: Object) -> str:
    return f"Cannot delete image in state: {STATES[image.state]}"


def deleted(cloud: Any, oid: int) -> None:
    """Event: the driver has removed the image."""
    image = cloud["IMAGE"].get(oid)
    if image is None:
        return
    if cloud.events.fails("rm", image.key):
        image.state = ERROR
        return
    cloud["IMAGE"].drop(image)
    datastore = cloud["DATASTORE"].get(image.datastore_id)
    if datastore is not None:
        datastore.images.discard(oid)


# ---------------------------------------------------------------- changes


def enable(call: Call, image: Object, enabled: bool) -> None:
    legal = (READY, DISABLED, ERROR)
    if image.state not in legal:
        word = "enable" if enabled else "disable"
        raise wrong_action(f"Cannot {word} image in state: {STATES[image.state]}")
    image.state = READY if enabled else DISABLED


def set_persistent(call: Call, image: Object, wanted: bool) -> None:
    if wanted and image.type in FILES:
        raise wrong_action("KERNEL, RAMDISK and CONTEXT must be non-persistent")
    if image.type == "BACKUP" and not wanted:
        raise wrong_action("BACKUP images must be persistent")
    if image.state not in (READY, DISABLED, ERROR):
        raise wrong_action(f"Image cannot be made persistent in state: {STATES[image.state]}")
    image.persistent = wanted


def change_type(call: Call, image: Object, given: str) -> None:
    kind = given.upper() or "OS"
    if kind not in TYPES:
        raise internal("known type ")  # the server's own words: it cuts the first letters off
    if not any(image.type in family and kind in family for family in INTERCHANGEABLE):
        raise wrong_action("Cannot change image type to an incompatible type for the current datastore.")
    image.type = kind


def no_snapshot(call: Call, image: Object, snapshot_id: int) -> None:
    """Images get snapshots from VMs only."""
    if not any(each.get("ID") == str(snapshot_id) for each in image.snapshots.vectors("SNAPSHOT")):
        raise wrong_action("Snapshot does not exist")


def restore(call: Call, image: Object, datastore_id: int, options: str) -> str:
    if image.type != "BACKUP":
        raise wrong_action("Can only restore images of type BACKUP")
    if call.find("DATASTORE", datastore_id).type != IMAGE_DS:
        raise wrong_action("Destination can be only an image datastore")
    raise wrong_action("The backup holds nothing to restore")


# ---------------------------------------------------------------- use by VMs


def settle(image: Object) -> None:
    """The state that follows from who uses the image."""
    image.changed()
    if image.cloning_ops and not image.vms:
        image.state = CLONE
    elif image.vms:
        image.state = USED_PERS if image.persistent else USED
    elif image.state in IN_USE:
        image.state = READY


def acquire(cloud: Any, image: Object, vm: Object, given: Mapping[str, str]) -> Vector:
    """A VM begins to use the image: its DISK, completed as `disk` does. Raises ValueError when it may not."""
    if image.type in FILES + BACKUPS:
        raise ValueError(f"Cannot use image {image.oid} of type {image.type} as a disk")
    if image.persistent and (image.vms or image.cloning_ops):
        raise ValueError(f"Cannot acquire image {image.oid}, it is persistent and already in use")
    if image.state not in (READY, USED, CLONE):
        raise ValueError(f"Cannot acquire image {image.oid}, wrong state {STATES[image.state]}.")
    image.vms.add(vm.oid)
    settle(image)
    return disk(cloud, image, given)


def release(cloud: Any, image: Object, vm: Object) -> None:
    """A VM no longer uses the image; what it wrote to a persistent one is the image now."""
    image.vms.discard(vm.oid)
    if image.persistent:
        image.modtime = cloud.events.time()
        image.snapshots = Template()
    settle(image)


def disk(cloud: Any, image: Object, given: Mapping[str, str]) -> Vector:
    """A DISK of a VM: what its template says, with what the server copies from image and datastore.

    DISK_ID, TARGET and what depends on the system datastore are the VM's to add.
    """
    datastore = cloud["DATASTORE"].get_ro(image.datastore_id)
    found = {**given, "IMAGE": image.name, "IMAGE_ID": str(image.oid), "IMAGE_STATE": str(image.state)}
    for _path, name in listed(cloud.config, "INHERIT_IMAGE_ATTR"):
        if name in image.template and name not in given:
            found[name] = image.template.text(name)
    for _path, name in listed(cloud.config, "INHERIT_DATASTORE_ATTR"):
        if name in datastore.template:
            found[name] = datastore.template.text(name)
    found.update(
        CLONE="NO" if image.persistent else "YES",
        SAVE="YES" if image.persistent else "NO",
        READONLY="YES" if image.type == "CDROM" else "NO",
        CLONE_TARGET=datastore.template.text("CLONE_TARGET"),
        LN_TARGET=datastore.template.text("LN_TARGET"),
        TM_MAD=datastore.tm_mad,
        DATASTORE=datastore.name,
        DATASTORE_ID=str(datastore.oid),
        CLUSTER_ID=",".join(map(str, sorted(datastore.cluster_ids))),
        DISK_SNAPSHOT_TOTAL_SIZE="0",
        DISK_TYPE=next(name for name, number in DISK_TYPES.items() if number == image.disk_type),
        FORMAT=image.format,
        DRIVER=image.template.text("DRIVER") or datastore.template.text("DRIVER") or image.format,
        ORIGINAL_SIZE=str(image.size),
        SOURCE=image.source,
        TYPE="CDROM" if image.type == "CDROM" else "FILE",
    )
    found["SIZE"] = given.get("SIZE", str(image.size))
    found.setdefault("DEV_PREFIX", image.template.text("DEV_PREFIX") or cloud.config.text("DEFAULT_DEVICE_PREFIX"))
    if image.persistent:
        found["PERSISTENT"] = "YES"
    return found


KINDS = [IMAGE]
METHODS = [
    Method("one.image.allocate", "template:string, ds_id:int, skip_capacity_check:boolean=false", allocate),
    Method("one.image.delete", "oid:int, force:boolean=false", delete, needs="MANAGE IMAGE"),
    generic.info(IMAGE),
    generic.update(IMAGE),
    generic.rename(IMAGE),
    generic.chmod(IMAGE),
    generic.chown(IMAGE),
    generic.lock(IMAGE),
    generic.unlock(IMAGE),
    Method("one.image.clone", "oid:int, name:string, ds_id:int=-1", clone, needs="MANAGE IMAGE"),
    Method("one.image.enable", "oid:int, enable:boolean", enable, needs="MANAGE IMAGE"),
    Method("one.image.persistent", "oid:int, persistent:boolean", set_persistent, needs="MANAGE IMAGE"),
    Method("one.image.chtype", "oid:int, type:string", change_type, needs="MANAGE IMAGE"),
    *[
        Method(f"one.image.snapshot{action}", "oid:int, snapshot_id:int", no_snapshot, needs="MANAGE IMAGE")
        for action in ("delete", "revert", "flatten")
    ],
    Method("one.image.restore", "oid:int, ds_id:int, opt_tmpl:string", restore, needs="MANAGE IMAGE"),
    generic.filtered_pool_info(IMAGE),
]
