# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The request that creates a VM, attribute by attribute, its lost answers, and private copies of images."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import creation
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.creation import Source, create_vm, prepare
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneAllocateException,
    OneConnectionException,
    OneNoExistsException,
    OneProtocolException,
    OneTemplateException,
)
from fake_vms import Element, cloud, refusal, vm

TEMPLATE = {
    "CPU": "1",
    "DISK": [{"IMAGE": "os"}, {"IMAGE": "data"}],
    "NIC": [{"NETWORK": "net"}],
    "CONTEXT": {"NETWORK": "YES", "START_SCRIPT": "x"},
    "OS": [{"BOOT": "disk0", "ARCH": "x86_64"}],
    "LABELS": "old",
}
SCRATCH = {"capacity": {"cpu": 0.5, "memory": 64}}


def here(check=False, template=None, **answers):
    answers = {
        "templatepool_info": [Element(ID=5, NAME="tpl", TEMPLATE=TEMPLATE if template is None else template)],
        **answers,
    }
    answers.setdefault("imagepool_info", [Element(ID=3, NAME="os"), Element(ID=4, NAME="data")])
    answers.setdefault("vnpool_info", [Element(ID=8, NAME="net")])
    answers.setdefault("datastorepool_info", [Element(ID=101, NAME="fast", TYPE=1)])
    return cloud(check, **answers)


def body(source, wanted, modes=None, **more):
    return prepare(here(**more), source, wanted, modes or Modes(), "db").body


TPL = Source("tpl")
BODIES = [  # source, what is wanted, attributes of the request
    (TPL, {}, {}),
    (TPL, {"name": "db", "mode": "640"}, {}),
    (TPL, {"capacity": {"cpu": 0.5, "vcpu": 2, "memory": 64}}, {"CPU": "0.5", "VCPU": "2", "MEMORY": "64"}),
    (Source("tpl", {"a": True, "B": {"c": 1}}), {}, {"A": "YES", "B": {"C": "1"}}),
    (Source("tpl", {"MEMORY": 1}), {"capacity": {"memory": 2}}, {"MEMORY": "2"}),
    (Source("tpl", {"DISK": []}), {}, {}),
    (TPL, {"attributes": {"ROLE": "db"}}, {"ROLE": "db"}),
    (Source("tpl", {"ROLE": "a"}), {"attributes": {"ROLE": "b"}}, {"ROLE": "b"}),
    (TPL, {"labels": ["a", "b"]}, {"LABELS": "a,b"}),
    (Source("tpl", datastore="fast"), {}, {"SCHED_DS_REQUIREMENTS": 'ID="101"'}),
    (Source("tpl", datastore="101"), {}, {"SCHED_DS_REQUIREMENTS": 'ID="101"'}),
    (TPL, {"vm_group": {"group": 5, "role": "web"}}, {"VMGROUP": {"VMGROUP_ID": "5", "ROLE": "web"}}),
    (TPL, {"vm_group": {}}, {}),
    (TPL, {"updateconf": {"OS": {"BOOT": "nic0"}}}, {"OS": {"BOOT": "nic0", "ARCH": "x86_64"}}),
    (TPL, {"updateconf": {"RAW": {"TYPE": "kvm"}}}, {"RAW": {"TYPE": "kvm"}}),
    (TPL, {"updateconf": {"CONTEXT": {"A": "1"}}}, {"CONTEXT": {"NETWORK": "YES", "START_SCRIPT": "x", "A": "1"}}),
    (
        TPL,
        {"updateconf": {"CONTEXT": {"START_SCRIPT_BASE64": "eA=="}}},
        {"CONTEXT": {"NETWORK": "YES", "START_SCRIPT_BASE64": "eA=="}},
    ),
    (TPL, {"disks": [{"DISK_ID": "1", "SIZE": "9"}]}, {"DISK": [{"IMAGE": "os"}, {"IMAGE": "data", "SIZE": "9"}]}),
    (
        TPL,
        {"disks": [{"TYPE": "fs", "SIZE": "9"}]},
        {"DISK": [{"IMAGE": "os"}, {"IMAGE": "data"}, {"TYPE": "fs", "SIZE": "9"}]},
    ),
    (TPL, {"networks": [{"NETWORK": "net"}]}, {"NIC": [{"NETWORK_ID": 8}]}),
    (
        TPL,
        {"nic_aliases": [{"NETWORK": "net", "PARENT": "NIC0"}]},
        {"NIC_ALIAS": [{"PARENT": "NIC0", "NETWORK_ID": 8}]},
    ),
    (Source(), SCRATCH, {"CPU": "0.5", "MEMORY": "64"}),
    (Source(), {**SCRATCH, "disks": [{"IMAGE": "os"}]}, {"CPU": "0.5", "MEMORY": "64", "DISK": [{"IMAGE_ID": 3}]}),
    (Source(inputs={}), SCRATCH, {"CPU": "0.5", "MEMORY": "64"}),
]


