# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Options that stand for one attribute each."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import fields
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes.fields import TemplateField

FIELDS = {
    "text": TemplateField("TEXT"),
    "flag": TemplateField("FLAG", fields.flag),
    "number": TemplateField("NUMBER", fields.number),
    "upper": TemplateField("UPPER", fields.upper),
}


@pytest.mark.parametrize(
    ("option", "given", "canonical", "text"),
    [
        ("text", " a b ", "a b", "a b"),
        ("text", "", "", ""),
        ("flag", True, True, "YES"),
        ("flag", False, False, "NO"),
        ("number", 0, 0, "0"),
        ("number", 12, 12, "12"),
        ("upper", "running", "RUNNING", "RUNNING"),
    ],
)
def test_an_option_has_one_form_that_is_read_back(option, given, canonical, text):
    attribute = fields.attributes("hook", FIELDS)[option]
    found = attribute.canonical(None, given)
    assert found == canonical
    assert attribute.canonical(None, found) == found
    written = fields.body(FIELDS, {option: found})
    assert written == {FIELDS[option].name: text}
    assert fields.read(FIELDS, written)[option] == found


def test_what_a_template_lacks_is_nothing():
    assert fields.read(FIELDS, {}) == {"text": "", "flag": False, "number": None, "upper": ""}


def test_what_is_not_given_is_not_written():
    assert fields.body(FIELDS, {}) == {}
