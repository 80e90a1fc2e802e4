# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Many VMs on their ways at once: one look at all of them a tick, and whatever is then due for each."""

from __future__ import annotations

from typing import Any

from .._core.failure import Failure
from .states import COMING, broken, error, look, stands, status, stuck
from .transitions import Step, Until, action, heading, leaving

ACTION_REFUSED = 0x0800  # error code: the state does not allow it
THROUGH = frozenset(("resume", "release"))  # actions on the way to other states than running


class Journey:
    """What is still to be asked of OpenNebula for one VM, in order.

    Args:
        item: the VM as it was last seen.
        legs (list): Steps, Untils, and words of states to reach.
        hard (bool): power off, undeploy and terminate without asking the guest.
        patient (bool): False: the last state is asked for, not waited for.
    """

    def __init__(self, item, legs, hard=False, patient=True):
        self.item = item
        self.legs = [leg for leg in legs if patient or not isinstance(leg, Until)]
        self.failure: Any = None  # the first Failure
        self._hard = hard
        self._patient = patient
        self._asked: Any = None  # (state, ERROR, action) when the first leg was asked for
        self._moved = False  # whether the VM left that state since
        self._refused: Any = None  # the Failure, when the state did not allow it
        self._left = False  # whether the VM was taken away from where it was

    @property
    def over(self):
        return not self.legs

    def advance(self, cloud, item):
        """Asks for all that can be asked for now that the VM stands as `item`; failures are kept."""
        self.item = item
        try:
            while not self.over and self._first(cloud):
                pass
        except Failure as failure:
            self.fail(failure)

    def fail(self, failure):
        """Ends the journey; but a VM that was switched off for a step that failed is brought on to where it was."""
        end = [leg for leg in self.legs if isinstance(leg, str)][-1:]
        back = self._left and self.failure is None and isinstance(self.legs[0], Step)
        self.failure = self.failure or failure
        self.legs = end if back else []
        self._asked, self._moved, self._refused = None, False, None

    def stands(self):
        """Where the VM is, for the message of a timeout."""
        return stands(self.item, "" if isinstance(self.legs[0], str) else " (no %s)" % self.legs[0].what)

    def _first(self, cloud):
        """Advances the first leg; returns whether the next may be looked at at once."""
        leg, present = self.legs[0], status(self.item)
        if present == "failed" and leg != "done" and not (isinstance(leg, Step) and present in leg.works):
            raise broken(self.item)
        if isinstance(leg, Step):
            return self._step(leg, present)
        reached = leg.holds(self.item) if isinstance(leg, Until) else present == leg
        if reached:
            return self._next()
        return False if isinstance(leg, Until) else self._reach(cloud, leg, present)

    def _next(self):
        self.legs.pop(0)
        self._asked, self._moved, self._refused = None, False, None
        return True

    def _step(self, step, present):
        if self._asked is None:
            if present not in step.works:
                return self._wait_or_fail(present, step.what)
            self._asked = (present, error(self.item))
            step.run()
            return self._next() if step.still else False
        if present in COMING and present != self._asked[0]:
            return False
        self._raise_new_error()
        return self._next()

    def _reach(self, cloud, wanted, present):
        if self._asked is not None and present == self._asked[0]:
            self._complain()
            return False
        self._moved = self._asked is not None
        name = action(present, wanted, self._hard)
        if name is None:
            return self._under_way(wanted) or self._wait_or_fail(present, "be made %s" % wanted)
        self._asked, self._moved, self._refused = (present, error(self.item), name), False, None
        self._left = True
        self._ask(cloud, name)
        final = len(self.legs) == 1 and (wanted == "running" or name not in THROUGH)
        return self._next() if final and not self._patient and self._refused is None else False

    def _under_way(self, wanted):
        """Whether an impatient journey ends here: the VM gets there by itself."""
        there = leaving(self.item) if wanted == "done" else heading(self.item) == wanted
        return not self._patient and len(self.legs) == 1 and there and self._next()

    def _ask(self, cloud, name):
        try:
            doing = "%s VM %s" % (name.partition("-")[0].replace("poweroff", "power off"), self.item.NAME)
            cloud.call(doing, "vm.action", name, self.item.ID, object="vm", id=self.item.ID)
        except Failure as failure:
            if failure.data.get("code") != ACTION_REFUSED:
                raise
            self._refused = failure  # somebody else may have moved it: the next look tells

    def _complain(self):
        """Fails when the VM is where it was although it was asked to go, and that is not for want of time."""
        if self._refused is not None:
            raise self._refused
        self._raise_new_error()
        if self._moved:
            message = "VM %s was asked to %s, and is %s again; hard: true does not leave it to the guest."
            text = message % (self.item.NAME, self._asked[2], self._asked[0])
            raise Failure(text, object="vm", id=self.item.ID)

    def _raise_new_error(self):
        if error(self.item) not in ("", self._asked[1]):
            raise broken(self.item)

    def _wait_or_fail(self, present, what):
        if present in COMING:
            return False
        raise stuck(self.item, what)


def in_parallel(work, items, workers):
    """[work(item)] of many items, so many at a time."""
    items = list(items)
    if len(items) < 2 or workers < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor  # takes a task that creates nothing no time to import

    with ThreadPoolExecutor(min(workers, len(items))) as pool:
        return list(pool.map(work, items))


def travel(cloud, journeys, workers):
    """Takes VMs along their journeys until all have ended.

    Args:
        cloud (Cloud)
        journeys (list[Journey])
        workers (int): how many VMs are acted on at a time.

    Returns:
        Failure | None: of the waiting as a whole (time is over); what single VMs met is in their journeys.
    """
    _advance(cloud, journeys, {journey.item.ID: journey.item for journey in journeys}, workers)
    if _over(journeys):
        return None

    def probe():
        under_way = [journey for journey in journeys if not journey.over]
        whole = any(isinstance(leg, Until) for journey in under_way for leg in journey.legs)
        _advance(cloud, under_way, look(cloud, [journey.item.ID for journey in under_way], whole), workers)
        return journeys

    try:
        cloud.wait(probe, _over, _stand)
    except Failure as failure:
        return failure
    return None


def _over(journeys):
    return all(journey.over for journey in journeys)


def _stand(journeys):
    return "; ".join(journey.stands() for journey in journeys if not journey.over)


def _advance(cloud, journeys, items, workers):
    def one(journey):
        item: Any = items.get(journey.item.ID)
        if item is not None:
            journey.advance(cloud, item)
        elif journey.legs == ["done"]:
            journey.legs.clear()
        else:
            journey.legs = []
            journey.failure = Failure("VM %s has gone." % journey.item.NAME, object="vm", id=journey.item.ID)

    in_parallel(one, [journey for journey in journeys if not journey.over], workers)
