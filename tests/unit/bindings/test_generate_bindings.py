# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The generator of the bindings: on small schemas, on faulty ones, on ours and on OpenNebula's own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import subprocess
import sys

import generate_bindings
import pytest
from project import SHARED

OPEN = "http://www.w3.org/2001/XMLSchema"
RELEASES = ("5.4.0", "6.10.5", "7.0.0", "7.2.0", "7.4.0")


@pytest.fixture
def schema(tmp_path):
    """A function that writes schema files, given as name=content, and returns their directory."""

    def write(*, target="", before="", **files):
        space = f' targetNamespace="{target}" xmlns="{target}" elementFormDefault="qualified"' if target else ""
        for name, content in files.items():
            text = f'{before}<xs:schema xmlns:xs="{OPEN}"{space}>\n{content}\n</xs:schema>\n'
            (tmp_path / f"{name}.xsd").write_text(text, encoding="utf-8")
        return tmp_path

    return write


# Where our schema means to differ from OpenNebula's, as a pattern for what differences() finds.
DELIBERATE = (
    r"_QUOTA/.*:[id] is $",  # some releases call limits numbers, some text; they are printed as text
    r"VM/MONITORING/\w+:d is i$",  # counters; the bindings read decimals where an integer is expected
    r"MONITORING/NUMA_NODE/MEMORY/FREE: is i$",  # text beside USED, an integer
    r"MONITORING/VCENTER_",  # gone with vCenter, still reachable by name
    r"(PCI:t is HOST_PCI|MONITORING:t is VM_MONITORING)$",  # open content whose usual fields we know
    r"HISTORY/VM/(\w+:t is \w+|BACKUPS/BACKUP_IDS/ID: is i)$",  # older releases describe this VM loosely
    r"HOOK_MESSAGE/CALL_INFO\*$",  # a message is about one call
)


def generated(directory, tmp_path_factory):
    """(ROOTS, TYPES) of the bindings for the schema files of a directory."""
    path = tmp_path_factory.mktemp("generated") / "bindings.py"
    for output, text in generate_bindings.outputs(directory, path).items():
        output.write_text(text, encoding="utf-8")
    module = runpy.run_path(str(path))
    return module["ROOTS"], module["TYPES"]


def named(module):
    """The sorted ROOTS, and TYPES with every type of a field by its name."""
    roots, types = module
    return tuple(sorted(roots)), {
        key: " ".join(in_full(key, field) for field in text.split()) for key, text in sorted(types.items())
    }


def in_full(key, field):
    """A field of a type, with the names that = and . stand for."""
    return re.sub(r"^(.+):([=.])(?=\*?$)", lambda m: f"{m[1]}:{m[1] if m[2] == '=' else f'{key}.{m[1]}'}", field)


@pytest.fixture
def module(tmp_path_factory):
    return lambda directory: generated(directory, tmp_path_factory)


@pytest.fixture
def tables(module):
    return lambda directory: named(module(directory))


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return generated(generate_bindings.XSD, tmp_path_factory)


def element(name, *children, group="sequence", occurs=""):
    """The declaration of an element with children."""
    content = f"<xs:{group}>{''.join(children)}</xs:{group.split()[0]}>"
    return f'<xs:element name="{name}" {occurs}><xs:complexType>{content}</xs:complexType></xs:element>'


def simple(name, kind="string", occurs=""):
    return f'<xs:element name="{name}" type="xs:{kind}" {occurs}/>'


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["generate_bindings.py", *map(str, arguments)])
    generate_bindings.main()


MANY = 'maxOccurs="unbounded"'
THING = element("THING", simple("ID", "integer"), simple("NAME"), simple("COST", "float"), simple("IP", "string", MANY))
INCLUDE = '<xs:include schemaLocation="{}.xsd"/>'


def test_simple_types_tell_text_from_numbers(schema, tables):
    kinds = ("integer", "int", "long", "decimal", "float", "double", "string", "boolean", "anyURI", "dateTime")
    roots, types = tables(schema(a=element("A", *(simple(kind.upper(), kind) for kind in kinds))))
    assert roots == ("A",)
    assert types == {
        "A": "INTEGER:i INT:i LONG:i DECIMAL:d FLOAT:d DOUBLE:d STRING BOOLEAN ANYURI DATETIME",
    }


def test_restrictions_are_read_as_what_they_restrict(schema, tables):
    port = '<xs:simpleType name="PORT"><xs:restriction base="xs:int"/></xs:simpleType>'
    word = (
        '<xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="IN"/></xs:restriction></xs:simpleType>'
    )
    fields = '<xs:element name="P" type="PORT"/>', f'<xs:element name="W">{word}</xs:element>'
    assert tables(schema(a=port + element("A", *fields)))[1] == {"A": "P:i W"}


