# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""A change of one VM that exists: read, plan, run the steps, read again, verify."""

from __future__ import annotations

from typing import NamedTuple

from .._core.failure import Failure
from .._core.values import contrast
from .._engine import engine
from .._engine.engine import ROUNDS
from .._engine.resource import Modes, Report, modes_of
from . import planner
from .record import KIND
from .rounds import left
from .runner import Run, run


class Choices(NamedTuple):
    """How a change of a VM is carried out.

    Args:
        apply (bool): False: only plan.
        waits (bool): False: the last step is asked for, not waited for.
        modes, allow_poweroff, hard: as of planner.DesiredState.
    """

    apply: bool = True
    waits: bool = True
    modes: Modes = Modes()
    allow_poweroff: bool = False
    hard: bool = False


def choices(module):
    """The Choices that the options of a module make.

    Args:
        module (OneModule)
    """
    params = module.params
    power = (params.get("allow_poweroff", False), params.get("hard", False))
    return Choices(module.applies, params.get("wait", True), modes_of(params), *power)


def find_vm(cloud, params, missing_ok=False):
    """The VM (of one.vm.info) that the options `id` and `name` name; None if it may be missing.

    Raises:
        Failure: there is none, or there are several of the name.
    """
    name, oid = params["name"], params["id"]
    item = cloud.find(KIND, name, oid)
    if item is None and not missing_ok:
        which = "called %s" % name if oid is None else "with id %d" % oid
        raise Failure("There is no VM %s." % which, object=KIND, name=name, id=oid)
    return item


def change(cloud, resource, item, wanted, how):
    """Makes what is wanted true of a VM.

    Args:
        cloud (Cloud)
        resource (Resource): its steps may need states of the VM.
        item: of one.vm.info.
        wanted (dict): option → value; None: the task does not say.
        how (Choices)

    Returns:
        Report: its record is that of the resource, with id and name.

    Raises:
        Failure: something cannot be changed, in the words of the driver; or time is over.
    """
    wanted = engine.canonical(cloud, resource, wanted)
    desired = planner.DesiredState(wanted, resource, how.modes, allow_poweroff=how.allow_poweroff)
    found = planner.plan(cloud, item, desired)
    before, after = contrast(*(engine.shown(resource, values) for values in (found.before, found.after)))
    record = _record(cloud, resource, item)
    if not how.apply or not found.steps:
        return Report(bool(found.after), before, after, dict(record, **engine.persisted(resource, found.after)))
    one, item = _carried_out(cloud, Run(item, found.steps, how.hard, how.waits), desired)
    return Report(True, before, after, dict(_record(cloud, resource, item), **_results(one)))


def _carried_out(cloud, one, desired):
    """(Run, VM) once a VM is as it is wanted.

    Raises:
        Failure: it cannot be.
    """
    for dummy in range(ROUNDS):
        run(cloud, [one], 1)
        item = cloud.info(KIND, one.item.ID)
        failure, again = left(cloud, one, item, desired)
        if failure is None:
            return one, item or one.item
        if again is None:
            break
        one = again
    failure.data.update(object=KIND, id=one.item.ID)
    raise failure


def _record(cloud, resource, item):
    return dict(resource.read(cloud, item), id=item.ID, name=item.NAME)


def _results(one):
    """The fields of the result that the answers of the steps give."""
    results: dict = {}
    for step, answer in one.answers:
        results.update(step.result(answer) if step.result is not None else {})
    return results
