# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Dictionaries written as OpenNebula templates, and templates read as dictionaries.

Text is the usual form; XML is taken for values that text cannot hold.  Facts of the grammar: releases 5.4 to 7.4 of the
server's parser.  Text has one escape (``\\"``) and none for the backslash itself; XML drops empty values.
"""

from __future__ import annotations

import re

from .codec import escaped
from .errors import OneTemplateException, with_article

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

# Documents, not attributes: a dictionary with one of them as its only key is that document.
ROOTS = ("TEMPLATE", "USER_TEMPLATE")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Escaped quotes of the writer, a backslash before a quote, or a backslash at the end: text would read another value.
_HAZARD = re.compile(r'\\(?:"|\Z)')

_BLANKS = " \t\n\r\v\f"
# The server's lexer: what it skips, then a token.  Together they match everywhere.
_TOKEN = re.compile(
    r"(?:[ \t]*#[^\n]*\n|[^A-Za-z0-9_=,\]])*"
    r"(?:(?P<name>[A-Za-z0-9_]+)|(?P<nothing>=[ \t]*\r?\n)|(?P<mark>[=,\]])|(?P<end>\Z))"
)
# After "=" it has other rules: what it skips, and three forms of which the longest wins.
_BEFORE_VALUE = " \t\n=#],"
_UNREADABLE = re.compile(r"[^\n]*\]\]>[^\n]*")
_QUOTED = re.compile(r'"(?:\\"|[^"])*"')
_BARE = re.compile(r"[^=#\[\], \t\n]+")


def write(template: Mapping[str, Any]) -> str:
    """The text or XML of a template.

    Args:
        template (dict): NAME → value.  A value is a text, a number, a boolean (YES / NO), a dictionary (a vector), or a
            list of these (the attribute is repeated).  ``{"TEMPLATE": {…}}`` is a document: it is written as XML.

    Returns:
        str: for one.*.allocate, update and every other method that takes a template.

    Raises:
        OneTemplateException: a name or value that the server would refuse, change or lose.
    """
    root = _root(template)
    attributes = list(_attributes(template[root] if root else template))
    if root or any(_HAZARD.search(text) for dummy, text in _texts(attributes)):
        return _xml(root or "TEMPLATE", attributes)
    return "\n".join("%s=%s" % (name, _text(value)) for name, value in attributes)


def canonical_name(name: str) -> str:
    """The name as the server keeps it: upper case.

    Raises:
        OneTemplateException: it is no name of an attribute, or one that the server would change (``XML…``).
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise OneTemplateException(
            "%r is not a name of a template attribute: use letters, digits and underscores" % (name,)
        )
    if name.upper().startswith("XML"):
        raise OneTemplateException("%r cannot name a template attribute: OpenNebula keeps XML… to itself" % name)
    return name.upper()


def _canonical(members):
    """A dictionary under the names that the server keeps."""
    found = {canonical_name(name): value for name, value in members.items()}
    if len(found) < len(members):
        twice = sorted(name for name in found if sum(canonical_name(other) == name for other in members) > 1)
        raise OneTemplateException("the template names %s twice: upper and lower case are the same" % twice[0])
    return found


def _root(template):
    """The name of the document when the dictionary is one, else None."""
    if len(template) != 1:
        return None
    ((name, content),) = template.items()
    if not isinstance(content, dict):
        return None
    nested = any(isinstance(item, (dict, list, tuple)) for item in content.values())
    return name if name in ROOTS or nested else None


def _attributes(template):
    """(NAME, text or {NAME: text}) of every attribute, repeated ones in their order."""
    for name, value in _canonical(template).items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, dict):
                yield name, {member: _scalar(member, text) for member, text in _canonical(item).items()}
            else:
                yield name, _scalar(name, item)


def _texts(attributes):
    for name, value in attributes:
        yield from value.items() if isinstance(value, dict) else ((name, value),)


def _scalar(name, value):
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, (int, float)):
        return "%d" % value if isinstance(value, int) else repr(value)
    if not isinstance(value, str):
        known = next((kind for kind in (dict, list) if isinstance(value, kind)), type(value))
        kind = "nothing (None)" if value is None else with_article(known.__name__)
        raise OneTemplateException("the attribute %s cannot be %s: give text, a number or a boolean" % (name, kind))
    bad = _FORBIDDEN.search(value)
    if bad or "]]>" in value:
        raise OneTemplateException(
            "the attribute %s holds %r, which OpenNebula cannot store" % (name, bad.group() if bad else "]]>")
        )
    return value


def _text(value):
    if isinstance(value, dict):
        return "[%s]" % ", ".join("%s=%s" % (name, _text(text)) for name, text in value.items())
    return '"%s"' % value.replace('"', '\\"')


def _xml(root, attributes):
    content = "".join("<%s>%s</%s>" % (name, _content(value), name) for name, value in attributes)
    return "<%s>%s</%s>" % (root, content, root)


def _content(value):
    if isinstance(value, dict):
        # A vector without members would be read as an empty single value.
        return "".join("<%s>%s</%s>" % (name, _content(text), name) for name, text in value.items()) or "<X/>"
    # An empty element is dropped; a blank one is stored, and 7.4 trims it to the empty value.
    # CDATA cannot carry a CR through the parser, a reference can.
    return "<![CDATA[%s]]>" % (value or " ") if "\r" not in value else escaped(value)


