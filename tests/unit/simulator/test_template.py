# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import json

import pytest
from opennebula_simulator.template import Template, TemplateError

ACCEPTED = [
    ("", []),
    ("A=1\nB=2", [("A", "1"), ("B", "2")]),
    ('a = "x y"', [("A", "x y")]),
    ("A=\nB=2", [("A", ""), ("B", "2")]),
    ('A="say \\"hi\\""', [("A", 'say "hi"')]),
    ('A="ends with \\"', [("A", "ends with \\")]),
    ('A="open', [("A", '"open')]),
    ('A="x"y', [("A", '"x"y')]),
    ('D=[A=1,\n b = "2" ]', [("D", {"A": "1", "B": "2"})]),
    ("D=[A=1,A=2]", [("D", {"A": "1"})]),
    ("# first\nA=1 # second\n", [("A", "1")]),
    ("9A=1 XMLB=2 xmlb=3", [("ONE_9A", "1"), ("ONE_XMLB", "2"), ("XMLB", "3")]),
    ("<T><A>1</A><D><x>2</x><x>3</x></D></T>", [("A", "1"), ("D", {"x": "3"})]),
    ("<T><A/><B></B><C><![CDATA[<&>]]></C></T>", [("C", "<&>")]),
    ("<T><A>one<![CDATA[two]]></A></T>", []),
]
REFUSED = [
    ("BROKEN=[", "unexpected $end, expecting CBRACKET or VARIABLE"),
    ("A", "unexpected $end, expecting EQUAL or EQUAL_EMPTY"),
    ("A=", "unexpected $end, expecting OBRACKET or CCDATA or STRING"),
    ("D=[A=1", "unexpected $end, expecting COMMA or CBRACKET"),
    ("D=[A=1,]", "unexpected CBRACKET, expecting VARIABLE"),
    ('A="1",B=2', "unexpected COMMA, expecting $end"),
    ("<T><A>1</B></T>", "Parse error: XML Template malformed."),
    ('A="x]]>y"', "Parse error."),
]


@pytest.mark.parametrize(("text", "attributes"), ACCEPTED)
def test_accepted(text, attributes):
    assert list(Template.parse(text)) == attributes


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_refused_in_the_words_of_the_server(text, why):
    with pytest.raises(TemplateError, match="Parse error") as refused:
        Template.parse(text)
    assert why in str(refused.value)


def test_every_vector_of_the_real_parser(shared):
    vectors = list(json.loads((shared / "reference" / "grammar_vectors.json").read_text()).values())[-1]
    for vector in vectors:
        try:
            found = [list(pair) for pair in Template.parse(vector["input"])]
        except TemplateError:
            found = None
        assert (found is not None) == vector["ok"], vector
        if found is not None and "attributes" in vector:
            assert found == vector["attributes"], vector
    assert len(vectors) > 100


def test_append_replaces_whole_names_and_an_empty_vector_deletes():
    template = Template.parse("A=1 A=2 D=[X=1,Y=2] E=[Z=1]")
    template.merge(Template.parse('A="" D=[Y=3] E=[]'))
    assert list(template) == [("A", ""), ("D", {"Y": "3"})]


def test_last_wins():
    template = Template.parse("A=1 A=2", last_wins=True)
    template.merge(Template.parse("A=3 A=4"))
    assert template.texts("A") == ["4"]


def test_rendering_is_sorted_and_in_cdata():
    body = Template.parse('B=[Z=1,A=2] A="<&>"').render()
    assert body == "<TEMPLATE><A><![CDATA[<&>]]></A><B><A><![CDATA[2]]></A><Z><![CDATA[1]]></Z></B></TEMPLATE>"


def test_settling_drops_empty_vectors_and_renames():
    template = Template.parse("D=[] xmlfoo=1")
    template.settle()
    assert list(template) == [("ONE_XMLFOO", "1")]


def test_copies_are_independent():
    template = Template.parse("D=[A=1]")
    template.copy().vector("D")["A"] = "2"
    assert template.vector("D") == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("BROKEN=[", "unexpected $end, expecting CBRACKET or VARIABLE at line 0, columns 8:9"),
        ("nonsense", "unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 0, columns 1:9"),
        ("= 1", "unexpected EQUAL, expecting $end at line 0, columns 1:3"),
        ("A='single quoted'", "unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 0, columns 17:18"),
        ('A="a\\\\"\nB="c"', "unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 13:14"),
        ("D=[A=1,B=2,]", "unexpected CBRACKET, expecting VARIABLE at line 0, columns 12:13"),
    ],
)
def test_errors_say_where(text, why):
    with pytest.raises(TemplateError) as caught:
        Template.parse(text)
    assert str(caught.value) == f"Parse error: syntax error, {why}"
