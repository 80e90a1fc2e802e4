# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A plugin of pytest for run_mutants.py: the tests that take least come first, so that most changes end at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

STATISTICS = Path("mutmut-stats.json")  # mutmut writes it where the tests run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort ITEMS by the time that each took when mutmut measured them."""
    if STATISTICS.is_file():
        took = json.loads(STATISTICS.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: took.get(item.nodeid, 0))
