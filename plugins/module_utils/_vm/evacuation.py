# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""All VMs of a host go elsewhere: each is asked to when it can, all are looked at together until they are gone."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core.failure import Failure
from .._core.waiting import TimeOver
from .states import COMING, RESTING, broken, error, look, stands, status, stuck

MONITORED = (1, 2)  # STATE of hosts that take VMs
HOMELESS = frozenset("init pending cloning held stopped undeployed done".split())  # states of VMs that are on no host
RESCHEDULED = frozenset(("running", "poweredoff", "unknown"))  # where one.vm.action resched works
MIGRATED = RESCHEDULED | {"suspended"}  # where one.vm.migrate works


class Evacuation(NamedTuple):
    """How VMs leave a host.

    Args:
        how (str): ``resched``: the scheduler finds the hosts, and moves them as it is configured; ``live``: those that
            run go on running, on the host with most room.
        destinations (list[str] | None): names or ids of hosts for ``live``; None: all in service of the same cluster.
        waits (bool): until they are gone; False: they are only asked to go.
    """

    how: str
    destinations: Any = None
    waits: bool = True


def evacuate(host_id, ids, order, cloud):
    """Moves VMs away from a host, which is to take no new ones meanwhile.

    Args:
        cloud (Cloud)
        host: of one.host.info.
        ids (list[int]): of the VMs.
        order (Evacuation)

    Raises:
        Failure: VMs are still there; its data have `failures`: id, name and reason of each.
    """
    exodus = _Exodus(cloud, host, ids, order)
    exodus.travel()
    failures = [
        {"id": oid, "name": exodus.names.get(oid), "reason": why} for oid, why in sorted(exodus.reasons.items())
    ]
    if failures:
        told = " ".join("VM %d: %s" % (one["id"], one["reason"]) for one in failures)
        message = "%d of %d VMs did not leave host %s. %s" % (len(failures), len(ids), host.NAME, told)
        raise Failure(message, object="host", id=host.ID, failures=failures)


class _Exodus:
    """VMs that leave a host.  `reasons`: id of each that does not → why."""

    def __init__(self, cloud, host, ids, order):
        items = look(cloud, ids)
        self.cloud = cloud
        self.host = host.ID
        self.waits = order.waits
        self.left = dict(items)
        self.names = {oid: item.NAME for oid, item in items.items()}
        self.reasons = {oid: "this user may not see it." for oid in ids if oid not in items}
        self._said = {oid: error(item) for oid, item in items.items()}  # by drivers, about what failed before
        self._ask = WAYS[order.how](cloud, host, items, order.destinations)
        self._asked: set[int] = set()

    def travel(self):
        try:
            if self._advance(self.left):
                self.cloud.wait(lambda: self._advance(look(self.cloud, self.left)), lambda left: not left, str)
        except TimeOver:
            self.reasons.update((oid, "Time is over, %s." % stands(item)) for oid, item in self.left.items())

    def _advance(self, seen):
        """Drops from `left` what has gone or failed; returns those that are left."""
        for oid in sorted(self.left):
            try:
                if oid in seen and self._stays(oid, seen[oid]):
                    self.left[oid] = seen[oid]
                    continue
            except Failure as failure:
                self.reasons[oid] = failure.message
            del self.left[oid]
        return self.left

    def _stays(self, oid, item):
        """Whether a VM is to be looked at again; asks it to go as soon as it can."""
        present = status(item)
        if present in HOMELESS or (present in RESTING and place(item) != self.host):
            return False
        if present == "failed" or error(item) not in ("", self._said[oid]):
            raise broken(item)
        if oid not in self._asked and present not in COMING:
            self._ask(item)
            self._asked.add(oid)
        return self.waits or oid not in self._asked


def place(item):
    """Id of the host where a VM of vm.info is, or was last; None: it never was on any."""
    records = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    return records[-1].HID if records else None


# ---------------------------------------------------------------- ways


def _rescheduling(cloud, host, items, destinations):
    """ask(VM) that marks it for the scheduler."""

    def ask(item):
        if status(item) not in RESCHEDULED:
            raise stuck(item, "be rescheduled")
        cloud.call("reschedule VM %s" % item.NAME, "vm.action", "resched", item.ID, object="vm", id=item.ID)

    return ask


def _migration(cloud, host, items, destinations):
    """ask(VM) that migrates it to the host that was found for it."""
    targets = placed(_candidates(cloud, host, destinations), items.values())

    def ask(item):
        present, target = status(item), targets.get(item.ID)
        if present not in MIGRATED:
            raise stuck(item, "be migrated")
        if target is None:
            raise Failure("No host has room for VM %s." % item.NAME, object="vm", id=item.ID)
        doing = "migrate VM %s to host %s" % (item.NAME, target.NAME)
        where = (target.ID, present == "running", True, -1, 0)
        cloud.call(doing, "vm.migrate", item.ID, *where, object="vm", id=item.ID)

    return ask


WAYS = {"resched": _rescheduling, "live": _migration}


def _candidates(cloud, host, destinations):
    if destinations is not None:
        hosts = [cloud.reference("host", given) for given in destinations]
    else:
        hosts = [one for one in cloud.pool("host") if one.STATE in MONITORED and one.CLUSTER_ID == host.CLUSTER_ID]
    return [one for one in hosts if one.ID != host.ID]


def placed(hosts, items):
    """Where VMs may go: each, the largest first, to the host that has most memory left, if there is room for it.

    Args:
        hosts (list): of one.hostpool.info.
        items (iterable): VMs of vm.info.

    Returns:
        dict: id of the VM → host; VMs without room are left out.
    """
    room = {host.ID: _free(host) for host in hosts}
    found = {}
    for item in sorted(items, key=lambda item: (_needed(item), -item.ID), reverse=True):
        memory, cpu = _needed(item)
        fitting = [host for host in hosts if room[host.ID][0] >= memory and room[host.ID][1] >= cpu]
        if fitting:
            host = found[item.ID] = max(fitting, key=lambda host: (room[host.ID][0], -host.ID))
            room[host.ID] = (room[host.ID][0] - memory, room[host.ID][1] - cpu)
    return found


def _free(host):
    """(memory in KB, percent of a CPU) that are left on a host."""
    share = host.HOST_SHARE
    return share.MAX_MEM - share.MEM_USAGE, share.MAX_CPU - share.CPU_USAGE


def _needed(item):
    """(memory in KB, percent of a CPU) that a VM takes."""
    return int(item.TEMPLATE["MEMORY"]) * 1024, float(item.TEMPLATE["CPU"]) * 100
