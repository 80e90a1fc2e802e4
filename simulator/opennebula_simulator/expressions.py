# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Requirements that place VMs: NAME = "node*" & !(RACK < 5). What a name stands for is looked up in XML.

& and | bind alike, from the left; ! binds what follows it. A text is a pattern of the shell, a missing number is 0.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from xml.etree import ElementTree

TOKEN = re.compile(
    r'\s*(?:(?P<number>-?\d+(?:\.\d+)?)|"(?P<text>[^"]*)"|(?P<word>[A-Za-z][\w]*)|(?P<sign>@>|!=|[=<>&|!()]))'
)
PATH = re.compile(r"\w+(/\w+)*")
NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


class Malformed(ValueError):
    """An expression that cannot be read."""


def holds(expression: str, document: ElementTree.Element, places: tuple[str, ...]) -> bool:
    """Whether an expression is true of a document, whose names are looked for at the places in turn.

    Raises Malformed.
    """
    if not expression.strip():
        return True
    reader = Reader(expression, document, places)
    try:
        found = reader.whole()
    except RecursionError:
        raise Malformed(expression) from None
    if reader.tokens:
        raise Malformed(expression)
    return found


def tokens(expression: str) -> list[tuple[str, str]]:
    """(kind, text) of each token."""
    found, at, text = [], 0, expression.rstrip()
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise Malformed(expression)
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


class Reader:
    """Evaluates while it reads."""

    def __init__(self, expression: str, document: ElementTree.Element, places: tuple[str, ...]) -> None:
        self.expression, self.document, self.places = expression, document, places
        self.tokens = tokens(expression)

    def next(self, *kinds: str) -> str:
        if not self.tokens or self.tokens[0][0] not in kinds:
            raise Malformed(self.expression)
        return self.tokens.pop(0)[1]

    def meets(self, *signs: str) -> bool:
        return bool(self.tokens) and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs

    def whole(self) -> bool:
        found = self.part()
        while self.meets("&", "|"):
            sign, right = self.next("sign"), self.part()
            found = found and right if sign == "&" else found or right
        return found

    def part(self) -> bool:
        if self.meets("!"):
            self.next("sign")
            return not self.part()
        if not self.meets("("):
            return self.comparison()
        self.next("sign")
        found = self.whole()
        if not self.meets(")"):
            raise Malformed(self.expression)
        self.next("sign")
        return found

    def comparison(self) -> bool:
        values = self.values(self.next("word", "text"))
        if not self.meets("=", "!=", "<", ">", "@>"):
            raise Malformed(self.expression)
        sign, kind = self.next("sign"), self.tokens[0][0] if self.tokens else ""
        wanted = self.next("number", "word", "text")
        if sign == "@>":
            return any(fnmatchcase(value, wanted) for value in values)
        if kind == "number":
            return NUMBERS[sign](number(values), float(wanted))
        if sign not in ("=", "!="):
            raise Malformed(self.expression)
        return bool(values and values[0] and wanted) and fnmatchcase(values[0], wanted) == (sign == "=")

    def values(self, name: str) -> list[str]:
        """The texts of the elements of a name, at the first place where there are any."""
        if PATH.fullmatch(name):
            for place in self.places:
                found = self.document.findall(place + name)
                if found:
                    return [each.text or "" for each in found]
        return []


def number(values: list[str]) -> float:
    try:
        return float(values[0]) if values else 0.0
    except ValueError:
        return 0.0
