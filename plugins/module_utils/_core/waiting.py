# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""One clock, and waiting on it."""

from __future__ import annotations

import time

from .failure import Failure


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
    """What was waited for has not come in time."""


def wait(probe, done, timeout, clock, describe):
    """Polls until something holds, with growing pauses (0.1 s to 5 s).

    Args:
        probe (callable): what is looked at, by one API call.
        done (callable): situation → True when the waiting is over; raises Failure when it never will be.
        timeout (float): seconds.
        clock (Clock)
        describe (callable): situation → its state, for the message of a timeout.

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
        left = end - clock.now()
        if left <= 0:
            message = "Gave up waiting after %g s: %s. Give a longer wait_timeout, or wait: false."
            raise TimeOver(message % (timeout, describe(situation)))
        clock.sleep(min(pause, left))
        pause = min(pause * clock.FACTOR, clock.LONGEST)