def test_a_value_with_attributes_is_a_value(schema, tables):
    content = (
        '<xs:simpleContent><xs:extension base="xs:integer"><xs:attribute name="u"/></xs:extension></xs:simpleContent>'
    )
    field = f'<xs:element name="N"><xs:complexType>{content}</xs:complexType></xs:element>'
    assert tables(schema(a=element("A", field)))[1] == {"A": "N:i"}


def test_a_group_that_repeats_makes_its_elements_repeat(schema, tables):
    content = element("A", simple("X"), simple("Y"), group=f"choice {MANY}")
    assert tables(schema(a=content))[1] == {"A": "X* Y*"}


def test_an_element_that_comes_twice_in_a_sequence_repeats_or_not_as_it_says(schema, tables):
    assert tables(schema(a=element("A", simple("X"), simple("Y"), simple("X", "string", MANY))))[1] == {"A": "X* Y"}


@pytest.mark.parametrize("target", ["", "http://opennebula.org/XMLSchema"])
def test_the_namespace_makes_no_difference(schema, tables, target):
    types = (
        '<xs:complexType name="IDS"><xs:sequence>' + simple("ID", "integer", MANY) + "</xs:sequence></xs:complexType>"
    )
    pool = element("POOL", f'<xs:element ref="THING" {MANY}/>', '<xs:element name="ALL" type="IDS"/>')
    directory = schema(
        target=target,
        shared=types,
        thing=THING,
        pool=INCLUDE.format("thing") + INCLUDE.format("shared") + pool,
        index=INCLUDE.format("pool"),
    )
    roots, types = tables(directory)
    assert roots == ("POOL", "THING")
    assert types == {"IDS": "ID:i*", "POOL": "THING:THING* ALL:IDS", "THING": "ID:i NAME COST:d IP*"}


def test_templates_are_open_whatever_the_schema_says(schema, tables):
    wild = '<xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/>'
    fields = (
        element("TEMPLATE", simple("CPU")),
        element("ANY", wild),
        simple("MORE", "anyType"),
        '<xs:element name="RAW"/>',
    )
    assert tables(schema(a=element("A", *fields)))[1] == {"A": "TEMPLATE:t ANY:t MORE:t RAW:t"}


def test_open_content_has_the_fields_that_its_appinfo_names(schema, tables):
    known = f'<xs:complexType name="KNOWN"><xs:sequence>{simple("SIZE", "integer")}</xs:sequence></xs:complexType>'
    note = "<xs:annotation><xs:appinfo>KNOWN</xs:appinfo></xs:annotation>"
    field = f'<xs:element name="AR" type="xs:anyType" {MANY}>{note}</xs:element>'
    root = f'<xs:element name="B" type="xs:anyType">{note}</xs:element>'
    assert tables(schema(a=known + element("A", field) + root))[1] == {
        "A": "AR:KNOWN*",
        "B": "SIZE:i",
        "KNOWN": "SIZE:i",
    }


def test_inner_types_that_are_alike_are_one(schema, tables):
    def ids(name):
        return element(name, simple("ID", "integer", MANY))

    def lock(name):
        return element(name, element("BY", simple("UID", "integer")))

    dummy, types = tables(schema(a=element("A", ids("VMS"), ids("HOSTS"), lock("LOCK"), lock("OTHER"))))
    assert types == {
        "A": "VMS:IDS HOSTS:IDS LOCK:A.LOCK OTHER:A.LOCK",
        "A.LOCK": "BY:A.LOCK.BY",
        "A.LOCK.BY": "UID:i",
        "IDS": "ID:i*",
    }


def test_an_element_that_two_files_declare_has_what_either_says(schema, tables):
    short = element("POOL", element("THING", simple("ID", "integer"), occurs=MANY), simple("COUNT"))
    full = INCLUDE.format("thing") + element("POOL", f'<xs:element ref="THING" {MANY}/>', simple("PAGE"))
    dummy, types = tables(schema(thing=THING, pool=short, pool_extended=full, index=INCLUDE.format("pool")))
    assert types == {"POOL": "THING:THING* COUNT PAGE", "THING": "ID:i NAME COST:d IP*"}


