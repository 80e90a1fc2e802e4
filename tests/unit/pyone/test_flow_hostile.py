# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whatever bytes come from OneFlow, a call returns documents or raises one exception of the family, in time."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneAuthenticationException,
    OneConnectionException,
    OneException,
    OneInternalException,
    OneNoExistsException,
    OneProtocolException,
    OneTimeoutException,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Endpoint, closing, http
from services import SERVICES, answering

PASSWORD = "pa55-word"
SESSION = f"oneadmin:{PASSWORD}"
PERMISSIONS = {f"{who}_{what}": "0" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA"}
BODY = {
    "name": "shop",
    "state": 2,
    "roles": [{"name": "web", "cardinality": 1, "nodes": [{"deploy_id": 3, "vm_info": {"VM": {"ID": "3"}}}]}],
    "log": [{"timestamp": 1, "severity": "I", "message": "é"}],
}
DOCUMENT = {
    "ID": "0",
    "UID": "0",
    "GID": "0",
    "UNAME": "oneadmin",
    "GNAME": "oneadmin",
    "NAME": "shop",
    "TYPE": "100",
    "PERMISSIONS": PERMISSIONS,
    "TEMPLATE": {"BODY": BODY, "LABELS": "a,b"},
}
POOL = json.dumps({"DOCUMENT_POOL": {"DOCUMENT": [DOCUMENT]}}).encode()
OK = b"HTTP/1.1 200 OK\r\n"
CORPUS = {
    "pool": http(POOL),
    "one": http(json.dumps({"DOCUMENT_POOL": {"DOCUMENT": DOCUMENT}}).encode()),
    "empty": http(b'{"DOCUMENT_POOL": {}}'),
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(POOL), POOL),
    "until closed": OK + b"\r\n" + POOL,
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" + http(POOL),
    "nothing": b"",
    "no content": http(b"", "204 No Content"),
    "text": http(b"Template 9 does not exist", "500 Internal Server Error"),
    "object": http(b'{"error": {"message": "no way", "reason": "closed"}}', "500 Internal Server Error"),
    "missing": http(b"[one.document.info] Error getting document [9].", "500 Internal Server Error"),
    "login": http(b"Invalid credentials", "401 Unauthorized"),
    "page": http(b"<html>" + SESSION.encode() + b"</html>", "404 Not Found"),
    "gateway": http(b"<html></html>", "502 Bad Gateway"),
    "moved": http(b"", "302 Found", f"Location: http://{SESSION}@one.example/"),
    "latin-1": http('{"DOCUMENT_POOL": "é"}'.encode("latin-1")),
    "twice": http(POOL) + http(POOL),
    "too short": OK + b"Content-Length: 9\r\n\r\n" + POOL,
    "too long": OK + b"Content-Length: 99999\r\n\r\n" + POOL,
    "gigabyte": OK + b"Content-Length: 1073741824\r\n\r\n" + POOL,
    "an error of a gigabyte": b"HTTP/1.1 500 Oops\r\nContent-Length: 1073741824\r\n\r\nx",
    "no length": OK + b"Content-Length: many\r\n\r\n" + POOL,
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "other": http(b'{"DOCUMENT_POOL": {"DOCUMENT": [{"ID": "x"}]}}'),
    "deep": http(b"[" * 100_000),
    "numbers": http(b'{"DOCUMENT_POOL": {"DOCUMENT": [1e999, NaN, -0]}}'),
    "a long number": http(b'{"DOCUMENT_POOL": ' + b"9" * 5000 + b"}"),
}
VERDICTS = {
    **{name: ["shop"] for name in ("pool", "one", "chunks", "until closed", "interim", "twice")},
    "empty": [],
    "text": OneInternalException,
    "object": OneInternalException,
    "missing": OneNoExistsException,
    "login": OneAuthenticationException,
    **dict.fromkeys(("nothing", "gateway", "too long"), OneConnectionException),
}


