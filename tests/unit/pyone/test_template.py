# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Templates written and read; the simulator's parser, which shares no code with the client, is the other opinion."""

from __future__ import annotations

import json

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneTemplateException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.template import canonical_name, read, write
from hypothesis import example, given
from hypothesis import strategies as st
from opennebula_simulator.template import Template, TemplateError
from project import SHARED

VECTORS = SHARED / "reference" / "grammar_vectors.json"

NAMES = st.from_regex(r"[A-WY-Z_][A-Z0-9_]{0,5}", fullmatch=True)  # no XML…, which the server renames
VALUES = (
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
        | st.sampled_from("\n\t\"\\[]=,#&<>'")
    )
    .map(lambda text: text.strip(" \t\n"))
    .filter(lambda text: "]]>" not in text)
)
VECTOR = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)
ATTRIBUTE = VALUES | VECTOR | st.lists(VALUES | VECTOR, min_size=2, max_size=3)
# A dictionary with a single key and dictionaries below it is a document; two keys leave no doubt.
TEMPLATES = st.dictionaries(NAMES, ATTRIBUTE, min_size=2, max_size=5)
SYNTAX = [
    "A",
    "b1",
    "XMLA",
    "9",
    "=",
    '"',
    '"x y"',
    '\\"',
    "\\",
    "[",
    "]",
    ",",
    "#c",
    "\n",
    "\r\n",
    " ",
    "]]>",
    "é",
    "'",
]
MARKUP = ["<A>", "</A>", "<b>", "</b>", "<C/>", "x", " ", "<![CDATA[y]]>", "<!--z-->", "&lt;", "\n", "&#13;"]


def gathered(attributes):
    """(name, value) pairs as a dictionary, in which a repeated name has a list."""
    found: dict = {}
    for name, value in attributes:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def by_simulator(text):
    return gathered(Template.parse(text))


# ---------------------------------------------------------------- write


@given(TEMPLATES)
@example({"A": 'a\\"b', "B": "end\\"})
@example({"A": "", "B": "x\\", "C": {"D": "", "E": "\\"}})
def test_what_is_written_arrives(template):
    assert by_simulator(write(template)) == read(write(template)) == template


@given(TEMPLATES)
def test_documents_arrive(template):
    text = write({"TEMPLATE": template})
    assert text.startswith("<TEMPLATE>")
    assert by_simulator(text) == template


@pytest.mark.parametrize(
    "template, text",
    [
        ({}, ""),
        ({"a": "x"}, 'A="x"'),
        ({"A": 'say "hi"'}, 'A="say \\"hi\\""'),
        ({"A": True, "B": False}, 'A="YES"\nB="NO"'),
        ({"A": 0, "B": 1.5, "C": -2}, 'A="0"\nB="1.5"\nC="-2"'),
        ({"A": ""}, 'A=""'),
        ({"D": {"a": 1, "B": "x"}}, 'D=[A="1", B="x"]'),
        ({"D": {}}, "D=[]"),
        ({"A": ["1", {"B": 2}]}, 'A="1"\nA=[B="2"]'),
        ({"A": []}, ""),
        ({"TEMPLATE": {"A": "1"}}, "<TEMPLATE><A><![CDATA[1]]></A></TEMPLATE>"),
        ({"USER_TEMPLATE": {"A": {"B": "1"}}}, "<USER_TEMPLATE><A><B><![CDATA[1]]></B></A></USER_TEMPLATE>"),
        ({"VM": {"A": {"B": "1"}}}, "<VM><A><B><![CDATA[1]]></B></A></VM>"),
        ({"A": "end\\"}, "<TEMPLATE><A><![CDATA[end\\]]></A></TEMPLATE>"),
        ({"TEMPLATE": {"A": "a\r\n<b>"}}, "<TEMPLATE><A>a&#13;\n&lt;b&gt;</A></TEMPLATE>"),
    ],
)
def test_forms(template, text):
    assert write(template) == text


@pytest.mark.parametrize("name", ["", "A-B", "A B", "1A", "É", "A\n", 1, None])
def test_names_that_are_refused(name):
    with pytest.raises(OneTemplateException, match="is not a name of a template attribute"):
        canonical_name(name)
    with pytest.raises(OneTemplateException):
        write({"D": {name: "x"}, "E": "y"})


