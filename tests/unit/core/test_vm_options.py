# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the options of one_vm ask for, option by option, and how the change of one VM is carried out."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    Attribute,
    Modes,
    Resource,
    Step,
    action,
    attribute,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import operation, options
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.creation import Source
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import Choices
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneInternalException,
    OneNoExistsException,
)
from ansible_collections.privazio.opennebula.plugins.modules import one_vm
from fake_vms import Element, cloud, infoset, refusal, vm

PARAMS = {option: spec.get("default") for option, spec in one_vm.OPTIONS.items()}


def spec(apply=True, **given):
    assert set(given) <= set(PARAMS)
    return options.fleet_spec(cloud(), {**PARAMS, **given}, apply)


# ---------------------------------------------------------------- how many, and how

FIELDS = [  # options, field of the FleetSpec, value
    ({}, "count", 1),
    ({}, "shrink", False),
    ({}, "remove", "newest"),
    ({}, "max_remove", None),
    ({}, "replace_failed", False),
    ({}, "parallel", PARAMS["parallel"]),
    ({}, "apply", True),
    ({}, "waits", True),
    ({}, "remove_images", False),
    ({"exact_count": 0, "name": "web-#"}, "count", 0),
    ({"exact_count": 0, "name": "web-#"}, "shrink", True),
    ({"exact_count": 3, "name": "web-#"}, "remove", "highest_index"),
    ({"exact_count": 3, "name": "web-#", "remove": "oldest"}, "remove", "oldest"),
    ({"exact_count": 3, "name": None, "count_labels": ["a"]}, "remove", "newest"),
    ({"count": 0}, "count", 0),
    ({"count": 2, "name": "web-#"}, "count", 2),
    ({"name": None, "template": "tpl"}, "count", 1),
    ({"name": None, "cpu": 1.0}, "count", 1),
    ({"name": None, "id": 5}, "count", None),
    ({"name": None, "id": 5, "template": "tpl"}, "count", None),
    ({"name": None, "instance_ids": [5]}, "count", None),
    ({"name": None, "labels": ["a"]}, "count", None),
    ({"name": "web-#"}, "count", None),
    ({"max_remove": 0}, "max_remove", 0),
    ({"replace_failed": True}, "replace_failed", True),
    ({"parallel": 9}, "parallel", 9),
    ({"wait": False}, "waits", False),
    ({"remove_images": True}, "remove_images", True),
]


@pytest.mark.parametrize(("given", "field", "value"), FIELDS)
def test_how_many_vms_and_how(given, field, value):
    assert getattr(spec(**{"name": "db", **given}), field) == value


def test_a_check_run_only_plans():
    assert spec(False, name="db").apply is False


def test_blanks_around_a_name_do_not_count():
    assert spec(name=" db ").group.single == "db"


DESIRED = [  # options, field of the DesiredState, value
    ({}, "state", None),
    ({"state": "running"}, "state", "running"),
    ({"state": "absent"}, "state", "done"),
    ({}, "allow_poweroff", False),
    ({"allow_poweroff": True}, "allow_poweroff", True),
    ({}, "hard", False),
    ({"hard": True}, "hard", True),
    ({"labels": ["a", "b"]}, "wanted", {"labels": ["a", "b"]}),
    ({"labels": ["a"], "state": "absent"}, "wanted", {}),
    ({"count_labels": ["a"]}, "wanted", {"labels": ["a"]}),
    ({"cpu": 0.5, "vcpu": 2, "memory": "1 GB"}, "wanted", {"capacity": {"cpu": 0.5, "vcpu": 2, "memory": 1024}}),
    ({"mode": "640"}, "wanted", {"mode": "640"}),
    ({"name": " new ", "id": 5}, "wanted", {"name": "new"}),
    (
        {"disk_size": ["1 GB", 9]},
        "wanted",
        {"disks": [{"DISK_ID": "0", "SIZE": "1024"}, {"DISK_ID": "1", "SIZE": "9"}]},
    ),
]


@pytest.mark.parametrize(("given", "field", "value"), DESIRED)
def test_what_is_desired_of_each(given, field, value):
    found = spec(**{"name": "db", **given}).desired
    assert getattr(found, field) == value
    assert found.resource is options.VM


def test_names_of_what_a_vm_is_to_have_are_looked_up():
    here = cloud(vmgrouppool_info=[Element(ID=5, NAME="group")])
    params = {**PARAMS, "name": "db", "vm_group": {"group": "group", "role": "web"}}
    assert options.fleet_spec(here, params, True).desired.wanted == {"vm_group": {"group": 5, "role": "web"}}


