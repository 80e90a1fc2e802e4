# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Digits that int() does not take are no numbers, wherever people or servers write them."""

from __future__ import annotations

import ast

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.numbers import is_whole
from hypothesis import given
from hypothesis import strategies as st
from project import ROOT

TESTS_OF_DIGITS = {"isdigit", "isdecimal", "isnumeric"}


@given(st.text("0123456789²٣-+. ", max_size=4) | st.integers(min_value=0).map(str))
def test_what_is_whole_is_an_id(text):
    if is_whole(text):
        assert str(int(text)) == text.lstrip("0") or int(text) == 0
        assert text.isascii()


@pytest.mark.parametrize("text", ["²", "٣", "", "-1", "1\n", "9" * 5000, "1.0"])
def test_others_are_not(text):
    assert not is_whole(text)


def test_no_file_has_a_test_of_its_own():
    found = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [(node.attr, node.lineno) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        found += [f"{path.name}:{line}" for name, line in names if name in TESTS_OF_DIGITS]
    assert not found
