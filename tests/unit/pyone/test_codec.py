# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Requests and answers as bytes; the standard library's XML-RPC is the other opinion."""

from __future__ import annotations

import json
import xmlrpc.client

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneProtocolException,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.codec import (
    LONG,
    Text,
    _cut,
    decode,
    encode,
    unescape,
)
from hypothesis import given
from hypothesis import strategies as st
from project import SHARED

WIRE = sorted((SHARED / "conformance" / "wire").glob("*/*.xml"))

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff", max_codepoint=0xFFFF).filter(
        lambda character: character >= " " or character in "\t\n\r"
    )
)
SCALARS = st.booleans() | st.integers(-(2**31), 2**31 - 1) | TEXTS | st.floats(allow_nan=False, allow_infinity=False)
BODY = "<methodResponse><params><param><value><array><data>%s</data></array></value></param></params></methodResponse>"
YES = "<value><boolean>1</boolean></value>"


def answered(values):
    return xmlrpc.client.dumps((values,), methodresponse=True).encode()


def by_library(body):
    """(ok, value, …); what introspection answers has neither flag nor code."""
    values = xmlrpc.client.loads(body)[0][0]
    if not isinstance(values[0], bool):
        return True, values, 0
    return tuple(value.encode() if isinstance(value, str) else value for value in values)


# ---------------------------------------------------------------- requests


@given(st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=5))
def test_requests_say_what_was_meant(params):
    found, method = xmlrpc.client.loads(encode("one.vm.info", params))
    assert method == "one.vm.info"
    assert list(found) == params
    assert [type(value) for value in found] == [type(value) for value in params]


def test_large_integers():
    assert b"<i4>2147483647</i4>" in encode("m", [2**31 - 1])
    assert b"<i8>2147483648</i8>" in encode("m", [2**31])


@pytest.mark.parametrize("value", ["\x00", "a\x1b", "\ud800", "\uffff", "😀"])
def test_characters_that_cannot_be_sent(value):
    with pytest.raises(OneArgumentException, match="cannot be sent to OpenNebula"):
        encode("m", [value])


@pytest.mark.parametrize("value, name", [(None, "NoneType"), ({}, "dict"), (b"x", "bytes")])
def test_values_that_cannot_be_sent(value, name):
    with pytest.raises(OneArgumentException, match=f"a {name} cannot be sent"):
        encode("m", [value])


# ---------------------------------------------------------------- answers


@pytest.mark.skipif(not WIRE, reason="no ../shared")
@pytest.mark.parametrize("path", WIRE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recorded_answers(path):
    body = path.read_bytes()
    try:
        expected = by_library(body)
    except xmlrpc.client.Fault as fault:
        with pytest.raises(OneProtocolException) as caught:
            decode(body)
        assert (caught.value.code, caught.value.message) == (fault.faultCode, fault.faultString)
    except Exception:
        with pytest.raises(OneProtocolException):
            decode(body)
    else:
        assert tuple(bytes(value) if isinstance(value, Text) else value for value in decode(body)) == expected


@pytest.mark.skipif(not WIRE, reason="no ../shared")
def test_recorded_answers_take_the_short_way():
    for index in {path.with_name("index.json") for path in WIRE}:
        for entry in json.loads(index.read_text()):
            body = index.with_name(entry["file"]).read_bytes()
            if b"<array>" in body and entry["status"].endswith("200 OK") and entry.get("method", "").startswith("one."):
                assert _cut(body) is not None, entry["file"]


@given(st.lists(SCALARS.filter(lambda value: not isinstance(value, float)), min_size=2, max_size=6))
def test_own_answers(values):
    body = answered([True, *values])
    assert decode(body) == by_library(body)


@given(TEXTS)
def test_texts_of_every_kind(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = (BODY % f"{YES}<value><string>{escaped}</string></value><value><i4>0</i4></value>").encode()
    expected = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    assert decode(body) == (True, expected, 0)


@pytest.mark.parametrize(
    "written, read",
    [
        (b"&lt;A&gt;&amp;amp;&lt;/A&gt;", b"<A>&amp;</A>"),
        (b"&quot;&apos;", b"\"'"),
        (b"&#65;&#x42;&#13;", b"AB\r"),
        (b"&#38;lt;", b"&lt;"),
        (b"&amp;lt;", b"&lt;"),
        ("&#8364; €".encode(), "€ €".encode()),
    ],
)
def test_escapes(written, read):
    assert unescape(written) == read


def test_answer_of_two_values_gets_its_code():
    assert decode((BODY % f"{YES}<value><i4>5</i4></value>").encode()) == (True, 5, 0)


@pytest.mark.parametrize(
    "value", ["5", "<int>5</int>", "<i4> 5 </i4>", "<!-- five --><i4>5</i4>"], ids=["bare", "int", "blanks", "comment"]
)
def test_other_shapes_of_the_envelope(value):
    code, found = (b"5", "0") if value == "5" else (5, "0")
    body = BODY % f"{YES}<value>{value}</value><value><i4>{found}</i4></value>"
    assert decode(body.encode()) == (True, code, 0)


def test_answers_without_the_array():
    body = xmlrpc.client.dumps((["one.vm.info", "one.vm.action"],), methodresponse=True).encode()
    assert decode(body)[:2] == (True, ["one.vm.info", "one.vm.action"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"\x00\xff",
        (BODY % YES).encode()[:-5],
        (BODY % f"{YES}<value><i4>five</i4></value>").encode(),
        (BODY % f"{YES}<value><string>a<b></string></value>").encode(),
        (BODY % f"{YES}<value><string>&#x110000;</string></value>").encode(),
        (BODY % f"{YES}<value><i4>5</i4></value>").encode() + b"<more/>",
        b"<methodResponse><params></params></methodResponse>",
    ],
    ids=["empty", "html", "binary", "cut", "number", "tags", "reference", "more", "nothing"],
)
def test_what_is_no_answer(body):
    with pytest.raises(OneProtocolException):
        decode(body)


@pytest.mark.parametrize(
    "flag, text, stays",
    [(1, "<A>%s</A>", True), (0, "<A>%s</A>", False), (1, "%s", False)],
    ids=["document", "message", "text"],
)
def test_only_long_documents_stay_where_they_are(flag, text, stays):
    text %= "x" * LONG
    escaped = text.replace("<", "&lt;").replace(">", "&gt;")
    body = f"<value><boolean>{flag}</boolean></value><value><string>{escaped}</string></value>"
    found = decode((BODY % body).encode())[1]
    assert isinstance(found, Text) == stays
    assert bytes(found) == text.encode()


def test_document_types_are_refused():
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><methodResponse>&b;</methodResponse>'
    with pytest.raises(OneProtocolException, match="document type"):
        decode(bomb)
