# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Scheduled actions (SCHED_ACTION) as a set, of VMs and of backup jobs.

OpenNebula moves the time of a repeated action to its next turn, so repeated actions are the same when they come at the
same time of the day (hour).  It runs at once what is added with a time that is over; so a new repeated action begins
with its next turn, and one that was to run once is taken as done.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import partial

from .._core.failure import Failure, did_you_mean
from .._engine.resource import Step, attribute
from ..pyone.constants import SCHED_ACTIONS
from . import relations

PURGE = "purge_schedules"  # option that removes the schedules that are not named

REPEATS = ("weekly", "monthly", "yearly", "hourly")  # by the number in REPEAT
NEVER, TIMES, DATE = 0, 1, 2  # END_TYPE
DAY, HOUR = 86400, 3600
RELATIVE = re.compile(r"\+[0-9]+\Z")
NO_TIME = datetime.min  # before all that the server knows
SECONDS = re.compile(r"[0-9]{1,11}\Z")  # up to the year 5138


def read(vector):
    """A SCHED_ACTION (dict) in words; times in seconds since the epoch, or ``+SECONDS`` after the VM's start."""
    repeat, end, value = (_integer(vector.get(name)) for name in ("REPEAT", "END_TYPE", "END_VALUE"))
    moment = vector.get("TIME", "")
    return {
        "id": _integer(vector.get("ID")),
        "action": vector.get("ACTION", "backup"),
        "args": vector.get("ARGS", ""),
        "time": moment if RELATIVE.match(moment) else _integer(moment),
        "repeat": REPEATS[repeat] if 0 <= repeat < len(REPEATS) else "",
        "days": relations.ids(vector.get("DAYS")),
        "end_after": value if end == TIMES else None,
        "end_at": value if end == DATE else None,
        "done": _integer(vector.get("DONE")) > 0,
    }


def _integer(text):
    return int(text) if text and re.match(r"-?[0-9]+\Z", text) else -1


def canonical(cloud, given):
    """Schedules as they are wanted, in one form; `next` is the time to add one with, None when that has passed.

    Raises:
        Failure: a time cannot be read, or days and repeat do not go together.
    """
    now = cloud.clock.time()
    found = [_canonical(item) for item in given]
    return [dict(item, next=_next(item, now)) for item in found]


def _canonical(item):
    found = {word: value for word, value in item.items() if value is not None}
    repeat, days = found.get("repeat", ""), sorted(found.get("days", []))
    if bool(repeat) != bool(days):
        raise Failure("A repeated schedule has both, repeat and days; one that runs once has neither.")
    why = _days_refused(REPEATS.index(repeat), days) if repeat else None
    if why:
        raise Failure("A schedule: %s." % why)
    ends = [word for word in ("end_after", "end_at") if word in found]
    if ends and not repeat:
        raise Failure("A schedule that runs once has no end: leave out %s." % ends[0])
    if len(ends) > 1:
        raise Failure("A schedule ends after a number of times or at a time: give end_after or end_at.")
    return {
        "action": found.get("action", "backup"),
        "args": found.get("args", ""),
        "time": moment(found["time"]),
        "repeat": repeat,
        "days": days,
        "end_after": found.get("end_after"),
        "end_at": moment(found["end_at"]) if "end_at" in found else None,
    }


