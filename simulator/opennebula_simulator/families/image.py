# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Images: types, states, and the VMs and clones that use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import dummy, generic
from ..calls import Call, Method
from ..errors import INTERNAL, Refused, internal, not_allocated, not_found, wrong_action
from ..quotas import Use, charge, refund
from ..store import OWNED, Kind, Object, cdata, ids, lock, permissions, template, text, unless_lacking
from ..template import Template
from . import chain, usage
from .datastore import BACKUP_DS, FILE_DS, IMAGE_DS, SYSTEM_DS, lacks

TYPES = ("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT", "BACKUP", "FILESYSTEM")
DISKS, FILES, BACKUPS = ("OS", "CDROM", "DATABLOCK", "FILESYSTEM"), ("KERNEL", "RAMDISK", "CONTEXT"), ("BACKUP",)
WITH_SNAPSHOTS = ("OS", "DATABLOCK")
FITS = {
    IMAGE_DS: (DISKS, ""),
    FILE_DS: (FILES, "Only IMAGES of type KERNEL, RAMDISK and CONTEXT can be registered in a FILE_DS datastore"),
    BACKUP_DS: (BACKUPS, "Only IMAGES of type BACKUP can be registered in a BACKUP_DS datastore"),
}
INTERCHANGEABLE = (("OS", "CDROM", "DATABLOCK"), FILES)
CLONEABLE = ("OS", "DATABLOCK", "CDROM")
NEEDS_PATH = ("CDROM", *FILES, "FILESYSTEM")
INIT, READY, USED, DISABLED, LOCKED, ERROR, CLONE, DELETE, USED_PERS, LOCKED_USED, LOCKED_USED_PERS = range(11)
STATES = "INIT READY USED DISABLED LOCKED ERROR CLONE DELETE USED_PERS LOCKED_USED LOCKED_USED_PERS".split()
IN_USE = (USED, USED_PERS, LOCKED_USED, LOCKED_USED_PERS, CLONE)
LOCKED_STATES = (LOCKED, LOCKED_USED, LOCKED_USED_PERS)


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
        unless_lacking("IMAGE", "MODTIME", text("MODTIME", "modtime")),
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
        template("BACKUP_INCREMENTS", "increments"),
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
        "increments": Template(),
    }
    sets = {name: set() for name in ("vms", "clones", "app_clones", "backup_disk_ids")}
    awaited: dict[int, Callable[[Any, int], None]] = {}  # VM -> what it does once the image is there
    return Object(IMAGE, name, body, **{**defaults, **sets, "awaited": awaited, **fields})


# ---------------------------------------------------------------- creation


def allocate(call: Call, given: str, datastore_id: int, skip_capacity_check: bool) -> int:
    body = call.template(given, IMAGE)
    datastore = call.find("DATASTORE", datastore_id)
    if datastore.type == SYSTEM_DS:
        raise not_allocated(IMAGE.title, "New images can only be allocated in a files or image datastore.")
    size = size_of_app(call.cloud, body) if body.text("FROM_APP").isdigit() else size_of(call.cloud, body)
    if not (skip_capacity_check and call.is_admin):
        refuse_overflow(call.cloud, datastore, size)
    generic.forbid_restricted(call, "IMAGE", "Template", body)
    call.require(call.need("CREATE", "IMAGE"), call.need("USE", datastore))
    image = new(call.cloud, body.pop("NAME"), body, size=size)
    return store(call, image, datastore, lambda obj: complete(call, obj, datastore))


def refuse_overflow(cloud: Any, datastore: Object, size: int) -> None:
    if lacks(cloud, datastore, size):
        raise wrong_action("Not enough space in datastore")


def store(call: Call, image: Object, datastore: Object, prepare: Callable[[Object], None]) -> int:
    """Charges, stores and registers a new image. Raises Refused."""
    admit(call, image, datastore, prepare)
    register(call.cloud, image, datastore)
    return image.oid


