# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A check run fails because of quotas where the run would, and nowhere else.

Each row was run on OpenNebula 7.4.0 and 6.10.5 too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneFlow
from modules import Lab
from services import role

SMALL = {"cpu": 0.5, "memory": "64"}
FS = {"TYPE": "fs", "SIZE": 10, "FORMAT": "raw"}
OS, NET = {"disks": [{"image": "os"}]}, {"networks": [{"network": "net"}]}
VOLATILE = {"disks": [FS]}
BLOCK = {"datastore": "default", "type": "datablock"}
SCRATCH = ("one_vm", SMALL)
FROM_TEMPLATE = ("one_vm", {"template": "tpl"})
AUTO = {**SMALL, "extra_template": {"NIC": {"NETWORK_MODE": "auto"}}}
RESERVED = ("one_vnet", {"reserved_from": "net", "size": 4})
Row = tuple[str, tuple[str, dict[str, Any]], str]
# Quotas (of the user alice; with "group " before them those of her group, with "default " the defaults of users), what
# alice does, and words of the refusal; without words it is allowed.
CREATED: list[Row] = [
    ("", SCRATCH, ""),
    ("VM=[VMS=0]", SCRATCH, "it needs VMS 1 more, but user alice has a quota of 0 and uses 0"),
    ("VM=[VMS=1]", SCRATCH, ""),
    ("VM=[VMS=-2]", SCRATCH, ""),
    ("default VM=[VMS=0]", SCRATCH, "VMS 1 more, but user alice has a quota of 0"),
    ("default VM=[VMS=0] own VM=[VMS=-2]", SCRATCH, ""),
    ("default VM=[VMS=0] own VM=[VMS=1]", SCRATCH, ""),
    ("default VM=[VMS=1] own VM=[CPU=0.4]", SCRATCH, "CPU 0.5 more, but user alice has a quota of 0.4"),
    ("group VM=[MEMORY=63]", SCRATCH, "MEMORY 64 more, but group quotas has a quota of 63"),
    ("group VM=[MEMORY=64]", SCRATCH, ""),
    ("VM=[RUNNING_VMS=0]", SCRATCH, "RUNNING_VMS 1 more"),
    ("VM=[RUNNING_VMS=0]", ("one_vm", {**SMALL, "vm_start_on_hold": True}), "RUNNING_VMS 1 more"),
    ("VM=[RUNNING_CPU=0.4]", SCRATCH, "RUNNING_CPU 0.5 more"),
    ("VM=[RUNNING_MEMORY=63]", SCRATCH, "RUNNING_MEMORY 64 more"),
    ("VM=[CPU=0.5,MEMORY=64,RUNNING_CPU=0.5,RUNNING_MEMORY=64,SYSTEM_DISK_SIZE=0]", SCRATCH, ""),
    ("VM=[SYSTEM_DISK_SIZE=9]", ("one_vm", {**SMALL, **VOLATILE}), "SYSTEM_DISK_SIZE 10 more"),
    ("VM=[SYSTEM_DISK_SIZE=10]", ("one_vm", {**SMALL, **VOLATILE}), ""),
    ("VM=[SYSTEM_DISK_SIZE=1023]", ("one_vm", {**SMALL, **OS}), "SYSTEM_DISK_SIZE 1024 more"),
    ("VM=[SYSTEM_DISK_SIZE=1024]", ("one_vm", {**SMALL, **OS}), ""),
    ("VM=[SYSTEM_DISK_SIZE=1999]", ("one_vm", {**SMALL, "disks": [{"image": "os", "size": "2000 MB"}]}), "2000 more"),
    ("VM=[SYSTEM_DISK_SIZE=1]", ("one_vm", {**SMALL, "disks": [{"image": "data"}]}), ""),
    ("NETWORK=[ID=0,LEASES=0]", ("one_vm", {**SMALL, **NET}), "LEASES 1 more of virtual network net"),
    ("NETWORK=[ID=0,LEASES=1]", ("one_vm", {**SMALL, **NET}), ""),
    ("NETWORK=[ID=0,LEASES=1]", ("one_vm", {**SMALL, "networks": [{"network": "net"}] * 2}), "LEASES 2 more"),
    ("NETWORK=[ID=0,LEASES=0]", ("one_vm", {**AUTO, "vm_start_on_hold": True}), ""),
    ("IMAGE=[ID=0,RVMS=0]", ("one_vm", {**SMALL, **OS}), "RVMS 1 more of image os"),
    ("IMAGE=[ID=0,RVMS=1]", ("one_vm", {**SMALL, **OS}), ""),
    ("VM=[VMS=0]", FROM_TEMPLATE, "VMS 1 more"),
    ("VM=[CPU=1]", ("one_vm", {"template": "tpl", "cpu": 2}), "CPU 2 more"),
    ("VM=[CPU=2]", ("one_vm", {"template": "tpl", "cpu": 2}), ""),
    ("NETWORK=[ID=0,LEASES=0]", FROM_TEMPLATE, "LEASES 1 more"),
    ("IMAGE=[ID=0,RVMS=0]", FROM_TEMPLATE, "RVMS 1 more"),
    ("DATASTORE=[ID=1,SIZE=1]", ("one_vm", {"template": "tpl", "persistent": True}), "SIZE 1024 more of datastore def"),
    ("DATASTORE=[ID=1,IMAGES=0]", ("one_vm", {"template": "tpl", "persistent": True}), "IMAGES 1 more"),
    ("DATASTORE=[ID=1,IMAGES=1]", ("one_vm", {"template": "tpl", "persistent": True}), ""),
    ("VM=[VMS=2]", ("one_vm", {**SMALL, "name": "f-#", "exact_count": 3}), "they need VMS 3 more"),
    ("VM=[VMS=3]", ("one_vm", {**SMALL, "name": "f-#", "exact_count": 3}), ""),
    ("VM=[CPU=0.3]", ("one_vm", {"cpu": 0.1, "memory": "64", "name": "f-#", "exact_count": 3}), ""),
    ("NETWORK=[ID=0,LEASES=2]", ("one_vm", {"template": "tpl", "name": "f-#", "exact_count": 3}), "LEASES 3 more"),
    ("DATASTORE=[ID=1,SIZE=15]", ("one_image", {**BLOCK, "size": "16 MB"}), "SIZE 16 more of datastore default"),
    ("DATASTORE=[ID=1,SIZE=16]", ("one_image", {**BLOCK, "size": "16 MB"}), ""),
    ("DATASTORE=[ID=1,IMAGES=0]", ("one_image", {**BLOCK, "size": "16 MB"}), "IMAGES 1 more"),
    ("DATASTORE=[ID=1,IMAGES=0]", ("one_image", {"datastore": "default", "path": "/srv/os.img"}), "IMAGES 1 more"),
    ("DATASTORE=[ID=1,IMAGES=0]", ("one_image", {"clone_of": "os"}), "IMAGES 1 more"),
    ("DATASTORE=[ID=1,SIZE=1023]", ("one_image", {"clone_of": "os"}), "SIZE 1024 more"),
    ("DATASTORE=[ID=1,SIZE=1024]", ("one_image", {"clone_of": "os"}), ""),
    ("DATASTORE=[ID=1,IMAGES=0]", ("one_template", {"clone_of": "tpl", "recursive": True}), "IMAGES 1 more"),
    ("DATASTORE=[ID=1,IMAGES=0]", ("one_template", {"clone_of": "tpl"}), ""),
    ("NETWORK=[ID=0,LEASES=3]", RESERVED, "LEASES 4 more of virtual network net"),
    ("NETWORK=[ID=0,LEASES=4]", RESERVED, ""),
    ("NETWORK=[ID=0,LEASES=0]", ("one_vrouter", {"nics": [{"network": "net"}]}), ""),
    ("VM=[VMS=1]", ("one_vrouter", {"nics": [], "vm_template": "router", "vm_count": 2}), "VMS 2 more"),
    ("VM=[VMS=2]", ("one_vrouter", {"nics": [], "vm_template": "router", "vm_count": 2}), ""),
]
# What alice has (state, more options), her quotas then, what she changes, and words of the refusal.
CHANGED: list[tuple[dict[str, Any], str, dict[str, Any], str]] = [
    ({}, "VM=[CPU=1]", {"cpu": 2}, "CPU 1.5 more, but user alice has a quota of 1 and uses 0.5"),
    ({}, "VM=[CPU=2]", {"cpu": 2}, ""),
    ({}, "VM=[MEMORY=10]", {"cpu": 1}, "MEMORY 0 more, but user alice has a quota of 10 and uses 64"),
    ({}, "VM=[MEMORY=10]", {"memory": "32"}, "MEMORY -32 more"),
    ({}, "VM=[VMS=0]", {"cpu": 1}, ""),
    ({"state": "held"}, "VM=[RUNNING_CPU=1]", {"cpu": 2}, "RUNNING_CPU 1.5 more"),
    ({"state": "poweredoff"}, "VM=[RUNNING_CPU=0.6]", {"cpu": 0.7}, ""),
    ({"state": "poweredoff"}, "VM=[RUNNING_CPU=0.6]", {"cpu": 0.7, "state": "running"}, "RUNNING_CPU 0.7 more"),
    ({"state": "poweredoff"}, "VM=[RUNNING_CPU=0.4]", {"cpu": 0.4, "state": "running"}, ""),
    ({"state": "poweredoff"}, "VM=[RUNNING_VMS=0]", {"state": "running"}, "RUNNING_VMS 1 more"),
    ({"state": "poweredoff"}, "VM=[RUNNING_VMS=1]", {"state": "running"}, ""),
    ({"state": "undeployed"}, "VM=[RUNNING_CPU=0.4]", {"state": "running"}, "RUNNING_CPU 0.5 more"),
    ({"state": "running"}, "VM=[RUNNING_VMS=1]", {"state": "poweredoff"}, ""),
    ({"state": "running"}, "IMAGE=[ID=0,RVMS=0]", OS, "RVMS 1 more of image os"),
    ({"state": "running"}, "VM=[SYSTEM_DISK_SIZE=9]", VOLATILE, "SYSTEM_DISK_SIZE 10 more"),
    ({"state": "running"}, "VM=[SYSTEM_DISK_SIZE=10]", VOLATILE, ""),
    ({"state": "running", **OS}, "VM=[SYSTEM_DISK_SIZE=1024]", {**VOLATILE, "purge_disks": True}, ""),
    ({"state": "running"}, "NETWORK=[ID=0,LEASES=0]", NET, "LEASES 1 more of virtual network net"),
    ({"state": "running"}, "NETWORK=[ID=0,LEASES=1]", NET, ""),
    (
        {"state": "poweredoff", **VOLATILE},
        "VM=[SYSTEM_DISK_SIZE=11]",
        {"disks": [{"DISK_ID": 0, "size": "20 MB"}]},
        "SYSTEM_DISK_SIZE 10 more",
    ),
]
# Quotas, roles of a new service (its template has the role web with one VM of the template tpl), words of the refusal.
WEB, DB = {"name": "web"}, {"name": "db", "template": "tpl"}
SERVICES: list[tuple[str, list[dict[str, Any]], str]] = [
    ("VM=[VMS=0]", [], "VMS 1 more"),
    ("VM=[VMS=1]", [], ""),
    ("VM=[VMS=2]", [{**WEB, "cardinality": 3}], "VMS 3 more"),
    ("VM=[VMS=3]", [{**WEB, "cardinality": 3}], ""),
    ("VM=[VMS=3]", [WEB, {**DB, "cardinality": 3}], "VMS 4 more"),
    ("VM=[VMS=4]", [WEB, {**DB, "cardinality": 3}], ""),
    ("VM=[CPU=1]", [{**WEB, "template_contents": {"CPU": 2}}], "CPU 2 more"),
    ("VM=[CPU=2]", [{**WEB, "template_contents": {"CPU": 2}}], ""),
    ("NETWORK=[ID=0,LEASES=0]", [], "LEASES 1 more of virtual network net"),
    ("VM=[VMS=0]", [{**WEB, "cardinality": 0}], ""),
]
METRICS = {
    "VM": "VMS RUNNING_VMS CPU RUNNING_CPU MEMORY RUNNING_MEMORY SYSTEM_DISK_SIZE".split(),
    "DATASTORE": ["SIZE", "IMAGES"],
    "NETWORK": ["LEASES"],
    "IMAGE": ["RVMS"],
}
SERVICE = 100  # the type of documents that are services
KEYS = {"VM": "", "DATASTORE": "ID=1,", "NETWORK": "ID=0,", "IMAGE": "ID=0,"}


