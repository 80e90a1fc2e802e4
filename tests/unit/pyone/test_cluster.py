# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Several servers of one OpenNebula, of which one leads: nothing is lost and nothing is done twice."""

from __future__ import annotations

import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneConnectionException,
    OneInternalException,
    OneLeaderException,
    OneServer,
    transport,
)

SESSION = "oneadmin:opennebula"
READS = (b".info<", b".version<")
# What oned says, by the state of the server; what reads is answered by any of them.
REFUSALS = {
    "lost": "[one.host.allocate] Cannot process request, no leader found",
    "election": "[one.host.allocate] Cannot process request, oned cluster in election mode",
    "catching up": "Cannot process request, oned cluster is replicating log",
    "read-only": "[one.host.allocate] Cannot process request, zone disabled",
}
NO_LEADER = ("lost", "election", "catching up")


def refusal(message):
    values = f"<value><boolean>0</boolean></value><value><string>{message}</string></value><value><i4>8192</i4></value>"
    values += "<value><i4>-1</i4></value><value><i8>-1</i8></value>"
    body = f"<methodResponse><params><param><value><array><data>{values}</data></array></value></param></params>"
    return (body + "</methodResponse>").encode()


class Node:
    """A server of a cluster; `state` is leading (or following one that is), dead, or one of REFUSALS."""

    def __init__(self, cloud, state="leading"):
        self.state = state
        self.writes = 0
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = node.answer(cloud, body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/RPC2" % self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, cloud, body):
        """What the server says; None: nothing, it is dead."""
        if self.state == "dead":
            return None
        if not any(name in body for name in READS):
            self.writes += 1
            if self.state in REFUSALS:
                return refusal(REFUSALS[self.state])
        return cloud.xmlrpc(body)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def cluster(simulator):
    """cluster(*states) -> its Nodes."""
    made = []

    def make(*states):
        made.extend(Node(simulator, state) for state in states)
        return made

    yield make
    for node in made:
        node.close()


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when the client waits; `then` is called each time."""
    found = SimpleNamespace(now=0.0, pauses=[], then=lambda: None)

    def sleep(seconds):
        found.now += seconds
        found.pauses.append(seconds)
        found.then()

    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=sleep))
    return found


def allocated(one, name="node1"):
    return one.host.allocate(name, "dummy", "dummy", -1)


def hosts(simulator):
    with OneServer(simulator.url, session=SESSION) as one:
        return sorted(host.NAME for host in one.hostpool.info().HOST)


def urls(nodes):
    return [node.url for node in nodes]


@pytest.mark.parametrize("state", NO_LEADER)
def test_a_write_goes_to_a_server_that_knows_a_leader(simulator, cluster, client, clock, state):
    nodes = cluster(state, "leading")
    one = client(urls(nodes))
    assert [allocated(one), allocated(one, "node2")] == [0, 1]
    assert hosts(simulator) == ["node1", "node2"]
    assert ([node.writes for node in nodes], clock.pauses) == ([1, 2], [])  # and stays with it


@pytest.mark.parametrize("state", NO_LEADER)
def test_an_election_is_waited_for(simulator, cluster, client, clock, state):
    nodes = cluster(state, state, "lost")
    clock.then = lambda: setattr(nodes[1], "state", "leading" if len(clock.pauses) == 5 else state)
    assert allocated(client(urls(nodes))) == 0
    assert hosts(simulator) == ["node1"]
    assert clock.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])


def test_a_cluster_without_a_leader_is_given_up(simulator, cluster, client, clock):
    nodes = cluster("lost", "election")
    with pytest.raises(OneLeaderException, match=r"no leader found|election") as caught:
        allocated(client(urls(nodes)))
    assert isinstance(caught.value, OneInternalException)
    assert (caught.value.sent, caught.value.method, caught.value.code) == (False, "one.host.allocate", 0x2000)
    assert 30 <= clock.now < 33
    assert max(clock.pauses) == 2
    assert hosts(simulator) == []


def test_the_time_limit_holds_while_there_is_no_leader(cluster, client, clock):
    with pytest.raises(OneLeaderException):
        allocated(client(urls(cluster("lost")), timeout=5))
    assert clock.now < 5


def test_no_repetitions_are_no_repetitions(cluster, client, clock):
    nodes = cluster("lost")
    with pytest.raises(OneLeaderException):
        allocated(client(urls(nodes), retries=0))
    assert (nodes[0].writes, clock.pauses) == (1, [])


def test_a_zone_that_is_read_only_refuses_once(simulator, cluster, client, clock):
    nodes = cluster("read-only", "read-only")
    one = client(urls(nodes))
    with pytest.raises(OneInternalException, match="zone disabled") as caught:
        allocated(one)
    assert not isinstance(caught.value, OneLeaderException)
    assert [node.writes for node in nodes] == [1, 0]
    assert one.hostpool.info().HOST == []


def test_what_reads_is_answered_without_a_leader(cluster, client, clock):
    assert client(urls(cluster("election"))).hostpool.info().HOST == []
    assert clock.pauses == []


def test_a_dead_server_is_passed_over_by_reads(cluster, client, clock):
    assert client(urls(cluster("dead", "leading"))).hostpool.info().HOST == []


def test_a_server_that_dies_during_a_write_may_have_done_it(simulator, cluster, client, clock):
    nodes = cluster("dead", "leading")
    with pytest.raises(OneConnectionException) as caught:
        allocated(client(urls(nodes)))
    assert caught.value.sent
    assert nodes[1].writes == 0


def test_a_leader_that_changes_in_the_middle(simulator, cluster, client, clock):
    """At every second write another server leads, and for some pauses none does."""
    nodes = cluster("leading", "lost", "election")
    leaders = itertools.cycle(nodes)
    one = client(urls(nodes))

    def elect(leader):
        for node in nodes:
            node.state = "leading" if node is leader else "election"

    for number in range(12):
        if number % 2:
            elect(None)
            clock.then = lambda: len(clock.pauses) % 3 == 0 and elect(next(leaders))
        allocated(one, f"node{number:02}")
    assert hosts(simulator) == [f"node{number:02}" for number in range(12)]
    assert one.host.info(0).NAME == "node00"
