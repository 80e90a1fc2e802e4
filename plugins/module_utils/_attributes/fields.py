# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Options that are one attribute of an object's template each."""

from __future__ import annotations

from functools import partial
from typing import Callable, NamedTuple

from .._core.cloud import label
from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import canonical, first_text
from .._engine.resource import attribute
from .template import update
from .twins import twin


class TemplateField(NamedTuple):
    """The attribute of the template that an option stands for."""

    name: str
    read: Callable = str  # text of the attribute, empty when the object lacks it → value of the option
    words: tuple = ()  # the values that it has; empty: any


def flag(text):
    return text.upper() == "YES"


def number(text):
    return int(text) if is_whole(text) else None


def upper(text):
    return text.upper()


def lower(text):
    return text.lower()


def read(fields, template):
    """{option: value} of a template.

    Args:
        fields (dict): option → TemplateField
        template (dict): canonical.
    """
    return {option: field.read(first_text(template, field.name)) for option, field in fields.items()}


def body(fields, wanted):
    """The attributes of the template for those options that are wanted."""
    return canonical({field.name: wanted[option] for option, field in fields.items() if option in wanted})


def twins(fields):
    """The entries of Resource.twins for fields."""
    return {field.name: twin(option) for option, field in fields.items()}


def attributes(kind, fields):
    """{option: Attribute} of fields.

    Args:
        kind (str)
        fields (dict): option → TemplateField
    """
    return {
        option: attribute(option, partial(_write, kind, option, field), canonical=partial(_canonical_field, field))
        for option, field in fields.items()
    }


def _write(kind, option, field, record, after):
    what = "change %s of %s %s" % (option, label(kind), record["name"])
    return [update(kind, record, what, canonical({field.name: after}))]


def _canonical_field(field, cloud, given):
    text = canonical({field.name: given})[field.name]
    found = field.read(text)
    if found is None or (field.read is flag and text.upper() not in ("YES", "NO")):
        message = "The attribute %s takes %s, not %r."
        raise Failure(message % (field.name, "a number from 0" if found is None else "YES or NO", given))
    if field.words and found not in field.words:
        raise Failure("The attribute %s takes one of %s, not %r." % (field.name, ", ".join(field.words), given))
    return found
