# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an inventory knows of an object of a pool, and how it reads templates, which users write as they like."""

from __future__ import annotations

import re

from ..module_utils._core.numbers import is_whole
from ..module_utils._core.secret_names import names_with
from ..module_utils._core.secrets import found, told
from ..module_utils._core.values import same

EMPTY = (None, "", [], {})
_ATTRIBUTE = re.compile(r"[A-Z][A-Z0-9_]*")


class Facts(dict):
    """The facts of one object, each found out when it is first asked for.

    Args:
        table (dict[str, callable]): name → function of these Facts. A name that begins with ``_`` is a fact that others
            are made of.
        item (pyone Element): the object.
        source (Source): where it is from; it tells the names that belong to ids.
        options (dict): the options of the inventory.

    A name in capitals is an attribute of the object's template (the fact ``one_attributes``): its texts, as a list.
    """

    def __init__(self, table, item, source, options):
        super().__init__()
        self.item = item
        self.source = source
        self.options = options
        self._table = table

    def __missing__(self, name):
        fact = self[name] = self._table[name](self) if name in self._table else self._attribute(name)
        return fact

    def _attribute(self, name):
        if not is_attribute(name):
            raise KeyError(name)
        return texts(self["one_attributes"].get(name))


def secrets_in(*templates):
    """Fact: the secrets in templates (names of facts), which drivers repeat elsewhere."""

    def read(facts):
        names = secret_names(facts.options)
        return frozenset().union(*(found(facts[name], names=names) for name in templates))

    return read


def attributes(facts):
    """The attributes of the user template, without secrets."""
    return shown(facts, facts["_attributes"])


def shown(facts, members):
    """Attributes (dict) of an object without its secrets, also where they are repeated."""
    return told(members, facts["_secrets"], secret_names(facts.options))


def secret_names(options):
    """The SecretNames of an inventory."""
    return names_with(tuple(options.get("secret_names") or ()))


def is_attribute(name):
    """Whether a name is one of an attribute, which OpenNebula writes in capitals."""
    return _ATTRIBUTE.fullmatch(name) is not None


# ---------------------------------------------------------------- templates


def texts(value):
    """The texts of an attribute, which may be missing, a text, a vector (a dictionary), or a list of these."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else texts_of_one(value)


def texts_of_one(value):
    return [value] if isinstance(value, str) else []


def text(value):
    """The first text of an attribute; None when it has none."""
    return value if isinstance(value, str) else next(iter(texts(value)), None)


def template(field):
    """Fact: a template of the object, by the name of its field.

    It is asked for single attributes, not whether it is empty, for that reads all of it.
    """

    def read(facts):
        found = getattr(facts.item, field)
        return {} if found is None else found

    return read


def vectors(value):
    """The vectors (dictionaries) of an attribute, however often it is there."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def vector(value):
    """The members of all vectors of an attribute; of a member that several have, the last counts."""
    found = vectors(value)
    return found[0] if len(found) == 1 else {name: member for item in found for name, member in item.items()}


def number(value, kind=int):
    """The number that an attribute is; None when it is none.

    Args:
        kind (type): int, or float, which is a whole number where it can be.
    """
    if isinstance(value, str) and is_whole(value):
        return int(value)
    try:
        found = float(text(value) or "")
        whole = int(found)
    except (ValueError, OverflowError):  # a word, nan, inf
        return None
    return whole if whole == found else found if kind is float else None


def labels(value):
    """The labels in an attribute LABELS.

    Args:
        value (str | dict | list | None): as templates have it.

    Returns:
        list[str]: sorted, each once, as they are written; ``a/b`` is a label below ``a``.
    """
    parts = (part.strip() for found in texts(value) for part in found.split(","))
    return sorted({part for part in parts if part})


def has_label(facts, wanted):
    """Whether an object has one of the labels, or one below it."""
    return any(label == one or label.startswith(one + "/") for label in facts["one_labels"] for one in wanted)


def has_attributes(facts, wanted):
    """Whether each attribute has the value, or one of the values, that are wanted."""
    return all(_has_value(facts, name, values) for name, values in wanted.items())


def _has_value(facts, name, values):
    accepted = values if isinstance(values, list) else [values]
    return any(same(found, _written(value)) for found in facts[name.upper()] for value in accepted)


def _written(value):
    return ("YES" if value else "NO") if isinstance(value, bool) else str(value)
