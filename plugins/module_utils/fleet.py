# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Fleets: exactly so many VMs of a name pattern such as ``web-##``."""

from __future__ import annotations

import re

from .failure import Failure
from .resource import Engine, Report
from .resources import vm

ACTIVE = (-2, -1, -1, -1)  # of one.vmpool.*: all that the user may see, but for DONE


class Pattern:
    """A name with one run of ``#``, which stands for a number of at least so many digits."""

    def __init__(self, text):
        parts = re.match(r"([^#]*)(#+)([^#]*)\Z", text or "")
        if not parts:
            raise Failure("With exact_count, name is a pattern such as 'web-##'; %r has no single run of '#'." % text)
        self.before, digits, self.after = parts.groups()
        self.width = len(digits)
        self._names = re.compile("%s([0-9]{%d,})%s\\Z" % (re.escape(self.before), self.width, re.escape(self.after)))

    def number(self, name):
        """The number in a name of the fleet; None for any other name."""
        found = self._names.match(name)
        return int(found.group(1)) if found else None

    def name(self, number):
        return "%s%0*d%s" % (self.before, self.width, number, self.after)


def converge(cloud, resource, pattern, count, wanted, apply, waits):
    """Brings the fleet to `count` VMs, fills holes in the numbering, removes the highest numbers first.

    Args:
        cloud (Cloud)
        resource (Resource): of VMs.
        pattern (Pattern)
        count (int)
        wanted (dict): option → value, for every VM of the fleet.
        apply, waits (bool): as for Engine.

    Returns:
        Report: its record has `instances`.
    """
    engine = Engine(cloud, resource, apply, waits)
    wanted = engine.canonical(wanted)
    present = _members(cloud, pattern)
    keep = sorted(present)[:count]
    surplus = [present[number] for number in sorted(present, reverse=True) if number not in keep]
    free = (number for number in range(count + len(present)) if number not in present)
    names = [pattern.name(next(free)) for dummy in range(count - len(keep))]
    _refuse_locked(surplus)
    if names:
        engine.require(names[0], wanted)
    updates = [engine.update(present[number], wanted, settle=False) for number in keep]
    before = {"vms": sorted(item.NAME for item in present.values())}
    after = {"vms": sorted([present[number].NAME for number in keep] + names)}
    for report in updates:
        if report.changed:
            before[report.record["name"]], after[report.record["name"]] = report.before, report.after
    ids = [present[number].ID for number in keep]
    if apply:
        for item in surplus:
            resource.remove(cloud, {"id": item.ID, "name": item.NAME})
        if waits:
            _wait_until_gone(cloud, [item.ID for item in surplus])
        ids += _create(cloud, resource, names, wanted)
    records = _settled(engine, ids, wanted) if apply else [report.record for report in updates]
    return Report(before != after, before, after, {"instances": records, "instances_ids": ids})


def _members(cloud, pattern):
    """{number: VM} of a fleet, by one call."""
    pool = cloud.call("list the VMs", "vmpool.infoextended", *ACTIVE).VM
    members: dict = {}
    for item in pool:
        number = pattern.number(item.NAME)
        if number is None:
            continue
        if number in members:
            message = "Two VMs have the name %r, with the ids %d and %d: rename or remove one."
            raise Failure(message % (item.NAME, members[number].ID, item.ID), object="vm", name=item.NAME)
        members[number] = item
    return members


def _refuse_locked(surplus):
    locked = [item.NAME for item in surplus if item.LOCK is not None]
    if locked:
        raise Failure("To reach exact_count, locked VMs would have to go: %s. Unlock them first." % ", ".join(locked))


def _look(cloud, ids, whole):
    """The VMs with these ids, by one call; `whole`: as vm.info has them."""
    return cloud.call("read the VMs", "vmpool.infoset", ",".join(str(oid) for oid in ids), whole).VM


def _wait_until_gone(cloud, ids):
    """Removed VMs hold their image, leases and host until they are DONE."""
    if ids:
        cloud.wait(
            lambda: _look(cloud, ids, False),
            lambda items: all(vm.gone(item) for item in items),
            lambda items: ", ".join("%s is %s" % (item.NAME, vm.status(item)) for item in items),
        )


def _create(cloud, resource, names, wanted):
    ids = []
    for name in names:
        try:
            ids.append(resource.create(cloud, name, wanted))
        except Failure as failure:
            if ids:
                failure.message += " Created before that: %s." % ", ".join(str(oid) for oid in ids)
            failure.data.update(created=ids)
            raise
    return ids


def _settled(engine, ids, wanted):
    """The records of the VMs with these ids, by one call a tick."""
    if not ids:
        return []
    cloud, resource = engine.cloud, engine.resource

    def rest(items):
        failed = [
            "%s (%s)" % (item.NAME, resource.failure(item)) for item in items if resource.failure(item) is not None
        ]
        if failed:
            message = "%d of %d VMs have failed: %s."
            raise Failure(message % (len(failed), len(items), ", ".join(failed)), object="vm", ids=ids)
        return all(resource.settled(item, wanted) for item in items)

    def stand(items):
        return ", ".join(
            "%s is %s" % (item.NAME, vm.status(item)) for item in items if not resource.settled(item, wanted)
        )

    items = cloud.wait(lambda: _look(cloud, ids, True), rest, stand) if engine.waits else _look(cloud, ids, True)
    return [engine.record(item) for item in sorted(items, key=lambda item: item.ID)]
