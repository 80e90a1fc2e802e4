# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The callback plugin that compares results with the documentation of what a module returns."""

from __future__ import annotations

import sys

import pytest
from project import ROOT

sys.path.append(str(ROOT / "tools" / "callbacks"))
import documented

TOLD = {
    "id": {"type": "int"},
    "template": {"type": "dict"},
    "instances": {"type": "list", "contains": {"id": {"type": "int"}}},
    "log": {"type": "dict", "contains": {"min": {"type": "int"}}},
}


@pytest.mark.parametrize(
    ("found", "strange"),
    [
        ({"id": 1}, set()),
        ({"id": 1, "name": "x"}, {"name"}),
        ({"template": {"ANY": "thing"}}, set()),
        ({"instances": [{"id": 1}, {"id": 2, "name": "x"}, {"name": "y"}]}, {"instances.name"}),
        ({"log": {"min": 1, "max": 2}}, {"log.max"}),
        ({"changed": True, "calls": [], "_ansible_no_log": False, "ansible_loop_var": "who", "who": "joe"}, set()),
    ],
)
def test_undocumented(monkeypatch, found, strange):
    monkeypatch.setattr(documented, "returns", lambda action: TOLD)
    assert set(documented.undocumented("one_host", found)) == strange