def limits(number: int, given: str = "") -> str:
    """A quota template with every metric, as 6.10.5 needs it: a limit for those that are not given."""
    element, dummy, members = given.removesuffix("]").partition("=[")
    named = dict(one.split("=") for one in members.split(",") if one)
    return "\n".join(
        f"{name}=[{KEYS[name]}"
        + ",".join(f"{metric}={named.get(metric, number) if name == element else number}" for metric in metrics)
        + "]"
        for name, metrics in METRICS.items()
        if number == -1 or name == "VM"
    )


TWO = {"networks": [{"network": "tiny"}] * 2}
# What a VM has of the network tiny, which has two free addresses; what is done, and words of the refusal.
ADDRESSES: list[tuple[dict[str, Any] | None, dict[str, Any], str]] = [
    (None, TWO, ""),
    (None, {"networks": [{"network": "tiny"}] * 3}, "it needs 3 addresses of virtual network tiny (free: 2)"),
    (None, {"networks": [{"network": "tiny"}], "count": 2}, ""),
    (None, {"networks": [{"network": "tiny"}], "count": 3}, "they need 3 addresses of virtual network tiny (free"),
    (None, {**TWO, "count": 2}, "they need 4 addresses of virtual network tiny (free: 2)"),
    (None, {"networks": [{"network": "net"}, {"network": "tiny"}], "count": 3}, "they need 3 addresses of"),
    ({}, TWO, ""),
    ({}, {"networks": [{"network": "tiny"}] * 3}, "it needs 3 addresses of virtual network tiny (free: 2)"),
    (TWO, {"networks": [{"network": "net"}, {"network": "tiny"}], "purge_networks": True}, ""),
]