def admit(call: Call, image: Object, datastore: Object, prepare: Callable[[Object], None]) -> None:
    """Charges and stores a new image. Raises Refused; what was charged is free again then."""
    uses = usage.of_image(datastore.oid, image.size)
    charge(call, uses)
    try:
        call.allocate(image, prepare)
    except Refused:
        refund(call.cloud, call.uid, call.gid, uses)
        raise


def size_of(cloud: Any, body: Template) -> int:
    """The size in MiB that the template or, for a file, the driver tells. Raises Refused."""
    kind = body.text("TYPE").upper() or "OS"
    needs_path = kind in NEEDS_PATH and kind in cloud.release.image_types
    if not body.text("PATH") and not needs_path and body.text("SIZE"):
        size = body.text("SIZE")
        if not size.lstrip("-").isdigit():
            raise internal("Cannot parse image SIZE: Wrong number or missing SIZE attribute.")
        return int(size)
    if not body.text("PATH"):
        why = "Missing PATH attribute." if needs_path else "Wrong number or missing SIZE attribute."
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


def complete(call: Call, image: Object, datastore: Object) -> None:
    """Fields of a new image, out of its template. Raises Refused when they do not go together."""
    cloud, body = call.cloud, image.template
    image.type = (body.pop("TYPE") or cloud.config.text("DEFAULT_IMAGE_TYPE", "OS")).upper()
    if image.type not in cloud.release.image_types:
        raise internal("Unknown type ")
    check_type(image.type, datastore)
    image.persistent = is_persistent(call, image.type, body)
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
    setting = {"CDROM": "DEFAULT_CDROM_DEVICE_PREFIX"}.get(image.type, "DEFAULT_DEVICE_PREFIX")
    given = image.template.text("DEV_PREFIX") or image.type not in ("OS", "DATABLOCK", "CDROM")
    if not given and cloud.config.text(setting):
        image.template.set("DEV_PREFIX", cloud.config.text(setting))


def is_persistent(call: Call, kind: str, body: Template) -> bool:
    """What the template says; else what user, group or oned.conf make the rule for new images. Files never are."""
    given = body.pop("PERSISTENT") or call.configured("DEFAULT_IMAGE_PERSISTENT_NEW")
    if given.upper() != "YES" and body.text("PERSISTENT_TYPE").upper() == "SHAREABLE":
        body.erase("PERSISTENT_TYPE")
    return kind == "BACKUP" or (kind not in FILES and given.upper() == "YES")


def check_type(kind: str, datastore: Object) -> None:
    """Raises Refused when images of this type do not go into the datastore."""
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
    """Event: the driver has made, copied or cloned the image, or failed to; VMs may wait for it."""
    image = cloud["IMAGE"].get(oid)
    if image is None or image.state not in LOCKED_STATES:
        return
    action = "clone" if image.cloning_id != -1 else "cp" if image.path else "mkfs"
    if cloud.events.fails(action, image.key):
        image.state = ERROR
        image.template.set("ERROR", f"{cloud.events.date()} : Error {action} image in the datastore")
    else:
        image.source = dummy.IMAGE_SOURCE
        unlock(image)
    give_original_back(cloud, image)
    tell(cloud, image)


def give_original_back(cloud: Any, image: Object) -> None:
    """The copy of another image has ended."""
    original = cloud["IMAGE"].get(image.cloning_id)
    image.cloning_id = -1
    if original is not None:
        original.cloning_ops -= 1
        original.clones.discard(image.oid)
        settle(original)


def await_image(image: Object, vm: Object, action: Callable[[Any, int], None]) -> None:
    """`action(cloud, VM ID)` runs once the image is no longer locked."""
    image.awaited[vm.oid] = action


def tell(cloud: Any, image: Object) -> None:
    awaited, image.awaited = image.awaited, {}
    for oid, action in awaited.items():
        action(cloud, oid)


# ---------------------------------------------------------------- clones and deletion


def clone_image(call: Call, oid: int, name: str, datastore_id: int) -> int:
    return clone(call, call.find("IMAGE", oid), name, datastore_id)


