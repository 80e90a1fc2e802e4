# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The method table, against itself and, where ../shared is, against the reference of the API."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from project import SHARED

REFERENCE = SHARED / "reference/methods.json"
TYPES = {"int": "i", "i8": "l", "boolean": "b", "string": "s", "array<int>": "a"}

# Texts that are no template, whatever the method; "sql" and "xml" go to the database as they are.
PLAIN = {
    *{"name", "gname", "uname", "username", "role", "driver", "new_auth", "type", "image_type", "action_name"},
    *{"password", "new_password", "token", "cmd", "cmd_stdin", "size", "ids", "filter", "sql", "xml"},
    *{"im_mad", "vm_mad", "user", "resource", "rights", "zone"},
}


def test_the_table_has_all_methods_in_order():
    assert len(METHODS) == 307
    assert list(METHODS) == sorted(METHODS)


def test_each_entry_is_well_formed():
    argument = re.compile(r"([a-z_]+):([ilbst]|[sta]=|i=-?\d+|b=[01])")
    for method, text in METHODS.items():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", method)
        names = [argument.fullmatch(word)[1] for word in text.split()]
        assert len(set(names)) == len(names), method


def test_what_may_be_left_out_comes_last():
    for method, text in METHODS.items():
        given = ["=" in argument for argument in text.split()]
        assert given == sorted(given), method


def test_texts_are_templates_unless_known_to_be_plain():
    texts = {(name, kind) for text in METHODS.values() for name, kind in re.findall(r"(\w+):([st])\b", text)}
    assert {name for name, kind in texts if kind == "s"} == PLAIN
    assert PLAIN.isdisjoint(name for name, kind in texts if kind == "t")


@pytest.mark.skipif(not REFERENCE.is_file(), reason="../shared/reference is not there")
def test_the_table_equals_the_reference():
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))["methods"]
    expected = {entry["method"].removeprefix("one."): [argument_of(p) for p in entry["params"]] for entry in reference}
    table = {method: re.sub(r":t\b", ":s", text).split() for method, text in METHODS.items()}
    assert table == expected


def argument_of(parameter):
    """An argument of the reference as the table writes it."""
    text = f"{parameter['name']}:{TYPES[parameter['type']]}"
    if parameter["required"]:
        return text
    default = parameter["default"]
    return f"{text}={int(default) if isinstance(default, (bool, int)) else default or ''}"
