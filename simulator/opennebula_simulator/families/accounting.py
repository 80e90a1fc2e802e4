# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What VMs used and cost: accounting out of their history records, showback by month, and samples while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .. import dummy, generic
from ..calls import Call, Method
from ..store import Kind, Object
from . import lifecycle, records, usage

OPEN = -1  # no limit
LATEST, EVERY = 0, -1  # arguments of one.vmpool.monitoring
HOUR = 3600
SAMPLE_SECONDS, KEPT_SAMPLES = 10, 360
JANUARY = 1


# ---------------------------------------------------------------- accounting


def accounting(call: Call, kind: Kind, flag: int, start: int, end: int) -> str:
    found = [
        records.shown(entry, vm, seq, entry["vm"])
        for vm in generic.visible(call, kind, flag)
        for seq, entry in enumerate(vm.history)
        if (start == OPEN or not entry["etime"] or entry["etime"] > start) and (end == OPEN or entry["stime"] < end)
    ]
    return f"<HISTORY_RECORDS>{''.join(found)}</HISTORY_RECORDS>"


# ---------------------------------------------------------------- showback


class Month(NamedTuple):
    year: int
    number: int

    @property
    def begin(self) -> int:
        return int(time.mktime((self.year, self.number, 1, 0, 0, 0, 0, 0, -1)))

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)


class Bill(NamedTuple):
    """What a VM cost in a month."""

    cpu: float = 0
    memory: float = 0
    disk: float = 0
    hours: float = 0
    running_hours: float = 0

    def plus(self, other: Bill) -> Bill:
        return Bill(*(a + b for a, b in zip(self, other, strict=True)))


def month_of(moment: float) -> Month:
    now = time.localtime(moment)
    return Month(now.tm_year, now.tm_mon)


