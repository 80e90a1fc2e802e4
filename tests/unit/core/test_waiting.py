# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Waiting: when it ends, how long it pauses, and what it says when time is over."""

from __future__ import annotations

import time
from itertools import count

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import (
    Clock,
    Progress,
    TimeOver,
    wait,
)


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


# ---------------------------------------------------------------- progress


def told(line, looks, period=10):
    """What is shown of looks a second apart, with the second in which it is; line(look) is the text."""
    clock, found = Recorded(), []
    progress = Progress(lambda text: found.append((clock.time - 1000, text)), period, clock)
    for look in range(looks):
        progress.tell(lambda: line(look))  # noqa: B023 is called at once
        clock.sleep(1)
    return found


def test_a_short_wait_is_not_told():
    assert told(str, 10) == []


def test_what_changes_is_told_every_ten_seconds():
    assert told(str, 35) == [(10, "10"), (20, "20"), (30, "30")]


def test_what_stays_is_told_once_and_its_change_at_once():
    assert told(lambda look: "a" if look < 25 else "b", 60) == [(10, "a"), (25, "b")]


def test_a_line_is_made_only_when_it_is_due():
    made = []
    told(lambda look: made.append(look) or "", 15)
    assert made == [10]


def test_every_situation_that_is_waited_for_can_be_told():
    found = []
    wait(count().__next__, lambda number: number == 3, 9, Recorded(), str, found.append)
    assert found == [0, 1, 2]
