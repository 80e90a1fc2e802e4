# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The client of OneFlow, against the simulator, and against answers that a test makes up."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
import traceback

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneActionException,
    OneApiException,
    OneArgumentException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneConnectionException,
    OneException,
    OneFlow,
    OneInternalException,
    OneNoExistsException,
    OneProtocolException,
    OneReadOnlyException,
    constants,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    flow as module,
)
from hypothesis import given
from hypothesis import strategies as st
from loopback import http
from project import ROOT, SHARED

SESSION = "oneadmin:opennebula"
ROLE = {"name": "web", "type": "vm", "template_id": 0, "cardinality": 1, "cooldown": 0}


@pytest.fixture
def connect():
    """connect(url or urls, **options) -> a OneFlow that is closed afterwards."""
    made = []

    def make(uri, session=SESSION, **options):
        made.append(OneFlow(uri, session=session, **options))
        return made[-1]

    yield make
    for found in made:
        found.server_close()


@pytest.fixture
def flow(simulator, connect, one):
    """A client of the simulator's OneFlow; there is a host, and VM template 0."""
    one.host.allocate("node1", "dummy", "dummy", 0)
    for datastore in range(3):
        one.datastore.update(datastore, 'TM_MAD="dummy" DS_MAD="dummy"', 1)
    one.template.allocate({"NAME": "mini", "CPU": 0.1, "MEMORY": 64})
    return connect(simulator.flow_url)


@pytest.fixture
def template(flow):
    return flow.create({"name": "app", "roles": [ROLE]})


@pytest.fixture
def service(flow, template):
    """A service that runs."""
    made = flow.instantiate(template.ID, name="shop")
    return running(flow, made.ID)


def running(flow, oid):
    end = time.monotonic() + 10
    while flow.service(oid).state_name != "RUNNING":
        assert time.monotonic() < end
    return flow.service(oid)


# ---------------------------------------------------------------- what the methods do


def test_a_template_as_it_is_kept(flow, template):
    assert (template.ID, template.NAME, template.UNAME, template.GNAME) == (0, "app", "oneadmin", "oneadmin")
    assert (template.UID, template.GID, template.state, template.state_name) == (0, 0, None, None)
    assert template.roles == [ROLE]
    assert template.body["deployment"] == "none"
    assert flow.service_templates() == [template] == [flow.service_template(0)]


def test_a_service_from_its_creation_to_its_end(flow, service):
    assert (service.NAME, service.state, service.failed, service.transient) == ("shop", 2, False, False)
    assert [line["message"] for line in service.log][-1] == "New state: RUNNING"
    assert [each.ID for each in flow.services()] == [service.ID]
    flow.scale(service.ID, "web", 2)
    running(flow, service.ID)
    assert len(flow.service(service.ID).roles[0]["nodes"]) == 2
    flow.add_role(service.ID, {**ROLE, "name": "db"})
    assert [role["name"] for role in running(flow, service.ID).roles] == ["web", "db"]
    flow.remove_role(service.ID, "web")
    assert [role["name"] for role in running(flow, service.ID).roles] == ["db"]
    flow.delete(service.ID)
    with pytest.raises(OneNoExistsException):
        flow.service(service.ID)


def test_a_held_service_is_released(flow):
    made = flow.create({"name": "held", "on_hold": True, "roles": [ROLE]})
    oid = flow.instantiate(made.ID).ID
    assert flow.service(oid).state_name == "HOLD"
    flow.release(oid)
    assert running(flow, oid)


def test_recover(simulator, flow, template, one):
    simulator.cloud.events.failures.append(("deploy", "vm-*"))
    oid = flow.instantiate(template.ID).ID
    assert flow.service(oid).failed
    simulator.cloud.events.failures.clear()
    flow.recover(oid)
    assert running(flow, oid)
    flow.recover(oid, delete=True)
    with pytest.raises(OneNoExistsException):
        flow.service(oid)


def test_actions_on_vms(flow, service, one):
    flow.role_action(service.ID, "web", "snapshot-create", period=5000, number=1, args="before")
    flow.role_action(service.ID, None, "reboot", period=5000)
    vm = one.vm.info(service.roles[0]["nodes"][0]["deploy_id"])
    asked = [(action["ACTION"], action["ARGS"]) for action in vm.TEMPLATE["SCHED_ACTION"]]
    assert asked == [("snapshot-create", "before"), ("reboot", "")]
    flow.delete_sched_action(service.ID, 4711)
    flow.delete_sched_action(service.ID, 4711, "web")


