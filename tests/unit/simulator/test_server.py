# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import http.client
import itertools
import json
import re
import socket
import threading
import xmlrpc.client
from unittest import mock
from urllib.parse import urlsplit

import pytest
from opennebula_simulator import __main__ as main
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

# What a simulator with a host and two templates can be asked; the other bodies need objects that took a story to make.
FIRST = "01 02 03 04 05 06 07 08 09 10 12 13 15 16 19 34 35 38 39".split()


def exchange(simulator, body, verb="POST", path="/RPC2", **headers):
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
    connection.request(verb, path, body, headers)
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


def request_of_row(row):
    session = "nobody:x" if "AUTHENTICATION" in row["what"] else "oneadmin:opennebula"
    arguments = () if row["method"].startswith("system.") else (session, *row["args"])
    return row.get("request_body") or xmlrpc.client.dumps(arguments, row["method"])


def test_bodies_are_those_of_the_real_server_byte_for_byte(simulator, one, shared):
    folder = shared / "conformance" / "wire" / "7.4.0"
    one("host.allocate", "host0", "dummy", "dummy", 0)
    for name in "ab":
        one("template.allocate", f"NAME={name}")
    rows = [row for row in json.loads((folder / "index.json").read_text()) if row["file"][:2] in FIRST]
    assert len(rows) == len(FIRST)
    for row in rows:
        status, headers, answer = exchange(simulator, request_of_row(row).encode())
        assert f"HTTP/1.1 {status}" in row["status"]
        assert headers["Connection"] == "close"
        assert answer == (folder / row["file"]).read_bytes(), row["file"]


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        ({"body": b"x", "path": "/other"}, 404),
        ({"body": None, "verb": "GET"}, 405),
        ({"body": b""}, 400),
        ({"body": iter([b"x"]), "Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_http_refusals(simulator, request_of, status):
    found, headers, body = exchange(simulator, **request_of)
    assert (found, headers["Content-type"]) == (status, "text/html")
    assert f"Error {status}".encode() in body


def test_eight_clients_get_each_name_exactly_once(one):
    won = []

    def allocate():
        for i in range(25):
            answer = one("template.allocate", f'NAME="t{i}"')
            if answer[0]:
                won.append((i, answer[1]))

    threads = [threading.Thread(target=allocate) for dummy in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(i for i, dummy in won) == list(range(25))
    assert sorted(oid for dummy, oid in won) == list(range(25))


def test_reset_brings_a_fresh_server(simulator, one):
    assert one("host.allocate", "h", "dummy", "dummy", 0)[1] == 0
    assert exchange(simulator, b"", path="/reset")[0] == 200
    assert one("host.allocate", "h", "dummy", "dummy", 0)[1] == 0


def test_a_request_without_content_length_has_an_empty_body(simulator, one):
    """`curl -X POST` sends none."""
    one("host.allocate", "h", "dummy", "dummy", 0)
    with socket.create_connection(("127.0.0.1", simulator.http.port)) as sock:
        sock.sendall(b"POST /reset HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert one("hostpool.info")[1] == "<HOST_POOL></HOST_POOL>"


def test_a_host_is_monitored_with_the_next_call(one):
    one("host.allocate", "h", "dummy", "dummy", 0)
    assert "<STATE>2</STATE>" in one("host.info", 0)[1]


def test_time_passes_only_as_the_clock_says(simulator, one):
    events = simulator.cloud.events
    ticks = itertools.count(1000)
    events.delay, events.clock = 3, lambda: next(ticks)
    one("host.allocate", "h", "dummy", "dummy", 0)
    seen = [re.search("<STATE>(.)</STATE>", one("host.info", 0)[1]).group(1) for dummy in range(4)]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ("0", "2")


def test_injected_failure(simulator, one):
    simulator.cloud.events.failures.append(("monitor", "host-1"))
    for name in ("good", "bad"):
        one("host.allocate", name, "dummy", "dummy", 0)
    states = re.findall("<STATE>(.)</STATE>", one("hostpool.info")[1])
    assert states == ["3", "2"]


def test_secrets_are_encrypted_for_those_who_may_not_read_them(one):
    one("user.update", 0, 'SSH_PASSPHRASE="hush"', 1)
    assert "hush" not in one("user.info", 0)[1]
    assert "<SSH_PASSPHRASE><![CDATA[hush]]>" in one("user.info", 0, True)[1]
    sent_back = re.search(r"<SSH_PASSPHRASE><!\[CDATA\[(.*?)]]>", one("user.info", 0)[1]).group(1)
    one("user.update", 0, f'SSH_PASSPHRASE="{sent_back}"', 1)
    assert "<SSH_PASSPHRASE><![CDATA[hush]]>" in one("user.info", 0, True)[1]


def test_group_administrators_reach_their_group_and_no_other(one):
    one("group.allocate", "staff")
    one("user.allocate", "boss", "pw", "core", [100])
    one("user.allocate", "worker", "pw", "core", [100])
    one("user.allocate", "stranger", "pw", "core", [])
    assert one("user.update", 3, 'A="1"', 1, session="boss:pw")[2] == 512
    assert one("group.addadmin", 100, 2)[0]
    assert one("user.update", 3, 'A="1"', 1, session="boss:pw")[0]
    assert one("user.update", 4, 'A="1"', 1, session="boss:pw")[2] == 512
    assert one("group.deladmin", 100, 2)[0]
    assert one("user.update", 3, 'A="1"', 1, session="boss:pw")[2] == 512


def test_quotas_are_kept_and_shown(one):
    one("user.allocate", "alice", "pw", "core", [])
    assert one("user.quota", 2, 'VM=[VMS="5",CPU="2.5"] DATASTORE=[ID="1",SIZE="-2"]')[0]
    shown = one("user.info", 2)[1]
    assert "<VMS><![CDATA[5]]></VMS><VMS_USED><![CDATA[0]]></VMS_USED>" in shown
    assert "<CPU><![CDATA[2.50]]></CPU>" in shown
    assert "<DATASTORE><ID><![CDATA[1]]></ID>" in shown
    one("user.quota", 2, 'VM=[VMS="-1",CPU="-1"] DATASTORE=[ID="1",SIZE="-1"]')
    assert "<VM_QUOTA></VM_QUOTA>" in one("user.info", 2)[1]


def body_of(*values, method="one.host.info"):
    params = "".join(f"<param><value>{value}</value></param>" for value in values)
    return f"<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>".encode()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("<int/>", "<int> XML element content is empty"),
        ("<i8> 1</i8>", "<i8> content ' 1' starts with white space"),
        ("<int>-</int>", "<int> value '-' contains non-numerical junk: '-'"),
        ("<i8>1e3</i8>", "<i8> value '1e3' contains non-numerical junk: 'e3'"),
        (f"<int>{'9' * 5000}</int>", "represents a number beyond the range"),
        ("<boolean>yes</boolean>", "must be either '0' or '1', not 'yes'"),
        ("<base64>a</base64>", "<base64> element"),
        ("<array><data>" + "<value><array><data>" * 100, "Nested data structure too deep."),
    ],
)
def test_values_that_cannot_be_read_are_faults(simulator, value, why):
    status, dummy, answer = exchange(simulator, body_of(value))
    assert status == 200
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(answer)
    assert caught.value.faultCode == -503
    assert why in caught.value.faultString


@pytest.mark.parametrize(
    ("method", "parameters", "code"),
    [
        ("system.methodHelp", [5], -501),
        ("system.methodExist", [], -501),
        ("system.multicall", ["x"], -501),
        ("system.methodSignature", ["one.nosuch"], -506),
    ],
)
def test_introspection_refuses_what_it_cannot_read(simulator, method, parameters, code):
    with xmlrpc.client.ServerProxy(simulator.url) as proxy, pytest.raises(xmlrpc.client.Fault) as caught:
        getattr(proxy, method)(*parameters)
    assert caught.value.faultCode == code


def test_multicall(simulator):
    calls = [
        {"methodName": "one.system.version", "params": ["oneadmin:opennebula"]},
        {"methodName": "one.nosuch", "params": []},
        {"methodName": "system.multicall", "params": [[]]},
        7,
    ]
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        good, *bad = proxy.system.multicall(calls)
    assert good == [[True, "7.4.0", 0]]
    assert [each["faultCode"] for each in bad] == [-506, -507, -501]


def test_a_connection_is_kept_alive_only_when_both_want_it():
    kept = Simulator(Options(delay=0), keep_alive=True).start()
    try:
        connection = http.client.HTTPConnection(urlsplit(kept.url).netloc, timeout=5)
        for wish, answer in (("", "Keep-Alive"), ("", "Keep-Alive"), ("close", "close")):
            connection.request("POST", "/RPC2", body_of(method="system.listMethods"), {"Connection": wish})
            response = connection.getresponse()
            assert response.getheader("Connection") == answer
            assert b"one.vm.info" in response.read()
        assert connection.sock is None
    finally:
        kept.stop()


def test_calls_on_many_connections_do_not_wait_for_a_silent_one(simulator, one):
    with socket.create_connection(urlsplit(simulator.url).netloc.split(":")):
        assert one("system.version")[0]


def test_oneflow_has_its_usual_port_unless_another_cloud_has_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with mock.patch.object(main, "FLOW_PORT", port):
            assert main.flow_port_for("127.0.0.1", 2699) == 0
    with mock.patch.object(main, "FLOW_PORT", port):
        assert main.flow_port_for("127.0.0.1", 0) == 0
        assert main.flow_port_for("127.0.0.1", 2699) == port


def test_a_port_that_is_taken_is_one_sentence(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main.main(["--port", str(port), "--flow-port", "0"]) == 1
    told = f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --port or --flow-port.\n"
    assert capsys.readouterr().err == told
