# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Declared objects as their modules understand them: validated options, and the work that these ask for."""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._core.argument_specs import SHARED
from ...module_utils._core.failure import Failure
from ...module_utils._module import OneModule
from .document import Fault


class Declared(NamedTuple):
    """A declared object.

    Args:
        entry (document.Entry)
        module (OneModule): with the validated options.
        resource (Resource | None): of the object; None: `work` makes it.
        work (callable | None): (cloud) -> Report, of objects that the engine does not make one by one.
    """

    entry: Any
    module: Any
    resource: Any = None
    work: Any = None

    @property
    def params(self):
        return self.module.params

    @property
    def name(self):
        """What messages call the object."""
        params = self.params
        named = [params.get(word) for word in ("name", "service_name", "user", "group", "kind", "id")]
        return next((str(value) for value in named if value is not None), self.entry.place())

    @property
    def waits(self):
        """Whether the object is waited for until it is as declared."""
        return self.params.get("wait", True)

    @property
    def removed(self):
        return self.params.get("state") == "absent"


class InvalidOptions(Exception):
    """Options of an object that its module refuses; the arguments are their messages."""


class _Options:
    """AnsibleModule for an object of a document: the same validation, and nothing else."""

    check_mode = False
    _verbosity = 0

    def __init__(self, argument_spec, given, supports_check_mode=True, **rules):
        spec = {name: option for name, option in argument_spec.items() if name not in SHARED}
        unknown = [name for name in given if name not in _names(spec)]
        if unknown:
            raise InvalidOptions(*(_unknown(name, _names(spec)) for name in unknown))
        result = ArgumentSpecValidator(spec, **rules).validate(given)
        if result.error_messages:
            raise InvalidOptions(*result.error_messages)
        self.params = result.validated_parameters
        self.no_log_values = result._no_log_values

    def warn(self, text):
        """The plan tells what is missing; see planner.SharedCloud."""


def _names(spec):
    """All names and aliases of options."""
    return set(spec) | {alias for option in spec.values() for alias in option.get("aliases", ())}


def _unknown(name, names):
    near = get_close_matches(str(name), sorted(names), 1)
    return "there is no option %s%s" % (name, "; did you mean %s?" % near[0] if near else ".")


@contextmanager
def _captured(given, found):
    """Lets the main() of a module tell what it would do with some options, instead of doing it."""
    kept = {name: OneModule.__dict__[name] for name in ("face", "run", "ensure")}

    def keep_resource(module, resource):
        found.append((module, resource, None))

    def keep_work(module, work):
        found.append((module, None, work))

    OneModule.face = staticmethod(lambda argument_spec, **rules: _Options(argument_spec, given, **rules))
    OneModule.ensure, OneModule.run = keep_resource, keep_work
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(OneModule, name, value)


def declared(entries, modules):
    """The Declared objects of entries, and what is wrong with their options.

    Args:
        entries (list[document.Entry])
        modules (dict): key → Python module of the Ansible module that takes its objects.

    Returns:
        (list[Declared], list[Fault])
    """
    objects, faults = [], []
    for entry in entries:
        found: list = []
        try:
            with _captured(dict(entry.options), found):
                modules[entry.key].main()
        except InvalidOptions as invalid:
            faults += [Fault(entry.place(), message) for message in invalid.args]
        except Failure as failure:
            faults.append(Fault(entry.place(), failure.message))
        else:
            objects.append(Declared(entry, *found[0]))
    return objects, faults
