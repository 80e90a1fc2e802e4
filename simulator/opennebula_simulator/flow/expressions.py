# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The expressions of elasticity policies: (CPU > 60) || !(LOAD <= 5).

&& (or &) and || (or |) bind alike, from the right; ! takes all that follows it. A name stands for the mean of an
attribute over the running VMs of the role; a comparison with a name that no VM has is false.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

Lookup = Callable[[str], "float | None"]  # the mean of an attribute in upper case
Node = tuple  # ("compare", sign, left, right), ("not", node), ("group", node), ("join", sign, left, right)

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
COMPARISON = re.compile("|".join(COMPARISONS))
JOIN = re.compile(r"&&|&|\|\||\|")
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
NAME = re.compile(r"(['\"]?)([a-zA-Z][0-9a-zA-Z_]*)\1")
SPACES = re.compile(" *")


class Malformed(ValueError):
    """An expression that cannot be read; the text says where."""


class Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def fail(self, *wanted: str) -> Malformed:
        before = self.text[: self.at]
        line, column = before.count("\n") + 1, self.at - (before.rfind("\n") + 1) + 1
        what = ", ".join(("' '", *wanted))
        return Malformed(f"Expected one of {what} at line {line}, column {column} (byte {self.at + 1}) after {before}")

    def whole(self) -> Node:
        found = self.expression()
        if self.at < len(self.text):
            raise self.fail("'&&'", "'&'", "'||'", "'|'")
        return found

    def expression(self) -> Node:
        self.take(SPACES)
        left = self.condition()
        self.take(SPACES)
        sign = self.take(JOIN)
        if sign is None:
            return left
        return ("join", sign[0][0], left, self.expression())

    def condition(self) -> Node:
        if self.text.startswith("!", self.at):
            self.at += 1
            return ("not", self.expression())
        if self.text.startswith("(", self.at):
            self.at += 1
            inner = self.expression()
            if not self.text.startswith(")", self.at):
                raise self.fail("')'")
            self.at += 1
            return ("group", inner)
        return self.comparison()

    def comparison(self) -> Node:
        left = self.operand()
        self.take(SPACES)
        sign = self.take(COMPARISON)
        if sign is None:
            raise self.fail("'=='", "'='", "'!='", "'<>'", "'>='", "'>'", "'<='", "'<'")
        self.take(SPACES)
        return ("compare", sign[0], left, self.operand())

    def operand(self) -> str | float:
        number = self.take(NUMBER)
        if number is not None:
            return float(number[0])
        name = self.take(NAME)
        if name is not None:
            return name[0].upper()
        raise self.fail("'-'", "[0-9]", "'\"'", "'\\''", "[a-zA-Z]")


def parse(text: str) -> Node:
    """Raises Malformed."""
    try:
        return Reader(text).whole()
    except RecursionError:
        raise Malformed("It is nested too deeply") from None


def evaluate(node: Node, lookup: Lookup) -> tuple[bool, str]:
    """Whether it holds, and the expression with the values in place: "CPU[61.5] > 60"."""
    kind, *parts = node
    if kind == "compare":
        sign, *sides = parts
        (left, shown_left), (right, shown_right) = (value(side, lookup) for side in sides)
        holds = left is not None and right is not None and COMPARISONS[sign](left, right)
        return holds, f"{shown_left} {sign} {shown_right}"
    if kind == "join":
        (left, shown_left), (right, shown_right) = (evaluate(side, lookup) for side in parts[1:])
        return (left and right if parts[0] == "&" else left or right), f"{shown_left} {parts[0] * 2} {shown_right}"
    holds, shown = evaluate(parts[0], lookup)
    return (not holds, f"!{shown}") if kind == "not" else (holds, f"({shown})")


def value(side: str | float, lookup: Lookup) -> tuple[float | None, str]:
    if isinstance(side, float):
        return side, f"{side:g}"
    found = lookup(side)
    return found, f"{side}[{'--' if found is None else round(found, 2)}]"
