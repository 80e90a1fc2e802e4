# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Answers as views: fields that are there, are missing, are unknown, repeat."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneProtocolException, bindings
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import Element, Template, parse

HOST = (
    "<HOST><ID>0</ID><NAME>node1</NAME><STATE></STATE><CLUSTER_ID>x</CLUSTER_ID>"
    "<HOST_SHARE><MAX_MEM>12</MAX_MEM></HOST_SHARE><VMS><ID>3</ID><ID>4</ID></VMS><NEW>n</NEW>"
    "<TEMPLATE><A><![CDATA[1]]></A><E/><B>x</B><B>y</B><D><K>v</K></D><NIC><IP>1</IP></NIC></TEMPLATE></HOST>"
)


CONFIGURATION = (
    "<OPENNEBULA_CONFIGURATION><FEDERATION><ZONE_ID>7</ZONE_ID></FEDERATION><PORT>2633</PORT>"
    "<VM_MAD><NAME>kvm</NAME></VM_MAD></OPENNEBULA_CONFIGURATION>"
)


@pytest.fixture
def host():
    return parse(HOST)


def test_numbers_and_text(host):
    assert (host.ID, host.NAME, host.HOST_SHARE.MAX_MEM) == (0, "node1", 12)


def test_empty_number_and_missing_field_are_none(host):
    assert host.STATE is None
    assert host.IM_MAD is None
    assert host.HOST_SHARE.PCI_DEVICES is None


def test_number_that_is_none(host):
    with pytest.raises(OneProtocolException, match="the field CLUSTER_ID should be a number, but is 'x'"):
        host.CLUSTER_ID  # noqa: B018 - reading is the test


def test_repeated_field_is_a_list(host):
    assert host.VMS.ID == [3, 4]
    assert host.VMS.ID is host.VMS.ID


def test_repeated_field_that_is_empty():
    assert parse("<HOST_POOL/>").HOST == parse("<HOST><VMS/></HOST>").VMS.ID == []


def test_integer_that_an_older_release_prints_as_decimal():
    assert parse("<HOST><HOST_SHARE><MAX_MEM>1.5e+09</MAX_MEM></HOST_SHARE></HOST>").HOST_SHARE.MAX_MEM == 1.5e9


def test_element_that_the_schema_lacks(host):
    assert host.NEW == "n"
    assert parse("<HOST><NEW><X>1</X></NEW></HOST>").NEW.X == "1"
    assert parse("<HOST><NEW>1</NEW><NEW>2</NEW></HOST>").NEW == ["1", "2"]
    assert parse("<LATER><ID>1</ID></LATER>").ID == "1"


def test_field_that_nobody_has(host):
    with pytest.raises(AttributeError, match="HOST has no field NONSENSE"):
        host.NONSENSE  # noqa: B018 - reading is the test
    assert not hasattr(host, "_private")


def test_fields_are_listed(host):
    assert {"ID", "TEMPLATE", "NEW", "IM_MAD"} <= set(dir(host))


def test_template(host):
    template = host.TEMPLATE
    assert isinstance(template, Template)
    assert template == {"A": "1", "E": "", "B": ["x", "y"], "D": {"K": "v"}, "NIC": [{"IP": "1"}]}
    assert template.tag == "TEMPLATE"
    assert host.TEMPLATE is template


@pytest.mark.parametrize("namespace", ['xmlns="http://opennebula.org/XMLSchema"', 'xmlns:x="urn:y"'])
def test_namespace_changes_nothing(namespace, host):
    assert parse(HOST.replace("<HOST>", f"<HOST {namespace}>", 1)).TEMPLATE == host.TEMPLATE


def test_bytes_and_text_with_a_declaration():
    assert parse('<?xml version="1.0" encoding="UTF-8"?>\n<HOST><NAME>é</NAME></HOST>'.encode()).NAME == "é"
    assert parse("<!-- c --><HOST><NAME>é</NAME></HOST>").NAME == "é"


def test_carriage_returns_stay():
    answer = parse("<HOST><TEMPLATE><A><![CDATA[a\r\nb\rc]]></A></TEMPLATE></HOST>")
    assert answer.TEMPLATE["A"] == "a\r\nb\rc"
    assert parse("<HOST>\r\n<NAME>n</NAME>\r\n</HOST>").NAME == "n"


def test_shown_is_what_identifies():
    user = parse(
        "<USER><ID>0</ID><NAME>me</NAME><PASSWORD>hidden</PASSWORD><LOGIN_TOKEN><TOKEN>t</TOKEN></LOGIN_TOKEN></USER>"
    )
    assert repr(user) == "<USER ID='0' NAME='me'>"


def test_as_xml(host):
    assert parse(host.to_xml()).TEMPLATE == host.TEMPLATE
    assert host.to_xml().startswith("<HOST><ID>0</ID>")


def test_classes_are_made_once(host):
    assert type(parse(HOST)) is type(host)
    assert isinstance(host, Element)
    assert type(host).__name__ == "HOST"


def test_what_no_pool_holds_is_typed_too():
    found = parse(CONFIGURATION)
    assert isinstance(found, bindings.OPENNEBULA_CONFIGURATION)
    assert (found.FEDERATION.ZONE_ID, found.PORT, found.VM_MAD[0].NAME) == (7, 2633, "kvm")
    assert isinstance(found.FEDERATION, bindings.OPENNEBULA_CONFIGURATION_FEDERATION)
    assert parse("<MONITORING_DATA><MONITORING><CPU>1.5</CPU></MONITORING></MONITORING_DATA>").MONITORING[0].CPU == 1.5
    plan = parse("<SCHEDULER_DRIVER_ACTION><HOST_POOL><HOST><ID>3</ID></HOST></HOST_POOL></SCHEDULER_DRIVER_ACTION>")
    assert isinstance(plan.HOST_POOL.HOST[0], bindings.HOST)


def test_the_types_of_objects_need_no_others():
    for key, text in bindings.TYPES.items():
        for field in text.split():
            name, dummy, kind = field.rstrip("*").partition(":")
            kind = {"=": name, ".": f"{key}.{name}"}.get(kind, kind)
            assert kind in ("", "i", "d", "t") or kind in bindings.TYPES, f"{key} {field}"


@pytest.mark.parametrize("document", ["", "<HOST>", "<HOST>&nbsp;</HOST>", "\x00", "no xml"])
def test_what_is_not_xml(document):
    with pytest.raises(OneProtocolException, match="the XML of the answer cannot be read"):
        parse(document)


@pytest.mark.parametrize("prolog", ["", '<?xml version="1.0"?>', " \n<!-- c -->"])
def test_document_types_are_refused(prolog):
    with pytest.raises(OneProtocolException, match="declares a document type"):
        parse(prolog + '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>')
