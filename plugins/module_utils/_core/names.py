# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Names of objects: which OpenNebula takes, in their one form.

OpenNebula 7.4 takes the blanks around a name away, 6.10 keeps them.  Here they never count.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..pyone.errors import with_article
from .failure import Failure

# What PoolObjectSQL::name_is_valid refuses, with the line breaks and tabs that belong into no name.
FORBIDDEN = "&|:\\\";/'#{}$<>\t\n\v\f\r"
LINE_BREAKS = "\n\v\f\r"
LONGEST = 128  # bytes
SHOWN = {"\t": "a tab", " ": "a blank", **dict.fromkeys(LINE_BREAKS, "a line break")}


class Rule(NamedTuple):
    """Which names objects of a kind may have."""

    forbidden: str = FORBIDDEN  # characters
    punctuation: Any = None  # characters beside letters and digits; None: all that are not forbidden
    longest: int = LONGEST


RULES = {
    # OpenNebula writes the names of documents into their XML as they are.
    **dict.fromkeys(("document", "service", "service_template"), Rule(LINE_BREAKS + "<&")),
    "group": Rule(FORBIDDEN + " "),
    "host": Rule(punctuation="-._:", forbidden="", longest=63),
    "user": Rule(FORBIDDEN + " "),
}


def trimmed(what, given, **data):
    """A name that is looked for, without the blanks around it.

    Args:
        what (str): whose name it is, for the message: ``VM template``.
        given (str | None): None stays.
        data: as of Failure.

    Raises:
        Failure: it is empty.
    """
    name = None if given is None else str(given).strip()
    if name == "":
        raise Failure("The name of %s cannot be empty." % with_article(what), **data)
    return name


def valid(kind, what, given):
    """A name for a new object, or a new name for one.

    Args:
        kind (str): key of cloud.KINDS.
        what, given: as of trimmed().

    Raises:
        Failure: OpenNebula takes no such name.
    """
    name, rule = trimmed(what, given, object=kind), RULES.get(kind, Rule())
    wrong = next((letter for letter in name if not _allowed(letter, rule)), None)
    if wrong is not None:
        message = "The name of %s cannot have %s: %r."
        raise Failure(message % (with_article(what), SHOWN.get(wrong, "'%s'" % wrong), name), object=kind, name=name)
    if len(name.encode("utf-8", "surrogatepass")) > rule.longest:
        message = "The name of %s has at most %d bytes: %r is longer."
        raise Failure(message % (with_article(what), rule.longest, name[:20] + "…"), object=kind, name=name)
    return name


def _allowed(letter, rule):
    if rule.punctuation is not None:
        return letter.isalnum() or letter in rule.punctuation
    return letter not in rule.forbidden


def by_name(pool):
    """{name without the blanks around it: objects} of a pool."""
    found: dict[str, list] = {}
    for item in pool:
        found.setdefault(item.NAME.strip(), []).append(item)
    return found