def clone(call: Call, image: Object, name: str, datastore_id: int = -1, persistent: bool = False) -> int:
    """A copy of the image, in its own datastore (-1) or another one of the same driver. Raises Refused."""
    if image.type not in CLONEABLE:
        raise wrong_action(call.cloud.release.not_cloneable.format(type=image.type))
    if image.snapshots.vectors("SNAPSHOT"):
        raise wrong_action("Cannot clone images with snapshots")
    own = call.find("DATASTORE", image.datastore_id)
    target = own if datastore_id == -1 else call.find("DATASTORE", datastore_id)
    if IMAGE_DS not in (own.type, target.type) or target.type != own.type:
        raise wrong_action("Clone only supported for IMAGE_DS Datastores")
    if target.ds_mad != own.ds_mad:
        raise wrong_action("Clone only supported to same DS_MAD Datastores")
    refuse_overflow(call.cloud, target, image.size)
    places = dict.fromkeys((target, own))
    call.require(call.need("CREATE", "IMAGE"), call.need("USE", image), *[call.need("USE", each) for each in places])
    twin = copy_of(call, image, name, target)
    given = call.configured("DEFAULT_IMAGE_PERSISTENT").upper()
    twin.persistent = persistent or (given == "YES" if given else image.persistent)
    store(call, twin, target, lambda obj: refuse_clone(image))
    image.cloning_ops += 1
    image.clones.add(twin.oid)
    settle(image)
    return twin.oid


def refuse_clone(image: Object) -> None:
    """Raises Refused when the state of the image does not allow a copy."""
    if image.state not in (READY, USED, CLONE):
        raise internal(f"Cannot clone image in state: {STATES[image.state]}")


def copy_of(call: Call, image: Object, name: str, target: Object) -> Object:
    copied = ("type", "disk_type", "format", "fs", "size")
    fields = {field: getattr(image, field) for field in copied}
    twin = new(call.cloud, name, image.template.copy(), cloning_id=image.oid, path=image.source, **fields)
    set_device_prefix(call.cloud, twin)
    twin.disk_type, twin.datastore_id, twin.datastore = target.disk_type, target.oid, target.name
    return twin


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


def delete_image(call: Call, oid: int, force: bool) -> None:
    delete(call, call.find("IMAGE", oid), force)


def delete(call: Call, image: Object, force: bool = False) -> None:
    """The driver removes the image. Raises Refused while something uses it, or unless forced while it is made."""
    locked = image.state in LOCKED_STATES
    if locked and not force:
        raise Refused(
            INTERNAL,
            "Image locked, use --force flag to remove the image. Force delete may leave some files on Datastore",
            image.oid,
        )
    if force:
        image.template.set("FORCE_DELETE", "YES")
    call.require(call.need("ADMIN" if locked else "MANAGE", image))
    why = why_kept(image)
    if why:
        raise wrong_action(f"Cannot delete image. {why}")
    give_original_back(call.cloud, image)
    image.state = DELETE
    if image.source:
        call.cloud.events.after(1, deleted, call.cloud, image.oid)
    else:
        drop(call.cloud, image)


def why_kept(image: Object) -> str:
    """What uses the image, as the server words it; empty when nothing does."""
    if image.state == CLONE:
        return f"There are {image.cloning_ops} active clone operations."
    if image.state in IN_USE or (image.state == READY and image.vms and image.type != "BACKUP"):
        return f"There are {len(image.vms)} VMs using it."
    return ""


def deleted(cloud: Any, oid: int) -> None:
    """Event: the driver has removed the image, or failed to."""
    image = cloud["IMAGE"].get(oid)
    if image is None:
        return
    if cloud.events.fails("rm", image.key):
        image.state = ERROR
        image.template.set("ERROR", f"{cloud.events.date()} : Error removing image from datastore")
        return
    drop(cloud, image)


