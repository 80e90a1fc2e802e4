# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Takes away, for the task whose variable `taken_away` names it, one of ansible-core's internals.

What looks for it by name misses it; ansible-core's own functions, which have it already, work on.  A path that ends
with "()" names a function whose annotation changes.
"""

from __future__ import annotations

import inspect
import sys
import types
from importlib import import_module
from pkgutil import resolve_name

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: taken_away
type: aggregate
short_description: Take away an internal of ansible-core for a task
description: Take away an internal of ansible-core for a task.
"""


class CallbackModule(CallbackBase):
    """Changes the process that tasks are forked from."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "taken_away"

    restore = None

    def v2_playbook_on_task_start(self, task, is_conditional):
        """Undo what was done for the task before, and do what this one wants."""
        if self.restore:
            self.restore()
            self.restore = None
        path = task.vars.get("taken_away", "")
        if path.endswith("()"):
            self.restore = annotated(resolve_name(path.removesuffix("()")))
        elif path:
            self.restore = hidden(path)


def annotated(function):
    """Change what the function is annotated to return; return what undoes it."""
    before = dict(function.__annotations__)
    function.__annotations__["return"] = "something new"

    def restore():
        function.__annotations__.clear()
        function.__annotations__.update(before)

    return restore


def hidden(path):
    """Hide what lies at `path`; return what undoes it."""
    module_name, dummy, rest = path.partition(":")
    *owners, name = rest.split(".")
    owner = resolve_name(f"{module_name}:{'.'.join(owners)}")
    if inspect.isfunction(getattr(owner, name)) and owners:
        return hidden_method(owner, name)
    module = import_module(module_name)
    sys.modules[module_name] = without(module, [*owners, name])
    return lambda: sys.modules.__setitem__(module_name, module)


class Hidden:
    """A method that its class lacks, but not an object of it."""

    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner):
        """The method of an instance."""
        if instance is None:
            raise AttributeError
        return self.function.__get__(instance, owner)


def hidden_method(owner, name):
    """Hide a method of the class `owner`; return what undoes it."""
    function = vars(owner)[name]
    setattr(owner, name, Hidden(function))
    return lambda: setattr(owner, name, function)


def without(owner, names):
    """A copy of the module or class `owner` that lacks what the names lead to."""
    copy = types.SimpleNamespace(**{name: getattr(owner, name) for name in dir(owner)})
    if len(names) == 1:
        delattr(copy, names[0])
    else:
        setattr(copy, names[0], without(getattr(owner, names[0]), names[1:]))
    return copy
