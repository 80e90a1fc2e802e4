# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Hours of operation on a simulated clock: random tasks of three controllers at once, failing drivers and connections.

In a round each controller runs one task; which one goes on is drawn anew at each call of the API, so that the same seed
is the same operation. After a round the cloud is compared with what its tasks asked for.
"""

from __future__ import annotations

import gc
import importlib
import os
import random
import threading
import time
import tracemalloc
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import urlsplit

import served
from ansible_collections.privazio.opennebula.plugins.module_utils import _module
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import transport
from kinds import SUBJECTS
from modules import PLUGINS, Face, Finished
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from wire import Fault, FaultyProxy

CONTROLLERS = 3
DELAY = 15  # seconds of a transition
NAMES = 2  # names of a kind that the controllers share
ALL = (-2, -1, -1)
POOLS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("cluster", "datastore", "group", "host", "user", "vdc"), ()),
    "document": (*ALL, 200),
    "vm": (*ALL, -1),
}
# Kinds whose objects no driver works on: a task on these fails for a reason that the round knows.
CALM = ("cluster", "document", "group", "hook", "security_group", "template", "vdc", "vm_group", "vntemplate")
FAILURES = (
    ("deploy", "vm-*"),
    ("prolog", "vm-*"),
    ("shutdown", "vm-*"),
    ("save", "vm-*"),
    ("snapshot_create", "vm-*"),
    ("backup", "vm-*"),
    ("mkfs", "image-*"),
    ("rm", "image-*"),
    ("create", "vn-*"),
    ("monitor", "host-*"),
)
FAULTY = 0.15  # of the connections
KIBIBYTE = 1024
MOST_HELD = 512 * KIBIBYTE  # of the collection, when nothing runs
WARM = 8  # rounds until what is kept for the next task is there


class Broken(AssertionError):
    """An invariant does not hold."""


# ---------------------------------------------------------------- time, and whose turn it is


class Baton:
    """Lets one of several threads run at a time; pass_on() draws who goes on."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.gates: dict[int, threading.Semaphore] = {}
        self.done = threading.Event()

    def run(self, jobs: list[Callable[[], None]]) -> None:
        """Run all jobs to their ends."""
        self.done.clear()
        threads = [threading.Thread(target=self._each, args=(job,)) for job in jobs]
        started = threading.Barrier(len(jobs) + 1)
        self._started = started
        for thread in threads:
            thread.start()
        started.wait()
        self.order = [thread.ident for thread in threads]
        self._next().release()
        for thread in threads:
            thread.join()

    def _each(self, job):
        me = threading.get_ident()
        self.gates[me] = threading.Semaphore(0)
        self._started.wait()
        self.gates[me].acquire()
        try:
            job()
        finally:
            self.order.remove(me)
            del self.gates[me]
            if self.order:
                self._next().release()

    def _next(self):
        return self.gates[self.draw.choice(self.order)]

    def pass_on(self) -> None:
        """Let another go on, or the same."""
        mine = self.gates.get(threading.get_ident())  # none: a thread that a task has started, whose turn it is
        if mine is None:
            return
        gate = self._next()
        if gate is not mine:
            gate.release()
            mine.acquire()


class SimulatedClock(Clock):
    """The clock of the cloud and of the controllers; pauses take no time."""

    def __init__(self, baton: Baton) -> None:
        self.baton = baton
        self.moment = 1_800_000_000.0

    def now(self) -> float:
        return self.moment

    time = now

    def sleep(self, seconds: float) -> None:
        self.moment += seconds
        self.baton.pass_on()


class LossyProxy(FaultyProxy):
    """A proxy that breaks some of the connections; what passes is never changed, for http could not tell."""

    def __init__(self, target, draw: random.Random) -> None:
        self.draw = draw
        self.rate = 0.0
        super().__init__(target)

    def connected(self, near, far):
        self.fault, self.times = None, len(self.passed) + 1
        if self.draw.random() < self.rate:
            stream = self.draw.choice(("request", "answer"))
            self.fault = Fault(stream, self.draw.randrange(900), self.draw.choice(("close", "reset")))
        found = super().connected(near, far)
        for dummy, stream in found:
            stream.planned = stream.fault is not None
        return found

    def fired(self) -> int:
        """How many faults there were since the last question."""
        streams, self.streams[:], self.passed[:] = list(self.streams), [], []
        return sum(stream.planned and stream.fault is None for stream in streams)