def drop(cloud: Any, image: Object) -> None:
    cloud["IMAGE"].drop(image)
    for vm in filter(None, map(cloud["VM"].get, image.vms)):
        vm.backup_ids.discard(image.oid)
    refund(cloud, image.uid, image.gid, uses_of(image))
    datastore = cloud["DATASTORE"].get(image.datastore_id)
    if datastore is not None:
        datastore.images.discard(image.oid)


def forget_vm(cloud: Any, vm: Object) -> None:
    """The VM is gone; its backups stay."""
    for image in filter(None, map(cloud["IMAGE"].get, vm.backup_ids)):
        image.vms.discard(vm.oid)


def discard(cloud: Any, image: Object) -> None:
    """Takes a copy back that was just begun."""
    give_original_back(cloud, image)
    drop(cloud, image)


def uses_of(image: Object) -> list[Use]:
    """What the image counts against the quotas of its owner."""
    snapshots = sum(usage.number(each, "SIZE") for each in image.snapshots.vectors("SNAPSHOT"))
    return usage.of_image(image.datastore_id, image.size + snapshots)


# ---------------------------------------------------------------- changes


ENABLE = {DISABLED: READY, ERROR: READY, READY: READY}
DISABLE = {READY: DISABLED, ERROR: DISABLED, DISABLED: DISABLED}


def enable(call: Call, image: Object, enabled: bool) -> None:
    word, states = ("enable", ENABLE) if enabled else ("disable", DISABLE)
    why = f"Image cannot be in state {STATES[image.state]}." if image.state not in states else ""
    if image.type == "BACKUP":
        why = "Backup images cannot be enabled or disabled."
    if why:
        raise internal(f"Could not {word} image: {why}")
    image.state = states[image.state]
    if enabled and image.vms:
        settle(image)
        tell(call.cloud, image)


def set_persistent(call: Call, image: Object, wanted: bool) -> None:
    if wanted == image.persistent:
        return
    if image.type in FILES:
        raise wrong_action("KERNEL, RAMDISK and CONTEXT must be non-persistent")
    if image.type == "BACKUP":
        raise wrong_action("BACKUP images must be persistent")
    datastore = call.find("DATASTORE", image.datastore_id)
    if not wanted and datastore.template.flag("PERSISTENT_ONLY"):
        raise internal("This Datastore only accepts persistent images.")
    why = why_not_persistent(image, wanted)
    if why:
        raise internal(f"Could not make image {'persistent' if wanted else 'non-persistent'}: {why}")
    image.persistent = wanted


def why_not_persistent(image: Object, wanted: bool) -> str:
    """Why the image stays as it is; empty when it may change."""
    if not wanted and image.snapshots.vectors("SNAPSHOT"):
        return "Image has snapshots."
    return f"Image cannot be in state {STATES[image.state]}." if image.state in IN_USE else ""


def change_type(call: Call, image: Object, given: str) -> None:
    kind = given.upper() or call.cloud.config.text("DEFAULT_IMAGE_TYPE", "OS")
    if image.type in ("BACKUP", "FILESYSTEM"):
        raise wrong_action(f"Cannot change type for{image.type} images.")
    family = next(family for family in INTERCHANGEABLE if image.type in family)
    known = kind in call.cloud.release.image_types
    if (kind if known else "OS") not in family:
        raise wrong_action("Cannot change image type to an incompatible type for the current datastore.")
    if kind not in ("OS", "DATABLOCK") and image.snapshots.vectors("SNAPSHOT"):
        raise internal("Image with snapshots can be only of type OS or DATABLOCK")
    if not known:  # the server's own words: of a type that no release has it cuts the first letters off
        raise internal("Unknown type " if kind in TYPES else "known type ")
    image.type = kind


# ---------------------------------------------------------------- snapshots


