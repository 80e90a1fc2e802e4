# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Objects out of the XML that they show: how the servers of a federation send each other what their databases hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from .calls import Call, Method
from .errors import internal
from .store import RIGHTS, Kind, Object
from .template import Template

Reader = Callable[[ElementTree.Element], Any]
Fields = Mapping[str, tuple[str, Reader]]  # element -> attribute of the object, and what reads it


def words(element: ElementTree.Element) -> str:
    return element.text or ""


def number(element: ElementTree.Element) -> int:
    return int(element.text or "")


def numbers(element: ElementTree.Element) -> set[int]:
    return {number(child) for child in element.findall("ID")}


def body(element: ElementTree.Element) -> Template:
    return Template.parse(ElementTree.tostring(element, encoding="unicode"))


def bits(element: ElementTree.Element) -> int:
    return sum(bit for name, bit in RIGHTS if element.findtext(name) == "1")


NAMED: Fields = {"ID": ("oid", number), "NAME": ("name", words), "TEMPLATE": ("template", body)}
OWNED: Fields = {
    **NAMED,
    "UID": ("uid", number),
    "GID": ("gid", number),
    "UNAME": ("uname", words),
    "GNAME": ("gname", words),
    "PERMISSIONS": ("bits", bits),
}


def parsed(kind: Kind, xml: str, fields: Fields) -> dict[str, Any]:
    """The attributes of an object. Raises ValueError when the XML is not that of one."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    if root.tag != kind.root:
        raise ValueError(f"{root.tag} is not {kind.root}")
    found = {}
    for tag, (attribute, reader) in {**(OWNED if kind.owned else NAMED), **fields}.items():
        element = root.find(tag)
        if element is None:
            raise ValueError(f"{tag} is missing")
        found[attribute] = reader(element)
    return found


def refuse_others(call: Call, kind: Kind) -> None:
    """Raises Refused unless the caller is the first administrator."""
    if call.uid != 0:
        raise call.unauthorized(on=kind.title)


def update(kind: Kind, fields: Fields) -> Method:
    def run(call: Call, oid: int, xml: str) -> None:
        refuse_others(call, kind)
        obj, pool = call.find(kind.name, oid), call.pool(kind.name)
        try:
            found = parsed(kind, xml, fields)
        except ValueError:
            raise internal("Cannot update object from XML") from None
        if found.pop("oid") != oid:
            raise internal("Consistency check failed")
        pool.replace(obj, found)

    return Method(f"one.{kind.method}.updatedb", "oid:int, xml:string", run)


def allocate(kind: Kind, fields: Fields, new: Callable[..., Object]) -> Method:
    """`new(name, template, **fields)` makes an object; it gets a new ID here."""

    def run(call: Call, xml: str) -> int:
        refuse_others(call, kind)
        try:
            found = parsed(kind, xml, fields)
        except ValueError:
            raise internal("Cannot allocate object from XML") from None
        del found["oid"]
        return call.pool(kind.name).add(new(found.pop("name"), found.pop("template"), **found))

    return Method(f"one.{kind.method}.allocatedb", "xml:string", run)


def drop(kind: Kind) -> Method:
    def run(call: Call, oid: int) -> None:
        refuse_others(call, kind)
        call.pool(kind.name).drop(call.find(kind.name, oid))

    return Method(f"one.{kind.method}.dropdb", "oid:int", run)