def test_elements_may_hold_one_another(schema, tables):
    a = INCLUDE.format("b") + element("A", '<xs:element ref="B" minOccurs="0"/>')
    b = INCLUDE.format("a") + element("B", '<xs:element ref="A" minOccurs="0"/>')
    assert tables(schema(a=a, b=b))[1] == {"A": "B:B", "B": "A:A"}


def test_models_that_are_not_deterministic_are_read(schema, tables):
    wild = '<xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/>'
    assert tables(schema(a=element("A", simple("X", "string", 'minOccurs="0"'), wild)))[1] == {"A": "X"}


def test_text_before_the_declaration_is_skipped(schema, tables, capsys):
    directory = schema(before='a stray line\n\n<?xml version="1.0" encoding="UTF-8"?>', a=THING)
    assert tables(directory)[0] == ("THING",)
    assert capsys.readouterr().err == ""


def test_a_file_may_forget_to_include_the_shared_types(schema, tables):
    shared = f'<xs:complexType name="T"><xs:sequence>{simple("X")}</xs:sequence></xs:complexType>'
    directory = schema(shared=shared, a=element("A", '<xs:element name="IN" type="T"/>'))
    assert tables(directory)[1] == {"A": "IN:T", "T": "X"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<xs:element name='BAD'>", "bad.xsd:3: mismatched tag"),
        (
            "\n\n" + element("BAD", '<xs:element name="X" type="MISSING"/>'),
            "bad.xsd:4: Type declaration MISSING cannot",
        ),
        (element("BAD", '<xs:element ref="NOWHERE"/>'), "bad.xsd:2: "),
        ("\n" + INCLUDE.format("absent"), "bad.xsd:3: includes absent.xsd, which does not exist"),
        (element("BAD", simple("A B")), "bad.xsd:2: an element has the name A B"),
        (element("BAD", "<xs:element/>"), "an element has no name"),
        (element("BAD", "<xs:thing/>"), "bad.xsd:"),
    ],
)
def test_a_faulty_file_is_named_and_the_rest_goes_on(schema, tables, capsys, content, fault):
    directory = schema(
        bad=content, user=INCLUDE.format("bad"), thing=THING, index="".join(map(INCLUDE.format, ("bad", "thing")))
    )
    assert tables(directory)[0] == ("THING",)
    lines = capsys.readouterr().err.splitlines()
    assert fault in lines[0]
    assert [line.partition(": ")[2] for line in lines[1:]] == ["includes bad.xsd, which cannot be read"] * 2


def test_a_file_of_another_encoding_is_named(schema, tables, capsys):
    directory = schema(thing=THING)
    (directory / "bad.xsd").write_bytes(b"<?xml version='1.0'?>\n\xff\n")
    assert tables(directory)[0] == ("THING",)
    assert capsys.readouterr().err == f"{directory}/bad.xsd:2: is not UTF-8\n"


def test_nothing_to_read_is_one_sentence(schema, tmp_path):
    with pytest.raises(SystemExit, match="holds no schema file: give a directory"):
        generate_bindings.outputs(tmp_path / "nowhere", tmp_path / "bindings.py")
    with pytest.raises(SystemExit, match=r"none of the 1 schema files .* could be read"):
        generate_bindings.outputs(schema(bad="<"), tmp_path / "bindings.py")


def test_the_same_schema_gives_the_same_bytes(tmp_path):
    for seed in ("1", "2"):  # the order of sets differs
        (tmp_path / seed).mkdir()
        command = [sys.executable, generate_bindings.__file__, "--output", tmp_path / seed / "bindings.py"]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
    for name in ("bindings.py", "bindings.pyi", "__init__.pyi"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
        assert str(generate_bindings.ROOT) not in (tmp_path / "1" / name).read_text(encoding="utf-8")


def test_check_detects_a_change(monkeypatch, schema, tmp_path, capsys):
    output = tmp_path / "bindings.py"
    pool = INCLUDE.format("thing") + element("THING_POOL", f'<xs:element ref="THING" {MANY}/>')
    arguments = ("--xsd", schema(thing=THING, pool=pool, one=element("ONE", simple("X"))), "--output", output)
    with pytest.raises(SystemExit, match="run make bindings"):
        run(monkeypatch, "--check", *arguments)
    assert not output.exists()
    run(monkeypatch, *arguments)
    run(monkeypatch, "--check", *arguments)
    schema(thing=THING.replace("NAME", "TITLE"))
    with pytest.raises(SystemExit, match=r"bindings.py differs from what is generated"):
        run(monkeypatch, "--check", *arguments)
    assert "+THING ID:i TITLE COST:d IP*" in capsys.readouterr().out
    run(monkeypatch, *arguments)
    schema(one=element("ONE", simple("Y")))
    with pytest.raises(SystemExit, match=r"bindings.py differs"):
        run(monkeypatch, "--check", *arguments)
    assert "+ONE Y" in capsys.readouterr().out
    run(monkeypatch, *arguments)
    output.with_suffix(".pyi").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"bindings.pyi differs"):
        run(monkeypatch, "--check", *arguments)


