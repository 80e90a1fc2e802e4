# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which failures can be asked for, and that users can read of all of them."""

from __future__ import annotations

import re
from pathlib import Path

import opennebula_simulator.families
import pytest
from opennebula_simulator import failures
from opennebula_simulator.__main__ import parser
from opennebula_simulator.events import Events

SOURCES = [
    path.read_text(encoding="utf-8") for path in Path(opennebula_simulator.families.__file__).parent.glob("*.py")
]
README = Path(opennebula_simulator.families.__file__).parents[2] / "README.md"


@pytest.mark.parametrize("rule", ["deploy:vm-3", "monitor:host-*", "*:image-1", "snap_*:*", "dep?oy:vm-?"])
def test_a_rule_that_can_apply(rule):
    assert parser().parse_args(["--fail", rule]).fail == [rule]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("deploy", "write ACTION:TARGET"),
        (":vm-1", "write ACTION:TARGET"),
        ("boot:vm-1", "no driver is asked for that"),
        ("deploy:host-1", "no driver is asked for that"),
    ],
)
def test_a_rule_that_never_applies(capsys, rule, why):
    with pytest.raises(SystemExit):
        parser().parse_args(["--fail", rule])
    assert why in capsys.readouterr().err


def test_rules_hold_for_what_they_name():
    events = Events(failing=["deploy:vm-3", "snap_*:image-*"])
    assert events.fails("deploy", "vm-3")
    assert not events.fails("deploy", "vm-33")
    assert not events.fails("prolog", "vm-3")
    assert events.fails("snap_delete", "image-12")
    assert not events.fails("snap_delete", "vm-12")


def test_only_what_is_listed_is_asked_for():
    with pytest.raises(LookupError, match="does not name explode of vm-1"):
        Events().fails("explode", "vm-1")
    assert not Events(failing=["*:*"]).fails("", "vm-1"), "a state that no driver works in"


def test_nothing_is_listed_that_is_never_asked_for():
    words = set(re.findall(r'"([a-z_]+)"', "\n".join(SOURCES)))
    words |= {f"snap_{action}" for action in ("delete", "flatten", "revert")} | {"execute"}
    assert [action for actions in failures.FAILURES.values() for action in actions if action not in words] == []


def test_help_and_readme_list_them_all():
    for text in (parser().format_help(), README.read_text(encoding="utf-8")):
        for family, actions in failures.FAILURES.items():
            assert family in text
            for action in actions:
                assert re.search(rf"\b{action}\b", text), action
