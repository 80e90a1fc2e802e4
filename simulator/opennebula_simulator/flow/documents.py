# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Documents of oned as OneFlow reads and writes them, and oned's methods as a user of OneFlow calls them."""

from __future__ import annotations

import json
from typing import Any

from ..errors import Fault, Refused
from ..generic import can_use
from ..permissions import Who
from ..store import RIGHTS, Object
from .errors import Denied, refused

SERVICE, TEMPLATE = 100, 101
NO_GROUP = -1


class Actor:
    """A user in whose name OneFlow calls oned."""

    def __init__(self, cloud: Any, user: Object, who: Who) -> None:
        self.cloud = cloud
        self.user = user
        self.who = who

    def call(self, name: str, *given: Any) -> Any:
        """The answer of a method. Raises Denied with oned's text behind "[method] "."""
        method = self.cloud.methods[name]
        try:
            return self.cloud.call_by(self.user, self.who, name).run(method.read(list(given)))
        except Refused as error:
            raise refused(name, error.code, error.message) from None
        except Fault as error:
            raise Denied(error.message) from None

    def tries(self, name: str, *given: Any) -> str:
        """Calls a method; why it was refused, empty when it was not."""
        try:
            self.call(name, *given)
        except Denied as error:
            return error.message
        return ""


def administrator(cloud: Any) -> Actor:
    admin = cloud["USER"].get_ro(0)
    return Actor(cloud, admin, Who(0, admin.gid, frozenset(admin.groups)))


def owner_of(cloud: Any, document: Object) -> Actor:
    """The owner of a document, in its group."""
    user = cloud["USER"].get_ro(document.uid) or cloud["USER"].get_ro(0)
    return Actor(cloud, user, Who(user.oid, document.gid, frozenset({*user.groups, document.gid})))


# ---------------------------------------------------------------- reading


def read(actor: Actor, oid: int, number: int) -> Object:
    """The document of an ID and a type. Raises Denied."""
    actor.call("one.document.info", oid)
    document = actor.cloud["DOCUMENT"].get_ro(oid)
    if document.type != number:
        raise Denied(f"[DocumentInfo] Error getting document [{oid}].")
    return document


def body_of(document: Object) -> Any:
    """A copy of what OneFlow keeps in a document; None when there is nothing."""
    text = document.template.text("BODY")
    return json.loads(text) if text else None


def pool(actor: Actor, number: int) -> list[Object]:
    """The documents of a type that the user may see, the newest first."""
    cloud = actor.cloud
    call = cloud.call_by(actor.user, actor.who, "one.documentpool.info")
    readable = can_use(call, cloud["DOCUMENT"].kind)
    found = [each for each in cloud["DOCUMENT"] if each.type == number and readable(each)]
    return sorted(found, key=lambda each: -each.oid)


def shown(document: Object) -> dict[str, Any]:
    """The object that OneFlow answers."""
    rights = {name: str(int(bool(document.bits & bit))) for name, bit in RIGHTS}
    content: dict[str, Any] = {name: value for name, value in document.template if name != "BODY"}
    body = body_of(document)
    if body is not None:
        content["BODY"] = body
    texts = {"ID": document.oid, "UID": document.uid, "GID": document.gid, "UNAME": document.uname}
    texts.update(GNAME=document.gname, NAME=document.name, TYPE=document.type)
    lock = {"LOCK": {name: str(value) for name, value in document.lock.items()}} if document.lock else {}
    return {**{name: str(value) for name, value in texts.items()}, "PERMISSIONS": rights, **lock, "TEMPLATE": content}


# ---------------------------------------------------------------- writing


def allocate(actor: Actor, number: int, body: dict) -> int:
    return actor.call("one.document.allocate", as_xml(body, body["name"]), number)


def store(actor: Actor, oid: int, body: Any) -> None:
    """Replaces all that a document holds, attributes beside the body included. Raises Denied."""
    actor.call("one.document.update", oid, as_xml(body), 0)


def as_xml(body: Any, name: str | None = None) -> str:
    named = "" if name is None else f"<NAME><![CDATA[{name}]]></NAME>"
    return f"<TEMPLATE>{named}<BODY><![CDATA[{json.dumps(body)}]]></BODY></TEMPLATE>"


def delete(actor: Actor, oid: int, number: int) -> None:
    read(actor, oid, number)
    actor.call("one.document.delete", oid)


def chmod(actor: Actor, oid: int, octet: Any) -> None:
    """Sets permissions from what the server takes for three digits.

    Of a text these are the first three characters; of a number, its lowest three bits.
    """
    if isinstance(octet, str):
        digits = [int(char) if char.isdigit() else 0 for char in octet[:3].ljust(3, "0")]
    else:
        digits = [int(octet) >> i & 1 for i in range(3)]
    bits = [digit >> shift & 1 for digit in digits for shift in (2, 1, 0)]
    actor.call("one.document.chmod", oid, *bits)
