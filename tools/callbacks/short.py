# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A callback plugin that prints one line a task, for the demonstration, and leaves the recap as JSON in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: short
type: stdout
short_description: One line a task
description: One line a task, the whole message of a failure, and a recap in the file that DEMO_RECAP names.
"""


class CallbackModule(CallbackBase):
    """Print what became of each task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "short"

    def v2_runner_on_ok(self, result):
        self._line("changed" if result.is_changed() else "ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._line("ignored" if ignore_errors else "FAILED", result)
        if not ignore_errors:
            self._display.display(f"           {self._message(result._result)}")

    def v2_runner_on_unreachable(self, result):
        self._line("NO ROUTE", result)
        self._display.display(f"           {self._message(result._result)}")

    def v2_playbook_on_stats(self, stats):
        recap = {host: stats.summarize(host) for host in stats.processed}
        if target := os.environ.get("DEMO_RECAP"):
            Path(target).write_text(json.dumps(recap), encoding="utf-8")

    def _line(self, word, result):
        self._display.display(f"  {word:<8} {result._task.get_name().removeprefix('privazio.opennebula.')}")

    def _message(self, outcome):
        """Return the sentence of a failure; that of its items where the task is a loop."""
        items = [item["msg"] for item in outcome.get("results", []) if item.get("failed") and "msg" in item]
        return "; ".join(map(str, items)) or str(outcome.get("msg", "no message"))