def test_the_modes_of_a_task():
    assert spec(name="db").desired.modes == Modes(labels="add")
    assert spec(name="db", labels=["a"], purge_disks=True).desired.modes == Modes(purge=frozenset(["purge_disks"]))
    assert spec(name="db", labels=["a"], labels_mode="remove").desired.modes == Modes(labels="remove")


def test_what_is_waited_for():
    found = spec(name="db", state="running", wait_ready=True, wait_network="net").desired.conditions
    assert [step.what for step in found] == ["READY from the guest", "address on network net"]
    assert spec(name="db", state="poweredoff", wait_ready=True, wait_network="net").desired.conditions == ()


SOURCES = [  # options, how new VMs are created
    ({}, Source()),
    ({"template": "tpl"}, Source("tpl")),
    ({"extra_template": {"A": 1}}, Source(extra={"A": "1"})),
    ({"datastore": "fast"}, Source(datastore="fast")),
    ({"state": "held"}, Source(hold=True)),
    ({"vm_start_on_hold": True}, Source(hold=True)),
    ({"persistent": True}, Source(persistent=True)),
    ({"user_inputs": {"A": 1}}, Source(inputs={"A": 1})),
]


@pytest.mark.parametrize(("given", "source"), SOURCES)
def test_how_new_vms_are_created(given, source):
    assert spec(**{"name": "db", **given}).source == source


# ---------------------------------------------------------------- which VMs

GROUPS = [  # options, fields of the Group that differ from those of no VM in particular
    ({"name": "db"}, {"single": "db"}),
    ({"name": "db", "count": 1}, {"single": "db"}),
    ({"name": "db", "template": "tpl"}, {"single": "db"}),
    ({"name": "web-#"}, {"pattern": "web-#"}),
    ({"name": "web-#", "first_index": 1}, {"pattern": "web-#", "first": 1}),
    ({"name": "db", "first_index": 1}, {"single": "db"}),
    ({"id": 5}, {"ids": [5]}),
    ({"id": 5, "name": "new"}, {"ids": [5]}),
    ({"instance_ids": [5, 6]}, {"ids": [5, 6]}),
    ({"id": 0, "instance_ids": [6]}, {"ids": [0]}),
    ({"labels": ["a"]}, {"labels": ["a"]}),
    ({"attributes": {"role": "db"}}, {"attributes": {"ROLE": "db"}}),
    ({"attributes": {"name": "db", "role": "db"}}, {"attributes": {"ROLE": "db"}}),
    ({"attributes": {"name": "db"}}, {}),
    ({"attributes": {"role": "db"}, "template": "tpl"}, {"is_new": True}),
    ({"attributes": {"name": "db"}, "template": "tpl"}, {"single": "db"}),
    ({"template": "tpl", "count": 2}, {"is_new": True}),
    ({"cpu": 1.0}, {"is_new": True}),
    ({"count_labels": ["a"], "exact_count": 2}, {"labels": ["a"]}),
    ({"count_attributes": {"role": "db"}, "exact_count": 2}, {"attributes": {"ROLE": "db"}}),
    ({"count_attributes": {"NAME": "web-#", "role": "db"}}, {"attributes": {"ROLE": "db"}, "pattern": "web-#"}),
    ({"count_attributes": {"name": "db"}}, {"single": "db"}),
    ({"count_attributes": {"name": "db"}, "count": 2}, {}),
    ({"count_attributes": {"name": "db"}, "exact_count": 1}, {}),
    ({"count_attributes": {"name": "a"}, "name": "b"}, {"single": "b"}),
    ({"count_labels": ["a"], "attributes": {"name": "web-#"}}, {"labels": ["a"], "pattern": "web-#"}),
]


@pytest.mark.parametrize(("given", "fields"), GROUPS)
def test_which_vms_a_task_is_about(given, fields):
    found = options.group({**PARAMS, **given})
    told = {
        "single": found.single,
        "pattern": found.pattern and found.pattern.name(0).replace("0", "#"),
        "ids": found.ids,
        "labels": found.labels,
        "attributes": found.attributes,
        "first": found.first,
        "is_new": found.is_new,
    }
    none = {"single": None, "pattern": None, "ids": None, "labels": [], "attributes": {}, "first": 0, "is_new": False}
    assert told == {**none, **fields}


