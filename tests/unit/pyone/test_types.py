# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What type checkers and editors know of the client: the stubs, read by mypy, against what happens at run time."""

from __future__ import annotations

import ast
import inspect
import json
import re

import generate_bindings
import pytest
import stubs
from ansible_collections.privazio.opennebula.plugins.module_utils import pyone
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import bindings, element, helpers
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from mypy import api
from project import ROOT, SHARED

REFERENCE = SHARED / "reference/methods.json"
TYPES = bindings.TYPES
STUB = ast.parse((stubs.PYONE / "bindings.pyi").read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}

PROGRAM = """
from typing import Any, Iterator, assert_type
from ansible_collections.privazio.opennebula.plugins.module_utils import pyone
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer, VM_STATE
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.bindings import DOCUMENT, VM, VM_POOL

one = OneServer("http://one:2633/RPC2", session="user:password")
reveal_type(one.hostpool.info().HOST[0].ID)
assert_type(one.hostpool.info(-2, -1, -1).HOST[0].NAME, str)
assert_type(one.vmpool.info(-2, -1, -1, -1), VM_POOL)
assert_type(one.vm.info(3), VM)
assert_type(one.vm.info(id=3, decrypt=True), VM)
assert_type(one.vm.info(oid=3).TEMPLATE, pyone.Template)
assert_type(one.vm.info(3).HISTORY_RECORDS.HISTORY[0].HOSTNAME, str)
assert_type(one.host.allocate("node1", "kvm", "kvm", -1), int)
assert_type(one.template.allocate({"NAME": "web", "DISK": [{"IMAGE_ID": 0}]}), int)
assert_type(one.user.login("a", "b", 1, -1), str)
assert_type(one.vmpool.all(page=2000, state=3), Iterator[VM])
assert_type(one.documentpool.all(type=100), Iterator[DOCUMENT])
assert_type(one.marketapp.export(3, dsid=1), dict[str, int])
assert_type(one.call("one.vm.new", 3), Any)
assert_type(VM_STATE(3), VM_STATE)
assert_type(pyone.VM_STATE.ACTIVE.label, str)
assert_type(pyone.acl.parse_rule("* VM/* USE"), tuple[str, ...])
one.vm.inform(3)
one.vms.info(3)
one.vm.info("3")
one.vm.info(3, deep=True)
one.documentpool.all()
one.hook.info(3).NAME + 1
"""
FAULTS = {
    "one.vm.inform(3)": '"_vm" has no attribute "inform"',
    "one.vms.info(3)": '"OneServer" has no attribute "vms"',
    'one.vm.info("3")': 'No overload variant of "info" of "_vm" matches argument type "str"',
    "one.vm.info(3, deep=True)": 'No overload variant of "info" of "_vm" matches argument types',
    "one.documentpool.all()": 'Missing named argument "type" for "all"',
    "one.hook.info(3).NAME + 1": "Unsupported operand types",
}


def test_what_is_committed_is_what_is_generated():
    files = generate_bindings.outputs(generate_bindings.XSD, generate_bindings.BINDINGS)
    assert sorted(path.name for path in files) == ["__init__.pyi", "bindings.py", "bindings.pyi"]
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text


