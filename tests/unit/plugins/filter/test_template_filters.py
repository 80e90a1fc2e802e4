# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The filters between dictionaries and templates."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.privazio.opennebula.plugins.filter.template import (
    FilterModule,
    from_one_template,
    one_template,
)

VALUE = {"CPU": "1", "CONTEXT": {"A": 'a "quoted" text', "B": "back\\"}, "DISK": [{"IMAGE": "a"}, {"IMAGE": "b"}]}


def test_a_template_comes_back_as_it_was():
    assert from_one_template(one_template(VALUE)) == VALUE


def test_what_may_be_repeated_is_a_list():
    assert from_one_template('DISK=[IMAGE="a"] OS=[ARCH="x"]') == {"DISK": [{"IMAGE": "a"}], "OS": {"ARCH": "x"}}


def test_both_filters_are_there():
    assert sorted(FilterModule().filters()) == ["from_one_template", "one_template"]


@pytest.mark.parametrize("value", ["CPU=1", ["CPU"], None, {"no name": 1}, {"A": "]]>\\"}, {"A": "\0"}])
def test_what_is_no_template_is_refused(value):
    with pytest.raises(AnsibleFilterError, match="one_template"):
        one_template(value)


@pytest.mark.parametrize("value", [{"CPU": 1}, None, "CPU = [ 1", "= 3"])
def test_a_text_that_is_no_template_is_refused(value):
    with pytest.raises(AnsibleFilterError, match="from_one_template"):
        from_one_template(value)
