# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is fuzzed: functions of bytes that raise where a parser breaks its law.

Any input has to give a value or one exception of the family.  What else a target asserts is in its docstring.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from unittest import mock

from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import schedules
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import acl, codec, element, template
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.errors import OneException

CLOUD = SimpleNamespace(clock=SimpleNamespace(time=lambda: 1_800_000_000.0))


def texts(data: bytes) -> list[str]:
    """The lines of an input as text."""
    return data.decode("utf-8", "replace").splitlines()


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
    """What is in a document; None where it is none."""
    with contextlib.suppress(OneException):
        found = element.parse(document)
        return content(found)
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


TARGETS = {
    name.removeprefix("fuzz_"): function for name, function in sorted(globals().items()) if name.startswith("fuzz_")
}
