# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Guards: no module removes or replaces what is protected or locked, in a check run or not; a limit holds before."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
import rights
import yaml
from ansible_collections.privazio.opennebula.plugins.action import one_cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core import guard
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import BY_PREFIX
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import prune
from hypothesis import given
from hypothesis import strategies as st
from kinds import SUBJECTS
from modules import PLUGINS, Lab, assert_refused
from project import ROOT

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


# ---------------------------------------------------------------- what removes more than one object

# What an option that removes something removes, by the words of its documentation; for each choice of `state` and
# `operation`, too. Objects that are removed for what they have in common need LIMIT; those that belong to another one
# (WITH) have the label or the lock that protects them; NAMED is one object, which the label protects; PARTS are of one
# object, and no object is removed.
LIMIT, WITH, NAMED, PARTS = "max_remove", "protected", "one object", "parts"
BOUNDS = {
    LIMIT: """one_acl.state=absent one_acl.purge one_cloud.state=absent one_cloud.prune one_cloud.prune_where
        one_vm.state=absent one_vm.exact_count one_vm.remove one_vm.replace_failed
        one_acl.max_remove one_cloud.max_remove one_vm.max_remove""",
    WITH: """one_service.state=absent one_service.replace_failed one_service.cardinality one_service.roles
        one_service.purge_roles one_service.role_action one_service_template.recursive
        one_template.recursive one_vm.remove_images one_vrouter.state=absent one_vrouter.vm_count
        one_service.force""",
    NAMED: """one_backupjob.state=absent one_cluster.state=absent one_datastore.state=absent one_document.state=absent
        one_group.state=absent one_hook.state=absent one_host.state=absent one_image.state=absent one_image.force
        one_marketapp.state=absent one_marketplace.state=absent one_security_group.state=absent
        one_service_template.state=absent one_template.state=absent one_user.state=absent one_vdc.state=absent
        one_vm_group.state=absent one_vm_recover.operation=delete one_vm_recover.operation=delete_db
        one_vm_recover.operation=recreate one_vm_recover.force one_vnet.state=absent one_vnet.force
        one_vntemplate.state=absent one_zone.state=absent""",
    PARTS: """one_backupjob.purge_schedules one_backupjob.purge_vms one_backupjob.keep_last one_cluster.purge
        one_datastore.purge_clusters one_group.purge_admins one_group.purge_quotas
        one_image.snapshots one_quota_defaults.purge_quotas one_security_group.purge_rules
        one_service_template.purge_roles one_user.purge_groups
        one_user.purge_quotas one_user.ssh_public_key one_vdc.groups one_vdc.purge one_vdc.remove_groups
        one_vm.purge_disks one_vm.purge_networks one_vm_backup.keep_last
        one_vm_group.affined one_vm_group.anti_affined one_vm_group.purge_roles one_vm_schedule.purge_schedules
        one_vm_schedule.schedules one_vm_snapshot.keep one_vm_snapshot.state=absent one_vm_snapshot.state=reverted
        one_vnet.purge_address_ranges one_vnet.purge_clusters one_vnet.purge_held one_vnet.security_groups
        one_vrouter.purge_nics one_zone.purge_servers one_zone.servers
        one_service_template.roles one_user.group one_vm_group.roles""",
}
BOUND = {option: bound for bound, options in BOUNDS.items() for option in options.split()}
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("one_*.py") if not path.stem.endswith("_info"))
REMOVES = re.compile(
    r"\b(remov|delet|terminat|purg|prun|destroy|discard|replac|surplus|undeclared|leave[sd]? .*groups?)|"
    r"^(purge|prune|keep|exact|remove|recursive|force|max_remove|cardinality|role_action|vm_count|roles|snapshots)",
    re.IGNORECASE,
)
KEEPS = {"present", "enabled", "disabled", "offline", "cloned", "renamed", "exported", "running", "held", "recovered"}
KEEPS |= {"poweredoff", "suspended", "stopped", "undeployed", "rebooted", "taken", "configured", "restored"}
KEEPS |= {"executed", "repeated", "cancelled", "retry", "success", "failure"}
# Options with a word of removing that remove nothing themselves.
HARMLESS = set(
    """one_cloud.parallel one_cluster.plan one_host.evacuate one_host.wait one_service_template.automatic_deletion
    one_service_template.template_mode one_vm.context one_vm.hard one_vm.persistent one_vm.start_script
    one_vnet.size""".split()
)


