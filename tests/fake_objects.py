# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A kind of object that is made up, and a cloud that holds some of them in memory, for tests of the engine."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import Any

from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import KINDS, Cloud, label, method
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    LAST,
    Resource,
    Step,
    attribute,
    delete,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneTimeoutException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.errors import failure as answer_of_failure
from fake_vms import Element, Server, Steps

ACTION, INTERNAL, NOT_ALLOWED, NOT_THERE, ALLOCATE = 0x0800, 0x2000, 0x0200, 0x0400, 0x4000  # codes of OpenNebula


def thing(oid: int, name: str = "net", owner: str = "ann", state: str = "ready", **more: Any) -> Element:
    """An object of the kind that is made up."""
    known = {"SIZE": 1, "COLOR": "red", "TEMPLATE": {}, "GNAME": "staff", "UID": 2, "GID": 1}
    return Element(ID=oid, NAME=name, UNAME=owner, STATE=state, **{**known, **more})


def read(cloud: Any, item: Element) -> dict:
    """The record of one."""
    return {
        "size": item.SIZE,
        "color": item.COLOR,
        "owner": item.UNAME,
        "template": dict(item.TEMPLATE),
        "net_state": item.STATE,
    }


def _step(kind: str, option: str, verb: str, record: dict, after: Any, **more: Any) -> list[Step]:
    return [Step(f"set the {option} of {record['name']}", method(kind, verb), (record["id"], after), **more)]


def _create(kind: str, name: str, wanted: dict, modes: Any) -> Step:
    return Step(f"create {label(kind)} {name}", method(kind, "allocate"), (name, wanted.get("size", 1)))


def resource(kind: str = "vntemplate", **more: Any) -> Resource:
    """A kind whose objects are created with a name and a size; `more`: of Resource.

    The methods of virtual network templates are not among those of which the collection knows what is refused.
    """
    step = partial(partial, _step, kind)
    attributes = {
        "name": attribute("name", step("name", "rename")),
        "size": attribute("size", step("size", "resize")),
        "color": attribute("color", step("color", "paint")),
        "template": attribute(
            "template", step("template", "update"), merged=lambda present, wanted, modes: {**present, **wanted}
        ),
        "owner": attribute("owner", step("owner", "chown", phase=LAST)),
    }
    known = {"read": read, "create": partial(_create, kind), "remove": partial(delete, kind)}
    return Resource(kind=kind, attributes=attributes, **{**known, **more})


FIELDS = {"rename": "NAME", "resize": "SIZE", "paint": "COLOR", "update": "TEMPLATE", "chown": "UNAME", "turn": "STATE"}


class Store(Server):
    """A client of a cloud with objects of one kind; what it returns are copies.

    Args:
        kind: of the objects.
        items: that are there.
        faults: method → what its calls meet in turn: None, or a function of what the call would do.
        answers: of other methods; see Server.
    """

    def __init__(self, kind: str, *items: Element, faults: dict | None = None, **answers: Any) -> None:
        super().__init__(system_version="7.4.0", **answers)
        self.entry = KINDS[kind]
        self.items = {item.ID: item for item in items}
        self.next = 5
        self.faults = {name: iter(found) for name, found in (faults or {}).items()}

    def call(self, method: str, *arguments: Any) -> Any:
        fault = next(self.faults.get(method, iter(())), None)
        if fault is None:
            return self.act(method, *arguments)
        return fault(partial(self.act, method, *arguments))

    def act(self, method: str, *arguments: Any) -> Any:
        prefix, dummy, verb = method.rpartition(".")
        if method == self.entry.pool:
            self.calls.append((method, *arguments))
            return Element(**{self.entry.items: [copy(self.items[oid]) for oid in sorted(self.items)]})
        if prefix != self.entry.prefix:
            return super().call(method, *arguments)
        self.calls.append((method, *arguments))
        if verb == "allocate":
            return self.add(*arguments)
        if arguments[0] not in self.items:
            raise refused_call(NOT_THERE, f"Error getting {prefix} [{arguments[0]}]", method)
        if verb == "info":
            return copy(self.items[arguments[0]])
        if verb == "delete":
            return self.items.pop(arguments[0]).ID
        setattr(self.items[arguments[0]], FIELDS[verb], arguments[1])
        return arguments[0]

    def add(self, name: str, size: int = 1, **more: Any) -> int:
        """Add an object, as a call or another user would; return its id."""
        self.items[self.next] = thing(self.next, name, **{"owner": "me", "SIZE": size, **more})
        self.next += 1
        return self.next - 1

    def change(self, oid: int, **fields: Any) -> None:
        """Change an object as another user would."""
        for name, value in fields.items():
            setattr(self.items[oid], name, value)


def refused_call(code: int, message: str = "It is not so", method: str = "vntemplate.resize") -> Exception:
    """What the client raises for a call that was refused."""
    return answer_of_failure(f"[one.{method}] {message}.", f"one.{method}", code, -1)


def refused(code: int, message: str = "It is not so", before: Any = None) -> Any:
    """A fault: the call is refused, after something else has happened: before()."""

    def fault(act):
        if before is not None:
            before()
        raise refused_call(code, message, act.args[0])

    return fault


def lost(act: Any) -> None:
    """A fault: the call is carried out, but its answer gets lost."""
    act()
    error = OneTimeoutException("No answer within 60 s", f"one.{act.args[0]}")
    error.sent = True
    raise error


def unsure(act: Any) -> None:
    """A fault: the call is not carried out, and nobody is told so."""
    error = OneTimeoutException("No answer within 60 s", f"one.{act.args[0]}")
    error.sent = True
    raise error


def ignored(act: Any) -> int:
    """A fault: the call is accepted, and nothing changes."""
    return act.args[1]


def first(work: Any) -> Any:
    """A fault: the call works as always, but after something else has happened: work()."""

    def fault(act):
        work()
        return act()

    return fault


class Recorder(Cloud):
    """A Cloud that keeps what it was asked, with the words for messages."""

    def __init__(self, store: Store, timeout: float = 10, check: bool = False) -> None:
        super().__init__(store, timeout, [].append if check else None, Steps())
        self.told: list[tuple] = []
        self.checks: list[tuple] = []
        self.forgotten: list[list] = []

    def call(self, doing, method, *arguments, **data):
        self.told.append((doing, data))
        return super().call(doing, method, *arguments, **data)

    def check_values(self, doing, method, *arguments, **data):
        self.checks.append((doing, method, *arguments))
        return super().check_values(doing, method, *arguments, **data)

    def forget_changed(self, methods):
        """Lets the pools be read again that methods have changed, as the clouds of declarations do."""
        self.forgotten.append(sorted(methods))
        if methods:
            self._pools.clear()
