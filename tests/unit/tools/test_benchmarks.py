# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The benchmarks count each module's calls apart, time what they are to time, and print what they found."""

from __future__ import annotations

import sys
import xmlrpc.client

import project
import pytest

BENCHMARKS = str(project.ROOT / "tests/benchmarks")


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield
    for name in [name for name, module in sys.modules.items() if BENCHMARKS in (getattr(module, "__file__", 0) or "")]:
        del sys.modules[name]


def test_calls_are_counted_under_the_label_of_who_made_them():
    import plays

    with plays.counting(hosts=2) as cloud:
        assert cloud("zone.info", 0)
        for label, times in (("ours", 1), ("peer", 3)):
            one = xmlrpc.client.ServerProxy(cloud.access(label)["api_url"]).one
            found = [one.hostpool.info(plays.SESSION)[1] for dummy in range(times)]
            assert "seed-host-1" in found[-1]
    assert cloud.calls == {"ours": ["one.hostpool.info"], "peer": ["one.hostpool.info"] * 3}


def test_what_is_done_before_takes_no_time():
    import time

    import timing

    timing.PATIENCE = 0
    case = timing.medians(lambda: time.sleep(0.2), ours=lambda: None, peer=lambda: time.sleep(0.02))
    assert case["rounds"] == 1
    assert case["ours"] < 0.02 <= case["peer"] < 0.2


def test_both_modules_do_the_same_task(monkeypatch):
    import fleets

    asked = {}
    monkeypatch.setattr(fleets.plays, "timed", lambda tasks, **dummy: asked.update(tasks) or {"rounds": 1})
    case = fleets.steady(fleets.FLEET + 5, {"ROLE": "web"})
    assert case == {"rounds": 1, "ours_calls": 0, "peer_calls": 0}
    ours, peer = asked["ours"][0], asked["peer"][0]
    assert {"privazio.opennebula.one_vm", "timeout"} == set(ours)
    options = [task[f"{name}.one_vm"] for name, task in (("privazio.opennebula", ours), ("community.general", peer))]
    assert [each.pop("api_url").rsplit("/", 2)[1] for each in options] == ["ours", "peer"]
    assert options[0] == options[1]


def test_rows_tell_calls_and_what_the_page_has_not():
    import run

    case = {"ours": 3, "peer": 12, "floor": 3, "unit": "calls", "floor_is": "one", "times_faster": 4, "times_floor": 1}
    case |= {"tasks": {"a host": {"ours": 1, "peer": 2}}, "modules": {"one_vdc": ["a", "b"]}, "outdated": [["x", "1"]]}
    head, host, vdc, outdated = run.line("calls_per_task", case).splitlines()
    assert "4.0x" in head
    assert host.split() == ["a", "host", "1", "2"]
    assert vdc.split() == ["one_vdc", "2"]
    assert outdated.endswith("x | 1")


def test_the_declared_cloud_has_the_objects_that_are_measured():
    import clouds

    declared = clouds.declaration()
    assert sum(map(len, declared.values())) == 1000
    assert set(declared) == set(clouds.KEYS)
    assert sum(count for count, dummy in clouds.OTHERS.values()) == clouds.MOST
