# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Writes every result to the file RECORDED, as callbacks that keep runs do; with BROKEN, the cloud is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorded
type: notification
short_description: Writes results to a file
description: Writes every result to a file, as callbacks that keep runs do.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "recorded"

    def v2_playbook_on_start(self, playbook):
        if os.environ.get("BROKEN"):
            from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud

            Cloud.call = broken

    def keep(self, result, **dummy):
        with Path(os.environ["RECORDED"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result._result, default=str) + "\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_failed = keep


def broken(self, doing, method, *arguments, **data):
    raise RuntimeError(f"{doing} {method} {arguments!r} {self.one!r} {vars(self)!r}")
