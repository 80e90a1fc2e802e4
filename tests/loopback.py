# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""An endpoint on loopback that answers whatever bytes a test wants."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading

BODY = (
    b"<methodResponse><params><param><value><array><data>"
    b"<value><boolean>1</boolean></value><value><i4>%d</i4></value><value><i4>0</i4></value>"
    b"</data></array></value></param></params></methodResponse>"
)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP answer with a length."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def number(value: int, *headers: str) -> bytes:
    """The answer of a call that returns an integer."""
    return http(BODY % value, "200 OK", *headers)


class Endpoint:
    """Listens on loopback; the n-th request of all is answered by the n-th step, the last step answers the rest.

    A step is the bytes to send, or a function that is given the connection. It may end in CLOSE, which then follows.
    `requests` holds the bodies that arrived, `heads` the headers before them, `connections` says how many clients came.
    """

    def __init__(self, *steps, context=None):
        self.steps = list(steps)
        self.requests: list[bytes] = []
        self.heads: list[str] = []
        self.connections = 0
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.scheme = "https" if context else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.listener.getsockname()[1]}/RPC2"
        self.open: list[socket.socket] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            self.open.append(connection)
            if self.context:
                connection.recv(1, socket.MSG_PEEK)  # one that was reset before leaves an open socket behind in ssl
                connection = self.context.wrap_socket(connection, server_side=True)
                self.open.append(connection)
            data = b""
            while True:
                body, data = self.receive(connection, data)
                if body is None:
                    break
                with self.lock:
                    self.requests.append(body)
                    step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                if step(connection) if callable(step) else connection.sendall(step):
                    break
        connection.close()

    def receive(self, connection, data):
        """The next request's body and what came after it; None when the client has gone."""
        length = None
        while length is None or len(data) < length:
            if length is None and b"\r\n\r\n" in data:
                head, _mark, data = data.partition(b"\r\n\r\n")
                self.heads.append(head.decode())
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                continue
            more = connection.recv(65536)
            if not more:
                return None, b""
            data += more
        return data[:length], data[length:]

    def close(self):
        closed(self.listener)
        for connection in self.open:
            connection.close()


class Tunnel(Endpoint):
    """A proxy for https: answers CONNECT with `answer`, then passes bytes on to whatever was asked for."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"):
        self.answer = answer
        super().__init__()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1024)
            self.heads.append(head.decode())
            connection.sendall(self.answer)
            if b" 200 " not in self.answer:
                return
            host, _colon, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as target:
                threading.Thread(target=self.copy, args=(target, connection), daemon=True).start()
                self.copy(connection, target)

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def closed(listener):
    """Close a listener for the thread that waits in its accept() too."""
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def closing(*parts: bytes):
    """A step that sends and then closes the connection."""

    def step(connection):
        for part in parts:
            connection.sendall(part)
        return True

    return step


def self_signed(folder, name):
    """(certificate, key) of 127.0.0.1, signed by itself."""
    made = folder / f"{name}.pem", folder / f"{name}.key"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-out", made[0], "-keyout", made[1]], check=True, capture_output=True)
    return made
