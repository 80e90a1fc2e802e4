# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The whole server: its pools, its configuration, its time, and the way a call takes through it."""

from __future__ import annotations

import itertools
import threading
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import executions, federation, sessions
from .acl import Rules
from .attributes import encrypted
from .calls import UNEXPECTED, Call, Method, check_type
from .errors import Fault, Refused
from .events import Events
from .families import BOOTSTRAP, FAMILIES, cluster, hook
from .flow.lifecycle import Flow, Settings
from .guests import Guests
from .permissions import Who
from .publisher import Publisher
from .quotas import UNLIMITED, Quotas
from .releases import LATEST, RELEASES, Release
from .seeds import SEEDS
from .store import Kind, Object, Pool
from .template import Template
from .xmlrpc import refusal, success

DATA = Path(__file__).with_name("data")

KINDS: list[Kind] = [kind for family in FAMILIES for kind in getattr(family, "KINDS", ())]
METHODS: dict[str, Method] = {method.name: method for family in FAMILIES for method in family.METHODS}


def methods_of(release: Release, mode: str = federation.STANDALONE) -> dict[str, Method]:
    """The methods of a release, in a mode of federation, by name."""
    lacking = release.lacks_methods | (federation.OF_THE_MASTER if mode == federation.SLAVE else frozenset())
    found = {}
    for name, method in METHODS.items():
        if name in lacking:
            continue
        changes: dict[str, Any] = dict(release.methods.get(name, {}))
        if name.endswith(".info") and method.needed:
            changes["lazy"] = not release.reads_options_first
        found[name] = replace(method, **changes) if changes else method
    return found


@dataclass
class Options:
    """How a simulator is started."""

    user: str = "oneadmin"
    password: str = "opennebula"
    delay: float = 0.05
    failures: list[str] = field(default_factory=list)
    seed: dict[str, int] = field(default_factory=dict)
    endpoint: str = "http://localhost:2633/RPC2"
    publisher: int | None = None  # port on which events are published, 0 for a free one; None: they are not
    guests: Path | None = None  # where the commands of one.vm.exec run for real; None: nowhere
    flow: Settings = field(default_factory=Settings)
    release: str = LATEST.name
    mode: str = federation.STANDALONE  # in a federation
    master: str = ""  # endpoint of the master of a slave


class Cloud:
    """State of one OpenNebula. Calls come one at a time, so eight clients at once get each name exactly once."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = threading.Lock()
        self.events = Events(options.delay, options.failures)
        self.release = RELEASES[options.release]
        self.config = Template.parse((DATA / f"{self.release.name}.conf").read_text(encoding="utf-8"))
        federation.configure(self.config, options.mode, options.master)
        self.federation = federation.Membership(self.config, f"{options.user}:{options.password}")
        self.rules = Rules(self.federation.zone)
        self.pools: dict[str, Pool] = {
            kind.name: Pool(kind, self.release, encrypted(self.config, kind)) for kind in KINDS
        }
        self.default_quotas = {"USER": Quotas(UNLIMITED), "GROUP": Quotas(UNLIMITED)}
        self.methods = methods_of(self.release, options.mode)
        self.applying: set[int] = set()  # clusters whose placement plan is under way
        self.enabled = True  # of the zone: a disabled one only answers questions
        self.publisher: Publisher | None = None
        if options.publisher is not None:
            self.publisher = Publisher(options.publisher)
        self.guests = Guests(options.guests) if options.guests is not None else None
        self._requests = itertools.count(1)
        for family in BOOTSTRAP:
            family.bootstrap(self)
        for pool in self.pools.values():
            pool.next_id = max(pool.next_id, pool.kind.first_id)
        for what, seed in SEEDS.items():
            seed(self, options.seed.get(what, 0))
        for kind in hook.RESOURCES:
            self[kind].touched = set()
        self.flow = Flow(self, options.flow)
        self.events.after_each = self.look_around

    def __getitem__(self, kind: str) -> Pool:
        return self.pools[kind]

    def call(self, method: Method, parameters: list[Any]) -> list:
        """The answer of one call: three elements of a success, five of a failure. Raises Fault."""
        self.check_session(parameters)
        passed_on = self.federation.passes_on(method.name)
        arguments = [] if passed_on else method.read(parameters[1:])
        with self.lock:
            try:
                self.events.run_due()
                user, who = sessions.authenticate(self["USER"], parameters[0], self.events.now())
                call = Call(self, method, user, who, next(self._requests))
                answer = self.pass_on(call, parameters) if passed_on else self.answer(call, arguments)
                executions.called(self, method.name, parameters, answer)
                return answer
            except Refused as error:
                return refusal(method.name, error)
            except Fault:
                raise
            except Exception:
                traceback.print_exc()  # a fault of the simulator: seen on its terminal, told to the client
                raise Fault(-500, UNEXPECTED + f"Fault of the simulator in {method.name}") from None

    def tick(self) -> None:
        """Runs what is due, so that it is published without a call."""
        with self.lock:
            self.events.run_due()

    def check_session(self, parameters: list[Any]) -> None:
        """Raises Fault for a call without a session, or with one of another type where the release says so."""
        if not parameters:
            bare = {-500: UNEXPECTED + "Subscript of xmlrpc_c::paramList out of bounds", -501: "Not enough parameters"}
            raise Fault(self.release.bare_call_fault, bare[self.release.bare_call_fault])
        if self.release.checks_session_type:
            check_type(parameters[0], "string")

    def answer(self, call: Call, arguments: list[Any]) -> list:
        """Runs the call of an authenticated user; hooks hear of the states that it changed."""
        try:
            return success(call.run(arguments))
        except Refused as error:
            return refusal(call.method.name, error)
        finally:
            self.look_around()

    def pass_on(self, call: Call, parameters: list[Any]) -> list:
        """The answer of the master, whose work arrives here one transition later. Raises Refused."""
        call.refuse_disabled()
        answer = self.federation.ask_master(call.method.name, parameters)
        if answer[0]:
            self.events.after(1, self.answer, call, call.method.read(parameters[1:]))
        return answer

    def act(self, name: str, arguments: list[Any]) -> Any:
        """Runs a method as the first administrator, for what the server does on its own. Raises Refused."""
        return self.as_administrator(name).run(arguments)

    def as_administrator(self, name: str) -> Call:
        """A call of the server itself."""
        admin = self["USER"].get_ro(0)
        return self.call_by(admin, Who(0, admin.gid, frozenset(admin.groups)), name)

    def call_by(self, user: Object, who: Who, name: str) -> Call:
        """A call of a method in the name of a user."""
        return Call(self, self.methods[name], user, who, next(self._requests))

    def look_around(self) -> None:
        """After each event and each call: hooks on states run, placement plans and services go on."""
        if self.applying:
            cluster.advance_plans(self)
        self.flow.advance()
        hook.watch(self)

    def close(self) -> None:
        """Ends what runs outside of this process; a call or a tick that is under way ends before."""
        with self.lock:
            if self.guests is not None:
                self.guests.close()
            if self.publisher is not None:
                self.publisher.close()
                self.publisher = None
