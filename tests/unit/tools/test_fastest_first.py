# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The order of tests for the mutation tester."""

from __future__ import annotations

import json
from types import SimpleNamespace

from fastest_first import pytest_collection_modifyitems


def test_what_took_least_comes_first_and_without_figures_nothing_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    items = [SimpleNamespace(nodeid=name) for name in ("slow", "fast", "new")]
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["slow", "fast", "new"]
    (tmp_path / "mutmut-stats.json").write_text(json.dumps({"duration_by_test": {"slow": 2.0, "fast": 0.1}}))
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["new", "fast", "slow"]
