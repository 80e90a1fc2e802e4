# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is written for pyone 7.3.80 runs with ours."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.executor.module_common import ModuleDepFinder
from ansible_collections.privazio.opennebula.plugins.module_utils import pyone
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import util
from project import ROOT

PACKAGE = pyone.__name__
FOLDER = ROOT / "plugins/module_utils/pyone"
NAMES = [
    tuple(line.split())
    for line in Path(__file__).with_name("pyone-7.3.80.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
# What has no counterpart: classes of inner elements, numbered anew with each release; what generateDS and the parts of
# pyone's own reader and transport leave in its modules.
INTERNAL = re.compile(
    r"pyone\.bindings (\w+Type\d*Sub|SCHED_ACTIONSub|ExternalEncoding|SaveElementTreeNode|USAGE_TEXT|get_root_tag|main"
    r"|parseEtree|parseLiteral|parsexml_|parsexmlstring_|supbind|supermod|usage)"
    r"|pyone\.util (add_cdata|build_template_node|fix_dict|none2emptystr)"
    r"|pyone\.server_xrpc RequestsTransport"
)


@pytest.mark.parametrize("module, name", NAMES, ids=" ".join)
def test_every_public_name(module, name):
    ours = importlib.import_module(PACKAGE + module[len("pyone") :])
    if INTERNAL.fullmatch(f"{module} {name}"):
        assert not hasattr(ours, name)
    else:
        assert getattr(ours, name) is not None


def test_the_list_is_whole():
    assert len(NAMES) > 190
    assert {module for module, dummy in NAMES} == {
        *("pyone", "pyone.acl", "pyone.bindings", "pyone.helpers", "pyone.server", "pyone.server_xrpc"),
        *("pyone.tester", "pyone.util"),
    }


@pytest.mark.parametrize("name", ["NOTHING", "nothing", "_nothing", "__nothing__"])
def test_names_that_are_nowhere(name):
    for module in (pyone, pyone.bindings):
        with pytest.raises(AttributeError):
            getattr(module, name)


def test_modules_are_there_without_being_imported():
    program = (
        "import pyone, sys\n"
        "assert not {'pyone.constants', 'pyone.helpers', 'pyone.util', 'enum34'} & set(sys.modules)\n"
        "assert pyone.VM_STATE.ACTIVE == 3 and pyone.util.cast2one({'A': 1}) == 'A=\"1\"\\n'\n"
        "from pyone import acl, LCM_STATE\n"
        "from pyone.bindings import VMSub, RAFTSub, OPENNEBULA_CONFIGURATION\n"
        "assert all(issubclass(c, pyone.Element) for c in (VMSub, RAFTSub, OPENNEBULA_CONFIGURATION))\n"
    )
    subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(FOLDER.parent)!r})\n{program}"], check=True
    )


def imported(name, seen):
    """The modules of the package that Ansible finds behind a module's import statements."""
    if name in seen:
        return seen
    seen.add(name)
    path = FOLDER / "__init__.py" if name == "" else FOLDER / f"{name}.py"
    finder = ModuleDepFinder(
        ".".join(filter(None, [PACKAGE, name])), compile(path.read_text(), str(path), "exec", 0x400), name == ""
    )
    depth = len(PACKAGE.split("."))
    for found in finder.submodules:
        inner = found[depth] if len(found) > depth else ""
        if (FOLDER / f"{inner}.py").is_file():
            imported(inner, seen)
    return seen


def test_ansible_ships_only_what_a_task_needs():
    shipped = imported("", set())
    assert {"client", "transport", "bindings"} < shipped
    assert not shipped & {
        *("acl", "constants", "helpers", "methods", "permissions", "server", "server_xrpc"),
        *("signature", "tester", "util"),
    }


def test_templates_as_documents(one):
    host = one.host.allocate("node1", "dummy", "dummy", -1)
    one.host.update(host, {"LABELS": "HD", "PLACE": {"ROW": "1"}}, 1)
    template = one.host.info(host).TEMPLATE
    document = util.one2dict(template)
    assert document == {"TEMPLATE": dict(template)}
    document["TEMPLATE"]["NOTES"] = "New note"
    one.host.update(host, document, 0)
    assert one.host.info(host).TEMPLATE["NOTES"] == "New note"
    assert one.host.info(host).TEMPLATE["PLACE"] == {"ROW": "1"}


@pytest.mark.parametrize(
    "given, sent",
    [
        ({"NAME": "abc", "MEMORY": 1}, 'NAME="abc"\nMEMORY="1"\n'),
        ({}, ""),
        ({"T": {"A": {"B": 1}}}, "<T><A><B><![CDATA[1]]></B></A></T>"),
        (pyone.VM_STATE.ACTIVE, 3),
        (True, True),
        ("text", "text"),
        (2, 2),
        ([1], [1]),
    ],
)
def test_casts(given, sent):
    assert util.cast2one(given) == sent
    assert util.cast2one(given).__class__ is sent.__class__


