# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Declared objects as their modules understand them: validated options, and the work that these ask for."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._core.argument_specs import FLOW_CONNECTION, SHARED, as_said, require_least
from ...module_utils._core.failure import Failure
from ...module_utils._module import Work
from .document import Fault


class Declared(NamedTuple):
    """A declared object.

    Args:
        entry (document.Entry)
        module (Asked): with the validated options.
    """

    entry: Any
    module: Any

    @property
    def params(self):
        return self.module.params

    @property
    def resource(self):
        """The Resource of the object; None: `work` makes it."""
        return self.module.resource

    @property
    def work(self):
        """(cloud) -> Report, of objects that the engine does not make one by one."""
        return self.module.work

    @property
    def name(self):
        """What messages call the object."""
        params = self.params
        named = [params.get(word) for word in ("name", "service_name", "user", "group", "kind", "id")]
        named.append("everyone" if params.get("everyone") else None)
        return next((str(value) for value in named if value is not None), self.entry.place())

    @property
    def waits(self):
        """Whether the object is waited for until it is as declared."""
        return self.params.get("wait", True)

    @property
    def removed(self):
        return self.params.get("state") == "absent"


class Asked(Work):
    """What a module would do for an object of a document; it takes the place of OneModule in the module's work().

    Args:
        params (dict): validated.
    """

    def __init__(self, params):
        self.params = params
        self.applies = False
        self.resource: Any = None
        self.work: Any = None

    def ensure(self, resource):
        """As of OneModule: the object is one of a Resource."""
        self.resource = resource

    def run(self, work):
        """As of OneModule: work(cloud) makes the object."""
        self.work = work


# ---------------------------------------------------------------- validation


class Rules:
    """What a module takes for one object: its options without those of the connection.

    Args:
        module: the Python module of the Ansible module, with OPTIONS and RULES.
    """

    def __init__(self, module):
        spec = {name: option for name, option in module.OPTIONS.items() if name not in BESIDE}
        self._names = set(spec) | {alias for option in spec.values() for alias in option.get("aliases", ())}
        self._spec = spec
        self._validator = ArgumentSpecValidator(spec, **module.RULES)

    def validated(self, given):
        """(the options with their defaults and types, what is wrong with them: a list of messages)."""
        unknown = [name for name in given if name not in self._names]
        if unknown:
            return None, [_unknown(name, self._names) for name in unknown]
        found = self._validator.validate(as_said(given, self._spec))
        return found.validated_parameters, found.error_messages

    def inside(self, given, message):
        """Where in the options a message of validated() belongs: names of options and the index in a list."""
        path = _inside(message)
        items = given.get(path[0]) if len(path) > 1 or FOUND_IN.search(message) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if message in self._validator.validate({**given, path[0]: [item]}).error_messages:
                return [path[0], index, *path[1:]]
        return path


# Options of modules that say how to reach the cloud, and not what it has.
BESIDE = frozenset(SHARED) | frozenset(FLOW_CONNECTION)


def _unknown(name, names):
    near = get_close_matches(str(name), sorted(names), 1)
    return "there is no option %s%s" % (name, "; did you mean %s?" % near[0] if near else ".")


def declared(entries, modules):
    """The Declared objects of entries, and what is wrong with their options.

    Args:
        entries (list[document.Entry])
        modules (dict): key → Python module of the Ansible module that takes its objects.

    Returns:
        (list[Declared], list[Fault])
    """
    objects, faults = [], []
    rules = {key: Rules(modules[key]) for key in {entry.key for entry in entries}}
    for entry in entries:
        params, wrong = rules[entry.key].validated(entry.options)
        faults += [Fault(entry.place(*rules[entry.key].inside(entry.options, message)), message) for message in wrong]
        if not wrong:
            objects.append(Declared(entry, Asked(params)))
            faults += _begun(objects[-1], modules[entry.key])
    return objects, faults


FOUND_IN = re.compile(r"found in '?(?P<path>[a-z]\w*(?: -> [a-z]\w*)*)'?")
OPTION = re.compile(r"(?:argument|value of|parameters? for) '?(?P<name>[a-z]\w*)'?")


def _inside(message):
    """The options that a message of ansible-core is about, from the outermost."""
    found, option = FOUND_IN.search(message), OPTION.search(message)
    path = found.group("path").split(" -> ") if found else []
    return path + ([option.group("name")] if option else [])


def _begun(one, module):
    """Lets a module say what it would do for an object; returns what is wrong with its options."""
    try:
        require_least(one.params)
        module.work(one.module)
    except Failure as failure:
        return [Fault(one.entry.place(), failure.message)]
    return []
