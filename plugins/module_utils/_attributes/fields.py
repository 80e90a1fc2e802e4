# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Options that stand for one attribute of an object's template each."""

from __future__ import annotations

from typing import Callable, NamedTuple

from .._core.cloud import label, method
from .._core.values import canonical
from .._engine.engine import Attribute


class Word(NamedTuple):
    """The attribute that an option stands for."""

    name: str
    read: Callable = str  # text of the attribute, empty when it is not there → value of the option
    lasting: bool = True  # False: it can be given at creation only


def flag(text):
    return text.upper() == "YES"


def number(text):
    return int(text) if text.isdigit() else None


def upper(text):
    return text.upper()


def lower(text):
    return text.lower()


def read(words, template):
    """{option: value} of a template.

    Args:
        words (dict): option → Word
        template (dict): canonical.
    """
    return {option: word.read(template.get(word.name, "")) for option, word in words.items()}


def body(words, wanted):
    """The template attributes of those options that are wanted."""
    return canonical({word.name: wanted[option] for option, word in words.items() if option in wanted})


def attributes(kind, words):
    """The Attributes of words.

    Args:
        kind (str)
        words (dict): option → Word
    """

    def attribute(option, word):
        def write(cloud, oid, after, record):
            doing = "change %s of %s %s" % (option, label(kind), record["name"])
            cloud.call(doing, method(kind, "update"), oid, body(words, {option: after}), 1)

        def one_form(cloud, given):
            return word.read(body(words, {option: given})[word.name])

        return Attribute(write if word.lasting else None, canonical=one_form)

    return {option: attribute(option, word) for option, word in words.items()}
