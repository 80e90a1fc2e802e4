# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What others have written is data for every reader: told as it is in results, escaped in messages, never evaluated.

Whole runs of ansible-playbook and ansible-inventory over the same texts are in tests/unit/secrets/test_hostile_data.py.
"""

from __future__ import annotations

import asyncio
import re
import runpy
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import lookup_loader
from ansible_collections.privazio.opennebula.plugins.action.one_export import text as exported_text
from ansible_collections.privazio.opennebula.plugins.connection import guest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import LONGEST, Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import RESOURCES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException
from hostile import HOSTILE, OBEYED
from kinds import SUBJECTS
from modules import SESSION, Lab
from project import ROOT

MEGABYTES = "M{{ 7 * 7 }}" * 100_000
TEXTS = {what: text.replace("%%", "%") for what, text in HOSTILE.items()}
EVENTS = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_source/one_events.py"))
USER, PASSWORD = SESSION.split(":")


def named(lab: Lab, prefix: str, oid: int, text: str) -> None:
    """Gives an object a text for a name, without the characters that OpenNebula takes in none of its kind."""
    while text:
        try:
            lab.one.call(f"{prefix}.rename", oid, text)
            return
        except OneException as error:
            bad = re.search("char '(.)' is not allowed", str(error), re.DOTALL)
            text = text.replace(bad.group(1), "") if bad else text[:-1]


def written(lab: Lab, kind: str, texts: list[str]) -> int:
    """The id of a new object with texts in its attributes and labels; all that the pool of VMs tells is ERROR."""
    subject = SUBJECTS[kind]
    oid = subject.create(lab.one, lab.name())
    held: dict[str, Any] = {f"NOTE{place}": text for place, text in enumerate(texts)}
    held |= {"ERROR": "\n".join(texts), "LABELS": ",".join(["protected", *texts]), "V": {"M": texts[-1]}}
    lab.one.call(f"{subject.prefix}.update", oid, held, 1)
    return oid


def by_info(lab: Lab, kind: str, oid: int) -> Any:
    module = f"{SUBJECTS[kind].module}_info"
    done = lab.run(module, id=oid, **SUBJECTS[kind].info_options)
    assert not done.failed, done.message
    return done.data


def by_lookup(lab: Lab, kind: str, oid: int) -> Any:
    lookup = lookup_loader.get("privazio.opennebula.one")
    more = dict(SUBJECTS[kind].info_options)
    return lookup.run([kind], {}, api_url=lab.url, api_username=USER, api_password=PASSWORD, ids=[oid], **more)


def by_events(lab: Lab, kind: str, oid: int) -> Any:
    found: list[Any] = []

    class Queue:
        async def put(self, event: Any) -> None:
            found.append(event)

    given = {"api_url": lab.url, "api_username": USER, "api_password": PASSWORD, "kinds": [kind]}
    source = EVENTS["Source"](Queue(), EVENTS["options_of"](given))
    asyncio.run(source.compare(settling=0))
    source.client.server_close()
    return next(event for event in found if event["id"] == oid)


def by_export(lab: Lab, kind: str, oid: int) -> Any:
    """What one_export writes of a record, read again."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!unsafe", lambda loader, node: node.value)
    record = next(iter(one for one in by_info(lab, kind, oid).values() if isinstance(one, list) and one))[0]
    document = {"objects": [{"name": record["name"], "template": record.get("template") or record.get("attributes")}]}
    return yaml.load(exported_text(document, []), Loader)  # noqa: S506


READERS: dict[str, Callable[[Lab, str, int], Any]] = {"info": by_info, "lookup": by_lookup, "export": by_export}
OF_EVENTS = ("vm", "host", "image", "vnet")


def readers(kind: str) -> dict[str, Callable[[Lab, str, int], Any]]:
    found = dict(READERS)
    found |= {"events": by_events} if kind in OF_EVENTS else {}
    return found if kind in RESOURCES else {"info": by_info}


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


def said(lab: Lab, kind: str, oid: int) -> str:
    """What a module says of an object that it refuses to remove."""
    options = {"type": 200} if kind == "document" else {}
    done = lab.run(SUBJECTS[kind].module, id=oid, state="absent", **options)
    assert done.failed, "it is protected"
    return done.message


KINDS = sorted(set(SUBJECTS) - {"zone"})  # of which there is one


@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_tells_texts_as_they_are(lab, kind):
    oid = written(lab, kind, list(TEXTS.values()))
    for reader, read in readers(kind).items():
        told = "\0".join(texts_in(read(lab, kind, oid)))
        assert not [what for what, text in TEXTS.items() if text not in told], reader
    for what, text in TEXTS.items():
        named(lab, SUBJECTS[kind].prefix, oid, text)
        message = said(lab, kind, oid)
        assert not OBEYED.search(message) and "\n" not in message, (what, message)


@pytest.mark.parametrize("kind", ["template", "vm", "host"])
def test_megabytes_are_told_whole_in_results_and_cut_in_messages(lab, kind):
    oid = written(lab, kind, [MEGABYTES])
    for reader in readers(kind).keys() - {"export"}:  # whose reader in the test is slow
        assert MEGABYTES in texts_in(readers(kind)[reader](lab, kind, oid)), reader
    assert len(said(lab, kind, oid)) < LONGEST


@pytest.mark.parametrize("what", TEXTS)
def test_the_connection_escapes_what_a_guest_says(what):
    connection = guest.Connection.__new__(guest.Connection)
    connection._secrets = guest.Secrets()
    found = connection._failure(Failure(f"VM web could not carry out a command: {TEXTS[what]}.", object="vm"))
    assert not OBEYED.search(str(found))


@pytest.mark.parametrize("what", TEXTS)
def test_the_source_of_events_escapes_what_it_warns_of(what, caplog):
    async def message(topic: str, content: bytes) -> None:
        raise ValueError(TEXTS[what])

    parts = [[TEXTS[what].encode(), b"x"]]

    async def recv_multipart() -> list[bytes]:
        if not parts:
            raise asyncio.CancelledError
        return parts.pop()

    listener = EVENTS["Listener"].__new__(EVENTS["Listener"])
    secrets = guest.Secrets()
    listener.source = SimpleNamespace(message=message, secrets=secrets)
    listener.socket = SimpleNamespace(recv_multipart=recv_multipart)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(listener.messages())
    assert caplog.messages and not any(OBEYED.search(text) or "\n" in text for text in caplog.messages)
