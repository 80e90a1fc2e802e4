# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whatever bytes arrive, a call returns a value or raises one exception of the family, and keeps its secrets.

corpus/ has whole HTTP answers, good and bad; they are sent as they are, cut at every byte, and garbled.
"""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    Element,
    OneConnectionException,
    OneException,
    OneNoExistsException,
    OneProtocolException,
    codec,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import parse
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import closing, http
from services import answering

CORPUS = {path.stem: path.read_bytes() for path in sorted(Path(__file__).with_name("corpus").glob("*.bin"))}
PASSWORD = "pa55-word"
SESSION = f"oneadmin:{PASSWORD}"
VALUES = {"integer": 7, "closing": 7, "chunks": 7, "until-closed": 7, "interim": 7, "text": "7.4.0 é"}
VIEWS = {"host": "HOST", "namespace": "HOST", "pool": "HOST_POOL"}
FAULTS = {
    "failure": (OneNoExistsException, r"Error getting host \[3\]"),
    "failure-typed": (OneProtocolException, "a failure without message and code"),
    "fault": (OneProtocolException, "Method not defined"),
    "nested": (OneProtocolException, "a list"),
    "date": (OneProtocolException, "a datetime"),
    "base64": (OneProtocolException, "cannot be read"),
    "latin-1": (OneProtocolException, "not UTF-8 text"),
    "declared-latin-1": (OneProtocolException, "not UTF-8 text"),
    "utf-16": (OneProtocolException, "not UTF-8 text"),
    "interim-for-ever": (OneProtocolException, "again and again"),
    "forbidden": (OneProtocolException, "HTTP 403 Forbidden"),
    "gateway": (OneConnectionException, "HTTP 502 Bad Gateway"),
    "broken": (OneProtocolException, "HTTP 500"),
    "moved": (OneProtocolException, "has moved to one.example/RPC2"),
    "page": (OneProtocolException, "document type"),
    "bomb": (OneProtocolException, "document type"),
    "bomb-inside": (OneProtocolException, "document type"),
    "file-inside": (OneProtocolException, "document type"),
    "length-too-long": (OneConnectionException, "was cut"),
    "length-too-short": (OneProtocolException, "is not XML-RPC"),
    "gigabyte": (OneProtocolException, "larger than the client's limit of 536870912 bytes"),
    "no-http": (OneProtocolException, "does not speak HTTP"),
    "nothing": (OneConnectionException, "closed before the answer was complete"),
}


def read(data):
    """What a client makes of DATA: a value, or an exception of the family."""
    with answering("oned", data, session=SESSION) as one:
        try:
            found = one.host.info(3)
            touch(found)
        except OneException as error:
            assert PASSWORD not in str(error) + repr(error) + repr(error.args)
            return type(error)
        return found.to_xml() if isinstance(found, Element) else found


def touch(value):
    """Reads all of a view."""
    if isinstance(value, Element):
        for name in dir(value):
            if name.isupper():
                touch(getattr(value, name, None))
    elif isinstance(value, list):
        for item in value:
            touch(item)
    elif isinstance(value, dict):
        assert list(value.items()) is not None


def test_every_file_of_the_corpus_has_its_verdict():
    assert CORPUS.keys() == VALUES.keys() | VIEWS.keys() | FAULTS.keys()


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    assert read(CORPUS[name]) == VALUES[name]


@pytest.mark.parametrize("name", VIEWS)
def test_views(name):
    with answering("oned", CORPUS[name], session=SESSION) as one:
        found = one.host.info(3)
        assert type(found).__name__ == VIEWS[name]
        touch(found)


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name):
    kind, message = FAULTS[name]
    with answering("oned", CORPUS[name], session=SESSION) as one, pytest.raises(kind, match=message) as caught:
        one.host.info(3)
    assert caught.value.method == "one.host.info"
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", CORPUS)
def test_cut_anywhere(name):
    data = CORPUS[name]
    whole = read(data)
    outcomes = {read(data[:length]) for length in range(0, min(len(data), 3000), 1 if len(data) < 900 else 7)}
    # What is cut is refused, or says the same already: line ends at its end are not missed.
    assert {found for found in outcomes if not isinstance(found, type)} <= {whole}


PIECES = st.binary(max_size=6) | st.sampled_from(
    b"<|>|&lt;|&gt;|&amp;|&#0;|&#60;|</value>|<value>|<i4>|99999999999|</string>|\r\n\r\n|\r\n|\0|]]>|<![CDATA[|-1".split(
        b"|"
    )
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4)


def edited(data, edits):
    for where, cut, piece in edits:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + cut :]
    return data


@settings(derandomize=True, max_examples=300)
@given(st.sampled_from(sorted(CORPUS)), EDITS, st.booleans())
def test_garbled(name, edits, long):
    with mock.patch.object(codec, "LONG", 0 if long else codec.LONG):
        read(edited(CORPUS[name], edits))


@settings(derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    assert isinstance(read(data), type)
    assert isinstance(read(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)), type)


def test_failure_that_says_the_session():
    data = CORPUS["failure"].replace(b"Content-Length: ", b"Was-Length: ")
    said = data.replace(b"Error getting host [3].", f"oneadmin:{PASSWORD}".encode())
    assert read(said) is OneNoExistsException


def test_page_that_says_the_session():
    assert isinstance(read(http(f"<html>oneadmin:{PASSWORD}</html>".encode())), type)


def test_error_page_that_never_ends_is_not_waited_for(endpoint, client):
    def page(connection):
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n<html>")
        connection.recv(1)  # until the client has gone
        return True

    began = time.monotonic()
    with pytest.raises(OneProtocolException, match="HTTP 404"):
        client(endpoint(page).url, timeout=20).host.info(0)
    assert time.monotonic() - began < 10


def test_repetitions_share_the_timeout(endpoint, client):
    def late(connection):
        time.sleep(0.25)
        return True

    server = endpoint(late)
    began = time.monotonic()
    with pytest.raises(OneConnectionException, match="closed before the answer was complete"):
        client(server.url, timeout=0.3, retries=9).host.info(0)
    assert time.monotonic() - began < 2
    assert len(server.requests) < 4


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 30_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1dcd6500\r\nx",
        b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"a" * 60_000 + b"\r\n") * 99,
    ],
    ids=["announced", "small chunks", "large chunk", "headers"],
)
def test_memory_grows_with_what_arrives(endpoint, client, answer):
    one = client(endpoint(closing(answer)).url, retries=0)
    tracemalloc.start()
    try:
        with pytest.raises(OneException):
            one.host.info(0)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("long", [False, True])
def test_elements_inside_elements_without_end(long):
    depth = 100_000 if not long else 5_000
    inner = "<A>" * depth + "</A>" * depth
    document = f"<VM><ID>1</ID><TEMPLATE>{inner}</TEMPLATE></VM>".encode()
    body = document.replace(b"<", b"&lt;").replace(b">", b"&gt;")
    vm = parse(codec.Text(body, 0, len(body)) if long else document, "one.vm.info")
    for reading in (lambda: dict(vm.TEMPLATE.items()), vm.to_xml):
        with pytest.raises(OneProtocolException, match="nested too deeply") as caught:
            reading()
        assert caught.value.method == "one.vm.info"
    assert vm.ID == 1