@pytest.mark.parametrize(("source", "wanted", "attributes"), BODIES)
def test_the_attributes_of_a_new_vm(source, wanted, attributes):
    assert body(source, wanted) == attributes


@pytest.mark.parametrize(("labels", "text"), [("add", "old,a"), ("exact", "a"), ("remove", "old")])
def test_labels_of_the_template_are_merged(labels, text):
    assert body(TPL, {"labels": ["a"]}, Modes(labels=labels)) == {"LABELS": text}


INPUTS = {"USER_INPUTS": {"DB": "M|text|Its name||", "SIZE": "O|number|||4"}}


def test_user_inputs_become_attributes():
    assert body(Source("tpl", inputs={"DB": "x"}), {}, template=INPUTS) == {"DB": "x", "SIZE": "4"}
    assert body(TPL, {"attributes": {"DB": "y", "SIZE": "5"}}, template=INPUTS) == {"DB": "y", "SIZE": "5"}
    assert body(TPL, {}, template={**INPUTS, "DB": "z", "SIZE": "6"}) == {}
    message = "The VM template asks for user_inputs that are missing: DB (Its name)."
    assert refusal(body, TPL, {}, template=INPUTS) == (message, {"object": "template"})
    assert refusal(body, Source(inputs={"A": "1"}), SCRATCH)[0] == "The VM template has no user input A; it has: none."


def test_a_check_run_before_the_template_exists():
    source = Source("later", inputs={"A": "1"}, datastore="new")
    found = prepare(here(check=True), source, {"disks": [{"DISK_ID": "1", "SIZE": "9"}]}, Modes(), "db")
    assert found.template is None
    assert found.body == {"DISK": [{}, {"SIZE": "9"}], "SCHED_DS_REQUIREMENTS": 'ID="new"'}
    found = prepare(here(check=True), source, {"disks": [{"IMAGE": "os"}]}, Modes(), "db")
    assert found.body["DISK"] == [{"IMAGE_ID": 3}]


NOT_MADE = "There is no VM%s; to create it, give: template, or cpu and memory."
REFUSED = [  # source, wanted, name, message, data
    (Source(), {}, "db", NOT_MADE % " db", {"object": "vm", "name": "db"}),
    (Source(), {"capacity": {"cpu": 1.0}}, "db", NOT_MADE % " db", {"object": "vm", "name": "db"}),
    (Source(), {"capacity": {"memory": 1}}, "", NOT_MADE % "", {"object": "vm", "name": ""}),
    (
        TPL,
        {"disks": [{"DISK_ID": "2", "SIZE": "1"}]},
        "db",
        "The VM template has 2 disks, but the task names disk 2.",
        {"object": "vm"},
    ),
    (
        Source(),
        {**SCRATCH, "disks": [{"DISK_ID": "1", "SIZE": "1"}]},
        "db",
        "The VM template has 0 disks, but the task names disk 1.",
        {"object": "vm"},
    ),
    (
        TPL,
        {"networks": [{"NIC_ID": "0"}]},
        "db",
        "The VM template has 0 NICs, but the task names NIC 0.",
        {"object": "vm"},
    ),
    (
        TPL,
        {"updateconf": {"CONTEXT": {"A": "$("}}},
        "db",
        (
            "A of CONTEXT in this task or VM template tpl has a $ in line 1 that begins no variable of OpenNebula, "
            "which would refuse it. Leave it out, or encode the text."
        ),
        {"object": "vm"},
    ),
    (
        Source(extra={"CONTEXT": {"A": "$("}}),
        SCRATCH,
        "db",
        (
            "A of CONTEXT in this task has a $ in line 1 that begins no variable of OpenNebula, which would refuse it. "
            "Leave it out, or encode the text."
        ),
        {"object": "vm"},
    ),
]


@pytest.mark.parametrize(("source", "wanted", "name", "message", "data"), REFUSED)
def test_what_cannot_be_created_is_told(source, wanted, name, message, data):
    assert refusal(prepare, here(), source, wanted, Modes(), name) == (message, data)


