# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Options in the form that modules take them, and answers as plain data."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import argument_specs
from ansible_collections.privazio.opennebula.plugins.module_utils._core.data import plain
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import parse
from fake_vms import refusal

SPEC = {
    "state": {"choices": ["present", "absent"]},
    "types": {"type": "list", "elements": "str", "choices": ["vm", "host"], "aliases": ["kinds"]},
    "level": {"type": "int", "choices": [1, 2]},
    "name": {"type": "str"},
    "rules": {"type": "list", "options": {"protocol": {"choices": ["tcp", "udp"]}, "size": {"type": "int"}}},
}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"state": "PRESENT"}, {"state": "present"}),
        ({"state": " Absent "}, {"state": "absent"}),
        ({"state": "absent"}, {"state": "absent"}),
        ({"state": "other"}, {"state": "other"}),
        ({"state": "PRESENT,ABSENT"}, {"state": "PRESENT,ABSENT"}),
        ({"state": None, "name": None}, {}),
        ({"types": ["VM", "host", "X"]}, {"types": ["vm", "host", "X"]}),
        ({"types": "VM, Host,X"}, {"types": "vm,host,X"}),
        ({"kinds": ["HOST"]}, {"kinds": ["host"]}),
        ({"level": "2"}, {"level": "2"}),
        ({"name": "VM"}, {"name": "VM"}),
        ({"unknown": "PRESENT"}, {"unknown": "PRESENT"}),
        ({"rules": [{"protocol": "TCP", "size": 3}, "x"]}, {"rules": [{"protocol": "tcp", "size": 3}, "x"]}),
        ({"rules": {"protocol": "UDP"}}, {"rules": {"protocol": "udp"}}),
        ({"name": {"protocol": "UDP"}}, {"name": {"protocol": "UDP"}}),
    ],
)
def test_words_are_taken_as_the_choices_have_them(given, found):
    kept = dict(given)
    assert argument_specs.as_said(given, SPEC) == found
    assert given == kept


@pytest.mark.parametrize(
    ("option", "least"),
    list(argument_specs.LEAST.items()),
)
def test_a_number_that_is_too_small_is_told(option, least):
    assert argument_specs.require_least({option: least}) is None
    assert argument_specs.require_least({option: None}) is None
    assert argument_specs.require_least({}) is None
    assert refusal(argument_specs.require_least, {option: least - 1}) == (
        f"The option {option} takes a number from {least}, not {least - 1}.",
        {},
    )


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"roles": [{"cardinality": 0}, {"cardinality": -1}]}, "roles (cardinality) takes a number from 0, not -1"),
        ({"roles": [{"elasticity_policies": [{"period": -2}]}]}, "elasticity_policies (period) takes a number from 0"),
        ({"roles": [{"elasticity_policies": [{"period": 2}]}]}, ""),
        ({"template": {"TIMEOUT": -1, "timeout": -1}}, ""),  # no option
        ({"schedules": [{"end_after": "-1"}, "x", None]}, ""),  # no number: the option says so
    ],
)
def test_numbers_in_lists_are_looked_at_too(params, told):
    if told:
        assert told in refusal(argument_specs.require_least, params)[0]
    else:
        assert argument_specs.require_least(params) is None


def test_a_value_that_is_nested_too_deeply_is_told():
    value: list = []
    for dummy in range(argument_specs.DEEPEST * 2):
        value = [value]
    assert argument_specs.refuse_deep({"template": [[]], "name": "x"}) is None
    assert refusal(argument_specs.refuse_deep, {"name": "x", "template": value}) == (
        f"The option template takes at most {argument_specs.DEEPEST} levels of nesting.",
        {},
    )


def test_the_first_state_is_the_default():
    assert argument_specs.state("present", "absent") == {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"}
    }


def test_an_answer_is_plain_data():
    document = (
        "<HOST><ID>3</ID><NAME>node</NAME><VMS><ID>7</ID></VMS><TEMPLATE><A>1</A><B><C>2</C></B></TEMPLATE></HOST>"
    )
    found = plain(parse(document))
    assert {name: found[name] for name in ("ID", "NAME", "VMS")} == {"ID": 3, "NAME": "node", "VMS": {"ID": [7]}}
    assert found["TEMPLATE"] == {"A": "1", "B": {"C": "2"}}
    assert not [name for name, value in found.items() if value is None or name.startswith("_") or name == "to_xml"]
    assert plain([parse("<VM><ID>1</ID></VM>")])[0]["ID"] == 1
    assert plain({"a": [1, ("b", None)], "c": {"d": True}}) == {"a": [1, ["b", None]], "c": {"d": True}}