FITS = [  # options, VM, whether the task is about it
    ({"attributes": {"name": "db"}}, vm(), True),
    ({"attributes": {"name": "db"}}, vm(name="web"), False),
    ({"name": "web-#", "count_labels": ["a"]}, vm(name="web-1", USER_TEMPLATE={"LABELS": "a"}), True),
    ({"name": "web-#", "count_labels": ["a"]}, vm(name="x", USER_TEMPLATE={"LABELS": "a"}), False),
    ({"count_labels": ["a"], "attributes": {"name": "web-#"}}, vm(name="x", USER_TEMPLATE={"LABELS": "a"}), True),
    ({"count_attributes": {"name": "x", "A": "1"}, "count": 2}, vm(name="y", USER_TEMPLATE={"A": "1"}), False),
    ({"count_attributes": {"name": "x", "A": "1"}, "count": 2}, vm(name="x", USER_TEMPLATE={"A": "1"}), True),
]


@pytest.mark.parametrize(("given", "item", "fits"), FITS)
def test_a_name_counts_unless_it_is_only_for_new_vms(given, item, fits):
    here = cloud(vmpool_info=[item], vmpool_infoextended=[item], vmpool_infoset=infoset([item]))
    assert bool(options.group({**PARAMS, **given}).find(here)) is fits


REFUSED = [  # options, message, data
    ({}, "Say which VMs: give name, id, instance_ids, attributes, labels, or a template.", {}),
    ({"labels": []}, "Say which VMs: give name, id, instance_ids, attributes, labels, or a template.", {}),
    ({"name": " "}, "The name of a VM cannot be empty.", {"object": "vm"}),
    ({"attributes": {"name": ""}}, "The name of a VM cannot be empty.", {"object": "vm"}),
    ({"name": "a-#", "first_index": -1}, "The option first_index takes a number from 0, not -1.", {}),
    ({"name": "a-#", "exact_count": -2}, "There cannot be -2 VMs: give 0 or more.", {}),
    ({"name": "a", "count": -1}, "There cannot be -1 VMs: give 0 or more.", {}),
    (
        {"name": "web", "exact_count": 1},
        "With exact_count, name is a pattern such as 'web-##'; 'web' has no single run of '#'.",
        {},
    ),
    (
        {"name": "web", "count": 2},
        "With exact_count, name is a pattern such as 'web-##'; 'web' has no single run of '#'.",
        {},
    ),
    (
        {"name": "db", "disk_size": ["a"]},
        "The option disk_size takes a size such as 4096 (MB), 512 MB or 4 GB, not 'a'.",
        {},
    ),
    (
        {"name": "db", "start_script": "x", "context": {"start_script": "y"}},
        "Give the start script once: start_script, or start_script in CONTEXT.",
        {},
    ),
    (
        {"name": "db", "start_script": "x", "updateconf": {"CONTEXT": {"START_SCRIPT_BASE64": "y"}}},
        "Give the start script once: start_script, or START_SCRIPT_BASE64 in CONTEXT.",
        {},
    ),
]


@pytest.mark.parametrize(("given", "message", "data"), REFUSED)
def test_options_that_contradict_each_other(given, message, data):
    assert refusal(spec, **given) == (message, data)


UNBOUNDED = (
    "What the task says of the VMs to remove fits too many: name a part of their names, a label, or an attribute; "
    "or give max_remove."
)


def test_vms_are_not_removed_without_a_bound():
    for given in ({"name": "#", "state": "absent"}, {"name": "#", "exact_count": 0}):
        assert refusal(spec, **given) == (UNBOUNDED, {})
        assert spec(**given, max_remove=0).max_remove == 0
    assert spec(name="#", state="running").count is None
    assert spec(name="#", count=1).count == 1


def test_the_label_that_protects_is_that_of_the_cloud():
    here = cloud()
    here.protected = "keep"
    assert options.fleet_spec(here, {**PARAMS, "name": "db"}, True).protected == "keep"


@pytest.mark.parametrize(
    ("option", "value"),
    [("attributes", {"A": {"b": {}}}), ("count_attributes", {"A": {"b": {}}}), ("update_attributes", {"A": {"b": {}}})],
)
def test_what_is_no_attribute_is_told_by_its_option(option, value):
    params = {**PARAMS, "name": "db", option: value}
    assert refusal(options.user_attributes, params)[0].startswith("Cannot use the option %s: " % option)


