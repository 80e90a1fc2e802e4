# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""All VMs of a host go elsewhere: each is asked to, all are looked at together until the host is empty."""

from __future__ import annotations

from typing import Any, NamedTuple

from .failure import Failure
from .journey import Journey, broken, look, travel
from .resources.vm_states import RESTING, Step, Until, error, heading, leaving, status

WORKERS = 8  # VMs that are asked to go at a time
MONITORED = (1, 2)  # STATE of hosts that take VMs
HOMELESS = ("stopped", "undeployed")  # states in which a VM is on no host
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


def evacuate(cloud, host, ids, order):
    """Moves VMs away from a host, which is to take no new ones meanwhile.

    Args:
        cloud (Cloud)
        host: of one.host.info.
        ids (list[int]): of the VMs.
        order (Evacuation)

    Raises:
        Failure: VMs are still there; its data have `failures`: id, name and reason of each.
    """
    items = look(cloud, ids)
    move = WAYS[order.how](cloud, host, items, order.destinations)
    journeys = [_journey(host.ID, item, move, order.waits) for dummy, item in sorted(items.items())]
    travel(cloud, journeys, WORKERS)
    failures = [_failed(oid, None, "this user may not see it.") for oid in sorted(set(ids) - set(items))]
    for journey in journeys:
        if journey.failure is not None:
            failures.append(_failed(journey.item.ID, journey.item.NAME, journey.failure.message))
        elif not journey.over:
            failures.append(_failed(journey.item.ID, journey.item.NAME, "Time is over, %s." % journey.stands()))
    if failures:
        reasons = " ".join("VM %d: %s" % (one["id"], one["reason"]) for one in failures)
        message = "%d of %d VMs did not leave host %s. %s"
        text = message % (len(failures), len(ids), host.NAME, reasons)
        raise Failure(text, object="host", id=host.ID, failures=failures)


def _failed(oid, name, reason):
    return {"id": oid, "name": name, "reason": reason}


def _journey(host, item, move, waits):
    if leaving(item):
        return Journey(item, ["done"], patient=waits)
    if heading(item) in HOMELESS:
        return Journey(item, [heading(item)], patient=waits)
    return Journey(item, [move(item), Until("other host", _arrival(host, item))], patient=waits)


def _arrival(host, item):
    """holds() of a VM that is to rest anywhere but on a host; a driver that fails leaves it where it was."""
    said = error(item)

    def holds(seen):
        if error(seen) not in ("", said):
            raise broken(seen)
        present = status(seen)
        return present in RESTING and (present == "done" or present in HOMELESS or place(seen) != host)

    return holds


def place(item):
    """Id of the host where a VM of vm.info is, or was last; None: it never was on any."""
    records = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    return records[-1].HID if records else None


# ---------------------------------------------------------------- ways


def _rescheduling(cloud, host, items, destinations):
    """item → Step that marks a VM for the scheduler."""

    def move(item):
        def run():
            cloud.call("reschedule VM %s" % item.NAME, "vm.action", "resched", item.ID, object="vm", id=item.ID)

        return Step("be rescheduled", RESCHEDULED, run)

    return move


def _migration(cloud, host, items, destinations):
    """item → Step that migrates a VM to the host that was found for it."""
    targets = placed(_candidates(cloud, host, destinations), items.values())

    def move(item):
        def run():
            target = targets.get(item.ID)
            if target is None:
                raise Failure("No host has room for VM %s." % item.NAME, object="vm", id=item.ID)
            doing = "migrate VM %s to host %s" % (item.NAME, target.NAME)
            live = heading(item) == "running"
            cloud.call(doing, "vm.migrate", item.ID, target.ID, live, True, -1, 0, object="vm", id=item.ID)

        return Step("be migrated", MIGRATED, run)

    return move


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
