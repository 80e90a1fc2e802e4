# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What exceptions carry, and what they never show."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneConnectionException,
    OneException,
    OneNoExistsException,
    OneProtocolException,
    OneReadOnlyException,
    OneServer,
    OneTemplateException,
    OneTimeoutException,
    codec,
    constants,
    errors,
)
from loopback import http

PASSWORD = "s3cret-w0rd"
SESSION = "alice:" + PASSWORD
FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OneException)]


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_exception_says_what_it_is_for(kind):
    error = kind("no", "one.host.info", 0x400, 7)
    assert (str(error), error.message, error.method, error.code, error.object_id) == (
        "no",
        "no",
        "one.host.info",
        0x400,
        7,
    )
    assert kind.__doc__
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert (type(other), vars(other)) == (kind, vars(error))
    assert (kind().message, kind().method, kind().code, kind().object_id) == ("", None, None, None)


def test_every_code_has_an_exception():
    assert set(errors.BY_CODE) == {int(code) for code in constants.ERROR_CODES} - {0}
    assert len(set(errors.BY_CODE.values())) == len(errors.BY_CODE)
    error = errors.failure("new", "one.vm.info", 0x20000, 1)
    assert (type(error), error.code) == (OneException, 0x20000)


def broken(client, endpoint, simulator):
    """(expected exception, call) for each way to fail."""
    one = client(simulator.url, SESSION)
    admin = client(simulator.url)
    garbled = client(endpoint(http(b"<html>")).url, SESSION, retries=0)
    return {
        "authentication": (OneException, lambda: one.host.info(0)),
        "absent": (OneNoExistsException, lambda: admin.host.info(7)),
        "argument": (OneArgumentException, lambda: one.host.info("x")),
        "unsendable": (OneArgumentException, lambda: one.host.rename(0, "\x00")),
        "template": (OneTemplateException, lambda: one.host.update(0, {"A": None})),
        "fault": (OneProtocolException, lambda: admin.call("one.nonsense.info")),
        "read-only": (OneReadOnlyException, lambda: client(simulator.url, read_only=True).host.delete(0)),
        "garbled": (OneProtocolException, lambda: garbled.host.info(0)),
        "gone": (OneConnectionException, lambda: client("http://127.0.0.1:1", SESSION, retries=0).host.info(0)),
        "silent": (OneTimeoutException, lambda: silent(client, endpoint).host.info(0)),
    }


def silent(client, endpoint):
    return client(endpoint(lambda connection: connection.recv(1)).url, SESSION, timeout=0.1, retries=0)


WAYS = (
    "authentication",
    "absent",
    "argument",
    "unsendable",
    "template",
    "fault",
    "read-only",
    "garbled",
    "gone",
    "silent",
)


@pytest.mark.parametrize("way", WAYS)
def test_the_method_is_told_and_no_secret_is(client, endpoint, simulator, way):
    expected, call = broken(client, endpoint, simulator)[way]
    with pytest.raises(expected) as caught:
        call()
    error = caught.value
    assert error.method.startswith("one.")
    assert error.message
    assert error.object_id == (7 if way == "absent" else error.object_id)
    assert shown(error).count(PASSWORD) == 0
    assert "opennebula:" not in shown(error)


def shown(error):
    """All that anyone prints of an exception: with the values of variables, from the client's own frames."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    whole.stack = traceback.StackSummary.from_list(frame for frame in whole.stack if "/plugins/" in frame.filename)
    assert whole.stack
    return "".join(whole.format()) + repr(error) + str(error) + repr(error.__cause__) + repr(error.__context__)


def test_what_an_endpoint_sends_back_is_not_shown(client, endpoint):
    body = (
        "<methodResponse><params><param><value><array><data><value><boolean>0</boolean></value>"
        f"<value><string>who is {SESSION}?</string></value><value><i4>256</i4></value>"
        "</data></array></value></param></params></methodResponse>"
    )
    with pytest.raises(OneException) as caught:
        client(endpoint(http(body.encode())).url, SESSION).host.info(0)
    assert str(caught.value) == caught.value.message == "who is ***?"
    assert PASSWORD not in shown(caught.value)


POOL = "<VM_POOL><VM><ID>%s</ID><NAME>%s</NAME><TEMPLATE>%s</TEMPLATE></VM></VM_POOL>"


@pytest.mark.parametrize(
    ("document", "touch"),
    [
        (POOL % ("x", "", ""), lambda pool: pool.VM[0].ID),
        (POOL % ("1", "", "<A><B></A>"), lambda pool: pool.VM[0].TEMPLATE["A"]),
        (POOL % ("1", "", "<A><B></A>"), lambda pool: dict(pool.VM[0].TEMPLATE)),
        (POOL % ("1", "<b></c>", ""), lambda pool: pool.VM[0].NAME),
        (POOL % ("1", "<b></c>", ""), lambda pool: pool.VM[0].to_xml()),
        ("<VM_POOL><NEW><ID></VM_POOL>", lambda pool: pool.NEW),
    ],
)
@pytest.mark.parametrize("long", [False, True])
def test_what_is_found_out_late_names_the_method(client, endpoint, monkeypatch, document, touch, long):
    monkeypatch.setattr(codec, "LONG", 0 if long else codec.LONG)
    answer = answer_with(document)
    with pytest.raises(OneProtocolException) as caught:
        touch(client(endpoint(http(answer)).url, SESSION).vmpool.info(-2, -1, -1, -2))
    assert caught.value.method == "one.vmpool.info"
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def answer_with(document):
    """The body of an answer that holds a document."""
    text = document.replace("<", "&lt;").replace(">", "&gt;")
    return (
        "<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value>"
        f"<value><string>{text}</string></value><value><i4>0</i4></value></data></array></value></param></params>"
        "</methodResponse>"
    ).encode()


def test_clients_and_methods_show_no_secret(simulator):
    one = OneServer(simulator.url.replace("://", f"://me:{PASSWORD}@"), session=SESSION)
    for thing in (one, one.user, one.user.passwd):
        assert PASSWORD not in repr(thing)
    one.server_close()


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.user.passwd(0, PASSWORD + "\x00"),
        lambda one: one.user.allocate("alice", PASSWORD, 3),
        lambda one: one.user.update(0, {"SSH_PASSPHRASE": PASSWORD + "\x00"}),
        lambda one: one.user.update(0, {"SSH_PASSPHRASE": [[PASSWORD]]}),
        lambda one: one.user.login("alice", PASSWORD, "x"),
    ],
)
def test_refused_arguments_are_not_shown(one, call):
    with pytest.raises(OneException) as caught:
        call(one)
    assert PASSWORD not in str(caught.value) + repr(caught.value)