# ---------------------------------------------------------------- tasks


class Task(NamedTuple):
    """What a controller is to do.

    Args:
        touches: (kind, name) of what it may change; a name that ends with * stands for all that begin so.
        holds: whether the cloud is as asked, once it has succeeded; None: nothing is known.
        calm: whether only another controller, or a connection, can make it fail.
    """

    module: str
    options: dict[str, Any]
    touches: frozenset[tuple[str, str]] = frozenset()
    holds: Callable[[View], bool] | None = None
    calm: bool = False


class View:
    """The cloud as the server tells it: {kind: {id: (name, content)}}."""

    def __init__(self, one: served.Cloud) -> None:
        self.objects = {kind: self._pool(one, kind) for kind in SUBJECTS if kind != "zone"}

    def _pool(self, one, kind):
        tree = ET.fromstring(one(f"{SUBJECTS[kind].prefix}pool.info", *POOLS.get(kind, ALL)))
        return {
            int(item.findtext("ID")): (item.findtext("NAME"), content(item))
            for item in tree
            if item.find("NAME") is not None
        }

    def named(self, kind: str, name: str) -> list[dict[str, str]]:
        """The contents of the objects of a name."""
        return [found for its, found in self.objects[kind].values() if its == name]


def content(item: ET.Element) -> dict[str, str]:
    """What of an object only tasks change, and the state of VMs."""
    kept = {name: item.findtext(name) for name in ("UNAME", "GNAME", "STATE", "LCM_STATE")}
    template = item.find("TEMPLATE") if item.find("USER_TEMPLATE") is None else item.find("USER_TEMPLATE")
    for name in ("NOTE", "LABELS"):
        kept[name] = None if template is None else template.findtext(name)
    return kept


def of_kind(draw: random.Random, kind: str) -> Task:
    """Create, change or remove an object of a kind."""
    name, subject = f"soak-{kind}-{draw.randrange(NAMES)}", SUBJECTS[kind]
    touches, calm = frozenset({(kind, name)}), kind in CALM
    if draw.random() < 0.35:
        gone = {key: value for key, value in subject.options.items() if key == "type" and kind == "document"}
        return Task(
            subject.module,
            {"name": name, "state": "absent", **gone},
            touches,
            lambda view: not view.named(kind, name),
            calm,
        )
    note = f"note {draw.randrange(4)}"
    template = {**subject.options.get("template", {}), "NOTE": note}
    return Task(
        subject.module,
        {**subject.options, "name": name, "template": template},
        touches,
        has_note(kind, name, note),
        calm,
    )


def has_note(kind, name, note):
    return lambda view: [found["NOTE"] for found in view.named(kind, name)] == [note]


STATES = {"running": ("3", "3"), "poweredoff": ("8", "0"), "suspended": ("5", "0"), "held": ("2", "0")}


def of_vm(draw: random.Random) -> Task:
    """Bring a VM into a state, or remove it."""
    name = f"soak-vm-{draw.randrange(NAMES)}"
    touches = frozenset({("vm", name)})
    if draw.random() < 0.2:
        return Task(
            "one_vm", {"name": name, "state": "absent", "hard": True}, touches, lambda view: not view.named("vm", name)
        )
    state = draw.choice(("running", "running", "poweredoff", "suspended"))

    def holds(view):
        return [(found["STATE"], found["LCM_STATE"]) for found in view.named("vm", name)] == [STATES[state]]

    return Task("one_vm", {"name": name, "template": "tpl", "state": state}, touches, holds)


def of_fleet(draw: random.Random) -> Task:
    """Make a fleet larger or smaller."""
    count, name = draw.randrange(4), "soak-web-#"
    options = {"name": name, "template": "tpl", "exact_count": count, "max_remove": 4, "hard": True}

    def holds(view):
        return sum(its.startswith("soak-web-") for its, dummy in view.objects["vm"].values()) == count

    return Task("one_vm", options, frozenset({("vm", "soak-web-*")}), holds)


# Tasks on VMs that may or may not be there, or be in the right state: they succeed, or say why not.
ON_VMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("one_vm_snapshot", {"snapshot": "soak", "state": "present"}),
    ("one_vm_snapshot", {"snapshot": "soak", "state": "absent"}),
    ("one_vm_disk", {"image": "soak-saved"}),
    ("one_vm_schedule", {"schedules": [{"action": "snapshot-create", "time": "+864000", "args": "soak"}]}),
    ("one_vm_migrate", {"cluster": "default"}),
    ("one_vm_recover", {"operation": "retry"}),
    ("one_vm_recover", {"operation": "recreate"}),
    ("one_vm_backup", {"datastore": "bck"}),
    ("one_vm_exec", {"command": "true"}),
)


