# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The VMs that one_vm_info returns, read page by page."""

from __future__ import annotations

from functools import partial

from .._core.failure import described
from .._core.values import first_text
from .._engine.info import owned, pattern
from ..pyone import OneException
from ..pyone.helpers import pool_all
from .record import instance, read
from .selection import ALIVE, IN_POOL, has, wanted_attributes
from .states import ANYWHERE, fetch_vms, last_record, status

EVERY = -2  # of one.vmpool.*: all states
STATES = sorted(ANYWHERE)


def instances(cloud, options):
    """The records of the VMs that fit, by id.

    A page of the pool costs a call; with `full`, each page of VMs that fit costs one more, unless attributes decide:
    then whole VMs are read from the beginning.

    Args:
        cloud (Cloud)
        options (dict): ids, name, labels, attributes, states, host, cluster, owner, group (None: any); full (bool);
            page (int): VMs of a call, from 2.

    Returns:
        list[dict]: of record.instance().
    """
    wanted = wanted_attributes(options["attributes"] or {})
    whole = options["ids"] is not None or not set(wanted) <= IN_POOL  # else the short form of a VM decides
    tests = _tests(cloud, options, wanted)
    found = [item for item in _candidates(cloud, options, whole) if all(test(item) for test in tests)]
    if options["full"] and not whole:
        found = _read(cloud, [item.ID for item in found], options)
    elif not whole:
        _learn_secrets(cloud, found, options)
    return [instance(item, read(cloud, item)) for item in sorted(found, key=lambda item: item.ID)]


def _learn_secrets(cloud, items, options):
    """Reads all of the VMs that have failed: what is said of that may repeat secrets that the pool does not have."""
    said = [item.ID for item in items if first_text(item.USER_TEMPLATE, "ERROR")]
    for item in _read(cloud, said, options):
        cloud.secrets.add(instance(item, read(cloud, item)))


def _candidates(cloud, options, whole):
    if options["ids"] is not None:
        return _read(cloud, sorted(set(options["ids"])), options)
    state = EVERY if "done" in (options["states"] or ()) else ALIVE
    try:
        return list(pool_all("vmpool", cloud.one, options["page"], whole, state=state))
    except OneException as error:
        raise described(error, "list the VMs") from None


def _read(cloud, ids, options):
    parts = (ids[start : start + options["page"]] for start in range(0, len(ids), options["page"]))
    return [item for part in parts for item in fetch_vms(cloud, part).values()]


def _tests(cloud, options, wanted):
    """What a VM has to pass, cheap ones first."""
    named, labels = pattern(options["name"]), options["labels"] or ()
    found = [lambda item: named(item.NAME), lambda item: owned(item, options)]
    if options["states"] is not None:
        found.append(lambda item: status(item) in options["states"])
    if options["host"] is not None:
        found.append(partial(_is_at, ("HOSTNAME", "HID"), options["host"]))
    if options["cluster"] is not None:
        cluster = cloud.reference("cluster", options["cluster"])
        found.append(partial(_is_at, ("CID",), None if cluster is None else str(cluster.ID)))
    if labels or wanted:
        found.append(lambda item: has(item, labels, wanted))
    return found


def _is_at(fields, place, item):
    """Whether a VM is, or was last, at a place that its last history record names."""
    last = last_record(item)
    return last is not None and place in [str(getattr(last, field)) for field in fields]
