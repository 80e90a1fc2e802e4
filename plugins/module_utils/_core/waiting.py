# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""One clock, and waiting on it."""

from __future__ import annotations

import time

from .failure import Failure, listed


class Clock:
    """The real time; tests give one that does not sleep."""

    FIRST, FACTOR, LONGEST = 0.1, 1.6, 5.0

    def now(self):
        """Seconds on a clock that only waiting uses."""
        return time.monotonic()

    def time(self):
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds):
        time.sleep(seconds)


class TimeOver(Failure):
    """What was waited for has not come in time.

    Args:
        timeout (float): seconds.
        states (list[str]): of what was waited for.
        data: as of Failure.
    """

    def __init__(self, timeout, states, **data):
        message = "Gave up waiting after %.12g s: %s. Give a longer wait_timeout, or wait: false."
        super().__init__(message % (timeout, listed(states, "; ")), **data)
        self.timeout = timeout
        self.states = states


class Progress:
    """Tells what is waited for: when it has changed, and not too often.

    Args:
        show (callable): takes one line.
        period (float): seconds before the first line, and between two.
        clock (Clock)
    """

    def __init__(self, show, period, clock):
        self._show = show
        self._period = period
        self._clock = clock
        self._due = clock.now() + period
        self._last = None

    def tell(self, describe):
        """Shows the line that describe() returns, which is called only when a line is due."""
        if self._clock.now() < self._due:
            return
        line = describe()
        if line != self._last:
            self._show(line)
            self._last = line
            self._due = self._clock.now() + self._period


def wait(probe, done, timeout, clock, describe, tell=None):
    """Polls until something holds, with growing pauses (0.1 s to 5 s).

    Args:
        probe (callable): what is looked at, by one API call.
        done (callable): situation → True when the waiting is over; raises Failure when it never will be.
        timeout (float): seconds.
        clock (Clock)
        describe (callable): situation → its state, for the message of a timeout.
        tell (callable | None): is called with each situation that is not done.

    Returns:
        the situation that is done.

    Raises:
        TimeOver
    """
    end, pause = clock.now() + timeout, clock.FIRST
    while True:
        situation = probe()
        if done(situation):
            return situation
        if tell is not None:
            tell(situation)
        left = end - clock.now()
        if left <= 0:
            raise TimeOver(timeout, [describe(situation)])
        clock.sleep(min(pause, left))
        pause = min(pause * clock.FACTOR, clock.LONGEST)