def read(text: str) -> dict[str, Any]:
    """A template, text or XML, as the dictionary that the server (7.4) makes of it.

    Args:
        text (str): XML when it begins with ``<``, else text.

    Returns:
        dict: NAME → value: text without blanks around it, a dictionary (a vector), or a list of these (a repeated
            name).

    Raises:
        OneTemplateException: a syntax error; the message names its line.
    """
    content: dict[str, Any] = {}
    for name, value in _read_xml(text) if text.startswith("<") else _Reader(text).attributes():
        name = _stored_name(name)
        if name not in content:
            content[name] = value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = [content[name], value]
    return content


def _stored_name(name):
    """Names that XML forbids or reserves get a prefix: XMLFOO does, xmlfoo does not."""
    return (name if (name[0].isalpha() or name[0] == "_") and not name.startswith("XML") else "ONE_" + name).upper()


def _trimmed(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").strip(_BLANKS)


class _Reader:
    """The text syntax: attributes one after the other, with one token of foresight."""

    def __init__(self, text):
        self.text = text
        self.position = 0
        self._advance()

    def _advance(self):
        """The next name, mark or end; what the lexer has no rule for is skipped, as the server does."""
        found: Any = _TOKEN.match(self.text, self.position)
        self.token = found.group(found.lastgroup)
        self.kind = self.token if found.lastgroup == "mark" else found.lastgroup
        self.start, self.position = found.start(found.lastgroup), found.end()

    def _take(self, kind, expected):
        if self.kind != kind:
            raise self._error(expected, self.start)
        token = self.token
        if kind != "=":  # what follows "=" has the rules of values
            self._advance()
        return token

    def _error(self, expected, position):
        line = self.text.count("\n", 0, position) + 1
        return OneTemplateException("the template cannot be read at line %d: %s expected" % (line, expected))

    def attributes(self):
        while self.kind != "end":
            name = self._take("name", 'NAME = "value"')
            if self.kind == "nothing":
                value = ""
                self._advance()
            else:
                self._take("=", "= after a name")
                value = self._value(name)
            yield name, value

    def _skip_to_value(self):
        while self.position < len(self.text) and self.text[self.position] in _BEFORE_VALUE:
            if _UNREADABLE.match(self.text, self.position):
                break
            self.position += 1

    def _value(self, name):
        self._skip_to_value()
        if self.text.startswith("[", self.position) and not _UNREADABLE.match(self.text, self.position):
            self.position += 1
            self._advance()
            return self._vector()
        return self._scalar(name)

    def _scalar(self, name):
        """The longest of what could be a value here."""
        self._skip_to_value()
        quoted, bare, unreadable = (rule.match(self.text, self.position) for rule in (_QUOTED, _BARE, _UNREADABLE))
        found = max(filter(None, (unreadable, quoted, bare)), key=lambda match: match.end(), default=None)
        if found is None or found is unreadable:
            raise self._error("a value of %s without ]]>" % name if found else "a value of %s" % name, self.position)
        self.position = found.end()
        self._advance()
        text = found.group()
        return _trimmed(text[1:-1].replace('\\"', '"') if found is quoted else text)

    def _vector(self):
        members: dict[str, str] = {}
        if self.kind != "]":
            self._member(members)
        while self.kind == ",":
            self._advance()
            self._member(members)
        self._take("]", ", or ]")
        return members

    def _member(self, members):
        name = self._take("name", "NAME = value")
        self._take("=", "= after a name")
        members.setdefault(name.upper(), self._scalar(name))  # the first of two stays


def _read_xml(text):
    """(name, value) of every attribute that the server finds in an XML document."""
    for name, nodes in _Tree(text).content:
        elements = [node for node in nodes if isinstance(node, tuple)]
        if elements:
            yield (
                name,
                {member: _trimmed(inner[0]) for member, inner in elements if inner and isinstance(inner[0], str)},
            )
        elif len(nodes) == 1 and isinstance(nodes[0], str):
            yield name, _trimmed(nodes[0])


class _Tree:
    """`content`: the elements below the root, each (name, nodes).

    A node is an element, a text or CDATA section, or a comment (None).  The server drops what has two of them, and
    xml.etree would join them, so this goes to expat.
    """

    def __init__(self, text):
        from xml.parsers import expat

        self._nodes: list[Any] = []
        self._above: list[list[Any]] = []
        self._joins = False  # whether characters belong to the text before them
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.CommentHandler = self._characters, self._comment
        parser.StartCdataSectionHandler = parser.EndCdataSectionHandler = self._section
        parser.StartDoctypeDeclHandler = self._document_type
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise OneTemplateException("the template cannot be read at line %d: %s" % (error.lineno, reason)) from None
        ((dummy, nodes),) = [node for node in self._nodes if node]
        self.content = [node for node in nodes if isinstance(node, tuple)]

    def _start(self, name, dummy):
        nodes: list[Any] = []
        self._nodes.append((name.rpartition(":")[2], nodes))
        self._above.append(self._nodes)
        self._nodes, self._joins = nodes, False

    def _end(self, dummy):
        self._nodes, self._joins = self._above.pop(), False

    def _characters(self, text):
        if self._joins:
            text = self._nodes.pop() + text
        self._nodes.append(text)
        self._joins = True

    def _section(self):
        self._joins = False

    def _comment(self, dummy):
        self._nodes.append(None)
        self._joins = False

    def _document_type(self, *dummy):
        raise OneTemplateException("the template declares a document type, which OpenNebula templates do not have")
