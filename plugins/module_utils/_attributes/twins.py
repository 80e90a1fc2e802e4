# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Attributes of a template that have an option: what people know from OpenNebula counts as that option.

A twin is (name of the attribute, value in canonical form) → {option: value}, an entry in Resource.twins.
"""

from __future__ import annotations

from functools import partial

from .._core.failure import Failure


def text(name, value):
    """The text of an attribute; empty where it is removed.

    Raises:
        Failure: it is something else.
    """
    if value == []:
        return ""
    if not isinstance(value, str):
        raise Failure("The attribute %s of the option template has to be one text." % name)
    return value


def lower(name, value):
    return text(name, value).lower()


def flag(name, value):
    """Whether a text is YES.

    Raises:
        Failure: it is neither YES nor NO.
    """
    found = text(name, value).upper()
    if found not in ("YES", "NO"):
        raise Failure("The attribute %s of the option template has to be YES or NO, not %r." % (name, value))
    return found == "YES"


def integer(name, value):
    """A whole number.

    Raises:
        Failure: it is none.
    """
    try:
        return int(text(name, value))
    except ValueError:
        raise Failure("The attribute %s of the option template has to be a number, not %r." % (name, value)) from None


def commas(name, value):
    """The parts of a text with commas, or of several."""
    return [part.strip() for one in texts(name, value) for part in one.split(",") if part.strip()]


def texts(name, value):
    """The texts of a repeated attribute."""
    return [text(name, item) for item in (value if isinstance(value, list) else [value])]


def vectors(name, value):
    """The vectors of a repeated attribute.

    Raises:
        Failure: one of them is a text.
    """
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in found):
        raise Failure("The attribute %s of the option template has to be a dictionary, or a list of them." % name)
    return found


def twin(option, form=text):
    """The twin of an attribute whose option has the value form(name, value)."""
    return partial(_twin, option, form)


def _twin(option, form, name, value):
    return {option: form(name, value)}


def chosen(words):
    """The form of a text that is one of these words, in any case.

    Args:
        words (container): in lower case.
    """
    return partial(_chosen, words)


def _chosen(words, name, value):
    found = lower(name, value)
    if found not in words:
        message = "The attribute %s of the option template has to be one of %s, not %r."
        raise Failure(message % (name, ", ".join(words).upper(), value))
    return found
