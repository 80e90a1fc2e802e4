# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Resources of a virtual data centre, by zone."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import vdc
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

KEEP, PURGE = Modes(), Modes(purge=frozenset(["purge"]))
PRESENT = {"0": [1, 2], "100": [7]}


@pytest.mark.parametrize(
    ("modes", "wanted", "after"),
    [
        (KEEP, {"0": []}, PRESENT),
        (KEEP, {"0": [3]}, {"0": [1, 2, 3], "100": [7]}),
        (KEEP, {"0": ["*"]}, {"0": ["*"], "100": [7]}),
        (KEEP, {"101": [1]}, {**PRESENT, "101": [1]}),
        (PURGE, {"0": []}, {"100": [7]}),
        (PURGE, {"0": [2]}, {"0": [2], "100": [7]}),
        (PURGE, {"100": ["*"]}, {"0": [1, 2], "100": ["*"]}),
    ],
)
def test_resources_are_a_set_in_each_zone(modes, wanted, after):
    assert vdc.merged_resources(PRESENT, wanted, modes) == after
    assert vdc.merged_resources(after, wanted, modes) == after


@pytest.mark.parametrize(("modes", "after"), [(KEEP, {"0": ["*"]}), (PURGE, {"0": [1]})])
def test_all_includes_one(modes, after):
    assert vdc.merged_resources({"0": ["*"]}, {"0": [1]}, modes) == after


@pytest.fixture
def one(simulator):
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    for name in ("h0", "h1", "h2"):
        client.host.allocate(name, "dummy", "dummy", 0)
    return client


STATES = [[], ["h0"], ["h0", "2"], ["*"], ["*", "h1"]]


@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("modes", [KEEP, PURGE])
def test_resources_are_reached_from_any_others(one, start, wanted, modes):
    def converge(hosts, apply=True):
        wanted = {"hosts": vdc.Selection(None, hosts)}
        return Engine(Cloud(one), vdc.VDC, modes, apply).converge("v", None, wanted)

    converge(start)
    planned = converge(wanted, apply=False)
    done = converge(wanted)
    assert (planned.changed, planned.before, planned.after) == (done.changed, done.before, done.after)
    assert not converge(wanted).changed


def test_names_of_another_zone_are_not_known_here(one):
    cloud = Cloud(one)
    zone = type("Zone", (), {"ID": 101, "NAME": "remote"})
    cloud.pool("zone").append(zone)

    def canonical(zone, given):
        return vdc.VDC.attributes["hosts"].canonical(cloud, vdc.Selection(zone, given))

    assert canonical("OpenNebula", ["h2", "0", "h0"]) == {"0": [0, 2]}
    assert canonical("remote", ["5", "3"]) == {"101": [3, 5]}
    assert canonical("remote", ["5", "*"]) == {"101": ["*"]}
    with pytest.raises(Failure, match="host 'h0' is in another zone"):
        canonical("remote", ["h0"])
    assert canonical(None, ["h0"]) == {"0": [0]}


def test_the_server_itself_drops_single_resources_when_all_are_added():
    record = {"id": 1, "name": "v", "host_ids": {"0": [2, 3]}}

    def calls(after):
        return [(step.method, *step.arguments) for step in vdc.change_resources("host", record, after)]

    assert calls({"0": ["*"]}) == [("vdc.addhost", 1, 0, -10)]
    assert calls({"0": [3, 4]}) == [("vdc.delhost", 1, 0, 2), ("vdc.addhost", 1, 0, 4)]
    assert calls({"0": [2, 3], "remote": [5]}) == [("vdc.addhost", 1, "remote", 5)]


def test_a_group_leaves_whichever_others_there_are(one):
    dev = one.group.allocate("dev")  # which the VDC gets
    assert dev in one.vdc.info(0).GROUPS.ID
    wanted = {"groups": vdc.Groups(None, ["dev", "gone"])}
    planned, done = (converge(one, apply, wanted) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert done.record["group_ids"] == [oid for oid in planned.before["group_ids"] if oid != dev]
    assert not converge(one, True, wanted).changed
    with pytest.raises(Failure, match="groups and remove_groups name the same group"):
        converge(one, True, {"groups": vdc.Groups(["dev"], ["dev"])})


def converge(one, apply, wanted):
    return Engine(Cloud(one), vdc.VDC, apply=apply).converge("default", None, wanted)
