# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Arguments of a task as modules get them."""

from __future__ import annotations

import gc

from ansible.parsing.dataloader import DataLoader
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.options import plain, uncollected

TEXT = "a: 2026-01-01\nb: 1.5\nc: [yes, ~, 1]\n1: x\nd: {e: 'é'}\n"


def test_values_of_a_file_become_those_of_json():
    found = plain(DataLoader().load(TEXT))
    assert found == {"a": "2026-01-01", "b": 1.5, "c": [True, None, 1], 1: "x", "d": {"e": "é"}}
    kinds = [type(value) for value in (*found.values(), *found["c"], *found["d"].values(), *found)]
    assert set(kinds) == {str, float, list, dict, bool, type(None), int}


def test_garbage_is_collected_again_afterwards():
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