def test_a_dollar_in_the_template_is_told_too():
    message, dummy = refusal(body, TPL, {}, template={"CONTEXT": {"A": "$("}})
    assert message.startswith("A of CONTEXT in this task or VM template tpl has a $ in line 1 ")
    assert body(TPL, {}, template={"CONTEXT": "$("}) == {}
    assert body(Source("tpl", {"CONTEXT": "$("}), {}) == {"CONTEXT": "$("}


def test_what_is_wanted_of_a_new_vm_is_shown():
    wanted = {"capacity": {"cpu": 1.0}, "labels": ["a"]}
    assert creation.shown(Source(), wanted) == {"cpu": 1.0, "labels": ["a"]}
    assert creation.shown(TPL, {"labels": ["a"]}) == {"labels": ["a"], "template": "tpl"}


# ---------------------------------------------------------------- the request


def test_a_vm_is_created_from_a_template():
    given = here(template_instantiate=9)
    made = prepare(given, TPL._replace(hold=True, persistent=True), {"labels": ["a"]}, Modes(), "db")
    assert (made.source.template, made.template.ID) == ("tpl", 5)
    request = ("template.instantiate", 5, "db", True, {"LABELS": "a"}, True)
    assert given.one.checked == [request]
    assert create_vm(given, made, "web", {"B": "2"}) == 9
    assert given.one.calls[-1] == ("template.instantiate", 5, "web", True, {"LABELS": "a", "B": "2"}, True)
    assert made.body == {"LABELS": "a"}


def test_a_vm_is_created_from_scratch():
    given = here(vm_allocate=9)
    made = prepare(given, Source(hold=True), SCRATCH, Modes(), "db")
    sizes = {"CPU": "0.5", "MEMORY": "64"}
    assert given.one.checked == [("vm.allocate", {**sizes, "NAME": "db"}, True)]
    assert create_vm(given, made, "db", {}) == 9
    assert create_vm(given, made, "", {"B": "2"}) == 9
    assert given.one.calls[-2:] == [
        ("vm.allocate", {**sizes, "NAME": "db"}, True),
        ("vm.allocate", {**sizes, "B": "2"}, True),
    ]


@pytest.mark.parametrize(
    ("source", "wanted", "origin"), [(TPL, {}, "from template tpl"), (Source(), SCRATCH, "from scratch")]
)
def test_a_request_that_cannot_be_sent_or_is_refused_is_told(source, wanted, origin):
    given = here(template_instantiate=OneAllocateException("quota"), vm_allocate=OneAllocateException("quota"))
    made = prepare(given, source, wanted, Modes(), "db")
    message, data = refusal(create_vm, given, made, "db", {})
    assert message == "Cannot create VM db %s: quota." % origin
    assert (data["object"], data["name"]) == ("vm", "db")

    def request(*arguments):
        raise OneTemplateException("bad")

    given.one.request = request
    assert refusal(prepare, given, source, wanted, Modes(), "db")[0] == "Cannot create VM db %s: bad." % origin


def lost(kind, **told):
    found = kind("gone")
    for name, value in told.items():
        setattr(found, name, value)
    return found


ANSWERS = [  # what went wrong, whether the VM may exist
    (lost(OneConnectionException, sent=True), True),
    (lost(OneConnectionException, sent=False), False),
    (lost(OneProtocolException, code=None), True),
    (lost(OneProtocolException, code=0), False),
    (lost(OneAllocateException, sent=True, code=None), False),
]


@pytest.mark.parametrize(("error", "unclear"), ANSWERS)
def test_only_the_pool_tells_what_became_of_a_lost_answer(error, unclear):
    given = here(template_instantiate=error)
    made = prepare(given, TPL, {}, Modes(), "db")
    if unclear:
        assert create_vm(given, made, "db", {}) is None
    else:
        assert refusal(create_vm, given, made, "db", {})[0].startswith("Cannot create VM db from template tpl: gone.")


# ---------------------------------------------------------------- private copies

COPY = Element(ID=9, NAME="db", TEMPLATE={"DISK": [{"IMAGE_ID": "6"}], "OS": {"BOOT": "nic7"}})
IMAGES = {
    6: Element(ID=6, NAME="db-disk-0", PERSISTENT=1),
    7: Element(ID=7, NAME="db-disk-12", PERSISTENT=1),
    1: Element(ID=1, NAME="db-disk-0", PERSISTENT=0),
    2: Element(ID=2, NAME="os", PERSISTENT=1),
    3: Element(ID=3, NAME="db-disk-0-old", PERSISTENT=1),
    4: Element(ID=4, NAME="dbX-disk-0", PERSISTENT=1),
}


