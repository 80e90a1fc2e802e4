# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VMs as modules return them, and which of them one_vm_info returns."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import info
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import record as records
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.selection import IN_POOL
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneInternalException
from fake_vms import Element, cloud, infoset, record, refusal, vm

RIGHTS = {f"{who}_{right}": 1 if who == "OWNER" else 0 for who in ("OWNER", "GROUP", "OTHER") for right in "UMA"}
DISK = {"DISK_ID": "0", "IMAGE": "os", "SIZE": "1024"}
NIC = {"NIC_ID": "0", "NETWORK": "net", "IP": "10.0.0.1", "MAC": "02:00", "SECURITY_GROUPS": "0"}
ALIAS = {"NIC_ID": "1", "PARENT": "NIC0", "NETWORK": "net2", "IP6": "fe80::1", "IP6_GLOBAL": "2001:db8::1"}
ITEM = vm(
    UNAME="alice",
    GNAME="users",
    PERMISSIONS=Element(**RIGHTS),
    LOCK=Element(LOCKED=2),
    history=(record(3, "old"), record(1, "node1")),
    TEMPLATE={
        "CPU": "0.5",
        "VCPU": "2",
        "MEMORY": "512",
        "VCPU_MAX": "4",
        "MEMORY_MAX": "2048",
        "TEMPLATE_ID": "9",
        "DISK": [DISK, {"DISK_ID": "1", "TYPE": "swap"}],
        "NIC": NIC,
        "NIC_ALIAS": [ALIAS],
        "OS": {"BOOT": "disk0"},
        "GRAPHICS": [{"TYPE": "VNC"}, {"TYPE": "SPICE"}],
        "VMGROUP": {"VMGROUP_ID": "5", "ROLE": "web"},
    },
    USER_TEMPLATE={"LABELS": "a, b", "ROLE": "db", "ERROR": "No memory."},
    BACKUPS=Element(BACKUP_CONFIG=Element(KEEP_LAST=3, MODE="FULL", LAST_DATASTORE_ID=100)),
)
RECORD = {
    "user_id": 2,
    "user_name": "alice",
    "group_id": 1,
    "group_name": "users",
    "owner": "alice",
    "group": "users",
    "mode": "700",
    "lock": "manage",
    "id": 7,
    "name": "db",
    "status": "running",
    "cpu": 0.5,
    "vcpu": 2,
    "memory": 512,
    "vcpu_max": 4,
    "memory_max": 2048,
    "updateconf": {
        "OS": {"BOOT": "disk0"},
        "GRAPHICS": {"TYPE": "VNC"},
        "BACKUP_CONFIG": {"KEEP_LAST": 3, "MODE": "FULL"},
    },
    "vm_group": {"group": 5, "role": "web"},
    "attributes": {"LABELS": "a,b", "ROLE": "db", "ERROR": "No memory."},
    "labels": ["a", "b"],
    "disks": [DISK, {"DISK_ID": "1", "TYPE": "swap"}],
    "networks": [NIC],
    "nic_aliases": [ALIAS],
}


def test_a_vm_is_read_in_the_words_of_the_options():
    assert records.read(None, ITEM) == RECORD


def test_a_vm_that_tells_little_is_read_too():
    found = records.read(None, vm("HOLD", TEMPLATE=None, USER_TEMPLATE=None))
    sizes = {"cpu": 0.0, "vcpu": 1, "memory": 0, "vcpu_max": 0, "memory_max": 0}
    empty = {"updateconf": {}, "vm_group": {}, "attributes": {}, "labels": [], "disks": [], "networks": []}
    for name, value in {**sizes, **empty, "nic_aliases": [], "mode": None, "lock": "none", "status": "held"}.items():
        assert found[name] == value, name
    assert records.read(None, vm(TEMPLATE={"VMGROUP": {"VMGROUP_ID": "5"}}))["vm_group"] == {"group": 5, "role": ""}


@pytest.mark.parametrize(
    ("text", "form", "number"),
    [("2", int, 2), ("2.5", int, 2), ("0.25", float, 0.25), ("x", int, 0), ("x", float, 0.0), ("inf", int, 0)],
)
def test_numbers_of_templates(text, form, number):
    found = records.number({"A": text}, "A", form)
    assert (found, type(found)) == (number, form)
    assert records.number({}, "A") == 0


def test_a_vm_as_modules_return_it(monkeypatch):
    monkeypatch.setattr(records.time, "time", lambda: 1000 + 2 * 3600)
    found = records.instance(ITEM, RECORD)
    networks = [
        {"nic_id": 0, "name": "net", "ip": "10.0.0.1", "ip6": None, "mac": "02:00", "security_groups": "0"},
    ]
    aliases = [
        {"nic_id": 1, "name": "net2", "ip": None, "ip6": "2001:db8::1", "mac": None, "security_groups": ""},
    ]
    assert found == {
        **RECORD,
        "vm_id": 7,
        "vm_name": "db",
        "state": "ACTIVE",
        "lcm_state": "RUNNING",
        "owner_id": 2,
        "owner_name": "alice",
        "template_id": 9,
        "host": "node1",
        "memory": "512 MB",
        "disk_size": ["1024 MB"],
        "networks": networks,
        "nic_aliases": aliases,
        "uptime_h": 2,
        "error": "No memory.",
    }


