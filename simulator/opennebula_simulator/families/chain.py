# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Snapshots of one disk or image: a tree whose rules depend on what the datastore allows (ALLOW_ORPHANS).

NO: each snapshot is the child of the active one. MIXED: of the one that was reverted to last. YES: none is a child.
"""

from __future__ import annotations

from typing import Any

from ..template import Template, Vector

NONE = "-1"
INDEPENDENT, FROM_BASE, BY_FORMAT = "YES", "MIXED", "FORMAT"
ABSENT = "Snapshot does not exist"


def new(orphans: str, disk_id: str = "") -> Template:
    """A tree without snapshots."""
    tree = Template([("ALLOW_ORPHANS", orphans or "NO"), ("CURRENT_BASE", NONE), ("NEXT_SNAPSHOT", "0")])
    if disk_id:
        tree.set("DISK_ID", disk_id)
    return tree


def orphans_of(disk: Vector) -> str:
    """The rules for a disk: those of its datastore, which may depend on its format."""
    given = disk.get("ALLOW_ORPHANS", "NO").upper()
    if given != BY_FORMAT:
        return given
    return INDEPENDENT if disk.get("FORMAT", "").lower() == "raw" else "NO"


def mode(tree: Template) -> str:
    return tree.text("ALLOW_ORPHANS", "NO").upper()


def find(tree: Template, number: int | str) -> Vector | None:
    return next((each for each in tree.vectors("SNAPSHOT") if each["ID"] == str(number)), None)


def active(tree: Template) -> Vector | None:
    return next((each for each in tree.vectors("SNAPSHOT") if each.get("ACTIVE") == "YES"), None)


def children(snapshot: Vector) -> list[str]:
    return [part for part in snapshot.get("CHILDREN", "").split(",") if part]


def set_children(snapshot: Vector, numbers: list[str]) -> None:
    if numbers:
        snapshot["CHILDREN"] = ",".join(numbers)
    else:
        snapshot.pop("CHILDREN", None)


def total(tree: Template) -> int:
    """MiB of all snapshots."""
    return sum(int(each["SIZE"]) for each in tree.vectors("SNAPSHOT"))


def add(tree: Template, name: str, size: str, moment: int) -> int:
    """A new snapshot, not yet the active one; its ID."""
    number = tree.text("NEXT_SNAPSHOT", "0")
    current = active(tree)
    parent = {
        INDEPENDENT: NONE,
        FROM_BASE: tree.text("CURRENT_BASE", NONE),
    }.get(mode(tree), current["ID"] if current else NONE)
    tree.add("SNAPSHOT", {"ID": number, "DATE": str(moment), "SIZE": size, "PARENT": parent})
    if name:
        tree.vectors("SNAPSHOT")[-1]["NAME"] = name
    above = find(tree, parent)
    if above is not None:
        set_children(above, [*children(above), number])
    tree.set("NEXT_SNAPSHOT", str(int(number) + 1))
    return int(number)


def activate(tree: Template, number: int, revert: bool = False) -> None:
    """The disk goes on from this snapshot. Where orphans are mixed, only a revert says so."""
    chosen, current = find(tree, number), active(tree)
    if chosen is None or (mode(tree) == FROM_BASE and not revert):
        return
    if mode(tree) == FROM_BASE:
        tree.set("CURRENT_BASE", str(number))
    if current is not None:
        del current["ACTIVE"]
    chosen["ACTIVE"] = "YES"


def remove(tree: Template, number: int) -> None:
    """Takes a snapshot out; its only child and its place as the active one go to its parent."""
    gone = find(tree, number)
    if gone is None:
        return
    tree.replace("SNAPSHOT", [each for each in tree.vectors("SNAPSHOT") if each is not gone])
    parent = find(tree, gone["PARENT"])
    if parent is None or mode(tree) == INDEPENDENT:
        return
    heirs = children(gone) if len(children(gone)) == 1 else []
    for heir in heirs:
        child = find(tree, heir)
        if child is not None:
            child["PARENT"] = gone["PARENT"]
    rest = {each for each in children(parent) if each != gone["ID"]} | set(heirs)
    set_children(parent, sorted(rest, key=int))
    if gone.get("ACTIVE") == "YES":
        parent["ACTIVE"] = "YES"


def why_kept(tree: Template, number: int, persistent: bool) -> str:
    """Why a snapshot of a VM's disk cannot be deleted; empty when it can."""
    snapshot = find(tree, number)
    if snapshot is None:
        return ABSENT
    if mode(tree) == INDEPENDENT:
        return ""
    if mode(tree) == FROM_BASE:
        return why_image_keeps(tree, number)
    if persistent and number == 0:
        return "Cannot delete snapshot 0 for persistent disk images"
    return why_in_line(tree, snapshot)


def why_in_line(tree: Template, snapshot: Vector) -> str:
    """Only the end of a branch, or the middle of a plain line, can be taken out."""
    below, current = children(snapshot), active(tree)
    if len(below) > 1:
        return "Cannot delete snapshot with more than one children"
    if not below:
        return ""
    if snapshot is current:
        return "Cannot delete the active snapshot with children"
    child, parent = find(tree, below[0]), find(tree, snapshot["PARENT"])
    if child is not None and (len(children(child)) > 1 or (children(child) and child is current)):
        return "Cannot delete snapshot if child has children"
    if parent is not None and len(children(parent)) > 1:
        return "Cannot delete snapshot if parent has more than one child"
    return ""


def why_image_keeps(tree: Template, number: int) -> str:
    """Why a snapshot of an image cannot be deleted; empty when it can."""
    snapshot = find(tree, number)
    if snapshot is None:
        return ABSENT
    if mode(tree) == INDEPENDENT:
        return ""
    if snapshot is active(tree):
        return "Cannot delete the active snapshot"
    return "Cannot delete snapshot with children" if children(snapshot) else ""


def flatten(tree: Template, number: int) -> None:
    """The image becomes what it was at this snapshot; nothing is left of the tree."""
    if find(tree, number) is not None:
        tree.erase(*{name for name, _value in tree})


def copy_for(tree: Template, disk: Vector) -> Template:
    """The snapshots of an image as those of a VM's disk."""
    twin = tree.copy()
    twin.set("DISK_ID", disk["DISK_ID"])
    return twin


def for_image(tree: Any) -> Template:
    """The snapshots of a VM's disk as those of its image; none at all if there are none."""
    twin = tree.copy() if tree is not None and tree.vectors("SNAPSHOT") else Template()
    twin.erase("DISK_ID")
    return twin
