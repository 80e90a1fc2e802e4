# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Trees of disk snapshots."""

from __future__ import annotations

import pytest
from opennebula_simulator.families import chain


def tree(orphans, *steps):
    """A tree after steps: "+" takes a snapshot, ">1" reverts to snapshot 1."""
    made = chain.new(orphans, "0")
    for step in steps:
        if step == "+":
            chain.activate(made, chain.add(made, "", "10", 1))
        else:
            chain.activate(made, int(step[1:]), revert=True)
    return made


def shape(made):
    """Snapshot -> parent and children; the active one has a star."""
    found = {}
    for each in made.vectors("SNAPSHOT"):
        star = "*" if each.get("ACTIVE") else ""
        found[each["ID"] + star] = (each["PARENT"], each.get("CHILDREN", ""))
    return found


def test_each_snapshot_is_the_child_of_the_active_one():
    assert shape(tree("NO", "+", "+", ">0", "+")) == {"0": ("-1", "1,2"), "1": ("0", ""), "2*": ("0", "")}


def test_orphans_have_no_parent():
    assert shape(tree("YES", "+", "+")) == {"0": ("-1", ""), "1*": ("-1", "")}


def test_mixed_trees_grow_from_what_was_reverted_to():
    made = tree("MIXED", "+", "+", ">0", "+")
    assert shape(made) == {"0*": ("-1", "2"), "1": ("-1", ""), "2": ("0", "")}
    assert made.text("CURRENT_BASE") == "0"


def test_the_parent_inherits_the_only_child_and_the_activity():
    made = tree("NO", "+", "+", "+")
    chain.remove(made, 1)
    assert shape(made) == {"0": ("-1", "2"), "2*": ("0", "")}
    chain.remove(made, 2)
    assert shape(made) == {"0*": ("-1", "")}


def test_numbers_are_not_given_twice():
    made = tree("NO", "+", "+")
    chain.remove(made, 1)
    assert chain.add(made, "again", "10", 1) == 2
    assert chain.total(made) == 20


LINE = ("+", "+", "+")  # 0 - 1 - 2
FORK = ("+", "+", ">0", "+")  # 0 - 1, 0 - 2
BRANCH = ("+", "+", "+", ">1", "+")  # 0 - 1 - (2, 3)


@pytest.mark.parametrize(
    ("orphans", "steps", "number", "persistent", "why"),
    [
        ("NO", LINE, 9, False, "Snapshot does not exist"),
        ("NO", LINE, 2, False, ""),
        ("NO", LINE, 0, True, "Cannot delete snapshot 0 for persistent disk images"),
        ("NO", LINE, 1, True, ""),
        ("NO", FORK, 0, False, "Cannot delete snapshot with more than one children"),
        ("NO", (*LINE, ">1"), 1, False, "Cannot delete the active snapshot with children"),
        ("NO", BRANCH, 0, False, "Cannot delete snapshot if child has children"),
        ("NO", (*LINE, "+", ">2"), 1, False, "Cannot delete snapshot if child has children"),
        ("NO", (*LINE, "+", ">0"), 2, False, ""),
        ("NO", ("+", "+", ">0", "+", "+", ">0"), 2, False, "Cannot delete snapshot if parent has more than one child"),
        ("MIXED", ("+", ">0"), 0, False, "Cannot delete the active snapshot"),
        ("MIXED", ("+", ">0", "+", "+", ">1"), 0, False, "Cannot delete snapshot with children"),
        ("YES", ("+",), 0, True, ""),
    ],
)
def test_what_cannot_be_deleted(orphans, steps, number, persistent, why):
    assert chain.why_kept(tree(orphans, *steps), number, persistent) == why


def test_images_keep_what_is_active_or_has_children():
    made = tree("NO", "+", "+")
    assert chain.why_image_keeps(made, 0) == "Cannot delete snapshot with children"
    assert chain.why_image_keeps(made, 1) == "Cannot delete the active snapshot"
    assert chain.why_image_keeps(made, 2) == "Snapshot does not exist"
    assert chain.why_image_keeps(tree("YES", "+"), 0) == ""


@pytest.mark.parametrize(
    ("disk", "orphans"),
    [
        ({}, "NO"),
        ({"ALLOW_ORPHANS": "yes"}, "YES"),
        ({"ALLOW_ORPHANS": "FORMAT", "FORMAT": "raw"}, "YES"),
        ({"ALLOW_ORPHANS": "FORMAT", "FORMAT": "qcow2"}, "NO"),
    ],
)
def test_the_datastore_says_whether_orphans_are_allowed(disk, orphans):
    assert chain.orphans_of(disk) == orphans