def removing() -> set[str]:
    """The options of all modules that may remove something, as their documentation says."""
    found = set()
    for name in MODULES:
        module = importlib.import_module(f"{PLUGINS}.modules.{name}")
        documented = yaml.safe_load(module.DOCUMENTATION).get("options") or {}
        for option, spec in {**getattr(module, "OPTIONS", {}), **documented}.items():
            choices = spec.get("choices") if option in ("state", "operation") else None
            if choices:
                found |= {f"{name}.{option}={choice}" for choice in set(choices) - KEEPS}
            elif REMOVES.search(option) or REMOVES.search(str(spec.get("description", ""))):
                found.add(f"{name}.{option}")
    return found - HARMLESS


def test_whatever_removes_something_has_a_bound():
    assert removing() == BOUND.keys()


TRIED: dict[str, Callable[[Lab], None]] = {}


def tries(*options: str) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """A function that tries the bound of some options."""

    def note(function: Callable[[Lab], None]) -> Callable[[Lab], None]:
        TRIED.update(dict.fromkeys(options, function))
        return function

    return note


@tries("one_vm.state=absent", "one_vm.exact_count", "one_vm.remove", "one_vm.max_remove", "one_vm.replace_failed")
def vms_are_limited(lab: Lab) -> None:
    pattern = fleet(lab, 3)
    ids = [vm.ID for vm in lab.one.vmpool.info(-2, -1, -1, -1).VM if pattern.strip("#") in vm.NAME]
    assert_refused(lab, "one_vm", "3 VMs would be", "max_remove is 2", instance_ids=ids, state="absent", max_remove=2)
    less = {"exact_count": 1, "remove": "oldest"}
    assert_refused(lab, "one_vm", "2 VMs would be", "max_remove is 1", name=pattern, max_remove=1, **less)
    for oid in ids:
        lab.one.vm.action("release", oid)
    lab.cloud.events.failures.append(("deploy", "vm-*"))
    for dummy in ids:
        lab.one.vmpool.info(-2, -1, -1, -1)
    lab.cloud.events.failures.clear()
    failed = {"exact_count": 3, "replace_failed": True, "cpu": 0.1, "memory": "8"}
    assert_refused(lab, "one_vm", "VMs would be", "max_remove is 0", name=pattern, max_remove=0, **failed)
    assert_refused(lab, "one_vm", "fits too many", name="##", **failed)
    assert lab.run("one_vm", instance_ids=ids, state="absent", max_remove=3).changed


@tries("one_acl.state=absent", "one_acl.purge", "one_acl.max_remove")
def rules_are_limited(lab: Lab) -> None:
    rules = [{"resources": [kind], "rights": ["use"]} for kind in ("vm", "image", "template")]
    lab.one.group.allocate("limited")
    assert lab.run("one_acl", group="limited", rules=rules).changed
    assert_refused(lab, "one_acl", "max_remove is 1", group="limited", rules=rules[:1], purge=True, max_remove=1)
    assert_refused(lab, "one_acl", "max_remove is 2", group="limited", state="absent", max_remove=2)
    assert lab.run("one_acl", group="limited", state="absent", max_remove=3).changed


class Removed(NamedTuple):
    """An object of a plan that goes."""

    action: str = "remove"

    def told(self) -> dict[str, str]:
        return {"kind": "vm", "name": "web"}


@tries("one_cloud.state=absent", "one_cloud.prune", "one_cloud.prune_where", "one_cloud.max_remove")
def objects_of_documents_are_limited(lab: Lab) -> None:
    plan = SimpleNamespace(objects=[Removed(), Removed(), Removed("create")])
    with pytest.raises(Failure, match="max_remove is 1"):
        one_cloud.refuse_too_many(plan, 1)
    one_cloud.refuse_too_many(plan, 2)
    for everything in ("*", "?*", "**", "*[!~]*", "[!~]*"):
        with pytest.raises(Failure, match="fits every name"):
            prune.refuse_unbounded(["hosts"], {"name": everything})
    with pytest.raises(Failure, match="has to name an owner"):
        prune.refuse_unbounded(["hosts"], {"name": None})
    with pytest.raises(Failure, match="is empty"):
        prune.refuse_unbounded(["hosts"], {"owner": " "})
    prune.refuse_unbounded(["hosts"], {"name": "web-*"})


@tries("one_template.recursive", "one_service_template.recursive")
def what_templates_name_is_protected(lab: Lab) -> None:
    image = lab.run("one_image", name=lab.name(), datastore="default", type="datablock", size=8, labels=["protected"])
    name = lab.name()
    lab.run("one_template", name=name, template={"CPU": 1, "MEMORY": 8, "DISK": {"IMAGE_ID": image.data["id"]}})
    assert lab.run("one_service_template", name=name, roles=[{"name": "web", "template": name}]).changed
    gone = {"name": name, "state": "absent"}
    assert_refused(lab, "one_template", "has the label protected", recursive=True, **gone)
    assert_refused(lab, "one_service_template", "No image", "has the label protected", recursive="all", **gone)
    lab.run("one_template", name=name, labels=["protected"])
    assert_refused(lab, "one_service_template", "No VM template", "has the label", recursive="templates", **gone)
    assert lab.run("one_service_template", recursive="all", protected_label="", **gone).changed


