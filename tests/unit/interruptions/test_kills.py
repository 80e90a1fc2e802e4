# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Every module, killed with SIGKILL at its calls: the next run makes the cloud what it would be, the third rests."""

from __future__ import annotations

from pathlib import Path

import pytest
from acts import ACTS
from interruptions import KILLS
from opennebula_simulator.cloud import METHODS

MODULES = Path(__file__).parents[3] / "plugins/modules"
# These change nothing, or what the task calls, which nothing tells the outcome of.
NO_ACTS = {"one_export", "one_call"}
EVERY_ACT = [(module, act) for module, acts in ACTS.items() for act in acts]


def writes(call):
    """Whether a call changes something."""
    return not call.startswith("GET ") if " " in call else not METHODS[f"one.{call}"].reads


def first_write(calls):
    return next(number for number, call in enumerate(calls, 1) if writes(call))


def test_every_module_that_writes_has_acts():
    found = {path.stem for path in MODULES.glob("one_*.py") if not path.stem.endswith("_info")}
    assert found - {"one_info"} == ACTS.keys() | NO_ACTS


@pytest.mark.parametrize("module", ACTS)
def test_killed_once_its_first_write_is_done(stage, module):
    act = next(iter(ACTS[module]))
    number = first_write(stage.reference(module, act).calls)
    assert stage.disturb(module, act, number, KILLS["after"]) is None
    assert stage.unsettled(module, act) == ""


@pytest.mark.long
@pytest.mark.parametrize(("module", "act"), EVERY_ACT)
def test_killed_at_every_call(stage, tally, module, act):
    calls, found = stage.reference(module, act).calls, []
    for number, call in enumerate(calls, 1):
        for when, happens in KILLS.items():
            assert stage.disturb(module, act, number, happens) is None, f"{when} {call}: not killed"
            wrong = stage.unsettled(module, act)
            found += [f"{when} {call}: {wrong}"] if wrong else []
    assert not found, "\n".join(found)
    tally("Kill points", module, acts=1, calls=len(calls), killed=2 * len(calls), made_good=2 * len(calls))
