# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Snapshots of an image: which are to go, which one it goes on from, or which one it becomes."""

from __future__ import annotations

from functools import partial

from .._core.failure import Failure
from .._core.values import first_text
from .._engine.resource import Attribute, Step

KIND = "image"
READY, ERROR = 1, 5  # STATE


def read(image):
    """The snapshots of an image, by id."""
    tree = image.SNAPSHOTS
    found = [] if tree is None else sorted(tree.SNAPSHOT, key=lambda item: item.ID)
    return [_read_one(item, tree.ALLOW_ORPHANS or "") for item in found]


def _read_one(item, orphans):
    return {
        "id": item.ID,
        "name": item.NAME or "",
        "date": item.DATE,
        "size": item.SIZE,
        "parent": item.PARENT,
        "children": [int(part) for part in (item.CHILDREN or "").split(",") if part],
        "active": item.ACTIVE == "YES",
        "allow_orphans": orphans,
        "allow_orhans": orphans,  # as community.general has it
    }


def meant(present, given):
    """The snapshots with a name or an id."""
    return [item for item in present if given in (item["name"], str(item["id"]))]


def the_one(present, given):
    found = meant(present, given)
    if len(found) != 1:
        there = ", ".join("%(id)d %(name)s" % item for item in present) or "none"
        message = "The image has %s snapshot %r; there are: %s."
        raise Failure(message % ("more than one" if found else "no", given, there.replace(" ,", ",")), object=KIND)
    return found[0]


def canonical(cloud, given):
    """What is wanted, without what is not given."""
    return {word: value for word, value in given.items() if value is not None}


def plan(record, wanted, modes):
    """The snapshots before and after, and the steps.

    Args:
        wanted (dict): its `snapshots` has `absent`: those to go; `active`: the one to go on from; `flatten`: the one
            that the image is to become.
    """
    present, change = record["snapshots"], wanted["snapshots"]
    return present, after(present, change), steps(record, present, change)


def after(present, change):
    """The snapshots after a change; an image without any has been flattened.

    Raises:
        Failure: one that is named does not exist, or the name fits several.
    """
    if "flatten" in change and present:
        the_one(present, change["flatten"])
        return []
    gone = absent(present, change)
    kept = [dict(item, children=[one for one in item["children"] if one not in gone]) for item in present]
    if "active" in change:
        active = the_one(present, change["active"])["id"]
        kept = [dict(item, active=item["id"] == active) for item in kept]
    return [item for item in kept if item["id"] not in gone]


def absent(present, change):
    """The ids of those to go."""
    return {item["id"] for given in change.get("absent", ()) for item in meant(present, given)}


def steps(record, present, change):
    """The steps of a change, in order: children go before their parents."""
    if not present:
        return []
    if "flatten" in change:
        return [_step(record, "flatten", "image.snapshotflatten", the_one(present, change["flatten"])["id"])]
    found = []
    if "active" in change:
        one = the_one(present, change["active"])
        found = [] if one["active"] else [_step(record, "revert to", "image.snapshotrevert", one["id"])]
    gone = sorted(absent(present, change), reverse=True)
    return found + [_step(record, "delete", "image.snapshotdelete", number) for number in gone]


def _step(record, verb, method, number):
    what = "%s snapshot %d of image %s" % (verb, number, record["name"])
    until = partial(rests, what, record["template"].get("ERROR"))
    return Step(what, method, (record["id"], number), until=until)


def rests(what, known, image):
    """Whether the driver is done: an image takes one change at a time, and tells in its template what failed.

    Args:
        what (str): of the step.
        known (str | None): the error that it told before.

    Raises:
        Failure: the step has failed.
    """
    if image.STATE not in (READY, ERROR):
        return False
    error = first_text(image.TEMPLATE, "ERROR", None)
    if error not in (None, known):
        raise Failure("Cannot %s: %s." % (what, error.rstrip(".")), object=KIND, id=image.ID)
    return True


SNAPSHOTS = Attribute(plan, canonical)
