# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Tasks of every module, with what they have to tell and to call, exactly as expected/*.yml has it.

A play begins with an empty cloud. Each task runs in check mode first, which has to plan what the run then does, and
once more afterwards, when nothing may be left to do; `check` and `again` stand beside a task of which that is not true.
A call of the API follows the sentence that tells its failure. After a change that is meant, write the files anew with
`TASKS=write pytest tests/unit/core/test_tasks.py`, and read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
import time
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.action.one import answer, core_at_hand
from ansible_collections.privazio.opennebula.plugins.module_utils import _module
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.signature import writes

MODULES = "ansible_collections.privazio.opennebula.plugins.modules."
FILES = sorted((Path(__file__).parent / "expected").glob("*.yml"))
READ = [(path, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in FILES]
PLAYS = [pytest.param(path, name, id=f"{path.stem}-{name}") for path, plays in READ for name in plays]
HEADER = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
---
"""
PLANNED = ("changed", "diff", "msg")
COST = ("invocation", "api_calls")
# What the simulated hosts report.
MONITORED = re.compile("(ARCH|CPUSPEED|HYPERVISOR|KVM_|MEMORY_ENCRYPTION|MODELNAME|TOTAL)")
MONITORED_CALL = re.compile(f'"{MONITORED.pattern}[A-Z_]*": "[^"]*", ')
VARYING = (  # what is another one in each run
    (re.compile(r"\b1[6-9]\d{8}\b"), "1777777777"),  # a time
    (re.compile(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d 20\d\d"), "Thu Jan  1 00:00:00 1970"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "0123456789abcdef"),  # a password that nobody knows
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:2633"),
)


FORM = {"sort_keys": False, "width": 1000, "allow_unicode": True, "default_flow_style": None}


class Quick(Clock):
    """Does not wait."""

    def __init__(self):
        super().__init__()
        self.slept = 0.0

    def now(self):
        return super().now() + self.slept

    def sleep(self, seconds):
        self.slept += seconds


class Lines(list):
    """A list that is written with one item a line."""


class Dumper(yaml.SafeDumper):
    """Writes what is short in one line."""


Dumper.add_representer(Lines, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, False))


def lasting(text):
    """The text without what varies."""
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text


@pytest.fixture
def calls(monkeypatch):
    """What is called of the API but its reads, each with the sentence of a failure."""
    made = []
    call = Cloud.call

    def told(self, doing, method, *arguments, **data):
        if writes(method) and not method.endswith((".info", ".pool")):
            written = ", ".join(json.dumps(one, ensure_ascii=False) for one in arguments)
            made.append(lasting(MONITORED_CALL.sub("", f"{doing}: {method}({written})")))
        return call(self, doing, method, *arguments, **data)

    monkeypatch.setattr(Cloud, "call", told)
    monkeypatch.setattr(_module, "Clock", Quick)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield made
    monkeypatch.undo()
    time.tzset()


def run(simulator, task, *, check):
    """What a task returns."""
    module = next(name for name in task if name.startswith("one_"))
    flow = {"flow_url": simulator.flow_url} if module.startswith("one_service") else {}
    access = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula", **flow}
    options = {**access, **task[module]}
    given = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check}}
    told = json.loads(answer(import_module(MODULES + module).main, core_at_hand().encoded(given)))
    told = {name: value for name, value in told.items() if name not in COST}
    if module == "one_host" and "template" in told:
        told["template"] = {name: value for name, value in told["template"].items() if not MONITORED.match(name)}
    return json.loads(lasting(json.dumps(told)))


def played(simulator, calls, task):
    """The task with what it returns, and what it calls."""
    module = next(name for name in task if name.startswith("one_"))
    check, checked = run(simulator, task, check=True), [*calls]
    calls.clear()
    result, done = run(simulator, task, check=False), [*calls]
    calls.clear()
    again, repeated = run(simulator, task, check=False), [*calls]
    calls.clear()
    found = {module: task[module], "result": result, "calls": Lines(done)}
    assert checked == [], "a check run calls nothing that could write"
    if (check.get("changed"), check.get("diff"), check.get("msg")) != tuple(
        map(result.get, ("changed", "diff", "msg"))
    ):
        found["check"] = {name: check[name] for name in ("changed", "diff", "msg", "warnings") if name in check}
    if again.get("changed") or repeated or again.get("msg") != result.get("msg"):
        found["again"] = {name: again[name] for name in ("changed", "msg") if name in again} | {
            "calls": Lines(repeated)
        }
    return found


def play(simulator, calls, given):
    """A play with what its tasks return and call."""
    simulator.cloud.config.vectors("FEDERATION")[0]["MODE"] = given.get("federation", "STANDALONE")
    one = OneServer(simulator.url, session="oneadmin:opennebula")
    for step in given.get("cloud", ()):
        ((method, arguments),) = step.items()
        one.call(method, *arguments)
    calls.clear()
    return {**given, "tasks": [played(simulator, calls, task) for task in given["tasks"]]}


@pytest.mark.parametrize(("path", "name"), PLAYS)
def test_a_task_tells_and_calls_exactly_this(simulator, calls, path, name):
    expected = dict(READ)[path][name]
    found = play(simulator, calls, expected)
    if os.environ.get("TASKS") == "write":
        written = {**yaml.safe_load(path.read_text(encoding="utf-8")), name: found}
        text = yaml.dump(
            written, Dumper=Dumper, sort_keys=False, width=1000, allow_unicode=True, default_flow_style=None
        )
        path.write_text(HEADER + text, encoding="utf-8")
        return
    for one, other in zip(found["tasks"], expected["tasks"], strict=True):
        assert one == other
