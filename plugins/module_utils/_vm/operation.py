# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Work on one VM that lives: which one, and its way through what is to be done."""

from __future__ import annotations

from .._core.failure import Failure
from . import planner as machine
from . import resource as vm
from .runner import Journey, travel
from .transitions import Step, Until


def found(cloud, params, missing_ok=False):
    """The VM (of one.vm.info) that the options `id` and `name` (arguments.VM) speak of; None if there may be none.

    Raises:
        Failure: there is none, or there are several of the name.
    """
    name, oid = params["name"], params["id"]
    item = cloud.find(vm.KIND, name, oid)
    if item is None and not missing_ok:
        which = "called %s" % name if oid is None else "with id %d" % oid
        raise Failure("There is no VM %s." % which, object=vm.KIND, name=name, id=oid)
    return item


def carried_out(cloud, item, legs, hard=False, waits=True):
    """Takes a VM along the legs of a journey.Journey; returns it as it is then, None when it is done and gone.

    Args:
        cloud (Cloud)
        item: of one.vm.info.
        legs (list): Steps, Untils, and words of states to reach.
        hard (bool): power off and terminate without asking the guest.
        waits (bool): False: the last leg is asked for, not waited for.

    Raises:
        Failure: in the words of the driver; or time is over.
    """
    legs = legs if waits else _hasty(legs)
    journey = Journey(item, legs, hard, waits)
    late = travel(cloud, [journey], 1)
    failure = journey.failure or late
    if failure is not None:
        failure.data.update(object=vm.KIND, id=item.ID)
        raise failure
    return cloud.info(vm.KIND, item.ID)


def _hasty(legs):
    """The same legs, of which the last step is only asked for."""
    asked = [leg for leg in legs if not isinstance(leg, Until)]
    if asked and isinstance(asked[-1], Step):
        asked[-1] = asked[-1]._replace(still=True)
    return asked


def way(item, steps, allow_poweroff=False):
    """(legs, what the VM is switched off for) of steps after which it is again as it was; see machine.route."""
    return machine.route(item, None, steps, allow_poweroff) if steps else ([], [])
