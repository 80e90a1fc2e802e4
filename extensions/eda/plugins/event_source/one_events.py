# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An event source of ansible-rulebook: what happens in an OpenNebula cloud."""

from __future__ import annotations

import asyncio
import base64
import importlib
import logging
import os
import sys
import types
from collections import deque
from contextlib import suppress
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree  # what is read with it was parsed by the client

DOCUMENTATION = r"""
---
short_description: Events of an OpenNebula cloud.
description:
  - Changes of the states of virtual machines, hosts, images and virtual networks, and calls of the API.
  - With O(publisher) and the Python package C(pyzmq), events come from OpenNebula's hook manager as they happen.
    Otherwise the states are read every O(interval) seconds, with one call of the API for each kind; states that an
    object only passes through between two looks are not seen then, and there are no events of calls.
  - The states are compared with what events have told whenever the connection to the publisher is new, and every
    O(interval) seconds. What the publisher has not delivered becomes an event then; nothing is told twice.
options:
  api_url:
    description: [Endpoint of the XML-RPC API. Read from the environment if omitted, E(ONE_URL).]
    type: str
  api_username:
    description: [Name of the user. Read from the environment if omitted, E(ONE_USERNAME).]
    type: str
  api_password:
    description: [Password or token of the user. Read from the environment if omitted, E(ONE_PASSWORD).]
    type: str
  validate_certs:
    description:
      - Whether to verify the certificate of an C(https) endpoint. Read from the environment if omitted,
        E(ONE_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - File or directory of certificates to trust; a revocation list (CRL) in it is respected. Read from the
        environment if omitted, E(ONE_CA_PATH).
    type: str
  secret_names:
    description:
      - More names of attributes whose values are secrets, which events do not have. V(*) is any text; V(!) before a
        name takes it out.
    type: list
    elements: str
  warn_http:
    description: [Whether to warn where an endpoint that is not on this machine is reached without encryption.]
    type: bool
    default: true
  publisher:
    description:
      - Where the hook manager publishes events, such as V(tcp://frontend:2101). It listens on 127.0.0.1 unless
        C(HM_MAD) in C(oned.conf) has another address (C(-b)).
    type: str
  interval:
    description: [Seconds between two comparisons of the states. 10 if omitted, and 60 with O(publisher).]
    type: float
  kinds:
    description: [Kinds of objects whose states are told.]
    type: list
    elements: str
    choices: [vm, host, image, vnet]
    default: [vm, host]
  states:
    description:
      - Only changes to these states, in the words of the modules (V(running), V(failed), V(error)) or as OpenNebula
        calls them (V(BOOT_FAILURE)).
    type: list
    elements: str
  names:
    description: [Only objects with names like these, such as V(web-*).]
    type: list
    elements: str
  labels:
    description: [Only objects that have one of these labels, or a label below one.]
    type: list
    elements: str
  calls:
    description:
      - Calls of the API that are told, such as V(one.vm.*). Needs O(publisher).
      - OpenNebula keeps no calls. Those that are made while the connection to the publisher is lost are not told; an
        event of the type C(missed_calls) says from when to when that was.
    type: list
    elements: str
    default: []
  initial:
    description: [Whether the states that are found at the start are told as well.]
    type: bool
    default: false
"""

EXAMPLES = r"""
- privazio.opennebula.one_events:
    publisher: tcp://frontend:2101
    kinds: [host]
    states: [error]
"""

logger = logging.getLogger(__name__)

MODULE_UTILS = "privazio_opennebula_module_utils"
MASK = "********"
ANSWERING = frozenset(("one.user.login",))  # calls that answer a secret
SETTLING = 0.5  # seconds within which a message is here after the state that it tells of can be read
REMEMBERED = 1000  # objects that are gone, of which a message may still be on its way


