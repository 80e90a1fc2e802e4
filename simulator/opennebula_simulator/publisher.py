# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Events published with ZeroMQ, as the hook manager does. Only when --publisher asks for it, and with pyzmq installed.

Who reads these events needs ZeroMQ too: a protocol of our own making would only prove that it understands itself.
"""

from __future__ import annotations

import importlib
from typing import Any
from xml.sax.saxutils import escape


class Publisher:
    """A PUB socket on 127.0.0.1. One thread at a time may use it, as the lock of the cloud has it."""

    def __init__(self, port: int) -> None:
        zmq: Any = importlib.import_module("zmq")
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PUB)
        self.endpoint = f"tcp://127.0.0.1:{port}"
        if port:
            self.socket.bind(self.endpoint)
        else:
            self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"

    def publish(self, topics: list[str], message: str) -> None:
        """Sends a message (base64) under each topic."""
        for topic in topics:
            self.socket.send_multipart([f"EVENT {topic}".encode(), message.encode()])

    def close(self) -> None:
        self.context.destroy(linger=0)


def state_message(kind: str, oid: int, state: tuple[str, str], host: str, xml: str) -> str:
    """The HOOK_MESSAGE of a new state."""
    remote = f"<REMOTE_HOST>{escape(host)}</REMOTE_HOST>" if kind in ("VM", "HOST") else ""
    lcm = f"<LCM_STATE>{state[1]}</LCM_STATE>" if kind == "VM" else ""
    return (
        f"<HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT>{kind}</HOOK_OBJECT><STATE>{state[0]}</STATE>{lcm}"
        f"<RESOURCE_ID>{oid}</RESOURCE_ID>{remote}{xml}</HOOK_MESSAGE>"
    )


def state_topics(kind: str, oid: int, state: tuple[str, str]) -> list[str]:
    """What a new state is published under."""
    return [f"{kind} {oid}/{state[0]}/{state[1]} ", f"STATE {kind}/{state[0]}/{state[1]}/{oid} "]


def call_message(name: str, info: str) -> str:
    """The HOOK_MESSAGE of a call."""
    return f"<HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE><CALL>{name}</CALL>{info}</HOOK_MESSAGE>"
