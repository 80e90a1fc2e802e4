# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Values arrive as they were given, or are refused before anything is sent: writer, HTTP, the simulator's parser,
answer, reader."""

from __future__ import annotations

import re

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneException,
    OneTemplateException,
)
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

OVER_HTTP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
BLANKS = " \t\n\r\v\f"  # what the server takes off both ends of a value
ROOTS = {"TEMPLATE", "USER_TEMPLATE"}  # alone, they make a document of a dictionary
LISTS = set(
    "AR DISK INPUT NIC NIC_ALIAS NUMA_NODE PCI RAW ROLE RULE SCHED_ACTION SECURITY_GROUP_RULE SERVER SNAPSHOT".split()
)
UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]|]]>")

LEGAL = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(lambda name: name.upper() != "NAME")
AWKWARD = ["\\", '"', "'", "]]", ">", "<", "&", "&lt;", "&#13;", "\r", "\n", "\r\n", "\t", " ", "=", "[", "]", ",", "#"]
AWKWARD += ["$", "\x7f", "\x85", "é", "\u2028", "\u0130", "\ufeff", "a", "A=1", "<A>", "</A>", "<!--", "%s", "{}"]
IMPOSSIBLE = ["]]>", "<![CDATA[x]]>", "\x00", "\x07", "\ud800", "\uffff", "😀"]
CHARACTERS = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
POSSIBLE = st.text(CHARACTERS) | st.lists(st.sampled_from(AWKWARD)).map("".join)
TEXT = st.text() | POSSIBLE | st.lists(st.sampled_from(AWKWARD + IMPOSSIBLE)).map("".join)


def templates(text):
    """Dictionaries of legal names, with texts, vectors and lists of these."""
    vector = st.dictionaries(LEGAL, text, min_size=1, max_size=4)
    value = text | vector | st.lists(text | vector, max_size=3)
    return st.dictionaries(LEGAL, value, max_size=5).filter(lambda found: len(found) != 1 or not ROOTS & {*found})


def texts(value):
    """All texts of a value."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [text for item in items for text in texts(item)]


def names(value):
    """The names of a dictionary, then those of each dictionary within: [[name…]…]."""
    if isinstance(value, dict):
        return [list(value), *(found for item in value.values() for found in names(item))]
    return [found for item in value for found in names(item)] if isinstance(value, list) else []


def sendable(template):
    """Whether the server can keep a template as it is: nothing else may be refused."""
    upper = [[name.upper() for name in group] for group in names(template)]
    if any(len(set(group)) < len(group) or any(name.startswith("XML") for name in group) for group in upper):
        return False
    return not any(UNSENDABLE.search(text) for text in texts(template))


def kept(name, value):
    """A value as the server keeps it and the client reads it: trimmed, with one kind of line ends, a list only where
    there are several."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip(BLANKS)
    if isinstance(value, dict):
        members = {member.upper(): kept(member, text) for member, text in value.items()}
        return [members] if name in LISTS else members
    if not value:
        return None
    items = [kept("", item) for item in value]
    vectors = name in LISTS and isinstance(items[0], dict)
    return items if len(items) > 1 or vectors else items[0]


def expected(template):
    """What the answer holds."""
    found = {name.upper(): kept(name.upper(), value) for name, value in template.items()}
    return {name: value for name, value in found.items() if value is not None}


@pytest.fixture
def document(one):
    return one.document.allocate({"NAME": "exact"}, 200)


@OVER_HTTP
@given(templates(TEXT) | templates(POSSIBLE))
@example({"A": "end\\", "B": 'q\\"q', "C": {"D": "\\", "E": ""}})
@example({"A": "a\r\nb\rc", "B": "\\"})
@example({"A": "a\r\nb\rc"})
@example({"A": "]]>"})
@example({"a": "1", "A": "2"})
@example({"D": {"x": "1", "X": "2"}, "E": "1"})
@example({"xmlns": "1"})
@example({"DISK": [{"A": "1"}]})
@example({"A": []})
def test_a_value_arrives_or_is_refused(one, document, template):
    before = one.document.info(document).TEMPLATE
    try:
        one.document.update(document, template, 0)
    except (OneTemplateException, OneArgumentException) as error:
        event("refused")
        assert not sendable(template)
        assert error.method == "one.document.update"
        assert before == one.document.info(document).TEMPLATE
    else:
        event("sent")
        assert sendable(template)
        assert expected(template) == one.document.info(document).TEMPLATE


@OVER_HTTP
@given(templates(POSSIBLE).filter(sendable))
def test_what_is_read_can_be_written_back(one, document, template):
    one.document.update(document, template, 0)
    read = one.document.info(document).TEMPLATE
    one.document.update(document, read, 0)
    assert read == one.document.info(document).TEMPLATE
    one.document.update(document, {"TEMPLATE": dict(read)}, 0)
    assert read == one.document.info(document).TEMPLATE


@OVER_HTTP
@given(TEXT)
def test_a_text_argument_arrives_or_is_refused(one, document, name):
    """Names go outside of templates; what the server thinks of them is its own affair."""
    before = one.document.info(document).NAME
    try:
        one.document.rename(document, name)
    except OneArgumentException:
        assert UNSENDABLE.search(name)
    except OneException as error:
        assert error.code is not None
        assert before == one.document.info(document).NAME
    else:
        assert name == one.document.info(document).NAME
