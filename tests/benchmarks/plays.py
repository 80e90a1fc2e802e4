# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What cases with playbooks share: plays that are timed, and a simulated cloud that counts who calls what."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from opennebula_simulator import xmlrpc
from opennebula_simulator.cloud import Options
from opennebula_simulator.http import Request, Response
from opennebula_simulator.server import Simulator
from timing import Case, medians

OURS, PEER = "privazio.opennebula", "community.general"
ACCESS = {"api_username": "oneadmin", "api_password": "opennebula"}
SESSION = ":".join(ACCESS.values())
LIMIT = 900  # seconds for a task; what takes longer has failed
STEADY = r"changed=0 .* failed=0"
PING = {"ansible.builtin.ping": {}}

Task = dict[str, Any]


class Play:
    """A playbook of some tasks; `cpu` has the processor's seconds of each run, which other work does not change.

    Args:
        path: where it is written.
        tasks: tasks as YAML has them.
        recap: regular expression for what Ansible counts in the end.
        more: what else the play has.
    """

    def __init__(self, path: Path, tasks: list[Task], recap: str = STEADY, **more: object) -> None:
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks, **more}
        path.write_text(json.dumps([play]), encoding="utf-8")
        self.command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(path)]
        self.command += ["-e", json.dumps({"ansible_python_interpreter": sys.executable})]
        self.recap = recap
        self.cpu: list[float] = []

    def __call__(self) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(self.command, capture_output=True, text=True, check=False)
        if done.returncode or not re.search(self.recap, done.stdout):
            sys.exit(f"This play must end with {self.recap}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def played(tasks: list[Task], **more: object) -> None:
    """Tasks are done once, whatever they change."""
    with tempfile.TemporaryDirectory() as folder:
        Play(Path(folder, "play"), tasks, "failed=0", **more)()


def timed(
    tasks: dict[str, list[Task]], warm: bool = True, recap: str = STEADY, before: Callable[[], None] | None = None
) -> Case:
    """Seconds of plays of these tasks, and of the processor, less those of a play without tasks.

    Args:
        tasks: those of `ours`, of `peer`, and of others; `floor` are as many pings.
        warm: run each play once before, and do not count it.
        recap: as Play has it, for all but `floor`.
        before: what has to be done before each play; it takes no time.
    """
    count = len(tasks["ours"])
    with tempfile.TemporaryDirectory() as folder:
        plays = {who: Play(Path(folder, who), each, recap) for who, each in tasks.items()}
        plays["floor"] = Play(Path(folder, "floor"), [PING] * count)
        plays["empty"] = Play(Path(folder, "empty"), [], "")
        for play in plays.values() if warm else ():
            play()
            play.cpu.clear()
        case = medians(before, floor_is=f"{count} times ansible.builtin.ping", **plays)
    spent = {who: statistics.median(play.cpu) for who, play in plays.items()}
    empty, idle = case.pop("empty"), spent.pop("empty")
    return {**case, **{who: case[who] - empty for who in spent}, **{f"{who}_cpu": spent[who] - idle for who in spent}}


class CountingSimulator(Simulator):
    """A simulated cloud in this process; what is called at URL/LABEL/RPC2 is in calls[LABEL]."""

    def __init__(self, delay: float = 0, **seed: int) -> None:
        self.calls: dict[str, list[str]] = defaultdict(list)
        super().__init__(Options(delay=delay, seed=seed))

    def answer(self, request: Request) -> Response:
        label = request.path.strip("/").partition("/")[0]
        self.calls[label].append(xmlrpc.decode(request.body)[0])
        return super().answer(request._replace(path="/RPC2"))

    def answer_flow(self, request: Request) -> Response:
        """OneFlow is at FLOW_URL/LABEL."""
        label, dummy, path = request.path.strip("/").partition("/")
        self.calls[label].append(f"{request.verb} /{path}")
        return super().answer_flow(request._replace(path=f"/{path}"))

    def __call__(self, method: str, *arguments: object) -> Any:
        """One call that is not counted, and must succeed."""
        found = self.execute(f"one.{method}", [SESSION, *arguments])
        if not found[0]:
            sys.exit(f"plays.py: {found[1]}")
        return found[1]

    def access(self, label: str) -> dict[str, str]:
        """Options of a module whose calls are to be found under LABEL."""
        return {"api_url": self.url.replace("RPC2", f"{label}/RPC2"), **ACCESS}

    def task(self, collection: str, module: str, label: str, **options: object) -> Task:
        """A task of a module whose calls are to be found under LABEL."""
        flow = {"flow_url": f"{self.flow_url}/{label}"} if module.startswith("one_service") else {}
        return {f"{collection}.{module}": {**options, **self.access(label), **flow}, "timeout": LIMIT}


@contextlib.contextmanager
def counting(delay: float = 0, **seed: int) -> Iterator[CountingSimulator]:
    """A cloud that counts, while the block runs."""
    simulator = CountingSimulator(delay, **seed)
    simulator.start()
    os.environ["ONEFLOW_URL"] = f"{simulator.flow_url}/others"
    try:
        yield simulator
    finally:
        del os.environ["ONEFLOW_URL"]
        simulator.stop()
