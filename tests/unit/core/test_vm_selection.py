# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which VMs belong to a task, which slot each fills, and which of them are duplicates."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import selection
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.selection import Group, Members, Pattern
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneInternalException
from fake_vms import cloud, infoset, refusal, vm

# ---------------------------------------------------------------- names with numbers

NAMES = [  # pattern, name, number
    ("web-##", "web-00", 0),
    ("web-##", "web-07", 7),
    ("web-##", "web-123", 123),
    ("web-##", "web-1", None),
    ("web-##", "web-01x", None),
    ("web-##", "my web-01", None),
    ("web-##", "web-01\n", None),
    ("web-##", "WEB-01", None),
    ("a.#.example.org", "a.5.example.org", 5),
    ("a.#.example.org", "aX5Xexample.org", None),
    ("a#(b)", "a1(b)", 1),
    ("#", "42", 42),
]


@pytest.mark.parametrize(("pattern", "name", "number"), NAMES)
def test_a_number_in_a_name(pattern, name, number):
    found = Pattern(pattern)
    assert found.number(name) == number
    if number is not None:
        assert found.name(number) == name


@pytest.mark.parametrize("text", ["web", "", None, "a#b#c", "a##b#"])
def test_a_pattern_has_one_run_of_numbers(text):
    message = "With exact_count, name is a pattern such as 'web-##'; %r has no single run of '#'." % text
    assert refusal(Pattern, text) == (message, {})


# ---------------------------------------------------------------- groups

GROUPS = {  # what the VMs have in common, whether all are yet to be created
    "name": ({"name": "db"}, False),
    "names": ({"name": "web-#"}, False),
    "many of a name": ({"name": "db", "many": True}, False),
    "ids": ({"ids": [7]}, False),
    "no ids": ({"ids": []}, False),
    "labels": ({"labels": ["a"]}, False),
    "attributes": ({"attributes": {"A": "1"}}, False),
    "nothing": ({}, True),
    "name for new ones": ({"name": "db", "by_name": False}, True),
    "names for new ones": ({"name": "web-#", "by_name": False}, True),
    "labels and a name for new ones": ({"name": "web-#", "labels": ["a"], "by_name": False}, False),
}


@pytest.mark.parametrize("name", GROUPS)
def test_which_groups_have_no_vms_yet(name):
    given, new = GROUPS[name]
    assert Group(**given).is_new is new


BOUNDED = [  # group, whether what is told of its VMs tells them from all others
    ({"name": "db"}, True),
    ({"name": "web-#"}, True),
    ({"name": "#-web"}, True),
    ({"name": "#"}, False),
    ({"name": "#", "labels": ["a"]}, True),
    ({"name": "db", "attributes": {"ANSIBLE_REQUEST": None}, "by_name": False}, False),
    ({"attributes": {"ansible_request": None}}, False),
    ({"attributes": {"ANSIBLE_REQUEST": "db"}}, True),
    ({"attributes": {"A": None}}, True),
    ({"attributes": {"A": ""}}, True),
    ({"labels": ["a"]}, True),
    ({"ids": []}, True),
    ({}, True),
]


@pytest.mark.parametrize(("given", "bounded"), BOUNDED)
def test_which_groups_have_a_bound(given, bounded):
    assert Group(**given).is_bounded is bounded


NAMED = [  # group, its name in slot 3
    ({"name": "web-##"}, "web-03"),
    ({"name": "db"}, "db"),
    ({}, ""),
    ({"labels": ["a"]}, ""),
    ({"name": "db", "many": True}, "db"),
]


@pytest.mark.parametrize(("given", "name"), NAMED)
def test_the_name_of_a_new_vm(given, name):
    assert Group(**given).name(3) == name


REQUESTS = [  # group, request id of slot 3; None: one of its own, in every run the same
    ({"name": "web-##"}, "web-03"),
    ({"name": "db"}, "db"),
    ({"name": "db", "labels": ["a"]}, "db"),
    ({"labels": ["a"]}, None),
    ({"attributes": {"A": 1}}, None),
    ({"name": "db", "many": True}, None),
    ({"name": "web-#", "labels": ["a"], "by_name": False}, "web-3"),
]


@pytest.mark.parametrize(("given", "request_id"), REQUESTS)
def test_the_request_id_of_a_slot(given, request_id):
    found = Group(**given).request_id(3)
    assert found == Group(**given).request_id(3), "all runs ask for the same"
    if request_id is None:
        token, dummy, slot = found.partition("-")
        assert (len(token), slot) == (16, "3")
        assert int(token, 16)
    else:
        assert found == request_id


TOKENS = [
    {"labels": ["a", "b"]},
    {"labels": ["a"]},
    {"labels": ["b"]},
    {"attributes": {"A": "1", "B": "2"}},
    {"attributes": {"A": "1"}},
    {"attributes": {"A": "2"}},
    {"attributes": {"B": "1"}},
    {"attributes": {"A": "1"}, "labels": ["a"]},
    {"name": "db", "many": True},
    {"name": "x", "many": True},
    {"name": "db", "many": True, "labels": ["a"]},
]


