# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The runner takes many VMs through their steps at once: one call reads all of them, then each step that is due runs.

A step runs when its VM is in a state in which OpenNebula accepts it; between steps the VM is brought to the states that
they need (Reach).  A failure ends the steps of its VM, never those of the others.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

from .._core.failure import MOST, Failure, listed
from .._core.waiting import TimeOver
from .._engine.engine import perform
from .states import COMING, describe, error, failure_of, fetch_vms, invalid_state, is_settled, record_number, status
from .transitions import FORCED, Reach, action, target_state, terminating

REFUSED = 0x0800  # error code: the state of the VM does not allow the action
INTERMEDIATE = frozenset(("resume", "release"))  # actions on the way to other states than running

# Advice for a VM that is again in the state that it was asked to leave, by whether the action has a -hard.
UNFORCED = "Give hard: true to do it without the guest"
UNMOVED = "Somebody else may have done that; run the task again"


class Request(NamedTuple):
    """What the first step has asked for, and how the VM was then."""

    state: str
    error: str
    action: str = ""
    record: Any = None  # number of the last history record


class Run:
    """The steps of one VM.

    Args:
        item: the VM as it was last read.
        steps (list[Step | Reach]): in order.
        hard (bool): power off, undeploy and terminate without asking the guest.
        waits (bool): False: the last state is asked for, not waited for.

    Attributes:
        steps (list): those that are left.
        done (list[Step]): those that were carried out.
        planned (list): all that there have been.
        answers (list[tuple]): (step, answer) of those.
        failure (Failure | None): the first one.
        failed (Step | Reach | None): what it is of.
    """

    def __init__(self, item, steps, hard=False, waits=True):
        self.item = item
        self.waits = waits
        self.steps = [step for step in steps if waits or not _only_waits(step)]
        self.planned = list(self.steps)
        self.done: list = []
        self.answers: list = []
        self.failure: Any = None
        self.failed: Any = None
        self._hard = hard
        self._taken_away = False  # whether the VM has left the state that it was found in
        self._begin_step()

    def resumed(self, item, steps):
        """Another Run of the VM, for steps that were planned anew; what was done before counts as done."""
        found = Run(item, steps, self._hard, self.waits)
        found.planned = self.planned + found.planned
        found.done, found.answers = list(self.done), list(self.answers)
        return found

    def _begin_step(self):
        self._request: Any = None  # Request of the first step
        self._rests_since: Any = None  # when the VM was first seen to rest, while it is waited for
        self._moved = ""  # advice, once the VM has left the state that it had then
        self._refused: Any = None  # the Failure, when the state did not allow the action

    @property
    def over(self):
        return not self.steps

    def advance(self, cloud, item):
        """Carries out all that can be carried out now that the VM is as `item`; a failure is kept."""
        self.item = item
        try:
            while not self.over and self._advance_step(cloud):
                pass
        except Failure as failure:
            self.fail(failure)

    def fail(self, failure):
        """Ends the run; but a VM that was powered off for a step that failed is brought back to where it was."""
        last = [step for step in self.steps if isinstance(step, Reach)][-1:]
        returns = self._taken_away and self.failure is None and not isinstance(self.steps[0], Reach)
        if self.failure is None:
            self.failure, self.failed = failure, self.steps[0]
        self.steps = last if returns and not _only_waits(self.steps[0]) else []
        self._begin_step()

    def give_up(self, failure):
        """Keeps the Failure of the waiting for all VMs, with the state of this one, if its run is not over."""
        if self.over or self.failure is not None:
            return
        if isinstance(failure, TimeOver):
            failure = TimeOver(failure.timeout, [self.describe()], object="vm", id=self.item.ID)
        self.failure = failure

    def describe(self):
        """The state of the VM, for the message of a timeout."""
        first = self.steps[0]
        return describe(self.item, "" if isinstance(first, Reach) else " (no %s)" % first.what)

    # -------------------------------------------------------- one step

    def _advance_step(self, cloud):
        """Advances the first step; returns whether the next one may be looked at at once."""
        step, present = self.steps[0], status(self.item)
        if present == "failed" and not _works_when_failed(step):
            raise failure_of(self.item)
        if isinstance(step, Reach):
            return self._next() if present == step.state else self._reach(cloud, step.state, present)
        if _only_waits(step):
            return self._has_come_about(cloud, step, present) and self._next()
        return self._carry_out(cloud, step, present)

    def _has_come_about(self, cloud, step, present):
        if step.until(self.item) or self._is_given_up(cloud, step, present):
            return True
        if step.states is None or present in COMING or present in step.states:
            return False
        message = "VM %s is %s, where there is no %s."
        raise Failure(message % (self.item.NAME, present, step.what), object="vm", id=self.item.ID)

    def _is_given_up(self, cloud, step, present):
        """Whether the VM has rested for so long that what is waited for will not come: another run has undone it."""
        if step.give_up is None or present in COMING:
            self._rests_since = None
            return False
        now = cloud.clock.now()
        self._rests_since = now if self._rests_since is None else self._rests_since
        return now - self._rests_since >= step.give_up

    def _next(self):
        step = self.steps.pop(0)
        self.done += [] if isinstance(step, Reach) else [step]
        self._begin_step()
        return True

    def _carry_out(self, cloud, step, present):
        if self._request is None:
            if step.states is not None and present not in step.states:
                return self._wait_or_fail(present, step.what)
            self._request = Request(present, error(self.item))
            self.answers.append((step, perform(cloud, step, object="vm", id=self.item.ID)))
            asked_only = not self.waits and len(self.steps) == 1
            return (asked_only or not step.transient) and self._next()
        if present in COMING and present != self._request.state:
            return False
        self._raise_new_error()
        return self._next()

    # -------------------------------------------------------- states

    def _reach(self, cloud, wanted, present):
        if self._request is not None and present == self._request.state:
            self._moved = self._moved or (UNMOVED if self._came_back(cloud) else "")
            self._raise_unmoved()
            return False
        self._moved = self._advice()
        name = action(present, wanted, self._hard)
        if name is None:
            return self._asked_already(wanted) or self._wait_or_fail(present, "become %s" % wanted)
        self._request = Request(present, error(self.item), name, record_number(self.item))
        self._moved, self._refused = "", None
        self._taken_away = True
        self._ask(cloud, name)
        final = len(self.steps) == 1 and (wanted == "running" or name not in INTERMEDIATE)
        return final and not self.waits and self._refused is None and self._next()

    def _asked_already(self, wanted):
        """Whether a run that does not wait ends here, as the VM reaches the state by itself."""
        comes = terminating(self.item) if wanted == "done" else target_state(self.item) == wanted
        return not self.waits and len(self.steps) == 1 and comes and self._next()

    def _ask(self, cloud, name):
        try:
            what = "%s VM %s" % (name.partition("-")[0].replace("poweroff", "power off"), self.item.NAME)
            cloud.call(what, "vm.action", name, self.item.ID, object="vm", id=self.item.ID)
        except Failure as failure:
            if failure.data.get("code") != REFUSED:
                raise
            self._refused = failure  # somebody else may have changed its state: the next look tells

    def _advice(self):
        """What is said of a VM that comes back to the state that it was asked to leave, and has left."""
        if self._request is None:
            return ""
        return UNFORCED if self._request.action in FORCED else UNMOVED

    def _came_back(self, cloud):
        """Whether the VM has left the state that it was asked to leave, and is in it again, between two looks.

        A new history record tells, once it is settled; which the pool does not say.
        """
        if record_number(self.item) == self._request.record:
            return False
        item = cloud.info("vm", self.item.ID)
        return item is not None and status(item) == self._request.state and is_settled(item)

    def _raise_unmoved(self):
        """Fails when the VM has the state in which it was asked to leave it, and more time will not help."""
        if self._refused is not None:
            raise self._refused
        self._raise_new_error()
        if self._moved:
            message = "VM %s was asked to %s, and is %s again. %s."
            text = message % (self.item.NAME, self._request.action, self._request.state, self._moved)
            raise Failure(text, object="vm", id=self.item.ID)

    def _raise_new_error(self):
        if error(self.item) not in ("", self._request.error):
            raise failure_of(self.item)

    def _wait_or_fail(self, present, what):
        if present in COMING:
            return False
        raise invalid_state(self.item, what)


