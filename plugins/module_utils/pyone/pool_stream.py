# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The objects of a pool that has no pages, as its answer arrives: 10 000 hosts are 300 MB, too much to hold at once.

Out of what has arrived an answer of its own is made, with the objects that are complete.
"""

from __future__ import annotations

import re
import time
from itertools import count
from typing import TYPE_CHECKING, Any, Iterable, Iterator

from .client import content
from .codec import decode
from .errors import OneConnectionException, OneProtocolException, OneTimeoutException

if TYPE_CHECKING:
    from .client import Client

LEAST = 4 * 1024 * 1024  # bytes that make a page
ATTEMPTS = 3
_BEGIN = rb"[^&]*<boolean>1</boolean>[^&]*<string>&lt;([A-Z_]+)_POOL&gt;"
_END = b"&lt;/%s_POOL&gt;</string></value></data></array></value></param></params></methodResponse>"


def pool_stream(pool: str, one: Client) -> Iterator[Any]:
    """The objects of a pool one after the other.

    What is done with each should not take long: until the last has arrived, the time of the call runs.  An answer that
    breaks off is asked for again, and what came before is not told twice.

    Args:
        pool (str): family of the pool, for instance ``hostpool``; its ``info`` has no arguments.

    Raises:
        OneException: what Client.call() raises.
    """
    seen: set[int] = set()
    for attempt in count(1):
        try:
            for objects in _arrived(one.stream(pool + ".info"), "one.%s.info" % pool):
                fresh = [item for item in objects if item.ID not in seen]
                seen.update(item.ID for item in fresh)
                yield from fresh
            return
        except OneConnectionException as error:
            # Where nothing has come, the client has asked again already.
            if not seen or attempt == ATTEMPTS or isinstance(error, OneTimeoutException):
                raise
        time.sleep(0.1 * 2**attempt)


def _arrived(pieces: Iterable[bytes], method: str) -> Iterator[list[Any]]:
    """The objects in the pieces of an answer, in lists of those that arrived together."""
    buffer = bytearray()
    wanted = LEAST
    for piece in pieces:
        buffer += piece
        if len(buffer) >= wanted:
            objects = _cut(buffer, method)
            yield objects
            wanted = LEAST if objects else 2 * len(buffer)
    yield _objects(bytes(buffer), method)


def _cut(buffer, method):
    """Takes the complete objects out of the beginning of an answer; none where that is not certain."""
    begin = re.compile(_BEGIN).match(buffer)
    close = b"&lt;/%s&gt;" % begin.group(1) if begin else b""
    end = buffer.rfind(close) + len(close)
    if not begin or end <= begin.end():
        return []
    try:
        objects = _objects(bytes(buffer[:end]) + _END % begin.group(1), method)
    except OneProtocolException:  # this was not the end of an object, but text inside one
        return []
    del buffer[begin.end() : end]
    return objects


def _objects(body, method):
    """The objects of the pool that an answer holds."""
    pool = content(decode(body), method)
    return getattr(pool, type(pool).__name__[: -len("_POOL")])
