# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What an image is."""

from __future__ import annotations

from ..difference import canonical
from ..resource import Attribute, Resource
from . import access, common

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
        vms=list(image.VMS.ID) if image.VMS is not None else [],
        **common.content(image),
    )


def create(cloud, name, wanted):
    datastore = cloud.reference("datastore", wanted["datastore"]).ID
    fields = {option.upper(): wanted[option] for option in ("path", "size", "type", "persistent") if option in wanted}
    body = dict(wanted.get("template", {}), NAME=name, **canonical(fields))
    return cloud.call("create image %s" % name, "image.allocate", body, datastore, object=KIND, name=name)


def write_type(cloud, oid, after, record):
    cloud.call("make image %s a %s" % (record["name"], after), "image.chtype", oid, after.upper())


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


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
    own = {
        "datastore": Attribute(canonical=common.reference("datastore")),
        "path": Attribute(merged=merged_path),
        "size": Attribute(),
        "type": Attribute(write_type),
        "persistent": Attribute(write_persistent),
        "enabled": Attribute(write_enabled),
    }
    attributes = access.attributes(KIND, own, replace, labels, MANAGED, CREATION)
    attributes.update(access.lock(KIND))
    return Resource(KIND, read, create, attributes, common.remove(KIND), settled, failure, ("datastore",))