def test_mypy_knows_answers_and_methods(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    settings = ["--config-file", "pyproject.toml", "--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent"]
    told, errors, dummy = api.run([*settings, str(tmp_path / "program.py")])
    assert not errors
    lines = PROGRAM.splitlines()
    found = re.findall(r"program\.py:(\d+): (\w+): (.*)", told)
    assert found[0][1:] == ("note", 'Revealed type is "int"')
    faults: dict[str, str] = {}
    for line, kind, words in found:
        if kind == "error":
            faults[lines[int(line) - 1]] = words  # the last, where a line has several
    assert list(faults) == list(FAULTS), told
    assert all(words.startswith(FAULTS[line]) for line, words in faults.items()), told


def declared(family):
    """{method: [the arguments of each of its declarations]} of a family in the stub."""
    found: dict = {}
    for node in CLASSES[f"_{family}"].body:
        found.setdefault(node.name, []).append(node.args)
    return found


def test_every_method_is_declared_with_its_arguments():
    families = {method.partition(".")[0] for method in METHODS}
    assert {node.target.id for node in CLASSES["API"].body} == families
    seen = {f"{family}.{name}" for family in families for name in declared(family)}
    assert seen == {*METHODS, *helpers.HELPERS}
    for method, text in METHODS.items():
        family, dummy, name = method.partition(".")
        expected = [argument.partition(":")[0] for argument in text.split()]
        first, *others = [[argument.arg for argument in form.args[1:]] for form in declared(family)[name]]
        assert first == expected
        assert others == ([["id", *expected[1:]]] if expected[:1] == ["oid"] else [])
        optional = {len(form.defaults) for form in declared(family)[name]}
        assert optional == {text.count("=")}


def test_the_helpers_are_declared_as_they_are():
    export = declared("marketapp")["export"][0]
    assert [argument.arg for argument in export.args[1:]] == [*inspect.signature(helpers.marketapp_export).parameters][
        1:
    ]
    every = declared("vmpool")["all"][0]
    assert [argument.arg for argument in every.args] == ["self", "page", "extended"]
    assert [argument.arg for argument in every.kwonlyargs] == ["filter_flag", "state", "filter"]


@pytest.mark.skipif(not REFERENCE.is_file(), reason="no ../shared")
def test_answers_are_those_of_the_reference():
    types = {"int": "int", "i8": "int", "string": "str"}
    for entry in json.loads(REFERENCE.read_text(encoding="utf-8"))["methods"]:
        returns = entry["returns"]
        expected = returns.get("root") or types[returns["type"]]
        assert stubs.result(entry["method"].removeprefix("one."), TYPES) == expected, entry["method"]


def test_every_answer_and_field_is_declared():
    for key, text in TYPES.items():
        name = key.replace(".", "_")
        fields = [node.target.id for node in CLASSES[name].body if isinstance(node, ast.AnnAssign)]
        assert fields == [word.split(":")[0].rstrip("*") for word in text.split()]
        assert getattr(bindings, name) is element.class_of(key)


def test_classes_serve_for_isinstance(one):
    one.host.allocate("node1", "dummy", "dummy", -1)
    pool = one.hostpool.info()
    assert isinstance(pool, bindings.HOST_POOL)
    assert isinstance(pool.HOST[0], bindings.HOST)
    assert isinstance(pool.HOST[0].HOST_SHARE, element.Element)


def test_the_package_declares_what_it_loads_late():
    tree = ast.parse((stubs.PYONE / "__init__.pyi").read_text(encoding="utf-8"))
    names = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(pyone.__all__) < names
    assert {"VM_STATE", "SCHED_ACTIONS", "acl", "util", "OneServer"} < names
    for name in names:
        assert getattr(pyone, name) is not None


def test_stubs_of_another_schema_name_only_what_it_has():
    text = stubs.bindings_stub(["HOST"], {"HOST": "ID:i X:t* Y:HOST.Y", "HOST.Y": "Z:d*"})
    assert "class HOST(Element):\n    ID: int\n    X: list[Template]\n    Y: _b.HOST_Y\n" in text
    assert "    Z: list[float]\n" in text
    assert "def info(self, oid: int, decrypt: bool = ...) -> HOST: ..." in text
    assert "def info(self, *ignored: int) -> Element: ..." in text
    compile(text, "bindings.pyi", "exec", ast.PyCF_ONLY_AST)


def test_completion_at_run_time(one):
    assert {"vm", "hostpool", "call", "server_close"} < set(dir(one))
    assert {"info", "snapshotcreate", "action"} < set(dir(one.vm))
    assert {"info", "all"} < set(dir(one.vmpool))
    assert {"info", "export"} < set(dir(one.marketapp))
    assert inspect.getdoc(one.vm.deploy) == ("one.vm.deploy(oid, hid, no_overcommit=False, ds_id=-1, nic_template='')")
    assert inspect.getdoc(one.vmpool.all).startswith("The objects of a pool")
    assert inspect.getdoc(one.marketapp.export).startswith("Makes an image")
    assert one.vm.all.__doc__ is None
