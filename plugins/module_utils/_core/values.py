# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Pure functions: what a declared value makes of the present one.

Each ``merged`` function answers with the value that stands after the change; there is a difference exactly when that
is not the present value.  So the plan, the diff and the write have one source.
"""

from __future__ import annotations

import re

from ..pyone import template as grammar
from ..pyone.codec import UNSENDABLE
from ..pyone.errors import OneException, OneTemplateException
from .failure import Failure, described
from .secret_names import is_secret

MASK = "********"
LABELS = "LABELS"  # the attribute whose text is a list with commas
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\Z")
_BOOLEANS = {"yes": "YES", "no": "NO", "true": "YES", "false": "NO"}

UNITS = {
    "": 1,
    "M": 1,
    "MB": 1,
    "MIB": 1,
    "G": 1024,
    "GB": 1024,
    "GIB": 1024,
    "T": 1024**2,
    "TB": 1024**2,
    "TIB": 1024**2,
}

# Names that YAML does not read as texts, unless they are in quotes: as a document has them, and as a module gets them.
YAML_TRUE = (True, "true")
READ_BY_YAML: dict = {
    **dict.fromkeys(YAML_TRUE, "ON, YES and TRUE"),
    **dict.fromkeys((False, "false"), "OFF, NO and FALSE"),
    **dict.fromkeys((None, "null"), "NULL and ~"),
}

# What tells the items of a repeated vector apart, by the vector's name; the first key that both items have counts.
NATURAL_KEYS = {
    "AR": ("AR_ID", "IP", "IP6", "MAC"),
    "DISK": ("DISK_ID",),
    "NIC": ("NIC_ID",),
    "NIC_ALIAS": ("NIC_ID",),
    "SCHED_ACTION": ("ID",),
    "SNAPSHOT": ("SNAPSHOT_ID",),
    "ROLE": ("NAME",),
}


def canonical(template):
    """A template in one form, whether a person or OpenNebula wrote it.

    Names are in upper case, texts are trimmed, booleans are YES or NO. A list inside a vector, and LABELS where it is a
    list, are texts with commas. What means nothing is left out: None, empty vectors, lists of nothing else.
    Of what a person wrote, declared() finds out too whether OpenNebula can store it.

    Args:
        template (dict): NAME → scalar, {NAME: scalar or list of scalars}, or a list of these; an empty list stays, as
            it removes the attribute.

    Raises:
        OneTemplateException: a vector inside of a vector, or a list inside of a list.
    """
    values = {str(name).upper(): _canonical_value(name, value) for name, value in template.items()}
    return {name: value for name, value in values.items() if value is not None}


def declared(option, given):
    """The canonical form of a template that a task gives.

    Args:
        option (str): that has it.
        given (dict | str)

    Raises:
        Failure: OpenNebula cannot store it: a name that is none, one that is given twice, a character, a structure.
    """
    try:
        template = grammar.read(given) if isinstance(given, str) else given
        if not isinstance(template, dict):
            raise Failure("The option %s takes a dictionary or a text, not %r." % (option, given))
        _require_names(template)
        found = canonical(template)
        _require_distinct(template)
        grammar.write(found)
        _require_sendable(found)
    except OneException as error:
        raise described(error, "use the option %s" % option) from None
    return found


def declared_vector(option, name, given):
    """The canonical form of a vector, such as a NIC, that a task gives in an option; see declared()."""
    return declared(option, {name: given}).get(name, {})


def _require_names(template):
    """Raises OneTemplateException where YAML has not read a name, such as ON, as a text."""
    for name in [name for vector in _vectors(template) for name in vector]:
        if name in READ_BY_YAML:
            message = "an attribute cannot be called %s; YAML reads %s so: put the name in quotes"
            raise OneTemplateException(message % (name, READ_BY_YAML[name]))


def _vectors(template):
    """The template, and the vectors inside of it."""
    return [template] + [item for value in template.values() for item in _items(value) if isinstance(item, dict)]


def _require_distinct(template):
    for vector in _vectors(template):
        names = [str(name).upper() for name in vector]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise OneTemplateException("it names %s twice: upper and lower case are the same" % twice[0])


def _require_sendable(template):
    """Raises OneTemplateException when a text has a character that the API cannot carry."""
    for name, value in template.items():
        for item in value if isinstance(value, list) else [value]:
            for member, given in item.items() if isinstance(item, dict) else [(name, item)]:
                bad = re.search(UNSENDABLE, given)
                if bad:
                    message = "the attribute %s holds %r, which cannot be sent to OpenNebula"
                    raise OneTemplateException(message % (member, bad.group()))


def _canonical_value(name, value):
    """The one form of an attribute; None: it means nothing."""
    if isinstance(value, dict):
        return _canonical_vector(name, value) or None
    if str(name).upper() == LABELS and isinstance(value, (str, list, tuple)):
        return _comma_text(value.split(",") if isinstance(value, str) else _texts(value))
    if isinstance(value, (list, tuple)):
        return _canonical_list(name, value)
    return None if value is None else _canonical_text(value)


def _canonical_list(name, values):
    """The one form of a repeated attribute; None: it has nothing that means something; []: it is to be removed."""
    items = [_canonical_item(name, item) for item in values if item is not None]
    return [item for item in items if item != {}] or (None if values else [])


def _canonical_item(name, item):
    if isinstance(item, (list, tuple)):
        raise OneTemplateException("the attribute %s is a list inside of a list, which OpenNebula does not have" % name)
    return _canonical_vector(name, item) if isinstance(item, dict) else _canonical_text(item)


def _canonical_vector(name, vector):
    found = {}
    for member, value in vector.items():
        if isinstance(value, (list, tuple)) and not any(isinstance(item, (dict, list, tuple)) for item in value):
            value = _comma_text(value)
        if isinstance(value, (dict, list, tuple)):
            message = "the member %s of the vector %s has to be a text, a number or a list of these"
            raise OneTemplateException(message % (member, name))
        if value is not None:
            found[str(member).upper()] = _canonical_text(value)
    return found


def _texts(values):
    """The texts and numbers of a repeated attribute that others may have written as vectors too."""
    return [value for value in values if value is not None and not isinstance(value, (dict, list, tuple))]


def _comma_text(values):
    parts = [_canonical_text(value) for value in values if value is not None]
    return ",".join(part for part in parts if part)


def _canonical_text(value):
    if isinstance(value, bool):
        return "YES" if value else "NO"
    return str(value).strip()


def vectors(template, name):
    """The vectors of a repeated attribute in a canonical template; texts of that name are ignored.

    Args:
        template (dict)
        name (str): such as NIC or DISK.

    Returns:
        list[dict]
    """
    return [item for item in _items(template.get(name)) if isinstance(item, dict)]


def first_text(template, name, default=""):
    """The first text of an attribute, whatever its shape: OpenNebula reads a text where others wrote several.

    Args:
        template (dict | None): canonical, or of an object.
        name (str)
        default (str): where it has none.
    """
    value = (template or {}).get(name)
    texts = (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
    return next(texts, default)


def split_labels(text):
    """The labels in the text of an attribute LABELS."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def labels_of(template):
    """The labels in a template, whatever shape others gave its attribute LABELS."""
    return split_labels(first_text(template, LABELS))