@pytest.mark.parametrize(("seconds", "hours"), [(3599, 0), (3600, 1), (7199, 1)])
def test_hours_that_have_passed_since_the_start(monkeypatch, seconds, hours):
    monkeypatch.setattr(records.time, "time", lambda: 1000 + seconds)
    assert records.instance(ITEM, RECORD)["uptime_h"] == hours


def test_what_a_vm_does_not_have_is_none():
    item = vm("HOLD", STIME=0)
    found = records.instance(item, records.read(None, item))
    assert [found[name] for name in ("template_id", "host", "error", "uptime_h")] == [None, None, None, 0]
    assert records.network({"NIC_ID": "2", "IP6": "fe80::1"})["ip6"] == "fe80::1"


# ---------------------------------------------------------------- one_vm_info

ALL = (
    vm("RUNNING", 1, "web", history=(record(0, "node0", cluster=4),), UNAME="a", USER_TEMPLATE={"LABELS": "x"}),
    vm("POWEROFF", 3, "db", history=(record(5, "node5"),), UID=9, UNAME="b", USER_TEMPLATE={"PORT": "80"}),
    vm("HOLD", 2, "waits", GID=8, GNAME="g", USER_TEMPLATE={"LABELS": "x,y"}),
    vm("DONE", 4, "old"),
)
CLUSTERS = [Element(ID=0, NAME="default"), Element(ID=4, NAME="east")]
NOTHING = dict.fromkeys("ids name labels attributes states host cluster owner group".split())


class VM_POOL(Element):  # noqa: N801 -- as the bindings call it
    """What one.vmpool.info answers; how many a page has is told by the name of the class."""


def pooled(start):
    """The answer to one.vmpool.info: all VMs on the first page."""
    return lambda flag, first, last, state, *rest: VM_POOL(
        VM=[one for one in ALL if one.STATE != 6 or state == -2] if first <= start else []
    )


def listed(full=False, page=10, check=False, **options):
    here = cloud(
        check,
        vmpool_info=pooled(0),
        vmpool_infoextended=pooled(0),
        vmpool_infoset=infoset(ALL),
        clusterpool_info=CLUSTERS,
    )
    found = info.instances(here, {**NOTHING, **options, "full": full, "page": page})
    return [one["id"] for one in found], here.one.calls


SELECTED = [  # options, ids of the VMs
    ({}, [1, 2, 3]),
    ({"ids": [3, 1, 3, 99]}, [1, 3]),
    ({"ids": []}, []),
    ({"name": "db"}, [3]),
    ({"name": "~[dw]"}, [1, 2, 3]),
    ({"states": ["running", "held"]}, [1, 2]),
    ({"states": ["done"]}, [4]),
    ({"states": []}, []),
    ({"host": "node5"}, [3]),
    ({"host": "5"}, [3]),
    ({"host": "node"}, []),
    ({"cluster": "east"}, [1]),
    ({"cluster": "0"}, [3]),
    ({"labels": ["x"]}, [1, 2]),
    ({"labels": ["y", "x"]}, [2]),
    ({"labels": []}, [1, 2, 3]),
    ({"attributes": {"port": 80}}, [3]),
    ({"attributes": {"port": None}}, [3]),
    ({"attributes": {"labels": "x"}}, [1]),
    ({"attributes": {}}, [1, 2, 3]),
    ({"owner": "b"}, [3]),
    ({"owner": "9"}, [3]),
    ({"group": "g"}, [2]),
    ({"name": "web", "states": ["held"]}, []),
]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("options", "ids"), SELECTED)
def test_vms_that_fit_every_option(options, ids, full):
    assert listed(full, **options)[0] == ids


COSTS = [  # full, options, page, calls
    (False, {}, 10, ["vmpool.info"]),
    (False, {"attributes": {"A": 1}}, 10, ["vmpool.infoextended"]),
    (False, {"attributes": {"labels": "x"}}, 10, ["vmpool.info"]),
    (False, {"attributes": dict.fromkeys(IN_POOL)}, 10, ["vmpool.info"]),
    (True, {"attributes": {"A": 1}}, 10, ["vmpool.infoextended"]),
    (True, {}, 10, ["vmpool.info", ("vmpool.infoset", "1,2,3", True)]),
    (True, {"ids": [3, 1, 2]}, 2, [("vmpool.infoset", "1,2", True), ("vmpool.infoset", "3", True)]),
    (False, {"ids": [3, 1, 2]}, 2, [("vmpool.infoset", "1,2", True), ("vmpool.infoset", "3", True)]),
]


@pytest.mark.parametrize(("full", "options", "page", "calls"), COSTS)
def test_no_more_is_read_than_what_decides(full, options, page, calls):
    made = [call if call[0] == "vmpool.infoset" else call[0] for call in listed(full, page, **options)[1]]
    assert list(dict.fromkeys(made)) == calls


def test_pages_are_as_long_as_they_are_to_be():
    first = listed(page=10)[1][0]
    assert first[:2] == ("vmpool.info", -2)
    assert 10 in [abs(number) for number in first[2:4]]


def test_a_cluster_that_there_is_not_has_no_vms():
    assert listed(check=True, cluster="nowhere")[0] == []
    assert refusal(listed, cluster="nowhere")[0].startswith("There is no cluster 'nowhere'; ")


def test_what_goes_wrong_is_told():
    here = cloud(vmpool_info=OneInternalException("down"))
    assert refusal(info.instances, here, {**NOTHING, "full": False, "page": 10})[0] == "Cannot list the VMs: down."
