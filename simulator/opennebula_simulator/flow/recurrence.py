# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""When scheduled policies are due: times as people write them, and cron expressions. Local time, as the server's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d %b %Y",
    "%b %d %Y",
)
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
# Of each of the five fields: its least and its largest number, and names for the first numbers.
FIELDS: list[tuple[int, int, list[str]]] = [(0, 59, []), (0, 23, []), (1, 31, []), (1, 12, MONTHS), (0, 7, DAYS)]
Cron = list[frozenset[int]]
HORIZON = 366 * 5  # days in which a recurrence has to come


def moment(text: str) -> float | None:
    """Seconds since the epoch; None when the text is no time."""
    text = text.strip()
    if re.fullmatch(r"\d+", text):
        return float(text)
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        pass
    for form in FORMS:
        try:
            return datetime.strptime(text, form).timestamp()
        except ValueError:
            continue
    clock = re.fullmatch(r"(\d\d?):(\d\d)(?::(\d\d))?", text)  # today
    if clock and int(clock[1]) < 24 and int(clock[2]) < 60:
        today = datetime.fromtimestamp(time.time()).replace(second=0, microsecond=0)
        return today.replace(hour=int(clock[1]), minute=int(clock[2])).timestamp()
    return None


def cron(text: str) -> Cron | None:
    """The numbers that each field allows; None when the text is no cron expression."""
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        return None
    try:
        return [numbers(part, *field) for part, field in zip(parts, FIELDS, strict=True)]
    except ValueError:
        return None


def numbers(part: str, least: int, most: int, names: list[str]) -> frozenset[int]:
    """ "1-5", "*/2", "mon,wed" as numbers. Raises ValueError."""
    found: set[int] = set()
    for piece in part.split(","):
        interval, slash, step = piece.partition("/")
        first, dash, last = interval.partition("-")
        if interval == "*":
            low, high = least, most
        else:
            low = number(first, least, names)
            high = number(last, least, names) if dash else most if slash else low
        if not least <= low <= high <= most or (slash and int(step) < 1):
            raise ValueError(piece)
        found.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(found)


def number(text: str, least: int, names: list[str]) -> int:
    return names.index(text) + least if text in names else int(text)


def following(rule: Cron, after: float) -> float | None:
    """The first moment after another one that a cron expression allows; None when there is none in five years."""
    start = datetime.fromtimestamp(after).replace(second=0, microsecond=0) + timedelta(minutes=1)
    minutes, hours = sorted(rule[0]), sorted(rule[1])
    for days in range(HORIZON):
        day = (start + timedelta(days=days)).replace(hour=0, minute=0)
        if not on_day(rule, day):
            continue
        found = first_in(day, hours, minutes, start)
        if found is not None:
            return found.timestamp()
    return None


def on_day(rule: Cron, day: datetime) -> bool:
    """If both the day of the month and that of the week are restricted, one of them suffices, as in cron."""
    in_month, in_week = day.day in rule[2], day.isoweekday() % 7 in {number % 7 for number in rule[4]}
    restricted = len(rule[2]) < 31 and len({number % 7 for number in rule[4]}) < 7
    return day.month in rule[3] and (in_month or in_week if restricted else in_month and in_week)


def first_in(day: datetime, hours: Iterable[int], minutes: Iterable[int], start: datetime) -> datetime | None:
    moments = (day.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)
    return next((found for found in moments if found >= start), None)
