# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Pure functions: what a declared value makes of the present one.

Each ``merged`` function answers with the value that stands after the change; there is a difference exactly when that
is not the present value.  So the plan, the diff and the write have one source.
"""

from __future__ import annotations

import re

from ..pyone.errors import OneTemplateException
from ..pyone.template import canonical_name
from .failure import Failure

MASK = "********"
_SECRET = re.compile(r"PASSW|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|API_KEY", re.I)
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
    """A template in one form: upper-case names, texts trimmed, booleans as YES / NO, None left out.

    Args:
        template (dict): NAME → scalar, {NAME: scalar}, or a list of these.

    Raises:
        OneTemplateException: a name that is none, or a vector inside of a vector.
    """
    return {
        canonical_name(name): _canonical_value(name, value) for name, value in template.items() if value is not None
    }


def _canonical_value(name, value):
    if isinstance(value, dict):
        deep = [member for member, inner in value.items() if isinstance(inner, (dict, list, tuple))]
        if deep:
            raise OneTemplateException("the member %s of the vector %s has to be a text or a number" % (deep[0], name))
        return canonical(value)
    if isinstance(value, (list, tuple)):
        return [_canonical_value(name, item) for item in value]
    if isinstance(value, bool):
        return "YES" if value else "NO"
    return str(value).strip()


def same(one, other):
    """Whether two texts of a template mean the same: as numbers when both are, as YES / NO when both are."""
    if one == other:
        return True
    try:
        return float(one) == float(other) and "_" not in one + other
    except ValueError:
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
        items = [] if present is None else present if isinstance(present, list) else [present]
        result = [_merged_item(_partner(name, item, items, index), item, replace) for index, item in enumerate(wanted)]
        return present if present is not None and _items(present) == result else result
    if isinstance(present, list) and len(present) == 1:
        item = _merged_item(present[0], wanted, replace)
        return present if item == present[0] else [item]
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


def masked(value):
    """The same value with the texts of attributes that hold secrets (passwords, tokens, keys) covered."""
    if isinstance(value, dict):
        return {name: _covered(name, item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item) for item in value]
    return value


def _covered(name, value):
    if isinstance(value, str) and value and _SECRET.search(str(name)):
        return MASK
    return masked(value)


def megabytes(text, option):
    """A size in MB, from a number of MB or a text such as ``4 GB``; 1 GB is 1024 MB, as for OpenNebula.

    Raises:
        Failure: it is neither, or no whole number of MB.
    """
    number = str(text).strip().upper()
    unit = number.lstrip("0123456789. ")
    try:
        size = float(number[: len(number) - len(unit)]) * UNITS[unit]
    except (KeyError, ValueError):
        size = 0
    if size <= 0 or size != int(size):
        message = "The option %s takes a size such as 4096 (MB), 512 MB or 4 GB, not %r."
        raise Failure(message % (option, text))
    return int(size)


def _declared(given, option, origins):
    """A device in canonical form; raises Failure when nothing says which or what it is."""
    device = canonical(given)
    if not set(origins.split()).intersection(device):
        message = "Each of the option %s is a dictionary with one of %s."
        raise Failure(message % (option, ", ".join(origins.split())), object="vm")
    return device