def module_utils(name: str) -> Any:
    """A module of the collection's plugins/module_utils: ansible-rulebook has no loader of collections."""
    if MODULE_UTILS not in sys.modules:
        package = types.ModuleType(MODULE_UTILS)
        package.__path__ = [str(Path(__file__).resolve().parents[4] / "plugins" / "module_utils")]
        sys.modules[MODULE_UTILS] = package
    return importlib.import_module(f"{MODULE_UTILS}.{name}")


class Kind(NamedTuple):
    """A kind of objects with states."""

    topic: str  # what the hook manager calls it
    root: str  # its element in messages
    states: Any  # number of the state -> the modules' word for it


def number_of_word(words: Any) -> dict[int, str]:
    """A dictionary of the states of a kind, which lists them as a sequence or a dictionary."""
    return dict(words) if isinstance(words, dict) else dict(enumerate(words))


def kinds() -> dict[str, Kind]:
    """The kinds whose changes of state OpenNebula publishes, as modules call them."""
    listed = {
        kind: Kind(topic, root, number_of_word(module_utils(f"_kinds.{kind}").STATES))
        for kind, topic, root in (("host", "HOST", "HOST"), ("image", "IMAGE", "IMAGE"), ("vnet", "NET", "VNET"))
    }
    return {"vm": Kind("VM", "VM", {}), **listed}


# ---------------------------------------------------------------- options

KNOWN = ("vm", "host", "image", "vnet")
CONNECTION = ("api_url", "api_username", "api_password", "validate_certs", "ca_path", "secret_names", "warn_http")
# variable -> option; of two for one option the last counts
VARIABLES = {
    "ONE_XMLRPC": "api_url",
    "ONE_URL": "api_url",
    "ONE_USERNAME": "api_username",
    "ONE_PASSWORD": "api_password",
    "ONE_CA_PATH": "ca_path",
}
FALSE = ("0", "false", "no", "off")
LISTS = {"kinds": ["vm", "host"], "states": None, "names": None, "labels": None, "calls": []}
OTHERS = {"publisher": None, "interval": None, "initial": False}


class OptionError(ValueError):
    """An option that cannot be understood."""


def options_of(args: dict[str, Any]) -> dict[str, Any]:
    """The options with their defaults. Raises OptionError: what, and what to do."""
    given = {name: item for name, item in args.items() if name != "eda_feedback_queue"}
    unknown = sorted(set(given) - {*CONNECTION, *LISTS, *OTHERS})
    if unknown:
        known = ", ".join((*CONNECTION, *LISTS, *OTHERS))
        raise OptionError(f"one_events has no option {', '.join(unknown)}; there are: {known}.")
    found = {**LISTS, **OTHERS, **given}
    for name in LISTS:
        if found[name] is not None and not isinstance(found[name], list):
            raise OptionError(f"The option {name} of one_events is a list, not {found[name]!r}.")
    wrong = [kind for kind in found["kinds"] if kind not in KNOWN]
    if wrong:
        raise OptionError(f"The option kinds of one_events takes {', '.join(KNOWN)}, not {wrong[0]!r}.")
    usual = 60 if found["publisher"] else 10
    found["interval"] = usual if found["interval"] is None else seconds(found["interval"])
    return found


def seconds(given: Any) -> float:
    """The option interval. Raises OptionError."""
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = 0
    if found <= 0:
        raise OptionError(f"The option interval of one_events is a number of seconds, not {given!r}.")
    return found


def wanted(event: dict[str, Any], options: dict[str, Any]) -> bool:
    """Whether the options ask for an event of a state."""
    names = {event["state"], event["lcm_state"].lower(), event["state_name"].lower()}
    return (
        (options["states"] is None or not names.isdisjoint(state.lower() for state in options["states"]))
        and (options["names"] is None or any(fnmatchcase(event["name"], name) for name in options["names"]))
        and (options["labels"] is None or any(below(label, options["labels"]) for label in event["labels"]))
    )


def below(label: str, labels: list[str]) -> bool:
    """Whether a label is one of these, or below one: "prod/web" is below "prod"."""
    return any(label == each or label.startswith(each + "/") for each in labels)


# ---------------------------------------------------------------- states


