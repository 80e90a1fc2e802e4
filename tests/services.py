# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The two kinds of servers, oned and OneFlow, for tests of what their clients have in common."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneFlow, OneProtocolException, OneServer
from loopback import http, number

SESSION = "oneadmin:opennebula"


def role(release: str) -> dict[str, Any]:
    """A role of a service template with one VM of VM template 0, as OneFlow of a release takes it."""
    template = {"vm_template": 0} if release.startswith("6.") else {"type": "vm", "template_id": 0}
    return {"name": "web", "cardinality": 1, "cooldown": 0, **template}


class Service(NamedTuple):
    """A kind of server, and its client.

    Args:
        client (callable): (url, **options) -> a client.
        path (str): of its endpoint.
        server (callable): (Simulator) -> what has a port.
        asked (callable): (client) -> what a simulated one answers, which is always `answer`.
        canned (bytes): an HTTP answer that does for each request.
        read, remove (callable): (client) -> what it makes of that, which is `value`; one request each.
    """

    client: Callable[..., Any]
    path: str
    server: Callable[[Any], Any]
    asked: Callable[[Any], Any]
    answer: Any
    canned: bytes
    read: Callable[[Any], Any]
    remove: Callable[[Any], Any]
    value: Any

    def connected(self, url: str, **options: Any) -> Any:
        """A client of the server at ``http://host:port``."""
        return self.client(url + self.path, **{"session": SESSION, **options})

    def works(self, one: Any, changed: bool = False) -> bool:
        """Whether a client is answered; where bytes of a request were `changed`, on its second question.

        OneFlow keeps connections alive, and takes what came too much for the beginning of the next request.
        """
        try:
            return self.asked(one) == self.answer
        except OneProtocolException:
            return changed and self.asked(one) == self.answer


SERVICES = {
    "oned": Service(
        OneServer,
        "/RPC2",
        lambda cloud: cloud.http,
        lambda one: one.user.info(0).NAME,
        "oneadmin",
        number(7),
        lambda one: one.group.info(0),
        lambda one: one.host.delete(0),
        7,
    ),
    "OneFlow": Service(
        OneFlow,
        "",
        lambda cloud: cloud.flow_http,
        lambda flow: flow.services(),
        [],
        http(b'{"DOCUMENT_POOL": {}}'),
        lambda flow: flow.request("GET", "/service"),
        lambda flow: flow.request("DELETE", "/service/0"),
        {"DOCUMENT_POOL": {}},
    ),
}


@contextmanager
def answering(service: str, data: bytes, **options: Any) -> Iterator[Any]:
    """A client whose endpoint sends DATA to every request and hangs up."""
    far = []

    def connect(address: Any, timeout: float | None = None) -> socket.socket:
        near, other = socket.socketpair()
        other.sendall(data)
        other.shutdown(socket.SHUT_WR)
        far.append(other)
        return near

    one = SERVICES[service].connected("http://one.example", **{"timeout": 5, "retries": 0, **options})
    try:
        with (
            mock.patch("socket.create_connection", connect),
            mock.patch.object(socket.socket, "setsockopt"),  # a socket pair has no TCP to set
            mock.patch.dict("os.environ", clear=True),
            one,
        ):
            yield one
    finally:
        for connection in far:
            connection.close()