@pytest.mark.parametrize("kind", [None, "given"])
def test_rights_of_both_kinds(flow, service, template, one, kind):
    alice = one.user.allocate("alice", "secret", "core", [])
    for target, name in ((template, "service_template"), (service, "service")):
        named = {"kind": name} if kind else {}
        flow.chown(target.ID, alice, **named)
        flow.chmod(target.ID, 0o640, **named)
        flow.chgrp(target.ID, 1, **named)
        flow.rename(target.ID, "renamed", **named)
        found = getattr(flow, name)(target.ID)
        assert (found.UNAME, found.GNAME, found.NAME) == ("alice", "users", "renamed")
        assert (found["PERMISSIONS"]["OWNER_M"], found["PERMISSIONS"]["GROUP_U"]) == ("1", "1")
    flow.chown(template.ID, -1, 0)
    assert flow.service_template(template.ID).GNAME == "oneadmin"


def test_copies(flow, template, one):
    assert flow.clone(template.ID, "copy").NAME == "copy"
    copy = flow.clone(template.ID, "deep", recursive="templates")
    assert one.template.info(copy.roles[0]["template_id"]).NAME == "mini-deep"
    flow.delete(copy.ID, recursive="templates")
    assert [each.NAME for each in one.templatepool.info(-2, -1, -1).VMTEMPLATE] == ["mini"]


def test_purge(flow):
    flow.purge_done()


# ---------------------------------------------------------------- what OneFlow does not do, or half


def test_chown_of_a_template_leaves_its_group(flow, template, one):
    alice = one.user.allocate("alice", "secret", "core", [])
    flow.chgrp(template.ID, 1)
    flow.chown(template.ID, alice)
    assert flow.service_template(template.ID).GNAME == "users"


def test_an_update_keeps_labels_and_renames(flow, template):
    flow.update_attributes(template.ID, {"LABELS": "a,b"})
    found = flow.update(template.ID, {"name": "second", "description": "two", "roles": [ROLE]})
    assert (found.NAME, found.labels, found.body["description"]) == ("second", ["a", "b"], "two")
    found = flow.update(template.ID, {"deployment": "straight"}, append=True)
    assert (found.body["description"], found.body["deployment"], found.labels) == ("two", "straight", ["a", "b"])


def test_a_renamed_template_gives_its_name_to_services(flow, template):
    flow.rename(template.ID, "second")
    assert flow.instantiate(template.ID).NAME == "second"


def test_services_are_updated(flow, service):
    assert flow.update(service.ID, {"description": "two"}, append=True).body["description"] == "two"
    whole = dict(flow.service(service.ID).body, description="three")
    assert flow.update(service.ID, whole, kind="service").body["description"] == "three"


@pytest.mark.parametrize(
    "ask",
    [
        lambda flow, oid: flow.chown(oid, 4711),
        lambda flow, oid: flow.chgrp(oid, 4711),
        lambda flow, oid: flow.request("POST", f"/service_template/{oid}/action", {"action": {"perform": "bogus"}}),
        lambda flow, oid: flow.update(oid, {"registration_time": 1, "description": "x"}, append=True),
    ],
    ids=["owner", "group", "action", "content"],
)
def test_what_oneflow_accepts_and_does_not_do_is_an_error(flow, template, ask):
    with pytest.raises((OneActionException, OneApiException), match=r"has not done it|has ignored"):
        ask(flow, template.ID)


@pytest.mark.parametrize(
    "ask",
    [
        lambda flow: flow.rename(99, "x"),
        lambda flow: flow.chmod(99, 0o600, kind="service_template"),
        lambda flow: flow.update(99, {"description": "x"}, append=True, kind="service_template"),
        lambda flow: flow.clone(99, "x"),
        lambda flow: flow.instantiate(99),
        lambda flow: flow.delete(99),
        lambda flow: flow.scale(99, "web", 2),
        lambda flow: flow.service(0),  # it is a template
        lambda flow: flow.service_template(99),
    ],
)
@pytest.mark.usefixtures("template")
def test_an_id_that_does_not_exist(flow, ask):
    with pytest.raises(OneNoExistsException) as caught:
        ask(flow)
    assert caught.value.code == constants.ERROR_CODES.NO_EXISTS
    assert caught.value.status in (404, 500)
    assert caught.value.object_id in (0, 99)