ENDINGS_OF_SERVICES = {
    "one_service.state=absent": {"state": "absent"},
    "one_service.cardinality": {"role": "web", "cardinality": 0},
    "one_service.force": {"role": "web", "cardinality": 0, "force": True},
    "one_service.roles": {"roles": [{"name": "web", "cardinality": 0}]},
    "one_service.purge_roles": {"roles": [{"name": "web"}], "purge_roles": True},
    "one_service.role_action": {"role_action": {"action": "terminate", "role": "web"}},
}


@tries(*ENDINGS_OF_SERVICES)
def vms_of_services_are_protected(lab: Lab) -> None:
    oid = rights.service(lab, lab.name())
    cache = [{"name": "cache", "template": "tpl", "cardinality": 1}]
    assert lab.run("one_service", id=oid, roles=cache).changed
    roles = lab.run("one_service_info", id=oid).data["services"][0]["roles"]
    for vm in [vm for role in roles for vm in role["ids"]]:
        lab.one.vm.update(vm, 'LABELS="protected"', 1)
    for options in ENDINGS_OF_SERVICES.values():
        assert_refused(lab, "one_service", "No VM is removed", "has the label protected", id=oid, **options)
        assert not lab.run("one_service", check=True, id=oid, protected_label="", **options).failed
    assert lab.run("one_service", id=oid, role="web", cardinality=2).changed
    assert lab.run("one_service", id=oid, state="absent", protected_label="").changed


@tries("one_service.replace_failed")
def vms_of_failed_services_are_protected(lab: Lab) -> None:
    name = lab.name()
    oid = rights.failed_service(lab, name)
    vm = lab.run("one_service_info", id=oid).data["services"][0]["roles"][0]["ids"][0]
    lab.one.vm.update(vm, 'LABELS="protected"', 1)
    again = {"name": name, "template": "shop", "state": "running", "replace_failed": True, "wait_timeout": 20}
    assert_refused(lab, "one_service", "No VM is removed", "has the label protected", **again)


@tries("one_vrouter.state=absent", "one_vrouter.vm_count")
def vms_of_routers_are_protected(lab: Lab) -> None:
    lab.one.template.allocate('NAME="guarded" CPU="0.1" MEMORY="64" VROUTER="YES"')
    name = lab.name()
    made = lab.run("one_vrouter", name=name, nics=[{"network": "net"}], vm_template="guarded", vm_count=2, vm_hold=True)
    for vm in made.data["vms"]:
        lab.one.vm.update(vm, 'LABELS="protected"', 1)
    assert_refused(lab, "one_vrouter", "has the label protected", name=name, state="absent")
    assert_refused(lab, "one_vrouter", "has the label protected", name=name, vm_count=1)
    assert lab.run("one_vrouter", name=name, state="absent", protected_label="").changed


@tries("one_vm.remove_images")
def copies_of_images_are_protected(lab: Lab) -> None:
    name = lab.name()
    made = lab.run("one_vm", name=name, template="tpl", persistent=True, state="held")
    assert made.changed, made.message
    copy = next(image for image in lab.one.imagepool.info(-2, -1, -1).IMAGE if image.NAME.startswith(name))
    lab.one.image.update(copy.ID, 'LABELS="protected"', 1)
    gone = {"name": name, "state": "absent", "remove_images": True}
    done = lab.run("one_vm", **gone)
    assert done.failed and "has the label protected" in done.message
    assert lab.one.image.info(copy.ID).NAME == copy.NAME


def test_the_page_names_each_module_that_removes_more_than_one_object():
    page = (ROOT / "docs/docsite/rst/security.rst").read_text()
    bounds = page.partition("Ways to remove more than one object")[2].partition("Rights of each module")[0]
    assert {option.partition(".")[0] for option in TRIED} <= set(re.findall(r"``(one_\w+)``", bounds))


def test_each_bound_is_tried():
    assert TRIED.keys() == {option for option, bound in BOUND.items() if bound in (LIMIT, WITH)}


@pytest.mark.parametrize("bound", dict.fromkeys(TRIED.values()), ids=lambda function: function.__name__)
def test_a_bound_holds(lab, bound):
    bound(lab)


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
