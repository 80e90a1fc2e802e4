# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Hours of operation by three controllers, with failing drivers and connections; and faults that this has to find."""

from __future__ import annotations

import os
import sys
import urllib.request
from contextlib import closing
from unittest import mock

import pytest
import soak
from ansible_collections.privazio.opennebula.plugins.module_utils import _module
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import transport

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
HOURS = 4
SHORT = 22  # rounds


def operated(seed, rounds, seconds=0):
    """The figures of an operation, and the modules that ran."""
    with closing(soak.Soak(seed)) as found:
        found.run(rounds, seconds)
        return found.figures, found.ran


def test_a_short_operation():
    figures, dummy = operated(seed=0, rounds=SHORT)
    assert figures["tasks"] == SHORT * soak.CONTROLLERS
    assert figures["connections_broken"] > 0
    assert figures["rounds_with_a_failing_driver"] > 0
    assert figures["failures_told"] > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hours_of_operation(tally, seed):
    figures, dummy = operated(seed, rounds=0, seconds=HOURS * 3600)
    counted = {name: figures[name] for name in ("hours", "tasks", "connections_broken", "rounds_with_a_failing_driver")}
    tally("Hours soaked", f"operation {seed}", **counted, objects_lost_or_doubled=0)


def test_every_module_is_drawn():
    draw, found = soak.random.Random(0), set()
    makers = [make for make, dummy in soak.DRAWN]
    for dummy in range(400):
        found |= {make(draw).module for make in makers}
    assert {name.rpartition(".")[2] for name in soak.Soak.modules()} <= found


# ---------------------------------------------------------------- what it finds


def test_a_write_that_is_run_once_more_is_found(monkeypatch):
    """After its task has ended: what is doubled before, modules find and mend themselves."""
    send, done, writes = transport.Transport.send, soak.Soak._done, []

    def noted(self, request, repeatable, *rest):
        if not repeatable:
            writes.append(request.body)
        return send(self, request, repeatable, *rest)

    def repeated(self, task):
        result = done(self, task)
        for body in writes:
            given = urllib.request.Request(self.simulator.url, body, {"Content-Type": "text/xml"})
            urllib.request.urlopen(given).close()
        writes.clear()
        return result

    monkeypatch.setattr(transport.Transport, "send", noted)
    monkeypatch.setattr(soak.Soak, "_done", repeated)
    with pytest.raises(soak.Broken):
        operated(seed=0, rounds=SHORT)


def test_a_failure_that_is_not_told_is_found(monkeypatch):
    monkeypatch.setattr(_module.OneModule, "_fail", lambda self, failure: self._succeed(Report(False, None, None, {})))
    with pytest.raises(soak.Broken, match="succeeds, and it is not so"):
        operated(seed=1, rounds=60)


def test_an_error_that_no_module_catches_is_found(monkeypatch):
    monkeypatch.setattr(_module, "described", lambda *dummy: 1 / 0)
    monkeypatch.setattr(_module.OneModule, "_succeed", lambda self, report: 1 / 0)
    with pytest.raises(soak.Broken, match="does not tell its failure"):
        operated(seed=0, rounds=SHORT)


def test_an_object_that_is_lost_is_found(monkeypatch):
    done, lost = soak.Soak._done, []

    def careless(self, task):
        if self.figures["tasks"] == 9 and not lost:
            lost.append(self.one("document.delete", 0))
        return done(self, task)

    monkeypatch.setattr(soak.Soak, "_done", careless)
    with pytest.raises(soak.Broken, match="round 3: document keep was lost"):
        operated(seed=0, rounds=SHORT)


def test_files_that_stay_open_are_found(monkeypatch):
    found, run = [], _module.OneModule.run
    try:
        monkeypatch.setattr(
            _module.OneModule,
            "run",
            lambda self, work: (found.append(os.open(os.devnull, os.O_RDONLY)), run(self, work)),
        )
        with pytest.raises(soak.Broken, match="files are open"):
            operated(seed=0, rounds=SHORT)
    finally:
        for number in found:
            os.close(number)


def test_memory_that_stays_is_found(monkeypatch):
    found, cloud = [], _module.OneModule._cloud
    monkeypatch.setattr(_module.OneModule, "_cloud", lambda self, one: found.append(cloud(self, one)) or found[-1])
    monkeypatch.setattr(soak, "MOST_HELD", 256 * soak.KIBIBYTE)
    with pytest.raises(soak.Broken, match="the collection holds"), mock.patch.object(soak, "WARM", 2):
        operated(seed=0, rounds=SHORT)
