# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Quotas: what is counted, refused and free again; no recording covers them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from lab import ADMIN
from opennebula_simulator.cloud import METHODS, Cloud, Options

ALICE = "alice:secret"
UID, USERS = 2, 1
ACTION, AUTHORIZATION = 0x800, 0x200
SMALL = 'NAME="small" CPU="0.5" MEMORY="64"'
DISK = 'DISK=[IMAGE_ID="0"]'
NIC = 'NIC=[NETWORK_ID="0"]'


@pytest.fixture
def cloud(one):
    """`one`, with a host, an image of 1024 MB, a network, and alice, who may use all of it."""

    def done(method, *arguments, session=None):
        answer = one(method, *arguments, **({"session": session} if session else {}))
        assert answer[0], answer
        return answer[1]

    done("host.allocate", "host0", "dummy", "dummy", 0)
    done("datastore.update", 0, 'TM_MAD="dummy"', 1)
    done("datastore.update", 1, 'DS_MAD="dummy"\nTM_MAD="dummy"', 1)
    done("user.allocate", "alice", "secret", "core", [])
    done("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    done("vn.allocate", 'NAME="net" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="9"]', 0)
    for kind in ("image", "vn"):
        done(f"{kind}.chmod", 0, *[-1] * 6, 1, 0, 0)
    done("datastore.chmod", 1, *[-1] * 6, 1, 0, 0)
    one.done = done
    return one


def used(cloud, element, metric, key="", holder="user", oid=UID):
    """What a user or group has used of a metric; 0 when nothing is counted."""
    name = "CLUSTER_IDS" if element == "VM" else "ID"
    for quota in ElementTree.fromstring(cloud.done(f"{holder}.info", oid)).iter(element):
        if quota.findtext(name, "") == key:
            return float(quota.findtext(f"{metric}_USED"))
    return 0


def vm(cloud, extra="", hold=True):
    return cloud.done("vm.allocate", f"{SMALL} {extra}", hold, session=ALICE)


def running(cloud, extra=""):
    oid = vm(cloud, extra)
    cloud.done("vm.deploy", oid, 0, False, 0, "")
    assert state(cloud, oid) == "3"
    return oid


def state(cloud, oid):
    return ElementTree.fromstring(cloud.done("vm.info", oid)).findtext("STATE")


def refused(answer, why, holder=f"user [{UID}]"):
    return answer[0] is False and answer[1].endswith(f"{holder} {why}.") and answer[2] == AUTHORIZATION


# ---------------------------------------------------------------- VMs

PCI = 'PCI=[SHORT_ADDRESS="00:02.0"]'
PASSED = 'PCI=[SHORT_ADDRESS="00:02.0",TYPE="NIC",NETWORK_ID="0"]'


@pytest.mark.parametrize(
    ("metric", "limit", "extra"),
    [
        ("VMS", "1", ""),
        ("RUNNING_VMS", "1", ""),
        ("CPU", "0.9", ""),
        ("RUNNING_CPU", "0.9", ""),
        ("MEMORY", "100", ""),
        ("RUNNING_MEMORY", "100", ""),
        ("SYSTEM_DISK_SIZE", "2000", DISK),
        ("SYSTEM_DISK_SIZE", "15", 'DISK=[TYPE="fs",SIZE="10",FORMAT="raw"]'),
        ("PCI_DEV", "1", PCI),
        ("RUNNING_PCI_DEV", "1", PCI),
        ("PCI_NIC", "1", PASSED),
        ("RUNNING_PCI_NIC", "1", PASSED),
    ],
)
@pytest.mark.parametrize(("holder", "oid"), [("user", UID), ("group", USERS)])
def test_a_second_vm_is_too_many_until_the_first_is_gone(cloud, metric, limit, extra, holder, oid):
    cloud.done(f"{holder}.quota", oid, f'VM=[{metric}="{limit}"]')
    first = vm(cloud, extra)
    charged = used(cloud, "VM", metric, holder=holder, oid=oid)
    assert 0 < charged <= float(limit)
    again = cloud("vm.allocate", f"{SMALL} {extra}", True, session=ALICE)
    assert refused(again, f"limit of {limit} reached for {metric} quota in VM", f"{holder} [{oid}]")
    assert used(cloud, "VM", metric, holder=holder, oid=oid) == charged
    assert used(cloud, "VM", "VMS") == used(cloud, "VM", "VMS", holder="group", oid=USERS) == 1
    cloud.done("vm.action", "terminate", first, session=ALICE)
    assert used(cloud, "VM", metric, holder=holder, oid=oid) == 0
    vm(cloud, extra)


def test_an_instantiated_vm_counts_too(cloud):
    cloud.done("user.quota", UID, 'VM=[VMS="0"]')
    template = cloud.done("template.allocate", SMALL, session=ALICE)
    answer = cloud("template.instantiate", template, "", True, "", False, session=ALICE)
    assert refused(answer, "limit of 0 reached for VMS quota in VM")


def test_what_is_not_created_is_not_counted(cloud):
    assert cloud("vm.allocate", f'{SMALL} DISK=[IMAGE_ID="99"] {NIC}', True, session=ALICE)[0] is False
    assert used(cloud, "VM", "VMS") == used(cloud, "NETWORK", "LEASES", "0") == 0


def test_oneadmin_is_not_counted(cloud):
    cloud.done("userquota.update", 'VM=[VMS="0"]')
    assert cloud.done("vm.allocate", SMALL, True) == 0
    assert cloud("user.quota", 0, 'VM=[VMS="1"]')[1:3] == [
        "[one.user.quota] Cannot set quotas for oneadmin user",
        ACTION,
    ]
    assert cloud("group.quota", 0, 'VM=[VMS="1"]')[1:3] == [
        "[one.group.quota] Cannot set quotas for oneadmin group",
        ACTION,
    ]


@pytest.mark.parametrize("rest", ["poweroff", "suspend", "stop", "undeploy"])
def test_a_vm_at_rest_does_not_run(cloud, rest):
    oid = running(cloud)
    cloud.done("vm.action", rest, oid)
    assert (used(cloud, "VM", "VMS"), used(cloud, "VM", "RUNNING_VMS"), used(cloud, "VM", "RUNNING_CPU")) == (1, 0, 0)
    cloud.done("user.quota", UID, 'VM=[RUNNING_VMS="0"]')
    assert cloud("vm.action", "resume", oid)[1:3] == [
        f"[one.vm.action] user [{UID}] limit of 0 reached for RUNNING_VMS quota in VM",
        ACTION,
    ]
    cloud.done("user.quota", UID, 'VM=[RUNNING_VMS="1"]')
    cloud.done("vm.action", "resume", oid)
    assert used(cloud, "VM", "RUNNING_VMS") == 1
    cloud.done("vm.recover", oid, 3)
    assert used(cloud, "VM", "VMS") == used(cloud, "VM", "RUNNING_VMS") == 0


def test_a_resume_that_is_refused_or_fails_counts_nothing(simulator, cloud):
    oid = running(cloud)
    assert cloud("vm.action", "resume", oid)[2] == ACTION
    assert used(cloud, "VM", "RUNNING_VMS") == 1
    cloud.done("vm.action", "poweroff", oid)
    simulator.cloud.events.failures.append(("deploy", f"vm-{oid}"))
    cloud.done("vm.action", "resume", oid)
    assert state(cloud, oid) == "8"
    assert used(cloud, "VM", "RUNNING_VMS") == 0


def test_resize_counts_the_difference(cloud):
    cloud.done("user.quota", UID, 'VM=[CPU="1",MEMORY="200"]')
    oid = running(cloud)
    cloud.done("vm.action", "poweroff", oid)
    answer = cloud("vm.resize", oid, 'CPU="2"', True, session=ALICE)
    assert refused(answer, "limit of 1 reached for CPU quota in VM")
    cloud.done("vm.resize", oid, 'CPU="1" MEMORY="128"', True, session=ALICE)
    assert (used(cloud, "VM", "CPU"), used(cloud, "VM", "MEMORY"), used(cloud, "VM", "RUNNING_CPU")) == (1, 128, 0)
    cloud.done("vm.action", "resume", oid)
    assert used(cloud, "VM", "RUNNING_MEMORY") == 128


# ---------------------------------------------------------------- parts of VMs


def test_disks_that_come_grow_and_go(cloud):
    cloud.done("user.quota", UID, 'VM=[SYSTEM_DISK_SIZE="2100"]')
    oid = running(cloud, DISK)
    volatile = 'DISK=[TYPE="fs",SIZE="{}",FORMAT="raw"]'
    unnamed = [f"User [{UID}] not authorized to perform action on virtual machine.", AUTHORIZATION]
    answer = cloud("vm.attach", oid, volatile.format(2000), session=ALICE)
    assert [answer[1].partition("] ")[2], answer[2]] == unnamed
    cloud.done("vm.attach", oid, volatile.format(26), session=ALICE)
    assert used(cloud, "VM", "SYSTEM_DISK_SIZE") == 1050
    answer = cloud("vm.diskresize", oid, 1, "2000", session=ALICE)
    assert [answer[1].partition("] ")[2], answer[2]] == unnamed
    cloud.done("vm.diskresize", oid, 1, "50", session=ALICE)
    assert used(cloud, "VM", "SYSTEM_DISK_SIZE") == 1074
    cloud.done("vm.disksnapshotcreate", oid, 0, "s", session=ALICE)
    assert used(cloud, "VM", "SYSTEM_DISK_SIZE") == 2098
    answer = cloud("vm.disksnapshotcreate", oid, 0, "s2", session=ALICE)
    assert refused(answer, "limit of 2100 reached for SYSTEM_DISK_SIZE quota in VM")
    cloud.done("vm.detach", oid, 1, session=ALICE)
    assert used(cloud, "VM", "SYSTEM_DISK_SIZE") == 2048
    cloud.done("vm.recover", oid, 3)
    assert used(cloud, "VM", "SYSTEM_DISK_SIZE") == used(cloud, "IMAGE", "RVMS", "0") == 0


@pytest.mark.parametrize(("what", "given"), [("attach", 'DISK=[TYPE="fs",SIZE="9",FORMAT="raw"]'), ("attachnic", NIC)])
def test_a_part_that_the_driver_cannot_attach_is_not_counted(simulator, cloud, what, given):
    oid = running(cloud)
    simulator.cloud.events.failures.append(("attach_*", f"vm-{oid}"))
    cloud.done(f"vm.{what}", oid, given, session=ALICE)
    assert state(cloud, oid) == "3"
    assert used(cloud, "VM", "SYSTEM_DISK_SIZE") == used(cloud, "NETWORK", "LEASES", "0") == 0


def test_leases(cloud):
    cloud.done("user.quota", UID, 'NETWORK=[ID="0",LEASES="2"]')
    oid = running(cloud, NIC)
    cloud.done("vm.attachnic", oid, NIC, session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 2
    why = "limit of 2 reached for LEASES quota in NETWORK with ID: 0"
    assert refused(cloud("vm.attachnic", oid, NIC, session=ALICE), why)
    assert refused(cloud("vm.allocate", f"{SMALL} {NIC}", True, session=ALICE), why)
    cloud.done("vm.detachnic", oid, 1, session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 1
    cloud.done("vm.recover", oid, 3)
    assert used(cloud, "NETWORK", "LEASES", "0") == 0


def test_running_vms_of_an_image(cloud):
    cloud.done("user.quota", UID, 'IMAGE=[ID="0",RVMS="1"]')
    oid = vm(cloud, DISK)
    answer = cloud("vm.allocate", f"{SMALL} {DISK}", True, session=ALICE)
    assert refused(answer, "limit of 1 reached for RVMS quota in IMAGE with ID: 0")
    cloud.done("vm.action", "terminate", oid)
    assert used(cloud, "IMAGE", "RVMS", "0") == 0


def test_copies_in_the_image_datastore(cloud):
    cloud.done("datastore.update", 1, 'TM_MAD="ceph"', 1)
    cloud.done("user.quota", UID, 'DATASTORE=[ID="1",SIZE="1500"]')
    oid = vm(cloud, DISK)
    assert (used(cloud, "DATASTORE", "SIZE", "1"), used(cloud, "DATASTORE", "IMAGES", "1")) == (1024, 0)
    answer = cloud("vm.allocate", f"{SMALL} {DISK}", True, session=ALICE)
    assert refused(answer, "limit of 1500 reached for SIZE quota in DATASTORE with ID: 1")
    assert used(cloud, "VM", "VMS") == 1
    cloud.done("vm.action", "terminate", oid)
    assert used(cloud, "DATASTORE", "SIZE", "1") == 0


# ---------------------------------------------------------------- images, networks, virtual routers


@pytest.mark.parametrize(("metric", "limit"), [("IMAGES", "1"), ("SIZE", "20")])
def test_images(cloud, metric, limit):
    cloud.done("user.quota", UID, f'DATASTORE=[ID="1",{metric}="{limit}"]')
    block = 'NAME="{}" SIZE="16" TYPE="DATABLOCK"'
    first = cloud.done("image.allocate", block.format("a"), 1, session=ALICE)
    why = f"limit of {limit} reached for {metric} quota in DATASTORE with ID: 1"
    assert refused(cloud("image.allocate", block.format("b"), 1, session=ALICE), why)
    assert refused(cloud("image.clone", first, "c", -1, session=ALICE), why)
    assert (used(cloud, "DATASTORE", "IMAGES", "1"), used(cloud, "DATASTORE", "SIZE", "1")) == (1, 16)
    cloud.done("image.delete", first, session=ALICE)
    cloud.done("image.allocate", block.format("b"), 1, session=ALICE)


def test_a_disk_saved_as_an_image(cloud):
    oid = running(cloud, DISK)
    cloud.done("user.quota", UID, 'DATASTORE=[ID="1",IMAGES="1"]')
    image = cloud.done("vm.disksaveas", oid, 0, "saved", "", -1, session=ALICE)
    assert used(cloud, "DATASTORE", "SIZE", "1") == 1024
    answer = cloud("vm.disksaveas", oid, 0, "more", "", -1, session=ALICE)
    assert refused(answer[:3], "limit of 1 reached for IMAGES quota in DATASTORE with ID: 1")
    cloud.done("image.delete", image, session=ALICE)
    assert used(cloud, "DATASTORE", "IMAGES", "1") == 0


def test_the_owner_of_a_persistent_image_pays_for_its_snapshots(cloud):
    image = cloud.done("image.allocate", 'NAME="p" SIZE="16" TYPE="DATABLOCK" PERSISTENT="YES"', 1, session=ALICE)
    oid = running(cloud, f'DISK=[IMAGE_ID="{image}"]')
    cloud.done("vm.disksnapshotcreate", oid, 0, "s", session=ALICE)
    assert used(cloud, "DATASTORE", "SIZE", "1") == 32
    cloud.done("vm.diskresize", oid, 0, "20", session=ALICE)
    assert used(cloud, "DATASTORE", "SIZE", "1") == 36
    cloud.done("vm.recover", oid, 3)
    cloud.done("image.delete", image, session=ALICE)
    assert used(cloud, "DATASTORE", "SIZE", "1") == 0


def test_reservations(cloud):
    cloud.done("user.quota", UID, 'NETWORK=[ID="0",LEASES="3"]')
    why = "limit of 3 reached for LEASES quota in NETWORK with ID: 0"
    assert refused(cloud("vn.reserve", 0, 'NAME="r" SIZE="4"', session=ALICE), why)
    mine = cloud.done("vn.reserve", 0, 'NAME="r" SIZE="2"', session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 2
    assert refused(cloud("vn.reserve", 0, f'NETWORK_ID="{mine}" SIZE="2"', session=ALICE), why)
    cloud.done("vn.delete", mine, session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 0


def test_floating_addresses_of_virtual_routers(cloud):
    cloud.done("acl.addrule", "0x200000001", "0x4000400000000", "0x8")  # users create virtual routers
    cloud.done("user.quota", UID, 'NETWORK=[ID="0",LEASES="1"]')
    nic = 'NIC=[NETWORK_ID="0",FLOATING_IP="YES"]'
    router = cloud.done("vrouter.allocate", f'NAME="r" {nic} {NIC}', session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 1
    why = "limit of 1 reached for LEASES quota in NETWORK with ID: 0"
    assert refused(cloud("vrouter.attachnic", router, nic, session=ALICE), why)
    cloud.done("vrouter.detachnic", router, 0, session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 0
    cloud.done("vrouter.attachnic", router, nic, session=ALICE)
    cloud.done("vrouter.delete", router, session=ALICE)
    assert used(cloud, "NETWORK", "LEASES", "0") == 0


# ---------------------------------------------------------------- owners


@pytest.mark.parametrize(
    ("kind", "make", "element", "metric", "key"),
    [
        ("vm", lambda cloud: vm(cloud, f"{DISK} {NIC}"), "VM", "MEMORY", ""),
        ("vm", lambda cloud: vm(cloud, f"{DISK} {NIC}"), "NETWORK", "LEASES", "0"),
        (
            "image",
            lambda cloud: cloud.done("image.allocate", 'NAME="i" SIZE="5" TYPE="DATABLOCK"', 1, session=ALICE),
            "DATASTORE",
            "SIZE",
            "1",
        ),
        ("vn", lambda cloud: cloud.done("vn.reserve", 0, 'NAME="r" SIZE="2"', session=ALICE), "NETWORK", "LEASES", "0"),
    ],
)
def test_a_new_owner_pays(cloud, kind, make, element, metric, key):
    bob = cloud.done("user.allocate", "bob", "secret", "core", [])
    oid = make(cloud)
    charged = used(cloud, element, metric, key)
    where = f" with ID: {key}" if key else ""
    cloud.done("user.quota", bob, f'{element}=[{metric}="0"' + (f',ID="{key}"]' if key else "]"))
    answer = cloud(f"{kind}.chown", oid, bob, -1)
    assert refused(answer, f"limit of 0 reached for {metric} quota in {element}{where}", f"user [{bob}]")
    assert (used(cloud, element, metric, key), used(cloud, element, metric, key, oid=bob)) == (charged, 0)
    cloud.done("user.quota", bob, f'{element}=[{metric}="-1"' + (f',ID="{key}"]' if key else "]"))
    cloud.done(f"{kind}.chown", oid, bob, -1)
    assert (used(cloud, element, metric, key), used(cloud, element, metric, key, oid=bob)) == (0, charged)


# ---------------------------------------------------------------- limits


def test_defaults_hold_where_nothing_else_is_said(cloud):
    cloud.done("userquota.update", 'VM=[VMS="1"]')
    vm(cloud)
    answer = cloud("vm.allocate", SMALL, True, session=ALICE)
    assert refused(answer, "limit of 1 reached for VMS quota in VM")
    cloud.done("user.quota", UID, 'VM=[VMS="-2"]')
    vm(cloud)
    cloud.done("user.quota", UID, 'VM=[CPU="9"]')
    assert cloud("vm.allocate", SMALL, True, session=ALICE)[0] is False


def test_read_back(cloud):
    cloud.done("user.quota", UID, 'VM=[VMS="5",CPU="1.5"] DATASTORE=[ID="1",SIZE="-2"]')
    shown = cloud.done("user.info", UID)
    assert "<VMS><![CDATA[5]]></VMS><VMS_USED><![CDATA[0]]></VMS_USED>" in shown
    assert "<CPU><![CDATA[1.50]]></CPU>" in shown
    assert "<SIZE><![CDATA[-2]]></SIZE><SIZE_USED><![CDATA[0]]></SIZE_USED>" in shown
    cloud.done("user.quota", UID, 'VM=[VMS="-1"] DATASTORE=[ID="1"]')
    assert "<VM_QUOTA></VM_QUOTA>" in cloud.done("user.info", UID)
    defaults = cloud.done("userquota.update", 'VM=[VMS="5"]')
    assert "<VMS><![CDATA[5]]></VMS>" in defaults
    assert "<CPU><![CDATA[-2]]></CPU>" in defaults
    assert defaults == cloud.done("userquota.info")
    assert defaults in cloud.done("user.info", UID)
    assert "<VM_QUOTA></VM_QUOTA>" in cloud.done("userquota.update", 'VM=[VMS="-2"]')


@pytest.mark.parametrize(
    ("method", "given", "why"),
    [
        ("user", 'VM=[VMS="-3"]', "Negative limits or bad format in quota VM = [ UID=2,VMS=-3 ]"),
        ("user", 'DATASTORE=[SIZE="1"]', "Negative limits or bad format in quota DATASTORE = [ SIZE=1 ]"),
        ("user", 'NETWORK=[ID="x"]', "Negative limits or bad format in quota NETWORK = [ ID=x ]"),
        ("user", 'VM=[VMS="1",CLUSTER_IDS="99"]', "Cluster 99 does not exist"),
        ("userquota", 'VM=[VMS="-1"]', "Negative limits or bad format in quota VM = [ VMS=-1 ]"),
        ("userquota", 'VM=[VMS="1"] VM=[VMS="2"]', "Only one default VM quota can be defined"),
        ("groupquota", 'VM=[CLUSTER_IDS="0"]', "CLUSTER_IDS attribute is not allowed for default VM quota"),
    ],
)
def test_bad_limits_change_nothing(cloud, method, given, why):
    arguments = [UID] if method == "user" else []
    name = "user.quota" if method == "user" else f"{method}.update"
    answer = cloud(name, *arguments, f'IMAGE=[ID="0",RVMS="1"] {given}')
    assert answer[1:3] == [f"[one.{name}] {why}", ACTION]
    assert "<RVMS>" not in cloud.done("user.info" if method == "user" else f"{method}.info", *arguments)


def test_vms_in_clusters(cloud):
    oid = running(cloud)
    cloud.done("user.quota", UID, 'VM=[VMS="2",CLUSTER_IDS="0"]')
    assert used(cloud, "VM", "VMS", "0") == used(cloud, "VM", "RUNNING_VMS", "0") == 1
    running(cloud)
    third = vm(cloud)
    answer = cloud("vm.deploy", third, 0, False, 0, "")
    assert answer[0] is False
    assert answer[1].endswith(f"user [{UID}] limit of 2 reached for VMS quota in VM with ID: 0.")
    assert (used(cloud, "VM", "VMS"), used(cloud, "VM", "VMS", "0")) == (3, 2)
    cloud.done("vm.action", "poweroff", oid)
    assert used(cloud, "VM", "RUNNING_VMS", "0") == 1
    cloud.done("vm.recover", oid, 3)
    assert used(cloud, "VM", "VMS", "0") == 1
    cloud.done("vm.deploy", third, 0, False, 0, "")
    assert cloud("user.quota", UID, 'VM=[VMS="9",CLUSTER_IDS="0,0"]')[0]
    cloud.done("cluster.allocate", "more")
    assert cloud("user.quota", UID, 'VM=[VMS="1",CLUSTER_IDS="0,100"]')[1:3] == [
        "[one.user.quota] Quota for cluster id 0 already exists",
        ACTION,
    ]


# What a group is given, and its quotas of VMs as (CLUSTER_IDS, VMS, CPU): as 7.4.0 and 6.10.5 answered, in this order.
VM_LIMITS = [
    ('VM=[CLUSTER_IDS="0",VMS="5"]', [("0", "5", "-2")], [("", "5", "-1")]),
    ('VM=[CLUSTER_IDS="0",VMS="-1",CPU="2"]', [("0", "-2", "2")], [("", "-1", "2")]),
    ('VM=[CLUSTER_IDS="0",VMS="-1"]', [], []),
    ('VM=[CLUSTER_IDS="0",VMS="5"] VM=[CLUSTER_IDS="0",VMS="-2"]', [], [("", "-2", "-1")]),
    ('VM=[CLUSTER_IDS="0",VMS="many"]', [], []),
    ('VM=[CLUSTER_IDS="0,0",VMS="3"]', [("0", "3", "-2")], [("", "3", "-1")]),
    ('VM=[CPU="-2"]', [("", "-1", "-2")], [("", "-1", "-2")]),
    ('VM=[CPU="3"] VM=[CPU="-1"]', [], []),
    ('VM=[VMS="1e3"]', [("", "1000", "-1")], [("", "1000", "-1")]),
]


@pytest.mark.parametrize(("release", "expected"), [("7.4.0", 1), ("6.10.5", 2)])
@pytest.mark.parametrize("row", VM_LIMITS, ids=[row[0] for row in VM_LIMITS])
def test_limits_of_vms(row, release, expected):
    cloud = Cloud(Options(release=release))
    group = cloud.call(METHODS["one.group.allocate"], [ADMIN, "some"])[1]
    assert cloud.call(METHODS["one.group.quota"], [ADMIN, group, row[0]])[0]
    tree = ElementTree.fromstring(cloud.call(METHODS["one.group.info"], [ADMIN, group])[1])
    shown = [tuple(quota.findtext(name, "") for name in ("CLUSTER_IDS", "VMS", "CPU")) for quota in tree.iter("VM")]
    assert shown == row[expected]


def test_a_quota_of_clusters_that_limits_nothing_is_gone_though_vms_run(cloud):
    running(cloud)
    cloud.done("user.quota", UID, 'VM=[VMS="2",CLUSTER_IDS="0"]')
    cloud.done("user.quota", UID, 'VM=[VMS="-1",CLUSTER_IDS="0"]')
    assert "CLUSTER_IDS" not in cloud.done("user.info", UID)