@pytest.mark.parametrize(
    "ask",
    [
        lambda flow: flow.service("1"),
        lambda flow: flow.service(True),
        lambda flow: flow.service(-1),
        lambda flow: flow.rename(0, ""),
        lambda flow: flow.chmod(0, 640),
        lambda flow: flow.chmod(0, "rw-"),
        lambda flow: flow.scale(0, "web", -1),
        lambda flow: flow.scale(0, "web", "2"),
        lambda flow: flow.role_action(0, "web", "bogus"),
        lambda flow: flow.clone(0, "x", recursive="images"),
        lambda flow: flow.delete(0, recursive=True),
        lambda flow: flow.delete(0, kind="vm"),
        lambda flow: flow.create([]),
        lambda flow: flow.create({"name": "x", "roles": {1, 2}}),
        lambda flow: flow.create({"name": "x", "cooldown": float("nan")}),
    ],
)
def test_arguments_that_do_not_fit_are_not_sent(connect, ask):
    with pytest.raises(OneArgumentException):
        ask(connect("http://127.0.0.1:1", retries=0))


@given(st.integers(0, 0o777))
def test_permissions_in_all_forms(mode):
    assert module._octal(mode) == module._octal(f"{mode:03o}") == module._octal(f"0{mode:03o}") == f"{mode:03o}"


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("ask", "kind", "status", "message"),
    [
        (lambda flow: flow.create({"name": "x"}), OneApiException, 400, "'roles (array)' is missing"),
        (lambda flow: flow.recover(1), OneActionException, 500, "cannot be recovered in state: RUNNING"),
        (lambda flow: flow.release(1), OneActionException, 500, "no roles in HOLD"),
        (lambda flow: flow.scale(1, "nobody", 2), OneInternalException, 500, "Role nobody not found"),
        (
            lambda flow: flow.add_role(1, {**ROLE, "name": "x", "template_id": 9}),
            OneInternalException,
            500,
            "Template 9",
        ),
        (
            lambda flow: flow.request("POST", "/service/1/scale", {"role_name": "web"}),
            OneInternalException,
            500,
            "Internal server error",
        ),
    ],
)
@pytest.mark.usefixtures("service")
def test_errors_are_of_the_family_with_the_words_of_the_server(flow, ask, kind, status, message):
    with pytest.raises(OneException, match=re.escape(message)) as caught:
        ask(flow)
    assert caught.type is kind
    assert caught.value.status == status
    assert constants.ERROR_CODES(caught.value.code)
    assert re.match(r"(POST|PUT) /service", caught.value.method)
    assert "\n" not in caught.value.message


def test_who_is_not_known_and_who_may_not(simulator, flow, service, connect, one):
    one.user.allocate("alice", "secret", "core", [])
    with pytest.raises(OneAuthorizationException, match="Not authorized"):
        connect(simulator.flow_url, "alice:secret").service(service.ID)
    with pytest.raises(OneAuthenticationException, match="Invalid credentials"):
        connect(simulator.flow_url, "alice:other").services()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (http(b"<html>nothing here</html>", "404 Not Found"), "HTTP 404"),
        (http(b"", "301 Moved"), "HTTP 301"),
        (http(b"{"), "not JSON"),
        (http(b"[]"), "none of OneFlow"),
        (http(b'{"DOCUMENT_POOL": 5}'), "none of OneFlow"),
        (http(b"teapot", "418 Teapot"), "HTTP 418"),
    ],
)
def test_what_is_no_oneflow(endpoint, connect, answer, message):
    with pytest.raises(OneProtocolException, match=message):
        connect(endpoint(answer).url).services()


def test_an_error_in_an_object(endpoint, connect):
    server = endpoint(http(b'{"error": {"message": "no way"}}', "500 Oops"))
    with pytest.raises(OneInternalException, match="no way"):
        connect(server.url).services()


@pytest.mark.parametrize("answer", [b'{"DOCUMENT_POOL": {}}', b'{"DOCUMENT_POOL": {"DOCUMENT": []}}'])
def test_an_empty_pool(endpoint, connect, answer):
    assert connect(endpoint(http(answer)).url).services() == []


def test_reads_are_asked_again_and_writes_are_not(endpoint, connect):
    lost = http(b"", "503 Service Unavailable")
    server = endpoint(lost, http(b'{"DOCUMENT_POOL": {}}'))
    assert connect(server.url).services() == []
    assert len(server.requests) == 2
    server = endpoint(lost)
    with pytest.raises(OneConnectionException) as caught:
        connect(server.url).purge_done()
    assert (caught.value.sent, len(server.requests)) == (True, 1)


def test_the_second_endpoint_takes_over(endpoint, connect):
    nobody = "http://127.0.0.1:1"
    client = connect([nobody, endpoint(http(b"", "204 No Content")).url], retries=0)
    client.purge_done()
    assert client._transport.endpoints[0].shown != nobody


