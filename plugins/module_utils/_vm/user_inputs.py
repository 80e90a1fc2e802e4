# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""User inputs of VM templates: what a template asks of whoever creates a VM from it.

USER_INPUTS has a text for each: ``M|range|Size of the pool|1..20|4``, that is whether it is mandatory (M or O), its
type, a description, what it may be, and its initial value (OpenNebula's documentation of VM templates).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

from .._core.failure import Failure
from .._core.values import canonical
from .context import encoded

INPUTS = "USER_INPUTS"
INTEGER = re.compile(r"[+-]?[0-9]+\Z")
FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\Z")
NUMBERS = {"number": INTEGER, "range": INTEGER, "number-float": FLOAT, "range-float": FLOAT}
NUMBER_WORDS = {INTEGER: "a whole number", FLOAT: "a number"}


class Input(NamedTuple):
    """One user input: its texts, in the order of USER_INPUTS."""

    name: str
    mandatory: bool
    type: str
    description: str
    choices: str
    initial: str


def inputs_of(template):
    """{NAME: Input} of a VM template in canonical form; what is no user input is ignored."""
    vector = template.get(INPUTS, {})
    vector = vector[0] if isinstance(vector, list) and vector else vector
    return {name: _parsed(name, text) for name, text in vector.items()} if isinstance(vector, dict) else {}


def _parsed(name, text):
    parts = [part.strip() for part in text.split("|", 4)] + [""] * 5
    return Input(name, parts[0].upper() == "M", parts[1].lower(), *parts[2:5])


def attributes(template, given, present):
    """The attributes that the user inputs of a VM template bring to a new VM.

    Args:
        template (dict): the VM template in canonical form.
        given (dict): what the task gives for them.
        present (container): attributes that the new VM has otherwise.

    Returns:
        dict: NAME → text; for those that are not given their initial value, if they have one.

    Raises:
        Failure: one is unknown, is missing, or has a value that does not fit its type.
    """
    known, given = inputs_of(template), canonical({name: value for name, value in given.items() if value is not None})
    _refuse_unknown(known, given)
    found = {name: checked(known[name], value) for name, value in given.items()}
    for name, one in known.items():
        if name not in found and name not in present and one.initial:
            found[name] = checked(one, one.initial) if one.type != "text64" else one.initial
    missing = [name for name, one in known.items() if one.mandatory and name not in found and name not in present]
    if missing:
        texts = ", ".join(_described(known[name]) for name in missing)
        raise Failure("The VM template asks for user_inputs that are missing: %s." % texts, object="template")
    return found


def _refuse_unknown(known, given):
    unknown = sorted(set(given) - set(known))
    if unknown:
        near = get_close_matches(unknown[0], known)
        rest = "did you mean %s?" % near[0] if near else "it has: %s." % (", ".join(sorted(known)) or "none")
        raise Failure("The VM template has no user input %s; %s" % (unknown[0], rest), object="template")


def _described(one):
    return "%s (%s)" % (one.name, one.description) if one.description else one.name


def checked(one, value):
    """The text of a user input for the new VM.

    Raises:
        Failure: the value does not fit the type or the limits.
    """
    text = ",".join(value) if isinstance(value, list) else value
    if not isinstance(text, str):
        raise _misfit(one, "a text")
    if one.mandatory and not text:
        raise _misfit(one, "a text that is not empty")
    return CHECKS.get(one.type, _any)(one, text)


def _any(one, text):
    return text


def _encoded(one, text):
    return encoded(text)


def _fixed(one, text):
    if text != one.initial:
        raise _misfit(one, "its fixed value, %s" % one.initial)
    return text


def _boolean(one, text):
    if text.upper() not in ("YES", "NO"):
        raise _misfit(one, "YES or NO")
    return text.upper()


def _number(one, text):
    if not NUMBERS[one.type].match(text):
        raise _misfit(one, NUMBER_WORDS[NUMBERS[one.type]])
    return text


def _range(one, text):
    low, high = (limit.strip() for limit in one.choices.partition("..")[::2])
    limits = [float(limit) for limit in (low, high) if FLOAT.match(limit)]
    if not NUMBERS[one.type].match(text) or (len(limits) == 2 and not limits[0] <= float(text) <= limits[1]):
        raise _misfit(one, "%s from %s to %s" % (NUMBER_WORDS[NUMBERS[one.type]], low, high))
    return text


def _list(one, text):
    if text not in _choices(one):
        raise _misfit(one, "one of " + ", ".join(_choices(one)))
    return text


def _multiple(one, text):
    if not {part.strip() for part in text.split(",")} <= set(_choices(one)):
        raise _misfit(one, "some of " + ", ".join(_choices(one)))
    return text


def _choices(one):
    return [part.strip() for part in one.choices.split(",")]


CHECKS = {
    "text64": _encoded,
    "fixed": _fixed,
    "boolean": _boolean,
    "number": _number,
    "number-float": _number,
    "range": _range,
    "range-float": _range,
    "list": _list,
    "list-multiple": _multiple,
}


def _misfit(one, what):
    return Failure("The user input %s has to be %s." % (_described(one), what), object="template")
