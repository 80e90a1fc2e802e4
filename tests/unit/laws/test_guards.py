# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Guards: no module removes or replaces what is protected or locked, in a check run or not; a limit holds before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import guard
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import BY_PREFIX
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from hypothesis import given
from hypothesis import strategies as st
from kinds import SUBJECTS
from modules import Lab, assert_refused

LABELLED = sorted(set(SUBJECTS) - {"zone", "vm"})
LOCKABLE = sorted("document hook image marketapp template vm_group vnet vntemplate vrouter".split())


def labelled(lab: Lab, kind: str, label: str) -> dict[str, Any]:
    """The options that name a new object with a label."""
    subject, name = SUBJECTS[kind], lab.name()
    oid = subject.create(lab.one, name)
    lab.one.call(f"{subject.prefix}.update", oid, {"LABELS": label}, 1)
    return {"id": oid, **({"type": 200} if kind == "document" else {})}


@pytest.mark.parametrize("kind", LABELLED)
def test_no_kind_of_protected_object_is_removed(lab, kind):
    module, named = SUBJECTS[kind].module, labelled(lab, kind, "web,Protected")
    assert_refused(lab, module, "has the label protected", "Take the label away", state="absent", **named)
    assert_refused(lab, module, "has the label web", state="absent", protected_label="web", **named)
    assert lab.run(module, check=True, state="absent", protected_label="", **named).changed
    assert lab.run(module, state="present", labels=["web"], **named).changed
    assert lab.run(module, state="absent", **named).changed


@pytest.mark.parametrize("kind", LOCKABLE)
def test_a_check_run_knows_what_a_lock_forbids(lab, kind):
    module, named = SUBJECTS[kind].module, labelled(lab, kind, "web")
    lab.one.call(f"{SUBJECTS[kind].prefix}.lock", named["id"], 2, False)
    assert_refused(lab, module, "is locked (manage)", "lock: none", state="absent", **named)


def test_every_method_that_removes_an_object_with_labels_is_known():
    removing = {name for name in METHODS if name.endswith(".delete")}
    assert all(name.rpartition(".")[0] in BY_PREFIX for name in removing)
    assert all(guard.target(name, (3,)) == (name.rpartition(".")[0], 3) for name in removing)
    assert all(guard.target(name, (3, 0, 0, 0)) is None for name in METHODS if name.endswith((".info", ".update")))


class Way(NamedTuple):
    """A way to remove or replace a VM."""

    module: str
    options: Mapping[str, Any] = MappingProxyType({})
    prepare: Callable[[Lab, int], Any] = lambda lab, oid: None


def start(lab: Lab, oid: int) -> None:
    lab.one.vm.deploy(oid, 0)
    lab.one.vmpool.info(-2, -1, -1, -1)


def with_snapshot(lab: Lab, oid: int) -> None:
    start(lab, oid)
    lab.one.vm.snapshotcreate(oid, "before")
    lab.one.vmpool.info(-2, -1, -1, -1)