class Tenant:
    """alice of the group quotas, who may use what there is; `lab` runs modules as her."""

    def __init__(self, lab: Lab) -> None:
        one = lab.one
        self.one, self.admin = one, lab
        self.group = one.group.allocate("quotas")
        self.user = one.user.allocate("alice", "secret", "core", [self.group])
        one.acl.addrule(f"0x{0x200000000 + self.group:x}", "0x542D400000000", "0x8")
        one.image.allocate('NAME="data" PATH="/srv/data.img" TYPE="OS" PERSISTENT="YES"', 1)
        one.template.allocate('NAME="router" CPU="0.5" MEMORY="64" VROUTER="YES"')
        for kind in (one.image, one.template, one.vn):
            for oid in (0, 1) if kind is not one.vn else (0,):
                kind.chmod(oid, *[-1] * 6, 1, 0, 0)
        one.datastore.chmod(1, *[-1] * 6, 1, 0, 0)
        self.lab = replace(lab, session="alice:secret")
        with OneFlow(lab.flow_url, session=self.lab.session) as flow:
            flow.create({"name": "stack", "roles": [role(one.system.version())]})

    def limit(self, text: str) -> None:
        """Sets quotas as a row says; what it does not name is not limited."""
        default, dummy, own = text.removeprefix("default ").partition(" own ") if "default" in text else ("", "", text)
        group, user = (own.removeprefix("group "), "") if own.startswith("group ") else ("", own)
        self.one.user.quota(self.user, limits(-1, user))
        self.one.group.quota(self.group, limits(-1, group))
        self.one.userquota.update(limits(-2, default))

    def clean(self) -> None:
        """Removes what alice has."""
        mine = {
            pool: [item.ID for item in getattr(self.one.call(f"{pool}pool.info", self.user, -1, -1, *more), items)]
            for pool, items, more in (("vrouter", "VROUTER", ()), ("vm", "VM", (-1,)))
        }
        for service in self.one.documentpool.info(self.user, -1, -1, SERVICE).DOCUMENT:
            self.one.document.delete(service.ID)
        for oid in mine["vrouter"]:
            self.one.vrouter.delete(oid)
        for oid in mine["vm"]:
            self.one.vm.recover(oid, 3)
        for kind, items in (("template", "VMTEMPLATE"), ("image", "IMAGE"), ("vn", "VNET")):
            for item in getattr(self.one.call(f"{kind}pool.info", self.user, -1, -1), items):
                self.one.call(f"{kind}.delete", item.ID)


