# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Zones of a federation, and the servers of one."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import zone
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

KEEP, PURGE = Modes(), Modes(purge=frozenset(["purge_servers"]))
FIRST = {"name": "one1", "endpoint": "http://192.0.2.1:2633/RPC2"}
SECOND = {"name": "one2", "endpoint": "http://192.0.2.2:2633/RPC2"}


@pytest.fixture
def one(simulator):
    return OneServer(simulator.url, session="oneadmin:opennebula")


@pytest.fixture
def master(simulator, one):
    """The master of a federation."""
    simulator.cloud.config.vectors("FEDERATION")[0]["MODE"] = "MASTER"
    return one


def converge(one, name="branch", oid=None, apply=True, wanted=None, modes=KEEP):
    return Engine(Cloud(one), zone.ZONE, modes, apply).converge(name, oid, wanted or {})


def test_the_master_of_a_federation_has_other_zones(master):
    wanted = {"endpoint": "http://192.0.2.1:2633/RPC2", "template": {"FLOOR": 2}, "labels": ["far"]}
    planned = converge(master, apply=False, wanted=wanted)
    done = converge(master, wanted=wanted)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert done.record["id"] == 100
    assert not converge(master, wanted=wanted).changed
    changed = converge(master, "renamed", 100, wanted={"endpoint": "http://192.0.2.3:2633/RPC2"})
    assert (changed.record["name"], changed.record["endpoint"]) == ("renamed", "http://192.0.2.3:2633/RPC2")
    assert Engine(Cloud(master), zone.ZONE).remove("renamed", None).changed
    assert zone.here(Cloud(master)) == 0


def test_a_replaced_template_keeps_the_endpoint(master):
    converge(master, wanted={"endpoint": "http://192.0.2.1:2633/RPC2", "template": {"FLOOR": 2}})
    report = converge(master, wanted={"template": {"ROOM": 3}}, modes=Modes(template="replace"))
    assert report.record["template"] == {"ENDPOINT": "http://192.0.2.1:2633/RPC2", "ROOM": "3"}


def test_a_server_of_a_federation_asks_which_zone_is_its_own(master):
    converge(master, wanted={"endpoint": "http://192.0.2.1:2633/RPC2"})
    assert zone.here(Cloud(master)) == 0
    assert zone.chosen(Cloud(master), None) == 0
    assert zone.chosen(Cloud(master), "branch") == 100


def test_a_server_alone_says_why_it_has_no_other_zone(one):
    with pytest.raises(Failure, match="Only the master of a federation creates zones"):
        converge(one, wanted={"endpoint": "http://192.0.2.1:2633/RPC2"})


@pytest.mark.parametrize(
    ("modes", "wanted", "names"),
    [
        (KEEP, [SECOND], ["one1", "one2"]),
        (PURGE, [SECOND], ["one2"]),
        (PURGE, [], []),
        (KEEP, [], ["one1"]),
        (KEEP, [{**FIRST, "endpoint": "http://192.0.2.9:2633/RPC2"}], ["one1"]),
    ],
)
def test_servers_are_told_apart_by_name(one, modes, wanted, names):
    converge(one, None, 0, wanted={"servers": [FIRST]})
    planned = converge(one, None, 0, apply=False, wanted={"servers": wanted}, modes=modes)
    done = converge(one, None, 0, wanted={"servers": wanted}, modes=modes)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert [server["name"] for server in done.record["servers"]] == names
    assert not converge(one, None, 0, wanted={"servers": wanted}, modes=modes).changed
    endpoints = [server["endpoint"] for server in done.record["servers"]]
    assert {server["endpoint"] for server in wanted} <= set(endpoints)


def test_a_zone_is_disabled_last_and_enabled_first(one):
    report = converge(one, None, 0, wanted={"enabled": False, "template": {"A": "1"}})
    assert not report.record["enabled"]
    report = converge(one, None, 0, wanted={"enabled": True, "template": {"A": "2"}})
    assert report.record["enabled"]
    assert report.record["template"]["A"] == "2"
