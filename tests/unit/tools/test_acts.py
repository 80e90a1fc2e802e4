# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The callback that compares plans with changes: what it warns of, and what it does not."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import pytest
from project import ROOT

CREATED = {"changed": True, "diff": {"before": {}, "after": {"name": "a"}}}
RESTED = {"changed": False, "diff": {"before": {}, "after": {}}}


def outcome(found, check=False, name="a"):
    """What Ansible tells a callback of a task that creates a host of this name."""
    given = {"name": name, "_ansible_check_mode": check}
    task = SimpleNamespace(resolved_action="privazio.opennebula.one_host")
    return SimpleNamespace(_task=task, _result=found, _task_fields={"args": given, "check_mode": check})


@pytest.fixture
def warned(monkeypatch):
    """warned(*outcomes) → the warnings of a play of the target one_host in which tasks end so."""
    spec = importlib.util.spec_from_file_location("acts", ROOT / "tools/callbacks/acts.py")
    acts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(acts)

    def play(*outcomes):
        found, callback = [], acts.CallbackModule()
        monkeypatch.setattr(callback, "_display", SimpleNamespace(warning=found.append))
        callback._target = "one_host"
        for each in outcomes:
            callback.v2_runner_on_ok(each)
        callback.v2_playbook_on_stats(SimpleNamespace(failures={}))
        return found

    return play


def test_a_plan_its_change_and_its_repetition_are_fine(warned):
    assert warned(outcome(CREATED, check=True), outcome(CREATED), outcome(RESTED)) == []


def test_another_plan_in_between_does_not_matter(warned):
    acts = [outcome(CREATED, check=True), outcome(RESTED, check=True, name="b"), outcome(CREATED), outcome(RESTED)]
    assert warned(*acts) == []


@pytest.mark.parametrize("plan", [RESTED, dict(CREATED, diff={"before": {}, "after": {"name": "b"}})])
def test_a_plan_that_is_not_the_change_is_told(warned, plan):
    told = warned(outcome(plan, check=True), outcome(CREATED), outcome(RESTED))
    assert told[0].startswith("privazio.opennebula.one_host does not do what check mode shows: ")


def test_a_plan_from_before_another_change_is_not_compared(warned):
    acts = [outcome(RESTED, check=True), outcome(CREATED, name="b"), outcome(CREATED), outcome(RESTED)]
    assert warned(*acts) == ["the target one_host shows no plan of a change."]


@pytest.mark.parametrize(
    ("acts", "missing"),
    [
        ([outcome(CREATED), outcome(RESTED)], "plan"),
        ([outcome(CREATED, check=True), outcome(CREATED)], "repetition"),
        ([outcome(CREATED, check=True), outcome(CREATED), outcome(CREATED)], "repetition"),
    ],
)
def test_acts_that_a_target_does_not_show_are_told(warned, acts, missing):
    assert warned(*acts) == [f"the target one_host shows no {missing} of a change."]