def image(oid):
    if oid not in IMAGES:
        raise OneNoExistsException("none")
    return IMAGES[oid]


@pytest.mark.parametrize(
    ("name", "disks", "private"),
    [
        ("db", ["6"], True),
        ("db", ["6", "7"], True),
        ("db", [], False),
        ("db", ["6", "1"], False),
        ("db", ["2"], False),
        ("db", ["3"], False),
        ("db", ["4"], False),
        ("d.", ["6"], False),
        ("db", ["6", "99"], False),
        ("db", ["x"], False),
        ("db", ["6", "x"], True),
    ],
)
def test_a_template_is_a_private_copy_as_its_images_tell(name, disks, private):
    template = Element(NAME=name, TEMPLATE={"DISK": [{"IMAGE_ID": number} for number in disks] + [{"TYPE": "fs"}]})
    assert creation.is_private(cloud(image_info=image), template) is private
    assert creation.is_private(cloud(), Element(NAME="db", TEMPLATE=None)) is False


TAKEN = OneAllocateException("NAME is already taken by TEMPLATE 9.")


def instantiate(oid, *arguments):
    if oid == 5:
        raise TAKEN
    return 33


def test_what_a_former_vm_has_left_behind_is_taken_again():
    given = here(template_instantiate=instantiate, template_info=COPY, image_info=image)
    wanted = {"updateconf": {"OS": {"ARCH": "x"}}, "networks": [{"NETWORK": "net"}]}
    made = prepare(given, TPL._replace(persistent=True), wanted, Modes(), "db")
    assert create_vm(given, made, "db", {"B": "2"}) == 33
    assert given.one.calls[-1] == (
        "template.instantiate",
        9,
        "db",
        False,
        {"NIC": [{"NETWORK_ID": 8}], "OS": {"BOOT": "nic7", "ARCH": "x"}, "B": "2"},
        False,
    )
    assert ("template.info", 9) in given.one.calls


@pytest.mark.parametrize(
    ("source", "name", "template", "error"),
    [
        (TPL, "db", COPY, TAKEN),
        (TPL._replace(persistent=True), "other", COPY, TAKEN),
        (TPL._replace(persistent=True), "db", None, TAKEN),
        (TPL._replace(persistent=True), "db", Element(ID=9, NAME="db", TEMPLATE={}), TAKEN),
        (TPL._replace(persistent=True), "db", COPY, OneAllocateException("quota")),
    ],
)
def test_a_name_that_is_taken_by_something_else_is_told(source, name, template, error):
    given = here(template_instantiate=error, template_info=template, image_info=image)
    made = prepare(given, source, {}, Modes(), name)
    said = error.message.rstrip(".")
    assert refusal(create_vm, given, made, name, {})[0] == "Cannot create VM %s from template tpl: %s." % (name, said)


REMOVALS = [  # TEMPLATE_ID of the VM, that template, whether it is removed
    ("9", COPY, True),
    ("9", Element(ID=9, NAME="tpl", TEMPLATE={"DISK": {"IMAGE_ID": "2"}}), False),
    ("9", None, False),
    ("x", COPY, False),
    ("", COPY, False),
]


@pytest.mark.parametrize(("number", "template", "removed"), REMOVALS)
def test_private_copies_are_removed_with_their_vm(number, template, removed):
    given = cloud(template_info=template, image_info=image)
    creation.remove_private(given, vm(TEMPLATE={"TEMPLATE_ID": number}))
    calls = [call for call in given.one.calls if call[0] == "template.delete"]
    assert calls == ([("template.delete", 9, True)] if removed else [])
    asked = [call for call in given.one.calls if call[0] == "template.info"]
    assert asked == ([("template.info", 9)] if number == "9" else [])


def test_private_copies_that_are_protected_stay():
    kept = Element(ID=6, NAME="db-disk-0", PERSISTENT=1, TEMPLATE={"LABELS": "protected"})
    given = cloud(template_info=COPY, image_info=kept)
    message, data = refusal(creation.remove_private, given, vm(TEMPLATE={"TEMPLATE_ID": "9"}))
    assert message.startswith("No image is removed or replaced here: db-disk-0 has the label protected. ")
    assert data["id"] == 6


def test_private_copies_that_cannot_be_removed_are_told():
    given = cloud(template_info=COPY, image_info=image, template_delete=OneAllocateException("in use"))
    message, data = refusal(creation.remove_private, given, vm(TEMPLATE={"TEMPLATE_ID": "9"}))
    assert message == "Cannot remove the private copies of VM db: in use."
    assert (data["object"], data["id"]) == ("template", 9)