@pytest.fixture(scope="module")
def tenant(lab: Lab) -> Tenant:
    return Tenant(lab)


@pytest.fixture
def alice(tenant: Tenant) -> Iterator[Tenant]:
    yield tenant
    tenant.limit("")
    tenant.clean()


def compared(lab: Lab, module: str, options: dict[str, Any], words: str) -> None:
    """A check run and a run fail together, and for what the row says; a check run writes nothing."""
    planned, first = (lab.run(module, check=check, **options) for check in (True, False))
    assert planned.failed == first.failed, (planned.message, first.message)
    assert planned.failed == bool(words), first.message
    assert planned.writes == []
    assert words in planned.message
    if words:
        assert "quota" in first.message, first.message


@pytest.mark.parametrize(("quotas", "act", "words"), CREATED)
def test_what_is_created(alice: Tenant, quotas: str, act: tuple[str, dict[str, Any]], words: str) -> None:
    alice.limit(quotas)
    module, options = act
    compared(alice.lab, module, {"name": alice.lab.name(), **options}, words)


@pytest.mark.parametrize(("present", "quotas", "change", "words"), CHANGED)
def test_what_is_changed(
    alice: Tenant, present: dict[str, Any], quotas: str, change: dict[str, Any], words: str
) -> None:
    name = alice.lab.name()
    made = alice.lab.run("one_vm", name=name, **SMALL, **present)
    assert not made.failed, made.message
    alice.limit(quotas)
    compared(alice.lab, "one_vm", {"name": name, "allow_poweroff": True, **change}, words)