def test_constants_are_arguments(one):
    host = one.host.allocate("node1", "dummy", "dummy", -1)
    one.host.status(host, pyone.HOST_STATUS.DISABLED)
    assert pyone.HOST_STATES(one.host.info(host).STATE) is pyone.HOST_STATES.DISABLED
    assert f"{pyone.HOST_STATES(4).name}" == "DISABLED"


def test_documents_are_parsed(tmp_path):
    text = '<?xml version="1.0"?><MARKETPLACE xmlns="http://opennebula.org/XMLSchema"><ID>0</ID></MARKETPLACE>'
    (tmp_path / "m.xml").write_text(text)
    for found in (pyone.bindings.parseString(text.encode("utf-8")), pyone.bindings.parse(str(tmp_path / "m.xml"))):
        assert isinstance(found, pyone.bindings.MARKETPLACESub)
        assert found.ID == 0


def test_a_client_as_pyone_makes_it(simulator):
    one = pyone.server_xrpc.OneServerXRPC(simulator.url, "oneadmin:opennebula", 10, True)
    assert isinstance(one, pyone.OneServer)
    assert one.server_retry_interval() == 1
    assert one.hostpool.info().HOST == []
    assert one.server_close() is None


def parsed(vectors):
    return pyone.bindings.parseString(f"<VM><ID>7</ID><TEMPLATE>{vectors}</TEMPLATE></VM>")


ONE_DISK = "<DISK><IMAGE>a</IMAGE><SIZE>1</SIZE></DISK>"


def test_a_vector_that_comes_once_is_a_dictionary_too():
    disk = parsed(ONE_DISK).TEMPLATE["DISK"]
    assert disk == [{"IMAGE": "a", "SIZE": "1"}]
    assert disk["IMAGE"] == disk[0]["IMAGE"] == disk.get("IMAGE") == "a"
    assert ("SIZE" in disk, "TARGET" in disk, disk.get("TARGET", "-")) == (True, False, "-")
    assert (list(disk.keys()), list(disk.values())) == (["IMAGE", "SIZE"], ["a", "1"])
    assert dict(disk.items()) == disk[0]
    disk["SIZE"] = "2"
    assert disk[0]["SIZE"] == "2"
    with pytest.raises(KeyError):
        disk["TARGET"]


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda disks: disks["IMAGE"], "there are 2 vectors: write [0]['IMAGE'] for the first"),
        (lambda disks: disks.get("IMAGE"), "there are 2 vectors: write [0].get() for the first"),
        (lambda disks: "IMAGE" in disks, "there are 2 vectors: write [0] for the first"),
        (lambda disks: disks.__setitem__("IMAGE", ""), "there are 2 vectors: write [0]['IMAGE'] for the first"),
    ],
)
def test_several_vectors_are_not_one(use, sentence):
    with pytest.raises(TypeError) as caught:
        use(parsed(2 * ONE_DISK).TEMPLATE["DISK"])
    assert str(caught.value) == sentence


def test_vectors_are_a_list():
    disks = parsed(2 * ONE_DISK).TEMPLATE["DISK"]
    assert (len(disks), disks[1]["IMAGE"], [disk["SIZE"] for disk in disks]) == (2, "a", ["1", "1"])
    assert disks[0] in disks
    disks[0] = {}
    assert json.dumps(disks) == '[{}, {"IMAGE": "a", "SIZE": "1"}]'
    assert not hasattr(disks, "__deepcopy_that_is_not_there__")
    assert copy.deepcopy(disks) == pickle.loads(pickle.dumps(disks)) == disks  # noqa: S301


READ_ONLY = "is not changed, call the method of the API that changes the object"


def test_getters_of_generated_classes():
    vm = parsed(ONE_DISK)
    assert (vm.get_ID(), vm.get_TEMPLATE()["DISK"]["IMAGE"], vm.get_NAME()) == (7, "a", None)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("get_NONSENSE", "VM has no field get_NONSENSE"),
        (
            "set_ID",
            "VM has no field set_ID: an answer is not changed, call the method of the API that changes the object",
        ),
        ("export", "VM has no field export: write to_xml()"),
    ],
)
def test_other_methods_of_generated_classes(name, sentence):
    with pytest.raises(AttributeError) as caught:
        getattr(parsed(""), name)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("HOST_SHAREType12Sub", ": write pyone.bindings.HOST_HOST_SHARE"),
        ("HOST_SHAREType", ": write pyone.bindings.HOST_HOST_SHARE"),
        ("NONSENSEType3Sub", ""),
    ],
)
def test_classes_of_inner_elements(name, sentence):
    with pytest.raises(AttributeError) as caught:
        getattr(pyone.bindings, name)
    assert str(caught.value) == f"pyone.bindings has no {name}{sentence}"