def on_vm(draw: random.Random) -> Task:
    """Do something with a VM."""
    module, options = draw.choice(ON_VMS)
    name = f"soak-vm-{draw.randrange(NAMES)}"
    # the owner of a lock, a backup and a copy are images; their names say of which VM they are
    touches = frozenset({("vm", name), ("image", "soak-saved"), ("image", "*")})
    return Task(module, {**options, "name": name}, touches)


def of_service(draw: random.Random) -> Task:
    """Create or remove a service or its template."""
    touches = frozenset({("vm", "*")})
    role = {"name": "web", "template": "tpl", "cardinality": 1 + draw.randrange(2)}
    return draw.choice(
        [
            Task("one_service_template", {"name": "soak", "roles": [role]}),
            Task("one_service_template", {"name": "soak", "state": "absent"}),
            Task("one_service", {"name": "soak", "template": "soak", "state": "running"}, touches),
            Task("one_service", {"name": "soak", "state": "absent"}, touches),
        ]
    )


RULE = {"resources": ["vm"], "rights": ["use"]}
SETTINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("one_acl", {"group": "users", "rules": [RULE]}),
    ("one_acl", {"group": "users", "state": "absent", "rules": [RULE]}),
    ("one_quota_defaults", {"kind": "group", "quotas": {"vm": {"vms": 100}}}),
    ("one_quota_defaults", {"kind": "group", "quotas": {"vm": {"vms": "unlimited"}}}),
    ("one_zone", {"name": "OpenNebula", "template": {"NOTE": "soak"}}),
    ("one_call", {"method": "one.hostpool.info"}),
)


def of_settings(draw: random.Random) -> Task:
    """Change what the whole cloud has once."""
    module, options = draw.choice(SETTINGS)
    return Task(module, options, calm=True)


MODULES = Path(__file__).parents[1] / "plugins/modules"
OF_CONTROLLER = ("one_cloud", "one_export")
INFO = sorted(path.stem for path in MODULES.glob("one_*info.py"))


def of_info(draw: random.Random) -> Task:
    """Read objects."""
    module = draw.choice(INFO)
    return Task(
        module,
        {"type": 200} if module == "one_document_info" else {},
        calm=module not in ("one_service_info", "one_info"),
    )


KINDS = sorted(set(SUBJECTS) - {"zone", "vm"})
DRAWN: tuple[tuple[Callable[[random.Random], Task], int], ...] = (
    (lambda draw: of_kind(draw, draw.choice(KINDS)), 10),
    (of_vm, 4),
    (of_fleet, 2),
    (on_vm, 4),
    (of_service, 1),
    (of_settings, 2),
    (of_info, 4),
)


# ---------------------------------------------------------------- the operation


