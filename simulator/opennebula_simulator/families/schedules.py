# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Scheduled actions of VMs and backup jobs: what a SCHED_ACTION says, when it is due, and what then happens."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..calls import Call, Method
from ..errors import Refused, internal, not_found, wrong_action
from ..store import Kind, Object, text
from ..template import Vector

OF_VM, OF_JOB = "VM", "BACKUPJOB"
NEVER_DONE = -1
ONCE, WEEKLY, MONTHLY, YEARLY, HOURLY = range(-1, 4)
NO_END, NEVER, TIMES, DATE = range(-1, 3)
RETRY_SECONDS = 1  # until the scheduler looks again
DAY, HOUR = 86400, 3600

ACTION = Kind(
    name="SCHEDULEDACTION",
    title="scheduled action",
    method="schedaction",
    root="SCHED_ACTION",
    layout=tuple(
        text(name.upper(), "oid" if name == "id" else name)
        for name in "id parent_id type action args time repeat days end_type end_value done message warning".split()
    ),
    owned=False,
    unique="",
    forbidden="",
)
FIELDS = {
    "action": "",
    "args": "",
    "time": -1,
    "repeat": ONCE,
    "days": "",
    "end_type": NO_END,
    "end_value": -1,
    "done": NEVER_DONE,
    "message": "",
    "warning": 0,
}


# ---------------------------------------------------------------- what it says

PLAIN = (  # actions of one.vm.action
    "terminate terminate-hard undeploy undeploy-hard hold release stop suspend resume reboot reboot-hard"
    " poweroff poweroff-hard".split()
)
WITH_ARGUMENTS: dict[str, tuple[str, list[Callable[[str], Any]], str]] = {  # the method, types and names of the ARGS
    "snapshot-create": ("snapshotcreate", [str], "snapshot-name"),
    "snapshot-revert": ("snapshotrevert", [int], "snapshot-id"),
    "snapshot-delete": ("snapshotdelete", [int], "snapshot-id"),
    "disk-snapshot-create": ("disksnapshotcreate", [int, str], "disk-id, snapshot-name"),
    "disk-snapshot-revert": ("disksnapshotrevert", [int, int], "disk-id, snapshot-id"),
    "disk-snapshot-delete": ("disksnapshotdelete", [int, int], "disk-id, snapshot-id"),
    "backup": ("backup", [int, lambda given: bool(int(given))], "datastore-id, reset"),
}
DAYS = {  # repeat -> the lowest and the highest day, and what is said of others
    WEEKLY: (0, 6, "Days in a week have to be in [0,6] range"),
    MONTHLY: (1, 31, "Days in a month have to be in [1,31] range"),
    YEARLY: (0, 365, "Days in a year have to be in [0,365] range"),
    HOURLY: (1, 167, "Hours have to be in [0,168] range"),
}


def parsed(kind: str, given: Vector, origin: int, before: dict[str, Any]) -> dict[str, Any]:
    """The fields of an action, `before` those that it had; "+60" is a minute behind `origin`. Raises ValueError."""
    found = dict(before)
    found["action"] = "backup" if kind == OF_JOB else action_of(given) or found["action"]
    if not found["action"]:
        raise ValueError("No ACTION in template for Scheduled Action.")
    if given.get("TIME"):
        found["time"] = moment(given["TIME"], origin)
    if found["time"] == -1:
        raise ValueError(f"Unable to parse the time value or value is empty: {given.get('TIME', '')}")
    found["repeat"] = choice(given, "REPEAT", (ONCE, HOURLY), found["repeat"])
    found["days"] = "" if found["repeat"] == ONCE else days(given.get("DAYS") or found["days"], found["repeat"])
    found["end_type"] = choice(given, "END_TYPE", (NO_END, DATE), found["end_type"])
    found["end_value"] = -1 if found["end_type"] <= NEVER else end(given, found["end_type"], found["end_value"])
    warning = number(given, "WARNING")
    return {
        **found,
        "args": given.get("ARGS", found["args"]),
        "warning": found["warning"] if warning is None else warning,
    }


