# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""User inputs, each type with what it takes and what it refuses, and texts of CONTEXT; messages word by word."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import context, user_inputs
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.user_inputs import Input
from fake_vms import refusal

PARSED = [  # text in USER_INPUTS, what it is
    ("M|range|Size of it|1..20|4", Input("A", True, "range", "Size of it", "1..20", "4")),
    ("O|TEXT", Input("A", False, "text", "", "", "")),
    (" m | list | a | b,c | d | e", Input("A", True, "list", "a", "b,c", "d | e")),
    ("", Input("A", False, "", "", "", "")),
]


@pytest.mark.parametrize(("text", "found"), PARSED)
def test_a_user_input_is_read(text, found):
    assert user_inputs.inputs_of({"USER_INPUTS": {"A": text}}) == {"A": found}
    assert user_inputs.inputs_of({"USER_INPUTS": [{"A": text}, {"B": text}]}) == {"A": found}


@pytest.mark.parametrize("template", [{}, {"USER_INPUTS": "A"}, {"USER_INPUTS": []}, {"USER_INPUTS": ["A"]}])
def test_what_is_no_user_input_is_ignored(template):
    assert user_inputs.inputs_of(template) == {}


def judged(text, value):
    """What becomes of a value, or the message that refuses it."""
    template = {"USER_INPUTS": {"A": text}}
    try:
        return user_inputs.attributes(template, {"A": value}, {})["A"]
    except user_inputs.Failure as failure:
        assert failure.data == {"object": "template"}
        return failure.message


SAYS = "The user input A has to be %s."
VALUES = [  # user input, value, text of the new VM or message
    ("O|text|", "a b", "a b"),
    ("O|text|", "", ""),
    ("M|text|", "", SAYS % "a text that is not empty"),
    ("M|text|Its name", "", "The user input A (Its name) has to be a text that is not empty."),
    ("O|text|", {"B": 1}, SAYS % "a text"),
    ("O|text|", ["a", "b"], "a,b"),
    ("O|what|", "x", "x"),
    ("O|text64|", "ä", base64.b64encode("ä".encode()).decode()),
    ("O|fixed|||7", "7", "7"),
    ("O|fixed|||7", "8", SAYS % "its fixed value, 7"),
    ("O|boolean|", "yes", "YES"),
    ("O|boolean|", False, "NO"),
    ("O|boolean|", "YESNO", SAYS % "YES or NO"),
    ("O|number|", "-12", "-12"),
    ("O|number|", "+3", "+3"),
    ("O|number|", "1.0", SAYS % "a whole number"),
    ("O|number|", "1\n2", SAYS % "a whole number"),
    ("O|number-float|", ".5", ".5"),
    ("O|number-float|", "-1.", "-1."),
    ("O|number-float|", "a", SAYS % "a number"),
    ("O|range||1..3", "1", "1"),
    ("O|range||1..3", "3", "3"),
    ("O|range||1..3", "0", SAYS % "a whole number from 1 to 3"),
    ("O|range||1..3", "4", SAYS % "a whole number from 1 to 3"),
    ("O|range||1..3", "2.5", SAYS % "a whole number from 1 to 3"),
    ("O|range||1..", "99", "99"),
    ("O|range||-5..5", "-5", "-5"),
    ("O|range-float||0.5 .. 1.5", "0.5", "0.5"),
    ("O|range-float||0.5..1.5", "1.6", SAYS % "a number from 0.5 to 1.5"),
    ("O|range-float||0.5..1.5", "x", SAYS % "a number from 0.5 to 1.5"),
    ("O|list||red, green", "green", "green"),
    ("O|list||red, green", "red, green", SAYS % "one of red, green"),
    ("O|list-multiple||a, b,c", "c, a", "c, a"),
    ("O|list-multiple||a, b,c", "a,b,c", "a,b,c"),
    ("O|list-multiple||a, b,c", ["a", "d"], SAYS % "some of a, b, c"),
]


