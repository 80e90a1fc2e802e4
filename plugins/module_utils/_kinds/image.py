# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What an image is."""

from __future__ import annotations

from .._attributes import access, common, relations
from .._core.values import canonical
from .._engine.engine import Attribute, Resource
from . import image_snapshots

KIND = "image"
STATES = (
    "init",
    "ready",
    "used",
    "disabled",
    "locked",
    "error",
    "clone",
    "delete",
    "used_pers",
    "locked_used",
    "locked_used_pers",
)
RESTING = ("ready", "used", "disabled", "used_pers", "error")
TYPES = ("os", "cdrom", "datablock", "kernel", "ramdisk", "context", "backup", "filesystem")
NEEDED = ("datastore", ("path", "size", "PATH", "SIZE", "SOURCE", "FROM_APP"))  # to make one that is no clone
SAME_DATASTORE = -1  # of one.image.clone
# one.image.allocate takes these out of the template and makes fields of them.
CREATION = frozenset("NAME TYPE PERSISTENT PATH SOURCE SIZE FORMAT FS DISK_TYPE".split())
MANAGED = frozenset(("DEV_PREFIX", "DRIVER", "ERROR", "SAVED_DISK_ID", "SAVED_IMAGE_ID", "SAVED_VM_ID"))


def word(words, number):
    """The word for a number that the API sends; the number itself where a newer release has more."""
    return words[number] if 0 <= number < len(words) else str(number)


def read(cloud, image):
    """The record of an image (one.image.info or an IMAGE of one.imagepool.info)."""
    return dict(
        access.owned(image),
        **access.locked(image),
        permissions=access.bits(image),
        state=word(STATES, image.STATE).upper(),
        image_state=word(STATES, image.STATE),
        enabled=word(STATES, image.STATE) != "disabled",
        type=word(TYPES, image.TYPE),
        persistent=image.PERSISTENT == 1,
        size=image.SIZE,
        path=image.PATH or "",
        source=image.SOURCE or "",
        format=image.FORMAT or "",
        datastore=image.DATASTORE,
        datastore_id=image.DATASTORE_ID,
        running_vms=image.RUNNING_VMS,
        used=image.RUNNING_VMS > 0,
        disk_type=image.DISK_TYPE,
        fstype=image.FSTYPE or image.FS or "",
        regtime=image.REGTIME,
        cloning_ops=image.CLONING_OPS,
        cloning_id=image.CLONING_ID,
        target_snapshot=image.TARGET_SNAPSHOT,
        snapshots=image_snapshots.read(image),
        **{users: members(image, users) for users in ("vms", "clones", "app_clones")},
        **common.content(image),
    )


def members(image, users):
    """Ids of those who use an image."""
    found = getattr(image, users.upper())
    return sorted(found.ID) if found is not None else []


def create(cloud, name, wanted):
    if "clone_of" in wanted:
        return clone(cloud, name, wanted)
    datastore = cloud.reference("datastore", wanted["datastore"]).ID
    fields = {option.upper(): wanted[option] for option in ("path", "size", "type", "persistent") if option in wanted}
    body = dict(wanted.get("template", {}), NAME=name, **canonical(fields))
    return cloud.call("create image %s" % name, "image.allocate", body, datastore, object=KIND, name=name)


def clone(cloud, name, wanted):
    target = cloud.reference("datastore", wanted["datastore"]).ID if "datastore" in wanted else SAME_DATASTORE
    doing = "clone image %s as %s" % (wanted["clone_of"], name)
    return cloud.call(doing, "image.clone", wanted["clone_of"], name, target, object=KIND, name=name)


def write_type(cloud, oid, after, record):
    cloud.call("change the type of image %s to %s" % (record["name"], after), "image.chtype", oid, after.upper())


def write_persistent(cloud, oid, after, record):
    doing = "make image %s %s" % (record["name"], "persistent" if after else "not persistent")
    cloud.call(doing, "image.persistent", oid, after)


def write_enabled(cloud, oid, after, record):
    cloud.call("%s image %s" % ("enable" if after else "disable", record["name"]), "image.enable", oid, after)


def merged_path(present, wanted):
    return wanted if present else present  # an image without a file of its own does not say where it came from


def settled(image, wanted):
    return word(STATES, image.STATE) in RESTING


def failure(image):
    if word(STATES, image.STATE) != "error":
        return None
    return (image.TEMPLATE or {}).get("ERROR") or "OpenNebula does not say why"


def remover(force):
    """remove(); `force`: also an image whose copy or registration has not come to an end."""

    def remove(cloud, record):
        doing = "remove image %s" % record["name"]
        extra = (True,) if force else ()
        cloud.call(doing, "image.delete", record["id"], *extra, object=KIND, id=record["id"])

    return remove


def origin(options):
    """The options without which no image can be made, by those that are given."""
    if options.get("create") is False:
        return ("create: true",)
    return () if options.get("clone_of") is not None else NEEDED


def resource(replace=False, labels="exact", snapshots=None, force=False, needed=NEEDED):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        snapshots (dict | None): what is to become of them; see image_snapshots.merged().
        force (bool): whether an image that is locked is removed too.
        needed (tuple): see origin().
    """
    own = {
        "clone_of": relations.origin(relations.oid(KIND)),
        "datastore": Attribute(canonical=common.reference("datastore")),
        "path": Attribute(merged=merged_path),
        "size": Attribute(),
        "type": Attribute(write_type),
        "persistent": Attribute(write_persistent),
        "enabled": Attribute(write_enabled),
        "snapshots": image_snapshots.attribute(snapshots or {}),
    }
    attributes = access.attributes(KIND, own, replace, labels, MANAGED, CREATION)
    attributes.update(access.lock(KIND))
    return Resource(KIND, read, create, attributes, remover(force), settled, failure, needed)
