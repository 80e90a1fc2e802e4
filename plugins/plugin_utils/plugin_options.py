# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options of plugins: what ansible-core takes without a word, or refuses without a hint, is told here."""

from __future__ import annotations

import os
from types import MappingProxyType

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._core.failure import Failure, did_you_mean
from ..module_utils._core.secret_names import is_secret


def refuse_unknown(given, known, where):
    """Raises a Failure for the first word that is not known: which, where, and what was perhaps meant."""
    for word in given:
        if word not in known:
            hint = did_you_mean(str(word), known) or " It takes: %s." % ", ".join(sorted(known))
            raise Failure("%s does not take %r.%s" % (where, word, hint))


def refuse_values(given, definitions, variables=MappingProxyType({})):
    """Checks the values of options that have choices, or are true or false, or that ansible-core would show.

    Args:
        given (dict): values by the names of options.
        definitions (dict): of the options, as ansible-core has them from the documentation.
        variables (dict): those of Ansible, that may have values too, as the environment may.

    Raises:
        Failure: a value is none of them. ansible-core takes ``maybe`` for false.
    """
    for name, definition in definitions.items():
        if is_secret(name) and definition.get("type") == "str" and isinstance(given.get(name), (dict, list)):
            raise Failure("%s takes a text, not a list or a dictionary." % name)
        if definition.get("choices") and name != "plugin":
            refuse_unknown(_items(given.get(name)), definition["choices"], name)
        if definition.get("type") == "bool":
            for source, key in ((given, "name"), (os.environ, "env"), (variables, "vars")):
                names = [name] if key == "name" else [each["name"] for each in definition.get(key) or ()]
                for where in names:
                    _refuse_no_bool(where, source.get(where))


def refuse_members(name, value, definition, needed):
    """Checks the items of an option that is a list of dictionaries; ansible-core leaves out what it does not know.

    Args:
        name (str): of the option.
        value: that is given.
        definition (dict): of the option, as ansible-core has it from the documentation.
        needed (str): the member without which an item means nothing.

    Raises:
        Failure: an item is no dictionary, has a member that does not exist, or lacks the one that is needed.
    """
    for item in value if isinstance(value, list) else [value] if isinstance(value, dict) else ():
        if not isinstance(item, dict):
            raise Failure("%s takes a list of dictionaries, not %r in it." % (name, item))
        refuse_unknown(item, definition["suboptions"], "An item of the option %s" % name)
        if needed not in item:
            raise Failure("An item of the option %s needs %s." % (name, needed))


def _items(value):
    """The items of a value as ansible-core reads a list: a text has commas."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return value if isinstance(value, list) else [] if value is None else [value]


def _refuse_no_bool(where, value):
    if value in (None, "") or (isinstance(value, str) and "{{" in value):
        return
    try:
        boolean(value)
    except TypeError:
        raise Failure("%s takes true or false, not %r." % (where, value)) from None


def as_texts(name, value, definition):
    """The value of an option; of a list of texts the numbers as texts, which ansible-core leaves as they are.

    Raises:
        Failure: an item is a list or a dictionary.
    """
    if value is None or (definition.get("type"), definition.get("elements")) != ("list", "str"):
        return value
    wrong = [item for item in value if isinstance(item, (list, dict))]
    if wrong:
        raise Failure("%s takes a list of texts, not %r in it." % (name, wrong[0]))
    return [item if isinstance(item, str) else str(item) for item in value]
