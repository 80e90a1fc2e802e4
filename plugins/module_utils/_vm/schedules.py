# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The scheduled actions of a VM."""

from __future__ import annotations

from .._attributes import schedules
from .._core.values import canonical
from .._engine.engine import Resource
from . import resource as vm


def read(cloud, item):
    """The record of a VM (one.vm.info)."""
    vectors = canonical(item.TEMPLATE or {}).get("SCHED_ACTION", [])
    return {"schedules": [schedules.read(one) for one in (vectors if isinstance(vectors, list) else [vectors])]}


def resource(item, purge=True):
    """The Resource for one VM; `purge`: actions that are not wanted are removed."""
    return Resource(vm.KIND, read, None, {"schedules": attribute(item, purge)}, None)


def attribute(item, purge):
    """The Attribute `schedules`: OpenNebula keeps ``+SECONDS`` as the time so long after the start of the VM."""
    own = schedules.attribute(vm.KIND, purge)

    def one_form(cloud, given):
        return [dict(one, time=absolute(one["time"], item.STIME)) for one in own.canonical(cloud, given)]

    return own._replace(canonical=one_form)


def absolute(moment, origin):
    """Seconds since the epoch of a moment in seconds, or as ``+SECONDS`` after `origin`."""
    return origin + int(moment[1:]) if isinstance(moment, str) else moment
