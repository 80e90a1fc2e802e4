# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Pools that are read as their answer arrives: the same objects as of the whole answer, and never more in memory."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneAuthenticationException,
    OneConnectionException,
    OneProtocolException,
    OneTimeoutException,
    pool_stream,
    transport,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.client import content
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.codec import decode, escaped
from hypothesis import given
from hypothesis import strategies as st
from loopback import closing, http

METHOD = "one.hostpool.info"
HEAD = "<methodResponse><params><param><value><array><data>\r\n<value><boolean>%d</boolean></value>\r\n<value><string>"
TAIL = "</string></value>\r\n<value><i4>%d</i4></value></data></array></value></param></params></methodResponse>\r\n"
# What a template may hold that could be taken for the end of a host.
VALUES = ("", "x", "</HOST>", "</HOST><HOST><ID>7</ID></HOST>", "</HOST_POOL>", "&lt;/HOST&gt;", "]]&gt;", ">", "é\r")


def section(value):
    return f"<![CDATA[{value}]]>"


def answer(document, success=1, code=0):
    return (HEAD % success + escaped(document) + TAIL % code).encode()


def pool(members):
    """A document of hosts, each with these XML texts."""
    hosts = "".join(f"<HOST><ID>{oid}</ID>{''.join(parts)}</HOST>" for oid, parts in enumerate(members))
    return f"<HOST_POOL>{hosts}</HOST_POOL>"


def pieces(body, size):
    return [body[start : start + size] for start in range(0, len(body), size)]


def stream_of(*runs):
    """A client whose stream() yields the items of each run in turn; those that are exceptions are raised."""
    left = list(runs)

    def stream(method):
        assert method == "hostpool.info"
        for item in left.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item

    return SimpleNamespace(stream=stream)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(pool_stream.time, "sleep", lambda seconds: None)


member = st.one_of(
    st.sampled_from(VALUES).map(lambda value: f"<TEMPLATE><A>{section(value)}</A></TEMPLATE>"),
    st.sampled_from(VALUES).map(lambda value: f"<TEMPLATE><HOST><ID>{section(value)}</ID></HOST></TEMPLATE>"),
    st.sampled_from(("<HOST/>", "<VMS><ID>1</ID></VMS>", "<NAME>a</NAME>", "<HOST>b</HOST>")),
)


@given(st.lists(st.lists(member, max_size=3), max_size=8), st.integers(1, 400), st.integers(1, 600))
def test_the_objects_are_those_of_the_whole_answer(members, size, least):
    body = answer(pool(members))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_stream, "LEAST", least)
        found = [host.to_xml() for host in pool_stream.pool_stream("hostpool", stream_of(pieces(body, size)))]
    assert found == [host.to_xml() for host in content(decode(body), METHOD).HOST]


def test_no_more_is_held_than_what_is_not_complete(monkeypatch):
    monkeypatch.setattr(pool_stream, "LEAST", 1000)
    parts = pieces(answer(pool([["<NAME>a</NAME>"]] * 500)), 100)
    sizes = []
    monkeypatch.setattr(pool_stream, "decode", lambda body: sizes.append(len(body)) or decode(body))
    assert len(list(pool_stream.pool_stream("hostpool", stream_of(parts)))) == 500
    assert len(sizes) > 10
    assert max(sizes) < 1600


def test_objects_come_before_the_answer_is_whole(monkeypatch):
    monkeypatch.setattr(pool_stream, "LEAST", 1)
    body = answer(pool([[], []]))
    hosts = pool_stream.pool_stream("hostpool", stream_of([body[:-100], AssertionError("too far")]))
    assert next(hosts).ID == 0


def test_an_answer_that_breaks_off_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(pool_stream, "LEAST", 1)
    body, cut = answer(pool([[], [], []])), OneConnectionException("cut")
    first = body[: body.find(b"&lt;ID&gt;2")]
    one = stream_of([first, cut], [body[:-3], cut], [body])
    assert [host.ID for host in pool_stream.pool_stream("hostpool", one)] == [0, 1, 2]
    with pytest.raises(OneConnectionException, match="cut"):
        list(pool_stream.pool_stream("hostpool", stream_of(*[[first, cut]] * 3, [body])))
    with pytest.raises(OneConnectionException, match="cut"):
        list(pool_stream.pool_stream("hostpool", stream_of([cut], [body])))
    with pytest.raises(OneTimeoutException, match="late"):
        list(pool_stream.pool_stream("hostpool", stream_of([first, OneTimeoutException("late")], [body])))


