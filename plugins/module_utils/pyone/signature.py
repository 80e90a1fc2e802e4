# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Calls checked against the method table before they are sent."""

from __future__ import annotations

from .client import changes
from .errors import OneArgumentException
from .methods import IGNORED_SINCE_7, METHODS
from .template import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

REQUIRED = object()
TYPES: dict[str, tuple[str, Any]] = {
    "i": ("an integer", int),
    "l": ("an integer", int),
    "b": ("a boolean", bool),
    "s": ("a text", str),
    "t": ("a template (a dictionary or a text)", (str, dict)),
    "a": ("a list of integers", (list, tuple)),
}
_parsed: dict[str, list[Parameter]] = {}


class Parameter:
    """One argument of a method; `default` is REQUIRED where the API has none."""

    def __init__(self, text: str) -> None:
        self.name, dummy, rest = text.partition(":")
        self.kind, given, default = rest.partition("=")
        self.default = _default(self.kind, default) if given else REQUIRED

    def __str__(self) -> str:
        return self.name if self.default is REQUIRED else "%s=%r" % (self.name, self.default)


def _default(kind, text):
    if kind == "a":
        return []  # the only default that a list has
    if kind == "b":
        return text == "1"
    return int(text) if kind in ("i", "l") else text


def parameters(method: str) -> list[Parameter]:
    """The Parameters of a method of the table (name without ``one.``), without the session."""
    if method not in _parsed:
        _parsed[method] = [Parameter(text) for text in METHODS[method].split()]
    return _parsed[method]


def signature(method: str) -> str:
    """A method as one would call it, for messages: ``one.host.info(oid, decrypt=False)``."""
    return "one.%s(%s)" % (method, ", ".join(str(parameter) for parameter in parameters(method)))


def writes(method: str) -> bool:
    """Whether a method may change anything; one that the table does not know might."""
    return method not in METHODS or changes(method)


def bind(method: str, args: Sequence[Any], named: dict[str, Any]) -> list[Any]:
    """The arguments to send, in the order of the API; those of a method that is not known as they are given.

    Trailing arguments that are not given are left to the server, which has the same defaults.  Those that a pool's read
    does not have are dropped, as the server drops them: scripts page through pools that have no pages.

    Raises:
        OneArgumentException: too many, too few, unknown or ill-typed arguments.
        OneTemplateException: a template that cannot be written.
    """
    if method not in METHODS:
        if named:
            raise OneArgumentException("one.%s is not known here: give its arguments by position" % method)
        return list(args)
    if method in IGNORED_SINCE_7 and not named:
        return list(args) or list(IGNORED_SINCE_7[method])
    known = parameters(method)
    if len(args) > len(known) and not method.endswith("pool.info"):
        raise _misfit(method, "takes %d arguments, %d were given" % (len(known), len(args)))
    given = dict(zip((parameter.name for parameter in known), args))
    for name, value in named.items():
        found = _canonical(name, known)
        if found is None:
            raise _misfit(method, "has no argument %s" % name)
        if found in given:
            raise _misfit(method, "was given %s twice" % found)
        given[found] = value
    last = max((index for index, parameter in enumerate(known) if parameter.name in given), default=-1)
    return [
        _checked(method, parameter, given.get(parameter.name, parameter.default))
        for index, parameter in enumerate(known)
        if index <= last or parameter.default is REQUIRED
    ]


def _canonical(name, known):
    names = [parameter.name for parameter in known]
    if name in names:
        return name
    return "oid" if name == "id" and "oid" in names else None


def _checked(method, parameter, value):
    if value is REQUIRED:
        raise _misfit(method, "needs the argument %s" % parameter.name)
    if not _fits(parameter.kind, value):
        described, name = TYPES[parameter.kind][0], type(value).__name__
        raise _misfit(method, "takes %s as %s, not %s" % (described, parameter.name, name))
    if isinstance(value, dict):
        return write(value)
    return int(value) if parameter.kind in ("i", "l") else value


def _fits(kind, value):
    if isinstance(value, bool) and kind != "b":
        return False
    return isinstance(value, TYPES[kind][1]) and (kind != "a" or all(_fits("i", item) for item in value))


def _misfit(method, what):
    return OneArgumentException("one.%s %s: %s" % (method, what, signature(method)), method="one." + method)