def test_what_is_no_context_is_told_by_its_option():
    message = "Cannot use the option context: the member a of the vector CONTEXT has to be "
    assert refusal(spec, name="db", context={"a": {"b": 1}})[0].startswith(message)


# ---------------------------------------------------------------- what each is to be

ATTRIBUTES = [  # options, what the user template is to have
    ({}, {}),
    ({"attributes": {"a": 1}, "name": "db"}, {"A": "1"}),
    ({"attributes": {"a": 1, "name": "db"}, "template": "t"}, {"A": "1"}),
    ({"attributes": {"a": 1}}, {}),
    ({"attributes": {"a": 1}, "update_attributes": {"b": 2}}, {"B": "2"}),
    ({"count_attributes": {"c": 3, "name": "x"}, "attributes": {"a": 1}}, {"C": "3", "A": "1"}),
    (
        {"count_attributes": {"a": 1}, "attributes": {"a": 2, "b": 2}, "update_attributes": {"b": 3}},
        {"A": "2", "B": "3"},
    ),
]


@pytest.mark.parametrize(("given", "found"), ATTRIBUTES)
def test_the_user_template_that_is_wanted(given, found):
    assert options.user_attributes({**PARAMS, **given}) == found
    assert options.wanted_values({**PARAMS, **given})["attributes"] == (found or None)


LABELS = [  # options, labels, labels_mode
    ({}, (None, "add")),
    ({"name": "db", "labels": ["a"]}, (["a"], "exact")),
    ({"name": "db", "labels": []}, ([], "exact")),
    ({"name": "db", "labels": ["a"], "labels_mode": "add"}, (["a"], "add")),
    ({"name": "db", "labels": ["a"], "labels_mode": "remove"}, (["a"], "remove")),
    ({"labels": ["a"]}, (None, "add")),
    ({"count_labels": ["c"]}, (["c"], "add")),
    ({"count_labels": ["c"], "labels": ["a", "c"]}, (["a", "c"], "exact")),
    ({"count_labels": ["c", "d"], "labels": ["a"]}, (["a", "c", "d"], "exact")),
    ({"count_labels": ["c"], "labels": ["a"], "labels_mode": "remove"}, (["a"], "remove")),
]


@pytest.mark.parametrize(("given", "found"), LABELS)
def test_the_labels_that_are_wanted(given, found):
    assert options.wanted_labels({**PARAMS, **given}) == found


SCRIPT = base64.b64encode(b"ls").decode()
VALUES = [  # options, option of VM, value
    ({"name": "db"}, "name", None),
    ({"name": "db", "id": 0}, "name", "db"),
    ({"owner": "a"}, "owner", "a"),
    ({"networks": [{"A": 1}]}, "networks", [{"A": 1}]),
    ({}, "capacity", None),
    ({"vcpu": 2}, "capacity", {"vcpu": 2}),
    ({"memory": "1 GB", "cpu": 0.0}, "capacity", {"memory": "1 GB", "cpu": 0.0}),
    ({"disks": [{"image": "a"}]}, "disks", [{"image": "a"}]),
    ({"disk_size": ["2 GB"]}, "disks", [{"DISK_ID": 0, "SIZE": 2048}]),
    ({"disk_size": []}, "disks", []),
    ({}, "updateconf", None),
    ({"updateconf": {"OS": {"BOOT": "a"}}}, "updateconf", {"OS": {"BOOT": "a"}}),
    ({"context": {"A": 1}}, "updateconf", {"CONTEXT": {"A": 1}}),
    (
        {"updateconf": {"CONTEXT": {"A": 1, "B": 1}, "OS": {}}, "context": {"B": 2}},
        "updateconf",
        {"CONTEXT": {"A": 1, "B": 2}, "OS": {}},
    ),
    ({"updateconf": {"CONTEXT": None}, "context": {"B": 2}}, "updateconf", {"CONTEXT": {"B": 2}}),
    ({"start_script": "ls"}, "updateconf", {"CONTEXT": {"START_SCRIPT_BASE64": SCRIPT}}),
    (
        {"start_script": "ls", "context": {"A": 1}},
        "updateconf",
        {"CONTEXT": {"A": 1, "START_SCRIPT_BASE64": SCRIPT}},
    ),
    (
        {"start_script": "ls", "updateconf": {"CONTEXT": {1: 2}}},
        "updateconf",
        {"CONTEXT": {1: 2, "START_SCRIPT_BASE64": SCRIPT}},
    ),
]


