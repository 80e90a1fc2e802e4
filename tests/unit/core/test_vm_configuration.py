# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Capacity, sections, VM group, user template and saved disks of a VM: in one form, and as they are planned."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, Step
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import configuration, disk_saveas
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.disk_saveas import Saved
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneInternalException
from fake_vms import Element, cloud, refusal, vm

OF_VM = "of VM db"
COLD = frozenset(("init", "pending", "held", "poweredoff", "undeployed", "cloning"))
CONFIGURABLE = frozenset(("pending", "held", "poweredoff", "undeployed", "running", "cloning"))
RESTING = frozenset(("running", "poweredoff", "suspended", "undeployed", "stopped"))
RECORD = {"id": 7, "name": "db"}

# ---------------------------------------------------------------- user template


def test_a_user_template_has_one_form_and_nothing_of_the_vm_template():
    assert configuration.canonical_attributes(None, {"role": " db ", "debug": True}) == {"ROLE": "db", "DEBUG": "YES"}
    assert refusal(configuration.canonical_attributes, None, {"nic": {"NETWORK": "a"}, "cpu": 1}) == (
        "The option attributes is for the user template of a VM; CPU, NIC belongs to the VM template.",
        {"object": "vm"},
    )
    message, dummy = refusal(configuration.canonical_attributes, None, {"a": {"b": {}}})
    assert message.startswith("Cannot use the option attributes: ")


# ---------------------------------------------------------------- capacity


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {}),
        ({"cpu": 0.5}, {"cpu": 0.5}),
        ({"cpu": 0.1 + 0.2}, {"cpu": 0.3}),
        ({"cpu": 1.0000001}, {"cpu": 1.0}),
        ({"cpu": 123.456}, {"cpu": 123.456}),
        ({"vcpu": "4"}, {"vcpu": 4}),
        ({"memory": "2 GB"}, {"memory": 2048}),
        ({"cpu": 0.01, "vcpu": 1, "memory": 1}, {"cpu": 0.01, "vcpu": 1, "memory": 1}),
    ],
)
def test_capacity_has_one_form(given, found):
    assert configuration.canonical_capacity(None, given) == found


@pytest.mark.parametrize(
    ("given", "message", "data"),
    [
        ({"cpu": 0}, "The option cpu takes a number greater than 0, not 0.", {"object": "vm"}),
        ({"vcpu": -1}, "The option vcpu takes a number greater than 0, not -1.", {"object": "vm"}),
        ({"memory": "x"}, "The option memory takes a size such as 4096 (MB), 512 MB or 4 GB, not 'x'.", {}),
    ],
)
def test_capacity_is_greater_than_nothing(given, message, data):
    assert refusal(configuration.canonical_capacity, None, given) == (message, data)


SIZES = {"cpu": 1.0, "vcpu": 2, "memory": 1024, "vcpu_max": 4, "memory_max": 2048}
CAPACITIES = [  # wanted, what is resized, its arguments, whether a VM that runs can be resized
    ({"cpu": 2.0}, "resize cpu to 2.0", {"CPU": 2.0}, True),
    ({"memory": 2048}, "resize memory to 2048", {"MEMORY": 2048}, True),
    ({"memory": 2049}, "resize memory to 2049", {"MEMORY": 2049}, False),
    ({"memory": 512}, "resize memory to 512", {"MEMORY": 512}, True),
    ({"vcpu": 4}, "resize vcpu to 4", {"VCPU": 4}, True),
    ({"vcpu": 5}, "resize vcpu to 5", {"VCPU": 5}, False),
    ({"cpu": 1.0, "vcpu": 3, "memory": 9}, "resize vcpu to 3, memory to 9", {"VCPU": 3, "MEMORY": 9}, True),
    ({"cpu": 9.0, "vcpu": 9}, "resize cpu to 9.0, vcpu to 9", {"CPU": 9.0, "VCPU": 9}, False),
]


@pytest.mark.parametrize(("wanted", "what", "sizes", "hot"), CAPACITIES)
def test_capacity_is_changed_by_one_call(wanted, what, sizes, hot):
    present, after, steps = configuration.plan_capacity({**RECORD, **SIZES}, {"capacity": wanted}, Modes())
    assert (present, after) == ({option: SIZES[option] for option in wanted}, wanted)
    states = COLD | {"running"} if hot else COLD
    assert steps == [Step(what, "vm.resize", (7, sizes, True), on=OF_VM, states=states, transient=True)]


def test_what_a_vm_was_started_with_is_its_maximum_where_none_is_given():
    record = {**RECORD, **SIZES, "memory_max": 0}
    for memory, hot in ((1000, True), (1025, False)):
        (step,) = configuration.plan_capacity(record, {"capacity": {"memory": memory}}, Modes())[2]
        assert ("running" in step.states) is hot


