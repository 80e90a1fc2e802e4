# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What is left to do for a VM after its steps, when another run, or a person, has changed it at the same time."""

from __future__ import annotations

from .._core.failure import Failure
from .._core.waiting import TimeOver
from .._engine.engine import REFUSED, lasting, unstored, without
from . import planner
from .record import KIND
from .states import COMING, status


def left(cloud, one, item, desired):
    """(Failure or None, Run or None): what is wrong with a VM once its Run is over, and the Run that may mend it.

    A step that is refused because another run has carried it out, or because the VM was busy with that, is no failure:
    the VM is planned anew.  So it is where all steps were carried out, and the VM is not as it is wanted.

    Args:
        cloud (Cloud)
        one (Run): that is over.
        item: the VM as it is now (of one.vm.info); None: it is gone.
        desired (DesiredState)
    """
    if item is None:
        return one.failure, None
    failure = one.failure or (_unstored(cloud, item, desired) if one.waits else None)
    plan = _plan(cloud, item, desired, one) if failure is not None else None
    if plan is None:  # all is well, or the first failure tells more
        return failure, None
    # A VM that is on its way to a state may not arrive, where its driver fails.
    arrives = one.waits and desired.state is not None and bool(plan.steps) and status(item) in COMING
    if one.failure is not None and not plan.after and not arrives and not isinstance(failure, TimeOver):
        return None, None
    again = one.resumed(item, without(plan.steps, one.done))
    return failure, again if _may_help(one, again) else None


def _plan(cloud, item, desired, one):
    """The Plan for what is left; None: there is none."""
    if one.failure is None:  # what leaves nothing behind is not done twice
        resource = lasting(desired.resource)
        wanted = {option: value for option, value in desired.wanted.items() if option in resource.attributes}
        desired = desired._replace(resource=resource, wanted=wanted, state=None)
    try:
        return planner.plan(cloud, item, desired)
    except Failure:
        return None


def _may_help(one, again):
    """Whether there is something to carry out that was not tried in vain."""
    if one.failure is None:
        return bool(without(again.steps, one.planned))
    refused = one.failure.unclear or one.failure.data.get("code") in REFUSED
    return refused and bool(again.steps) and (status(again.item) in COMING or bool(without([one.failed], again.steps)))


def _unstored(cloud, item, desired):
    """The Failure of a VM that is not as OpenNebula has accepted it; None when it is."""
    if status(item) == "done" and desired.state != "done":
        return Failure("VM %s has been removed meanwhile." % item.NAME, object=KIND, id=item.ID)
    record = dict(desired.resource.read(cloud, item), id=item.ID, name=item.NAME)
    try:
        return unstored(desired.resource, record, desired.wanted, desired.modes)
    except Failure as failure:
        return failure
