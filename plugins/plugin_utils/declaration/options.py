# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options of a task whose module runs by its action plugin."""

from __future__ import annotations

import gc
from contextlib import contextmanager

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import AnsibleFallbackNotFound
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display

from ...module_utils._core.argument_specs import refuse_deep
from ...module_utils._core.failure import Failure

VERBOSE = 3  # of -vvv


def accept(given):
    """Raises AnsibleActionFail when an option of a task is nested too deeply: whatever looks at it needs the stack."""
    try:
        refuse_deep(given)
    except Failure as failure:
        raise AnsibleActionFail(failure.message) from None


def validated(module, given):
    """The options of a task, as AnsibleModule would give them.

    Args:
        module: with OPTIONS and RULES.
        given (dict): the arguments of the task.

    Raises:
        AnsibleActionFail: they are not valid.
    """
    accept(given)
    found = ArgumentSpecValidator(module.OPTIONS, **module.RULES).validate(plain(given))
    if found.error_messages:
        raise AnsibleActionFail("%s." % ". ".join(found.error_messages))
    params = found.validated_parameters
    for name, option in module.OPTIONS.items():
        if params.get(name) is None and "fallback" in option:
            params[name] = _fallback(*option["fallback"])
    return params


@contextmanager
def uncollected():
    """Looks for no garbage meanwhile: all that is planned is needed until the task ends, which is a third faster."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def plain(value):
    """A value as modules get it: of the types of JSON, without what ansible-core keeps beside texts, and decrypted.

    It is copied and compared many times, which takes several times longer with these marks.
    """
    if isinstance(value, dict):
        return {plain(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    kind = next((kind for kind in (str, int, float) if isinstance(value, kind)), str)
    return kind.__str__(value) if kind is str and isinstance(value, str) else kind(value)


def cost(calls):
    """The fields of the result for the calls of a task: their count; with -vvv also their names."""
    listed = {"calls": calls} if Display().verbosity >= VERBOSE else {}
    return dict(listed, api_calls=len(calls))


def _fallback(function, names):
    """The value of an option in the environment; None: it has none."""
    try:
        return function(*names)
    except AnsibleFallbackNotFound:
        return None