class Soak:
    """A cloud, three controllers, and what they have done. `figures` has the numbers of the page Reliability."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.baton = Baton(self.draw)
        self.clock = SimulatedClock(self.baton)
        self.begin = self.clock.moment
        self.simulator = Simulator(Options(delay=0, release="7.4.0"), allow_reset=True).start()
        self.one = served.Cloud(self.simulator)
        self._furnish()
        self.proxy = LossyProxy(("127.0.0.1", urlsplit(self.simulator.url).port), random.Random(seed + 1))
        self.given = threading.local()
        self.results: list[tuple[Task, dict[str, Any]]] = []
        self.begun: list[tuple[str, str]] = []  # what the failed tasks of the last round have to do with
        self.ran: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()
        self.handles = 0
        self.view = View(self.one)
        for name in self.modules():
            importlib.import_module(name)

    @staticmethod
    def modules() -> list[str]:
        """Every module of the collection, but those that are tasks of the controller alone."""
        names = sorted(path.stem for path in MODULES.glob("one_*.py"))
        return [f"{PLUGINS}.modules.{name}" for name in names if name not in OF_CONTROLLER]

    def close(self) -> None:
        self.proxy.close()
        self.simulator.stop()

    def _furnish(self):
        """Objects that no task names, and those that tasks need."""
        for number in range(2):
            self.one("host.allocate", f"host{number}", "dummy", "dummy", 0)
        for oid in range(3):
            self.one("datastore.update", oid, 'TM_MAD="dummy" DS_MAD="dummy"', 1)
        self.one("datastore.allocate", 'NAME="bck" DS_MAD="dummy" TM_MAD="-" TYPE="BACKUP_DS"', 0)
        self.one("image.allocate", 'NAME="os" PATH="/srv/images/os.img" TYPE="OS"', 1)
        self.one("vn.allocate", 'NAME="net" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.10",SIZE="250"]', 0)
        self.one("template.allocate", 'NAME="tpl" CPU="0.1" MEMORY="64" DISK=[IMAGE_ID="0"] NIC=[NETWORK_ID="0"]')
        self.one("market.allocate", 'NAME="market" MARKET_MAD="dummy"')
        self.one("vm.allocate", 'NAME="keep" CPU="0.1" MEMORY="64" LABELS="keep"', True)
        self.one("user.allocate", "keep", "secret", "core", [])
        self.one("document.allocate", 'NAME="keep" NOTE="keep"', 200)  # the first one
        self.simulator.cloud.events.clock = self.clock.time
        self.simulator.cloud.events.delay = DELAY
        self.clock.moment += 10 * DELAY
        self.one("hostpool.info")

    def run(self, rounds: int, seconds: float = 0) -> None:
        """So many rounds at least, and so many seconds of the simulated clock.

        Raises:
            Broken: an invariant does not hold; which, and in which round.
        """
        with self._controllers():
            count = 0
            while count < rounds or self.clock.moment - self.begin < seconds:
                if count == WARM:
                    self.handles = handles()
                    tracemalloc.start()
                try:
                    self._round()
                    self._require_constant(count)
                except Broken as error:
                    raise Broken(f"round {count}: {error}") from None
                count += 1
        self.figures["hours"] = int((self.clock.moment - self.begin) // 3600)

    @contextmanager
    def _controllers(self) -> Iterator[None]:
        send = transport.Transport.send

        def in_turn(*arguments: Any, **named: Any) -> Any:
            self.baton.pass_on()
            return send(*arguments, **named)

        timing = SimpleNamespace(sleep=self.clock.sleep, monotonic=time.monotonic)
        with (
            mock.patch.object(_module.OneModule, "face", self._face()),
            mock.patch.object(_module, "Clock", lambda: self.clock),
            mock.patch.object(transport.Transport, "send", in_turn),
            mock.patch.object(transport, "time", timing),
        ):
            try:
                yield
            finally:
                tracemalloc.stop()

    def _face(self):
        given = self.given

        class SoakFace(Face):
            """Has the options of the task that its thread runs."""

            @property
            def given(self):
                return given.options

        return SoakFace

    # ------------------------------------------------------------ a round

    def _round(self) -> None:
        self._disturb()
        tasks = [self._drawn() for dummy in range(CONTROLLERS)]
        before, self.results = self.view, []
        self.baton.run([lambda task=task: self.results.append((task, self._done(task))) for task in tasks])
        fired = self.proxy.fired()
        self.clock.moment += self.draw.randrange(120)
        self.figures["tasks"] += len(tasks)
        self.figures["failures_told"] += sum(bool(result.get("failed")) for dummy, result in self.results)
        self.figures["connections_broken"] += fired
        after = self.view = View(self.one)
        self._require_told(fired)
        self._require_unique(after)
        self._require_kept(before, after)
        self._require_as_asked(after)

    def _disturb(self):
        """Drivers and connections fail in some rounds."""
        self.proxy.rate = FAULTY if self.draw.random() < 0.5 else 0.0
        failing = self.simulator.cloud.events.failures
        failing.clear()
        if self.draw.random() < 0.4:
            failing.append(self.draw.choice(FAILURES))
            self.figures["rounds_with_a_failing_driver"] += 1

    def _drawn(self) -> Task:
        make = self.draw.choices([make for make, dummy in DRAWN], [weight for dummy, weight in DRAWN])[0]
        return make(self.draw)

    def _done(self, task: Task) -> dict[str, Any]:
        """The result of a task; what else a module raises is one that nobody should see."""
        user, dummy, password = served.SESSION.partition(":")
        options = {
            **task.options,
            "api_url": f"http://127.0.0.1:{self.proxy.port}/RPC2",
            "flow_url": self.simulator.flow_url,
        }
        module = importlib.import_module(f"{PLUGINS}.modules.{task.module}")
        if "service" not in task.module and task.module != "one_info":
            del options["flow_url"]
        self.given.options = {**options, "api_username": user, "api_password": password}
        self.ran[task.module] += 1
        try:
            module.main()
        except Finished as finished:
            return finished.args[0]
        except Exception as error:
            return {"failed": True, "traceback": repr(error), "msg": ""}
        raise Broken(f"{task.module} has ended without a result")

    # ------------------------------------------------------------ invariants

    def _require_told(self, fired: int) -> None:
        """A task that fails says why; without a reason none fails."""
        for task, result in self.results:
            if not result.get("failed"):
                continue
            message = result["msg"]
            if "traceback" in result or not message.strip() or "Traceback" in message:
                raise Broken(f"{task.module} {task.options} does not tell its failure: {result}")
            alone = not self._others(task)
            if task.calm and alone and not fired:
                raise Broken(f"{task.module} {task.options} fails without a reason: {message}")

    def _others(self, task: Task) -> bool:
        """Whether another task of the round has to do with the same objects."""
        others = [other for other, dummy in self.results if other is not task]
        return any(other.module == task.module or touched(task, pair) for other in others for pair in other.touches)

    def _require_unique(self, after: View) -> None:
        for kind, objects in after.objects.items():
            names = Counter(name for name, dummy in objects.values() if name.startswith("soak-"))
            twice = [name for name, count in names.items() if count > 1]
            if twice:
                raise Broken(f"there are several {kind}s {twice[0]}; {self._told()}")

    def _require_kept(self, before: View, after: View) -> None:
        """Objects that no task of the round names, nor one that failed before, are as before; no others are there."""
        pairs = [pair for task, dummy in self.results for pair in task.touches]
        pairs, self.begun = pairs + self.begun, [pair for task in self._failed() for pair in task.touches]
        for kind, objects in before.objects.items():
            for oid, (name, found) in objects.items():
                now = after.objects[kind].get(oid)
                free = (kind, name) not in pairs and not any(fits(pair, kind, name) for pair in pairs)
                if free and (now is None or lasting(now[1]) != lasting(found)):
                    raise Broken(f"{kind} {name} was {'lost' if now is None else 'changed'}; {self._told()}")
            for oid in after.objects[kind].keys() - objects.keys():
                name = after.objects[kind][oid][0]
                if not any(fits(pair, kind, name) for pair in pairs):
                    raise Broken(f"{kind} {name} was made, which no task asks for; {self._told()}")

    def _failed(self) -> list[Task]:
        """The tasks of the round that have failed: what they have begun may end in the next one."""
        return [task for task, result in self.results if result.get("failed")]

    def _require_as_asked(self, after: View) -> None:
        for task, result in self.results:
            known = task.holds is not None and not result.get("failed") and not self._others(task)
            if known and not task.holds(after):
                raise Broken(f"{task.module} {task.options} succeeds, and it is not so; {self._told()}")

    def _require_constant(self, count: int) -> None:
        """Memory and open files of the controllers are as after the first rounds."""
        if count <= WARM:
            return
        deadline = time.monotonic() + 5
        while handles() > self.handles and time.monotonic() < deadline:
            time.sleep(0.01)  # the other side of a connection has yet to see its end
        if handles() > self.handles:
            raise Broken(f"{handles()} files are open, {self.handles} were after round {WARM}")
        if count % 20 == 0:
            gc.collect()
            held = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/plugins/*")])
            size = sum(each.size for each in held.statistics("filename"))
            self.figures["most_kib_held"] = max(self.figures["most_kib_held"], size // KIBIBYTE)
            if size > MOST_HELD:
                raise Broken(f"the collection holds {size} bytes while nothing runs: {held.statistics('lineno')[:5]}")

    def _told(self) -> str:
        return "; ".join(
            f"{task.module} {task.options} -> {result.get('msg') or 'ok'}" for task, result in self.results
        )


def touched(task: Task, pair: tuple[str, str]) -> bool:
    return any(fits(pair, *mine) or fits(mine, *pair) for mine in task.touches)


def fits(pair: tuple[str, str], kind: str, name: str) -> bool:
    """Whether (kind, pattern) speaks of the object."""
    return pair[0] == kind and (pair[1] == name or (pair[1].endswith("*") and name.startswith(pair[1][:-1])))


def lasting(found: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name not in ("STATE", "LCM_STATE")}


def handles() -> int:
    """Open files of this process."""
    return len(os.listdir("/proc/self/fd"))