def test_other_groups_have_other_request_ids():
    found = {Group(**given).request_id(0) for given in TOKENS}
    assert len(found) == len(TOKENS)
    assert Group(labels=["b", "a"]).request_id(0) == Group(labels=["a", "b"]).request_id(0)
    assert Group(attributes={"b": 2, "A": 1}).request_id(0) == Group(attributes={"A": "1", "B": "2"}).request_id(0)


def test_the_request_ids_of_earlier_releases_stay():
    """They stand in user templates: a run of a newer release must know them."""
    assert Group(labels=["web", "prod"], attributes={"A": "1"}, name="db", many=True).request_id(2) == (
        "c18e0be95a3adf91-2"
    )


def test_every_run_that_only_creates_has_request_ids_of_its_own():
    one, other = Group(), Group()
    assert one.request_id(0) != other.request_id(0)
    numbered = Group("web-#", by_name=False)
    assert numbered.request_id(3).endswith("-3")
    assert numbered.request_id(3) != Group("web-#", by_name=False).request_id(3)


def requested(text, **more):
    return vm(USER_TEMPLATE={"ANSIBLE_REQUEST": text}, **more)


def test_the_slot_of_a_vm():
    assert Group("web-##").slot(vm(name="web-05")) == 5
    assert Group("web-##").slot(vm(name="other")) is None
    assert Group("db").slot(vm(name="any")) == 0
    labelled = Group(labels=["a"])
    assert labelled.slot(requested(labelled.request_id(12))) == 12
    assert labelled.slot(requested("other-12")) is None
    assert labelled.slot(requested(labelled.request_id(0)[:-1] + "x")) is None
    assert labelled.slot(vm()) is None
    for given in ({"name": "web-#", "by_name": False}, {}, {"name": "db", "by_name": False}):
        new = Group(**given)
        assert new.slot(requested(new.request_id(4), name="web-9")) == 4
        assert new.slot(vm(name="web-9")) is None


def test_numbers_begin_where_they_are_to_begin():
    for group, slots in (
        (Group("web-#", first=1), [1, 3, 4]),
        (Group("web-#"), [0, 1, 3]),
        (Group(labels=["a"], first=1), [0, 1, 3]),
    ):
        members = Members(group, [])
        members.taken = {2: vm()}
        assert members.free(3) == slots
        assert members.free(0) == members.free(-1) == []


# ---------------------------------------------------------------- members

PLAIN = vm(oid=3, name="web-1")
LABELLED = vm("POWEROFF", 4, "web-2", USER_TEMPLATE={"LABELS": "a, b", "ROLE": "db", "PORT": "80"})
ENDING = vm("EPILOG", 5, "web-1", USER_TEMPLATE={"LABELS": "a"})
LISTED = vm(oid=6, name="x", USER_TEMPLATE={"LABELS": "b", "LIST": ["1", "2"], "ROLE": "web"})
ALL = [LISTED, ENDING, LABELLED, PLAIN]

SELECTED = [  # group, names of its VMs, methods that are called
    ({"name": "web-1"}, [3], ["vmpool.info", ("vmpool.infoset", "3,5", True)]),
    ({"name": "web-1", "many": True}, [3], ["vmpool.info", ("vmpool.infoset", "3,5", True)]),
    ({"name": "web-#"}, [3, 4], ["vmpool.info", ("vmpool.infoset", "3,4,5", True)]),
    ({"name": "nothing"}, [], ["vmpool.info"]),
    ({"labels": ["a"]}, [4], ["vmpool.info", ("vmpool.infoset", "4,5", True)]),
    ({"labels": ["b", "a"]}, [4], ["vmpool.info", ("vmpool.infoset", "4", True)]),
    ({"labels": ["b"]}, [4, 6], ["vmpool.info", ("vmpool.infoset", "4,6", True)]),
    ({"labels": ["b"], "name": "web-#"}, [4], ["vmpool.info", ("vmpool.infoset", "4", True)]),
    ({"labels": ["b"], "name": "y-#", "by_name": False}, [4, 6], ["vmpool.info", ("vmpool.infoset", "4,6", True)]),
    ({"attributes": {"role": "db"}}, [4], ["vmpool.infoextended"]),
    ({"attributes": {"role": "db"}, "labels": ["x"]}, [], ["vmpool.infoextended"]),
    ({"attributes": {"role": "DB"}}, [], ["vmpool.infoextended"]),
    ({"attributes": {"port": 80.0}}, [4], ["vmpool.infoextended"]),
    ({"attributes": {"role": None}}, [4, 6], ["vmpool.infoextended"]),
    ({"attributes": {"list": ["1", "2"]}}, [6], ["vmpool.infoextended"]),
    ({"attributes": {"list": "1"}}, [], ["vmpool.infoextended"]),
    ({"attributes": {"role": "db", "port": 81}}, [], ["vmpool.infoextended"]),
    ({"attributes": dict.fromkeys(selection.IN_POOL)}, [], ["vmpool.info"]),
    ({"attributes": {"labels": "b"}}, [6], ["vmpool.info", ("vmpool.infoset", "6", True)]),
    ({"ids": [6, 3, 5, 99]}, [3, 6], [("vmpool.infoset", "3,5,6,99", True)]),
    ({"ids": []}, [], []),
]


