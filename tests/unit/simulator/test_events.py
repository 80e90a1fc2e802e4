# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The queue of transitions."""

from __future__ import annotations

import pytest
from opennebula_simulator.events import Events


@pytest.fixture
def clock():
    """A clock that stands at clock["now"]."""
    return {"now": 100.0}


@pytest.fixture
def events(clock):
    return Events(delay=2, clock=lambda: clock["now"])


def test_events_run_in_order_and_see_their_own_time(clock, events):
    seen = []
    events.after(2, lambda: seen.append(("second", events.now())))
    events.after(1, lambda: (seen.append(("first", events.now())), events.after(1, lambda: seen.append("third"))))
    events.run_due()
    assert seen == []
    clock["now"] = 103.9
    events.run_due()
    assert seen == [("first", 102.0)]
    clock["now"] = 104.0
    events.run_due()
    assert seen == [("first", 102.0), ("second", 104.0), "third"]


def test_what_is_tried_again_is_not_made_up_for(clock, events):
    tried = []

    def attempt():
        tried.append(clock["now"])
        events.again(1, attempt)

    attempt()
    for moment in (1_000_000.0, 1_000_000.5, 1_000_001.0):
        clock["now"] = moment
        events.run_due()
    assert tried == [100.0, 1_000_000.0, 1_000_001.0]


def test_a_pending_vm_does_not_hold_up_a_clock_that_jumps(simulator, one):
    one("vm.allocate", 'CPU="1" MEMORY="64"', False)
    simulator.cloud.events.clock = lambda: 1e12
    assert "<STATE>1</STATE>" in one("vm.info", 0)[1]