def snapshot(action: str, words: str, run: Callable[[Template, int], None]) -> Method:
    """A method on one snapshot of an image; `run(snapshots, number)` is what the driver does."""

    def start(call: Call, image: Object, number: int) -> None:
        if image.type not in WITH_SNAPSHOTS:
            raise wrong_action("IMAGES of type KERNEL, RAMDISK, BACKUP and CONTEXT does not have snapshots.")
        if image.state != READY:
            raise wrong_action(f"Cannot {words} in state {STATES[image.state]}")
        missing = "" if chain.find(image.snapshots, number) else chain.ABSENT
        why = chain.why_image_keeps(image.snapshots, number) if run is chain.remove else missing
        if why:
            raise wrong_action(why)
        image.state = LOCKED
        call.cloud.events.after(1, snapshot_done, call.cloud, image.oid, action, run, number)

    return Method(f"one.image.snapshot{action}", "oid:int, snapshot_id:int", start, needs="MANAGE IMAGE")


def snapshot_done(cloud: Any, oid: int, action: str, run: Callable[[Template, int], None], number: int) -> None:
    """Event: the driver has deleted, reverted or flattened, or failed to."""
    image = cloud["IMAGE"].get(oid)
    if image is None or image.state != LOCKED:
        return
    image.state = READY
    if cloud.events.fails(f"snap_{action}", image.key):
        image.template.set("ERROR", f"{cloud.events.date()} : Error in snap_{action} of snapshot {number}")
        return
    size = int(chain.find(image.snapshots, number)["SIZE"])
    with usage.recounted(cloud, image, uses_of):
        run(image.snapshots, number)
        image.size = size if run is revert else image.size


def revert(snapshots: Template, number: int) -> None:
    chain.activate(snapshots, number, revert=True)


def restore(call: Call, oid: int, datastore_id: int, options: str) -> str:
    image = call.pool("IMAGE").get(oid)
    if image is None:
        if call.cloud.release.restores_unknown_images:
            return ""
        raise not_found(IMAGE.title, oid)
    call.require(call.need("USE", image))
    if image.type != "BACKUP":
        raise wrong_action("Can only restore images of type BACKUP")
    datastore = call.pool("DATASTORE").get_ro(datastore_id)
    if datastore is None:
        raise not_found(IMAGE.title, datastore_id)  # the server takes the one for the other
    if datastore.type != IMAGE_DS:
        raise wrong_action("Destination can be only an image datastore")
    return "" if image is None else dummy.RESTORED


# ---------------------------------------------------------------- use by VMs


def settle(image: Object) -> None:
    """The state that follows from who uses the image."""
    image.changed()
    if image.state in LOCKED_STATES:
        used = LOCKED_USED_PERS if image.persistent else LOCKED_USED
        image.state = used if image.vms else LOCKED
    elif image.vms or image.cloning_ops:
        image.state = USED if not image.persistent else USED_PERS if image.vms else CLONE
    elif image.state in IN_USE:
        image.state = READY


def unlock(image: Object) -> None:
    """The image is made: VMs may use it."""
    image.state = READY
    settle(image)


KINDS = [IMAGE]
METHODS = [
    Method("one.image.allocate", "template:string, ds_id:int, skip_capacity_check:boolean=false", allocate),
    Method("one.image.delete", "oid:int, force:boolean=false", delete_image),
    generic.info(IMAGE),
    generic.update(IMAGE),
    generic.rename(IMAGE),
    generic.chmod(IMAGE),
    generic.chown(IMAGE, uses=lambda call, image: uses_of(image)),
    generic.lock(IMAGE),
    generic.unlock(IMAGE),
    Method("one.image.clone", "oid:int, name:string, ds_id:int=-1", clone_image),
    Method("one.image.enable", "oid:int, enable:boolean", enable, needs="MANAGE IMAGE"),
    Method("one.image.persistent", "oid:int, persistent:boolean", set_persistent, needs="MANAGE IMAGE"),
    Method("one.image.chtype", "oid:int, type:string", change_type, needs="MANAGE IMAGE"),
    snapshot("delete", "delete snapshot", chain.remove),
    snapshot("revert", "revert to snapshot", revert),
    snapshot("flatten", "flatten snapshot", chain.flatten),
    Method("one.image.restore", "oid:int, ds_id:int, opt_tmpl:string", restore),
    generic.filtered_pool_info(IMAGE),
]