def _only_waits(step):
    return not isinstance(step, Reach) and not step.method and step.run is None


def _works_when_failed(step):
    if isinstance(step, Reach):
        return step.state == "done"
    return not _only_waits(step) and (step.states is None or "failed" in step.states)


# ---------------------------------------------------------------- many VMs


def in_parallel(work, items, workers):
    """[work(item)] of many items, so many at a time."""
    items = list(items)
    if len(items) < 2 or workers < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor  # its import takes time that most tasks do not need

    with ThreadPoolExecutor(min(workers, len(items))) as pool:
        return list(pool.map(work, items))


def run(cloud, runs, workers):
    """Takes VMs through their steps until all have ended.

    Args:
        cloud (Cloud)
        runs (list[Run])
        workers (int): how many VMs are acted on at a time.

    Each Run has the failure of its VM afterwards; that time was over is one too.
    """
    _advance(cloud, runs, {one.item.ID: one.item for one in runs}, workers)
    if _all_over(runs):
        return
    try:
        cloud.wait(lambda: _look(cloud, runs, workers), _all_over, _summary)
    except Failure as failure:
        _read_whole(cloud, [one for one in runs if not one.over and status(one.item) == "pending"][:MOST])
        for one in runs:
            one.give_up(failure)


def _read_whole(cloud, runs):
    """Reads what only the whole VMs tell of why they are pending; see states.reason()."""
    with suppress(Failure):
        items = fetch_vms(cloud, [one.item.ID for one in runs]) if runs else {}
        for one in runs:
            one.item = items.get(one.item.ID, one.item)


