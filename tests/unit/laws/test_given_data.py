# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a module accepts is unchanged on the second run; it refuses before a write, and in check mode too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kinds import SUBJECTS
from modules import Lab, Result

WORDS = st.sampled_from(
    [
        "a",
        "",
        " b ",
        "yes",
        "No",
        "1",
        "1.0",
        "-2",
        "a,b",
        "a, ,b",
        'q"q',
        "b\\",
        "c\\d",
        "l\nm",
        "$x",
        "é",
        "²",
        "<&>",
    ]
)
HOSTILE = st.sampled_from(["]]>", "\x00", "\U0001f600", "\ud800", "\x0b", "\ufffe"])
SCALARS = WORDS | st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 1e20])
LISTS = st.lists(SCALARS, max_size=3)
VECTORS = st.dictionaries(st.sampled_from(["A", "a", "B", "NAME", "ID"]), SCALARS | LISTS, max_size=3)
DEEP = st.just([["a"]]) | st.just({"A": {"B": "c"}}) | st.just({"A": [{"B": 1}]}) | st.just([{"A": [["b"]]}])
GOOD = SCALARS | LISTS | VECTORS | st.lists(VECTORS, max_size=2) | st.lists(SCALARS | VECTORS, max_size=3)
BAD = HOSTILE | DEEP | st.fixed_dictionaries({"A": HOSTILE}) | st.lists(HOSTILE, min_size=1, max_size=1)
NAMES = st.sampled_from(["NOTE", "note", "LABELS", "SLOTS", "LIST", "ERROR"])
TEMPLATES = st.dictionaries(NAMES, GOOD, max_size=3)
REFUSED = st.dictionaries(st.sampled_from(["NOTE", "LIST"]), BAD, min_size=1, max_size=1) | st.dictionaries(
    st.sampled_from(["1a", "a b", "", "XMLA", "a-b"]), SCALARS.filter(lambda value: value is not None), min_size=1
)
CREATED = sorted(set(SUBJECTS) - {"zone"})  # a stand-alone front-end creates no zones
few = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
# What once was created and then failed for ever, or was found impossible when something had been written.
SEEDS: list[dict[str, Any]] = [
    {"LABELS": ["a", "b"], "NOTE": None},
    {"NIC": [{"NETWORK": "net", "SECURITY_GROUPS": [0, 100]}], "OS": {"BOOT": ["disk0", "nic0"]}},
    {"CONTEXT": {}, "LIST": [{}], "OS": {"ARCH": None}},
    {"NOTE": "]]>"},
    {"NOTE": "\U0001f600"},
    {"NOTE": [["a"]]},
    {"note": "a", "NOTE": "b"},
]


def with_template(kind: str, template: dict[str, Any]) -> dict[str, Any]:
    """The options that create an object with a template."""
    options = SUBJECTS[kind].options
    option = "attributes" if kind == "vm" else "template"
    return {**options, option: {**options.get(option, {}), **template}}


def assert_laws(planned: Result, first: Result, second: Result | None) -> None:
    assert planned.failed == first.failed, (planned.message, first.message)
    assert not planned.writes
    if second is None:
        assert not first.writes, first.message
        assert "NoneType" not in first.message
    else:
        assert planned.changed == first.changed
        assert (second.message, second.changed) == ("", False)


def seeded(test: Any) -> Any:
    for template in SEEDS:
        test = example(template)(test)
    return test


@pytest.mark.parametrize("kind", CREATED)
@few
@seeded
@given(TEMPLATES | REFUSED)
def test_a_new_object_with_a_template(lab, kind, template):
    options = with_template(kind, template)
    assert_laws(*lab.twice(SUBJECTS[kind].module, name=lab.name(), **options))


@pytest.mark.parametrize("kind", sorted(set(SUBJECTS) - {"vm"}))
@few
@given(TEMPLATES | REFUSED, st.sampled_from(["merge", "replace"]))
def test_another_template_of_an_object(lab, kind, template, mode):
    subject, name = SUBJECTS[kind], "OpenNebula" if kind == "zone" else f"kept-{kind}-{mode}"
    if kind != "zone":
        lab.run(subject.module, name=name, **subject.options)
    options = with_template(kind, template) if kind != "zone" else {"template": template}
    assert_laws(*lab.twice(subject.module, name=name, template_mode=mode, **options))


def test_what_is_refused_is_refused(lab: Lab):
    for template in SEEDS[3:]:
        assert lab.run("one_host", name="refused", template=template).failed
    assert not lab.run("one_host", name="refused", state="absent").changed
