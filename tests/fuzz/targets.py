# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is fuzzed: functions of bytes that raise where a parser breaks its law.

Any input has to give a value or one exception of the family.  What else a target asserts is in its docstring.
"""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace
from unittest import mock
from xml.etree import ElementTree

import yaml
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import labels, quotas, schedules
from ansible_collections.privazio.opennebula.plugins.module_utils._core import secrets, values
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure, described
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import info
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import address_ranges, security_group
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import context, selection, user_inputs
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    acl,
    codec,
    element,
    flow,
    template,
    transport,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.errors import OneException
from ansible_collections.privazio.opennebula.plugins.plugin_utils import inventory_facts, inventory_names, inventory_vms
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import document
from encodings_of_secrets import ENCODINGS
from opennebula_simulator import expressions
from opennebula_simulator.flow import expressions as scaling
from opennebula_simulator.flow import recurrence

CLOUD = SimpleNamespace(clock=SimpleNamespace(time=lambda: 1_800_000_000.0))
FAMILY = (OneException, Failure)


def whole(data: bytes) -> str:
    """An input as text."""
    return data.decode("utf-8", "replace")


def texts(data: bytes) -> list[str]:
    """The lines of an input as text."""
    return whole(data).splitlines()


def lines(data: bytes, count: int) -> list[str]:
    """So many lines of an input, the last with all that follows."""
    found = whole(data).split("\n", count - 1)
    return found + [""] * (count - len(found))


def pairs(data: bytes) -> dict[str, str]:
    """What an input has in lines such as NAME=text."""
    return dict(line.partition("=")[::2] for line in texts(data))


def fuzz_template(data: bytes) -> None:
    """What is read can be written, if the server would keep it, and is read as the same again."""
    with contextlib.suppress(OneException):
        content = template.read(data.decode("utf-8", "replace"))
        assert template.read(template.write(content)) == content


def fuzz_xml(data: bytes) -> None:
    """What a document gives when it is parsed, it gives when it is walked over, as a long one is."""
    found, body = outcome(data), escaped(data)
    assert found is None or found == outcome(codec.Text(body, 0, len(body)))


def escaped(data):
    return data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#13;")


def outcome(document):
    """What is in a document, as a text, for a number may be nan, which equals nothing; None where it is none."""
    with contextlib.suppress(OneException):
        return repr(content(element.parse(document)))
    return None


def content(value):
    """All that a view tells, as plain data."""
    if isinstance(value, element.Element):
        fields = {name: content(getattr(value, name, None)) for name in dir(value) if name.isupper()}
        return type(value).__name__, fields
    if isinstance(value, dict):
        return {name: content(item) for name, item in value.items()}
    return [content(item) for item in value] if isinstance(value, list) else value


def fuzz_xmlrpc(data: bytes) -> None:
    """An answer is decoded alike, whether long texts are left as they are or not; a text is encoded as itself."""
    assert decoded(data) == decoded(data, long=0)
    for text in texts(data):
        with contextlib.suppress(OneException):
            body = codec.encode("one.x", [text]).replace(b"methodCall>", b"methodResponse>")
            body = body.replace(b"<methodName>one.x</methodName>", b"")
            assert codec.decode(body)[1] == text


def decoded(data, long=codec.LONG):
    with mock.patch.object(codec, "LONG", long), contextlib.suppress(OneException):
        return [bytes(value) if isinstance(value, codec.Text) else value for value in codec.decode(data)]
    return None


def fuzz_acl(data: bytes) -> None:
    """A rule in words is the same rule after it was written and read again."""
    for text in texts(data):
        with contextlib.suppress(OneException):
            numbers = acl.parse_rule(text)
            assert acl.parse_rule(acl.rule_text(*numbers)) == numbers
        with contextlib.suppress(OneException):
            acl.rule_text(*([*text.split(), "", "", ""][:3]))


WORDS = ("time", "repeat", "days", "end_at", "end_after", "args")


def fuzz_schedule(data: bytes) -> None:
    """A schedule that is written is the one that was wanted when it is read."""
    lines = texts(data)
    schedules.read(dict(line.partition("=")[::2] for line in lines))
    given = dict.fromkeys(WORDS, None) | dict(line.partition("=")[::2] for line in lines)
    given = {word: given[word] for word in WORDS} | {"time": given["time"] or "0"}
    given["repeat"] = given["repeat"] if given["repeat"] in schedules.REPEATS else None
    given["days"] = [int(day) for day in (given["days"] or "").split(",") if day.isdecimal() and len(day) < 4] or None
    given["end_after"] = int(given["end_after"]) if (given["end_after"] or "").isdecimal() else None
    with contextlib.suppress(Failure):
        (found,) = schedules.canonical(CLOUD, [given])
        if found["next"] is not None:
            wanted = schedules.merged([], [found], SimpleNamespace(purge=()))[0]
            assert schedules.same(schedules.read(stored(schedules.vector(wanted))), wanted)


def stored(vector):
    """A vector as the server answers it."""
    return {name: str(value) for name, value in vector.items()}


def fuzz_flow(data: bytes) -> None:
    """An answer of OneFlow, its status in the first byte, is a document that tells all of itself."""
    client = flow.OneFlow("http://127.0.0.1:1", "user:password")
    status = (200, 201, 204, 400, 401, 404, 500, 302)[data[0] % 8] if data else 200
    with mock.patch.object(client._transport, "send", lambda *dummy: (status, data[1:])):
        for ask in (client.services, client.service_templates):
            with contextlib.suppress(OneException):
                for found in ask():
                    told_by(found)
        with contextlib.suppress(OneException):
            told_by(client.service(0))


def told_by(found):
    """All that a document of OneFlow tells."""
    names = [name for name in dir(flow.Document) if not name.startswith("_") and not hasattr(dict, name)]
    for name in names:
        getattr(found, name)
    flow._mode(found)


def fuzz_context(data: bytes) -> None:
    """What is refused of a text is a $; before the first of these, nothing is refused."""
    text = whole(data)
    at = context.refused_at(text)
    assert at is None or text[at] == "$"
    assert context.refused_at(text.replace("$", "")) is None
    assert at is None or context.refused_at(text[:at]) is None


def fuzz_user_input(data: bytes) -> None:
    """A value that a user input takes is one that it takes again, and stays the same."""
    text, given = lines(data, 2)
    (one,) = user_inputs.inputs_of({"USER_INPUTS": {"A": text}}).values()
    with contextlib.suppress(Failure):
        found = user_inputs.checked(one, given)
        assert one.type == "text64" or user_inputs.checked(one, found) == found
    with contextlib.suppress(Failure):
        user_inputs.attributes({"USER_INPUTS": {"A": text}}, {}, ())


def fuzz_quotas(data: bytes) -> None:
    """Quotas that a server tells, and those that a user gives, are the same after they were given again."""
    words = pairs(data)
    vector = "".join(f"<{name}>{escaped(text.encode()).decode()}</{name}>" for name, text in words.items())
    with contextlib.suppress(*FAMILY):
        body = f"<USER><VM_QUOTA><VM>{vector}</VM></VM_QUOTA></USER>"
        found = quotas.limits(element.parse(body))
        assert quotas.canonical(None, {"vm": found.get("vm")}) == {"vm": found["vm"]} if "vm" in found else True
    with contextlib.suppress(*FAMILY):
        wanted = quotas.canonical(None, {"vm": words})
        assert quotas.canonical(None, wanted) == wanted
        assert quotas.merged({}, wanted) == quotas.merged(wanted, wanted)


def fuzz_size(data: bytes) -> None:
    """A size is a number of MB greater than 0, which is the same size again."""
    with contextlib.suppress(Failure):
        found = values.megabytes(whole(data), "size")
        assert found > 0
        assert values.megabytes(found, "size") == found


def fuzz_labels(data: bytes) -> None:
    """Labels stay when they are written and read; the inventory reads the same."""
    text = whole(data)
    found = values.split_labels(text)
    assert values.split_labels(",".join(found)) == found
    assert labels.canonical_labels(None, found) == list(dict.fromkeys(found))
    assert set(inventory_facts.labels(text)) == set(found)
    with contextlib.suppress(Failure):
        kept = labels.canonical_labels(None, texts(data))
        assert values.split_labels(",".join(kept)) == kept


def fuzz_attributes(data: bytes) -> None:
    """A template in JSON or as a text has one form, which differs from itself in nothing."""
    with contextlib.suppress(ValueError, RecursionError):
        declared(json.loads(data))
    declared(whole(data))


def declared(given):
    """The one form of a template."""
    with contextlib.suppress(*FAMILY):
        found = values.declared("template", given)
        assert values.canonical(found) == found
        assert values.merged_template(found, found) == {name: item for name, item in found.items() if item != []}
        assert values.contrast(found, found) == ({}, {})
        assert values.masked(values.masked(found)) == values.masked(found)


def fuzz_secrets(data: bytes) -> None:
    """A secret of the task, the first line, is in nothing that is told of what a server has said, in no encoding."""
    secret, said = lines(data, 2)
    secret = secret.strip()
    if len(secret) < secrets.LEAST or secret.lower() in secrets.HARMLESS or secret[:1] == "$" or secret in values.MASK:
        return
    encode = list(ENCODINGS.values())[len(said) % len(ENCODINGS)]
    found = secrets.Secrets({"password": secret}).cover({"msg": f"{said}{secret}{said} {encode(secret)} {said}"})["msg"]
    assert secret not in found
    assert encode(secret) not in found


def fuzz_message(data: bytes) -> None:
    """What a server says of an error becomes a sentence."""
    error = OneException(whole(data), "one.vm.info", 0x2000)
    assert described(error, "read VM 1").message.startswith("Cannot read VM 1: ")


def fuzz_names(data: bytes) -> None:
    """A pattern of names finds the names that it makes; one that is no regular expression is refused."""
    text = whole(data)
    with contextlib.suppress(Failure):
        info.pattern(text)
    with contextlib.suppress(Failure):
        found = selection.Pattern(text)
        assert [found.number(found.name(number)) for number in (0, 9, 1000)] == [0, 9, 1000]
        found.number(text.replace("#", "7"))


def fuzz_addresses(data: bytes) -> None:
    """Address ranges and leases have one form; what is a valid range tells whether it has an address."""
    words = pairs(data)
    with contextlib.suppress(*FAMILY):
        found = address_ranges.canonical_range(words)
        assert address_ranges.canonical_range(found) == found
        words = {name: text for name, text in words.items() if not address_ranges.is_groups(name, text)}
        (valid,) = address_ranges.canonical_ranges(None, [words])
        address_ranges.require_whole([valid])
        for text in words.values():
            with contextlib.suppress(Failure):
                address_ranges.holds_address(valid, address_ranges.lease_of(text, "held"))
    for text in words.values():
        with contextlib.suppress(Failure):
            lease = address_ranges.lease_of(text, "held")
            assert address_ranges.canonical_lease(lease) == lease


def fuzz_rule(data: bytes) -> None:
    """A rule of a security group has one form."""
    found = security_group.canonical_rule(pairs(data))
    assert security_group.canonical_rule(found) == found


def fuzz_inventory(data: bytes) -> None:
    """A VM in an inventory has facts, whatever its templates hold; names of hosts are one line each, and differ."""
    with contextlib.suppress(OneException):
        item = element.parse(b"<VM><ID>1</ID><NAME>a</NAME>%s</VM>" % data)
        facts = inventory_facts.Facts(inventory_vms.FACTS, item, SOURCE, OPTIONS)
        for name in facts:
            facts[name]
    named = [(text, number, "") for number, text in enumerate(texts(data))]
    found = inventory_names.unique_names(named, ("all",))
    assert len(set(found)) == len(named)
    assert all(name and "/" not in name and len(name.splitlines()) == 1 for name in found)


OPTIONS = {"address": ["first", "guest", "external"], "port_attribute": "PORT", "user_attribute": "USER"}
OPTIONS["jump_host_attribute"] = "JUMP"
SOURCE = SimpleNamespace(server="one", zone=None, names=lambda pool: {0: "default"})


def fuzz_http(data: bytes) -> None:
    """What an endpoint answers is an answer, or an error of the family."""
    endpoint, deadline = transport.Endpoint("http://127.0.0.1:1/RPC2"), transport.Deadline(None)
    with mock.patch("socket.create_connection", lambda *dummy: Answering(data)), contextlib.suppress(OneException):
        connection = transport.Connection(endpoint, None, deadline)
        assert len(connection.exchange(transport.Request(b""), deadline, LIMIT, pages=True)[-1]) <= LIMIT


LIMIT = 1000  # bytes


class Answering:
    """A socket whose peer has sent all that it will."""

    def __init__(self, data):
        self.data = data

    def ignore(self, *dummy):
        pass

    settimeout = sendall = setsockopt = ignore

    def recv(self, size):
        found, self.data = self.data[:size], self.data[size:]
        return found

    def recv_into(self, buffer):
        found = self.recv(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def fuzz_document(data: bytes) -> None:
    """Each object of a declared cloud has a place, or what is wrong with it is told."""
    try:
        content = yaml.safe_load(data)
        numbers = document.lines(whole(data))
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    entries, faults = document.merged([("site.yml", content, numbers)])
    kept, more = document.distinct(entries)
    assert len(kept) <= len(entries)
    assert all(str(fault) for fault in faults + more)
    assert all(entry.place("name").startswith(entry.key) for entry in kept)


def fuzz_expression(data: bytes) -> None:
    """An expression that places VMs, or scales a role, is true or false, its opposite is the other, or it is told."""
    text = whole(data)
    with contextlib.suppress(expressions.Malformed):
        found = expressions.holds(text, VMS, ("./",))
        assert expressions.holds(f"!({text})", VMS, ("./",)) is not found
    with contextlib.suppress(scaling.Malformed):
        found, told = scaling.evaluate(scaling.parse(text), lambda name: 7.0)
        assert isinstance(told, str)
        assert scaling.evaluate(scaling.parse(f"!({text})"), lambda name: 7.0)[0] is not found
    rule = recurrence.cron(text)
    assert rule is None or (recurrence.following(rule, 1_800_000_000.0) or 1e12) > 1_800_000_000.0


VMS = ElementTree.fromstring("<HOST><NAME>node</NAME><RACK>5</RACK></HOST>")

TARGETS = {
    name.removeprefix("fuzz_"): function for name, function in sorted(globals().items()) if name.startswith("fuzz_")
}