@pytest.mark.parametrize(("quotas", "roles", "words"), SERVICES)
def test_services(alice: Tenant, quotas: str, roles: list[dict[str, Any]], words: str) -> None:
    alice.limit(quotas)
    name = alice.lab.name()
    compared(alice.lab, "one_service", {"name": name, "template": "stack", "roles": roles}, words)
    assert alice.one.vmpool.info(alice.user, -1, -1, -1).VM or words or roles == [{**WEB, "cardinality": 0}]


def test_a_service_that_is_scaled(alice: Tenant) -> None:
    """By whom, does not matter: the owner pays. A run of an administrator asks for no quotas, and fails half way."""
    name = alice.lab.name()
    made = alice.lab.run("one_service", name=name, template="stack")
    assert not made.failed, made.message
    alice.limit("VM=[VMS=2]")
    many, more = ({"name": name, "roles": [{**WEB, "cardinality": number}]} for number in (3, 2))
    compared(alice.lab, "one_service", many, "VMS 2 more, but user alice")
    assert "VMS 2 more, but user alice" in alice.admin.run("one_service", check=True, **many).message
    compared(alice.admin, "one_service", more, "")


def test_a_role_that_fails_behind_others(alice: Tenant) -> None:
    """OneFlow of both releases leaves the service in state DEPLOYING for ever."""
    release = alice.one.system.version()
    roles = [{**role(release), "name": "first"}, {**role(release), "name": "then", "parents": ["first"]}]
    alice.limit("VM=[VMS=1]")
    with OneFlow(alice.lab.flow_url, session=alice.lab.session) as flow:
        template = flow.create({"name": alice.lab.name(), "deployment": "straight", "roles": roles})
        name = flow.instantiate(template.ID, {"name": alice.lab.name()}).NAME
    done = alice.lab.run("one_service", name=name, wait_timeout=20)
    assert done.failed
    assert "has failed: it is in state DEPLOYING; Role then : Instantiate failed" in done.message
    alice.limit("")
    done = alice.lab.run("one_service", name=name, state="recovered")
    assert (done.failed, done.data["state"]) == (False, "RUNNING"), done.message


