# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Waiting: when it ends, how long it pauses, and what it says when time is over."""

from __future__ import annotations

import time
from itertools import count

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock, TimeOver, wait


class Recorded(Clock):
    """A clock on which sleeping is all that takes time."""

    def __init__(self):
        self.time, self.pauses = 1000.0, []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.time += seconds


def waited(timeout, ready):
    """Wait for the number READY of 0, 1, 2 …; return the clock."""
    clock = Recorded()
    assert wait(count().__next__, lambda number: number == ready, timeout, clock, "number {}".format) == ready
    return clock


def test_what_holds_is_not_waited_for():
    assert waited(0, 0).pauses == []


def test_pauses_grow_to_five_seconds():
    assert waited(100, 12).pauses == pytest.approx(
        [0.1, 0.16, 0.256, 0.4096, 0.65536, 1.048576, 1.6777216, 2.68435456, 4.294967296, 5, 5, 5]
    )


def test_the_last_pause_ends_with_the_time_and_one_more_look():
    clock = waited(0.2, 2)
    assert clock.pauses == pytest.approx([0.1, 0.1])
    assert clock.time == pytest.approx(1000.2)


def test_time_over_says_where_it_stands():
    clock = Recorded()
    with pytest.raises(TimeOver) as caught:
        wait(count().__next__, lambda number: False, 2.5, clock, "number {}".format)
    # looked at 0, 0.1, 0.26, 0.516, 0.926, 1.581 and 2.5 s
    assert caught.value.message == "Gave up waiting after 2.5 s: number 6. Give a longer wait_timeout, or wait: false."
    assert clock.time == pytest.approx(1002.5)


def test_no_time_is_one_look():
    clock = Recorded()
    with pytest.raises(TimeOver, match="after 0 s: number 0"):
        wait(count().__next__, lambda number: False, 0, clock, "number {}".format)
    assert clock.pauses == []


def test_what_will_never_be_ends_it():
    def never(number):
        raise Failure("It has failed.")

    clock = Recorded()
    with pytest.raises(Failure, match="It has failed"):
        wait(count().__next__, never, 10, clock, str)
    assert clock.pauses == []


def test_the_real_clock_is_one_that_never_goes_back(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "monotonic", lambda: 12.5)
    monkeypatch.setattr(time, "sleep", slept.append)
    clock = Clock()
    clock.sleep(3)
    assert (clock.now(), slept) == (12.5, [3])
