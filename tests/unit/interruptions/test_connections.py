# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Every module, where a server or a connection is lost at its calls: no write is lost or doubled.

A run ends right, or it fails and says why; then the next run makes the cloud what it would be.
"""

from __future__ import annotations

import pytest
from acts import ACTS
from interruptions import BALANCERS, FLOW, LEADERS, goes_read_only
from opennebula_simulator.cloud import METHODS
from wire import Fault, FaultyProxy

EVERY_ACT = [(module, act) for module, acts in ACTS.items() for act in acts]
FIRST_ACT = [(module, next(iter(acts))) for module, acts in ACTS.items()]
PLACES = {
    "before the request": Fault("request", 0, "close"),
    "in the request": Fault("request", 200, "reset"),
    "before the answer": Fault("answer", 0, "close"),
    "in the answer": Fault("answer", 100, "reset"),
}
# What a run that fails says, by what has been lost.
SAYS = r"cannot reach|connection was closed|answer was cut|answers HTTP 50|did not answer|no leader|election"

WAITED_FOR = {"election"}  # what a run has to end well in spite of


def writes(call):
    """Whether a call changes something."""
    return not call.startswith("GET ") if " " in call else not METHODS[f"one.{call}"].reads


def numbers(calls, what=bool):
    return [number for number, call in enumerate(calls, 1) if what(call)]


def wrong(stage, module, act, result):
    """What is wrong with the end of a run that was disturbed, and of the next; empty: nothing."""
    if result is None or "exception" in result:
        return f"no result: {result}"
    if not result.get("failed"):
        return "" if stage.as_ended(module, act) else "it ends well, but not right"
    if not any(words in result["msg"] for words in SAYS.split("|")):
        return f"it says: {result['msg']}"
    return stage.unsettled(module, act)


def played(stage, module, act, happenings, calls, **access):
    """The faults of an act at which each of these happens, at each of these calls."""
    found = []
    for number in calls:
        for name, happens in happenings.items():
            result = stage.disturb(module, act, number, happens, **access)
            fault = wrong(stage, module, act, result)
            if name in WAITED_FOR and not fault and result.get("failed"):
                fault = f"it fails: {result['msg']}"
            found += [f"{name} at call {number}: {fault}"] if fault else []
    return found


def three(stage):
    return {"api_url": ",".join(node.url for node in stage.nodes)}


@pytest.mark.parametrize(("module", "act"), FIRST_ACT)
def test_the_leader_dies_with_the_first_write(stage, module, act):
    first = numbers(stage.reference(module, act).calls, writes)[:1]
    assert played(stage, module, act, LEADERS, first, **three(stage)) == []


@pytest.mark.long
@pytest.mark.parametrize(("module", "act"), EVERY_ACT)
def test_the_leader_changes_at_every_call(stage, tally, module, act):
    calls = numbers(stage.reference(module, act).calls)
    assert played(stage, module, act, LEADERS, calls, **three(stage)) == []
    assert played(stage, module, act, BALANCERS, calls) == []
    changes = (len(LEADERS) + len(BALANCERS)) * len(calls)
    tally("Changes of leader", module, acts=1, calls=len(calls), changes=changes, lost=0, doubled=0)


@pytest.mark.parametrize(("module", "act"), [one for one in FIRST_ACT if one[0] not in ("one_zone", *FLOW)])
def test_a_zone_that_becomes_read_only_is_told(stage, module, act):
    first = numbers(stage.reference(module, act).calls, writes)[0]
    result = stage.disturb(module, act, first, goes_read_only)
    assert result["failed"]
    assert "zone disabled. It only answers questions: enable it" in result["msg"]
    assert len(stage.calls) <= len(stage.reference(module, act).calls), "it is not asked again and again"
    stage.cloud.enabled = True
    assert stage.unsettled(module, act) == ""


@pytest.mark.long
@pytest.mark.parametrize(("module", "act"), EVERY_ACT)
def test_the_connection_is_lost_at_every_call(stage, tally, module, act):
    calls = stage.reference(module, act).calls
    kinds = {
        "api_url": [call for call in calls if " " not in call],
        "flow_url": [call for call in calls if " " in call],
    }
    ports, found, count = {"api_url": stage.http.port, "flow_url": stage.flow_http.port}, [], 0
    for option, sent in kinds.items():
        for number, call in enumerate(sent):
            for place, fault in PLACES.items():
                proxy = FaultyProxy((stage.host, ports[option]), fault, first=number)
                url = {"api_url": f"http://127.0.0.1:{proxy.port}/RPC2", "flow_url": f"http://127.0.0.1:{proxy.port}"}
                stage.set_for(module, act)
                result = stage.run(module, ACTS[module][act], **{option: url[option]})
                proxy.close()
                told = wrong(stage, module, act, result)
                found += [f"{place} of {call}: {told}"] if told else []
                count += 1
    assert not found, "\n".join(found)
    tally("Faults injected", f"{module}, each call", faults=count)