def moment(given):
    """Seconds since the epoch of a time: a number, a date with or without a zone (UTC), or ``+SECONDS`` as it is.

    Raises:
        Failure: it is none of these.
    """
    text = str(given).strip()
    if SECONDS.match(text):
        return int(text)
    if RELATIVE.match(text):
        return text
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        found = NO_TIME
    seconds = int((found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp())
    if seconds < 0:
        raise Failure("The time %r is no date such as '2026-12-01 02:00'." % text)
    return seconds


def same(present, wanted):
    """Whether a schedule there is is the one that is wanted."""
    words = ("action", "args", "repeat", "days", "end_after", "end_at")
    if any(present[word] != wanted[word] for word in words):
        return False
    if not wanted["repeat"] or isinstance(wanted["time"], str) or isinstance(present["time"], str):
        return present["time"] == wanted["time"]
    turn = HOUR if wanted["repeat"] == "hourly" else DAY
    off = (present["time"] - wanted["time"]) % turn
    return off in (0, HOUR, turn - HOUR)  # an hour: summer time of the front-end


def merged(present, wanted, modes):
    """The schedules after the change: those there are (with the purge option: that are wanted), then the new ones.

    Two runs at once may add one twice, of which the first stays.
    """
    firsts = [next((item["id"] for item in present if same(item, one)), None) for one in wanted]
    twice = [item["id"] for item in present if item["id"] not in firsts and any(same(item, one) for one in wanted)]
    gone = [item["id"] for item in present if item["id"] not in firsts] if PURGE in modes.purge else twice
    kept = [item for item in present if item["id"] not in gone]
    new = [one for one in wanted if one["next"] is not None and not any(same(item, one) for item in present)]
    return kept + [_added(one) for one in new]


def _added(item):
    return {word: item["next"] if word == "time" else value for word, value in item.items() if word != "next"}


def _next(item, now):
    """The time of a schedule that is to come; None when there is none."""
    when = item["time"]
    if isinstance(when, str) or when > now:
        return when
    if not item["repeat"]:
        return None
    if item["repeat"] == "hourly":
        return when + HOUR * (1 + int(now - when) // HOUR)
    when += DAY * (1 + int(now - when) // DAY)
    turns = (when + DAY * later for later in range(367))
    return next((turn for turn in turns if _day(turn, item["repeat"]) in item["days"]), when)


def _day(when, repeat):
    """What `days` counts for a kind of repetition: days of the week (Sunday is 0), the month, the year (from 0)."""
    date = datetime(1970, 1, 1) + timedelta(seconds=when)
    if repeat == "weekly":
        return date.isoweekday() % 7
    return date.day if repeat == "monthly" else date.timetuple().tm_yday - 1


def vector(item):
    """The SCHED_ACTION of a schedule."""
    found = {"ACTION": item["action"], "ARGS": item["args"] or None, "TIME": item["time"]}
    if item["repeat"]:
        found.update(REPEAT=REPEATS.index(item["repeat"]), DAYS=relations.joined(item["days"]))
        found.update(_end(item))
    return {name: value for name, value in found.items() if value is not None}


def _end(item):
    for kind, word in ((TIMES, "end_after"), (DATE, "end_at")):
        if item[word] is not None:
            return {"END_TYPE": kind, "END_VALUE": item[word]}
    return {"END_TYPE": NEVER}


DAYS = ((0, 6), (1, 31), (0, 365), (1, 167))  # the first and the last that `days` may have, by the number in REPEAT


def refused(vector):
    """Why OpenNebula refuses a SCHED_ACTION of a VM template; None: it does not.

    Args:
        vector (dict): in canonical form.
    """
    action, time, days = (vector.get(name, "") for name in ("ACTION", "TIME", "DAYS"))
    if action not in SCHED_ACTIONS:
        known = did_you_mean(action, SCHED_ACTIONS)
        return "OpenNebula has no scheduled action %r.%s" % (action, known) if action else "SCHED_ACTION has no ACTION"
    if not re.match(r"\+?[0-9]+\Z", time):
        return "the TIME of a SCHED_ACTION is a number of seconds, or +SECONDS after the start, not %r" % time
    for name, most in (("REPEAT", len(REPEATS) - 1), ("END_TYPE", DATE)):
        if vector.get(name) and not 0 <= _integer(vector[name]) <= most:
            return "the %s of a SCHED_ACTION is a number up to %d, not %r" % (name, most, vector[name])
    why = _days_refused(_integer(vector.get("REPEAT")), relations.ids(days))
    return "SCHED_ACTION: %s" % why if why else _end_refused(vector)


def _days_refused(repeat, days):
    if repeat < 0:
        return None
    first, last = DAYS[repeat]
    if not days or min(days) < first or max(days) > last:
        return "the days of one that is repeated %s are numbers from %d to %d" % (REPEATS[repeat], first, last)
    return None


def _end_refused(vector):
    if _integer(vector.get("END_TYPE")) == TIMES and vector.get("END_VALUE", "0").startswith("-"):
        return "the END_VALUE of a SCHED_ACTION is a number from 0, not %r" % vector["END_VALUE"]
    return None


def schedules(prefix):
    """The Attribute `schedules` of a kind whose methods begin with `prefix` (vm, backupjob)."""
    return attribute("schedules", partial(_write, prefix), merged, canonical, shown=shown)


def shown(given):
    """The schedules as the object has them: one that is wanted begins at the time that is to come."""
    return [_added(item) if "next" in item else item for item in given if item.get("next", item) is not None]


def _write(prefix, record, after):
    what = "change the schedules of %s" % record["name"]
    stay = {item["id"] for item in after if "id" in item}
    gone = [item["id"] for item in record["schedules"] if item["id"] not in stay]
    new = [vector(item) for item in after if "id" not in item]
    steps = [Step(what, prefix + ".scheddelete", (record["id"], number)) for number in gone]
    return steps + [Step(what, prefix + ".schedadd", (record["id"], {"SCHED_ACTION": [one]})) for one in new]
