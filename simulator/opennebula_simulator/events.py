# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Time: what happens later is an event on one queue.

Nothing can be observed but through calls, so due events run at the beginning of each call, in order of their time,
and see their own time as `now`. No thread, no race, and a test may set the clock.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from . import failures


class Events:
    """The queue of transitions. `delay` is the length of one transition in seconds."""

    def __init__(self, delay: float = 0.0, failing: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        self.delay = delay
        self.clock = clock
        self.failures = [tuple(rule.partition(":")[::2]) for rule in failing]
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._now: float | None = None
        self.after_each: Callable[[], None] = lambda: None  # runs behind each action

    def now(self) -> float:
        """Seconds since the epoch; inside an event, the moment at which it was due."""
        return self.clock() if self._now is None else self._now

    def time(self) -> int:
        """Whole seconds since the epoch, as the server stores them."""
        return int(self.now())

    def date(self) -> str:
        """The moment as error texts in templates begin: "Mon Nov 23 09:49:03 2026"."""
        return time.ctime(self.now())

    def after(self, steps: float, action: Callable[..., None], *arguments: Any) -> None:
        """Runs the action after this many transitions."""
        self.at(self.now() + steps * self.delay, action, *arguments)

    def at(self, moment: float, action: Callable[..., None], *arguments: Any) -> None:
        """Runs the action at a moment (seconds since the epoch)."""
        heapq.heappush(self._queue, (moment, next(self._order), action, arguments))

    def again(self, seconds: float, action: Callable[..., None], *arguments: Any) -> None:
        """Tries again in so many seconds: once, however long nobody has called (the machine may have slept)."""
        self.at(self.clock() + seconds, action, *arguments)

    def fails(self, action: str, target: str) -> bool:
        """Whether a driver action shall fail, e.g. fails("deploy", "vm-3"); patterns may hold * and ?.

        Raises LookupError for an action that the table of failures does not have: users could not know of it.
        """
        if not action:
            return False  # no driver is asked for anything
        if not failures.known(action, target):
            raise LookupError(f"failures.py does not name {action} of {target}")
        return any(fnmatchcase(action, what) and fnmatchcase(target, which or "*") for what, which in self.failures)

    def run_due(self) -> None:
        """Runs all that is due by now, including what these events schedule for the same time."""
        deadline = self.clock()
        queue = self._queue
        while queue and queue[0][0] <= deadline:
            moment, dummy, action, arguments = heapq.heappop(queue)
            self._now = moment
            try:
                action(*arguments)
                self.after_each()
            finally:
                self._now = None
