# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Answers of large clouds, as bodies of HTTP: recorded pools of a real server, or the simulator's, repeated."""

from __future__ import annotations

import gzip
import re
import xmlrpc.client
from pathlib import Path

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "pools"
SEED = {"hosts": 10, "vms": 250}
POOLS = {  # name: method, arguments, element of the pool
    "vms": ("vmpool.infoextended", (-2, -1, -1, -1), b"VM"),
    "hosts": ("hostpool.info", (), b"HOST"),
}
ENVELOPE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<methodResponse>\r\n<params>\r\n<param><value><array><data>\r\n'
    b"<value><boolean>1</boolean></value>\r\n<value><string>%s</string></value>\r\n<value><i4>0</i4></value>\r\n"
    b"</data></array></value></param>\r\n</params>\r\n</methodResponse>\r\n"
)


def body(name: str, count: int = 10_000) -> bytes:
    """The answer of a pool of COUNT objects, each with an ID and a name of its own: 0 to COUNT - 1, vms-0 to …"""
    method, arguments, element = POOLS[name]
    document = recorded(method) if RECORDED.is_dir() else simulated(method, arguments)
    opening, closing = b"<%s>" % element, b"</%s>" % element
    start, stop = document.index(opening), document.rindex(closing) + len(closing)
    items = [opening + item for item in document[start:stop].split(opening)[1:]]
    items = [renamed(items[number % len(items)], name.encode(), number) for number in range(count)]
    return ENVELOPE % escaped(document[:start] + b"".join(items) + document[stop:])


def renamed(item: bytes, name: bytes, number: int) -> bytes:
    item = re.sub(rb"<ID>\d+</ID>", b"<ID>%d</ID>" % number, item, count=1)
    return re.sub(rb"<NAME>[^<]*</NAME>", b"<NAME>%s-%d</NAME>" % (name, number), item, count=1)


def escaped(document: bytes) -> bytes:
    return document.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


def recorded(method: str) -> bytes:
    return gzip.decompress((RECORDED / f"{method}.xml.gz").read_bytes())


def simulated(method: str, arguments: tuple[int, ...]) -> bytes:
    from opennebula_simulator.cloud import Options
    from opennebula_simulator.server import Simulator

    simulator = Simulator(Options(delay=0, seed=SEED)).start()
    try:
        one = xmlrpc.client.ServerProxy(simulator.url).one
        family, dummy, name = method.partition(".")
        return getattr(getattr(one, family), name)("oneadmin:opennebula", *arguments)[1].encode()
    finally:
        simulator.stop()