def _look(cloud, runs, workers):
    left = [one for one in runs if not one.over]
    whole = any(_only_waits(step) for one in left for step in one.steps)
    _advance(cloud, left, fetch_vms(cloud, [one.item.ID for one in left], whole), workers)
    return runs


def _all_over(runs):
    return all(one.over for one in runs)


def _summary(runs):
    """One line on all VMs, such as "12 of 40 VMs done, 20 changing, 8 pending"."""
    if len(runs) == 1:
        return runs[0].describe()
    well = [one for one in runs if one.failure is None]
    left = [status(one.item) for one in well if not one.over] + ["failed"] * (len(runs) - len(well))
    others = "".join(", %d %s" % (number, state) for state, number in Counter(left).most_common())
    return "%d of %d VMs done%s" % (sum(one.over for one in well), len(runs), others)


def _advance(cloud, runs, items, workers):
    left = [one for one in runs if not one.over]
    in_parallel(lambda one: _advance_one(cloud, one, items.get(one.item.ID)), left, workers)


def _advance_one(cloud, one, item):
    if item is not None:
        one.advance(cloud, item)
        return
    if one.steps != [Reach("done")]:
        one.failure = Failure("VM %s no longer exists." % one.item.NAME, object="vm", id=one.item.ID)
    one.steps.clear()


def together(failures):
    """One message for many failures, those of the waiting in one sentence; it stays short."""
    over = [failure for failure in failures if isinstance(failure, TimeOver)]
    if over:
        states = [state for failure in over for state in failure.states]
        failures = [failure for failure in failures if not isinstance(failure, TimeOver)]
        failures.append(TimeOver(over[0].timeout, states))
    return listed(dict.fromkeys(failure.message for failure in failures), " ").rstrip(".") + "."
