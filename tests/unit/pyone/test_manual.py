# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The client against the simulator, as the PyONE manual uses it."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneAuthenticationException,
    OneException,
    OneInternalException,
    OneNoExistsException,
    OneProtocolException,
    OneReadOnlyException,
    OneServer,
)


@pytest.fixture
def host(one):
    """The id of a host; the first has 0."""
    return one.host.allocate("node1", "dummy", "dummy", 0)


def test_the_first_id_is_zero(host):
    assert host == 0


def test_pool(one, host):
    pool = one.hostpool.info()
    assert [(entry.ID, entry.NAME) for entry in pool.HOST] == [(0, "node1")]


def test_pool_without_members_is_an_empty_list(one):
    assert one.hostpool.info().HOST == []


def test_pool_with_arguments_that_it_does_not_have(one, host):
    assert host == one.hostpool.info(-2, -1, -1).HOST[0].ID


def test_template_from_a_flat_dictionary(one, host):
    assert one.host.update(host, {"LABELS": "HD"}, 1) == host
    assert one.host.info(host).TEMPLATE["LABELS"] == "HD"


def test_template_from_a_document(one, host):
    one.host.update(host, {"TEMPLATE": {"LABELS": "HD", "PLACE": {"ROW": 1, "RACK": "b\\"}}}, 1)
    template = one.host.info(host).TEMPLATE
    assert (template["LABELS"], template["PLACE"]) == ("HD", {"ROW": "1", "RACK": "b\\"})


def test_template_from_text(one, host):
    one.host.update(host, 'LABELS="HD"', 1)
    assert one.host.info(host).TEMPLATE["LABELS"] == "HD"


def test_cluster(one):
    cluster = one.cluster.allocate("production")
    assert one.cluster.info(cluster).NAME == "production"
    assert one.cluster.delete(cluster) == cluster


def test_arguments_by_name(one, host):
    assert one.host.info(oid=host).ID == one.host.info(id=host).ID == host


def test_version_is_text(one):
    assert one.system.version() == "7.4.0"


def test_call_by_full_name(one, host):
    assert one.call("one.host.info", host).ID == one.call("host.info", host).ID


@pytest.mark.parametrize(
    "call, expected, code",
    [
        (lambda one: one.host.info(99), OneNoExistsException, 0x0400),
        (lambda one: one.host.update(0, "A=", 1), OneInternalException, 0x2000),
    ],
    ids=["absent", "syntax"],
)
def test_refusals_of_the_server(one, host, call, expected, code):
    with pytest.raises(OneException) as caught:
        call(one)
    assert (type(caught.value), caught.value.code) == (expected, code)
    assert caught.value.method.startswith("one.host.")
    assert caught.value.message


def test_object_of_a_refusal(one):
    with pytest.raises(OneNoExistsException) as caught:
        one.host.info(99)
    assert caught.value.object_id == 99


def test_wrong_password(simulator, client):
    with pytest.raises(OneAuthenticationException) as caught:
        client(simulator.url, "oneadmin:s3cret").host.info(0)
    assert "s3cret" not in repr(caught.value)


def test_method_that_the_server_lacks(one):
    with pytest.raises(OneProtocolException) as caught:
        one.nonsense.info(0)
    assert (caught.value.code, caught.value.method) == (-506, "one.nonsense.info")


def test_name_of_any_depth(one):
    with pytest.raises(OneProtocolException) as caught:
        one.invalid.api.call()
    assert (caught.value.code, caught.value.method) == (-506, "one.invalid.api.call")
    assert repr(one.invalid.api) == "<one.invalid.api>"


def test_name_of_a_family_is_not_called(one):
    with pytest.raises(TypeError, match=r"one\.vm is no method of the API"):
        one.vm()


def test_arguments_are_checked_before_anything_is_sent(simulator, client):
    sent = []
    one = client(simulator.url, on_call=sent.append)
    with pytest.raises(OneArgumentException):
        one.host.info("0")
    assert sent == []
    one.hostpool.info()
    assert sent == ["one.hostpool.info"]


def test_read_only_reads(simulator, client):
    assert client(simulator.url, read_only=True).hostpool.info().HOST == []


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.host.allocate("node1", "dummy", "dummy", 0),
        lambda one: one.host.delete(0),
        lambda one: one.system.sqlquery("SELECT 1"),
        lambda one: one.not_known.info(0),
    ],
    ids=["allocate", "delete", "sqlquery", "unknown"],
)
def test_read_only_refuses(simulator, client, call):
    sent = []
    with pytest.raises(OneReadOnlyException, match="read-only"):
        call(client(simulator.url, read_only=True, on_call=sent.append))
    assert sent == []


@pytest.mark.parametrize(
    "value", ['say "hi"', "back\\slash", "end\\", '\\"', "<b>&amp;</b>", "a=b,c]", "two\nlines", "é ñ €", "'#$NAME", ""]
)
def test_values_arrive_unchanged(one, host, value):
    one.host.update(host, {"X": value, "D": {"Y": value}}, 1)
    template = one.host.info(host).TEMPLATE
    assert (template["X"], template["D"]) == (value, {"Y": value})


def test_environment_names_the_endpoint(simulator, monkeypatch):
    monkeypatch.setenv("ONE_XMLRPC", simulator.url)
    with OneServer(session="oneadmin:opennebula") as one:
        assert one.hostpool.info().HOST == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"session": "a:b"}, "no endpoint"),
        ({"uri": "http://one/RPC2"}, "no session"),
        ({"uri": "http://one/RPC2", "session": "s3cret"}, "^the session has no colon: give session='user:password'$"),
        ({"uri": "one:2633", "session": "a:b"}, "is not a URL such as"),
        ({"uri": "http://one:port/RPC2", "session": "a:b"}, "is not a URL such as"),
        ({"uri": "http://one/RPC2", "session": "a:b", "protocol": "grpc"}, "'grpc' is not supported"),
    ],
)
def test_what_a_client_needs(arguments, message, monkeypatch):
    monkeypatch.delenv("ONE_XMLRPC", raising=False)
    with pytest.raises(OneException, match=message):
        OneServer(**arguments)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="verfy"):
        OneServer("http://one/RPC2", session="a:b", verfy=False)


def test_options_of_older_clients_are_taken():
    OneServer("http://one/RPC2", session="a:b", verbose=False, use_datetime=False).server_close()


def test_no_secret_in_what_is_shown(one, simulator):
    shown = repr(OneServer("http://me:hidden@one/RPC2", session="oneadmin:s3cret"))
    assert shown == "<OneServer http://one/RPC2>"
    with pytest.raises(OneException) as caught:
        OneServer("ftp://me:hidden@one/RPC2", session="oneadmin:s3cret")
    assert "hidden" not in str(caught.value)
