# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the server refuses of values that can be known before is refused in check mode too, and nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest
from modules import Lab

TCP = {"protocol": "tcp", "direction": "inbound"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("one_user", {"password": "two words"}, "without blanks"),
    ("one_user", {"password": ""}, "without blanks"),
    ("one_security_group", {"rules": [{**TCP, "range": "90000"}]}, "range of a rule"),
    ("one_security_group", {"rules": [{**TCP, "range": "90:80"}]}, "range of a rule"),
    ("one_security_group", {"rules": [{**TCP, "range": "22,"}]}, "range of a rule"),
    (
        "one_security_group",
        {"template": {"RULE": [{"PROTOCOL": "TCP", "RULE_TYPE": "inbound", "RANGE": "x"}]}},
        "range",
    ),
    ("one_template", {"template": {"CPU": 1, "SCHED_ACTION": {"ACTION": "power-off", "TIME": 1}}}, "mean poweroff?"),
    ("one_security_group", {"rules": [{"protocol": "icmp", "direction": "inbound", "range": "1"}]}, "no range"),
]


@pytest.mark.parametrize(("module", "options", "words"), REFUSED)
def test_it_is_refused_before_anything_is_sent(lab: Lab, module: str, options: dict[str, Any], words: str) -> None:
    planned, first, dummy = lab.twice(module, name=lab.name(), **options)
    assert (planned.failed, first.failed, first.writes) == (True, True, [])
    assert planned.message == first.message
    assert words in first.message
