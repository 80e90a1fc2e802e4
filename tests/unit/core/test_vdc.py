# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Resources of a virtual data centre, by zone."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import vdc
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

PRESENT = {"0": [1, 2], "100": [7]}


@pytest.mark.parametrize(
    ("purge", "wanted", "after"),
    [
        (False, {"0": []}, PRESENT),
        (False, {"0": [3]}, {"0": [1, 2, 3], "100": [7]}),
        (False, {"0": ["*"]}, {"0": ["*"], "100": [7]}),
        (False, {"101": [1]}, {**PRESENT, "101": [1]}),
        (True, {"0": []}, {"100": [7]}),
        (True, {"0": [2]}, {"0": [2], "100": [7]}),
        (True, {"100": ["*"]}, {"0": [1, 2], "100": ["*"]}),
    ],
)
def test_resources_are_a_set_in_each_zone(purge, wanted, after):
    merged = vdc.resources("host", None, purge).merged
    assert merged(PRESENT, wanted) == after
    assert merged(after, wanted) == after


@pytest.mark.parametrize(("purge", "after"), [(False, {"0": ["*"]}), (True, {"0": [1]})])
def test_all_includes_one(purge, after):
    assert vdc.resources("host", None, purge).merged({"0": ["*"]}, {"0": [1]}) == after


@pytest.fixture
def one(simulator):
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    for name in ("h0", "h1", "h2"):
        client.host.allocate(name, "dummy", "dummy", 0)
    return client


STATES = [[], ["h0"], ["h0", "2"], ["*"], ["*", "h1"]]


@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("purge", [True, False])
def test_resources_are_reached_from_any_others(one, start, wanted, purge):
    def converge(hosts, apply=True):
        return Engine(Cloud(one), vdc.resource(purge=purge), apply).converge("v", None, {"host_ids": hosts})

    converge(start)
    planned = converge(wanted, apply=False)
    done = converge(wanted)
    assert (planned.changed, planned.before, planned.after) == (done.changed, done.before, done.after)
    assert not converge(wanted).changed


def test_names_of_another_zone_are_not_known_here(one):
    cloud = Cloud(one)
    canonical = vdc.resources("host", "OpenNebula", False).canonical
    assert canonical(cloud, ["h2", "0", "h0"]) == {"0": [0, 2]}
    zone = type("Zone", (), {"ID": 101, "NAME": "remote"})
    cloud.pool("zone").append(zone)
    canonical = vdc.resources("host", "remote", False).canonical
    assert canonical(cloud, ["5", "3"]) == {"101": [3, 5]}
    assert canonical(cloud, ["5", "*"]) == {"101": ["*"]}
    with pytest.raises(Failure, match="host 'h0' is in another zone"):
        canonical(cloud, ["h0"])
    assert vdc.resources("host", None, False).canonical(cloud, ["h0"]) == {"0": [0]}
