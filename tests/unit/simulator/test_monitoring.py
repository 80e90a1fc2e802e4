# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import re

import pytest


@pytest.fixture
def clock(simulator):
    """clock.time is the time of the simulator."""

    class Clock:
        time = 1_800_000_000

    simulator.cloud.events.clock = lambda: Clock.time
    return Clock


def times(answer):
    return [int(found) - 1_800_000_000 for found in re.findall("<TIMESTAMP>(.*?)<", answer[1])]


def test_samples_of_a_host_grow_with_time(one, clock):
    one("host.allocate", "h", "dummy", "dummy", 0)
    assert times(one("host.monitoring", 0)) == [0]
    clock.time += 25
    assert times(one("host.monitoring", 0)) == [0, 10, 20]
    assert times(one("hostpool.monitoring", -1)) == [0, 10, 20]
    assert times(one("hostpool.monitoring", 0)) == [20]
    assert times(one("hostpool.monitoring", 20)) == [10, 20]


def test_a_host_that_is_offline_reports_no_more(one, clock):
    one("host.allocate", "h", "dummy", "dummy", 0)
    one("system.version")
    one("host.status", 0, 2)
    clock.time += 100
    assert times(one("host.monitoring", 0)) == [0]


def test_a_host_that_was_never_reached_has_no_samples(simulator, one):
    simulator.cloud.events.failures.append(("monitor", "host-*"))
    one("host.allocate", "h", "dummy", "dummy", 0)
    assert one("host.monitoring", 0)[1] == "<MONITORING_DATA></MONITORING_DATA>"
    assert one("hostpool.monitoring", -1)[1] == "<MONITORING_DATA></MONITORING_DATA>"
