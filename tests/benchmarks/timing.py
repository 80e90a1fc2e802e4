# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How long things take, beside each other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
PATIENCE = 60  # seconds; what takes longer is not measured as often

Case = dict[str, Any]


def medians(
    before: Callable[[], object] | None = None, unit: str = "s", floor_is: str = "", **work: Callable[[], object]
) -> Case:
    """The median seconds of each piece of work; they take turns, so that a busy moment strikes all of them.

    What is to be done `before` each is not measured.
    """
    times: dict[str, list[float]] = {name: [] for name in work}
    end = time.monotonic() + PATIENCE
    while not times["ours"] or (len(times["ours"]) < ROUNDS and time.monotonic() < end):
        for name, run in work.items():
            if before:
                before()
            began = time.perf_counter()
            answer = run()
            times[name].append(time.perf_counter() - began)
            del answer
    found = {name: statistics.median(each) for name, each in times.items()}
    return {**found, "rounds": len(times["ours"]), "unit": unit, "floor_is": floor_is}