def read(data):
    """What a client makes of DATA: names of services, or an exception of the family."""
    with answering("OneFlow", data, session=SESSION) as flow:
        try:
            return [found.NAME for found in flow.services()]
        except OneException as error:
            assert PASSWORD not in str(error) + repr(error) + repr(error.args)
            assert len(str(error)) < 500
            assert error.method == "GET /service"
            return type(error)


@pytest.mark.parametrize("name", CORPUS)
def test_each_answer_has_its_verdict(name):
    assert read(CORPUS[name]) == VERDICTS.get(name, OneProtocolException)


@pytest.mark.parametrize("name", CORPUS)
def test_cut_anywhere(name):
    data = CORPUS[name]
    outcomes = [read(data[:length]) for length in range(0, min(len(data), 900), 3)]
    # What is cut is refused, or says the same already.
    assert [found for found in outcomes if not isinstance(found, type) and found != read(data)] == []


PIECES = st.binary(max_size=6) | st.sampled_from([b"{", b"}", b"[", b'"', b"\\u0000", b"null", b"\r\n", b"\0", b"-1"])
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@settings(derandomize=True, max_examples=200)
@given(st.sampled_from(sorted(set(CORPUS) - {"deep", "a long number"})), EDITS)
def test_garbled(name, edits):
    data = CORPUS[name]
    for where, cut, piece in edits:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + cut :]
    read(data)


@pytest.mark.parametrize("ask", ["read", "remove"])
@pytest.mark.parametrize("name", ["twice", "too short", "text"])
def test_a_write_is_sent_once_whatever_is_answered(name, ask):
    server = Endpoint(CORPUS[name])
    with SERVICES["OneFlow"].connected(server.url.removesuffix("/RPC2")) as flow:
        for dummy in range(2):
            try:
                getattr(SERVICES["OneFlow"], ask)(flow)
            except OneException as error:
                assert not isinstance(error, OneConnectionException)
    server.close()
    assert len(server.requests) == 2


# ---------------------------------------------------------------- without end, of both kinds of servers


def dripping(head, piece):
    """A step that sends a piece every few milliseconds until the client has gone."""

    def step(connection):
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            time.sleep(0.005)

    return step


DRIPS = {
    "first line": (b"H", b"T"),
    "headers": (OK, b"A: b\r\n"),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (OK + b"Content-Length: 100000\r\n\r\n", b"x"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "until closed": (OK + b"\r\n", b"x"),
    "error page": (b"HTTP/1.1 500 Oops\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("where", DRIPS)
def test_what_drips_is_given_up_in_time(service, where):
    server = Endpoint(dripping(*DRIPS[where]))
    kind = SERVICES[service]
    began = time.monotonic()
    with (
        kind.connected(server.url.removesuffix("/RPC2"), timeout=0.2, retries=3) as one,
        pytest.raises(OneException) as caught,
    ):
        kind.remove(one)
    server.close()
    assert time.monotonic() - began < 5
    assert isinstance(caught.value, (OneTimeoutException, OneProtocolException))
    assert len(server.requests) == 1


ENDLESS = {
    "announced": OK + b"Content-Length: 500000000\r\n\r\nx",
    "small chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 30_000,
    "large chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1dcd6500\r\nx",
    "headers": OK + (b"A: " + b"a" * 60_000 + b"\r\n") * 99,
    "error page": b"HTTP/1.1 500 Oops\r\n\r\n" + b"x" * 3_000_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_memory_grows_with_what_arrives(name):
    server = Endpoint(closing(ENDLESS[name]))
    with SERVICES["OneFlow"].connected(server.url.removesuffix("/RPC2"), retries=0, limit=1 << 20) as flow:
        tracemalloc.start()
        try:
            with pytest.raises(OneException) as caught:
                flow.services()
            assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
        finally:
            tracemalloc.stop()
            server.close()
    assert len(str(caught.value)) < 500
