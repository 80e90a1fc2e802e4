# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The inventory opennebula beside community.general.opennebula, whose results tests/inventory_peer.py has recorded."""

from __future__ import annotations

import json

import inventory_peer as peer
import pytest

RECORDED = json.loads(peer.RECORDED.read_text(encoding="utf-8"))
OURS = "privazio.opennebula.opennebula"
AGAIN = "python tests/inventory_peer.py records the peer again"
# What is different on purpose, as the guide to migration says. Of every host: variables that are left out, or masked.
LEFT_OUT = ("A-B", "A.B")
MASKED = ("DB_PASSWORD", "API_TOKEN")
# Of a cloud: our hosts, and the variables that tell the difference.
DIFFERENT = {
    "twins": {"twin-0": {"A": "1", "B": None}, "twin-1": {"A": None, "B": "2"}},
    "named all": {"all-0": {"name": "all"}},
    "named localhost": {"localhost-0": {"name": "localhost"}},
    "named ungrouped": {"ungrouped-0": {"name": "ungrouped"}},
    "named as its group": {"web-0": {"name": "web", "LABELS": ["web"]}},
    "port as a vector": {"vm": {"ansible_port": None}},
    "two ports": {"vm": {"ansible_port": 22}},
    "labels twice": {"vm": {"LABELS": ["a", "b", "c"]}},
    "labels as a vector": {"vm": {"LABELS": []}},
    "an empty label": {"vm": {"LABELS": ["a", "b"]}},
    "a label of signs": {"vm": {"LABELS": ["a"]}},
}


@pytest.fixture(scope="module")
def url():
    with peer.clouds() as get:
        yield get


def recorded(number):
    """What the peer makes in a case; None if it fails."""
    cloud, options, made = RECORDED["cases"][number]
    assert [cloud, options] == list(peer.CASES[number]), AGAIN
    return made and {**made, "hosts": {name: RECORDED["variables"][place] for name, place in made["hosts"].items()}}


def on_purpose(made):
    """What the peer makes, without what is different of every host."""
    return made and {**made, "hosts": {name: host(own) for name, own in made["hosts"].items()}}


def host(variables):
    found = {name: value for name, value in variables.items() if name not in LEFT_OUT}
    if found.get("ansible_host") is False:
        del found["ansible_host"]
    return {name: "********" if name in MASKED else value for name, value in found.items()}


@pytest.mark.parametrize("number", range(len(peer.CASES)), ids=lambda number: f"{number}-{peer.CASES[number][0]}")
def test_it_is_as_the_peer_makes_it(url, number):
    cloud, options = peer.CASES[number]
    ours, theirs = peer.inventory(OURS, url(cloud), options), recorded(number)
    if cloud not in DIFFERENT:
        assert ours == on_purpose(theirs)
    else:
        assert ours != theirs
        wanted = DIFFERENT[cloud]
        mine = {
            name: {one: own.get(one) for one in wanted[name]} for name, own in ours["hosts"].items() if name in wanted
        }
        assert (mine, set(ours["hosts"])) == (wanted, {*wanted, "web-01"})


def test_the_peer_was_asked_all_of_this():
    assert len(RECORDED["cases"]) == len(peer.CASES) == 97
