# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A proxy between a client and a server that does one thing to the bytes at a place that a test names."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from typing import NamedTuple

from loopback import closed

DELAY = 0.05  # seconds
POLL = 0.5  # seconds
RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing sends RST
RECORD_HEAD = 5  # bytes before the content of a TLS record: type, version, length
LENGTH = slice(3, RECORD_HEAD)


class Fault(NamedTuple):
    """What happens to a stream, ``request`` or ``answer``, once `offset` bytes of it have passed.

    close, reset (both ways), stall (nothing passes any more), delay, drop (the next byte), garble (the next byte),
    duplicate (the next eight bytes).  In `records`, the offset counts TLS records, and the fault concerns a whole one.
    """

    stream: str
    offset: int
    action: str
    records: bool = False


class Broken(Exception):
    """The connection ends here; `reset`: with RST."""

    def __init__(self, reset: bool = False):
        super().__init__()
        self.reset = reset


class FaultyProxy:
    """Passes bytes on to (host, port), with a fault in `times` connections from number `first` on.

    `passed` has, of each connection, what the server was sent (``request``) and the client (``answer``).
    """

    def __init__(self, target, fault: Fault | None = None, times: int = 1, first: int = 0):
        self.target = target
        self.fault = fault
        self.times = times
        self.first = first
        self.passed: list[dict[str, bytearray]] = []
        self.streams: list[Stream] = []
        self.stopped = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Serve clients until the proxy is closed."""
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        """Pass on what comes from either side until one ends; in one thread, for a socket in use is not closed."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(near)
            stack.enter_context(contextlib.suppress(OSError, Broken))
            far = stack.enter_context(socket.create_connection(self.target))
            selector = stack.enter_context(selectors.DefaultSelector())
            for source, stream in self.connected(near, far):
                selector.register(source, selectors.EVENT_READ, stream)
            try:
                while not self.stopped.is_set():
                    for key, dummy in selector.select(POLL):
                        key.data.take(key.fileobj.recv(65536), self.stopped)
            except Broken as error:
                if error.reset:
                    for connection in (near, far):
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def connected(self, near, far):
        """[(where bytes come from, their Stream)] of a new connection."""
        fault = self.fault if 0 <= len(self.passed) - self.first < self.times else None
        passed = {"request": bytearray(), "answer": bytearray()}
        self.passed.append(passed)
        found = [
            (source, Stream(sink, passed[name], fault if fault and fault.stream == name else None))
            for name, source, sink in (("request", near, far), ("answer", far, near))
        ]
        self.streams += [stream for dummy, stream in found]
        return found

    def mend(self):
        """Pass on everything from now on."""
        self.times = 0
        for stream in self.streams:
            stream.fault = None

    def close(self):
        """End all connections."""
        self.stopped.set()
        closed(self.listener)


class Stream:
    """The bytes in one direction: where they go, those that have gone, the fault, and those that wait for it."""

    def __init__(self, sink, passed, fault):
        self.sink = sink
        self.passed = passed
        self.fault = fault
        self.waiting = b""

    def send(self, data):
        """Pass bytes on."""
        self.passed.extend(data)
        self.sink.sendall(data)

    def take(self, data, stopped):
        """Pass on what came, with the fault at its place."""
        if not data:
            raise Broken
        if self.fault is None:
            self.send(data)
            return
        data, fault = self.waiting + data, self.fault
        start, size = (self.record if fault.records else self.byte)(data, fault)
        self.send(data[:start])
        self.waiting = data[start:]
        if size is not None:
            unit, rest = self.waiting[:size], self.waiting[size:]
            self.fault = None
            self.send(altered(fault.action, unit, stopped) + rest)

    def byte(self, data, fault):
        """(how much passes unchanged, how much the fault concerns; None: it is not reached)."""
        before = fault.offset - len(self.passed)
        if before > len(data):
            return len(data), None
        return before, 8 if fault.action == "duplicate" else 1

    def record(self, data, fault):
        """The same, where the fault concerns a TLS record."""
        whole, count = records(data), fault.offset - len(records(self.passed))
        return sum(map(len, whole[:count])), len(whole[count]) if count < len(whole) else None


def altered(action, unit, stopped):
    """What passes in the place of a unit of the stream.

    Raises:
        Broken: nothing does.
    """
    if action == "stall":
        stopped.wait(10)
    if action == "delay":
        stopped.wait(DELAY)
    if action in ("close", "reset", "stall"):
        raise Broken(reset=action == "reset")
    return {"drop": b"", "garble": garbled(unit), "duplicate": unit + unit}.get(action, unit)


def garbled(unit):
    """The bytes with the middle one changed."""
    middle = len(unit) // 2
    return unit[:middle] + bytes(byte ^ 0x15 for byte in unit[middle : middle + 1]) + unit[middle + 1 :]


def records(stream):
    """The whole TLS records of a stream."""
    found = []
    while len(stream) >= RECORD_HEAD:
        size = RECORD_HEAD + int.from_bytes(stream[LENGTH], "big")
        if len(stream) < size:
            break
        found.append(stream[:size])
        stream = stream[size:]
    return found


def requests(stream):
    """How many whole HTTP requests a stream holds."""
    count = 0
    while b"\r\n\r\n" in stream:
        head, _mark, rest = bytes(stream).partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        if len(rest) < length:
            break
        count, stream = count + 1, rest[length:]
    return count
