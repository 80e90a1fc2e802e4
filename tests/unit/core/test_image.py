# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Snapshots of images are planned as they will stand; an image that fails says why."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, lacking
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import image, image_snapshots
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer


def snapshot(number: int, name: str = "", children: tuple[int, ...] = (), active: bool = False) -> dict[str, Any]:
    return {"id": number, "name": name, "parent": number - 1, "children": list(children), "active": active}


FIRST, SECOND = snapshot(0, "one", (1,)), snapshot(1, "two", active=True)
PRESENT = [FIRST, SECOND]

MERGED = [
    pytest.param({}, PRESENT, [], id="nothing wanted"),
    pytest.param({"active": "two"}, PRESENT, [], id="it is so"),
    pytest.param({"absent": ["three", "7"]}, PRESENT, [], id="they are not there"),
    pytest.param(
        {"active": "0"},
        [dict(FIRST, active=True), dict(SECOND, active=False)],
        [("image.snapshotrevert", 0)],
        id="by id, which is 0",
    ),
    pytest.param(
        {"active": "one", "absent": ["two"]},
        [dict(FIRST, active=True, children=[])],
        [("image.snapshotrevert", 0), ("image.snapshotdelete", 1)],
        id="first another one is active, then it can go",
    ),
    pytest.param(
        {"absent": ["one", "two"]},
        [],
        [("image.snapshotdelete", 1), ("image.snapshotdelete", 0)],
        id="children go before their parents",
    ),
    pytest.param({"flatten": "two"}, [], [("image.snapshotflatten", 1)], id="none is left"),
]


@pytest.mark.parametrize(("wanted", "after", "called"), MERGED)
def test_what_stands_and_what_it_takes(wanted: dict, after: list, called: list) -> None:
    record = {"id": 7, "name": "disk", "template": {}, "snapshots": PRESENT}
    found = image_snapshots.plan(record, {"snapshots": wanted}, Modes())
    assert found[:2] == (PRESENT, after)
    assert [(step.method, *step.arguments[1:]) for step in found[2]] == called


def test_an_image_without_snapshots_is_flat() -> None:
    assert image_snapshots.after([], {"flatten": "one"}) == []


@pytest.mark.parametrize("what", ["active", "flatten"])
def test_a_snapshot_that_is_not_there_is_refused_with_those_that_are(what: str) -> None:
    with pytest.raises(Failure, match=r"no snapshot 'four'; there are: 0 one, 1 two\."):
        image_snapshots.after(PRESENT, {what: "four"})


def test_a_name_of_two_snapshots_is_refused() -> None:
    with pytest.raises(Failure, match="more than one"):
        image_snapshots.after([FIRST, dict(SECOND, name="one")], {"active": "one"})


WANTED = {"datastore": "default", "type": "datablock", "size": 8}


@pytest.fixture
def one(simulator: Any) -> OneServer:
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    client.datastore.update(1, {"DS_MAD": "dummy", "TM_MAD": "dummy"}, 1)
    return client


def test_an_image_that_cannot_be_made_says_why(simulator: Any, one: OneServer) -> None:
    simulator.cloud.events.failures = [["mkfs", "image-0"]]
    with pytest.raises(Failure, match=r"image disk has failed: .*Error mkfs image.*created, with id 0"):
        Engine(Cloud(one), image.IMAGE).converge("disk", None, WANTED)


def test_a_snapshot_that_cannot_be_deleted_says_why(simulator: Any, one: OneServer) -> None:
    cloud = Cloud(one)
    oid = Engine(cloud, image.IMAGE).converge("disk", None, WANTED).record["id"]
    stored = simulator.cloud["IMAGE"].get(oid)
    stored.snapshots.set("ALLOW_ORPHANS", "YES")
    stored.snapshots.add("SNAPSHOT", {"ID": "0", "DATE": "1", "SIZE": "8", "PARENT": "-1", "NAME": "one"})
    simulator.cloud.events.failures = [["snap_delete", "image-0"]]
    wanted = {"absent": ["one"]}
    with pytest.raises(Failure, match=r"Cannot delete snapshot 0 of image disk: .*Error in snap_delete"):
        Engine(Cloud(one), image.IMAGE).converge("disk", None, {"snapshots": wanted})