def state_event(kind: str, item: Any, states: dict[int, str]) -> dict[str, Any]:
    """What an object (of an answer of the API, or of a message) is told as."""
    word, name, lcm = states.get(item.STATE, str(item.STATE)), "", ""
    if kind == "vm":
        names = module_utils("_vm.state_names")
        word, name = module_utils("_vm.states").status(item), names.state_name(item)
        lcm = names.lcm_name(item) if name == "ACTIVE" else ""
    attributes = (item.USER_TEMPLATE if kind == "vm" else item.TEMPLATE) or {}
    attributes = module_utils("_core.values").canonical(attributes)
    return {
        "type": "state",
        "kind": kind,
        "id": item.ID,
        "name": item.NAME,
        "state": word,
        "state_name": name or word.upper(),
        "lcm_state": lcm,
        "owner": getattr(item, "UNAME", None),
        "group": getattr(item, "GNAME", None),
        "labels": module_utils("_core.values").split_labels(attributes.get("LABELS")),
        "host": host_of(item) if kind == "vm" else None,
        "attributes": attributes,  # with the secrets, which tell() looks for in all of the event
    }


def host_of(vm: Any) -> str | None:
    """The host that a VM is, or was last, on."""
    history = vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS is not None else []
    return history[-1].HOSTNAME if history else None


class States:
    """The last state that was told of each object; what is new is an event."""

    def __init__(self, found: dict[str, Kind]) -> None:
        self.kinds = found
        self._last: dict[tuple[str, int], dict[str, Any]] = {}
        self._ended: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)
        self.touched: set[tuple[str, int]] = set()  # objects that messages have told of

    def message(self, kind: str, item: Any) -> dict[str, Any] | None:
        """The event of a message; None when its state was told already."""
        self.touched.add((kind, item.ID))
        return self._changed(kind, item)

    def pools(self, pools: dict[str, list[Any]]) -> list[dict[str, Any]]:
        """The events of a comparison with all objects; those that messages tell of meanwhile are left to them."""
        events = []
        for kind, items in pools.items():
            events += [self._changed(kind, item) for item in items if (kind, item.ID) not in self.touched]
            gone = {key for key in self._last if key[0] == kind} - {(kind, item.ID) for item in items}
            events += [self._gone(key) for key in sorted(gone - self.touched)]
        return [event for event in events if event is not None]

    def _changed(self, kind: str, item: Any) -> dict[str, Any] | None:
        key, event = (kind, item.ID), state_event(kind, item, self.kinds[kind].states)
        last = self._last.get(key)
        if last is not None and same_state(last, event):
            return None
        if key in self._ended:
            return None
        if event["state"] == "done":  # it is in no pool any more
            self._last.pop(key, None)
            self._ended.append(key)
        else:
            self._last[key] = event
        return {**event, "previous": told(last)}

    def _gone(self, key: tuple[str, int]) -> dict[str, Any]:
        last = self._last.pop(key)
        word = "done" if key[0] == "vm" else "absent"
        return {**last, "state": word, "state_name": word.upper(), "lcm_state": "", "previous": told(last)}


