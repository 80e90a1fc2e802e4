# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""HTTP as OpenNebula's embedded server (Abyss) speaks it: one answer a connection unless told to keep alive."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from email.utils import formatdate
from typing import NamedTuple

REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
ERROR_PAGE = (
    "<HTML><HEAD><TITLE>Error {0}</TITLE></HEAD><BODY><H1>Error {0}</H1><P>{1}</P><p><HR><b><i>"
    '<a href="http://xmlrpc-c.sourceforge.net">ABYSS Web Server for XML-RPC For C/C++</a></i></b>'
    " version 1.33.14<br></p></BODY></HTML>"
)


class Request(NamedTuple):
    verb: str
    path: str
    headers: dict[str, str]
    body: bytes


class Response(NamedTuple):
    status: int
    body: bytes
    kind: str = "text/xml; charset=utf-8"


def error(status: int, why: str) -> Response:
    return Response(status, ERROR_PAGE.format(status, why).encode(), "text/html")


class _Connection:
    """One client: reads requests, writes answers."""

    def __init__(self, sock: socket.socket, answer: Callable[[Request], Response], keep_alive: bool) -> None:
        self.sock = sock
        self.answer = answer
        self.keep_alive = keep_alive
        self.data = b""

    def serve(self) -> None:
        with self.sock:
            try:
                while self.exchange():
                    pass
            except OSError:
                pass  # the client went away

    def exchange(self) -> bool:
        """One request and its answer. Returns whether the connection stays open."""
        head = self.until(b"\r\n\r\n")
        if head is None:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        verb, dummy, rest = first.partition(" ")
        headers = {name.strip().lower(): text.strip() for name, dummy, text in (line.partition(":") for line in lines)}
        length = headers.get("content-length", "")
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.exactly(int(length) if length.isdecimal() else 0)
        if body is None:
            return False
        sized = verb != "POST" or length.isdecimal()
        stays = self.keep_alive and headers.get("connection", "").lower() != "close" and rest.endswith("HTTP/1.1")
        self.send(self.answer(Request(verb, rest.partition(" ")[0], headers, body)), stays and sized)
        return stays if sized else self.drain()

    def send(self, response: Response, stays: bool) -> None:
        length = f"Content-length: {len(response.body)}\r\n" if response.status == 200 or stays else ""
        head = (
            f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\nContent-type: {response.kind}\r\n{length}"
            f"Connection: {'Keep-Alive' if stays else 'close'}\r\nDate: {formatdate(usegmt=True)}\r\n"
            "Server: Xmlrpc-c_Abyss/1.33.14\r\n\r\n"
        )
        self.sock.sendall(head.encode() + response.body)

    def drain(self) -> bool:
        """Reads a body of unknown length, so that closing does not make the client's system drop the answer unread."""
        self.sock.settimeout(1)
        self.sock.shutdown(socket.SHUT_WR)
        while self.sock.recv(65536):
            pass
        return False

    def until(self, mark: bytes) -> bytes | None:
        """Bytes up to a mark, which is consumed; None when the client closed before."""
        while mark not in self.data:
            more = self.sock.recv(65536)
            if not more:
                return None
            self.data += more
        found, dummy, self.data = self.data.partition(mark)
        return found

    def exactly(self, length: int) -> bytes | None:
        parts, missing = [self.data[:length]], length - len(self.data)
        self.data = self.data[length:]
        while missing > 0:
            more = self.sock.recv(min(missing, 1 << 20))
            if not more:
                return None
            parts.append(more)
            missing -= len(more)
        return b"".join(parts)


class Server:
    """Listens on a TCP port; each connection has a thread of its own."""

    def __init__(self, host: str, port: int, answer: Callable[[Request], Response], keep_alive: bool = False) -> None:
        self.socket = socket.create_server((host, port), backlog=256)
        self.answer = answer
        self.keep_alive = keep_alive

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]

    def serve_forever(self) -> None:
        """Accepts connections until `close`."""
        while True:
            try:
                sock, _address = self.socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_Connection(sock, self.answer, self.keep_alive).serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
