# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Documents: templates of any type number, for OneFlow and others."""

from __future__ import annotations

from .. import generic
from ..calls import Call, Method
from ..errors import internal
from ..store import MAX_NAME, OWNED, Kind, Object, lock, permissions, template, text

DOCUMENT = Kind(
    name="DOCUMENT",
    title="document",
    method="document",
    root="DOCUMENT",
    layout=(*OWNED, text("TYPE", "type"), permissions, lock, template()),
    unique="",
    forbidden="",
    encrypted="DOCUMENT",
)


def allocate(call: Call, given: str, number: int) -> int:
    body = call.template(given)
    name = body.pop("NAME")
    if len(name.encode()) > MAX_NAME:
        raise internal(f"NAME is too long; max length is {MAX_NAME} chars.")
    return call.allocate(Object(DOCUMENT, name, body, type=number), default_name)


def default_name(document: Object) -> None:
    document.name = document.name or f"document-{document.oid}"


def copy(call: Call, original: Object, name: str) -> Object:
    return Object(DOCUMENT, name, original.template.copy(), type=original.type)


def pool_info(call: Call, flag: int, start: int, end: int, number: int) -> str:
    found = [document for document in generic.visible(call, DOCUMENT, flag) if document.type == number]
    return call.pool("DOCUMENT").show(generic.page(call, found, start, end))


KINDS = [DOCUMENT]
METHODS = [
    Method("one.document.allocate", "template:string, type:int", allocate, needs="CREATE DOCUMENT"),
    generic.delete(DOCUMENT),
    generic.info(DOCUMENT),
    generic.update(DOCUMENT),
    generic.chown(DOCUMENT),
    generic.chmod(DOCUMENT),
    generic.clone(DOCUMENT, copy=copy),
    generic.rename(DOCUMENT),
    generic.lock(DOCUMENT),
    generic.unlock(DOCUMENT),
    Method("one.documentpool.info", "filter_flag:int, start_id:int, end_id:int, type:int", pool_info, reads=True),
]
