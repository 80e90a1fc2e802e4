# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Answers of the API against the schema in xsd/ and the tables that come of it.

samples/ has one answer of each root element, with every field; ../shared, where it is, what real servers answered.
"""

from __future__ import annotations

import gzip
import json
import xmlrpc.client
from functools import cache
from pathlib import Path
from xml.parsers.expat import ExpatError

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import bindings, element
from lxml import etree
from project import ROOT, SHARED

XSD = ROOT / "xsd"
ROOTS = bindings.ROOTS
TYPES = bindings.TYPES
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.xml"))
CONFORMANCE = SHARED / "conformance"

# Files that are not named for their root element.
FILES = {
    "CALL_INFO": "api_info",
    "HISTORY": "acct",
    "HISTORY_RECORDS": "acct",
    "RAFT": "raftstatus",
    "SHOWBACK_RECORDS": "showback",
}

# These stand for VM_POOL as well as vm_pool.xsd, and cannot be in one schema with it.
APART = {"index", "scheduler_driver_action", "vm_pool_extended"}

# What the users of the recorded servers wrote into address ranges.
MADE_UP = {"CUSTOM", "GATEWAY"}

SIMPLE = {"": str, "i": (int, float), "d": float}


@cache
def schema(name):
    return etree.XMLSchema(etree.parse(XSD / f"{name}.xsd"))


def file_of(document, method="", args=()):
    """The schema file for an answer; a VM pool has a short and a full form."""
    full = method.endswith("infoextended") or (method.endswith("infoset") and args[-1] is True)
    return FILES.get(document.tag, document.tag.lower()) + ("_extended" if document.tag == "VM_POOL" and full else "")


def assert_valid(xml, method="", args=()):
    document = etree.fromstring(xml)
    name = file_of(document, method, args)
    for file in {name, "index"} if name not in APART else {name}:
        schema(file).assertValid(document)


def same_tree(node):
    """An element as tuples. XML readers make LF of CR, the bindings do not: that is no difference here."""
    text = "" if len(node) else (node.text or "").replace("\r\n", "\n").replace("\r", "\n")
    return node.tag, text, [same_tree(child) for child in node]


def assert_nothing_lost(xml):
    """Parse; each element must be reached by its name, as often as it is there, and be written back as it was."""
    view = element.parse(xml)
    assert same_tree(etree.fromstring(view.to_xml())) == same_tree(etree.fromstring(xml))
    reach_all(view, etree.fromstring(xml))


def reach_all(view, node):
    if isinstance(view, element.Template):
        assert view.keys() == {child.tag for child in node}
        return
    assert type(view).__name__ != "Element", f"the schema lacks {node.tag}"
    assert {child.tag for child in node} - set(vars(type(view))) <= MADE_UP
    for tag in {child.tag for child in node}:
        nodes, value = node.findall(tag), getattr(view, tag)
        values = value if isinstance(value, list) else [value]
        assert len(values) == len(nodes), tag
        for child, item in zip(nodes, values, strict=True):
            if isinstance(item, (element.Element, element.Template)):
                reach_all(item, child)


def recordings():
    """(name, answers) of each scenario, list of wire bodies and pool: each answer is xml, method, arguments."""
    for path in sorted(CONFORMANCE.glob("recordings/*/*.jsonl")):
        yield f"{path.parent.name}/{path.stem}", lambda path=path: steps(path)
    for path in sorted(CONFORMANCE.glob("wire/*/index.json")):
        yield f"wire/{path.parent.name}", lambda path=path: bodies(path)
    for path in sorted(CONFORMANCE.glob("pools/*.gz")):
        pool = path.name.removesuffix(".xml.gz")
        yield f"pools/{pool}", lambda path=path, pool=pool: [(gzip.decompress(path.read_bytes()), pool, ())]


def steps(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        step = json.loads(line)
        if is_xml(step.get("value")):
            yield step["value"].encode(), step["method"], step["args"]


def bodies(path):
    for entry in json.loads(path.read_text(encoding="utf-8")):
        try:
            ((answer,), dummy) = xmlrpc.client.loads((path.parent / entry["file"]).read_bytes())
        except (xmlrpc.client.Fault, ExpatError):
            continue
        if isinstance(answer, list) and is_xml(answer[1]):
            yield answer[1].encode(), entry["method"], entry["args"]


def is_xml(value):
    return isinstance(value, str) and value.startswith("<")


RECORDED = [pytest.param(answers, id=name) for name, answers in recordings()] or [
    pytest.param(None, id="recordings", marks=pytest.mark.skip(reason="../shared/conformance is not there"))
]


@pytest.mark.parametrize("path", sorted(XSD.glob("*.xsd")), ids=lambda path: path.stem)
def test_each_file_is_a_schema_by_itself(path):
    assert schema(path.stem) is not None


def test_the_index_includes_all_that_can_stand_together():
    included = {node.get("schemaLocation") for node in etree.parse(XSD / "index.xsd").iter("{*}include")}
    assert included == {path.name for path in XSD.glob("*.xsd")} - {f"{name}.xsd" for name in APART}


def test_each_root_element_has_a_sample():
    assert [path.stem for path in SAMPLES] == sorted(root.lower() for root in ROOTS)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_valid_and_nothing_is_lost(path):
    assert_valid(path.read_bytes())
    assert_nothing_lost(path.read_bytes())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_fields_have_the_types_of_the_table(path):
    view = element.parse(path.read_bytes())
    for field in TYPES[path.stem.upper()].split():
        name, dummy, kind = field.rstrip("*").partition(":")
        value = getattr(view, name)
        if value is not None:
            expected = SIMPLE.get(kind, element.Template if kind == "t" else element.Element)
            values = value if field.endswith("*") else [value]
            assert all(isinstance(item, expected) for item in values), name


@pytest.mark.parametrize("answers", RECORDED)
def test_recorded_answers_are_valid(answers):
    for xml, method, args in answers():
        assert_valid(xml, method, args)


@pytest.mark.parametrize("answers", RECORDED)
def test_of_recorded_answers_nothing_is_lost(answers):
    for xml, dummy, dummy in answers():
        assert_nothing_lost(xml)


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="../shared/conformance is not there")
def test_there_are_recordings_of_most_kinds():
    answers = [etree.fromstring(xml).tag for dummy, read in recordings() for xml, dummy, dummy in read()]
    assert len(answers) >= 2402
    unseen = {"CALL_INFO", "HISTORY", "HOOK_MESSAGE", "PLAN", "REQUIREMENTS", "SCHEDULER_DRIVER_ACTION", "SQL_COMMAND"}
    assert set(ROOTS) - set(answers) == unseen


@pytest.mark.parametrize(
    ("name", "xml"),
    [
        ("vm", "<VM><USER_TEMPLATE><HOST>any</HOST><VM><ID>x</ID></VM></USER_TEMPLATE></VM>"),
        ("datastore", "<DATASTORE><TEMPLATE><IMAGE>a</IMAGE><IMAGE>b</IMAGE></TEMPLATE></DATASTORE>"),
        ("vm", "<VM><MONITORING><GUEST_IP>192.0.2.1</GUEST_IP></MONITORING></VM>"),
        ("host", "<HOST><NAME>order is free</NAME><ID>0</ID></HOST>"),
        ("host", "<HOST/>"),
        ("image", "<IMAGE><FSTYPE>ext4</FSTYPE></IMAGE>"),
        ("user_pool", "<USER_POOL><USER/><QUOTAS/><USER/><QUOTAS/><DEFAULT_USER_QUOTAS/></USER_POOL>"),
        ("vnet", "<VNET><AR_POOL><AR><MY_OWN>1</MY_OWN><AR_ID>0</AR_ID></AR></AR_POOL></VNET>"),
    ],
)
def test_the_schema_allows(name, xml):
    schema(name).assertValid(etree.fromstring(xml))


@pytest.mark.parametrize(
    ("name", "xml"),
    [
        ("host", "<HOST><ID>abc</ID></HOST>"),
        ("host", "<HOST><ID>0</ID><ID>1</ID></HOST>"),
        ("host", "<HOST><HOST_SHARE><PCI/></HOST_SHARE></HOST>"),
        ("host", "<NOTHING/>"),
        ("vm_pool", "<VM_POOL><VM><PERMISSIONS/></VM></VM_POOL>"),
        ("showback", "<SHOWBACK_RECORDS><SHOWBACK><HOURS>many</HOURS></SHOWBACK></SHOWBACK_RECORDS>"),
    ],
)
def test_the_schema_refuses(name, xml):
    assert not schema(name).validate(etree.fromstring(xml))


def test_names_of_open_content_keep_their_types():
    view = element.parse("<VNET><AR_POOL><AR><SIZE>3</SIZE><MY_OWN>x</MY_OWN></AR></AR_POOL></VNET>")
    assert view.AR_POOL.AR[0].SIZE == 3
    assert view.AR_POOL.AR[0].MY_OWN == "x"
