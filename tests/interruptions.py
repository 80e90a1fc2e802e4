# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Something happens at one call of a task: the mechanism by which tests interrupt every module at every call."""

from __future__ import annotations

import copy
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import takewhile
from typing import Any, NamedTuple

from acts import ACTS, BEFORE, PREPARATIONS, REPEATED, furnish
from kinds import SUBJECTS
from lab import Lab
from opennebula_simulator.cloud import KINDS, METHODS, Cloud, Options
from opennebula_simulator.flow import documents
from opennebula_simulator.http import Request, Response, Server
from opennebula_simulator.server import Simulator
from tasks import ACCESS, Task, Tasks

METHOD = re.compile(rb"<methodName>(?:one\.)?([\w.]+)</methodName>")
FLOW = ("one_service", "one_service_template")  # modules that speak to OneFlow


class Lost(OSError):
    """The connection ends without an answer."""


class Node:
    """A server of the cluster: one of those that have the cloud's database.

    Attributes:
        state (str): leading (or following one that is), dead, or one of REFUSALS.
    """

    def __init__(self, stage: Stage) -> None:
        self.state = "leading"
        self._stage = stage
        self._http = Server(stage.host, 0, self.answer)
        self.url = f"http://{stage.host}:{self._http.port}/RPC2"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def answer(self, request: Request) -> Response:
        return self._stage.answered(request, self)

    def close(self) -> None:
        self._http.close()


# What a server says to a method that changes something, by its state; each answers what reads.
REFUSALS = {
    "election": "Cannot process request, oned cluster in election mode",
    "lost": "Cannot process request, no leader found",
    "catching up": "Cannot process request, oned cluster is replicating log",
}
REFUSAL = (
    "<methodResponse><params><param><value><array><data><value><boolean>0</boolean></value><value><string>{}</string>"
    "</value><value><i4>8192</i4></value><value><i4>-1</i4></value><value><i8>-1</i8></value></data></array></value>"
    "</param></params></methodResponse>"
)
Answer = Callable[[], Response]
Happening = Callable[["Stage", Answer, Any], Response]