def action_of(given: Vector) -> str:
    action = given.get("ACTION", "")
    if action and action not in PLAIN and action not in WITH_ARGUMENTS:
        raise ValueError(f"{action} is not supported.")
    return action


def number(given: Vector, name: str) -> int | None:
    try:
        return int(given.get(name, ""))
    except ValueError:
        return None


def moment(given: str, origin: int) -> int:
    """Seconds since the epoch; -1 for what is no number."""
    try:
        return int(given[1:]) + origin if given.startswith("+") else int(given)
    except ValueError:
        return -1


def choice(given: Vector, name: str, limits: tuple[int, int], before: int) -> int:
    found = number(given, name)
    if found is not None and not limits[0] <= found <= limits[1]:
        raise ValueError(f"Wrong {name} value: {found}")
    return before if found is None else found


def days(given: str, repeat: int) -> str:
    """The days as given, if the period has them all."""
    if not given:
        raise ValueError("Repeat set, but DAYS are empty")
    lowest, highest, words = DAYS[repeat]
    found = day_numbers(given)
    if not found:
        raise ValueError("Scheduled Action repeat set, but DAYS are empty")
    if found[0] < lowest or found[-1] > highest or (repeat == HOURLY and len(found) > 1):
        raise ValueError(words)
    return given


def day_numbers(given: str) -> list[int]:
    parts = (part.strip() for part in given.split(","))
    return sorted({int(part) for part in parts if part.lstrip("-").isdigit()})


def end(given: Vector, end_type: int, before: int) -> int:
    found = number(given, "END_VALUE")
    if found is not None and found < 0 and end_type == TIMES:
        raise ValueError("Error parsing END_VALUE, times has to be greater or equal to 0")
    return before if found is None else found


# ---------------------------------------------------------------- its life


def create(cloud: Any, kind: str, parent: Object, given: Vector, origin: int) -> int:
    """A new action of a VM or backup job; its ID. Raises ValueError."""
    action = Object(ACTION, "", parent_id=parent.oid, type=kind, **parsed(kind, given, origin, FIELDS))
    oid = cloud[ACTION.name].add(action)
    parent.sched_actions.add(oid)
    await_time(cloud, action)
    return oid


def change(cloud: Any, action: Object, given: Vector, origin: int) -> None:
    """Raises ValueError, and then nothing is changed."""
    before = {name: getattr(action, name) for name in FIELDS}
    action.__dict__.update(parsed(action.type, given, origin, before))
    await_time(cloud, action)


def drop(cloud: Any, numbers: Iterable[int]) -> None:
    """The actions of a VM or job that is gone."""
    pool = cloud[ACTION.name]
    for action in filter(None, map(pool.get, list(numbers))):
        pool.drop(action)


def shown(cloud: Any, parent: Object) -> str:
    """The actions as they stand in the TEMPLATE of their parent."""
    found = (cloud[ACTION.name].get_ro(oid) for oid in sorted(parent.sched_actions))
    return "".join([action.xml() for action in found if action is not None])


# ---------------------------------------------------------------- time


def await_time(cloud: Any, action: Object) -> None:
    """The scheduler finds the action due in the second behind its time."""
    if action.done < action.time:
        cloud.events.at(max(action.time + 1, cloud.events.now()), run, cloud, action.oid, action.time)


def is_due(action: Object, now: int) -> bool:
    ended = {TIMES: action.end_value <= 0, DATE: now > action.end_value}.get(action.end_type, False)
    return not ended and action.done < action.time < now


def run(cloud: Any, oid: int, planned: int) -> None:
    """Event: a due action is carried out, as oneadmin; what fails is tried again."""
    action = cloud[ACTION.name].get(oid)
    if action is None or action.time != planned or not is_due(action, cloud.events.time()):
        return
    try:
        perform(cloud, action)
    except (Refused, ValueError) as error:
        action.message = f"{cloud.events.date()} : {getattr(error, 'message', str(error))}"
        cloud.events.again(RETRY_SECONDS, run, cloud, oid, planned)
        return
    action.message = ""
    advance(action, cloud.events.time())
    await_time(cloud, action)


