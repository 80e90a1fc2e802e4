# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Images."""

from __future__ import annotations

from .._attributes import access, twins
from .._attributes import template as templates
from .._attributes.relations import clone_of, create_or_clone, optional, reference
from .._attributes.template import content
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import canonical, first_text, megabytes
from .._engine.engine import canonical as canonical_options
from .._engine.resource import Reference, Resource, Step, attribute, deletion, source, wanted_of
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
        **content(image),
        **read_source(image),
        **read_use(image),
        permissions=access.bits(image),
        state=word(STATES, image.STATE).upper(),
        image_state=word(STATES, image.STATE),
        enabled=word(STATES, image.STATE) != "disabled",
        type=word(TYPES, image.TYPE),
        persistent=image.PERSISTENT == 1,
        size=image.SIZE,
        datastore=image.DATASTORE,
        datastore_id=image.DATASTORE_ID,
        regtime=image.REGTIME,
        snapshots=image_snapshots.read(image),
    )


def read_source(image):
    """Where an image comes from, and how it is stored."""
    return {
        "path": image.PATH or "",
        "source": image.SOURCE or "",
        "format": image.FORMAT or "",
        "disk_type": image.DISK_TYPE,
        "fstype": image.FSTYPE or image.FS or "",
    }


def read_use(image):
    """What uses an image now."""
    return {
        "running_vms": image.RUNNING_VMS,
        "used": image.RUNNING_VMS > 0,
        "cloning_ops": image.CLONING_OPS,
        "cloning_id": image.CLONING_ID,
        "target_snapshot": image.TARGET_SNAPSHOT,
        **{users: members(image, users) for users in ("vms", "clones", "app_clones")},
    }


def members(image, users):
    """Ids of those who use an image."""
    found = getattr(image, users.upper())
    return sorted(found.ID) if found is not None else []


def create(name, wanted, modes):
    """OpenNebula does not heed a size beside a path; as an attribute of the template it is let pass."""
    if "path" in wanted and "size" in wanted:
        message = "Cannot create image %s: give path or size, not both: the driver tells the size of a file."
        raise Failure(message % name, object=KIND)
    fields = {option.upper(): wanted[option] for option in ("path", "size", "type", "persistent") if option in wanted}
    body = dict(templates.new(name, wanted, modes), **canonical(fields))
    return Step("create image %s" % name, "image.allocate", (body, Reference("datastore", wanted["datastore"])))


def clone_target(wanted, modes):
    """The arguments of one.image.clone after id and name."""
    return (optional("datastore", wanted, "datastore", SAME_DATASTORE),)


def needed(wanted):
    """What an image is made of; with the option `create` false none is made."""
    if wanted.get("create") is False:
        return ("create: true",)
    return () if "clone_of" in wanted else NEEDED


def canonical_type(cloud, given):
    return given.lower()


def canonical_size(cloud, given):
    """A size in MB, with or without a unit."""
    return megabytes(given, "size")


def canonical_template(cloud, given):
    """A template whose SIZE is in MB."""
    found = templates.canonical_single(KIND, cloud, given)
    if first_text(found, "SIZE"):
        found["SIZE"] = str(megabytes(first_text(found, "SIZE"), "template (SIZE)"))
    return found


def change_type(record, after):
    what = "change the type of image %s to %s" % (record["name"], after)
    return [Step(what, "image.chtype", (record["id"], after.upper()))]


def change_persistent(record, after):
    what = "make image %s %s" % (record["name"], "persistent" if after else "not persistent")
    return [Step(what, "image.persistent", (record["id"], after))]


def change_enabled(record, after):
    what = "%s image %s" % ("enable" if after else "disable", record["name"])
    return [Step(what, "image.enable", (record["id"], after))]


def merged_path(present, wanted, modes):
    return wanted if present else present  # an image without a file of its own does not tell where it came from


def settled(image, wanted):
    return word(STATES, image.STATE) in RESTING


def failure(image, wanted):
    if word(STATES, image.STATE) != "error":
        return None
    return first_text(image.TEMPLATE, "ERROR") or "OpenNebula does not say why"


def remove(cloud, record, wanted, modes):
    """With `force` also an image whose copy or registration has not come to an end."""
    return [deletion(KIND, record, *((True,) if modes.force else ()))]


def values(params):
    """`create` counts when it is false."""
    return {"create": False if params["create"] is False else None}


OWN = {
    "create": source(),
    "clone_of": clone_of(KIND),
    "datastore": attribute("datastore", canonical=reference("datastore")),
    "path": attribute("path", merged=merged_path),
    "size": attribute("size", canonical=canonical_size),
    "type": attribute("type", change_type, canonical=canonical_type),
    "persistent": attribute("persistent", change_persistent),
    "enabled": attribute("enabled", change_enabled),
    "snapshots": image_snapshots.SNAPSHOTS,
}
IMAGE = Resource(
    kind=KIND,
    read=read,
    values=values,
    create=create_or_clone(KIND, create, clone_target),
    remove=remove,
    settled=settled,
    failure=failure,
    needed=needed,
    twins={"TYPE": twin("type", twins.chosen(TYPES)), "PERSISTENT": twin("persistent", twins.flag)},
    attributes=dict(
        access.attributes(KIND, OWN, managed=MANAGED, creation=CREATION, canonical=canonical_template),
        **access.lock(KIND),
    ),
)


# ---------------------------------------------------------------- states that community.general has


def clone(engine, params):
    """The Report of `state: cloned`: a clone, called `new_name`, of the image that the options name."""
    found = existing(engine.cloud, params)
    wanted = dict(wanted_of(IMAGE, params), create=None, name=None, clone_of=found.ID)
    return engine.converge(params["new_name"] or "Copy of %s" % found.NAME, None, wanted)


def rename(engine, params):
    """The Report of `state: renamed`: the image that the options name is called `new_name`."""
    found = existing(engine.cloud, params)
    wanted = canonical_options(engine.cloud, IMAGE, dict(wanted_of(IMAGE, params), name=params["new_name"]))
    return engine.update(found, wanted)


def existing(cloud, params):
    """The image with the id or name that was given; one that has its new name already counts too.

    Raises:
        Failure: there is none.
    """
    found = cloud.find(KIND, params["name"], params["id"])
    if found is None and params["id"] is None and params["state"] == "renamed":
        found = cloud.find(KIND, params["new_name"])
    if found is None:
        shown = repr(params["name"]) if params["id"] is None else "with id %d" % params["id"]
        raise Failure("There is no image %s, so it cannot be %s." % (shown, params["state"]), object=KIND)
    return found


STATE_CHANGES = {"cloned": clone, "renamed": rename}
