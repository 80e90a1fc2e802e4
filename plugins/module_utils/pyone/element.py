# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Answers as typed views over the parsed XML.

One C-speed parse makes the tree; a field is looked up and converted when it is touched.  The tables in bindings.py,
generated from xsd/, say which fields an element has; what they do not know stays reachable.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from .bindings import ROOTS, TYPES
from .errors import OneProtocolException

# Vectors that a template may hold several times: always lists, whatever their number.
REPEATABLE = frozenset(
    "AR DISK INPUT NIC NIC_ALIAS NUMA_NODE PCI RAW ROLE RULE SCHED_ACTION SECURITY_GROUP_RULE SERVER SNAPSHOT".split()
)

_PROLOG = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.S)
_classes: dict[str | None, type[Element]] = {}


def parse(document: bytes | str) -> Element:
    """The view of an XML document.

    Args:
        document (bytes | str): as the API answers it, with or without OpenNebula's namespace.

    Returns:
        Element: of the class that the root element names.

    Raises:
        OneProtocolException: the document is not well formed, or declares a document type.
    """
    return view(parse_tree(document))


def parse_tree(document: bytes | str) -> ElementTree.Element:
    """The xml.etree element of an XML document; raises as parse()."""
    if isinstance(document, str):
        document = document.encode("utf-8")
    prolog = _PROLOG.match(document)
    if prolog and document.startswith(b"<!DOCTYPE", prolog.end()):
        raise OneProtocolException("the XML declares a document type, which OpenNebula never sends")
    try:
        root = _with_carriage_returns(document) if b"\r" in document else ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise OneProtocolException("the XML of the answer cannot be read: %s" % error) from None
    if root.tag.startswith("{"):
        for node in root.iter():
            node.tag = node.tag.rpartition("}")[2]
    return root


def _with_carriage_returns(document):
    """XML parsers turn CR into LF; inside CDATA, where template values are, a reference keeps it."""
    try:
        return ElementTree.fromstring(document.replace(b"\r", b"]]>&#13;<![CDATA["))
    except ElementTree.ParseError:
        return ElementTree.fromstring(document)


def view(node: ElementTree.Element) -> Element:
    """The view of an xml.etree element that is the root of an answer."""
    return class_of(node.tag if node.tag in ROOTS else None)(node)


def class_of(key: str | None) -> type[Element]:
    """The class for a key of bindings.TYPES (None: an element that no schema describes)."""
    if key not in _classes:
        fields = dict(_field(text) for text in TYPES.get(key or "", "").split())
        _classes[key] = type(str(key or "Element").replace(".", "_"), (Element,), fields)
    return _classes[key]


class Element:
    """One element of an answer; its fields are attributes.

    Numbers are int or float, text is str (empty when the element is empty), repeatable elements are lists, open
    templates are dictionaries.  A field of the schema that the answer lacks, or an empty number, is None; an element
    that the schema lacks is found all the same.
    """

    def __init__(self, node: ElementTree.Element) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        # Only reached when the class has no such field: a newer server may send more than the schema knows.
        nodes = [] if name.startswith("_") else self._node.findall(name)
        if not nodes:
            raise AttributeError("%s has no field %s" % (self._node.tag, name))
        values = [class_of(None)(node) if len(node) else node.text or "" for node in nodes]
        return values[0] if len(values) == 1 else values

    def __dir__(self) -> list[str]:
        return sorted({node.tag for node in self._node}.union(super().__dir__()))

    def __repr__(self) -> str:
        # Passwords and tokens are fields too: show what identifies the object, nothing else.
        known = [(name, self._node.findtext(name)) for name in ("ID", "NAME")]
        shown = ["%s=%r" % (name, text) for name, text in known if text is not None]
        return "<%s>" % " ".join([self._node.tag] + shown)

    def to_xml(self) -> str:
        """The element as it was received, as text."""
        return ElementTree.tostring(self._node, encoding="unicode")


class Template(dict):
    """An open template: NAME → text, {NAME: text} for a vector, or a list of these for a repeated attribute.

    `tag` is the name of the element (TEMPLATE, USER_TEMPLATE).
    """

    def __init__(self, node: ElementTree.Element) -> None:
        super().__init__(_content(node))
        self.tag = node.tag


def _content(node):
    content: dict[str, Any] = {}
    for child in node:
        value = _content(child) if len(child) else child.text or ""
        name = child.tag
        if name not in content:
            content[name] = [value] if name in REPEATABLE and isinstance(value, dict) else value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = [content[name], value]
    return content


class _Field:
    """A field that is read on every touch (cheap ones) or once (those with an identity, such as lists)."""

    def __init__(self, name, read, keep):
        self.name = name
        self.read = read
        self.keep = keep

    def __get__(self, instance, owner):
        if instance is None:
            return self
        value = self.read(instance._node, self.name)
        if self.keep:
            instance.__dict__[self.name] = value
        return value


def _field(text):
    """(name, descriptor) of a field as bindings.TYPES writes it: ``NAME[:TYPE][*]``."""
    repeated = text.endswith("*")
    name, dummy, kind = text.rstrip("*").partition(":")
    convert = _CONVERT.get(kind) or _nested(kind)
    if repeated:
        return name, _Field(name, lambda node, tag: [convert(child) for child in node.findall(tag)], True)
    if kind in _SCALARS:
        return name, _Field(name, _SCALARS[kind], False)
    return name, _Field(name, lambda node, tag: _first(node, tag, convert), True)


def _nested(key):
    def nested(node):  # the class is made when it is first needed
        return class_of(key)(node)

    return nested


def _first(node, tag, convert):
    child = node.find(tag)
    return None if child is None else convert(child)


def _text(node, tag):
    return node.findtext(tag)


def _integer(node, tag):
    return _whole(tag, node.findtext(tag))


def _decimal(node, tag):
    return _number(tag, node.findtext(tag))


def _whole(tag, text):
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        return _number(tag, text)  # releases before 7.0 print some integers as decimals


def _number(tag, text):
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise OneProtocolException("the field %s should be a number, but is %r" % (tag, text[:40])) from None


_SCALARS = {"": _text, "i": _integer, "d": _decimal}
_CONVERT = {
    "": lambda node: node.text or "",
    "i": lambda node: _whole(node.tag, node.text),
    "d": lambda node: _number(node.tag, node.text),
    "t": Template,
}
