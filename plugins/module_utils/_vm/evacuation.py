# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The evacuation of a host: all of its VMs are moved to others."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .._core.failure import Failure, listed
from .._core.waiting import TimeOver
from .._engine.resource import Step
from .runner import Run, run
from .states import RESTING, describe, error, failure_of, fetch_vms, has_moved, last_record, record_number, status
from .transitions import target_state

MONITORED = (1, 2)  # STATE of hosts that take VMs
NO_HOST = frozenset("init pending cloning held stopped undeployed done".split())  # states of VMs that are on no host
RESCHEDULED = frozenset(("running", "poweredoff", "unknown"))  # where one.vm.action resched works
MIGRATED = RESCHEDULED | {"suspended"}  # where one.vm.migrate works
SAME_DATASTORE, COLD = -1, 0  # of one.vm.migrate


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
        host_id (int)
        ids (list[int]): of the VMs.
        order (Evacuation)
        cloud (Cloud)

    Raises:
        Failure: VMs are still there; its data have `failures`: id, name and reason of each.
    """
    host, items = cloud.info("host", host_id), fetch_vms(cloud, ids)
    reasons = {oid: "this user may not see it." for oid in ids if oid not in items}
    reasons.update(_move(cloud, host, items, order))
    if not reasons:
        return
    names = {oid: item.NAME for oid, item in items.items()}
    failures = [{"id": oid, "name": names.get(oid), "reason": why} for oid, why in sorted(reasons.items())]
    text = listed(("VM %(id)d: %(reason)s" % one for one in failures), " ")
    message = "%d of %d VMs did not leave host %s. %s" % (len(failures), len(ids), host.NAME, text)
    raise Failure(message, object="host", id=host.ID, failures=failures)


def _move(cloud, host, items, order):
    """{id of each VM that is still on the host: why}."""
    staying = {oid: item for oid, item in items.items() if not _has_left(item, host.ID)}
    runs, reasons = {}, {}
    for oid, steps in WAYS[order.how](cloud, host, staying, order.destinations).items():
        if isinstance(steps, Failure):
            reasons[oid] = steps.message
        else:
            item = staying[oid]
            left = Step("departure", until=partial(_departed, host.ID, error(item), record_number(item)))
            runs[oid] = Run(item, [steps, left], waits=order.waits)
    run(cloud, list(runs.values()), 1)
    told = {oid: _reason(one) for oid, one in runs.items() if one.failure is not None}
    seen = fetch_vms(cloud, told)  # one that has left or ended meanwhile is no failure
    reasons.update((oid, why) for oid, why in told.items() if oid in seen and not _has_left(seen[oid], host.ID))
    return reasons


def _reason(one):
    over = isinstance(one.failure, TimeOver)
    return "Time is over, %s." % describe(one.item) if over else one.failure.message


def _has_left(item, host_id):
    """Whether a VM rests elsewhere, or on no host."""
    present, last = status(item), last_record(item)
    return present in NO_HOST or (present in RESTING and (last is None or host_id != last.HID))


def _departed(host_id, said, number, item):
    """Whether a VM has left the host.

    Args:
        said (str): what drivers said before about what failed.
        number (int): of the history record that it had before.

    Raises:
        Failure: its migration has failed, or it is on the host again, and the scheduler will not move it.
    """
    if error(item) not in ("", said):
        raise failure_of(item)
    if _has_left(item, host_id):
        return True
    if has_moved(item, number) and not item.RESCHED:
        raise Failure("VM %s was moved, and is on the host again." % item.NAME, object="vm", id=item.ID)
    return False


# ---------------------------------------------------------------- ways


def _reschedule(cloud, host, items, destinations):
    """{id: Step that marks a VM for the scheduler}."""
    return {
        oid: Step("reschedule", "vm.action", ("resched", oid), on="VM %s" % item.NAME, states=RESCHEDULED)
        for oid, item in items.items()
    }


def _migrate(cloud, host, items, destinations):
    """{id: Step that migrates a VM to the host that was found for it, or the Failure when there is none}."""
    targets = placed(_candidates(cloud, host, destinations), items.values())
    return {oid: _migration(item, targets.get(oid)) for oid, item in items.items()}


def _migration(item, target):
    if target is None:
        return Failure("No host has room for VM %s." % item.NAME, object="vm", id=item.ID)
    live = target_state(item) == "running"
    arguments = (item.ID, target.ID, live, True, SAME_DATASTORE, COLD)
    on = "VM %s to host %s" % (item.NAME, target.NAME)
    return Step("migrate", "vm.migrate", arguments, on=on, states=MIGRATED)


WAYS = {"resched": _reschedule, "live": _migrate}


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