@pytest.mark.parametrize(
    "body, error",
    [
        (answer("[one.hostpool.info] User couldn't be authenticated, aborting.", 0, 256), OneAuthenticationException),
        (answer(pool([[]]))[:-40], OneProtocolException),
        (answer("<HOST_POOL><HOST><ID>0</ID>"), OneProtocolException),
        (b"<html>", OneProtocolException),
        (b"", OneProtocolException),
    ],
    ids=["failure", "cut", "XML that is cut", "no answer", "nothing"],
)
@pytest.mark.parametrize("least", [1, 10000])
def test_what_is_no_pool(monkeypatch, body, error, least):
    monkeypatch.setattr(pool_stream, "LEAST", least)
    with pytest.raises(error) as caught:
        list(pool_stream.pool_stream("hostpool", stream_of(pieces(body, 50))))
    assert caught.value.method in (METHOD, None)


# ---------------------------------------------------------------- over HTTP


def long_pool(monkeypatch):
    """The answer (bytes) of 40 hosts, as long as several pieces."""
    monkeypatch.setattr(transport, "CHUNK", 512)
    monkeypatch.setattr("ansible_collections.privazio.opennebula.plugins.module_utils.pyone.client.CHUNK", 512)
    monkeypatch.setattr(pool_stream, "LEAST", 512)
    return answer(pool([["<NAME>a</NAME>"]] * 40))


def ids(one):
    return [host.ID for host in pool_stream.pool_stream("hostpool", one)]


def test_a_connection_is_used_again_behind_the_last_piece(monkeypatch, endpoint, client):
    server = endpoint(http(long_pool(monkeypatch)))
    one = client(server.url)
    assert ids(one) == ids(one) == list(range(40))
    assert server.connections == 1


def test_a_connection_whose_answer_nobody_read_is_not_used_again(monkeypatch, endpoint, client):
    server = endpoint(http(long_pool(monkeypatch)))
    one = client(server.url)
    hosts = pool_stream.pool_stream("hostpool", one)
    next(hosts)
    hosts.close()
    assert ids(one) == list(range(40))
    assert server.connections == 2


@pytest.mark.parametrize("kind", ["chunked", "until closed", "closed after"])
def test_every_way_to_end_an_answer(monkeypatch, endpoint, client, kind):
    body = long_pool(monkeypatch)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    steps = {
        "chunked": chunked,
        "until closed": closing(b"HTTP/1.0 200 OK\r\n\r\n", body),
        "closed after": closing(http(body, "200 OK", "Connection: close")),
    }
    assert ids(client(endpoint(steps[kind]).url)) == list(range(40))


def test_an_answer_cut_on_the_wire_is_asked_for_again(monkeypatch, endpoint, client):
    whole = http(long_pool(monkeypatch))
    server = endpoint(closing(whole[: len(whole) // 2]), closing(whole[:-1]), whole)
    assert ids(client(server.url)) == list(range(40))
    assert server.connections == 3


def test_a_server_that_does_not_lead_is_asked_again(monkeypatch, endpoint, client):
    body = long_pool(monkeypatch)
    follower = answer("[one.hostpool.info] Cannot process request, no leader found", 0, 0x2000)
    server = endpoint(http(follower), http(body))
    monkeypatch.setattr(transport.time, "sleep", lambda seconds: None)
    assert ids(client(server.url)) == list(range(40))


def test_the_limit_of_time_holds_between_pieces(monkeypatch, endpoint, client):
    whole = http(long_pool(monkeypatch))

    def stops(connection):
        connection.sendall(whole[:1500])
        with suppress(OSError):
            connection.recv(1)
        return True

    with pytest.raises(OneTimeoutException, match="no complete answer"):
        ids(client(endpoint(stops).url, timeout=0.1))


def test_the_limit_of_size_holds(monkeypatch, endpoint, client):
    server = endpoint(http(long_pool(monkeypatch)))
    with pytest.raises(OneProtocolException, match="larger than the client's limit of 1000 bytes"):
        ids(client(server.url, limit=1000))


def test_a_method_that_changes_something_is_not_read_so(endpoint, client):
    one = client(endpoint(b"").url)
    with pytest.raises(OneArgumentException, match=r"one\.host\.delete changes the cloud"):
        next(one.stream("host.delete", 0))


def test_a_real_pool(one):
    hosts = [one.host.allocate(f"h{number}", "dummy", "dummy", 0) for number in range(5)]
    assert sorted(ids(one)) == hosts