WAYS = {
    "absent": Way("one_vm", {"state": "absent"}),
    "absent by attributes": Way("one_vm", {"state": "absent", "labels": ["protected"]}),
    "delete": Way("one_vm_recover", {"operation": "delete", "force": True}),
    "recreate": Way("one_vm_recover", {"operation": "recreate", "force": True}, start),
    "revert": Way("one_vm_snapshot", {"state": "reverted", "snapshot": "before"}, with_snapshot),
    "call": Way("one_call", {"method": "one.vm.action"}),
    "call of recover": Way("one_call", {"method": "one.vm.recover"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_removes_or_replaces_a_protected_vm(lab, way):
    name, (module, options, prepare) = lab.name(), WAYS[way]
    oid = lab.one.vm.allocate(f'NAME="{name}" CPU="0.1" MEMORY="8"', True)
    prepare(lab, oid)
    lab.one.vm.update(oid, 'LABELS="protected"', 1)
    arguments = {"one.vm.action": ["terminate-hard", oid], "one.vm.recover": [oid, 3]}
    named = {"arguments": arguments[options["method"]]} if module == "one_call" else {"name": name}
    named = {} if "labels" in options else named
    assert_refused(lab, module, "has the label protected", **options, **named)
    assert lab.run(module, check=True, protected_label="", **options, **named).changed
    lab.one.vm.recover(oid, 3)


def test_a_protected_vm_may_be_changed_and_stopped(lab):
    name = lab.name()
    oid = lab.one.vm.allocate(f'NAME="{name}" CPU="0.1" MEMORY="8" LABELS="protected"', True)
    start(lab, oid)
    assert lab.run("one_vm", name=name, state="poweredoff", attributes={"NOTE": "1"}).changed
    assert lab.run("one_vm", name=name, state="absent", protected_label="").changed


def fleet(lab: Lab, number: int) -> str:
    """The pattern of the names of new VMs on hold."""
    pattern = f"{lab.name()}-##"
    lab.run("one_vm", name=pattern, exact_count=number, cpu=0.1, memory="8", state="held")
    return pattern


def test_a_fleet_shrinks_by_vms_that_are_not_protected(lab):
    pattern = fleet(lab, 3)
    last = next(vm for vm in lab.one.vmpool.info(-2, -1, -1, -1).VM if pattern.replace("##", "02") == vm.NAME)
    lab.one.vm.update(last.ID, 'LABELS="protected"', 1)
    shrunk = lab.run("one_vm", name=pattern, exact_count=1)
    assert [one["id"] for one in shrunk.data["instances"]] == [last.ID]
    assert_refused(lab, "one_vm", "To reach exact_count", "has the label protected", name=pattern, exact_count=0)
    assert lab.run("one_vm", name=pattern, exact_count=0, protected_label="").changed


def test_duplicates_of_a_protected_fleet_go_all_the_same(lab):
    pattern = f"{lab.name()}-##"
    options = {"cpu": 0.1, "memory": "8", "state": "held", "labels": ["protected"]}
    first = lab.run("one_vm", name=pattern, exact_count=1, **options).data["instances"][0]
    made = lab.one.vm.info(first["id"])
    request = made.USER_TEMPLATE["ANSIBLE_REQUEST"]
    body = f'NAME="{made.NAME}" CPU="0.1" MEMORY="8" ANSIBLE_REQUEST="{request}" LABELS="protected"'
    twin = lab.one.vm.allocate(body, True)
    done = lab.run("one_vm", name=pattern, exact_count=1, **options)
    assert not done.failed and lab.one.vm.info(twin).STATE == 6
    lab.run("one_vm", name=pattern, exact_count=0, protected_label="")


@pytest.mark.parametrize(
    "filters",
    [
        {"name": "##", "exact_count": 0},
        {"count_attributes": {"ANSIBLE_REQUEST": None}, "exact_count": 0},
        {"state": "absent", "attributes": {"ANSIBLE_REQUEST": None}},
    ],
)
def test_what_fits_too_many_vms_needs_a_limit(lab, filters):
    assert_refused(lab, "one_vm", "fits too many", "max_remove", **filters)
    assert not lab.run("one_vm", check=True, max_remove=1000, **filters).failed


@pytest.mark.parametrize(
    "filters",
    [
        {"instance_ids": [0], "state": "absent"},
        {"name": "web", "state": "absent"},
        {"name": "web-##", "exact_count": 0},
        {"count_labels": ["web"], "exact_count": 0},
        {"count_attributes": {"APP": None}, "exact_count": 0},
        {"count_attributes": {"APP": "web"}, "exact_count": 0},
        {"state": "absent", "labels": ["web"]},
    ],
)
def test_what_names_the_vms_to_remove_needs_no_limit(lab, filters):
    assert not lab.run("one_vm", check=True, **filters).failed


def test_a_limit_holds_before_anything_is_done(lab):
    pattern = fleet(lab, 3)
    assert_refused(lab, "one_vm", "2 VMs would be removed", name=pattern, exact_count=1, max_remove=1)
    rules = [{"resources": [kind], "rights": ["use"]} for kind in ("vm", "image", "template")]
    lab.one.group.allocate("bounded")
    assert lab.run("one_acl", group="bounded", rules=rules).changed
    assert_refused(lab, "one_acl", "2 ACL rules would", group="bounded", rules=rules[:1], purge=True, max_remove=1)
    assert_refused(lab, "one_acl", "3 ACL rules would", group="bounded", state="absent", max_remove=2)
    assert lab.run("one_acl", group="bounded", state="absent", max_remove=3).changed
    lab.run("one_group", name="bounded", state="absent")
    lab.run("one_vm", name=pattern, exact_count=0)


def test_what_would_go_with_another_object_is_protected_too(lab):
    image = lab.run("one_image", name=lab.name(), datastore="default", type="datablock", size=8, labels=["protected"])
    template = lab.name()
    lab.run("one_template", name=template, template={"CPU": 1, "DISK": {"IMAGE_ID": image.data["id"]}})
    assert_refused(lab, "one_template", "has the label protected", name=template, state="absent", recursive=True)
    lab.one.template.allocate('NAME="vr" CPU="0.1" MEMORY="64" VROUTER="YES"')
    router, net = lab.name(), {"network": "net"}
    made = lab.run("one_vrouter", name=router, nics=[net], vm_template="vr", vm_count=1, vm_hold=True)
    vm = made.data["vms"][0]
    lab.one.vm.update(vm, 'LABELS="protected"', 1)
    assert_refused(lab, "one_vrouter", "has the label protected", name=router, state="absent")
    for module, name in (("one_template", template), ("one_vrouter", router)):
        assert lab.run(module, name=name, state="absent", protected_label="").changed


@given(st.text("aAbB ,", max_size=9), st.text("aAbB ", max_size=3))
def test_a_label_protects_whatever_its_case_and_place(labels, protected):
    class Item:
        ID, NAME, TEMPLATE, LOCK = 1, "x", {"LABELS": labels}, None

    there = {one.strip().lower() for one in labels.split(",")} - {""}
    protects = guard.forbids(Item(), protected) is not None
    assert protects == (protected.strip().lower() in there)


@given(st.lists(st.text(min_size=1), max_size=30), st.none() | st.integers(0, 30))
def test_a_limit_is_a_number_that_may_be_reached_and_not_passed(names, limit):
    if limit is not None and len(names) > limit:
        with pytest.raises(Failure, match="max_remove is %d" % limit):
            guard.refuse_many("objects", names, limit)
    else:
        guard.refuse_many("objects", names, limit)
