# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The page about calls says what the benchmarks count and the integration targets assert."""

from __future__ import annotations

import importlib.util

import project
import pytest

PATH = project.ROOT / "tests/benchmarks/task_calls.py"
SPECIFIED = importlib.util.spec_from_file_location("task_calls", PATH)
task_calls = importlib.util.module_from_spec(SPECIFIED)
SPECIFIED.loader.exec_module(task_calls)
SAME, OWN = task_calls.page()
ROWS = {row[0].strip("`"): row[1:] for row in OWN}


@pytest.mark.parametrize("name", task_calls.targets())
def test_the_page_says_what_the_target_asserts(name):
    wanted = [name, task_calls.listed(task_calls.done_again(name)), task_calls.asserted(name)]
    assert name in ROWS, f"The page needs a row: {wanted}, and the calls that -vvv shows"
    options, count, which = ROWS[name]
    assert task_calls.asserted(name) == int(count) == len(which.split(", "))
    assert options == task_calls.listed(task_calls.done_again(name))


def test_the_page_has_no_module_without_a_target():
    assert set(ROWS) <= set(task_calls.targets())


def test_the_page_has_the_tasks_that_both_modules_do():
    assert [row[0] for row in SAME] == [f"``{module}``: {what}" for what, (module, _options) in task_calls.SAME.items()]
    assert all(len(row) == 3 and int(row[1]) <= 2 and int(row[2]) > 0 for row in SAME)
