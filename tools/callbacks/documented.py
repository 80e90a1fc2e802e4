# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A callback plugin that warns of keys in the results of modules that their RETURN does not document."""

from __future__ import annotations

from functools import cache

from ansible.parsing.plugin_docs import read_docstring
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import module_loader

DOCUMENTATION = """
name: documented
type: notification
short_description: Warns of undocumented return values
description: Compares the keys of every result with RETURN of its module. A warning fails a test of this collection.
"""
COLLECTION = "privazio.opennebula."
ANSIBLE = ("ansible_", "_ansible_")
# What Ansible itself adds, and what -vvv shows.
COMMON = frozenset(
    "attempts calls censored changed deprecations failed failed_when_result invocation skipped warnings".split()
)


class CallbackModule(CallbackBase):
    """Look at what became of each task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "documented"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result):
        self._compare(result)

    def v2_runner_item_on_ok(self, result):
        self._compare(result)

    def _compare(self, result):
        action, outcome = result._task.resolved_action or "", result._result
        if not action.startswith(COLLECTION) or "results" in outcome or outcome.get("failed") or "msg" in outcome:
            return  # a loop, whose items come one by one, or a failure that was expected
        unknown = sorted(set(undocumented(action, outcome)))
        if unknown:
            self._display.warning(f"{action} does not document what it returns: {', '.join(unknown)}.")


def undocumented(action, outcome):
    """Return the keys of the OUTCOME of a module that its RETURN does not have, those inside of lists and dictionaries
    with documented contents included."""
    common = COMMON | {outcome.get("ansible_loop_var")}
    found = {key: value for key, value in outcome.items() if key not in common and not key.startswith(ANSIBLE)}
    return strange(returns(action), found)


def strange(told, found, path=""):
    """Yield the paths of the keys of FOUND that TOLD does not have."""
    for key, value in found.items():
        if key not in told:
            yield path + key
        elif told[key].get("contains"):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    yield from strange(told[key]["contains"], item, f"{path}{key}.")


@cache
def returns(action):
    """Return the documentation of what the module ACTION returns."""
    return read_docstring(module_loader.find_plugin_with_context(action).plugin_resolved_path)["returndocs"]