# ---------------------------------------------------------------- sections


def test_sections_have_one_form():
    assert configuration.canonical_sections(None, {"os": {"boot": "disk0"}, "raw": [{"type": "kvm"}]}) == {
        "OS": {"BOOT": "disk0"},
        "RAW": {"TYPE": "kvm"},
    }
    message, dummy = refusal(configuration.canonical_sections, None, {"context": {"A": "$("}})
    assert message == (
        "A of CONTEXT in this task has a $ in line 1 that begins no variable of OpenNebula, which would refuse it. "
        "Leave it out, or encode the text."
    )
    message, dummy = refusal(configuration.canonical_sections, None, {"os": {"a": {"b": 1}}})
    assert message.startswith("Cannot use the option updateconf: ")


@pytest.mark.parametrize(
    ("given", "name"),
    [({"disk": {"SIZE": 1}}, "DISK"), ({"os": "disk0"}, "OS"), ({"os": [{"boot": "a"}, {"boot": "b"}]}, "OS")],
)
def test_other_sections_are_refused(given, name):
    assert refusal(configuration.canonical_sections, None, given) == (
        "The option updateconf takes the sections OS, FEATURES, INPUT, GRAPHICS, VIDEO, RAW, CPU_MODEL, CONTEXT, "
        "BACKUP_CONFIG, each a dictionary; %s is not one." % name,
        {"object": "vm"},
    )


PRESENT = {"OS": {"BOOT": "disk0", "ARCH": "x86_64"}, "CONTEXT": {"NAME": "db", "PASSWORD": "xyz", "COLOUR": "red"}}
SECTIONS = [  # wanted, what changes
    ({"OS": {"BOOT": "nic0"}}, {"OS": {"BOOT": "nic0"}}),
    ({"OS": {"ARCH": "x86_64", "BOOT": "nic0"}}, {"OS": {"BOOT": "nic0"}}),
    ({"FEATURES": {"ACPI": "YES"}}, {"FEATURES": {"ACPI": "YES"}}),
    ({"OS": {"BOOT": "disk0"}, "VIDEO": {"TYPE": "none"}}, {"VIDEO": {"TYPE": "none"}}),
    ({"CONTEXT": {"COLOUR": "blue", "NAME": "$NAME"}}, {"CONTEXT": {"COLOUR": "blue"}}),
    ({"CONTEXT": {"PASSWORD": "new", "COLOUR": "blue"}}, {"CONTEXT": {"COLOUR": "blue"}}),
    ({"CONTEXT": {"OTHER": "$NAME"}}, {"CONTEXT": {"OTHER": "$NAME"}}),
    ({"OS": {"BOOT": "$NAME", "PASSWORD": "a"}}, {"OS": {"BOOT": "$NAME", "PASSWORD": "a"}}),
    ({"OS": {"BOOT": "nic0", "KERNEL": ""}}, {"OS": {"BOOT": "nic0"}}),
    ({"OS": {"BOOT": "a"}, "RAW": {"DATA": "b"}}, {"OS": {"BOOT": "a"}, "RAW": {"DATA": "b"}}),
]


@pytest.mark.parametrize(("wanted", "changes"), SECTIONS)
def test_sections_are_merged_member_by_member(wanted, changes):
    record = {**RECORD, "updateconf": PRESENT}
    present, after, (step,) = configuration.plan_sections(record, {"updateconf": wanted}, Modes())
    assert present == PRESENT
    assert after == {
        name: {**PRESENT.get(name, {}), **changes.get(name, {})} for name in [*PRESENT, *(set(changes) - set(PRESENT))]
    }
    what = "update " + ", ".join(changes)
    assert step == Step(what, "vm.updateconf", (7, changes, 1), on=OF_VM, states=CONFIGURABLE, transient=True)


def test_what_is_not_stored_as_it_was_given_is_no_difference():
    record = {**RECORD, "updateconf": PRESENT}
    wanted = {"CONTEXT": {"PASSWORD": "other", "NAME": "$NAME"}}
    assert configuration.plan_sections(record, {"updateconf": wanted}, Modes())[1] == PRESENT


# ---------------------------------------------------------------- VM group


def test_a_vm_group_is_told_by_its_name_or_id():
    here = cloud(vmgrouppool_info=[Element(ID=5, NAME="group")])
    for given in ("group", "5", 5):
        found = configuration.canonical_vm_group(here, {"group": given, "role": "web"})
        assert found == {"group": 5, "role": "web"}
    assert configuration.canonical_vm_group(here, {}) == {}
    assert configuration.canonical_vm_group(here, {"group": ""}) == {}
    late = cloud(check=True, vmgrouppool_info=[])
    assert configuration.canonical_vm_group(late, {"group": "late", "role": "web"}) == {"group": "late", "role": "web"}