def first_vector(template, name):
    """The first vector of an attribute of a canonical template, whatever its shape; {}: it has none."""
    return next(iter(vectors(template, name)), {})


def same(one, other):
    """Whether two texts of a template mean the same: as numbers when both are, as YES / NO when both are."""
    if one == other:
        return True
    if _NUMBER.match(one) and _NUMBER.match(other):
        return float(one) == float(other)
    return one.lower() in _BOOLEANS and _BOOLEANS[one.lower()] == _BOOLEANS.get(other.lower())


def merged_template(present, wanted, replace=False, managed=()):
    """The template that stands after `wanted` was declared; both are canonical.

    Args:
        present (dict)
        wanted (dict): attributes to have; an empty list removes the attribute.
        replace (bool): attributes that are not wanted go, but for the managed ones.
        managed (container): names that the server keeps for itself.
    """
    kept = present if not replace else {name: value for name, value in present.items() if name in managed}
    result = dict(kept)
    for name, value in wanted.items():
        value = _merged_value(name, present.get(name), value, replace)
        if value == []:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _merged_value(name, present, wanted, replace):
    if isinstance(wanted, list):
        items = _items(present)
        result = [_merged_item(_partner(name, item, items, index), item, replace) for index, item in enumerate(wanted)]
        return present if [present] == result else result
    if isinstance(present, list) and len(present) == 1:
        return [_merged_item(present[0], wanted, replace)]
    return _merged_item(present, wanted, replace)


