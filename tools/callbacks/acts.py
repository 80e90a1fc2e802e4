# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A callback plugin that warns where a plan is not the change, and where a play never repeats a change."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: acts
type: notification
short_description: Warns where check mode and the real run differ
description:
  - Compares what a task of this collection shows in check mode with what the same task does next.
  - Warns at the end if the play of the variable target never planned, made and repeated a change.
  - A warning fails a test of this collection.
"""
COLLECTION = "privazio.opennebula."
READ_ONLY = ("inventory", "lookup", "bad_input", "one_call", "one_info", "replacement")


class CallbackModule(CallbackBase):
    """Follow the tasks of the collection, in their order."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "acts"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._plans = {}  # task: what check mode showed of it since the last change
        self._made = None  # the task of the last change
        self._seen = {}  # module: the acts that a play has shown of it
        self._target = ""

    def v2_playbook_on_play_start(self, play):
        self._target = play.get_variable_manager().extra_vars.get("target", "")

    def v2_runner_on_ok(self, result):
        action, outcome = result._task.resolved_action or "", result._result
        if not action.startswith(COLLECTION) or action.endswith("_info") or "results" in outcome:
            return
        given = {key: value for key, value in result._task_fields["args"].items() if not key.startswith("_ansible_")}
        task = (action, json.dumps(given, sort_keys=True, default=str))
        if result._task_fields["check_mode"]:
            self._plans[task] = outcome
        else:
            self._real(task, outcome)

    def _real(self, task, outcome):
        """Compare a real run with its plan and with its repetition."""
        seen = self._seen.setdefault(task[0].removeprefix(COLLECTION), set())
        if task in self._plans:
            self._compare(task[0], self._plans[task], outcome)
            seen.update({"plan"} if outcome.get("changed") else ())
        if self._made == task and not outcome.get("changed"):
            seen.add("repetition")
        if outcome.get("changed"):
            self._plans, self._made = {}, task

    def _compare(self, action, plan, outcome):
        for key in ("changed", "diff"):
            if plan.get(key) != outcome.get(key):
                self._display.warning(f"{action} does not do what check mode shows: {key} differs.")

    def v2_playbook_on_stats(self, stats):
        missing = {"plan", "repetition"} - self._seen.get(self._target, set())
        if missing and self._target not in READ_ONLY and not stats.failures:
            self._display.warning(f"the target {self._target} shows no {' and no '.join(sorted(missing))} of a change.")