def given_month(number: int, year: int, default: Month) -> Month:
    """A month as mktime reads it: the thirteenth is the first of the next year."""
    if OPEN in (number, year):
        return default
    return Month(year + (number - 1) // 12, (number - 1) % 12 + 1)


def calculate(call: Call, kind: Kind, first: int, first_year: int, last: int, last_year: int) -> str:
    """The bills of all VMs in these months, from the first record until now if no months are given."""
    if not call.is_admin:
        raise call.unauthorized("Action reserved for group 0 only")
    now = call.cloud.events.time()
    vms = list(call.pool(kind.name))
    earliest = min((vm.history[0]["stime"] for vm in vms if vm.history), default=now)
    month = max(given_month(first, first_year, month_of(earliest)), month_of(earliest))
    final = min(given_month(last, last_year, month_of(now)), month_of(now))
    while month <= final:
        for vm in vms:
            bill(vm, month, now)
        month = month.next
    return call.cloud.release.calculated


def bill(vm: Object, month: Month, now: int) -> None:
    """Keeps what a VM cost in a month in which it lay on a host."""
    begin, end = month.begin, min(month.next.begin, now)
    parts = [
        charged(vm, overlap(entry, "stime", "etime", begin, end), overlap(entry, "rstime", "retime", begin, end))
        for entry in vm.history
        if touches(entry, begin, end)
    ]
    vm.bills.pop(month, None)
    if parts:
        vm.bills[month] = total(parts)


def touches(entry: dict, begin: int, end: int) -> bool:
    return entry["stime"] <= end and (not entry["etime"] or entry["etime"] >= begin)


def total(parts: Iterable[Bill]) -> Bill:
    found = Bill()
    for part in parts:
        found = found.plus(part)
    return found


def overlap(entry: dict, since: str, until: str, begin: int, end: int) -> float:
    """Hours of a record within a span of time."""
    if not entry[since]:
        return 0
    return max(0, min(entry[until] or end, end) - max(entry[since], begin)) / HOUR


def charged(vm: Object, hours: float, running: float) -> Bill:
    body = vm.template
    disks = sum(usage.size_of(disk) for disk in body.vectors("DISK"))
    return Bill(
        cpu=body.number("CPU_COST") * body.number("CPU") * hours,
        memory=body.number("MEMORY_COST") * body.number("MEMORY") * hours,
        disk=body.number("DISK_COST") * disks * hours,
        hours=hours,
        running_hours=running,
    )


def showback(call: Call, kind: Kind, flag: int, first: int, first_year: int, last: int, last_year: int) -> str:
    begin = given_month(first, first_year, Month(0, JANUARY))
    end = given_month(last, last_year, Month(9999, JANUARY))
    vms = generic.visible(call, kind, flag)
    found = [(month, vm.oid, vm, entry) for vm in vms for month, entry in vm.bills.items() if begin <= month <= end]
    shown = [statement(vm, month, entry) for month, _oid, vm, entry in sorted(found, key=lambda row: row[:2])]
    return f"<SHOWBACK_RECORDS>{''.join(shown)}</SHOWBACK_RECORDS>"


def statement(vm: Object, month: Month, entry: Bill) -> str:
    values = {
        "VMID": vm.oid,
        "VMNAME": vm.name,
        "UID": vm.uid,
        "GID": vm.gid,
        "UNAME": vm.uname,
        "GNAME": vm.gname,
        "YEAR": month.year,
        "MONTH": month.number,
        "CPU_COST": f"{entry.cpu:.6g}",
        "MEMORY_COST": f"{entry.memory:.6g}",
        "DISK_COST": f"{entry.disk:.6g}",
        "TOTAL_COST": f"{entry.cpu + entry.memory + entry.disk:.6g}",
        "HOURS": f"{entry.hours:.2f}",
        "RHOURS": f"{entry.running_hours:.2f}",
    }
    return f"<SHOWBACK>{''.join([f'<{name}>{value}</{name}>' for name, value in values.items()])}</SHOWBACK>"


# ---------------------------------------------------------------- samples


def moments(vm: Object, now: int) -> list[int]:
    """When the driver reported on the VM: while it ran, and while the last samples of it are kept."""
    found = [moment for entry in vm.history if entry["rstime"] for moment in reports(entry, now)]
    return found[-KEPT_SAMPLES:] if vm.state != lifecycle.DONE else []


def reports(entry: dict, now: int) -> Iterator[int]:
    end = entry["retime"] or entry["etime"] or now
    yield from range(entry["rstime"] + SAMPLE_SECONDS, end + 1, SAMPLE_SECONDS)


def monitoring(call: Call, vm: Object) -> str:
    return data([(vm, moments(vm, call.cloud.events.time()))])


def pool_monitoring(call: Call, kind: Kind, flag: int, seconds: int) -> str:
    """All samples, the latest of each VM, or those of the last seconds."""
    now, found = call.cloud.events.time(), []
    for vm in generic.visible(call, kind, flag):
        times = moments(vm, now)
        times = times[-1:] if seconds == LATEST else times
        found.append((vm, [moment for moment in times if seconds in (LATEST, EVERY) or moment > now - seconds]))
    return data(found)


def data(found: Iterable[tuple[Object, Iterable[int]]]) -> str:
    shown = [dummy.vm_sample(vm.oid, moment) for vm, times in found for moment in times]
    return f"<MONITORING_DATA>{''.join(shown)}</MONITORING_DATA>"


# ---------------------------------------------------------------- methods

MONTHS = "start_month:int, start_year:int, end_month:int, end_year:int"


def methods(kind: Kind) -> dict[str, Method]:
    """The methods of the pool of VMs, and that of one VM ("one")."""

    def of_pool(name: str, arguments: str, run: Callable[..., str]) -> Method:
        return Method(
            f"one.{kind.method}pool.{name}",
            arguments,
            lambda call, *given: run(call, kind, *given),
            reads=True,
        )

    return {
        "one": Method(
            f"one.{kind.method}.monitoring", "oid:int", monitoring, needs=f"USE {kind.name} ignoring locks", reads=True
        ),
        "accounting": of_pool("accounting", "filter_flag:int, start_time:int, end_time:int", accounting),
        "monitoring": of_pool("monitoring", "filter_flag:int, seconds:int=-1", pool_monitoring),
        "showback": of_pool("showback", f"filter_flag:int, {MONTHS}", showback),
        "calculateshowback": of_pool("calculateshowback", MONTHS, calculate),
    }