def _items(value):
    return value if isinstance(value, list) else [value]


def _partner(name, wanted, items, index):
    """The present item that a wanted one speaks of: the one with the same natural key, else the one in its place."""
    if isinstance(wanted, dict):
        for key in NATURAL_KEYS.get(name, ()):
            if key in wanted:
                found = [item for item in items if isinstance(item, dict) and same(item.get(key, ""), wanted[key])]
                return found[0] if found else None
    return items[index] if index < len(items) else None


def _merged_item(present, wanted, replace):
    if isinstance(wanted, dict):
        return merged_template(present if isinstance(present, dict) else {}, wanted, replace)
    return present if isinstance(present, str) and same(present, wanted) else wanted


def changed_names(before, after):
    """(names that are new or have another value, names that are gone), each sorted."""
    changed = sorted(name for name in after if name not in before or before[name] != after[name])
    return changed, sorted(set(before) - set(after))


def contrast(before, after):
    """The parts of two records that differ: (before, after), each a dictionary; dictionaries inside are reduced too."""
    left, right = {}, {}
    for name in sorted(set(before) | set(after)):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            one, other = contrast(one, other)
        if name in before:
            left[name] = one
        if name in after:
            right[name] = other
    return left, right


def masked(value, names=is_secret):
    """The same value with the texts of attributes that hold secrets (passwords, tokens, keys) covered.

    Args:
        names (SecretNames): tells which these are.
    """
    return _masked(value, names, False)


def _masked(value, names, inside):
    """As masked(); `inside` a vector whose name is that of a secret, all is one."""
    if isinstance(value, dict):
        return {name: _covered(name, item, names, inside) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item, names, inside) for item in value]
    return value


def _covered(name, value, names, inside):
    if isinstance(value, (list, tuple)):
        return [_covered(name, item, names, inside) for item in value]
    if isinstance(value, dict):
        return _masked(value, names, inside or is_vector(name, value, names))
    if not isinstance(value, bool) and value not in (None, "") and (inside or names(name)):
        return MASK
    return value


NO_VECTORS = frozenset(("login_token", "login_tokens"))  # options and results that are called as secrets are


def is_vector(name, value, names=is_secret):
    """Whether a dictionary is a vector attribute with the name of a secret, and not a user input of that name."""
    return name not in NO_VECTORS and "type" not in value and names(name)


TOO_LARGE = 2**43  # MB: their bytes are no integer of 64 bits


def megabytes(given, option):
    """A size in whole MB; 1 GB is 1024 MB, as for OpenNebula.

    Args:
        given (int | float | str): a number of MB, or a text such as ``4 GB`` or ``35.2 GB``.
        option (str): that has it, as the user wrote it.

    Raises:
        Failure: it is no size, less than 1 MB, or more than OpenNebula counts.
    """
    number = str(given).strip().upper()
    unit = number.lstrip("0123456789. ")
    try:
        size = round(float(number[: len(number) - len(unit)]) * UNITS[unit])
    except (KeyError, OverflowError, ValueError):
        size = 0
    if not 0 < size < TOO_LARGE:
        message = "The option %s takes a size such as 4096 (MB), 512 MB or 4 GB, not %r."
        raise Failure(message % (option, given))
    return size
