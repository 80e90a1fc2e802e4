# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Templates: the text and XML syntaxes, the value, how it is merged and rendered.

The grammar is that of OpenNebula (lexer and grammar in src/parsers), written as a table of its states.
This parser is the simulator's own: a fault in the client's serialiser must not be hidden by the same fault here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from xml.parsers import expat

Vector = dict[str, str]
Value = str | Vector

BLANKS = " \t\n\r\v\f"


class TemplateError(Exception):
    """A template that does not parse; its text is the server's ("Parse error…")."""


# ---------------------------------------------------------------- the value


class Template:
    """A multimap of attributes: name -> texts and vectors, in order of insertion within a name.

    `last_wins` is the mode of images and users: a repeated name replaces the earlier one.
    """

    __slots__ = ("_items", "last_wins")

    def __init__(self, items: Iterable[tuple[str, Value]] = (), last_wins: bool = False) -> None:
        self._items: dict[str, list[Value]] = {}
        self.last_wins = last_wins
        for name, value in items:
            self.add(name, value)

    @classmethod
    def parse(cls, text: str, last_wins: bool = False, trims: bool = True) -> Template:
        """The template that a text in either syntax describes; blanks around values go if it `trims`.

        Raises TemplateError.
        """
        parser = parse_xml if text.startswith("<") else parse_text
        return cls(parser(text, trimmed if trims else lined), last_wins)

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        for name in sorted(self._items):
            for value in self._items[name]:
                yield name, value

    def __contains__(self, name: str) -> bool:
        return name in self._items

    def __bool__(self) -> bool:
        return bool(self._items)

    def add(self, name: str, value: Value) -> None:
        """One more attribute of this name (the only one when the last wins)."""
        if self.last_wins:
            self._items[name] = [value]
        else:
            self._items.setdefault(name, []).append(value)

    def set(self, name: str, value: Value) -> None:
        """The only attribute of this name."""
        self._items[name] = [value]

    def replace(self, name: str, values: Iterable[Value]) -> None:
        """All attributes of this name; none erases it."""
        values = list(values)
        self._items[name] = values
        if not values:
            del self._items[name]

    def erase(self, *names: str) -> None:
        for name in names:
            self._items.pop(name, None)

    def pop(self, name: str, default: str = "") -> str:
        """The first text of this name; the name is gone afterwards."""
        text = self.text(name, default)
        self.erase(name)
        return text

    def text(self, name: str, default: str = "") -> str:
        """The first text of this name."""
        for value in self._items.get(name, ()):
            if isinstance(value, str):
                return value
        return default

    def texts(self, name: str) -> list[str]:
        """All texts of this name, in order."""
        return [value for value in self._items.get(name, ()) if isinstance(value, str)]

    def number(self, name: str, default: float = 0) -> float:
        """The first text of this name as a number; the default when it is none."""
        try:
            return float(self.text(name))
        except ValueError:
            return default

    def integer(self, name: str, default: int = 0) -> int:
        return int(self.number(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        text = self.text(name).upper()
        return text in ("YES", "Y", "TRUE", "1") if text else default

    def vectors(self, name: str) -> list[Vector]:
        """All vectors of this name, themselves (not copies), in order."""
        return [value for value in self._items.get(name, ()) if isinstance(value, dict)]

    def vector(self, name: str) -> Vector | None:
        """The first vector of this name, or None."""
        return next(iter(self.vectors(name)), None)

    def merge(self, other: Template) -> None:
        """Append: each name of the other takes the place of all of ours; an empty vector deletes the name."""
        for name, values in other._items.items():
            kept = [value for value in values if value != {}]
            self.replace(name, kept[-1:] if self.last_wins else kept)

    def settle(self) -> None:
        """What the way through the database does: empty vectors vanish, XML's own names get their prefix."""
        for name in list(self._items):
            values = [value for value in self._items.pop(name) if value != {}]
            if values:
                self._items.setdefault(attribute_name(name), []).extend(values)

    def copy(self) -> Template:
        twin = Template(last_wins=self.last_wins)
        twin._items = {
            name: [dict(value) if isinstance(value, dict) else value for value in values]
            for name, values in self._items.items()
        }
        return twin

    def render(self, tag: str = "TEMPLATE", more: str = "") -> str:
        return f"<{tag}>{self.body()}{more}</{tag}>"

    def body(self) -> str:
        """All attributes, sorted by name."""
        return "".join([attribute(name, value) for name, value in self])


def attribute(name: str, value: Value) -> str:
    """One attribute as the server prints it: every text in one CDATA section, members sorted."""
    if isinstance(value, str):
        return f"<{name}><![CDATA[{value}]]></{name}>"
    members = "".join([f"<{key}><![CDATA[{value[key]}]]></{key}>" for key in sorted(value)])
    return f"<{name}>{members}</{name}>"


def attribute_name(name: str) -> str:
    """Upper case; names that XML forbids or reserves get a prefix (XMLFOO does, xmlfoo does not)."""
    legal = name[0].isalpha() or name[0] == "_"
    return (name if legal and not name.startswith("XML") else "ONE_" + name).upper()


def lined(text: str) -> str:
    """The database's XML turns every line end into a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def trimmed(text: str) -> str:
    """The same without blanks around it."""
    return lined(text).strip(BLANKS)


# ---------------------------------------------------------------- text syntax


class Token(NamedTuple):
    name: str
    text: str
    at: int
    end: int


# Two lexer states, as in the server: after "=" comes a value, everywhere else names and punctuation. As in flex, the
# longest match wins, the first rule among equals, and what no rule matches is skipped.
SKIP = ""
OUTSIDE = [
    (SKIP, re.compile(r"[ \t]*#[^\n]*\n")),
    (SKIP, re.compile(r"[ \t\n]+")),
    ("VARIABLE", re.compile(r"[A-Za-z0-9_]+")),
    ("EQUAL_EMPTY", re.compile(r"=[ \t]*\r?\n")),
    ("EQUAL", re.compile(r"=[ \t]*")),
    ("COMMA", re.compile(r",[ \t\n]*")),
    ("CBRACKET", re.compile(r"\]")),
]
VALUE = [
    (SKIP, re.compile(r"[ \t]+")),
    ("CCDATA", re.compile(r"[^\n]*\]\]>[^\n]*")),
    ("QUOTED", re.compile(r'"(?:\\"|[^"])*"')),
    ("BARE", re.compile(r"[^=#\[\], \t\n]+")),
    ("OBRACKET", re.compile(r"\[")),
]


def longest(rules: list, text: str, at: int) -> tuple[str | None, int]:
    """Name of the rule that matches most at this place, and where its match ends."""
    name, end = None, at
    for rule, pattern in rules:
        found = pattern.match(text, at)
        if found and found.end() > end:
            name, end = rule, found.end()
    return name, end


def tokens(text: str) -> Iterator[Token]:
    """The last one, $end, stands where the lexer was last, be it at something that it skipped."""
    rules, before, at = OUTSIDE, 0, 0
    while at < len(text):
        name, end = longest(rules, text, at)
        if name:
            yield token(name, text, at, end)
            rules = VALUE if name == "EQUAL" else OUTSIDE
        before, at = at, max(end, at + 1)
    yield Token("$end", "", before, at)


def token(name: str, text: str, at: int, end: int) -> Token:
    if name == "QUOTED":
        return Token("STRING", text[at + 1 : end - 1].replace('\\"', '"'), at, end)
    return Token("STRING" if name == "BARE" else name, text[at:end], at, end)


class State(NamedTuple):
    """Where the grammar stands: what the server says it expects, and where each token leads."""

    expecting: str
    next: dict[str, str]


GRAMMAR = {
    "attribute": State("$end", {"VARIABLE": "named", "$end": "done"}),
    "named": State("EQUAL or EQUAL_EMPTY", {"EQUAL": "value", "EQUAL_EMPTY": "attribute"}),
    "value": State("OBRACKET or CCDATA or STRING", {"STRING": "attribute", "OBRACKET": "vector", "CCDATA": "cdata"}),
    "vector": State("CBRACKET or VARIABLE", {"VARIABLE": "member", "CBRACKET": "attribute"}),
    "member": State("EQUAL", {"EQUAL": "text"}),
    "text": State("STRING", {"STRING": "after"}),
    "after": State("COMMA or CBRACKET", {"COMMA": "comma", "CBRACKET": "attribute"}),
    "comma": State("VARIABLE", {"VARIABLE": "member"}),
}


def parse_text(text: str, kept: Callable[[str], str] = trimmed) -> list[tuple[str, Value]]:
    """Attributes of the text syntax, in order. Raises TemplateError."""
    found: list[tuple[str, Value]] = []
    state, name, member, vector = "attribute", "", "", {}
    for tok in tokens(text):
        follow = GRAMMAR[state].next.get(tok.name)
        if follow is None:
            raise TemplateError(syntax_error(text, tok, GRAMMAR[state].expecting))
        if follow == "cdata":
            raise TemplateError("Parse error.")
        if follow == "named":
            name = attribute_name(tok.text)
        elif follow == "member":
            member = tok.text.upper()
        elif follow == "vector":
            vector = {}
        elif follow == "after":
            vector.setdefault(member, kept(tok.text))
        elif tok.name == "CBRACKET":
            found.append((name, vector))
        elif follow == "attribute":
            found.append((name, kept(tok.text) if tok.name == "STRING" else ""))
        state = follow
    return found


def syntax_error(text: str, tok: Token, expecting: str) -> str:
    """Columns count on from line to line."""
    return (
        f"Parse error: syntax error, unexpected {tok.name}, expecting {expecting}"
        f" at line {text.count(chr(10), 0, tok.at)}, columns {tok.at + 1}:{tok.end + 1}"
    )


# ---------------------------------------------------------------- XML syntax


class _Element:
    """An element with its nodes: texts (one a text or CDATA section), elements, and None for a comment."""

    __slots__ = ("name", "nodes")

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list = []

    def elements(self) -> list[_Element]:
        return [node for node in self.nodes if isinstance(node, _Element)]

    def starts_with_text(self) -> bool:
        return bool(self.nodes) and isinstance(self.nodes[0], str)


def parse_xml(text: str, kept: Callable[[str], str] = trimmed) -> list[tuple[str, Value]]:
    """Attributes of the XML syntax, in order. Raises TemplateError."""
    found: list[tuple[str, Value]] = []
    for element in read_xml(text).elements():
        name = attribute_name(element.name)
        if element.elements():
            members = [child for child in element.elements() if child.starts_with_text()]
            found.append((name, {child.name: kept(child.nodes[0]) for child in members}))
        elif len(element.nodes) == 1 and element.starts_with_text():
            found.append((name, kept(element.nodes[0])))
    return found


class _Reader:
    """Builds elements as the server's reader does: adjoining text and CDATA sections are nodes of their own."""

    def __init__(self) -> None:
        self.root = _Element("")
        self._stack = [self.root]
        self._fresh = True  # whether the next characters begin a text node

    def start(self, name: str, _attributes: dict) -> None:
        element = _Element(name.rpartition(":")[2])  # namespace prefixes are dropped
        self._stack[-1].nodes.append(element)
        self._stack.append(element)
        self._fresh = True

    def end(self, _name: str) -> None:
        self._stack.pop()
        self._fresh = True

    def characters(self, data: str) -> None:
        nodes = self._stack[-1].nodes
        if self._fresh:
            nodes.append(data)
        else:
            nodes[-1] += data
        self._fresh = False

    def section(self) -> None:
        """A CDATA section begins or ends."""
        self._fresh = True

    def comment(self, _data: str) -> None:
        self._stack[-1].nodes.append(None)
        self._fresh = True


def read_xml(text: str) -> _Element:
    """The root element. Raises TemplateError."""
    reader, parser = _Reader(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.CommentHandler = reader.characters, reader.comment
    parser.StartCdataSectionHandler = parser.EndCdataSectionHandler = reader.section
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        raise TemplateError("Parse error: XML Template malformed.") from None
    return reader.root.elements()[0]