@pytest.mark.parametrize(("given", "option", "value"), VALUES)
def test_what_each_vm_is_to_be(given, option, value):
    assert options.wanted_values({**PARAMS, **given})[option] == value


def test_what_options_give_stays_as_it_is():
    given = {"CONTEXT": {"A": 1}}
    options.wanted_values({**PARAMS, "updateconf": given, "context": {"B": 2}, "start_script": "x"})
    assert given == {"CONTEXT": {"A": 1}}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, (None, {})),
        ({"a": 1}, (None, {"a": 1})),
        ({"Name": " db ", "a": 1}, ("db", {"a": 1})),
        ({"name": None, "a": 1}, (None, {"a": 1})),
        ({"name": 5}, ("5", {})),
    ],
)
def test_a_name_among_attributes(given, found):
    assert options.split_name(given) == found


# ---------------------------------------------------------------- the change of one VM


def parameters(**given):
    return SimpleNamespace(params=given, applies=given.pop("applies", True))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, Choices()),
        ({"applies": False}, Choices(apply=False)),
        ({"wait": False}, Choices(waits=False, modes=Modes(waits=False))),
        ({"allow_poweroff": True}, Choices(allow_poweroff=True)),
        ({"hard": True}, Choices(hard=True)),
        ({"force": True}, Choices(modes=Modes(force=True))),
    ],
)
def test_options_of_a_change(given, found):
    assert operation.choices(parameters(**given)) == found


def test_one_vm_is_found_by_its_name_or_id():
    item = vm()
    here = cloud(vmpool_info=[item], vm_info=item)
    assert operation.find_vm(here, {"name": "db", "id": None}) is item
    assert operation.find_vm(here, {"name": None, "id": 7}) is item
    empty = cloud(vmpool_info=[])
    assert operation.find_vm(empty, {"name": "no", "id": None}, True) is None
    assert refusal(operation.find_vm, empty, {"name": "no", "id": None}) == (
        "There is no VM called no.",
        {"object": "vm", "name": "no", "id": None},
    )
    assert refusal(operation.find_vm, cloud(vm_info=OneNoExistsException("none")), {"name": None, "id": 0}) == (
        "There is no VM with id 0.",
        {"object": "vm", "name": None, "id": 0},
    )


def _broken(here):
    raise Failure("It is broken.")


COLOURS = {  # how each is painted
    "cold": {"states": frozenset(("poweredoff",))},
    "told": {"result": lambda answer: {"said": answer}},
    "slow": {"transient": True},
    "broken": {"run": _broken, "arguments": ()},
}


def _colour(record, after):
    how = {"method": "vm.update", "arguments": (record["id"], after), **COLOURS.get(after, {})}
    return [Step("paint it %s" % after, **how)]


def _painted(here, item):
    assert isinstance(here, Cloud)
    return {"colour": item.USER_TEMPLATE.get("COLOUR", "")}


COLOURED = Resource(
    "vm",
    _painted,
    {
        "colour": attribute("colour", _colour),
        "bell": action("bell", lambda record, wanted: [Step("ring", "vm.ring", (record["id"],))]),
        "nothing": Attribute(lambda record, wanted, modes: ("a", "b", [Step("wait", until=lambda item: True)])),
    },
)


def painted(colour):
    return vm(USER_TEMPLATE={"COLOUR": colour})


def changed(wanted, how, later, **answers):
    """(Report, calls) of a change of a red VM that is as `later` afterwards."""
    here = cloud(vm_info=later, vmpool_infoset=infoset([later]), **answers)
    return operation.change(here, COLOURED, painted("red"), wanted, how), here.one.calls


def test_a_change_is_read_again():
    report, calls = changed({"colour": "blue", "bell": None}, Choices(), painted("blue"))
    assert (report.changed, report.before, report.after) == (True, {"colour": "red"}, {"colour": "blue"})
    assert report.record == {"colour": "blue", "id": 7, "name": "db"}
    assert calls == [("vm.update", 7, "blue"), ("vm.info", 7)]


def test_nothing_is_asked_where_nothing_changes_or_it_is_only_planned():
    report, calls = changed({"colour": "red"}, Choices(), painted("red"))
    assert (report.changed, report.before, report.after) == (False, {}, {})
    assert (report.record, calls) == ({"colour": "red", "id": 7, "name": "db"}, [])
    report, calls = changed({"colour": "blue", "bell": True}, Choices(apply=False), painted("red"))
    assert (report.changed, calls) == (True, [])
    assert report.after == {"bell": True, "colour": "blue"}
    assert report.record == {"colour": "blue", "id": 7, "name": "db"}


