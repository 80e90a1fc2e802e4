# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which server a call goes to: oned, OneFlow, or another zone of the federation."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import federation, flow
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Unreachable
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneActionException,
    OneApiException,
    OneConnectionException,
    OneException,
    OneInternalException,
    OneProtocolException,
)
from fake_vms import Element, cloud, refusal

# ---------------------------------------------------------------- OneFlow

LOGIN = {"api_username": "me", "api_password": "x"}


class Recording:
    """A client that tells its calls; OneFlow's methods are all there."""

    def __init__(self, *arguments, **options):
        self.made = arguments, options
        self.calls = []
        self.closed = False
        self.answers = {}

    def call(self, method, *arguments):
        self.calls.append((method, *arguments))
        return "of oned"

    def server_close(self):
        self.closed = True

    def __getattr__(self, name):
        def work(*arguments, **options):
            self.calls.append((name, arguments, options))
            answer = self.answers.get(name, SimpleNamespace(ID=7))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return work


@pytest.fixture
def clients(monkeypatch, tmp_path):
    """clients(**options) → (Clients, the client of oned, that of OneFlow); each is made when it is first needed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ONE_URL", "ONE_XMLRPC"):
        monkeypatch.delenv(name, raising=False)
    made = {}

    def maker(name):
        def make(*arguments, **options):
            assert name not in made, "one is made for a task"
            made[name] = Recording(*arguments, **options)
            return made[name]

        return make

    monkeypatch.setattr(flow, "connect", maker("oned"))
    monkeypatch.setattr(flow, "OneFlow", maker("flow"))

    def start(warn=None, **options):
        given = {"api_url": "https://one:2633/RPC2", **LOGIN, **options}
        return flow.Clients(given, read_only=True, on_call=print, warn=warn), made

    return start


def test_calls_go_to_oned_or_to_oneflow(clients):
    found, made = clients()
    assert found.call("vm.info", 3) == "of oned"
    assert list(made) == ["oned"]
    found.call("flow.service.info", 5)
    found.call("flow.service.info", 5)
    assert made["oned"].calls == [("vm.info", 3)]
    assert made["flow"].calls == [("service", (5,), {})] * 2
    given, options = made["oned"].made
    assert given == ({"api_url": "https://one:2633/RPC2", **LOGIN},)
    assert options == {"warn": None, "read_only": True, "on_call": print}
    given, options = made["flow"].made
    assert given == (["https://one:2474"], "me:x")
    assert options == {"read_only": True, "on_call": print, "timeout": None, "context": None, "https_verify": True}


@pytest.mark.parametrize(
    ("method", "arguments", "call", "answer"),
    [
        ("flow.service.info", (5,), ("service", (5,), {}), None),
        ("flow.service_template.info", (5,), ("service_template", (5,), {}), None),
        ("flow.service.chmod", (5, 1, 1, 0, 1, 0, 0, 0, 0, 1), ("chmod", (5, 0b110100001), {"kind": "service"}), None),
        ("flow.service_template.delete", (5, "all"), ("delete", (5, "all"), {"kind": "service_template"}), None),
        ("flow.service.rename", (5, "x"), ("rename", (5, "x"), {"kind": "service"}), None),
        ("flow.service.update", (5, {}), ("update", (5, {}), {"kind": "service"}), None),
        ("flow.service.chown", (5, 2), ("chown", (5, 2), {"kind": "service"}), None),
        ("flow.service.chgrp", (5, 2), ("chgrp", (5, 2), {"kind": "service"}), None),
        ("flow.service.recover", (5, True), ("recover", (5, True), {}), None),
        ("flow.service_template.clone", (5, "x"), ("clone", (5, "x"), {}), 7),
        ("flow.service_template.create", ({},), ("create", ({},), {}), 7),
        ("flow.service_template.instantiate", (5, {}), ("instantiate", (5, {}), {}), 7),
    ],
)
def test_methods_of_oneflow(clients, method, arguments, call, answer):
    found, made = clients()
    result = found.call(method, *arguments)
    assert made["flow"].calls == [call]
    assert (result if answer is not None else None) == answer


def test_what_is_done_is_not_among_the_services(clients):
    found, made = clients()
    found._oneflow()
    services = [SimpleNamespace(state=2), SimpleNamespace(state=5), SimpleNamespace(state=0)]
    made["flow"].answers = {"services": services, "service_templates": services[:1]}
    assert services[::2] == found.call("flow.service.pool").DOCUMENT
    assert services[:1] == found.call("flow.service_template.pool").DOCUMENT


@pytest.mark.parametrize("kind", [OneConnectionException, OneProtocolException])
def test_what_oneflow_does_not_answer_says_where_it_was_looked_for(clients, kind):
    found, made = clients()
    found._oneflow()
    made["flow"].answers = {"service": kind("No answer")}
    with pytest.raises(kind) as caught:
        found.call("flow.service.info", 5)
    assert caught.value.message == "OneFlow (port 2474 of the host of api_url): No answer"


LACKING = "the user may lack the right MANAGE on it (it belongs to ann, group staff)"


def log(*messages):
    """A service whose log has these messages; "new…" and what follows are of a later moment than the others."""
    lines = [
        {"message": text, "timestamp": sum("new" in each for each in messages[: number + 1]) > 0}
        for number, text in enumerate(messages)
    ]
    return SimpleNamespace(log=lines, UNAME="ann", GNAME="staff")


@pytest.mark.parametrize(
    ("kind", "said", "service", "told"),
    [
        (OneActionException, "Error releasing role a: false", log(), f": {LACKING}"),
        (
            OneInternalException,
            "Error undeploying role a: Error undeploying nodes for role `a`",
            log("Not authorized: old", "x", "Not authorized: new", "y", "Not authorized: more"),
            ": Not authorized: new",
        ),
        (OneActionException, "Error releasing role a: false", log("Not authorized", *"123456"), f": {LACKING}"),
        (OneActionException, "Error releasing role a: false", log("Not authorized", *"12345"), ": Not authorized"),
        (OneActionException, "Error releasing role a: false", OneException("no"), ""),
        (OneActionException, "Error releasing role a: it is so", log(), ""),
        (OneApiException, "Error releasing role a: false", log(), ""),
    ],
)
def test_what_oneflow_does_not_say_is_found_in_the_log(clients, kind, said, service, told):
    found, made = clients()
    found._oneflow()
    made["flow"].answers = {"release": kind(said), "service": service}
    with pytest.raises(kind) as caught:
        found.call("flow.service.release", 5)
    assert caught.value.message == said + told
    assert made["flow"].calls[1:] == ([("service", (5,), {})] if told or isinstance(service, Exception) else [])


def test_what_cannot_be_sent_is_found_out_without_sending(clients):
    found, made = clients()
    found.request("flow.service.update", 5, {"a": 1})
    found.request("", 5)
    assert made == {}
    with pytest.raises(OneException):
        found.request("flow.service.update", object())
    found.request("vm.rename", 5, "x")
    found.go_on_with("me", "new")
    assert made["oned"].calls == [("request", ("vm.rename", 5, "x"), {}), ("go_on_with", ("me", "new"), {})]


def test_all_that_was_opened_is_closed(clients):
    with clients()[0]:
        pass
    found, made = clients()
    with found as entered:
        assert entered is found
        found.call("vm.info", 3)
    assert made["oned"].closed
    found._oneflow()
    found.__exit__(None, None, None)
    assert made["flow"].closed


def test_who_reaches_oneflow_without_encryption_is_warned(clients):
    warned = []
    found, _made = clients(warn=warned.append, flow_url="http://flow:2474,https://other")
    found._oneflow()
    assert len(warned) == 1
    assert warned[0].startswith("The endpoint http://flow:2474")


def test_a_client_of_oneflow_that_cannot_be_made_is_told(clients, monkeypatch):
    def fail(*arguments, **options):
        raise OneException("No good")

    monkeypatch.setattr(flow, "OneFlow", fail)
    assert refusal(clients()[0].call, "flow.service.info", 5)[0] == "Cannot connect to OneFlow: No good."


BESIDE = "port 2474 of the host of api_url"


@pytest.mark.parametrize(
    ("options", "files", "found"),
    [
        ({"flow_url": "http://a, http://b"}, {}, (["http://a", "http://b"], "flow_url or ONEFLOW_URL")),
        ({"api_url": "http://one:2474"}, {}, (["http://one:2474"], "api_url")),
        ({"api_url": "http://one/oneflow"}, {}, (["http://one/oneflow"], "api_url")),
        ({"api_url": "http://one:2633/RPC2"}, {}, (["http://one:2474"], BESIDE)),
        ({"api_url": "https://one/RPC2,http://two:1/RPC2"}, {}, (["https://one:2474", "http://two:2474"], BESIDE)),
        ({"api_url": "http://[::1]:2633/RPC2"}, {}, (["http://[::1]:2474"], BESIDE)),
        ({"api_url": "http://one:2633"}, {}, (["http://one:2474"], BESIDE)),
        ({"api_url": "http://one"}, {}, (["http://one:2474"], BESIDE)),
        ({"api_url": "https://one"}, {}, (["https://one:2474"], BESIDE)),
        (
            {"api_url": "http://one/RPC2"},
            {"oneflow_endpoint": "http://f"},
            (["http://f"], "~/.one/oneflow_endpoint"),
        ),
        ({}, {"one_endpoint": "http://one:2633/RPC2"}, (["http://one:2474"], BESIDE)),
    ],
)
def test_where_oneflow_is_looked_for(monkeypatch, tmp_path, options, files, found):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".one").mkdir()
    for name, text in files.items():
        (tmp_path / ".one" / name).write_text(text, encoding="utf-8")
    assert flow.flow_endpoint(options) == found


def test_without_an_endpoint_of_oneflow_the_option_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unreachable) as caught:
        flow.flow_endpoint({})
    assert caught.value.message == ("No endpoint of OneFlow: give flow_url, or set ONEFLOW_URL in the environment.")


@pytest.mark.parametrize(
    ("options", "environment", "url"),
    [
        ({"api_url": "http://one:2633/RPC2"}, {"ONE_URL": "http://a"}, "http://one:2633/RPC2"),
        ({"api_url": "http://one:2474"}, {"ONE_URL": "http://a", "ONE_XMLRPC": "http://b"}, "http://a"),
        ({"api_url": "http://one:2474"}, {"ONE_XMLRPC": "http://b"}, "http://b"),
        ({"api_url": "http://one:2474"}, {}, None),
        ({}, {"ONE_URL": ""}, None),
    ],
)
def test_where_oned_is_looked_for_beside_oneflow(monkeypatch, options, environment, url):
    for name in ("ONE_URL", "ONE_XMLRPC"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert flow._oned_url(options) == url


# ---------------------------------------------------------------- federation


def zones(*endpoints):
    found = [
        Element(ID=100 * number, NAME=f"zone{number}", TEMPLATE={} if text is None else {"ENDPOINT": text})
        for number, text in enumerate(endpoints)
    ]
    return Element(ZONE=found)


def member(mode="SLAVE", zone=100, **answers):
    """A cloud of the second zone of a federation."""
    config = Element(FEDERATION=Element(MODE=mode, ZONE_ID=zone))
    return cloud(**{"zonepool_info": zones("http://a", None, "-"), "system_config": config, **answers})


def test_the_own_zone_is_the_only_one_or_asked_for():
    alone = cloud(zonepool_info=zones("http://a"))
    assert (federation.here(alone), alone.one.calls) == (0, [("zonepool.info",)])
    assert federation.here(member()) == 100
    assert federation.mode_and_zone(member()) == ("SLAVE", 100)
    assert federation.mode_and_zone(member(mode="")) == ("STANDALONE", 100)
    denied = member(system_config=OneException("no", "one.system.config", 0x0200))
    assert refusal(federation.here, denied)[0] == "Cannot ask for the federation of the server: no."


GO = "Run this with api_url http://a, the endpoint of zone zone0."
GO_TO = "Run this with the endpoint of zone %s as api_url."


@pytest.mark.parametrize(
    ("said", "arguments", "text"),
    [
        ("Cannot reach federation master", (), GO),
        ("Do this on a master zone", (), GO),
        ("Only through the target zone", (0, "x"), GO),
        ("Only through the target zone", (100, "x"), GO_TO % "zone1"),
        ("Only through the target zone", (200, "x"), GO_TO % "zone2"),
        ("Only through the target zone", (300, "x"), GO_TO % "300"),
        ("It has to be deleted from zone 100", (), GO_TO % "zone1"),
        ("The marketplace is not in this OpenNebula zone", (5, 3), GO_TO % "zone1"),
        ("Nothing of this", (), ""),
    ],
)
def test_where_to_go_with_what_was_refused(said, arguments, text):
    found = member(market_info=lambda oid: Element(ID=oid, ZONE_ID="100") if oid == 3 else None)
    assert federation.direction(found, said, arguments) == text


def test_who_is_in_no_federation_or_may_not_ask_goes_nowhere():
    assert federation.direction(cloud(zonepool_info=zones("http://a")), "on a master zone", ()) == ""
    denied = cloud(zonepool_info=OneException("no", "one.zonepool.info", 0x0200))
    assert federation.direction(denied, "on a master zone", ()) == ""


@pytest.mark.parametrize("method", ["zone.addserver", "zone.delserver", "zone.enable", "zone.resetserver"])
def test_what_a_zone_does_itself_is_refused_elsewhere(method):
    assert federation.refuse_elsewhere(member(), "do it", method, (100,)) is None
    assert refusal(federation.refuse_elsewhere, member(), "do it", method, (0,)) == (
        f"Cannot do it: only the zone itself does this. {GO}",
        {"object": "zone", "id": 0},
    )
    alone = cloud(zonepool_info=zones("http://a"))
    assert federation.refuse_elsewhere(alone, "do it", method, (7,)) is None
    denied = member(system_config=OneException("no", "one.system.config", 0x0200))
    assert federation.refuse_elsewhere(denied, "do it", method, (0,)) is None


def test_other_methods_are_refused_nowhere():
    found = member()
    assert federation.refuse_elsewhere(found, "do it", "zone.rename", (0,)) is None
    assert found.one.calls == []


def looks(found, arrives):
    """How often a read is tried that has what was written at the try with a number, and the seconds that it takes."""
    tries = []
    start = found.clock.now()
    result = federation.replicated(
        found, "user", lambda: tries.append(1) or len(tries), lambda number: number >= arrives
    )
    return result, len(tries), round(found.clock.now() - start, 3)


def test_a_slave_is_asked_again_for_ten_seconds():
    assert looks(member(), 1) == (1, 1, 0)
    assert looks(member(), 3) == (3, 3, 0.4)
    result, tries, seconds = looks(member(), 1000)
    assert (result == tries, 10 <= seconds < 10.3) == (True, True)
    assert looks(member(mode="MASTER"), 3) == (1, 1, 0)
    assert looks(cloud(zonepool_info=zones("http://a")), 3) == (1, 1, 0)
    assert looks(member(system_config=OneException("no", "one.system.config", 0x0200)), 3) == (1, 1, 0)


@pytest.mark.parametrize(
    ("kind", "again"),
    [(kind, True) for kind in ("acl", "group", "marketapp", "marketplace", "user", "vdc", "zone")]
    + [(kind, False) for kind in ("image", "vm", "host")],
)
def test_only_what_zones_share_is_asked_for_again(kind, again):
    tries = []
    federation.replicated(member(), kind, lambda: tries.append(1), lambda found: len(tries) > 1)
    assert len(tries) == (2 if again else 1)