@pytest.mark.parametrize(("given", "ids", "calls"), SELECTED)
def test_the_vms_of_a_group_that_are_not_ending(given, ids, calls):
    here = cloud(vmpool_info=ALL, vmpool_infoextended=ALL, vmpool_infoset=infoset(ALL))
    assert [item.ID for item in Group(**given).find(here)] == ids
    assert [call if call[0] == "vmpool.infoset" else call[0] for call in here.one.calls] == calls
    pools = [call[1:] for call in here.one.calls if call[0] != "vmpool.infoset"]
    assert pools == [(-2, -1, -1, -1)] * len(pools)


@pytest.mark.parametrize(("given", "ids", "calls"), SELECTED)
def test_many_declarations_share_one_read_of_all_vms(given, ids, calls):
    here = cloud()
    here.whole_vms = lambda: ALL
    assert [item.ID for item in Group(**given).find(here)] == ids
    assert here.one.calls == []


def test_vms_that_nothing_else_tells_apart_are_known_by_their_requests():
    group = Group()
    items = [requested(group.request_id(0), oid=8), requested("other-0", oid=9)]
    here = cloud(vmpool_infoextended=items)
    assert [item.ID for item in group.find(here)] == [8]


@pytest.mark.parametrize("attributes", [{}, {"A": "1"}])
def test_a_pool_that_cannot_be_read_is_told(attributes):
    down = OneInternalException("down")
    here = cloud(vmpool_info=down, vmpool_infoextended=down)
    assert refusal(Group("db", attributes).find, here)[0] == "Cannot list the VMs: down."


# ---------------------------------------------------------------- slots that are taken twice


def described(group, items, created=()):
    found = Members(group, items, created)
    taken = {slot: item.ID for slot, item in found.taken.items()}
    return [item.ID for item in found.members], [item.ID for item in found.duplicates], taken


def named(oid, name="web-1", request="web-1", born=1000):
    return vm(oid=oid, name=name, STIME=born, USER_TEMPLATE={"ANSIBLE_REQUEST": request} if request else {})


FLEET = Group("web-#")
TWICE = [  # VMs, ids that this run was given, members, duplicates
    ([named(3)], (), [3], []),
    ([named(3), named(4, "web-2")], (), [3, 4], []),
    ([named(3), named(4)], (), [3], [4]),
    ([named(3), named(4, born=4600)], (), [3], [4]),
    ([named(3, born=4600), named(4)], (), [3], [4]),
    ([named(3, request=""), named(4)], (), [3], [4]),
    ([named(3), named(4, born=9999)], (4,), [3], [4]),
    ([named(3), named(4, request="")], (4,), [3], [4]),
    ([named(3), named(4), named(5)], (), [3], [4, 5]),
]


@pytest.mark.parametrize(("items", "created", "members", "duplicates"), TWICE)
def test_of_vms_of_one_request_the_first_stays(items, created, members, duplicates):
    found = described(FLEET, items, created)
    assert found[:2] == (members, duplicates)
    assert set(found[2].values()) == set(members)
    assert described(Group("web-1"), [item for item in items if item.NAME == "web-1"], created)[1] == duplicates


@pytest.mark.parametrize("second", [named(4, request=""), named(4, request="web-2"), named(4, born=4601)])
@pytest.mark.parametrize("group", [FLEET, Group("web-1")])
def test_vms_of_one_name_that_are_no_duplicates_are_refused(group, second):
    message = "Several VMs have the name 'web-1', with the ids 3 and 4: rename or remove one, or give the id."
    data = {"object": "vm", "name": "web-1", "ids": [3, 4]}
    assert refusal(Members, group, [named(3), second]) == (message, data)


def test_a_copy_of_a_vm_that_only_its_request_id_tells_apart_is_another_vm():
    group = Group(labels=["a"])
    request = group.request_id(0)
    items = [named(3, "a", request), named(4, "b", request, 4601), named(5, "c", "", 1000), named(6, "d", request)]
    assert described(group, items) == ([3, 4, 5], [6], {0: 3})


def test_vms_that_are_named_by_their_ids_have_no_slots():
    items = [named(3), named(4)]
    assert described(Group(ids=[3, 4]), items) == ([3, 4], [], {})
    assert described(Group("web-1", ids=[3, 4]), items) == ([3, 4], [], {})


def test_attributes_to_look_for_have_one_form():
    assert selection.wanted_attributes({"a": True, "b": None, "C": [" x "]}) == {"A": "YES", "B": None, "C": ["x"]}
