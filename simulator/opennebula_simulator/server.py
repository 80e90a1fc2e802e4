# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A simulated server on a port: HTTP requests in, XML-RPC answers out, reset for tests."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from . import introspection, xmlrpc
from .cloud import Cloud, Options
from .errors import Fault
from .flow import server as flow
from .http import Request, Response, Server, error

FLOW_LATENCY = 4  # transitions that go by while OneFlow answers a request that changes something, as with real drivers
TICK = 0.02  # seconds


class Simulator:
    """Serves one cloud. `start` runs it in a thread, for tests; `serve` in this one, for the command line."""

    def __init__(
        self,
        options: Options,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_alive: bool = False,
        allow_reset: bool = False,
        flow_port: int = 0,
    ) -> None:
        self.allow_reset = allow_reset
        self.stopped = threading.Event()
        self.http = Server(host, port, self.answer, keep_alive)
        self.flow_http = Server(host, flow_port, self.answer_flow, keep_alive=True)
        self.host = host
        self.options = replace(options, endpoint=self.url)
        self.cloud = Cloud(self.options)
        self._system = introspection.answers(self.cloud.methods, self.execute)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http.port}/RPC2"

    @property
    def flow_url(self) -> str:
        """The endpoint of OneFlow."""
        return f"http://{self.host}:{self.flow_http.port}"

    def serve(self) -> None:
        threading.Thread(target=self.flow_http.serve_forever, daemon=True).start()
        if self.options.publisher is not None:
            threading.Thread(target=self.tick, daemon=True).start()
        self.http.serve_forever()

    def tick(self) -> None:
        """Lets time go on without calls: who listens to events does not call."""
        while not self.stopped.wait(TICK):
            self.cloud.tick()

    def start(self) -> Simulator:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def stop(self) -> None:
        self.stopped.set()
        self.http.close()
        self.flow_http.close()
        self.cloud.close()

    def reset(self) -> None:
        """Back to a fresh server; calls that are under way end on the old one."""
        self.cloud.close()
        self.cloud = Cloud(self.options)

    # -------------------------------------------------------- requests

    def answer(self, request: Request) -> Response:
        if request.path == "/reset" and request.verb == "POST" and self.allow_reset:
            self.reset()
            return Response(200, b"", "text/plain")
        if request.path != "/RPC2":
            return error(404, "The requested URL was not found on this server")
        if request.verb != "POST":
            return error(405, "POST is the only HTTP method this server understands")
        if "content-length" not in request.headers:
            return error(411, "You must send a content-length header")
        if not request.body:
            return error(400, "According to your content-length HTTP header, your request is empty (zero length)")
        return Response(200, self.xmlrpc(request.body))

    def answer_flow(self, request: Request) -> Response:
        found = flow.answer(self.cloud, request)
        if request.verb != "GET":
            time.sleep(FLOW_LATENCY * self.options.delay)
        return found

    def xmlrpc(self, body: bytes) -> bytes:
        try:
            return xmlrpc.response(self.execute(*xmlrpc.decode(body)))
        except Fault as fault:
            return xmlrpc.fault(fault)

    def execute(self, name: str, parameters: list[Any]) -> Any:
        """Runs a method of any name. Raises Fault."""
        if name in self._system:
            return self._system[name](parameters)
        return self.cloud.call(introspection.find(self.cloud.methods, name), parameters)