def test_a_size_beside_a_path_is_let_pass_in_a_template_alone(one: OneServer) -> None:
    """People write both in templates, and OpenNebula does not heed the size; an option is a promise."""
    wanted = {"datastore": "default", "template": {"PATH": "/srv/x", "SIZE": 2048}}
    changed = [Engine(Cloud(one), image.IMAGE).converge("both", None, dict(wanted)).changed for dummy in range(2)]
    assert changed == [True, False]
    with pytest.raises(Failure, match="Cannot create image other: give path or size, not both"):
        Engine(Cloud(one), image.IMAGE).converge("other", None, {**wanted, "path": "/srv/x", "size": "2 GB"})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["datastore", "path or size"]),
        ({"datastore": "default"}, ["path or size"]),
        ({"datastore": "default", "template": {"SOURCE": "x"}}, []),
        ({"clone_of": "os"}, []),
        ({"create": False, "clone_of": "os"}, ["create: true"]),
    ],
)
def test_what_an_image_is_made_of(given: dict, missing: list) -> None:
    assert lacking(image.needed(given), given) == missing


@pytest.mark.parametrize(("create", "wanted"), [(True, None), (False, False), (None, None)])
def test_an_image_is_created_unless_the_task_says_no(create: Any, wanted: Any) -> None:
    assert image.values({"create": create}) == {"create": wanted}


PARAMS: dict[str, Any] = {"id": None, "name": "disk", "new_name": None, "create": False, "state": "cloned"}


def test_a_clone_and_a_new_name_as_states(one: OneServer) -> None:
    engine = Engine(Cloud(one), image.IMAGE)
    engine.converge("disk", None, WANTED)
    cloned = image.clone(Engine(Cloud(one), image.IMAGE), PARAMS)
    assert (cloned.changed, cloned.record["name"], cloned.record["size"]) == (True, "Copy of disk", 8)
    assert not image.clone(Engine(Cloud(one), image.IMAGE), PARAMS).changed
    renamed = {**PARAMS, "new_name": "disc", "state": "renamed"}
    assert image.rename(Engine(Cloud(one), image.IMAGE), renamed).record["name"] == "disc"
    assert not image.rename(Engine(Cloud(one), image.IMAGE), renamed).changed, "it has the new name"
    with pytest.raises(Failure, match="no image 'disk', so it cannot be cloned"):
        image.clone(Engine(Cloud(one), image.IMAGE), PARAMS)


@pytest.mark.parametrize(
    ("state", "error", "done"),
    [(1, None, True), (1, "known", True), (5, "known", True), (4, None, False), (2, "new", False)],
)
def test_a_change_of_snapshots_ends_with_a_state_in_which_the_image_rests(state: int, error: Any, done: bool) -> None:
    template = {} if error is None else {"ERROR": error}
    item = SimpleNamespace(ID=0, STATE=state, TEMPLATE=template)
    assert image_snapshots.rests("delete", "known", item) is done


@pytest.mark.parametrize(("force", "arguments"), [(False, (7,)), (True, (7, True))])
def test_an_image_is_removed_by_force_where_the_task_says_so(force: bool, arguments: tuple) -> None:
    steps = image.remove(None, {"id": 7, "name": "disk"}, {}, Modes(force=force))
    assert [(step.method, step.arguments) for step in steps] == [("image.delete", arguments)]


@pytest.mark.parametrize(("present", "changed"), [("", False), ("/a", False), ("/b", True)])
def test_an_image_that_does_not_tell_its_path_fits_any(present: str, changed: bool) -> None:
    before, after, steps = image.IMAGE.attributes["path"].plan({"path": present}, {"path": "/a"}, Modes())
    assert (before != after) is changed
    assert steps == []
