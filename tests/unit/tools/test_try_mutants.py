# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How changes are tried: which tests run, in which order, and what the end of a process means."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace

import pytest
import try_mutants
from try_mutants import NOTICED, SURVIVED, TIMEOUT, Selection, Statistics, run_forked

KNOWN = Statistics({"slow": 2.0, "fast": 0.1, "medium": 0.5}, {"slow": ["f", "g"], "fast": ["g"]}, [])


@pytest.mark.parametrize(
    ("limit", "names"), [(0.1, ["fast"]), (0.6, ["fast", "medium"]), (2.59, ["fast", "medium"]), (0.0, [])]
)
def test_the_fastest_tests_run_as_long_as_their_time_lasts(limit, names):
    assert KNOWN.affordable(["slow", "medium", "fast"], limit) == names


def test_tests_are_those_that_call_the_function():
    assert KNOWN.callers() == {"f": ["slow"], "g": ["slow", "fast"]}


def test_the_test_that_failed_last_comes_first(monkeypatch):
    ran = []

    def run(item, *, log, nextitem):
        assert not log
        ran.append((item, nextitem))
        return [SimpleNamespace(failed=item == "c")]

    monkeypatch.setattr(try_mutants, "runtestprotocol", run)
    selection = Selection(["a", "b", "c", "d"])
    assert selection.first_failure() == NOTICED
    assert ran == [("a", "b"), ("b", "c"), ("c", "d")]
    ran.clear()
    assert selection.first_failure() == NOTICED
    assert ran == [("c", "a")]
    assert Selection(["a", "b"]).first_failure() == SURVIVED


def die(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


@pytest.mark.parametrize(
    ("action", "result"),
    [
        (lambda: SURVIVED, SURVIVED),
        (lambda: NOTICED, NOTICED),
        (lambda: 1 / 0, NOTICED),
        (lambda: die(signal.SIGXCPU), TIMEOUT),
        (lambda: die(signal.SIGALRM), TIMEOUT),
        (lambda: die(signal.SIGKILL), TIMEOUT),
    ],
)
def test_every_trial_keeps_its_result(action, result):
    kept = []
    trial = SimpleNamespace(name="x", run=action, keep=kept.append)
    run_forked([trial, trial, trial], 2, 1)
    assert kept == [result] * 3
