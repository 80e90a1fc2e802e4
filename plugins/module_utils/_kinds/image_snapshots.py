# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Snapshots of an image: which are to go, which one it goes on from, or which one it becomes."""

from __future__ import annotations

from .._core.failure import Failure
from .._engine.engine import Attribute

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
    """The snapshots that a name or an id speaks of."""
    return [item for item in present if given in (item["name"], str(item["id"]))]


def the_one(present, given):
    found = meant(present, given)
    if len(found) != 1:
        there = ", ".join("%(id)d %(name)s" % item for item in present) or "none"
        message = "The image has %s snapshot %r; there are: %s."
        raise Failure(message % ("more than one" if found else "no", given, there.replace(" ,", ",")), object=KIND)
    return found[0]


def merged(present, wanted):
    """The snapshots that stand; an image without any has been flattened.

    Args:
        wanted (dict): ``absent``: those to go; ``active``: the one to go on from; ``flatten``: the one to become.
    """
    if wanted.get("flatten") is not None and present:
        the_one(present, wanted["flatten"])
        return []
    gone = [item["id"] for given in wanted.get("absent") or () for item in meant(present, given)]
    active = None if wanted.get("active") is None else the_one(present, wanted["active"])["id"]
    kept = [dict(item, children=[one for one in item["children"] if one not in gone]) for item in present]
    return [
        item if active is None else dict(item, active=item["id"] == active) for item in kept if item["id"] not in gone
    ]


def attribute(wanted):
    """The Attribute `snapshots`; `wanted` as for merged()."""

    def write(cloud, oid, after, record):
        for what, method, number in calls(record["snapshots"], wanted):
            doing = "%s snapshot %d of image %s" % (what, number, record["name"])
            cloud.call(doing, method, oid, number)
            _let_rest(cloud, doing, oid, record)

    return Attribute(write, merged, canonical)


def canonical(cloud, given):
    """What is wanted, without what is nobody's business."""
    return {word: value for word, value in given.items() if value is not None}


def calls(present, wanted):
    """What is to be asked for, in order: (words, method, id); children go before their parents."""
    if wanted.get("flatten") is not None:
        yield "flatten", "image.snapshotflatten", the_one(present, wanted["flatten"])["id"]
        return
    if wanted.get("active") is not None:
        one = the_one(present, wanted["active"])
        if not one["active"]:
            yield "revert to", "image.snapshotrevert", one["id"]
    gone = {item["id"] for given in wanted.get("absent") or () for item in meant(present, given)}
    for number in sorted(gone, reverse=True):
        yield "delete", "image.snapshotdelete", number


def _let_rest(cloud, doing, oid, record):
    """Waits until the driver is done: an image takes one change at a time, and tells what failed in its template."""
    said = record["template"].get("ERROR")
    image = cloud.wait(
        lambda: cloud.info(KIND, oid),
        lambda item: item.STATE in (READY, ERROR),
        lambda item: "image %s is still locked" % item.NAME,
    )
    error = (image.TEMPLATE or {}).get("ERROR")
    if error not in (None, said):
        raise Failure("Cannot %s: %s." % (doing, error.rstrip(".")), object=KIND, id=oid)
