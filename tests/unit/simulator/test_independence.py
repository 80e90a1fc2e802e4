# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The simulator and the client share no code: the fault of one does not hide that of the other."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SIMULATOR, PLUGINS = ROOT / "simulator/opennebula_simulator", ROOT / "plugins"


def imported(path):
    """The first words of all that a file imports but by a relative name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def files(folder):
    return sorted(folder.rglob("*.py"))


def test_there_is_something_to_look_at():
    assert len(files(SIMULATOR)) > 50
    assert len(files(PLUGINS)) > 50


@pytest.mark.parametrize("path", files(SIMULATOR), ids=lambda path: path.stem)
def test_the_simulator_has_the_standard_library_and_itself(path):
    assert {*imported(path)} <= {*sys.stdlib_module_names, "opennebula_simulator"}


@pytest.mark.parametrize("path", files(PLUGINS), ids=lambda path: path.stem)
def test_no_plugin_knows_the_simulator(path):
    assert "opennebula_simulator" not in {*imported(path)}
    assert "tests.simulator" not in path.read_text(encoding="utf-8")
