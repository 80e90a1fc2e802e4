# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Datastores: types with their drivers, and what is waited for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, lacking
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import datastore
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

IMAGE, SYSTEM = 0, 1
KEEP, PURGE = Modes(), Modes(purge=frozenset(["purge_clusters"]))


@pytest.mark.parametrize(
    ("number", "state", "total", "shared", "rests"),
    [
        (IMAGE, 0, 0, None, False),
        (IMAGE, 0, 10, None, True),
        (IMAGE, 1, 0, None, True),
        (SYSTEM, 0, 0, "YES", False),
        (SYSTEM, 0, 10, "YES", True),
        (SYSTEM, 0, 0, "NO", True),
        (SYSTEM, 0, 0, None, True),
        (SYSTEM, 1, 0, "YES", True),
    ],
)
def test_only_what_the_server_looks_at_is_waited_for(number, state, total, shared, rests):
    template = {} if shared is None else {"SHARED": shared}
    item = SimpleNamespace(TYPE=number, STATE=state, TOTAL_MB=total, TEMPLATE=template)
    assert datastore.settled(item, {}) is rests


@pytest.mark.parametrize("name", ["", "-", "fs"])
def test_the_name_of_a_driver_has_one_form(name):
    found = datastore.driver_name(None, name)
    assert found == ("" if name == "-" else name)
    assert datastore.driver_name(None, found) == found


KINDS = {
    "image": {"type": "image", "ds_mad": "dummy", "tm_mad": "dummy"},
    "system": {"type": "system", "tm_mad": "dummy"},
    "file": {"type": "file", "ds_mad": "dummy", "tm_mad": "dummy"},
    "backup": {"type": "backup", "ds_mad": "dummy", "tm_mad": "-"},
}


@pytest.fixture
def one(simulator):
    return OneServer(simulator.url, session="oneadmin:opennebula")


def converge(one, wanted, apply=True, modes=KEEP):
    return Engine(Cloud(one, 10), datastore.DATASTORE, modes, apply).converge("d", None, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_is_made_as_planned_and_then_rests(one, kind):
    wanted = {**KINDS[kind], "enabled": True}
    planned = converge(one, wanted, apply=False)
    done = converge(one, wanted)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert done.record["type"] == kind
    assert not converge(one, wanted).changed


@pytest.mark.parametrize("start", ["image", "system", "file"])
@pytest.mark.parametrize("end", ["image", "system", "file"])
def test_a_type_changes_into_another(one, start, end):
    converge(one, KINDS[start])
    assert converge(one, KINDS[end]).record["type"] == end
    assert not converge(one, KINDS[end]).changed


def test_a_replacement_keeps_what_the_drivers_wrote(one):
    before = converge(one, KINDS["image"]).record["template"]
    after = converge(one, {"template": {"RACK": "A1"}}, modes=Modes(template="replace")).record["template"]
    assert after == {**before, "RACK": "A1"}
    assert "CLONE_TARGET" in after


def test_clusters_are_a_set_and_the_first_is_where_it_begins(one):
    edge = one.cluster.allocate("edge")
    wanted = {**KINDS["image"], "clusters": ["edge"]}
    assert converge(one, wanted).record["cluster_ids"] == [edge]
    assert converge(one, {"clusters": ["default"]}).record["cluster_ids"] == [0, edge]
    assert converge(one, {"clusters": ["default"]}, modes=PURGE).record["cluster_ids"] == [0]
    assert converge(one, {"clusters": []}, modes=PURGE).record["cluster_ids"] == []


@pytest.mark.parametrize("driver", ["-", ""])
def test_a_new_type_has_its_drivers_in_the_same_call(simulator, one, driver):
    converge(one, KINDS["image"])
    calls = []
    client = OneServer(simulator.url, session="oneadmin:opennebula", on_call=calls.append)
    done = converge(client, {"type": "system", "ds_mad": driver, "tm_mad": "dummy"})
    assert calls.count("one.datastore.update") == 1
    assert (done.record["type"], done.record["ds_mad"]) == ("system", "")


def test_no_driver_is_written_to_a_datastore_but_not_to_a_new_one():
    wanted = {"type": "backup", "ds_mad": "restic", "tm_mad": ""}
    assert datastore.body(wanted) == {"TYPE": "BACKUP_DS", "DS_MAD": "restic", "TM_MAD": "-"}
    given, cluster = datastore.create("d", wanted, KEEP).arguments
    assert given == {"NAME": "d", "TYPE": "BACKUP_DS", "DS_MAD": "restic"}
    assert cluster == -1


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        (None, ["ds_mad", "tm_mad"]),
        ("image", ["ds_mad", "tm_mad"]),
        ("file", ["ds_mad", "tm_mad"]),
        ("system", ["tm_mad"]),
        ("backup", ["ds_mad"]),
    ],
)
def test_the_drivers_that_a_new_datastore_needs_depend_on_its_type(kind, needed):
    wanted = {} if kind is None else {"type": kind}
    assert lacking(datastore.needed(wanted), wanted) == needed