def nothing(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """What happens at most calls."""
    return answer()


class Stage(Simulator):
    """A simulated cloud that is brought back to a state, and in which something happens when a call arrives.

    Attributes:
        calls (list[str]): what tasks have sent since the last run().
        task (Task): which runs.
        nodes (list[Node]): three servers of the cloud.
    """

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(Options(delay=0))
        self.flow_http.keep_alive = False  # so that a connection is a call
        self.tasks = tasks
        self.calls: list[str] = []
        self._counting = threading.Lock()
        self._at, self._happens = 0, nothing
        self._settings: dict[tuple[str, str], Cloud] = {}
        self._references: dict[tuple[str, str], Reference] = {}
        self.nodes = [Node(self) for dummy in range(3)]
        self.others: list[dict[str, Any] | None] = []  # results of what another controller has run
        self.election = 0  # refusals until a leader is elected

    def stop(self) -> None:
        super().stop()
        for node in self.nodes:
            node.close()

    # -------------------------------------------------------- calls

    def answer(self, request: Request) -> Response:
        return self.answered(request, None)

    def answered(self, request: Request, node: Node | None) -> Response:
        """The answer of a server (None: that of a cloud that has only one)."""
        found = METHOD.search(request.body)
        name = found.group(1).decode() if found else "?"
        return self._passed(name, lambda: self._as_a_node(node, name, request), node)

    def _as_a_node(self, node: Node | None, name: str, request: Request) -> Response:
        if node is not None and node.state == "dead":
            raise Lost
        if node is not None and node.state in REFUSALS and not METHODS[f"one.{name}"].reads:
            state = node.state
            self.election -= 1
            if not self.election:
                self.lead()
            return refusal(name, state)
        return super().answer(request)

    def lead(self, state: str = "leading") -> None:
        """The servers that are alive have a leader; or they are in another state."""
        for node in self.nodes:
            node.state = "dead" if node.state == "dead" else state

    def answer_flow(self, request: Request) -> Response:
        name = f"{request.verb} {request.path}"
        return self._passed(name, lambda: super(Stage, self).answer_flow(request), None)

    def _passed(self, name: str, answer: Answer, node: Node | None) -> Response:
        with self._counting:
            self.calls.append(name)
            number = len(self.calls)
        return self._happens(self, answer, node) if number == self._at else answer()

    def lab(self, method: str, *arguments: Any) -> Any:
        """The answer of a call that must succeed, by another way than tasks have."""
        return asked(self.cloud, method, *arguments)

    # -------------------------------------------------------- tasks

    def begin(self, module: str, options: Any, **access: Any) -> Task:
        """A task that is about to run."""
        flow = {"flow_url": self.flow_url} if module in FLOW else {}
        return self.tasks.start(module, **{**ACCESS, "api_url": self.url, **flow, **access, **options})

    def run(
        self, module: str, options: Any, at: int = 0, happens: Happening = nothing, **access: Any
    ) -> dict[str, Any] | None:
        """The result of a task; None: it was killed.  What `happens` at its call with this number gives the answer."""
        self.calls, self._at, self._happens = [], at, happens
        self.task = self.begin(module, options, **access)
        return self.task.go().result()

    def must(self, module: str, options: Any) -> dict[str, Any]:
        """The result of a task that must succeed."""
        found = self.run(module, options)
        assert found is not None and not found.get("failed"), (module, options, found)
        return found

    # -------------------------------------------------------- acts

    def set_for(self, module: str, act: str) -> None:
        """Brings the cloud into the state in which an act of a module begins."""
        if (module, act) not in self._settings:
            self._make_for(module, act)
            self._settings[module, act] = self.cloud
        self.cloud = copied(self._settings[module, act])
        for node in self.nodes:
            node.state = "leading"

    def _make_for(self, module: str, act: str) -> None:
        acts = list(ACTS[module])
        number = acts.index(act)
        if number:
            self.set_for(module, acts[number - 1])
            self.must(module, ACTS[module][acts[number - 1]])
            return
        lab = Lab()
        furnish(lab)
        PREPARATIONS.get(module, lambda lab: None)(lab)
        self.cloud = lab.cloud
        if module in BEFORE:
            self.must(*BEFORE[module])

    def reference(self, module: str, act: str) -> Reference:
        """What an act does when nothing happens."""
        if (module, act) not in self._references:
            self.set_for(module, act)
            result = self.must(module, ACTS[module][act])
            assert result["changed"], (module, act)
            self._references[module, act] = Reference(self.calls, world(self.cloud))
        return self._references[module, act]

    def disturb(self, module: str, act: str, at: int, happens: Happening, **access: Any) -> dict[str, Any] | None:
        """The result of an act at whose call with this number something happens."""
        self.set_for(module, act)
        return self.run(module, ACTS[module][act], at, happens, **access)

    def unsettled(self, module: str, act: str) -> str:
        """What is wrong after the act is played again; empty: the cloud is as if nothing had happened."""
        again = self.run(module, ACTS[module][act])
        if again is None or again.get("failed"):
            return f"the next run fails: {again}"
        differs = difference(self.reference_world(module, act), world(self.cloud))
        if differs:
            return f"after the next run: {differs}"
        last = self.run(module, ACTS[module][act])
        if last is None or last.get("failed") or (last["changed"] and (module, act) not in REPEATED):
            return f"the run after the next: {last}"
        return ""

    def reference_world(self, module: str, act: str) -> dict[str, list[str]]:
        return self._references[module, act].world

    def as_ended(self, module: str, act: str) -> bool:
        """Whether the cloud is as after an act at which nothing happened."""
        return not difference(self.reference_world(module, act), world(self.cloud))


class Reference(NamedTuple):
    """An act at which nothing happens: its calls, and what there is afterwards."""

    calls: list[str]
    world: dict[str, list[str]]


def refusal(name: str, state: str) -> Response:
    """What a server in a state says to a method."""
    return Response(200, REFUSAL.format(f"[one.{name}] {REFUSALS[state]}").encode())


def copied(cloud: Cloud) -> Cloud:
    """A copy that shares what never changes."""
    shared = [*KINDS, cloud.options, cloud.methods, cloud.release, cloud.config]
    memo: dict[int, Any] = {id(one): one for one in shared}
    memo[id(cloud.lock)] = threading.Lock()
    return copy.deepcopy(cloud, memo)


# ---------------------------------------------------------------- what is there

DONE = "6"
# The simulated time stands still, so what two runs of the same calls leave differs in salts, random numbers, and how
# often something was done: a VM that is switched off and on twice is the same.
VOLATILE = {"TOKEN_PASSWORD", "PASSWORD", "UUID", "MONITORING", "LOG", "log", "ANSIBLE_POWER_CYCLE"}
VOLATILE |= {"HISTORY_RECORDS", "LAST_POLL", "NEXT_INDEX", "ERROR"}


def world(cloud: Cloud) -> dict[str, list[str]]:
    """All that is in a cloud, by kind, but for what is VOLATILE."""
    found = {kind: [shown(each.xml()) for each in pool] for kind, pool in cloud.pools.items()}
    living = [each for each in cloud["VM"] if each.state != int(DONE)]
    found["VM"] = [shown(each.xml()) for each in living]
    found["places"] = [f"{each.name} {each.history[-1]['hostname'] if each.history else ''}" for each in living]
    found["rules"] = sorted(str(rule) for rule in vars(cloud.rules)["_rules"].values())
    found["quotas"] = [asked(cloud, f"{kind}quota.info") for kind in ("user", "group")]
    return found


def asked(cloud: Cloud, method: str, *arguments: Any) -> Any:
    """The answer of a call that must succeed, by another way than tasks have."""
    found = cloud.call(METHODS[f"one.{method}"], [":".join(ACCESS.values()), *arguments])
    assert found[0], found
    return found[1]


def shown(xml: str) -> str:
    root = ET.fromstring(xml)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in VOLATILE:
                parent.remove(child)
    return ET.tostring(root, encoding="unicode")


def difference(wanted: dict[str, list[str]], found: dict[str, list[str]]) -> str:
    """What of a world differs, for a message."""
    parts = []
    for kind, before in wanted.items():
        after = found[kind]
        lost, more = set(before) - set(after), set(after) - set(before)
        if lost or more or len(before) != len(after):
            parts.append(f"{kind}: {apart(min(lost, default=''), min(more, default=''))}")
    return "; ".join(parts)


def apart(before: str, after: str) -> str:
    """Where two texts differ first, with what is beside it."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    start = max(0, sum(1 for dummy in same) - 200)
    return f"…{before[start : start + 400]}… became …{after[start : start + 400]}…"


# ---------------------------------------------------------------- what happens


def killed_before(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The process dies before its request is carried out."""
    stage.task.kill()
    raise Lost


def killed_after(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The process dies once the server has done what it asked for."""
    answer()
    stage.task.kill()
    raise Lost


def elects(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The leader becomes a follower, and the servers need a while to agree on another one."""
    stage.election = 5
    stage.lead("election")
    return answer()


def dies_before(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The leader dies with the request, and the others elect one of them."""
    if node is not None:
        node.state, stage.election = "dead", 3
        stage.lead("lost")
    raise Lost


def dies_after(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The leader dies once it has done what the request asks for, and the others elect one of them."""
    answer()
    return dies_before(stage, answer, node)


def balanced_before(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The balancer at the only endpoint has no server for a request."""
    return Response(503, b"", "text/html")


def balanced_after(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """The balancer at the only endpoint loses the server that has done what the request asks for."""
    answer()
    return Response(502, b"", "text/html")


def goes_read_only(stage: Stage, answer: Answer, node: Node | None) -> Response:
    """An administrator disables the zone."""
    stage.cloud.enabled = False
    return answer()


LEADERS = {"election": elects, "dies before": dies_before, "dies after": dies_after}
BALANCERS = {"loses it before": balanced_before, "loses it after": balanced_after}
KILLS = {"before": killed_before, "after": killed_after}


# ---------------------------------------------------------------- what somebody else does meanwhile


class Other:
    """Another client of the cloud: other.host.allocate(…), as a client of the API is called."""

    def __init__(self, stage: Stage, prefix: str = "") -> None:
        self._stage = stage
        self._prefix = prefix

    def __getattr__(self, name: str) -> Other:
        return Other(self._stage, f"{self._prefix}{name}.")

    def __call__(self, *arguments: Any) -> Any:
        return self._stage.lab(self._prefix[:-1], *arguments)


class Target(NamedTuple):
    """An object that an act is about.

    Args:
        prefix (str): of its methods.
        pool (str)
        name (str)
        again (callable): (stage, the object before it was removed) creates another one of its name.
        deeds (tuple): what somebody else may do to it.
    """

    prefix: str
    pool: str
    name: str
    again: Callable[[Stage, Any], None]
    deeds: tuple[str, ...]

    def found(self, stage: Stage) -> Any:
        """The object; None: there is none."""
        pool = stage.cloud[self.pool]
        alive = [one for one in pool if one.name == self.name and getattr(one, "state", None) != int(DONE)]
        return next(iter(alive), None)


def of_kind(kind: str, name: str, deeds: tuple[str, ...] = ()) -> Target:
    """An object of a kind in SUBJECTS."""
    found = SUBJECTS[kind]
    pool = next(each.name for each in KINDS if each.method == found.prefix)

    def again(stage: Stage, before: Any) -> None:
        found.create(Other(stage), before.name)

    return Target(found.prefix, pool, name, again, deeds or TO_ANY)


def zone_again(stage: Stage, before: Any) -> None:
    stage.lab("zone.allocate", f'NAME="{before.name}" ENDPOINT="http://b/RPC2"')


def service_template_again(stage: Stage, before: Any) -> None:
    documents.allocate(documents.administrator(stage.cloud), documents.TEMPLATE, documents.body_of(before))


def service_again(stage: Stage, before: Any) -> None:
    template = next(each for each in stage.cloud["DOCUMENT"] if each.type == documents.TEMPLATE)
    stage.cloud.flow.instantiate(documents.administrator(stage.cloud), template, {"name": before.name})


TO_ANY = ("deleted", "replaced", "renamed", "locked")
# Of modules whose acts name no single object of oned.
TARGETS = {
    "one_acl": [of_kind("group", "dev", ("deleted", "replaced", "rules removed"))],
    "one_cloud": [
        of_kind("host", "h", ("deleted", "replaced", "renamed")),
        of_kind("user", "bob", ("deleted", "replaced")),
        of_kind("vnet", "lan"),
        of_kind("template", "small"),
    ],
    "one_quota_defaults": [of_kind("datastore", "default", ("renamed", "quotas changed"))],
    "one_service": [Target("document", "DOCUMENT", "a", service_again, (*TO_ANY, "VMs ended"))],
    "one_service_template": [Target("document", "DOCUMENT", "a", service_template_again, TO_ANY)],
    "one_zone": [Target("zone", "ZONE", "a", zone_again, ("deleted", "replaced", "renamed"))],
}


def targets(module: str, act: str) -> list[Target]:
    """The objects that an act is about."""
    if module in TARGETS:
        return TARGETS[module]
    kind = next((name for name, one in SUBJECTS.items() if one.module == module), "vm")
    deeds = (*TO_ANY, "moved", "powered off") if SUBJECTS[kind].module != module or kind == "vm" else TO_ANY
    return [of_kind(kind, ACTS[module][act].get("name", "vm"), deeds)]


def remove(stage: Stage, prefix: str, oid: int) -> None:
    if prefix == "vm":
        stage.lab("vm.action", "terminate-hard", oid)
    else:
        stage.lab(f"{prefix}.delete", oid)


def rename(stage: Stage, prefix: str, oid: int) -> None:
    stage.lab(f"{prefix}.rename", oid, "renamed")


def lock(stage: Stage, prefix: str, oid: int) -> None:
    stage.lab(f"{prefix}.lock", oid, 4, False)


def move(stage: Stage, prefix: str, oid: int) -> None:
    vm = stage.cloud["VM"].get_ro(oid)
    assert vm is not None
    stage.lab("vm.migrate", oid, 1 - vm.history[-1]["hid"], True, False, -1, 0)


def power_off(stage: Stage, prefix: str, oid: int) -> None:
    stage.lab("vm.action", "poweroff-hard", oid)


def end_vms(stage: Stage, prefix: str, oid: int) -> None:
    """Somebody ends the VMs of a service."""
    for role in documents.body_of(stage.cloud["DOCUMENT"].get_ro(oid))["roles"]:
        for node in role["nodes"]:
            remove(stage, "vm", node["deploy_id"])


def remove_rules(stage: Stage, prefix: str, oid: int) -> None:
    """Somebody removes all that a group may do."""
    for rule in re.findall(rf"<ID>(\d+)</ID><USER>2{oid:08x}</USER>", stage.lab("acl.info")):
        stage.lab("acl.delrule", int(rule))


def change_quotas(stage: Stage, prefix: str, oid: int) -> None:
    stage.lab("userquota.update", "VM=[RUNNING_VMS=77,MEMORY=4096]")


class Race:
    """Something that somebody else does to a target when a call arrives; `done` says whether it could."""

    def __init__(self, stage: Stage, target: Target, what: str) -> None:
        self.stage, self.target, self.what = stage, target, what
        self.done = False
        self.oid = -1  # of the object that it was done to
        self.new = ""  # the object that has taken the place of another, as it was then

    def __call__(self, stage: Stage, answer: Answer, node: Node | None) -> Response:
        found = self.target.found(stage)
        try:
            if found is not None:
                self.oid = found.oid
                DEEDS[self.what](stage, self.target.prefix, found.oid)
                if self.what == "replaced":
                    self._replace(found)
                self.done = True
        except (AssertionError, LookupError):
            pass  # the server refuses it: somebody else can not do it either
        return answer()

    def _replace(self, before: Any) -> None:
        self.target.again(self.stage, before)
        for dummy in range(5):  # a host is monitored, a service deployed
            self.stage.lab("zone.info", 0)
        self.new = shown(self.target.found(self.stage).xml())

    def replacement_changed(self) -> bool:
        """Whether the object that has taken the place of another is not as it was then."""
        now = self.target.found(self.stage)
        return bool(self.new) and (now is None or shown(now.xml()) != self.new)

    def undo(self) -> None:
        """Unlocks what was locked."""
        if self.what == "locked" and self.target.found(self.stage) is not None:
            self.stage.lab(f"{self.target.prefix}.unlock", self.oid)


DEEDS: dict[str, Callable[[Stage, str, int], None]] = {
    "deleted": remove,
    "replaced": remove,
    "renamed": rename,
    "locked": lock,
    "moved": move,
    "powered off": power_off,
    "VMs ended": end_vms,
    "rules removed": remove_rules,
    "quotas changed": change_quotas,
}


def run_of(module: str, options: Any) -> Happening:
    """Another controller plays a whole task when a call arrives."""

    def happens(stage: Stage, answer: Answer, node: Node | None) -> Response:
        stage.others.append(stage.begin(module, options).go().result())
        return answer()

    return happens
