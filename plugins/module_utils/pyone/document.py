# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""XML of answers: a short document is parsed; of a long one only what is asked for, where it stands.

A pool of 10 000 VMs is a hundred megabytes of escaped XML, and most callers want a name of each.  A Node walks over
the children of its element without unescaping or parsing them.  Whatever it is not sure of, it leaves to the parser.
"""

from __future__ import annotations

import re
from sys import intern

from .codec import Text, unescape
from .errors import OneProtocolException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Union
    from xml.etree import ElementTree

    AnyNode = Union[ElementTree.Element, "Node"]

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
        return None if len(child) else child.text

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
        tag, content = self.tag.encode("ascii"), unescape(bytes(self._body[self._start : self._stop]))
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
