# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Answers as typed views over their XML.

A field is looked up and converted when it is touched.  The tables in bindings.py, generated from xsd/, say which fields
an element has; what they do not know stays reachable.

A short document is parsed.  A pool of 10 000 VMs is a hundred megabytes of escaped XML, and most callers want a name of
each: of a long document a Node walks over the children of its element without unescaping or parsing them.  Whatever it
is not sure of, it leaves to the parser.
"""

from __future__ import annotations

import re
from functools import partial, wraps
from sys import intern

from . import bindings
from .codec import Text, unescape
from .errors import OneProtocolException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Union
    from xml.etree import ElementTree

    AnyNode = Union[ElementTree.Element, "Node"]

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
    return class_of(node.tag if node.tag in bindings.ROOTS else None)(node, method)


def parsed(element: Element) -> Element:
    """The same element with all of its XML parsed, which takes less time where most of its fields are read.

    Raises:
        OneProtocolException: its XML cannot be read.
    """
    node = element._node
    return type(element)(node.tree(), element._method) if isinstance(node, Node) else element


def class_of(key: str | None) -> type[Element]:
    """The class for a key of bindings.TYPES (None: an element that no schema describes)."""
    if key not in _classes:
        fields = dict(_field(text, key) for text in bindings.TYPES.get(key or "", "").split())
        _classes[key] = type(str(key or "Element").replace(".", "_"), (Element,), fields)
    return _classes[key]


def _late(reading):
    """A method that reads of an answer: the faults that it finds name the API method that brought the answer."""

    @wraps(reading)
    def reads(self, *args, **named):
        try:
            return reading(self, *args, **named)
        except (OneProtocolException, RecursionError) as error:
            raise _fault(error, self._method) from None

    return reads


def _fault(error, method):
    """The OneProtocolException of what is wrong in an answer of a method."""
    if isinstance(error, RecursionError):
        return OneProtocolException("the XML of the answer is nested too deeply", method)
    error.method = error.method or method
    return error


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
            if name.startswith(_GETTER) and hasattr(self, name[len(_GETTER) :]):
                return partial(getattr, self, name[len(_GETTER) :])
            raise AttributeError("%s has no field %s%s" % (self._node.tag, name, _instead(name)))
        values = [class_of(None)(node, self._method) if len(node) else node.text or "" for node in nodes]
        return values[0] if len(values) == 1 else values

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


_GETTER = "get_"  # get_ID() of pyone's generated classes
# What else these classes have, and what to write here.
_INSTEAD = {
    "set_": ": an answer is not changed, call the method of the API that changes the object",
    "add_": ": an answer is not changed, call the method of the API that changes the object",
    "export": ": write to_xml()",
    "toDOM": ": write to_xml()",
}


def _instead(name):
    return next((text for start, text in _INSTEAD.items() if name.startswith(start)), "")


class Vectors(list):
    """The vectors of one name in a template.

    Where there is one alone, it is also the dictionary that pyone has in the place of the list:
    ``template["DISK"]["IMAGE"]`` is ``template["DISK"][0]["IMAGE"]``.
    """

    def _only(self, wanted):
        if len(self) != 1 or not isinstance(self[0], dict):
            raise TypeError("there are %d vectors: write [0]%s for the first" % (len(self), wanted))
        return self[0]

    def __getitem__(self, key: Any) -> Any:
        return self._only("[%r]" % key)[key] if isinstance(key, str) else super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str):
            self._only("[%r]" % key)[key] = value
        else:
            super().__setitem__(key, value)

    def __contains__(self, item: object) -> bool:
        return item in self._only("") if isinstance(item, str) else super().__contains__(item)

    def __getattr__(self, name: str) -> Any:
        if name not in ("get", "items", "keys", "values"):
            raise AttributeError("a list of vectors has no attribute %s" % name)
        return getattr(self._only(".%s()" % name), name)


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
        found = [] if node is None else node.findall(name)
        if not found:
            raise KeyError(name)
        # Parsed, for all of it is asked for; and kept, for the caller may change it.
        trees = [child.tree() if isinstance(child, Node) else child for child in found]
        super().__setitem__(name, _content(trees)[name])
        return self[name]

    def get(self, name: Any, default: Any = None) -> Any:
        if self._unread() is None:
            return super().get(name, default)
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
            content = _content(node)
            content.update((name, value) for name, value in super().items() if name is not _UNREAD)
            super().clear()
            super().update(content)


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
            content[name] = Vectors([value]) if name in REPEATABLE and isinstance(value, dict) else value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = Vectors([content[name], value])
    return content


class _Field:
    """A field, read when it is first touched; later touches find it in the instance."""

    def __init__(self, name, read):
        self.name = name
        self.read = read

    def __get__(self, instance, owner):
        if instance is None:
            return self
        try:  # as _late does, whose calls would take longer than most fields
            value = instance.__dict__[self.name] = self.read(instance._node, instance._method)
        except (OneProtocolException, RecursionError) as error:
            raise _fault(error, instance._method) from None
        return value


def _field(text, owner):
    """(name, descriptor) of a field of the type OWNER as bindings.TYPES writes it: ``NAME[:TYPE][*]``."""
    repeated = text.endswith("*")
    name, dummy, kind = text.rstrip("*").partition(":")
    kind = {"=": name, ".": "%s.%s" % (owner, name)}.get(kind, kind)
    convert = _CONVERT.get(kind) or _nested(kind)

    def every(node, method):
        return [convert(child, method) for child in node.findall(name)]

    def first(node, method):
        child = node.find(name)
        return None if child is None else convert(child, method)

    return name, _Field(name, every if repeated else first)


def _nested(key):
    def nested(node, method):  # the class is made when it is first needed
        return class_of(key)(node, method)

    return nested


def _integer(node, method):
    try:
        return int(node.text)
    except (TypeError, ValueError):
        return _decimal(node, method)  # releases before 7.0 print some integers as decimals


def _decimal(node, dummy):
    text = node.text
    try:
        return float(text) if text else None
    except ValueError:
        raise OneProtocolException("the field %s should be a number, but is %r" % (node.tag, text[:40])) from None


_CONVERT = {"": lambda node, dummy: node.text or "", "i": _integer, "d": _decimal, "t": Template}


# ---------------------------------------------------------------- XML

_PROLOG = rb"(?s:\s|<\?.*?\?>|<!--.*?-->)*"
# An element that is still escaped: its name, and its content where that is plain text, or the slash of an empty one.
_ELEMENT = rb"\s*&lt;([A-Za-z_][\w.-]*)(?:&gt;(?:([^&]*)&lt;/\1&gt;)?|(/)&gt;)"
_SECTION = rb"&lt;!\[CDATA\[([^&\]]*)\]\]&gt;"
_AFTER_NAME = b"&/ \t\n"
_BLANK = rb"\s*"
# References that may stand for markup; those to CR, which oned writes, do not.
_REFERENCE = rb"&#(?!x0?[dD];|13;)"
_LEAF = 2


def read(document: bytes | str | Text) -> ElementTree.Element | Node:
    """The root element of an XML document.

    Raises:
        OneProtocolException: the document is not well formed, or declares a document type.  A long document is not
            checked as a whole: what is wrong in it shows when it is touched.
    """
    if isinstance(document, Text):
        root = _root(document)
        return parse_tree(bytes(document)) if root is None else root
    return parse_tree(document)


def parse_tree(document: bytes | str) -> ElementTree.Element:
    """The xml.etree element of an XML document; raises as read()."""
    from xml.etree import ElementTree

    if isinstance(document, str):
        document = document.encode("utf-8")
    prolog = re.compile(_PROLOG).match(document)
    if prolog and document.startswith(b"<!DOCTYPE", prolog.end()):
        raise OneProtocolException("the XML declares a document type, which OpenNebula never sends")
    try:
        root = _with_carriage_returns(document) if b"\r" in document else _parsed(document)
    except ElementTree.ParseError as error:
        raise OneProtocolException("the XML of the answer cannot be read: %s" % error) from None
    if root.tag.startswith("{"):
        for node in root.iter():
            node.tag = node.tag.rpartition("}")[2]
    return root


def _with_carriage_returns(document):
    """XML parsers turn CR into LF; inside CDATA, where template values are, a reference keeps it."""
    from xml.etree import ElementTree

    try:
        return _parsed(document.replace(b"\r", b"]]>&#13;<![CDATA["))
    except ElementTree.ParseError:
        return _parsed(document)


def _parsed(document):
    from xml.etree import ElementTree  # here, for not every answer needs the parser

    # Named, for an encoding that the document declares could hide a document type.
    return ElementTree.fromstring(document, ElementTree.XMLParser(encoding="utf-8"))


def _root(text):
    """The Node of a whole document; None where markup may be written in a way that a Node does not know."""
    body, start, stop = text.body, text.start, text.stop
    opened = re.compile(_ELEMENT).match(body, start, stop)
    strange = (
        body.find(b">", start, stop) >= 0
        or body.find(b"\r", start, stop) >= 0
        or (body.find(b"?", start, stop) >= 0 and body.find(b"&lt;?", start, stop) >= 0)
        or (body.find(b"#", start, stop) >= 0 and re.compile(_REFERENCE).search(body, start, stop))
    )
    if strange or not opened or opened.lastindex != 1:
        return None
    close = b"&lt;/%s&gt;" % opened.group(1)
    end = body.rfind(close, opened.end(), stop)
    if end < 0 or not re.compile(_BLANK).fullmatch(body, end + len(close), stop):
        return None
    return Node(body, opened.group(1).decode("ascii"), opened.end(), end)


class Node:
    """An element of a document that stays escaped; of xml.etree's interface what the views need.

    It keeps the whole answer alive.  Not for several threads at once.
    """

    __slots__ = ("_at", "_body", "_places", "_start", "_stop", "_tree", "tag")

    def __init__(self, body: bytes | bytearray, tag: str, start: int, stop: int) -> None:
        self.tag = tag
        self._body = body
        self._start = self._at = start
        self._stop = stop
        self._places: dict[str, list[int]] = {}  # of the children passed so far: name → start, stop, start, stop…
        self._tree: ElementTree.Element | None = None

    @property
    def text(self) -> str:
        """The text before the first child."""
        content = self._plain()
        if content is None:
            return self.tree().text or ""
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise OneProtocolException("the field %s of the answer is not UTF-8 text" % self.tag) from None

    def _plain(self):
        """The content (bytes) where it is text without markup or references; None otherwise."""
        body, start, stop = self._body, self._start, self._stop
        if body.find(b"&", start, stop) < 0:
            return body[start:stop]
        section = re.compile(_SECTION).fullmatch(body, start, stop)
        return section.group(1) if section else None

    def find(self, tag: str) -> AnyNode | None:
        """The first child of a name."""
        if tag not in self._places and not self._walk(tag):
            return None if self._tree is None else self._tree.find(tag)
        start, stop = self._places[tag][:2]
        return Node(self._body, tag, start, stop)

    def findall(self, tag: str) -> list[AnyNode]:
        """All children of a name."""
        self._walk(None)
        if self._tree is not None:
            return list(self._tree.findall(tag))
        places = iter(self._places.get(tag, ()))
        return [Node(self._body, tag, start, stop) for start, stop in zip(places, places)]

    def findtext(self, tag: str) -> str | None:
        """The text of the first child of a name; empty for an empty one."""
        child = self.find(tag)
        return None if child is None else child.text or ""

    def lone_text(self, tag: str) -> str | None:
        """The text of the only child of a name; None where there are none, several, or one that is no text."""
        child = self.find(tag)
        if not isinstance(child, Node) or len(self._places[tag]) > 2:
            return None
        # The children after it are not walked if their text does not even mention the name.
        if _opens(self._body, tag.encode("ascii"), child._stop, self._stop):
            self._walk(None)
            if self._tree is not None or len(self._places[tag]) > 2:
                return None
        return None if child.begins_with_element() or len(child) else child.text

    def begins_with_element(self) -> bool:
        """Whether there is a child before any text; what comes after it is not looked at."""
        return re.compile(_ELEMENT).match(self._body, self._start, self._stop) is not None

    def __len__(self) -> int:
        if self._plain() is not None:
            return 0
        self._walk(None)
        return sum(map(len, self._places.values())) // 2 if self._tree is None else len(self._tree)

    def __iter__(self) -> Iterator[ElementTree.Element]:
        return iter(self.tree())

    def tree(self) -> ElementTree.Element:
        """The element, parsed."""
        if self._tree is not None:
            return self._tree
        tag, content = self.tag.encode("ascii"), unescape(bytes(memoryview(self._body)[self._start : self._stop]))
        return parse_tree(b"<%s>%s</%s>" % (tag, content, tag))

    def _walk(self, wanted):
        """Passes over children until one has the wanted name; returns whether there is one."""
        if self._tree is not None:
            return False
        body, at, stop, places = self._body, self._at, self._stop, self._places
        match = re.compile(_ELEMENT).match
        while at < stop:
            opened = match(body, at, stop)
            if not opened:
                break
            shape = opened.lastindex
            if shape == 1:
                start = opened.end()
                end, at = self._end(opened.group(1), start)
            elif shape == _LEAF:
                start, end = opened.span(_LEAF)
                at = opened.end()
            else:
                start = end = at = opened.end()
            if end < 0:
                break
            tag = intern(opened.group(1).decode("ascii"))
            if tag in places:
                places[tag] += start, end
            else:
                places[tag] = [start, end]
            if tag == wanted:
                self._at = at
                return True
        else:
            self._at = at
            return False
        return self._give_up(at)

    def _end(self, tag, start):
        """Where the content of an element ends and where its closing tag does; (-1, -1) where that is not certain.

        The first closing tag of the name is the right one unless it is text of a CDATA section, or closes an element
        of the same name inside.
        """
        body, stop = self._body, self._stop
        close = b"&lt;/%s&gt;" % tag
        end = body.find(close, start, stop)
        special = body.rfind(b"&lt;!", start, end)
        certain = (
            end >= 0 and (special < 0 or _closed_section(body, special, end)) and not _opens(body, tag, start, end)
        )
        return (end, end + len(close)) if certain else (-1, -1)

    def _give_up(self, at):
        if re.compile(_BLANK).fullmatch(self._body, at, self._stop):
            self._at = self._stop
            return False
        self._tree = self.tree()
        return False


def _opens(body, tag, start, stop):
    """Whether anything there looks like the opening tag of an element with this name."""
    opening = b"&lt;" + tag
    at = body.find(opening, start, stop)
    while at >= 0:
        at += len(opening)
        if body[at] in _AFTER_NAME:
            return True
        at = body.find(opening, at, stop)
    return False


def _closed_section(body, start, stop):
    return body.startswith(b"&lt;![CDATA[", start) and body.find(b"]]&gt;", start, stop) >= 0