def test_what_was_not_stored_is_told_unless_nobody_waits():
    message, data = refusal(changed, {"colour": "blue"}, Choices(), painted("red"))
    assert message == "OpenNebula accepted the change of VM db, but did not store: colour."
    assert data == {"object": "vm", "id": 7}
    report, dummy = changed({"colour": "blue"}, Choices(waits=False), painted("red"))
    assert report.record["colour"] == "red"


def test_answers_are_told_and_a_vm_that_is_gone_is_told_as_it_was():
    report, dummy = changed({"colour": "told"}, Choices(), painted("told"), vm_update="yes")
    assert report.record == {"colour": "told", "id": 7, "name": "db", "said": "yes"}
    here = cloud(vm_info=None, vm_ring=None)
    report = operation.change(here, COLOURED, painted("red"), {"bell": True}, Choices())
    assert report.record == {"colour": "red", "id": 7, "name": "db"}


def test_a_change_that_needs_the_power_off_is_allowed_or_refused():
    message, dummy = refusal(changed, {"colour": "cold"}, Choices(), painted("red"))
    assert message.startswith("VM db has to be powered off for this: paint it cold. ")
    looks = [vm("POWEROFF")], [painted("cold")]
    for hard, verb in ((False, "poweroff"), (True, "poweroff-hard")):
        here = cloud(vm_info=painted("cold"), vmpool_infoset=infoset(*looks))
        how = Choices(allow_poweroff=True, hard=hard)
        report = operation.change(here, COLOURED, painted("red"), {"colour": "cold"}, how)
        assert report.after == {"colour": "cold", "power_cycle": ["paint it cold"]}
        writes = [call for call in here.one.calls if "info" not in call[0]]
        assert writes == [("vm.action", verb, 7), ("vm.update", 7, "cold"), ("vm.action", "resume", 7)]


def test_a_change_that_is_refused_says_of_which_vm():
    message, data = refusal(
        changed, {"colour": "blue"}, Choices(), painted("red"), vm_update=OneInternalException("down")
    )
    assert message == "Cannot paint it blue: down."
    assert (data["object"], data["id"]) == ("vm", 7)


def test_a_step_that_ends_without_a_word_on_the_vm_is_told_with_it():
    assert refusal(changed, {"colour": "broken"}, Choices(), painted("red")) == (
        "It is broken.",
        {"object": "vm", "id": 7},
    )


def test_the_end_of_the_last_step_is_waited_for_or_not():
    looks = [vm("HOTPLUG")], [painted("slow")]
    for waits, reads in ((True, 2), (False, 0)):
        here = cloud(vm_info=painted("slow"), vmpool_infoset=infoset(*looks))
        operation.change(here, COLOURED, painted("red"), {"colour": "slow"}, Choices(waits=waits))
        assert [call[0] for call in here.one.calls].count("vmpool.infoset") == reads


DOWN = "Cannot paint it blue: down."
MEANWHILE = [  # colour wanted, the VM after the step has failed, what is said; None: it is as wanted
    ("blue", painted("blue"), None),
    ("blue", painted("green"), DOWN),
    ("blue", None, DOWN),
    ("cold", vm("SUSPENDED"), DOWN.replace("blue", "cold")),
]


@pytest.mark.parametrize(("colour", "later", "message"), MEANWHILE)
def test_a_change_that_another_run_has_made_meanwhile_is_made(colour, later, message):
    here = cloud(vm_info=later, vm_update=OneInternalException("down"))
    item = vm("POWEROFF", USER_TEMPLATE={"COLOUR": "red"})
    arguments = (here, COLOURED, item, {"colour": colour}, Choices())
    if message is None:
        assert operation.change(*arguments).record == {"colour": colour, "id": 7, "name": "db"}
    else:
        found, data = refusal(operation.change, *arguments)
        assert (found, data["object"], data["id"]) == (message, "vm", 7)


def test_labels_are_merged_as_the_options_say():
    how = Choices(modes=Modes(labels="add"))
    item, later = vm(USER_TEMPLATE={"LABELS": "a"}), vm(USER_TEMPLATE={"LABELS": "a,b"})
    here = cloud(vm_info=later)
    report = operation.change(here, options.VM, item, {"labels": ["b"]}, how)
    assert report.after == {"labels": ["a", "b"]}
