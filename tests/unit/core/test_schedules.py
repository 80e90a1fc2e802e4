# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Scheduled actions: times in one form, a set that stays the same while the server moves its times."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import schedules
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes

NOW = 1_800_000_000  # Friday, 2027-01-15 08:00 UTC
DAY = 86400


def wanted(**words):
    """A schedule in its one form, at NOW."""
    cloud = SimpleNamespace(clock=SimpleNamespace(time=lambda: NOW))
    return schedules.canonical(cloud, [words])[0]


def added(item):
    """What a schedule is once it is added."""
    return {word: value for word, value in item.items() if word != "next"}


KEEP, PURGE = Modes(), Modes(purge=frozenset(["purge_schedules"]))


def stored(item, **words):
    """What the server has of a schedule."""
    vector = {name: str(value) for name, value in {**schedules.vector(item), **words}.items()}
    return schedules.read({"ID": "7", "DONE": "-1", **vector})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (4000000000, 4000000000),
        ("4000000000", 4000000000),
        ("1970-01-02", DAY),
        ("1970-01-02 00:00", DAY),
        ("1970-01-02T01:00:00+01:00", DAY),
        ("1970-01-02T00:00:00Z", DAY),
        ("+3600", "+3600"),
    ],
)
def test_a_time_has_one_form(given, seconds):
    assert schedules.moment(given) == seconds
    assert schedules.moment(schedules.moment(given)) == seconds


@pytest.mark.parametrize("text", ["tomorrow", "", "2026-13-01", "+", "-5", "²", "9" * 5000, "0001-01-01 00:00+23:59"])
def test_what_is_no_time_is_told(text):
    with pytest.raises(Failure, match="is no date"):
        schedules.moment(text)


@pytest.mark.parametrize(("repeat", "days"), [("weekly", None), ("weekly", []), (None, [1])])
def test_repeat_and_days_go_together(repeat, days):
    with pytest.raises(Failure, match="both, repeat and days"):
        wanted(time=NOW, repeat=repeat, days=days)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"end_after": 3}, "runs once has no end: leave out end_after"),
        ({"end_at": "2030-01-01"}, "runs once has no end: leave out end_at"),
        ({"repeat": "weekly", "days": [1], "end_after": 3, "end_at": NOW}, "give end_after or end_at"),
    ],
)
def test_an_end_that_would_not_be_stored_is_refused(given, said):
    with pytest.raises(Failure, match=said):
        wanted(time=NOW, **given)


@pytest.mark.parametrize(
    "item",
    [
        wanted(time=NOW),
        wanted(time="+60", action="terminate", args="now"),
        wanted(time=NOW, repeat="weekly", days=[5, 0]),
        wanted(time=NOW, repeat="yearly", days=[14], end_after=3),
        wanted(time=NOW, repeat="hourly", days=[6], end_at="2030-01-01"),
    ],
)
def test_what_is_stored_is_what_was_wanted(item):
    assert schedules.same(stored(item), item)


@pytest.mark.parametrize(
    ("words", "later", "same"),
    [
        ({}, DAY, False),
        ({"repeat": "weekly", "days": [1]}, 7 * DAY, True),
        ({"repeat": "weekly", "days": [1]}, 7 * DAY + 3600, True),
        ({"repeat": "weekly", "days": [1]}, 7 * DAY - 3600, True),
        ({"repeat": "weekly", "days": [1]}, 7200, False),
        ({"repeat": "hourly", "days": [2]}, 7200, True),
        ({"repeat": "hourly", "days": [2]}, 60, False),
    ],
)
def test_a_schedule_stays_the_same_when_the_server_moves_it_to_its_next_turn(words, later, same):
    item = wanted(time=NOW, **words)
    assert schedules.same(stored(item, TIME=NOW + later), item) is same


@pytest.mark.parametrize("changed", [{"action": "reboot"}, {"args": "x"}, {"days": [2]}, {"end_after": 2}])
def test_another_schedule_is_another(changed):
    item = wanted(time=NOW, repeat="weekly", days=[1])
    assert not schedules.same(stored(item), {**item, **changed})


def test_those_that_are_not_wanted_go_only_when_they_are_purged():
    old, new = wanted(time=NOW + 5), wanted(time=NOW + 9)
    assert schedules.merged([stored(old)], [new], KEEP) == [stored(old), added(new)]
    assert schedules.merged([stored(old)], [new], PURGE) == [added(new)]
    assert schedules.merged([stored(old)], [old], PURGE) == [stored(old)]


def test_what_was_to_run_once_is_not_run_when_its_time_is_over():
    assert schedules.merged([], [wanted(time=NOW - 1)], PURGE) == []


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ({"repeat": "weekly", "days": [0]}, "2027-01-17 02:00"),
        ({"repeat": "weekly", "days": [5]}, "2027-01-22 02:00"),
        ({"repeat": "monthly", "days": [1, 20]}, "2027-01-20 02:00"),
        ({"repeat": "yearly", "days": [0]}, "2028-01-01 02:00"),
        ({"repeat": "hourly", "days": [6]}, "2027-01-15 09:00"),
    ],
)
def test_a_repeated_one_whose_time_is_over_begins_with_its_next_turn(words, first):
    (item,) = schedules.merged([], [wanted(time="2020-01-01 02:00", **words)], PURGE)
    assert datetime.fromtimestamp(item["time"], UTC).strftime("%Y-%m-%d %H:%M") == first
