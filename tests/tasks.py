# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Tasks in processes of their own, which can be killed; started by forking, for starting Python takes a second.

A process in which nothing else runs has all modules imported.  For each task it forks one more, which calls the
module's main() as the action plugin does.  Waiting goes a hundred times faster there; nothing else differs.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PLUGINS = "ansible_collections.privazio.opennebula.plugins"
ROOT = Path(__file__).parents[1]
PATHS = [ROOT / "tests", ROOT / "tools", ROOT / "collections"]
WAIT = 60  # seconds until a task counts as hanging
ACCESS = {"api_username": "oneadmin", "api_password": "opennebula"}


class Hangs(Exception):
    """A task has neither ended nor been killed."""


class Task:
    """A task that runs; `pid` is that of its process."""

    def __init__(self, pipe: socket.socket, job: dict[str, Any]) -> None:
        self._pipe = pipe
        self._pipe.settimeout(WAIT)
        self._pipe.sendall(json.dumps(job).encode() + b"\n")
        self._reader = pipe.makefile("rb")
        self.pid = int(self._reader.readline())

    def go(self) -> Task:
        """Lets it begin: whoever wants to kill it knows it by now."""
        self._pipe.sendall(b"\n")
        return self

    def kill(self) -> None:
        """Ends the process where it is, as the loss of power does."""
        os.kill(self.pid, signal.SIGKILL)

    def result(self) -> dict[str, Any] | None:
        """What the module returned; None: it was killed."""
        try:
            told = self._reader.readline()
        except TimeoutError:
            os.kill(self.pid, signal.SIGKILL)
            raise Hangs from None
        finally:
            self._reader.close()
            self._pipe.close()
        return json.loads(told) if told else None


class Tasks:
    """Starts tasks: start("one_host", check=False, **options) is a Task that waits for go()."""

    def __init__(self) -> None:
        self._near, far = socket.socketpair()
        path = os.pathsep.join([*map(str, PATHS), os.environ.get("PYTHONPATH", "")])
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ONE")}
        with far:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(far.fileno())],
                pass_fds=[far.fileno()],
                env=dict(environment, PYTHONPATH=path, HOME="/nonexistent"),
            )

    def start(self, module: str, check: bool = False, **options: Any) -> Task:
        near, far = socket.socketpair()
        with far:
            socket.send_fds(self._near, [b"x"], [far.fileno()])
        return Task(near, {"module": module, "check": check, "options": options})

    def close(self) -> None:
        self._near.close()
        self._process.wait(WAIT)


# ---------------------------------------------------------------- in the processes


def serve(number: int) -> None:
    """Forks a process for each task, until the other end is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    collection()
    gc.freeze()  # what is imported is shared by all processes
    with socket.socket(fileno=number) as control:
        while True:
            found, handles, *dummy = socket.recv_fds(control, 1, 1)
            if not found:
                return
            if os.fork() == 0:
                control.close()
                work(socket.socket(fileno=handles[0]))
            os.close(handles[0])


def collection() -> None:
    """Imports all of the collection, and lets time pass faster in it."""
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(ROOT / "collections")])
    for path in sorted((ROOT / "plugins/modules").glob("one_*.py")):
        importlib.import_module(f"{PLUGINS}.modules.{path.stem}")
    from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
    from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import transport

    importlib.import_module(f"{PLUGINS}.action.one")
    importlib.import_module(f"{PLUGINS}.action.one_cloud")
    Clock.sleep = lambda self, seconds: time.sleep(seconds / 100)  # type: ignore[method-assign]
    transport.time = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds / 100))


def work(pipe: socket.socket) -> None:
    """One task, and the end of its process."""
    status = 1
    with contextlib.suppress(BaseException):
        with pipe, pipe.makefile("rb") as reader:
            job = json.loads(reader.readline())
            pipe.sendall(b"%d\n" % os.getpid())
            if reader.readline():
                pipe.sendall(json.dumps(ran(job)).encode() + b"\n")
        status = 0
    os._exit(status)


def ran(job: dict[str, Any]) -> dict[str, Any]:
    """The result of a task; `exception`: it ended in a traceback."""
    import traceback

    try:
        return FACES.get(job["module"], through_main)(job)
    except BaseException:
        return {"failed": True, "exception": traceback.format_exc(), "msg": "a traceback"}


def through_main(job: dict[str, Any]) -> dict[str, Any]:
    """A module, as the action plugin of all modules runs it."""
    from ansible_collections.privazio.opennebula.plugins.action import one

    main = importlib.import_module(f"{PLUGINS}.modules.{job['module']}").main
    arguments = dict(job["options"], _ansible_check_mode=job["check"], _ansible_verbosity=3)
    core = one.core_at_hand()
    return json.loads(one.answer(main, core.encoded({"ANSIBLE_MODULE_ARGS": arguments})))


def through_action(job: dict[str, Any]) -> dict[str, Any]:
    """A module that is an action of the controller alone."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar

    action = importlib.import_module(f"{PLUGINS}.action.{job['module']}").ActionModule
    task = SimpleNamespace(args=job["options"], check_mode=job["check"], async_val=0, diff=True, environment=[])
    loader = DataLoader()
    context = SimpleNamespace(check_mode=job["check"], verbosity=3)
    return action(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir="")), context, loader, Templar(loader), None).run(
        None, {}
    )


FACES = {"one_cloud": through_action}

if __name__ == "__main__":
    serve(int(sys.argv[1]))
