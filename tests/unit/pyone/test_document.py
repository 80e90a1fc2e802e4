# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Documents that are read where they stand, escaped; the parser of the standard library is the other opinion."""

from __future__ import annotations

import contextlib
import gzip
import json
from xml.etree import ElementTree

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneProtocolException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.codec import Text
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import (
    Node,
    Template,
    parse,
    read,
)
from hypothesis import example, given
from hypothesis import strategies as st
from project import SHARED

POOLS = sorted((SHARED / "conformance" / "pools").glob("*.xml.gz"))
HOSTILE = [
    "</A><A>",
    "</NAME>",
    "<NAME>x</NAME>",
    "<![CDATA[",
    "]]",
    "<!-- ",
    " -->",
    "<A/>",
    "&lt;/A&gt;",
    "&",
    "\r\n",
    "\r",
    "é",
    "a>b",
    "<?x ?>",
    " ",
    "\n",
]
NAMES = st.sampled_from(["A", "B", "NAME", "NAME_X", "VM", "TEMPLATE"])
TEXTS = st.lists(st.sampled_from(HOSTILE) | st.text("aA<>&\"' \n]", max_size=4), max_size=3).map("".join)


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text):
    return escape(text).replace("\r", "&#13;")


def section(text):
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def element(name, content):
    return f"<{name}>{content}</{name}>"


LEAVES = st.builds(element, NAMES, TEXTS.map(plain) | TEXTS.map(section) | st.just("")) | NAMES.map("<{}/>".format)
STRANGE = (
    st.builds('<{0} x="1">{1}</{0}>'.format, NAMES, TEXTS.map(plain))
    | TEXTS.filter(lambda text: "--" not in text and not text.endswith("-") and "\r" not in text).map(
        "<!--{}-->".format
    )
    | st.builds("<{0}>{1}</{0} >".format, NAMES, TEXTS.map(plain))
    | TEXTS.map(plain)
)


def branches(children):
    return st.builds(element, NAMES, st.lists(children, max_size=5).map("".join))


ORDINARY = branches(st.recursive(LEAVES, branches, max_leaves=12))
DOCUMENTS = ORDINARY | branches(st.recursive(LEAVES | STRANGE, branches, max_leaves=12))


def where_it_stands(document):
    """The root of a document (text) that is read without being unescaped."""
    body = document.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#x0d;")
    body = b"<string>" + body.encode() + b"</string>"
    return read(Text(body, 8, len(body) - 9))


def same(node, tree):
    """Whether each way into an element finds in NODE what is in TREE."""
    assert node.tag == tree.tag
    assert len(node) == len(tree)
    assert (node.text or "") == (tree.text or "")
    for name in {child.tag for child in tree} | {"MISSING"}:
        children = tree.findall(name)
        assert (node.find(name) is None) == (children == [])
        assert node.findtext(name) == tree.findtext(name)
        found = node.findall(name)
        assert len(found) == len(children)
        for one, other in zip(found, children, strict=True):
            same(one, other)
    return True


@given(DOCUMENTS)
@example("<A><B><![CDATA[</B><B>]]></B><NAME>1</NAME></A>")
@example("<A><B><A><B>1</B></A></B><B>2</B></A>")
@example("<A><B><!-- </B><B>1</B> --></B><B>2</B></A>")
@example("<A><NAME_X>1</NAME_X><NAME>2</NAME></A>")
@example('<A><B><NAME x="1">1</NAME></B><NAME>2</NAME></A>')
def test_found_is_what_the_parser_finds(document):
    assert same(where_it_stands(document), read(document))


@given(ORDINARY.filter(lambda document: "<?" not in document))
def test_ordinary_documents_are_not_parsed_at_once(document):
    assert isinstance(where_it_stands(f"<X>{document}</X>"), Node)


@given(ORDINARY)
def test_templates(document):
    expected = Template(read(f"<TEMPLATE>{document}</TEMPLATE>"))
    (name,) = expected
    lazy = Template(where_it_stands(f"<VM><TEMPLATE>{document}</TEMPLATE></VM>").find("TEMPLATE"))
    assert lazy[name] == expected[name]
    assert lazy == expected