def test_a_fleet_is_refused_before_its_first_vm(alice: Tenant) -> None:
    alice.limit("VM=[VMS=2]")
    done = alice.lab.run("one_vm", name="f-#", exact_count=3, **SMALL)
    assert (done.failed, done.writes) == (True, [])


def test_who_gets_a_vm_pays_for_it(alice: Tenant) -> None:
    alice.limit("VM=[VMS=0]")
    options = {"name": alice.lab.name(), **SMALL, "owner": "alice"}
    planned, first = (alice.admin.run("one_vm", check=check, **options) for check in (True, False))
    assert planned.failed and first.failed
    assert "VMS 1 more, but user alice has a quota of 0" in planned.message
    alice.one.vm.recover(first.data["id"], 3)


def test_a_vm_that_is_given_away(alice: Tenant) -> None:
    alice.limit("group VM=[CPU=0.4]")
    name = alice.lab.name()
    made = alice.admin.run("one_vm", name=name, **SMALL)
    options = {"name": name, "group": "quotas"}
    planned, first = (alice.admin.run("one_vm", check=check, **options) for check in (True, False))
    alice.one.vm.recover(made.data["instances_ids"][0], 3)
    assert planned.failed and first.failed
    assert "CPU 0.5 more, but group quotas has a quota of 0.4" in planned.message


def test_the_administrator_is_not_asked_for(alice: Tenant) -> None:
    """Nor is anybody in a run that creates one VM, which the server refuses as a whole, or nothing."""
    name = alice.lab.name()
    runs = [
        alice.admin.run("one_vm", check=True, name=name, **SMALL),
        alice.lab.run("one_vm", name=name, **SMALL),
        alice.lab.run("one_vm", check=True, name=name, **SMALL),
    ]
    assert not any(call in ("one.user.info", "one.group.info") for one in runs for call in one.data["calls"])


@pytest.fixture
def tiny(lab: Lab) -> Iterator[Lab]:
    """An administrator of a cloud with the network tiny."""
    made = lab.one.vn.allocate('NAME="tiny" VN_MAD="dummy" BRIDGE="br9" AR=[TYPE="IP4",IP="10.9.0.1",SIZE="2"]', 0)
    yield lab
    for vm in lab.one.vmpool.info(-2, -1, -1, -1).VM:
        lab.one.vm.recover(vm.ID, 3)
    lab.one.vn.delete(made)


@pytest.mark.parametrize(("present", "change", "words"), ADDRESSES)
def test_addresses_are_counted(tiny: Lab, present: dict[str, Any] | None, change: dict[str, Any], words: str) -> None:
    """A fleet is refused before its first VM."""
    name = tiny.name()
    if present is not None:
        made = tiny.run("one_vm", name=name, state="running", **SMALL, **present)
        assert not made.failed, made.message
    options = {"name": name, **SMALL, "state": "running", **change}
    if "count" in options:
        options.update(name=name + "-#", exact_count=options.pop("count"))
    planned, first = (tiny.run("one_vm", check=check, **options) for check in (True, False))
    assert planned.failed == first.failed == bool(words), (planned.message, first.message)
    assert words in planned.message
    assert planned.writes == []
    if "exact_count" in options and words:
        assert first.writes == []
