# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How a call fails: refused by OpenNebula (five-element answer) or by XML-RPC itself (fault)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

AUTHENTICATION = 0x0100
AUTHORIZATION = 0x0200
NO_EXISTS = 0x0400
ACTION = 0x0800
RPC_API = 0x1000
INTERNAL = 0x2000
ALLOCATE = 0x4000


class Refused(Exception):
    """OpenNebula says no. The text is shown behind "[method] "; `oid` is the fourth element of the answer.

    `why` is the reason within the text, without the user and the full stop: other refusals quote that.
    """

    def __init__(self, code: int, message: str, oid: int = -1, why: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.oid = oid
        self.why = why or message


class Fault(Exception):
    """The XML-RPC library says no: malformed call, unknown method, missing or ill-typed argument."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def not_found(title: str, oid: int = -1) -> Refused:
    """No such object; without an ID (-1) the server speaks of the pool."""
    what = f"[{oid}]" if oid != -1 else "Pool"
    return Refused(NO_EXISTS, f"Error getting {title} {what}.", oid)


def not_allocated(title: str, why: str) -> Refused:
    """Creation refused, in the families that answer ALLOCATE."""
    return Refused(ALLOCATE, f"Error allocating a new {title}. {why}", why=why)


def wrong_action(why: str) -> Refused:
    return Refused(ACTION, why)


def internal(why: str) -> Refused:
    return Refused(INTERNAL, why)


@contextmanager
def answered(code: int) -> Iterator[None]:
    """Refusals within are answered with this code."""
    try:
        yield
    except Refused as error:
        raise Refused(code, error.message, error.oid) from None