@given(ORDINARY, st.data())
def test_what_is_garbled_is_refused_or_read(document, data):
    body = bytearray(escape(document).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(
        st.binary(max_size=3) | st.sampled_from([b"&lt;", b"&gt;"])
    )
    with contextlib.suppress(OneProtocolException):
        walk(read(Text(body, 0, len(body))))


def walk(node):
    """Touch everything."""
    for name in ("A", "B", "NAME", "VM", "TEMPLATE"):
        node.findtext(name)
        for child in node.findall(name):
            walk(child)
    if isinstance(node, Node):
        node.lone_text("NAME")


@pytest.mark.parametrize(
    "document",
    [
        "",
        "text",
        "<A>",
        "<A>1</A>",
        "<A/>",
        "<?xml version='1.0'?><A><B>1</B></A>",
        "<A x='1'><B>1</B></A>",
        "<A xmlns='http://opennebula.org/XMLSchema'><B>1</B></A>",
        "<A><B>1</B></A><C/>",
    ],
)
def test_what_is_parsed_at_once(document):
    try:
        expected = ElementTree.tostring(read(document))
    except OneProtocolException:
        with pytest.raises(OneProtocolException):
            where_it_stands(document)
    else:
        assert ElementTree.tostring(where_it_stands(document)) == expected


@pytest.mark.parametrize("body", [b"&#60;A>1&#60;/A>", b"&lt;A&gt;&#x3c;B/&gt;&lt;/A&gt;", b"&lt;A>1&lt;/A>"])
def test_other_escapes_are_parsed_at_once(body):
    assert read(Text(body, 0, len(body))).tag == "A"
    assert not isinstance(read(Text(body, 0, len(body))), Node)


def test_text_that_is_not_utf_8():
    body = b"&lt;A&gt;&lt;B&gt;\xff&lt;/B&gt;&lt;/A&gt;"
    with pytest.raises(OneProtocolException, match="the field B of the answer is not UTF-8 text"):
        read(Text(body, 0, len(body))).findtext("B")


def test_faults_show_when_they_are_touched():
    pool = parse_pool("<VM><ID>0</ID><NAME>a</NAME><TEMPLATE><A></B></TEMPLATE></VM>")
    (vm,) = pool.VM
    assert (vm.ID, vm.NAME) == (0, "a")
    with pytest.raises(OneProtocolException, match="the XML of the answer cannot be read"):
        vm.TEMPLATE["A"]


# ---------------------------------------------------------------- views


def parse_pool(items):
    body = escape(f"<VM_POOL>{items}</VM_POOL>").encode()
    return parse(Text(body, 0, len(body)))


VM = (
    "<VM><ID>7</ID><NAME><![CDATA[a<b]]></NAME><TEMPLATE><CPU><![CDATA[0.5]]></CPU><CPU_MODEL>x</CPU_MODEL>"
    "<DISK><SIZE>1</SIZE></DISK><A>1</A><A>2</A><E/></TEMPLATE><USER_TEMPLATE><NAME>no</NAME></USER_TEMPLATE></VM>"
)
CONTENT = {"CPU": "0.5", "CPU_MODEL": "x", "DISK": [{"SIZE": "1"}], "A": ["1", "2"], "E": ""}


@pytest.fixture
def template():
    return parse_pool(VM).VM[0].TEMPLATE


def test_views():
    (vm,) = parse_pool(VM).VM
    assert (vm.ID, vm.NAME, vm.STATE, vm.USER_TEMPLATE["NAME"]) == (7, "a<b", None, "no")
    assert vm.TEMPLATE is vm.TEMPLATE
    assert vm.to_xml() == VM.replace("<![CDATA[a<b]]>", "a&lt;b").replace("<![CDATA[0.5]]>", "0.5").replace(
        "<E/>", "<E />"
    )
    assert "NAME" in dir(vm)


@pytest.mark.parametrize(
    "look",
    [
        dict,
        lambda found: {**found},
        lambda found: json.loads(json.dumps(found)),
        lambda found: found.copy(),
        lambda found: dict(found.items()),
        lambda found: dict(zip(found.keys(), found.values(), strict=True)),
        lambda found: {name: found[name] for name in found},
        lambda found: {name: found.get(name) for name in CONTENT},
        lambda found: dict(reversed(list(found.items()))),
        lambda found: found | {},
        lambda found: {} | found,
    ],
)
def test_template_is_whole_however_it_is_looked_at(template, look):
    assert look(template) == CONTENT


def test_template_is_compared_whole(template):
    assert template == CONTENT
    assert CONTENT == parse_pool(VM).VM[0].TEMPLATE
    assert parse_pool(VM).VM[0].TEMPLATE != {}
    assert len(parse_pool(VM).VM[0].TEMPLATE) == len(CONTENT)
    assert repr(parse_pool(VM).VM[0].TEMPLATE) == repr(CONTENT)
    assert "CPU" in parse_pool(VM).VM[0].TEMPLATE
    assert list(reversed(parse_pool(VM).VM[0].TEMPLATE)) == list(reversed(CONTENT))


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_template_values(template, name):
    assert template[name] == CONTENT[name]
    assert template.get(name) == CONTENT[name]


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_template_reads_the_attribute_alone(template, monkeypatch, name):
    whole = []
    monkeypatch.setattr(Template, "_read", whole.append)
    assert template[name] == template.get(name) == CONTENT[name]
    assert not whole


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_template_is_whole_after_an_attribute_was_read(template, name):
    assert template[name] == CONTENT[name]
    assert list(template.items()) == list(CONTENT.items())


def test_template_without_the_attribute(template):
    with pytest.raises(KeyError, match=r"^'NO'$"):
        template["NO"]
    assert template.get("NO") is None
    assert template.get("NO", 1) == 1


def change_item(template):
    template["CPU"] = "1"


def change_vector(template):
    template["DISK"][0]["SIZE"] = "2"


CHANGES = [
    (change_item, {**CONTENT, "CPU": "1"}),
    (change_vector, {**CONTENT, "DISK": [{"SIZE": "2"}]}),
    (lambda template: template.update(CPU="1"), {**CONTENT, "CPU": "1"}),
    (lambda template: template.setdefault("CPU", "1"), CONTENT),
    (lambda template: template.__ior__({"CPU": "1"}), {**CONTENT, "CPU": "1"}),
    (lambda template: template.pop("E"), {name: value for name, value in CONTENT.items() if name != "E"}),
    (lambda template: template.popitem(), {name: value for name, value in CONTENT.items() if name != "E"}),
    (lambda template: template.__delitem__("E"), {name: value for name, value in CONTENT.items() if name != "E"}),
    (lambda template: template.clear(), {}),
]


@pytest.mark.parametrize("change, expected", CHANGES)
def test_template_can_be_changed(template, change, expected):
    change(template)
    assert template == expected
    assert dict(template) == expected


# ---------------------------------------------------------------- recorded


@pytest.mark.skipif(not POOLS, reason="no ../shared")
@pytest.mark.parametrize("path", POOLS, ids=lambda path: path.name)
def test_recorded_pools_are_not_parsed(path):
    document = gzip.decompress(path.read_bytes()).decode()
    found = where_it_stands(document)
    assert same(found, read(document))
    assert isinstance(found, Node)
    assert all(isinstance(item, Node) for name in {item.tag for item in read(document)} for item in found.findall(name))