@pytest.mark.parametrize("name", ["XML", "xmlns", "Xmlfoo"])
def test_names_that_the_server_would_change(name):
    with pytest.raises(OneTemplateException, match="cannot name a template attribute"):
        write({name: "x"})


@pytest.mark.parametrize("template", [{"a": "1", "A": "2"}, {"D": {"a": "1", "A": "2"}, "E": "x"}])
def test_names_that_are_the_same_to_the_server(template):
    with pytest.raises(OneTemplateException, match="names A twice"):
        write(template)


@pytest.mark.parametrize(
    "value, message",
    [
        (None, r"the attribute A cannot be nothing \(None\)"),
        (b"x", "cannot be a bytes"),
        ([["x"]], "cannot be a list"),
        ({"B": {"C": "D"}, "E": 1}, "cannot be a dict"),
        ("x]]>y", r"holds '\]\]>', which OpenNebula cannot store"),
        ("\x00", r"holds '\\x00'"),
        ("\ud800", "which OpenNebula cannot store"),
    ],
)
def test_values_that_are_refused(value, message):
    with pytest.raises(OneTemplateException, match=message):
        write({"A": value, "Z": "z"})


def test_refusals_do_not_show_the_value():
    with pytest.raises(OneTemplateException) as caught:
        write({"PASSWORD": "s3cret\x00"})
    assert "s3cret" not in str(caught.value)


def test_refusals_are_value_errors():
    with pytest.raises(ValueError, match="PASSWORD"):
        write({"PASSWORD": None})


# ---------------------------------------------------------------- read


@pytest.mark.skipif(not VECTORS.is_file(), reason="no ../shared")
def test_reads_what_the_server_reads():
    for vector in json.loads(VECTORS.read_text())["vectors"]:
        if not vector["ok"]:
            with pytest.raises(OneTemplateException, match=r"line [1-9]"):
                read(vector["input"])
        elif not vector.get("output_not_well_formed"):
            assert read(vector["input"]) == gathered(vector["attributes"]), vector["input"]


def agree(text):
    try:
        expected = by_simulator(text)
    except TemplateError:
        with pytest.raises(OneTemplateException, match=r"line [1-9]"):
            read(text)
    else:
        assert read(text) == expected


@given(st.lists(st.sampled_from(SYNTAX)).map("".join))
@example("A=[")
@example("A=]]>")
@example('A="a\\" B="b"')
@example("A=1\r\nB=2\r\n")
@example("A=[b=1,B=2] A=x")
def test_both_readers_agree_on_text(text):
    agree(text)


@given(st.lists(st.sampled_from(MARKUP)).map("".join))
def test_both_readers_agree_on_xml(content):
    agree(f"<T>{content}</T>")


@pytest.mark.parametrize(
    "text, line, expected",
    [
        ("A", 1, "= after a name"),
        ("A=1\nB=", 2, "a value of B"),
        ("A=1\n\n=2", 3, "NAME"),
        ("A=1\nD=[\nX=1\nY=2]", 4, ", or ]"),
        ("D=[X=1,\n]", 2, "NAME"),
        ("A=x]]>", 1, "a value of A without ]]>"),
    ],
)
def test_errors_name_the_line(text, line, expected):
    with pytest.raises(OneTemplateException) as caught:
        read(text)
    assert f"at line {line}: {expected}" in caught.value.message


def test_errors_of_xml_name_the_line():
    with pytest.raises(OneTemplateException, match="at line 2: mismatched tag"):
        read("<T>\n<A></T>")


def test_errors_do_not_show_the_value():
    with pytest.raises(OneTemplateException) as caught:
        read("PASSWORD=s3cret w0rd")
    assert "s3cret" not in str(caught.value)
    assert "w0rd" not in str(caught.value)


def test_document_types_are_refused():
    with pytest.raises(OneTemplateException, match="document type"):
        read('<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'.replace("<!DOCTYPE", "<?xml version='1.0'?><!DOCTYPE"))


def test_a_long_value_is_read():
    assert read('A="%s"' % ("x\\" * 200000 + "y")) == {"A": "x\\" * 200000 + "y"}