def perform(cloud: Any, action: Object) -> None:
    """Raises Refused, or ValueError for wrong ARGS."""
    if action.type == OF_JOB:
        cloud.act("one.backupjob.backup", [action.parent_id])
    elif action.action in PLAIN:
        cloud.act("one.vm.action", [action.action, action.parent_id])
    else:
        method, types, names = WITH_ARGUMENTS[action.action]
        try:
            arguments = [read(part) for read, part in zip(types, action.args.split(","), strict=False)]
        except ValueError:
            arguments = []
        if len(arguments) < len(types) or not action.args:
            raise ValueError(f"Missing or malformed ARGS for: {action.action}. Format: {names}")
        cloud.act(f"one.vm.{method}", [action.parent_id, *arguments])


def advance(action: Object, now: int) -> None:
    """The action is done; one that repeats gets its next time."""
    action.done = now
    ended = {TIMES: action.end_value <= 0, DATE: now > action.end_value}.get(action.end_type, False)
    if action.repeat == ONCE or ended:
        return
    if action.end_type == TIMES:
        action.end_value -= 1
    chosen = day_numbers(action.days)
    if action.repeat == HOURLY:
        step = chosen[0] * HOUR
        action.time += step * max(1, -(-(now - action.time) // step))
    else:
        action.time += days_ahead(action.repeat, chosen, time.localtime(now)) * DAY


def days_ahead(repeat: int, chosen: list[int], now: time.struct_time) -> int:
    """Days until the next of the chosen ones, in this period or the next."""
    today, period = {
        WEEKLY: ((now.tm_wday + 1) % 7, 7),  # Sunday is 0
        MONTHLY: (now.tm_mday, calendar.monthrange(now.tm_year, now.tm_mon)[1]),
        YEARLY: (now.tm_yday - 1, 365 + calendar.isleap(now.tm_year)),
    }[repeat]
    later = [day for day in chosen if day > today]
    return later[0] - today if later else period - today + chosen[0]


# ---------------------------------------------------------------- methods


def vector(call: Call, given: str, refuse: Callable[[str], Refused]) -> Vector:
    found = call.template(given).vector("SCHED_ACTION")
    if found is None:
        raise refuse("No SCHED_ACTION attribute in template")
    return found


def methods(
    kind: Kind, origin: Callable[[Object], int], refuse: Callable[[Object], None], parameter: str, answers_parent: bool
) -> dict[str, Method]:
    """The methods of a kind: `origin(obj)` is what relative times count from, `refuse(obj)` may forbid new ones."""

    def add(call: Call, obj: Object, given: str) -> int:
        refuse(obj)
        found = vector(call, given, wrong_action)
        try:
            return create(call.cloud, kind.name, obj, found, origin(obj))
        except ValueError as error:
            raise wrong_action(str(error)) from None

    def update(call: Call, obj: Object, number: int, given: str) -> int:
        found = vector(call, given, internal)
        action = call.pool(ACTION.name).get(number) if number in obj.sched_actions else None
        if action is None:
            raise internal(f"SCHED_ACTION with id = {number} doesn't exist")
        try:
            change(call.cloud, action, found, origin(obj))
        except ValueError as error:
            raise internal(str(error)) from None
        return number

    def delete(call: Call, obj: Object, number: int) -> int:
        if number not in obj.sched_actions:
            raise not_found(ACTION.title, number)
        obj.sched_actions.discard(number)
        if number not in call.pool(ACTION.name):
            raise not_found(ACTION.title, number)
        drop(call.cloud, [number])
        return obj.oid if answers_parent else number

    name, needs = f"one.{kind.method}.sched", f"MANAGE {kind.name}"
    return {
        "add": Method(f"{name}add", "oid:int, template:string", add, needs=needs),
        "update": Method(f"{name}update", f"oid:int, {parameter}:int, template:string", update, needs=needs),
        "delete": Method(f"{name}delete", f"oid:int, {parameter}:int", delete, needs=needs),
    }


KINDS = [ACTION]
METHODS: list[Method] = []