def same_state(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two events tell the same state."""
    return all(one[name] == other[name] for name in ("state", "state_name", "lcm_state"))


def told(event: dict[str, Any] | None) -> dict[str, str] | None:
    """What an event says of the state before it; None when there was none."""
    return event and {name: event[name] for name in ("state", "state_name", "lcm_state")}


def view(message: ElementTree.Element, root: str) -> Any:
    """What a HOOK_MESSAGE holds in an element, as the client gives answers of the API."""
    return module_utils("pyone.element").parse(ElementTree.tostring(message.find(root)))  # type: ignore[arg-type]


def call_event(message: ElementTree.Element) -> dict[str, Any]:
    """The event of a call of the API, of its HOOK_MESSAGE."""
    parameters = [(item.findtext("TYPE"), item.findtext("VALUE")) for item in message.iter("PARAMETER")]
    given, answered = ([text for way, text in parameters if way == wanted] for wanted in ("IN", "OUT"))
    call = message.findtext("CALL")
    result = answered[1] if len(answered) > 1 else None
    return {
        "type": "call",
        "call": call,
        "success": message.findtext("CALL_INFO/RESULT") == "1",
        "arguments": covered(call, given[1:]),  # the first is the session
        "result": MASK if call in ANSWERING and result else result,
    }


def covered(call: str, arguments: list[str]) -> list[str]:
    """The arguments of a call without those that are secrets, such as the password of one.user.passwd."""
    signature, method = module_utils("pyone.signature"), call.removeprefix("one.")
    known = signature.parameters(method) if method in module_utils("pyone.methods").METHODS else []
    is_secret = module_utils("_core.secret_names").is_secret
    secret = {place for place, parameter in enumerate(known) if is_secret(parameter.name)}
    return [MASK if place in secret and text else text for place, text in enumerate(arguments)]


# ---------------------------------------------------------------- the source


class Source:
    """Puts events on the queue of ansible-rulebook, without end."""

    def __init__(self, queue: Any, options: dict[str, Any]) -> None:
        self.queue = queue
        self.options = options
        self.cloud = module_utils("_core.cloud")
        self.failure = module_utils("_core.failure").Failure
        known = kinds()
        self.states = States({kind: known[kind] for kind in options["kinds"]})
        named = {name: options[name] for name in CONNECTION if name in options}
        connection = {**from_environment(), **named}
        self.new_secrets = partial(self.cloud.secrets_of, connection)
        self.secrets = self.new_secrets()
        self.client = self.cloud.connect(connection, read_only=True, warn=logger.warning)
        self.compare_now = asyncio.Event()
        self.lost_since: str | None = None  # when the loss of the connection to the publisher was noticed

    async def run(self) -> None:
        """Tells events until it is cancelled. Raises Failure when the first look at the cloud fails."""
        listener = None
        if self.options["publisher"]:
            listener = self.listener()
        await self.compare(settling=0, quiet=not self.options["initial"])
        tasks = [asyncio.create_task(self.compare_for_ever())]
        if listener is not None:
            tasks += [asyncio.create_task(listener.messages()), asyncio.create_task(listener.connections())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if listener is not None:
                listener.close()
            self.client.server_close()

    def listener(self) -> Listener | None:
        """What listens to the publisher; None where pyzmq is not installed."""
        try:
            importlib.import_module("zmq.asyncio")
        except ImportError:
            logger.warning("The Python package pyzmq is not installed: states are read instead of listened for.")
            return None
        return Listener(self, self.options["publisher"], self.topics())

    def topics(self) -> list[str]:
        """What to subscribe to; each state is published under one of these."""
        topics = [f"EVENT STATE {kind.topic}/" for kind in self.states.kinds.values()]
        return topics + [f"EVENT API {pattern.partition('*')[0]}" for pattern in self.options["calls"]]

    async def compare_for_ever(self) -> None:
        """Compares the states every interval, and when that is asked for."""
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.compare_now.wait(), self.options["interval"])
            self.compare_now.clear()
            try:
                await self.compare(SETTLING if self.options["publisher"] else 0)
            except self.failure as failure:
                told = self.secrets.message(str(failure))
                logger.warning("%s The states are read again in %s s.", told, self.options["interval"])

    async def compare(self, settling: float, quiet: bool = False) -> None:
        """Tells what the states of all objects have that was not told."""
        self.states.touched.clear()
        pools = await asyncio.to_thread(self.pools)
        await asyncio.sleep(settling)
        for event in self.states.pools(pools):
            if not quiet and wanted(event, self.options):
                await self.queue.put(await asyncio.to_thread(self.covered, event))

    def covered(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event without secrets: what a VM says may repeat one that the answer of its pool lacks."""
        secrets = self.new_secrets()
        if event["kind"] == "vm" and not module_utils("_core.secrets").SAID.isdisjoint(event["attributes"]):
            with suppress(self.failure):
                self.cloud.Cloud(self.client, secrets=secrets).info("vm", event["id"])
        return secrets.cover(event)

    def pools(self) -> dict[str, list[Any]]:
        """All objects of the kinds that are wanted, by kind."""
        cloud = self.cloud.Cloud(self.client, secrets=self.new_secrets())
        return {kind: list(cloud.pool(kind)) for kind in self.states.kinds}

    async def message(self, topic: str, content: bytes) -> None:
        """Tells what a message of the publisher says."""
        message = module_utils("pyone.element").parse_tree(base64.b64decode(content))
        if topic.startswith("EVENT API "):
            event = call_event(message)
            if any(fnmatchcase(event["call"], pattern) for pattern in self.options["calls"]):
                await self.queue.put(self.secrets.cover(event))
            return
        kind, of_kind = next(
            pair for pair in self.states.kinds.items() if pair[1].topic == message.findtext("HOOK_OBJECT")
        )
        event = self.states.message(kind, view(message, of_kind.root))
        if event is not None:
            await self.tell(event)

    async def connection(self, lost: bool) -> None:
        """Notes that the connection to the publisher is lost, or is there again: then all states are compared."""
        if lost:
            self.lost_since = self.lost_since or now()
            return
        self.compare_now.set()
        since, self.lost_since = self.lost_since, None
        if since and self.options["calls"]:
            await self.queue.put({"type": "missed_calls", "since": since, "until": now()})

    async def tell(self, event: dict[str, Any]) -> None:
        """Puts an event of a state on the queue, if the options ask for it."""
        if wanted(event, self.options):
            await self.queue.put(self.secrets.cover(event))


def now() -> str:
    """The time in UTC, as ISO 8601 writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def from_environment() -> dict[str, str]:
    """The options that variables of the environment give."""
    found: dict[str, Any] = {option: os.environ[name] for name, option in VARIABLES.items() if os.environ.get(name)}
    return {"validate_certs": os.environ.get("ONE_VALIDATE_CERTS", "").lower() not in FALSE, **found}


class Listener:
    """A subscription to the publisher of the hook manager, which ZeroMQ connects again when it is lost."""

    def __init__(self, source: Source, endpoint: str, topics: list[str]) -> None:
        import zmq.asyncio
        import zmq.utils.monitor

        self.source = source
        self.zmq = zmq
        self.context = zmq.asyncio.Context()
        self.lost = zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
        self.socket = self.context.socket(zmq.SUB)
        self.socket.set_hwm(0)  # what arrives is kept until it is told
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 10_000)  # a connection that is dead without a word is noticed
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | self.lost)
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(endpoint)

    async def messages(self) -> None:
        """Hands on what is published."""
        while True:
            parts = await self.socket.recv_multipart()
            try:
                topic, content = parts
                await self.source.message(topic.decode(), content)
            except Exception as error:
                told = self.source.secrets.line(f"{parts[0].decode(errors='replace')}: {error}")
                logger.warning("A message of the publisher could not be read: %s", told)

    async def connections(self) -> None:
        """Says when the connection is lost, and when it is new."""
        while True:
            event = self.zmq.utils.monitor.parse_monitor_message(await self.monitor.recv_multipart())["event"]
            await self.source.connection(lost=bool(event & self.lost))

    def close(self) -> None:
        """Ends the subscription."""
        self.socket.disable_monitor()
        self.context.destroy(linger=0)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Puts events on the queue, without end.

    Raises:
        OptionError: an option cannot be understood.
        Failure: the cloud cannot be asked at the start.
    """
    await Source(queue, options_of(args)).run()


if __name__ == "__main__":  # shows the events of the cloud of ONE_URL; the first argument is the publisher

    class Printer:
        """A queue that prints."""

        async def put(self, event: dict[str, Any]) -> None:
            """Prints an event."""
            print(event)

    given = {"publisher": sys.argv[1]} if len(sys.argv) > 1 else {}
    asyncio.run(main(Printer(), {**given, "kinds": list(KNOWN), "calls": ["*"]}))  # type: ignore[arg-type]
