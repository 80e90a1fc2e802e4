# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What one_call makes of arguments before it sends them."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.modules import one_call


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (["7", "true"], [7, True]),
        ([7, True], [7, True]),
        ({"oid": "7", "decrypt": "False"}, [7, False]),
        ({"id": "7"}, [7]),
    ],
)
def test_numbers_and_booleans_may_come_as_texts(given, sent):
    assert one_call.checked("vm.info", given) == sent


def test_a_text_stays_a_text():
    assert one_call.checked("vm.rename", ["7", "8"]) == [7, "8"]


def test_an_unknown_method_gets_what_was_given():
    assert one_call.checked("no.such", ["7", 8]) == ["7", 8]
