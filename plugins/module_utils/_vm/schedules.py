# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The scheduled actions of a VM."""

from __future__ import annotations

from .._attributes import schedules
from .._core.values import canonical, vectors
from .._engine.resource import Resource
from .record import KIND


def read(cloud, item):
    """The record of a VM (one.vm.info)."""
    found = vectors(canonical(item.TEMPLATE or {}), "SCHED_ACTION")
    return {"schedules": [schedules.read(one) for one in found]}


def absolute(item, given):
    """Schedules whose times ``+SECONDS`` are times: OpenNebula keeps them so, counted from the start of the VM.

    Args:
        item: of one.vm.info.
        given (list[dict]): of the option `schedules`.
    """
    return [dict(one, time=_absolute(item.STIME, str(one["time"]).strip())) for one in given]


def _absolute(start, text):
    return str(start + int(text[1:])) if schedules.RELATIVE.match(text) else text


VM_SCHEDULES = Resource(KIND, read, {"schedules": schedules.schedules(KIND)})
