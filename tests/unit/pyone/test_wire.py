# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Faults of the network, at each kind of place in what is sent and answered, over http and TLS, of oned and OneFlow.

What may come of them, by the kind of method:

- A method that reads is asked again where the connection broke, and gives what the server said.  Where nothing comes
  any more, or what comes is not what was sent, it gives that, or an exception of the family, within the time limit.
- A method that changes something is sent once.  Where its answer does not arrive whole, the exception says that it may
  have run.
- Over TLS nothing that was changed on the way is taken for an answer or a request.
- The client works afterwards, and does not take an old answer for the one to a new request.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneConnectionException,
    OneException,
    OneTimeoutException,
    transport,
)
from loopback import Endpoint, number, self_signed
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from services import SERVICES, SESSION
from wire import Fault, FaultyProxy, records, requests

TIMEOUT = 0.1  # seconds, where the time limit may be what ends a call
PLENTY = 20.0  # seconds, where it must not be, on a busy machine either
BREAKS = ("close", "reset")
CHANGES = ("drop", "garble", "duplicate")
PLACES = {
    "before the request": ("request", lambda head, whole: 0),
    "in the head of the request": ("request", lambda head, whole: head // 2),
    "between head and body of the request": ("request", lambda head, whole: head),
    "in the body of the request": ("request", lambda head, whole: (head + whole) // 2),
    "before the last byte of the request": ("request", lambda head, whole: whole - 1),
    "after the request": ("request", lambda head, whole: whole),
    "before the answer": ("answer", lambda head, whole: 0),
    "in the first line of the answer": ("answer", lambda head, whole: 5),
    "in the head of the answer": ("answer", lambda head, whole: head // 2),
    "between head and body of the answer": ("answer", lambda head, whole: head),
    "in the body of the answer": ("answer", lambda head, whole: (head + whole) // 2),
    "before the last byte of the answer": ("answer", lambda head, whole: whole - 1),
    "after the answer": ("answer", lambda head, whole: whole),
}
END = "after the answer"
ROLE = {"name": "web", "type": "vm", "template_id": 0}
NUMBERS = itertools.count(1000)


@pytest.fixture(scope="module")
def cloud():
    """A simulated OpenNebula; `host` and `port` of its API."""
    found = Simulator(Options(delay=0)).start()
    yield found
    found.stop()


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that the client would have waited between two attempts."""
    found = []
    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=time.monotonic, sleep=found.append))
    return found


@pytest.fixture
def through(cloud, tally):
    """through(service, fault) -> (a client of the cloud, the proxy that it goes through)."""
    made = []

    def make(service, fault=None, times=1, timeout=PLENTY):
        found = SERVICES[service]
        proxy = FaultyProxy((cloud.host, found.server(cloud).port), fault, times)
        one = found.connected(f"http://127.0.0.1:{proxy.port}", timeout=timeout)
        made.extend([one.server_close, proxy.close])
        if fault is not None:
            tally("Faults injected", f"{service}, http", faults=1)
        return one, proxy

    yield make
    for close in made:
        close()


def limit(action, over=False):
    return TIMEOUT if action in ("stall", *CHANGES) and not over else PLENTY


class Method(NamedTuple):
    """A kind of method: what is there before (KEY), how it is called, and what tells that it has run."""

    call: Callable  # (client, key) -> value
    ran: Callable = lambda one, key: None
    key: Callable = lambda one: f"host{next(NUMBERS)}"
    service: str = "oned"


def allocated(one, name=None):
    return one.host.allocate(name or f"host{next(NUMBERS)}", "dummy", "dummy", -1)


def names(one):
    return [host.NAME for host in one.hostpool.info().HOST]


def ids(one):
    return [host.ID for host in one.hostpool.info().HOST]


def created(flow, name=None):
    return flow.create({"name": name or f"app{next(NUMBERS)}", "roles": [ROLE]}).ID


LABEL = {"action": {"perform": "update", "params": {"append": True, "template_raw": 'LABELS="x"'}}}


def labelled(flow, key):
    return int(flow.service_template(key).labels == ["x"])


READS = {
    "read": Method(lambda one, key: one.group.info(0).NAME),
    "read a pool": Method(lambda one, key: [group.ID for group in one.grouppool.info().GROUP]),
    "OneFlow: read": Method(lambda flow, key: flow.service_template(key).roles, key=created, service="OneFlow"),
    "OneFlow: read a pool": Method(lambda flow, key: flow.service_templates(), service="OneFlow"),
}
WRITES = {
    "create": Method(allocated, lambda one, key: names(one).count(key)),
    "change": Method(
        lambda one, key: one.host.update(key, {"NOTE": "x"}, 1),
        lambda one, key: int(one.host.info(key).TEMPLATE.get("NOTE") == "x"),
        allocated,
    ),
    "remove": Method(lambda one, key: one.host.delete(key), lambda one, key: 1 - ids(one).count(key), allocated),
    "OneFlow: create": Method(
        created, lambda flow, key: [one.NAME for one in flow.service_templates()].count(key), service="OneFlow"
    ),
    "OneFlow: change": Method(
        lambda flow, key: flow.request("POST", f"/service_template/{key}/action", LABEL),
        labelled,
        created,
        service="OneFlow",
    ),
    "OneFlow: remove": Method(
        lambda flow, key: flow.delete(key, kind="service_template"),
        lambda flow, key: 1 - [one.ID for one in flow.service_templates()].count(key),
        created,
        service="OneFlow",
    ),
}
FEW = ("read", "create", "OneFlow: read", "OneFlow: create")


class Trial(NamedTuple):
    """What came of a call with a fault on its way."""

    value: object
    error: OneException | None
    connections: int
    sent: int  # whole requests that the server was sent
    ran: int | None  # how often it has run
    expected: object  # what the same call gives without a fault
    over: bool  # the whole answer came before the fault
    pauses: list


def trial(through, method, place, action, times=1, pauses=()):
    """Calls METHOD with a fault; the client works afterwards, and is told what it asks then."""
    direct, dummy = through(method.service)
    stream, place = PLACES[place]
    model, proxy = through(method.service)
    expected = method.call(model, method.key(direct))
    passed = bytes(proxy.passed[0][stream])
    offset = place(passed.index(b"\r\n\r\n") + 4, len(passed))
    over = stream == "answer" and offset >= len(passed)  # an answer may have no body
    key = method.key(direct)
    one, proxy = through(method.service, Fault(stream, offset, action), times, limit(action, over))
    value, error = outcome(method, one, key)
    sent = sum(requests(passed["request"]) for passed in proxy.passed)
    connections = len(proxy.passed)
    waited = list(pauses)
    proxy.mend()
    one._transport.timeout = PLENTY
    assert SERVICES[method.service].works(one, action in CHANGES)
    return Trial(value, error, connections, sent, method.ran(direct, key), expected, over, waited)


def outcome(method, one, key):
    """(the value that a call returned, the exception that it raised)."""
    began = time.monotonic()
    try:
        return method.call(one, key), None
    except OneException as error:
        assert SESSION not in str(error)
        return None, error
    finally:
        assert time.monotonic() - began < PLENTY


# ---------------------------------------------------------------- http


@pytest.mark.parametrize("action", BREAKS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", READS)
def test_a_read_is_asked_again(through, pauses, kind, place, action):
    found = trial(through, READS[kind], place, action)
    assert (found.value, found.error) == (found.expected, None)
    assert found.connections in ((1,) if found.over and action == "close" else (1, 2) if found.over else (2,))


@pytest.mark.parametrize("kind", ["read", "OneFlow: read"])
@pytest.mark.parametrize("place", [place for place in PLACES if place != END])
def test_a_read_is_not_asked_for_ever(through, pauses, place, kind):
    found = trial(through, READS[kind], place, "reset", times=99, pauses=pauses)
    assert isinstance(found.error, OneConnectionException)
    assert found.connections == 3
    assert found.pauses == [0.1, 0.2]


@pytest.mark.parametrize("action", BREAKS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", WRITES)
def test_a_write_is_sent_once(through, pauses, kind, place, action):
    found = trial(through, WRITES[kind], place, action, pauses=pauses)
    assert (found.connections, found.pauses) == (1, [])
    assert (found.sent, found.ran) in ((0, 0), (1, 0), (1, 1))
    if found.over and (action == "close" or found.error is None):  # a reset may overtake the answer
        assert (found.error, found.ran) == (None, 1)
    else:
        assert isinstance(found.error, OneConnectionException)
        assert found.error.sent


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", FEW)
def test_what_stands_still_is_given_up_in_time(through, pauses, kind, place):
    found = trial(through, {**READS, **WRITES}[kind], place, "stall")
    assert found.connections == 1
    if found.over:
        assert found.error is None
    else:
        assert isinstance(found.error, OneTimeoutException)
        assert found.error.sent
        assert found.ran in (None, 0, 1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [kind for kind in (*READS, *WRITES) if kind in FEW or ":" not in kind])
def test_what_is_slow_is_waited_for(through, kind, place):
    found = trial(through, {**READS, **WRITES}[kind], place, "delay")
    assert (found.error, found.connections, found.ran) == (None, 1, 1 if kind in WRITES else None)


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", FEW)
def test_what_is_changed_is_never_sent_twice(through, pauses, kind, place, action):
    """http does not tell that something was changed; a call ends all the same, and so does the next."""
    found = trial(through, {**READS, **WRITES}[kind], place, action)
    assert found.error is not None or found.value is not None
    if kind in WRITES:
        assert (found.connections, found.ran in (0, 1)) == (1, True)


def test_an_answer_that_comes_twice_is_told_once(endpoint, client):
    """The second one stays in the connection, which is therefore not used again."""
    one = client(endpoint(number(7) + number(7), number(8)).url)
    assert [one.host.delete(0), one.host.delete(0)] == [7, 8]


def test_no_pause_outlasts_the_time_limit(client, pauses):
    """What is told is why the endpoint could not be reached, not that the time is over."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OneConnectionException, match="Connection refused"):
        client(f"http://127.0.0.1:{port}/RPC2", timeout=0.15).group.info(0)
    assert pauses in ([0.1], [])


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The certificate of the server, which the client trusts, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"), "one")


@pytest.fixture(scope="module")
def contexts(certificate):
    """Of the server and of the client."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    return server, ssl.create_default_context(cafile=certificate[0])


@pytest.fixture
def secured(contexts, tally):
    """secured(service, fault) -> (a client, the proxy that it goes through, the server)."""
    made = []

    def make(service, fault=None):
        server = Endpoint(SERVICES[service].canned, context=contexts[0])
        proxy = FaultyProxy(server.listener.getsockname(), fault)
        url, time_limit = f"https://127.0.0.1:{proxy.port}", limit(fault and fault.action)
        one = SERVICES[service].connected(url, timeout=time_limit, context=contexts[1])
        if fault is not None:
            tally("Faults injected", f"{service}, records of TLS", faults=1)
        made.extend([one.server_close, proxy.close, server.close])
        return one, proxy, server

    yield make
    for close in made:
        close()


RECORDS = {"request": 5, "answer": 10}  # more than a connection with one call has


def test_there_are_faults_in_all_records(secured):
    one, proxy, dummy = secured("oned")
    assert one.host.delete(0) == 7
    assert {stream: len(records(passed)) < RECORDS[stream] for stream, passed in proxy.passed[0].items()} == {
        "request": True,
        "answer": True,
    }


@pytest.mark.parametrize("action", [*BREAKS, *CHANGES, "stall", "delay"])
@pytest.mark.parametrize(
    ("stream", "offset"), [(stream, offset) for stream, count in RECORDS.items() for offset in range(count)]
)
@pytest.mark.parametrize("kind", ["read", "remove"])
@pytest.mark.parametrize("service", ["oned", pytest.param("OneFlow", marks=pytest.mark.long)])
def test_faults_in_records(secured, pauses, service, kind, stream, offset, action):
    one, proxy, server = secured(service, Fault(stream, offset, action, records=True))
    found = SERVICES[service]
    value, error = outcome(Method(lambda one, key: getattr(found, kind)(one)), one, 0)
    assert value == found.value or error is not None
    if kind == "remove":
        assert len(server.requests) <= 1
        assert error is None or error.sent or not server.requests
    if kind == "read" and action in BREAKS:
        assert value == found.value
    if action == "delay":
        assert (value, len(proxy.passed)) == (found.value, 1)
    proxy.mend()
    one._transport.timeout = PLENTY
    assert found.read(one) == found.value