WEB, DB = {"group": 5, "role": "web"}, {"group": 5, "role": "db"}
ANYWHERE = frozenset(
    "running unknown held stopped suspended poweredoff undeployed done init pending cloning failed".split()
)
LEAVE = Step("change the VM group", "vm.vmgroupdel", (7,), on=OF_VM, states=ANYWHERE)
JOIN = Step("change the VM group", "vm.vmgroupadd", (7, 5, "web"), on=OF_VM, states=ANYWHERE)


@pytest.mark.parametrize(
    ("present", "wanted", "steps"), [({}, WEB, [JOIN]), (DB, WEB, [LEAVE, JOIN]), (WEB, {}, [LEAVE])]
)
def test_a_vm_is_in_one_vm_group_or_none(present, wanted, steps):
    record = {**RECORD, "vm_group": present}
    assert configuration.plan_vm_group(record, {"vm_group": wanted}, Modes()) == (present, wanted, steps)


# ---------------------------------------------------------------- a disk as an image


def test_an_image_of_the_name_is_taken_for_the_saved_one():
    here = cloud(imagepool_info=[Element(ID=5, NAME="gold", UID=3)])
    form = configuration.canonical_saveas
    assert form(here, {"name": "gold"}) == {"name": "gold", "disk_id": 0, "exists": True}
    assert form(here, {"name": "new", "disk_id": "2"}) == {"name": "new", "disk_id": 2, "exists": False}
    assert here.one.calls == [("imagepool.info", -2, -1, -1)] * 2
    broken = cloud(imagepool_info=OneInternalException("down"))
    message, data = refusal(form, broken, {"name": "gold"})
    assert message.startswith("Cannot list the images: down.")
    assert data["object"] == "image"


def test_a_disk_is_saved_once():
    step = Step(
        "save disk 2 as image gold", "vm.disksaveas", (7, 2, "gold", "", -1), on=OF_VM, states=RESTING, transient=True
    )
    after = {"name": "gold", "disk_id": 2}
    for exists, before in ((False, None), (True, after)):
        wanted = {"disk_saveas": {"name": "gold", "disk_id": 2, "exists": exists}}
        assert configuration.plan_saveas(RECORD, wanted, Modes()) == (before, after, [step])


# ---------------------------------------------------------------- one_vm_disk


SNAPSHOTS = [Element(DISK_ID=0, SNAPSHOT=[Element(ID=4, NAME="a", DATE=1, SIZE=1), Element(ID=2)])]
ITEM = vm(TEMPLATE={"DISK": [{"DISK_ID": "0", "IMAGE_ID": "3"}, {"DISK_ID": "1", "TYPE": "fs"}]}, SNAPSHOTS=SNAPSHOTS)


def test_disks_are_read_with_their_snapshots():
    assert disk_saveas.read(None, ITEM) == {
        "disks": {"0": {"DISK_ID": "0", "IMAGE_ID": "3"}, "1": {"DISK_ID": "1", "TYPE": "fs"}},
        "snapshots": {"0": [2, 4], "1": []},
    }
    assert disk_saveas.read(None, vm(TEMPLATE=None)) == {"disks": {}, "snapshots": {}}


SAVED = [  # options of one_vm_disk, what is wanted, arguments of vm.disksaveas
    ({"disk": 0, "type": None, "snapshot": None}, Saved("gold"), (7, 0, "gold", "", -1)),
    ({"disk": 0, "type": "os", "snapshot": 2}, Saved("gold", 0, "os", 2), (7, 0, "gold", "OS", 2)),
]


@pytest.mark.parametrize(("params", "wanted", "arguments"), SAVED)
def test_a_disk_or_a_snapshot_of_it_is_saved(params, wanted, arguments):
    assert disk_saveas.values(dict(params, image="gold")) == {"image": wanted}
    record = dict(disk_saveas.read(None, ITEM), **RECORD)
    before, after, (step,) = disk_saveas.plan_image(record, {"image": wanted}, Modes())
    assert (before, after, step.arguments, step.what) == (None, "gold", arguments, "save disk 0 as image gold")
    assert step.result(9) == {"image_id": 9}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Saved("gold", 5), "VM db has no disk 5."),
        (Saved("gold", 1), "Disk 1 of VM db is not made from an image; it cannot be saved."),
        (Saved("gold", 0, None, 3), "Disk 0 of VM db has no snapshot 3."),
    ],
)
def test_what_is_not_there_is_not_saved(wanted, message):
    record = dict(disk_saveas.read(None, ITEM), **RECORD)
    assert refusal(disk_saveas.plan_image, record, {"image": wanted}, Modes()) == (message, {"object": "vm", "id": 7})