@pytest.mark.parametrize(("text", "value", "found"), VALUES)
def test_each_type_takes_what_fits(text, value, found):
    assert judged(text, value) == found


TEMPLATE = {
    "USER_INPUTS": {"DB": "M|text|Name of it", "USER": "M|text", "SIZE": "O|number||| 4", "BLOB": "O|text64|||bGluZQ=="}
}
INITIAL = {"SIZE": "4", "BLOB": "bGluZQ=="}
GIVEN = [  # given, what the new VM has otherwise, what the inputs bring
    ({"db": "x", "USER": "y"}, {}, {"DB": "x", "USER": "y", **INITIAL}),
    ({"db": "x", "USER": "y", "size": None}, {}, {"DB": "x", "USER": "y", **INITIAL}),
    ({"db": "x", "user": "y", "size": 5}, {}, {"DB": "x", "USER": "y", "SIZE": "5", "BLOB": "bGluZQ=="}),
    ({"db": "x"}, {"USER": "z", "SIZE": "9"}, {"DB": "x", "BLOB": "bGluZQ=="}),
    ({"db": "x"}, {"USER": "z", "BLOB": "", "SIZE": "9"}, {"DB": "x"}),
]


@pytest.mark.parametrize(("given", "present", "found"), GIVEN)
def test_what_is_not_given_has_its_initial_value(given, present, found):
    assert user_inputs.attributes(TEMPLATE, given, present) == found


MISSING = "The VM template asks for user_inputs that are missing: %s."
UNKNOWN = "The VM template has no user input %s; %s"
REFUSED = [  # template, given, message
    (TEMPLATE, {}, MISSING % "DB (Name of it), USER"),
    (TEMPLATE, {"USER": "a"}, MISSING % "DB (Name of it)"),
    (TEMPLATE, {"USAR": "a"}, UNKNOWN % ("USAR", "did you mean USER?")),
    (TEMPLATE, {"QQQ": "a", "ZZZ": "a"}, UNKNOWN % ("QQQ", "it has: BLOB, DB, SIZE, USER.")),
    ({}, {"QQQ": "a"}, UNKNOWN % ("QQQ", "it has: none.")),
    ({"USER_INPUTS": {"N": "M|number|||x"}}, {}, "The user input N has to be a whole number."),
]


@pytest.mark.parametrize(("template", "given", "message"), REFUSED)
def test_what_is_missing_or_unknown_is_told(template, given, message):
    assert refusal(user_inputs.attributes, template, given, {}) == (message, {"object": "template"})


# ---------------------------------------------------------------- CONTEXT

HINT = "%s of CONTEXT in %s has a $ in line %d that begins no variable of OpenNebula, which would refuse it.%s"
TEXTS = [  # members of CONTEXT, message
    ({"A": "ok", "B": "x\ny $("}, HINT % ("B", "here", 2, " Leave it out, or encode the text.")),
    ({"START_SCRIPT": "$\n\n"}, HINT % ("START_SCRIPT", "here", 1, " Give the script by the option start_script.")),
    ({"FILES_DS": "$(", "C": "\n\n$"}, HINT % ("C", "here", 3, " Leave it out, or encode the text.")),
    ({"A": "$A\n$"}, HINT % ("A", "here", 2, " Leave it out, or encode the text.")),
]


@pytest.mark.parametrize(("members", "message"), TEXTS)
def test_a_dollar_that_opennebula_refuses_is_told_by_its_line(members, message):
    assert refusal(context.require_variables, members, "here") == (message, {"object": "vm"})


def test_texts_without_such_a_dollar_are_taken():
    context.require_variables({"A": "$NAME", "FILES_DS": '$FILE[IMAGE="x"]', "B": r"\$(", "C": ""}, "here")
    assert context.refused_at("a $NAME b $( c") == 10
    assert context.encoded("ä") == "w6Q="