def test_what_is_committed_is_what_our_schema_gives(monkeypatch, capsys):
    run(monkeypatch, "--check")
    assert capsys.readouterr() == ("", "")


def test_an_output_that_cannot_be_written_is_one_sentence(monkeypatch, schema, tmp_path):
    with pytest.raises(SystemExit, match="cannot be written"):
        run(monkeypatch, "--xsd", schema(thing=THING), "--output", tmp_path / "no" / "bindings.py")


@pytest.fixture(scope="module", params=RELEASES)
def release(request, tmp_path_factory):
    """(ROOTS, TYPES) of each module for OpenNebula's own schema, and what was said of its faults."""
    directory = SHARED / "xsd" / request.param
    if not directory.is_dir():
        pytest.skip("../shared/xsd is not there")
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        return generated(directory, tmp_path_factory), errors.getvalue()


def test_the_schema_of_a_release_is_read(release):
    module, errors = release
    roots, types = named(module)
    assert errors == ""
    assert {"HOST", "VM", "VNET", "VM_POOL", "USER_POOL", "IMAGE", "CLUSTER"} <= set(roots)
    for root in ("HOST", "VM", "VNET", "IMAGE"):
        assert types[root].split()[0] == "ID:i"
    assert "TEMPLATE:t" in types["VM"].split()
    assert types["IDS"] == "ID:i*"
    assert set(roots) <= set(types)


def test_a_release_has_no_type_that_its_roots_do_not_need(release):
    assert_needed(*release[0])


def test_our_bindings_have_no_type_that_their_roots_do_not_need(ours):
    assert_needed(*ours)


def assert_needed(roots, types):
    """Each type is reached from a root."""
    reached, waiting = set(), list(roots)
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting += [kind for kind in kinds(key, types[key]) if kind not in generate_bindings.SIMPLE]
    assert reached == set(types)


def kinds(key, text):
    """The types of the fields of a type."""
    return [parts(in_full(key, field))[1] for field in text.split()]


def test_names_that_are_like_signs_of_types(schema, module):
    inner = element("d", simple("X"))
    dummy, types = module(schema(a=element("A", simple("i", "integer"), simple("t", "anyType"), inner)))
    assert types == {"A": "i:i t:t d:.", "A.d": "X"}


def test_types_of_many_fields_are_told_in_several_lines(schema, tables, tmp_path):
    names = [f"NAME_{number}" for number in range(40)]
    directory = schema(a=element("A", *map(simple, names)), b=element("B"))
    assert tables(directory)[1] == {"A": " ".join(names), "B": ""}
    text = generate_bindings.outputs(directory, tmp_path / "bindings.py")[tmp_path / "bindings.py"]
    assert max(map(len, text.splitlines())) <= generate_bindings.WIDTH
    assert len(re.findall(r"^A NAME_0 .*\n NAME_.*\n NAME_.* NAME_39\nB\n", text, re.M)) == 1


def test_our_schema_has_every_field_that_a_release_has(release, ours):
    """What the schema of a release reads below a root element, ours reads too, and as the same type."""
    roots, theirs = named(release[0])
    found = [place for root in roots for place in differences(theirs, root, named(ours)[1], root, root)]
    assert [place for place in found if not any(re.search(reason, place) for reason in DELIBERATE)] == []


def differences(theirs, key, ours, own, path, seen=()):
    """Paths that one table has below a type, and the other lacks, cannot repeat, or reads otherwise."""
    if (key, own) in seen:
        return
    known = {name: (kind, many) for name, kind, many in map(parts, ours[own].split())}
    for name, kind, many in map(parts, theirs[key].split()):
        place = f"{path}/{name}"
        if name not in known:
            yield place
            continue
        own_kind, own_many = known[name]
        if many and not own_many:
            yield f"{place}*"
        if kind in theirs and own_kind in ours:
            yield from differences(theirs, kind, ours, own_kind, place, (*seen, (key, own)))
        elif kind != own_kind:
            yield f"{place}:{kind} is {own_kind}"


def parts(field):
    name, dummy, kind = field.rstrip("*").partition(":")
    return name, kind, field.endswith("*")
