# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Answers as typed views over the parsed XML.

One C-speed parse makes the tree; a field is looked up and converted when it is touched.  The tables in bindings.py,
generated from xsd/, say which fields an element has; what they do not know stays reachable.
"""

from __future__ import annotations

from functools import lru_cache, wraps

from . import bindings
from .codec import Text
from .document import Node, read
from .errors import OneProtocolException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .document import AnyNode

# Vectors that a template may hold several times: always lists, whatever their number.
REPEATABLE = frozenset(
    "AR DISK INPUT NIC NIC_ALIAS NUMA_NODE PCI RAW ROLE RULE SCHED_ACTION SECURITY_GROUP_RULE SERVER SNAPSHOT".split()
)

_classes: dict[str | None, type[Element]] = {}


def parse(document: bytes | str | Text, method: str | None = None) -> Element:
    """The view of an XML document.

    Args:
        document (bytes | str | Text): as the API answers it, with or without OpenNebula's namespace.
        method (str | None): API method that brought it; what is found out later names it.

    Returns:
        Element: of the class that the root element names.

    Raises:
        OneProtocolException: the document is not well formed, or declares a document type; of a long Text this is
            found out when the faulty part is touched.
    """
    node = read(document)
    return class_of(node.tag if node.tag in bindings.ROOTS or node.tag in _service().ROOTS else None)(node, method)


@lru_cache(None)
def _service():
    """The other tables.  Ansible ships what import statements name, and no task needs these."""
    from importlib import import_module

    try:
        return import_module(__package__ + ".bindings_service")
    except ModuleNotFoundError:
        return bindings


def class_of(key: str | None) -> type[Element]:
    """The class for a key of bindings.TYPES (None: an element that no schema describes)."""
    if key not in _classes:
        tables = bindings if key is None or key in bindings.TYPES else _service()
        fields = dict(_field(text, key) for text in tables.TYPES.get(key or "", "").split())
        _classes[key] = type(str(key or "Element").replace(".", "_"), (Element,), fields)
    return _classes[key]


def _late(reading):
    """A method that reads of an answer: the faults that it finds name the API method that brought the answer."""

    @wraps(reading)
    def reads(self, *args, **named):
        try:
            return reading(self, *args, **named)
        except OneProtocolException as error:
            error.method = error.method or self._method
            raise

    return reads


class Element:
    """One element of an answer; its fields are attributes.

    Numbers are int or float, text is str (empty when the element is empty), repeatable elements are lists, open
    templates are dictionaries.  A field of the schema that the answer lacks, or an empty number, is None; an element
    that the schema lacks is found all the same.
    """

    def __init__(self, node: AnyNode, method: str | None = None) -> None:
        self._node = node
        self._method = method

    @_late
    def __getattr__(self, name: str) -> Any:
        # Only reached when the class has no such field: a newer server may send more than the schema knows.
        nodes = [] if name.startswith("_") else self._node.findall(name)
        if not nodes:
            raise AttributeError("%s has no field %s" % (self._node.tag, name))
        values = [class_of(None)(node, self._method) if len(node) else node.text or "" for node in nodes]
        return values[0] if len(values) == 1 else values

    @_late
    def _field(self, name: str, read: Callable[[AnyNode, str, str | None], Any]) -> Any:
        return read(self._node, name, self._method)

    @_late
    def __dir__(self) -> list[str]:
        return sorted({node.tag for node in self._node}.union(super().__dir__()))

    @_late
    def __repr__(self) -> str:
        # Passwords and tokens are fields too: show what identifies the object, nothing else.
        known = [(name, self._node.findtext(name)) for name in ("ID", "NAME")]
        shown = ["%s=%r" % (name, text) for name, text in known if text is not None]
        return "<%s>" % " ".join([self._node.tag] + shown)

    @_late
    def to_xml(self) -> str:
        """The element as it was received, as text."""
        from xml.etree import ElementTree

        node = self._node
        return ElementTree.tostring(node.tree() if isinstance(node, Node) else node, encoding="unicode")


class Template(dict):
    """An open template: NAME → text, {NAME: text} for a vector, or a list of these for a repeated attribute.

    `tag` is the name of the element (TEMPLATE, USER_TEMPLATE).
    """

    def __init__(self, node: AnyNode, method: str | None = None) -> None:
        self.tag = node.tag
        self._method = method
        if isinstance(node, Node):
            # Until all of it is asked for, one entry holds the place: what takes a dictionary for empty by its size
            # alone, as the json module does, must not take this one for empty.
            super().__init__({_UNREAD: node})
        else:
            super().__init__(_content(node))

    @_late
    def __missing__(self, name: str) -> Any:
        node = self._unread()
        text = None if node is None else node.lone_text(name)
        if text is not None:
            return text
        if node is None:
            raise KeyError(name)
        self._read()
        return self[name]

    def get(self, name: Any, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def _unread(self):
        return super().get(_UNREAD)

    @_late
    def _read(self):
        node = self._unread()
        if node is not None:
            super().clear()
            super().update(_content(node))


class _Unread:
    """The key under which a Template keeps the element that it has not read."""

    def __repr__(self):
        return "…"


_UNREAD = _Unread()


def _reading(name):
    """The method of dict, on a Template that has read its element."""
    method = getattr(dict, name)

    def reading(self, *args, **named):
        self._read()
        return method(self, *args, **named)

    reading.__name__, reading.__doc__ = name, method.__doc__
    return reading


# `get` is defined by what [] finds; all others need the whole content.
_WHOLE = (
    "__contains__ __delitem__ __eq__ __ior__ __iter__ __len__ __ne__ __or__ __reduce_ex__ __repr__ __reversed__ "
    "__ror__ __setitem__ clear copy items keys pop popitem setdefault update values"
)
for _name in _WHOLE.split():
    if hasattr(dict, _name):  # | came with Python 3.9
        setattr(Template, _name, _reading(_name))


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
    """A field, read when it is first touched; later touches find it in the instance."""

    def __init__(self, name, read):
        self.name = name
        self.read = read

    def __get__(self, instance, owner):
        if instance is None:
            return self
        value = instance.__dict__[self.name] = instance._field(self.name, self.read)
        return value


def _field(text, owner):
    """(name, descriptor) of a field of the type OWNER as bindings.TYPES writes it: ``NAME[:TYPE][*]``."""
    repeated = text.endswith("*")
    name, dummy, kind = text.rstrip("*").partition(":")
    kind = {"=": name, ".": "%s.%s" % (owner, name)}.get(kind, kind)
    convert = _CONVERT.get(kind) or _nested(kind)
    if repeated:
        return name, _Field(name, _every(convert))
    if kind in _SCALARS:
        return name, _Field(name, _SCALARS[kind])
    return name, _Field(name, lambda node, tag, method: _first(node, tag, method, convert))


def _every(convert):
    def every(node, tag, method):
        return [convert(child, method) for child in node.findall(tag)]

    return every


def _nested(key):
    def nested(node, method):  # the class is made when it is first needed
        return class_of(key)(node, method)

    return nested


def _first(node, tag, method, convert):
    child = node.find(tag)
    return None if child is None else convert(child, method)


def _text(node, tag, dummy):
    return node.findtext(tag)


def _integer(node, tag, dummy):
    return _whole(tag, node.findtext(tag))


def _decimal(node, tag, dummy):
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
    "": lambda node, dummy: node.text or "",
    "i": lambda node, dummy: _whole(node.tag, node.text),
    "d": lambda node, dummy: _number(node.tag, node.text),
    "t": Template,
}