def test_it_is_loaded_when_it_is_asked_for():
    code = "import sys, pyone; loaded = set(sys.modules); pyone.OneFlow; print(*loaded & {'pyone.flow', 'json'})"
    path = {"PYTHONPATH": str(ROOT / "plugins/module_utils"), "PATH": ""}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_request_as_sent(endpoint, connect):
    server = endpoint(http(b"", "204 No Content"))
    client = connect(server.url.replace("/RPC2", "/flow/"), "user:p\u00e4ss")
    client.scale(3, "web", 2)
    client.delete_sched_action(3, 1, "a/b")
    assert server.connections == 1
    assert server.heads[0].startswith("POST /flow/service/3/scale HTTP/1.1\r\n")
    assert server.heads[1].startswith("DELETE /flow/service/3/role/a%2Fb/sched_action/1 HTTP/1.1\r\n")
    assert "Authorization: Basic dXNlcjpww6Rzcw==" in server.heads[0]
    assert json.loads(server.requests[0]) == {"role_name": "web", "cardinality": 2, "force": False}


def test_the_session_is_in_no_message_and_no_traceback(endpoint, connect):
    server = endpoint(http(b"who is oneadmin:s3cret?", "500 Oops"))
    client = connect(server.url, "oneadmin:s3cret")
    with pytest.raises(OneInternalException) as caught:
        client.services()
    shown = "".join(traceback.format_exception(caught.value)) + repr(client) + repr(caught.value.args)
    assert "s3cret" not in shown
    assert "who is ***?" in caught.value.message


def test_a_read_only_client_writes_nothing(simulator, flow, template, connect):
    asked = []
    client = connect(simulator.flow_url, read_only=True, on_call=asked.append)
    assert client.service_template(template.ID).NAME == "app"
    for write in (lambda: client.instantiate(template.ID), lambda: client.create({}), client.purge_done):
        with pytest.raises(OneReadOnlyException):
            write()
    assert asked == [f"GET /service_template/{template.ID}"]


def test_endpoint_and_session_of_the_environment(simulator, monkeypatch):
    for name, value in (("URL", simulator.flow_url), ("USER", "oneadmin"), ("PASSWORD", "opennebula")):
        monkeypatch.setenv(f"ONEFLOW_{name}", value)
    with OneFlow() as client:
        assert client.services() == []
    monkeypatch.delenv("ONEFLOW_URL")
    with pytest.raises(OneException, match="ONEFLOW_URL"):
        OneFlow(session=SESSION)


# ---------------------------------------------------------------- twins


def test_states_are_those_of_the_constants():
    names = [state.name for state in constants.SERVICE_STATES]
    assert names == module.STATES
    assert module.FAILED_STATES == constants.SERVICE_FAILED_STATES
    assert module.TRANSIENT_STATES == constants.SERVICE_TRANSIENT_STATES


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared")
def test_every_route_of_the_reference_has_a_method(endpoint, connect):
    text = (SHARED / "reference/oneflow.md").read_text(encoding="utf-8")
    table = text.partition("## Routes")[2].partition("##")[0]
    wanted = {
        (verb, re.sub(r"/[A-Z]+", "/X", path))
        for row in re.findall(r"^\| ([A-Z]+ /.*?) \|", table, re.MULTILINE)
        for verb, paths in [row.split(" ", 1)]
        for path in paths.split(", ")
    }
    asked = []
    client = connect(endpoint(http(b"", "204 No Content")).url, on_call=asked.append)
    for call in ALL_CALLS:
        with contextlib.suppress(OneProtocolException):  # an answer without a document
            call(client)
    assert {(verb, re.sub(r"/(\d+|web)\b", "/X", path)) for verb, path in (line.split() for line in asked)} == wanted


KIND = {"kind": "service_template"}
ALL_CALLS = [
    lambda flow: flow.services(),
    lambda flow: flow.service(1),
    lambda flow: flow.service_templates(),
    lambda flow: flow.service_template(1),
    lambda flow: flow.create({}),
    lambda flow: flow.update(1, {}, kind="service"),
    lambda flow: flow.request("PUT", "/service_template/1", {}),
    lambda flow: flow.delete(1, kind="service"),
    lambda flow: flow.delete(1, **KIND),
    lambda flow: flow.instantiate(1),
    lambda flow: flow.recover(1),
    lambda flow: flow.scale(1, "web", 1),
    lambda flow: flow.add_role(1, {}),
    lambda flow: flow.role_action(1, "web", "reboot"),
    lambda flow: flow.delete_sched_action(1, 1),
    lambda flow: flow.delete_sched_action(1, 1, "web"),
    lambda flow: flow.purge_done(),
]
