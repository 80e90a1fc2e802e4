# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Why calls are refused, by what is in the cloud: tables of calls and sentences."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import refusals, vm_refusals
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from fake_vms import Element, cloud, refusal

DRIVERS = {
    "DS_MAD_CONF": [
        {"NAME": "fs", "REQUIRED_ATTRS": ""},
        {"NAME": "ceph", "REQUIRED_ATTRS": "disk_type, BRIDGE_LIST,"},
        {"NAME": "dummy"},
    ],
    "TM_MAD_CONF": {"NAME": "ssh"},
    "VN_MAD_CONF": [
        {"NAME": "bridge", "BRIDGE_TYPE": "linux"},
        {"NAME": "dummy", "BRIDGE_TYPE": "linux,openvswitch"},
        {"NAME": "vxlan"},
        {"NAME": "802.1Q"},
    ],
    "AUTH_MAD_CONF": [
        {"NAME": "ldap", "DRIVER_MANAGED_GROUPS": "yes"},
        {"NAME": "core", "DRIVER_MANAGED_GROUPS": "NO"},
    ],
    "MARKET_MAD_CONF": [{"NAME": "http", "APP_ACTIONS": "create, delete"}, {"NAME": "one", "APP_ACTIONS": "monitor"}],
}
DATASTORES = [
    Element(ID=0, NAME="system", TYPE=1, DS_MAD="-", TM_MAD="ssh", TEMPLATE={"TYPE": "SYSTEM_DS"}),
    Element(
        ID=1,
        NAME="default",
        TYPE=0,
        DS_MAD="fs",
        TEMPLATE={"DS_MAD": "fs", "TYPE": "IMAGE_DS"},
        TOTAL_MB=100,
        FREE_MB=50,
        USED_MB=50,
        IMAGES=Element(ID=[7, 3]),
    ),
    Element(ID=2, NAME="files", TYPE=2, DS_MAD="fs", TEMPLATE={"TYPE": "FILE_DS"}, IMAGES=Element(ID=[])),
    Element(ID=3, NAME="backups", TYPE=3, DS_MAD="rsync", TEMPLATE={"TYPE": "BACKUP_DS"}),
    Element(ID=4, NAME="other", TYPE=0, DS_MAD="ceph", TEMPLATE={}),
    Element(
        ID=5,
        NAME="limited",
        TYPE=0,
        DS_MAD="fs",
        TEMPLATE={"LIMIT_MB": "60"},
        TOTAL_MB=100,
        FREE_MB=50,
        USED_MB=40,
    ),
    Element(
        ID=6,
        NAME="unchecked",
        TYPE=0,
        DS_MAD="fs",
        TEMPLATE={"DATASTORE_CAPACITY_CHECK": "no"},
        TOTAL_MB=100,
        FREE_MB=1,
        USED_MB=0,
    ),
    Element(ID=8, NAME="full", TYPE=0, DS_MAD="fs", TEMPLATE={"LIMIT_MB": "30"}, TOTAL_MB=9, FREE_MB=5, USED_MB=40),
    Element(ID=9, NAME="odd", TYPE=9, DS_MAD="fs", TEMPLATE={}),
]


def image(oid: int, name: str, kind: int = 0, state: int = 1, **more: Any) -> Element:
    known = {"SIZE": 10, "DATASTORE_ID": 1, "UNAME": "ann", "UID": 2, "TEMPLATE": {}, "PERSISTENT": 0}
    return Element(ID=oid, NAME=name, TYPE=kind, STATE=state, **{**known, **more})


IMAGES = [
    image(0, "os"),
    image(1, "kernel", 3),
    image(2, "used", state=2, VMS=Element(ID=[9, 4])),
    image(3, "backup", 6),
    image(4, "snapped", SNAPSHOTS=Element(SNAPSHOT=["one"])),
    image(5, "elsewhere", DATASTORE_ID=77),
    image(6, "broken", state=5),
    image(7, "odd", 99),
    image(8, "unsnapped", SNAPSHOTS=Element(SNAPSHOT=[])),
    image(9, "mine", PERSISTENT=1),
    image(10, "twin"),
    image(11, "twin", UNAME="bob"),
    image(12, "ramdisk", 4),
    image(13, "context", 5),
    image(14, "disabled", state=3),
    image(15, "taken", state=8),
    image(16, "taken2", state=10),
    image(17, "cdrom", 1),
    image(18, "data", 2),
    image(19, "filesystem", 7),
    image(20, "cloned", state=6),
    image(21, "large", SIZE=51),
]


def ar(oid: int, first: str, size: int, allocated: str | None = None, mac: str = "02:00:0a:01:00:00") -> Element:
    return Element(AR_ID=oid, IP=first, MAC=mac, SIZE=str(size), ALLOCATED=allocated)


HOLD = (1 << 32) | 0xFFFFFFFF


def vnet(oid: int, name: str, *ranges: Element, **more: Any) -> Element:
    return Element(ID=oid, NAME=name, UNAME="ann", AR_POOL=Element(AR=list(ranges)), **{"TEMPLATE": {}, **more})


VNETS = [
    vnet(
        0,
        "net",
        ar(0, "10.1.0.0", 10, "0 1 2 7"),
        ar(1, "10.2.0.0", 4, f"3 {HOLD}", "02:00:0a:02:00:00"),
        TEMPLATE={"VN_MAD": "bridge", "BRIDGE": "b"},
    ),
    vnet(1, "reserved", ar(0, "10.1.0.5", 1), PARENT_NETWORK_ID=5),
    vnet(2, "empty"),
    vnet(3, "full", ar(0, "10.3.0.0", 2, "0 1 1 1")),
    vnet(4, "vx", TEMPLATE={"VN_MAD": "vxlan", "PHYDEV": "eth0"}),
    vnet(6, "top", ar(0, "10.1.0.5", 1), PARENT_NETWORK_ID=0),
]
MARKETS = [
    Element(
        ID=0,
        NAME="public",
        MARKET_MAD="one",
        TEMPLATE={"MARKET_MAD": "one"},
        MARKETPLACEAPPS=Element(ID=list(range(12, 0, -1))),
    ),
    Element(ID=1, NAME="private", MARKET_MAD="http", TEMPLATE={"MARKET_MAD": "http"}, MARKETPLACEAPPS=Element(ID=[])),
    Element(ID=2, NAME="strange", MARKET_MAD="other", TEMPLATE={}),
    Element(ID=3, NAME="based", MARKET_MAD="x", TEMPLATE={"MARKET_MAD": "x", "BASE_URL": "u"}),
]
POOLS = {
    "datastorepool_info": DATASTORES,
    "imagepool_info": IMAGES,
    "vnpool_info": VNETS,
    "marketpool_info": Element(MARKETPLACE=MARKETS),
    "userpool_info": Element(
        USER=[
            Element(ID=0, NAME="oneadmin", AUTH_DRIVER="core"),
            Element(ID=2, NAME="ann", AUTH_DRIVER="core"),
            Element(ID=3, NAME="bob", AUTH_DRIVER="ldap"),
            Element(ID=4, NAME="eve", AUTH_DRIVER="x509"),
        ],
        QUOTAS=[],
    ),
    "grouppool_info": Element(
        GROUP=[
            Element(ID=100, NAME="dev", USERS=Element(ID=[])),
            Element(ID=101, NAME="ops", USERS=Element(ID=list(range(12, 0, -1)))),
            Element(ID=1, NAME="users", USERS=Element(ID=[2])),
        ],
        QUOTAS=[],
    ),
    "hostpool_info": [
        Element(ID=0, NAME="node", STATE=2, CLUSTER_ID=0, CLUSTER="default", VMS=Element(ID=list(range(20, 8, -1)))),
        Element(ID=1, NAME="off", STATE=8, CLUSTER_ID=0, CLUSTER="default", VMS=Element(ID=[])),
        Element(ID=2, NAME="edge", STATE=2, CLUSTER_ID=5, CLUSTER="far"),
    ],
    "secgrouppool_info": [
        Element(ID=3, NAME="sg", ERROR_VMS=Element(ID=[1]), UPDATED_VMS=Element(ID=[2]), OUTDATED_VMS=Element(ID=[3])),
        Element(ID=4, NAME="updating", UPDATING_VMS=Element(ID=[5])),
    ],
    "vmgrouppool_info": [
        Element(ID=0, NAME="group", UNAME="ann", ROLES=Element(ROLE=[Element(NAME="a"), Element(NAME="b")]))
    ],
    "templatepool_info": [
        Element(ID=0, NAME="plain", TEMPLATE={"CPU": "1", "MEMORY": "64", "DISK": [{"IMAGE_ID": "0"}]}),
        Element(ID=1, NAME="router", TEMPLATE={"VROUTER": "yes"}),
        Element(ID=2, NAME="bare", TEMPLATE=None),
    ],
}
VM = Element(
    ID=5,
    TEMPLATE={
        "DISK": [{"DISK_ID": "0"}, {"DISK_ID": "2"}],
        "NIC": [{"NIC_ID": "1", "NAME": "NIC1"}],
        "AUTOMATIC_REQUIREMENTS": '(CLUSTER_ID = 0 | CLUSTER_ID = "7")',
    },
)
WITH_CONTEXT = Element(ID=6, TEMPLATE={"CONTEXT": {"NETWORK": "YES"}})


def made(check: bool = True, configuration: dict | None = None) -> Any:
    vms = {5: VM, 6: WITH_CONTEXT, 7: Element(ID=7, TEMPLATE=None)}
    found = cloud(check, **POOLS, vm_info=vms.get)
    found.one.answers["system.version"] = "7.4.0"
    found.told = []
    found.on_missing = found.told.append if check else None
    found.configuration = lambda always=False: (DRIVERS if configuration is None else configuration) if check else {}
    return found


def why(method: str, *arguments: Any, check: bool = True, configuration: dict | None = None) -> Any:
    """Why a call is refused."""
    return refusals.RULES[method](made(check, configuration), *arguments)


NO_DRIVER = "OpenNebula has no %s driver %r (%s).%s It has: %s"
CEPH = "the datastore driver ceph needs %s in the option template"
DISK_TYPE = (
    "DISK_TYPE is one of FILE, CD_ROM, BLOCK, RBD, RBD_CDROM, GLUSTER, GLUSTER_CDROM, SHEEPDOG, SHEEPDOG_CDROM, "
    "ISCSI, not %s"
)
FILES = "a file datastore takes images of the types kernel, ramdisk and context only, and this is one of type %s"
OTHER_DRIVER = "an image is cloned to a datastore of the same datastore driver only: its own has fs, other has ceph"
RESERVED = "virtual network reserved is a reservation itself; reserve from the network that it is from"
TOPOLOGY = "TOPOLOGY needs SOCKETS, CORES and THREADS where PIN_POLICY is not given"
FAR = "host edge is in cluster far, but the images and networks of the VM are in cluster 0, 7"


@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        # ------------------------------------------------ datastores
        ("datastore.allocate", ({"TYPE": "IMAGE_DS", "DS_MAD": "fs", "TM_MAD": "ssh"}, 0), None),
        (
            "datastore.allocate",
            ({"DS_MAD": "zz", "TM_MAD": "ssh"}, 0),
            NO_DRIVER % ("datastore", "zz", "DS_MAD", "", "ceph, dummy, fs"),
        ),
        (
            "datastore.allocate",
            ({"DS_MAD": "dumy"}, 0),
            NO_DRIVER % ("datastore", "dumy", "DS_MAD", " Did you mean dummy?", "ceph, dummy, fs"),
        ),
        (
            "datastore.allocate",
            ({"DS_MAD": "dummy", "TM_MAD": "x"}, 0),
            NO_DRIVER % ("transfer", "x", "TM_MAD", "", "ssh"),
        ),
        (
            "datastore.allocate",
            ({"DS_MAD": "x", "TM_MAD": "x"}, 0),
            NO_DRIVER % ("datastore", "x", "DS_MAD", "", "ceph, dummy, fs"),
        ),
        ("datastore.allocate", ({"DS_MAD": "", "TM_MAD": "-"}, 0), None),
        ("datastore.allocate", ({"DS_MAD": "ceph"}, 0), CEPH % "DISK_TYPE and BRIDGE_LIST"),
        ("datastore.allocate", ({"DS_MAD": "ceph", "DISK_TYPE": "RBD"}, 0), CEPH % "BRIDGE_LIST"),
        ("datastore.allocate", ({"DS_MAD": "ceph", "DISK_TYPE": "RBD", "BRIDGE_LIST": "a"}, 0), None),
        ("datastore.allocate", ({"DISK_TYPE": "FILES"}, 0), DISK_TYPE % "'FILES'. Did you mean FILE?"),
        (
            "datastore.allocate",
            ({"TYPE": "SYSTEM_DS", "DS_MAD": "fs"}, 0),
            "a system datastore has no datastore driver (DS_MAD), only a transfer driver",
        ),
        (
            "datastore.allocate",
            ({"TYPE": "SYSTEM_DS", "DS_MAD": "-", "TM_MAD": "x"}, 0),
            NO_DRIVER % ("transfer", "x", "TM_MAD", "", "ssh"),
        ),
        ("datastore.allocate", ({"TYPE": "SYSTEM_DS", "TM_MAD": "ssh"}, 0), None),
        ("datastore.allocate", ({"TYPE": "BACKUP_DS", "DS_MAD": "fs", "TM_MAD": "x"}, 0), None),
        (
            "datastore.allocate",
            ({"TYPE": "FILE_DS", "DS_MAD": "x", "TM_MAD": "ssh"}, 0),
            NO_DRIVER % ("datastore", "x", "DS_MAD", "", "ceph, dummy, fs"),
        ),
        ("datastore.update", (1, {"DS_MAD": "ceph"}, 1), CEPH % "DISK_TYPE and BRIDGE_LIST"),
        ("datastore.update", (1, {"BRIDGE_LIST": "a"}, 1), None),
        ("datastore.update", (1, {"DISK_TYPE": "X"}, 1), DISK_TYPE % "'X'."),
        (
            "datastore.update",
            (0, {"DS_MAD": "fs"}, 1),
            "a system datastore has no datastore driver (DS_MAD), only a transfer driver",
        ),
        ("datastore.update", (99, {"DS_MAD": "x"}, 1), None),
        ("datastore.delete", (1,), None),
        # ------------------------------------------------ images
        ("image.allocate", ({"SIZE": "10"}, 1), None),
        ("image.allocate", ({"SIZE": "50"}, 1, False), None),
        ("image.allocate", ({"SIZE": "51"}, 1), "it has 51 MB, but datastore default has 50 MB left"),
        ("image.allocate", ({"SIZE": "20"}, 5), None),
        ("image.allocate", ({"SIZE": "21"}, 5), "it has 21 MB, but datastore limited has 20 MB left"),
        ("image.allocate", ({"SIZE": "21"}, 6), None),
        ("image.allocate", ({"SIZE": "1"}, 8), "it has 1 MB, but datastore full has 0 MB left"),
        ("image.allocate", ({"SIZE": "0"}, 8), None),
        ("image.allocate", ({"SIZE": "999"}, 4), None),
        ("image.allocate", ({"SIZE": "999"}, 99), None),
        ("image.allocate", ({"SIZE": "x"}, 1), None),
        (
            "image.allocate",
            ({"SIZE": "10", "TYPE": "kernel"}, 1),
            "an image datastore takes disks only, and this is one of type kernel",
        ),
        (
            "image.allocate",
            ({"SIZE": "10", "TYPE": "kernel"}, 9),
            "an image datastore takes disks only, and this is one of type kernel",
        ),
        ("image.allocate", ({"SIZE": "10"}, 0), "a system datastore takes no images, and this is one of type os"),
        ("image.allocate", ({"SIZE": "10", "TYPE": "DATABLOCK"}, 2), FILES % "datablock"),
        ("image.allocate", ({"SIZE": "10"}, 3), "a backup datastore takes backups only, and this is one of type os"),
        ("image.allocate", ({"TYPE": "BACKUP", "SIZE": "1"}, 3), None),
        ("image.allocate", ({"TYPE": "FILESYSTEM", "PATH": "/x"}, 1), None),
        ("image.allocate", ({"TYPE": "KERNEL"}, 99), "an image of type kernel needs a path"),
        ("image.allocate", ({"TYPE": "CDROM", "SIZE": "1"}, 1), "an image of type cdrom needs a path"),
        ("image.allocate", ({"TYPE": "FILESYSTEM", "SIZE": "1"}, 1), "an image of type filesystem needs a path"),
        ("image.allocate", ({"TYPE": "RAMDISK", "PATH": "/x"}, 2), None),
        (
            "image.allocate",
            ({"TYPE": "CONTEXT", "PATH": "/x", "PERSISTENT": "yes"}, 2),
            "an image of type context cannot be persistent",
        ),
        ("image.allocate", ({"TYPE": "CONTEXT", "PATH": "/x", "PERSISTENT": "NO"}, 2), None),
        ("image.allocate", ({"PATH": "/x", "PERSISTENT": "YES"}, 1), None),
        ("image.allocate", ({"PATH": "/x", "SOURCE": "/y", "SIZE": "1"}, 1), "give PATH or SOURCE, not both"),
        (
            "image.allocate",
            ({"SOURCE": "/y", "FORMAT": "raw"}, 1),
            "give its size too, as OpenNebula does not look into a SOURCE",
        ),
        ("image.allocate", ({"SOURCE": "/y", "SIZE": "1"}, 1), "give FORMAT with SOURCE"),
        ("image.allocate", ({"SOURCE": "/y", "SIZE": "1", "FORMAT": "raw"}, 1), None),
        ("image.allocate", ({}, 1), "give its path or its size"),
        ("image.allocate", ({"FROM_APP": "3"}, 1), None),
        ("image.allocate", ({"FROM_APP": "3"}, 2), FILES % "os"),
        ("image.clone", (0, "new"), None),
        ("image.clone", (0, "new", 5), None),
        ("image.clone", (99, "new"), None),
        ("image.clone", (1, "new"), "an image of type kernel cannot be cloned"),
        ("image.clone", (3, "new"), "an image of type backup cannot be cloned"),
        ("image.clone", (19, "new"), "an image of type filesystem cannot be cloned"),
        ("image.clone", (17, "new"), None),
        ("image.clone", (18, "new"), None),
        ("image.clone", (7, "new"), None),
        ("image.clone", (4, "new"), "an image with snapshots cannot be cloned"),
        ("image.clone", (8, "new"), None),
        ("image.clone", (5, "new"), None),
        ("image.clone", (5, "new", 2), None),
        ("image.clone", (0, "new", 99), None),
        ("image.clone", (21, "new"), "it has 51 MB, but datastore default has 50 MB left"),
        ("image.clone", (21, "new", -1), "it has 51 MB, but datastore default has 50 MB left"),
        ("image.clone", (0, "new", 2), "an image is cloned to an image datastore only"),
        ("image.clone", (0, "new", 4), OTHER_DRIVER),
        ("image.clone", (0, "new", 8), "it has 10 MB, but datastore full has 0 MB left"),
        ("image.chtype", (0, "DATABLOCK"), None),
        ("image.chtype", (0, "CDROM"), None),
        ("image.chtype", (0, "KERNEL"), "it is of type os, which can only become cdrom or datablock"),
        ("image.chtype", (1, "OS"), "it is of type kernel, which can only become context or ramdisk"),
        ("image.chtype", (1, "RAMDISK"), None),
        ("image.chtype", (3, "OS"), "it is of type backup, which can only become no other"),
        ("image.chtype", (99, "OS"), None),
        ("image.enable", (0, False), None),
        ("image.enable", (2, True), None),
        ("image.enable", (99, False), None),
        *[("image.enable", (number, False), "VMs use it") for number in (2, 15, 16, 20)],
        ("image.persistent", (0, True), None),
        ("image.persistent", (0, False), None),
        *[("image.persistent", (number, True), "VMs use it") for number in (2, 15, 16, 20)],
        ("image.persistent", (1, True), "an image of type kernel cannot be persistent"),
        ("image.persistent", (1, False), None),
        ("image.persistent", (3, False), "a backup is always persistent"),
        ("image.persistent", (3, True), None),
        ("image.persistent", (99, True), None),
        # ------------------------------------------------ virtual networks
        ("vn.allocate", ({}, 0), "give vn_mad"),
        ("vn.allocate", ({"VN_MAD": "bridge"}, 0), None),
        (
            "vn.allocate",
            ({"VN_MAD": "brige"}, 0),
            NO_DRIVER % ("network", "brige", "VN_MAD", " Did you mean bridge?", "802.1Q, bridge, dummy, vxlan"),
        ),
        ("vn.allocate", ({"VN_MAD": "dummy"}, 0), "the network driver dummy needs bridge"),
        ("vn.allocate", ({"VN_MAD": "dummy", "BRIDGE": "b"}, 0), None),
        ("vn.allocate", ({"VN_MAD": "vxlan"}, 0), "the network driver vxlan needs phydev and vlan_id"),
        ("vn.allocate", ({"VN_MAD": "802.1Q", "PHYDEV": "eth0"}, 0), "the network driver 802.1Q needs vlan_id"),
        ("vn.allocate", ({"VN_MAD": "vxlan", "PHYDEV": "eth0", "VLAN_ID": "5"}, 0), None),
        ("vn.allocate", ({"VN_MAD": "vxlan", "PHYDEV": "eth0", "AUTOMATIC_VLAN_ID": "yes"}, 0), None),
        (
            "vn.allocate",
            ({"VN_MAD": "vxlan", "PHYDEV": "eth0", "AUTOMATIC_VLAN_ID": "NO"}, 0),
            "the network driver vxlan needs vlan_id",
        ),
        (
            "vn.allocate",
            ({"VN_MAD": "bridge", "BRIDGE_TYPE": "x"}, 0),
            "the network driver bridge has BRIDGE_TYPE linux, not 'x'",
        ),
        ("vn.allocate", ({"VN_MAD": "dummy", "BRIDGE": "b", "BRIDGE_TYPE": "openvswitch"}, 0), None),
        (
            "vn.allocate",
            ({"VN_MAD": "vxlan", "BRIDGE_TYPE": "x"}, 0),
            "the network driver vxlan needs phydev and vlan_id",
        ),
        ("vn.update", (0, {"BRIDGE_TYPE": "x"}, 1), "the network driver bridge has BRIDGE_TYPE linux, not 'x'"),
        ("vn.update", (0, {"BRIDGE_TYPE": "linux"}, 1), None),
        ("vn.update", (0, {"VN_MAD": "vxlan"}, 1), "the network driver vxlan needs phydev and vlan_id"),
        ("vn.update", (4, {"VN_MAD": "802.1Q"}, 1), "the network driver 802.1Q needs vlan_id"),
        ("vn.update", (4, {"MTU": "9"}, 1), None),
        (
            "vn.update",
            (0, {"VN_MAD": "x"}, 1),
            NO_DRIVER % ("network", "x", "VN_MAD", "", "802.1Q, bridge, dummy, vxlan"),
        ),
        ("vn.update", (99, {"VN_MAD": "x"}, 1), None),
        ("vn.reserve", (0, {"SIZE": "8"}), None),
        ("vn.reserve", (0, {"SIZE": 9}), "virtual network net has at most 8 free addresses in an address range"),
        (
            "vn.reserve",
            (0, {"SIZE": "4", "AR_ID": "1"}),
            "virtual network net has at most 3 free addresses in address range 1",
        ),
        ("vn.reserve", (0, {"SIZE": "3", "AR_ID": "1"}), None),
        ("vn.reserve", (0, {"SIZE": "3", "AR_ID": "9"}), "virtual network net has no address range 9"),
        ("vn.reserve", (2, {"SIZE": "3"}), "virtual network empty has no address range "),
        ("vn.reserve", (1, {"SIZE": "1"}), RESERVED),
        ("vn.reserve", (6, {"SIZE": "1"}), None),
        ("vn.reserve", (0, {"SIZE": "1", "AR_ID": "0", "IP": "10.1.0.0"}), None),
        (
            "vn.reserve",
            (0, {"SIZE": "1", "AR_ID": "0", "MAC": "02:00:0a:01:00:0a"}),
            "02:00:0a:01:00:0a and the 0 addresses after it are not in address range 0",
        ),
        ("vn.reserve", (99, {"SIZE": "1"}), None),
        ("vn.reserve", (0, {"SIZE": "3", "AR_ID": "0", "IP": "10.1.0.7"}), None),
        (
            "vn.reserve",
            (0, {"SIZE": "4", "AR_ID": "0", "IP": "10.1.0.7"}),
            "10.1.0.7 and the 3 addresses after it are not in address range 0",
        ),
        (
            "vn.reserve",
            (0, {"SIZE": "1", "AR_ID": "0", "IP": "10.2.0.0"}),
            "10.2.0.0 and the 0 addresses after it are not in address range 0",
        ),
        ("vn.reserve", (0, {"SIZE": "1", "AR_ID": "0", "IP": "", "MAC": "02:00:0a:01:00:03"}), None),
        (
            "vn.reserve",
            (0, {"SIZE": "1", "AR_ID": "0", "MAC": "02:00:0a:09:00:03"}),
            "02:00:0a:09:00:03 and the 0 addresses after it are not in address range 0",
        ),
        ("vn.update_ar", (0, {"AR": {"AR_ID": "0", "SIZE": "3"}}), None),
        ("vn.update_ar", (0, {"AR": {"AR_ID": "0", "SIZE": "2"}}), "its address with the number 2 is in use"),
        ("vn.update_ar", (0, {"AR": {"AR_ID": "1", "SIZE": 3}}), "its address with the number 3 is in use"),
        ("vn.update_ar", (0, {"AR": {"AR_ID": "0"}}), None),
        ("vn.update_ar", (0, {"AR": {"AR_ID": "5", "SIZE": "0"}}), None),
        ("vn.update_ar", (1, {"AR": {"AR_ID": "0", "SIZE": "0"}}), None),
        ("vn.update_ar", (99, {"AR": {"AR_ID": "0", "SIZE": "0"}}), None),
        ("vn.rm_ar", (0, 0), "it has addresses in use"),
        ("vn.rm_ar", (0, 1), None),
        ("vn.rm_ar", (0, 7), None),
        ("vn.rm_ar", (99, 0), None),
        # ------------------------------------------------ other kinds
        ("host.allocate", ("node", "kvm", "kvm", 0), None),
        ("host.allocate", ("node", "", "kvm", 0), "im_mad cannot be empty"),
        ("host.allocate", ("node", "kvm", "", 0), "vm_mad cannot be empty"),
        ("host.allocate", ("node", "", "", 0), "im_mad and vm_mad cannot be empty"),
        ("market.allocate", ({"MARKET_MAD": "http"},), None),
        ("market.allocate", ({"MARKET_MAD": "x"},), NO_DRIVER % ("marketplace", "x", "MARKET_MAD", "", "http, one")),
        ("market.update", (1, {"MARKET_MAD": "x"}, 1), NO_DRIVER % ("marketplace", "x", "MARKET_MAD", "", "http, one")),
        (
            "market.update",
            (99, {"MARKET_MAD": "x"}, 1),
            NO_DRIVER % ("marketplace", "x", "MARKET_MAD", "", "http, one"),
        ),
        ("market.update", (1, {"BASE_URL": "x"}, 1), None),
        ("marketapp.allocate", ({"ORIGIN_ID": 0}, 1), None),
        (
            "marketapp.allocate",
            ({"ORIGIN_ID": 0}, 0),
            "marketplace public is only read: its driver one publishes no apps",
        ),
        ("marketapp.allocate", ({"ORIGIN_ID": 6}, 1), "image broken is neither ready nor used"),
        ("marketapp.allocate", ({"ORIGIN_ID": 2}, 1), None),
        ("marketapp.allocate", ({"ORIGIN_ID": 20}, 1), None),
        ("marketapp.allocate", ({"ORIGIN_ID": 6}, 2), None),
        ("marketapp.allocate", ({"ORIGIN_ID": 6}, 99), None),
        ("marketapp.allocate", ({}, 1), None),
        ("secgroup.delete", (0,), "OpenNebula keeps the security group with id 0"),
        ("secgroup.delete", (3,), None),
        *[
            (f"{kind}.delete", (oid,), f"OpenNebula keeps its own {words}, with ids below 100" if oid < 100 else None)
            for kind, words in (("cluster", "clusters"), ("group", "groups"), ("vdc", "VDCs"), ("zone", "zones"))
            for oid in (0, 99, 100)
        ],
        # ------------------------------------------------ users and groups
        ("user.delete", (0,), "OpenNebula keeps its user oneadmin"),
        ("user.delete", (2,), None),
        ("user.enable", (0, False), "oneadmin cannot be disabled"),
        ("user.quota", (0, {}), "oneadmin has no quotas"),
        ("user.quota", (2, {}), None),
        ("group.quota", (0, {}), "the group oneadmin has no quotas"),
        ("user.chgrp", (0, 100), "oneadmin stays in the group oneadmin"),
        ("user.chgrp", (0, 0), None),
        ("user.chgrp", (2, 100), None),
        ("user.chgrp", (3, 100), "the authentication driver ldap manages the groups of its users"),
        ("user.addgroup", (3, 100), "the authentication driver ldap manages the groups of its users"),
        ("user.addgroup", (4, 100), None),
        ("user.addgroup", (99, 100), None),
        # ------------------------------------------------ hooks, network templates, VM groups
        ("hook.allocate", ({"TYPE": "API"},), None),
        ("hook.allocate", ({"TYPE": "state", "RESOURCE": "vm", "STATE": "active", "LCM_STATE": "running"},), None),
        ("hook.allocate", ({"TYPE": "state", "RESOURCE": "VM", "ON": "RUNNING"},), None),
        ("hook.allocate", ({"RESOURCE": "VM", "ON": "custom", "STATE": "x"},), None),
        ("hook.allocate", ({"RESOURCE": "DISK"},), "RESOURCE is one of VM, HOST, IMAGE and NET, not 'DISK'"),
        ("hook.allocate", ({"RESOURCE": "NET", "STATE": "any"},), None),
        ("hook.allocate", ({"RESOURCE": "HOST", "STATE": "MONITORED"},), None),
        ("hook.allocate", ({"RESOURCE": "HOST", "STATE": "XYZ"},), "there is no state xyz."),
        ("hook.allocate", ({"RESOURCE": "IMAGE", "STATE": "READDY"},), "there is no state readdy. Did you mean ready?"),
        ("hook.allocate", ({"RESOURCE": "IMAGE", "STATE": "INIT"},), "there is no state init."),
        ("hook.allocate", ({"RESOURCE": "VM", "STATE": "FAILED"},), "there is no state failed."),
        ("hook.allocate", ({"RESOURCE": "VM", "STATE": "ACTIVE", "LCM_STATE": "XYZ"},), "there is no state xyz."),
        ("hook.allocate", ({"RESOURCE": "HOST", "STATE": "ERROR", "LCM_STATE": "XYZ"},), None),
        ("vntemplate.allocate", ({"vn_mad": "bridge"},), None),
        ("vntemplate.allocate", ({"BRIDGE": "b"},), "give VN_MAD in the option template"),
        ("vmgroup.allocate", ({"ROLE": [{"NAME": "a"}, {"NAME": "b"}], "AFFINED": "a,b"},), None),
        ("vmgroup.allocate", ({"ROLE": [{"NAME": "a"}, {"POLICY": "NONE"}]},), "each role has a name"),
        (
            "vmgroup.allocate",
            ({"AFFINED": ["a, b", "c,d"], "ANTI_AFFINED": "b,a"},),
            "the roles a, b are affined and anti-affined",
        ),
        ("vmgroup.allocate", ({"AFFINED": "a,b", "ANTI_AFFINED": ["a,c"]},), None),
    ],
)
def test_why_a_call_is_refused(method, arguments, reason):
    assert why(method, *arguments) == reason


def test_what_is_not_known_refuses_nothing():
    assert why("datastore.allocate", {"DS_MAD": "x"}, 0, configuration={}) is None
    assert why("vn.allocate", {"VN_MAD": "x", "BRIDGE_TYPE": "y"}, 0, configuration={}) is None
    assert why("marketapp.allocate", {"ORIGIN_ID": 6}, 1, configuration={}) is None
    unchecked = {"DATASTORE_CAPACITY_CHECK": ["No"]}
    assert why("image.allocate", {"SIZE": "51"}, 1, configuration=unchecked) is None
    checked = {"DATASTORE_CAPACITY_CHECK": ["yes"]}
    assert why("image.allocate", {"SIZE": "51"}, 1, configuration=checked) is not None
    assert why("datastore.update", 1, {"DISK_TYPE": "X"}, 1, check=False) is None
    driver = {"MARKET_MAD_CONF": {"NAME": "http"}}
    assert why("marketapp.allocate", {"ORIGIN_ID": 0}, 1, configuration=driver) is None
    required = {"MARKET_MAD_CONF": {"NAME": "http", "REQUIRED_ATTRS": "BASE_URL"}}
    assert why("market.update", 1, {"MARKET_MAD": "http", "BASE_URL": "x"}, 1, configuration=required) is None
    assert why("market.update", 3, {"MARKET_MAD": "http"}, 1, configuration=required) is None, "it has the attribute"
    assert why("market.update", 3, {"OTHER": "x"}, 1, configuration=required) is None
    assert why("market.update", 1, {"MARKET_MAD": "http"}, 1, configuration=required) == (
        "the marketplace driver http needs BASE_URL in the option template"
    )


FORESEEN = "OpenNebula would refuse this, unless an earlier task changes it: %s."


@pytest.mark.parametrize(
    ("method", "oid", "what"),
    [
        ("host.delete", 0, "it is used by VM 9, 10, 11, 12, 13, 14, 15, 16, 17, 18"),
        ("host.delete", 1, None),
        ("host.delete", 2, None),
        ("host.delete", 99, None),
        ("image.delete", 2, "it is used by VM 4, 9"),
        ("image.delete", 0, None),
        ("secgroup.delete", 3, "it is used by VM 1, 2, 3"),
        ("secgroup.delete", 4, "it is used by VM 5"),
        ("vn.delete", 0, None),
        ("group.delete", 100, None),
        ("group.delete", 101, "it has the users 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        ("group.delete", 199, None),
        ("market.delete", 0, "it has the apps 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        ("market.delete", 1, None),
        ("market.delete", 9, None),
        ("datastore.delete", 1, "it has the images 3, 7"),
        ("datastore.delete", 2, None),
        ("datastore.delete", 99, None),
    ],
)
def test_what_would_keep_an_object_is_told(method, oid, what):
    found = made()
    assert refusals.RULES[method](found, oid) is None
    assert found.told == ([FORESEEN % what] if what else [])


def test_networks_whose_addresses_vms_have_are_kept():
    used = vnet(0, "net", UPDATED_VMS=Element(ID=[3]), OUTDATED_VMS=Element(ID=[2]), ERROR_VMS=Element(ID=[1]))
    found = cloud(True, vnpool_info=[used])
    found.on_missing = (told := []).append
    assert refusals.RULES["vn.delete"](found, 0) is None
    assert told == [FORESEEN % "it is used by VM 1, 2, 3"]


def test_a_datastore_with_many_images_names_ten():
    found = cloud(True, datastorepool_info=[Element(ID=0, IMAGES=Element(ID=list(range(11, -1, -1))))])
    found.on_missing = (told := []).append
    refusals.RULES["datastore.delete"](found, 0)
    assert told == [FORESEEN % "it has the images 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"]


# ---------------------------------------------------------------- refuse


def test_a_refusal_says_what_cannot_be_done():
    message, data = refusal(refusals.refuse, made(), "create it", "host", "host.allocate", ("node", "", "kvm", 0))
    assert message == "Cannot create it: im_mad cannot be empty."
    assert data == {"method": "one.host.allocate", "object": "host"}
    assert refusals.refuse(made(), "create it", "host", "host.allocate", ("node", "x", "kvm", 0)) is None
    assert refusals.refuse(made(), "paint it", "host", "host.paint", (0, "")) is None
    message = refusal(refusals.refuse, made(), "x", "datastore", "datastore.allocate", ({"DISK_TYPE": "?"}, 0))[0]
    assert message == "Cannot x: %s." % (DISK_TYPE % "'?'")


NAMED = [
    Element(ID=0, NAME="a", UID=2),
    Element(ID=1, NAME="b", UID=2),
    Element(ID=2, NAME="c", UID=3),
    Element(ID=3, NAME="same", UID=2),
]


@pytest.mark.parametrize(
    ("kind", "pool", "method", "arguments", "taken"),
    [
        ("image", "imagepool_info", "image.rename", (0, "b"), 1),
        ("image", "imagepool_info", "image.rename", (0, "c"), None),
        ("image", "imagepool_info", "image.rename", (0, "a"), None),
        ("image", "imagepool_info", "image.rename", (0, "new"), None),
        ("image", "imagepool_info", "image.rename", (9, "b"), None),
        ("datastore", "datastorepool_info", "datastore.rename", (0, "c"), 2),
        ("vm", "vmpool_info", "vm.rename", (0, "b"), None),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_name_that_another_object_has_is_refused(kind, pool, method, arguments, taken, check):
    found = cloud(check, **{pool: NAMED})
    if not check:
        assert refusals.refuse(found, "rename it", kind, method, arguments) is None, "nothing is known yet"
        assert found.one.calls == []
        found.pool(kind)
    if taken is None:
        assert refusals.refuse(found, "rename it", kind, method, arguments) is None
        return
    message, data = refusal(refusals.refuse, found, "rename it", kind, method, arguments)
    assert message == f"Cannot rename it: the name is already taken by the one with id {taken}."
    assert data == {"method": f"one.{method}", "object": kind}


def test_objects_without_owners_share_their_names_with_none():
    hosts = [Element(ID=0, NAME="a"), Element(ID=1, NAME="b")]
    with pytest.raises(Failure, match="the name is already taken by the one with id 1"):
        refusals.refuse(cloud(True, hostpool_info=hosts), "rename it", "host", "host.rename", (0, "b"))


# ---------------------------------------------------------------- VMs by their values

THREE = {"SOCKETS": "1", "CORES": "2", "THREADS": "2"}
RAW = "RAW (TYPE) is one of dummy, kvm, lxc, qemu, vcenter, not %r"
KERNEL = 'OS (%s) is $FILE[IMAGE="name"] or $FILE[IMAGE_ID=number], not %r'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, None),
        ({"DISK": [{"IMAGE": "x"}, {"IMAGE_ID": "1"}, {}]}, None),
        ({"DISK": {"SIZE": "1"}}, "a disk has an image, or is of the type fs or swap, not ''"),
        ({"DISK": {"TYPE": "block", "SIZE": "1"}}, "a disk has an image, or is of the type fs or swap, not 'block'"),
        ({"DISK": {"TYPE": "FS", "SIZE": "1"}}, None),
        ({"DISK": {"TYPE": "swap", "SIZE": "5"}}, None),
        ({"DISK": {"TYPE": "swap"}}, "a disk of type swap needs a size, a number of MB greater than 0"),
        ({"DISK": {"TYPE": "fs", "SIZE": "0"}}, "a disk of type fs needs a size, a number of MB greater than 0"),
        ({"DISK": {"TYPE": "fs", "SIZE": "x"}}, "a disk of type fs needs a size, a number of MB greater than 0"),
        ({"DISK": [{"IMAGE": "a", "TARGET": "vda"}, {"IMAGE": "b", "TARGET": "vdb"}, {"IMAGE": "c"}]}, None),
        ({"DISK": [{"IMAGE": "a", "TARGET": "vda"}, {"IMAGE": "b", "TARGET": "vda"}]}, "two disks have the target vda"),
        ({"DISK": [{"IMAGE": "a", "TARGET": ""}, {"IMAGE": "b", "TARGET": ""}]}, None),
        ({"NIC": [{"NETWORK": "n"}, {"NETWORK": "n"}], "NIC_ALIAS": {"PARENT": "NIC1"}}, None),
        (
            {"NIC": [{"NETWORK": "n"}], "NIC_ALIAS": {"PARENT": "NIC1"}},
            "a NIC alias has the PARENT 'NIC1'; the VM has: NIC0",
        ),
        (
            {"NIC": [{"NAME": "a"}, {"NETWORK": "n"}], "NIC_ALIAS": [{"PARENT": "a"}, {"PARENT": "b"}]},
            "a NIC alias has the PARENT 'b'; the VM has: a, NIC1",
        ),
        ({"NIC_ALIAS": {"NETWORK": "n"}}, "a NIC alias has the PARENT ''; the VM has: no NIC"),
        ({"NIC_ALIAS": {"PARENT": "p"}, "PCI": [{"NAME": "p", "VENDOR": "1"}, {"CLASS": "1"}]}, None),
        (
            {"NIC_ALIAS": {"PARENT": "q"}, "PCI": {"NAME": "p", "VENDOR": "1"}},
            "a NIC alias has the PARENT 'q'; the VM has: p",
        ),
        ({"NIC_ALIAS": {"PARENT": "q"}, "PCI": {"TYPE": "NIC", "VENDOR": "1"}}, None),
        ({"OS": {"BOOT": "disk0"}, "DISK": {"IMAGE": "x"}}, None),
        ({"OS": {"BOOT": " nic1 , disk0"}, "DISK": {"IMAGE": "x"}}, "OS (BOOT) names nic1, which the VM does not have"),
        ({"OS": {"BOOT": "disk0,nic0"}, "DISK": {"IMAGE": "x"}}, "OS (BOOT) names nic0, which the VM does not have"),
        ({"OS": {"BOOT": "nic3"}, "NIC": {"NIC_ID": "3"}}, None),
        ({"OS": {"BOOT": "nic0"}, "NIC": {"NIC_ID": "3"}}, "OS (BOOT) names nic0, which the VM does not have"),
        ({"OS": {"BOOT": "disk2"}, "DISK": [{"DISK_ID": "2", "IMAGE": "x"}]}, None),
        ({"OS": {"BOOT": "network"}}, None),
        ({"OS": {"BOOT": "xdisk9"}}, None),
        ({"OS": {"ARCH": "x86_64"}}, None),
        ({"GRAPHICS": {"TYPE": "vnc"}}, None),
        ({"GRAPHICS": {"PORT": "65535"}}, None),
        ({"GRAPHICS": {"PORT": "65536"}}, "GRAPHICS (PORT) is a number up to 65535, not '65536'"),
        ({"GRAPHICS": {"PORT": "x"}}, "GRAPHICS (PORT) is a number up to 65535, not 'x'"),
        ({"RAW": {"DATA": "x"}}, RAW % ""),
        ({"RAW": {"DATA": "x", "TYPE": "xen"}}, RAW % "xen"),
        ({"RAW": {"DATA": "x", "TYPE": "xen", "VALIDATE": "YES"}}, RAW % "xen"),
        ({"RAW": {"DATA": "x", "TYPE": "xen", "VALIDATE": "no"}}, None),
        ({"RAW": {"TYPE": "KVM"}}, None),
        ({"RAW": {}}, None),
        *[({name: "1.5"}, None) for name in ("CPU_COST", "MEMORY_COST", "DISK_COST")],
        *[({name: "-1"}, f"{name} is a number from 0, not '-1'") for name in ("CPU_COST", "MEMORY_COST", "DISK_COST")],
        *[({"CPU_COST": text}, None) for text in ("", "0", ".5", "5.", "1e-3", "2E+5")],
        ({"PCI": [{"VENDOR": "1"}, {"DEVICE": ""}]}, "a PCI device needs one of SHORT_ADDRESS, DEVICE, VENDOR, CLASS"),
        *[({"PCI": {name: "1"}}, None) for name in ("SHORT_ADDRESS", "DEVICE", "VENDOR", "CLASS")],
        ({"TOPOLOGY": THREE, "VCPU": "4"}, None),
        ({"TOPOLOGY": THREE, "VCPU": "5"}, "TOPOLOGY has 4 threads, but VCPU is 5"),
        ({"TOPOLOGY": THREE}, "TOPOLOGY has 4 threads, but VCPU is 1"),
        ({"TOPOLOGY": dict(THREE, SOCKETS="3", THREADS="4"), "VCPU": "24"}, None),
        ({"TOPOLOGY": dict.fromkeys(THREE, "1")}, None),
        ({"TOPOLOGY": THREE, "VCPU": "4", "VCPU_MAX": "8"}, "a VM with TOPOLOGY has no VCPU_MAX"),
        ({"VCPU": "4", "VCPU_MAX": "8"}, None),
        *[({"TOPOLOGY": {"PIN_POLICY": policy}}, None) for policy in ("thread", "CORE", "SHARED")],
        ({"TOPOLOGY": {"NODE_AFFINITY": "0"}}, None),
        *[
            ({"TOPOLOGY": dict(THREE, **given), "VCPU": "4"}, TOPOLOGY)
            for given in ({"SOCKETS": ""}, {"CORES": "0"}, {"THREADS": "x"}, {"PIN_POLICY": "NONE", "CORES": ""})
        ],
        ({"OS": {"KERNEL_DS": '$FILE[IMAGE="k"]'}}, None),
        ({"OS": {"KERNEL_DS": "k"}}, KERNEL % ("KERNEL_DS", "k")),
        (
            {"OS": {"INITRD_DS": '$FILE[IMAGE="k"] $FILE[IMAGE="l"]'}},
            KERNEL % ("INITRD_DS", '$FILE[IMAGE="k"] $FILE[IMAGE="l"]'),
        ),
        # the first rule that fits tells
        ({"DISK": {"SIZE": "1"}, "RAW": {"TYPE": "x"}}, "a disk has an image, or is of the type fs or swap, not ''"),
    ],
)
def test_why_a_vm_is_refused_by_its_values(body, reason):
    assert vm_refusals.by_values(body) == reason
    assert why("vm.allocate", body, False, check=False) == reason


# ---------------------------------------------------------------- VMs by what is in the cloud


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, None),
        ({"DISK": {"IMAGE_ID": "0"}}, None),
        ({"DISK": {"IMAGE_ID": 99}}, "there is no image with id 99"),
        ({"DISK": {"IMAGE": "os"}}, None),
        ({"DISK": {"IMAGE": "twin"}}, None),
        ({"DISK": {"IMAGE": "twin", "IMAGE_UNAME": "bob"}}, None),
        ({"DISK": {"IMAGE": "broken", "IMAGE_UNAME": "ann"}}, "image broken has failed"),
        ({"DISK": {"IMAGE": "broken", "IMAGE_UNAME": "bob"}}, None),
        ({"DISK": {"IMAGE_ID": "broken"}}, "image broken has failed"),
        ({"DISK": {"IMAGE": "kernel"}}, "image kernel is of a type that is no disk"),
        ({"DISK": {"IMAGE": "backup"}}, "image backup is of a type that is no disk"),
        ({"DISK": {"IMAGE": "ramdisk"}}, "image ramdisk is of a type that is no disk"),
        ({"DISK": {"IMAGE": "context"}}, "image context is of a type that is no disk"),
        *[({"DISK": {"IMAGE": name}}, None) for name in ("cdrom", "data", "filesystem", "used", "cloned")],
        ({"DISK": {"IMAGE": "disabled"}}, "image disabled is disabled"),
        ({"DISK": {"IMAGE": "taken"}}, "image taken is persistent, and a VM has it"),
        ({"DISK": {"IMAGE": "taken2"}}, "image taken2 is persistent, and a VM has it"),
        ({"DISK": [{"IMAGE": "mine"}, {"IMAGE_ID": "9"}]}, "two disks have the persistent image mine"),
        ({"DISK": [{"IMAGE": "os"}, {"IMAGE": "os"}, {"IMAGE": "mine"}, {"TYPE": "fs", "SIZE": "1"}]}, None),
        ({"NIC": {"NETWORK": "net"}}, None),
        ({"NIC": {"NETWORK_ID": "99"}}, "there is no virtual network with id 99"),
        ({"NIC": {"NETWORK_MODE": "auto"}}, None),
        ({"NIC": [{"NETWORK": "net"}, {"NETWORK": "empty"}]}, "virtual network empty has no free addresses"),
        ({"NIC": {"NETWORK": "full"}}, "virtual network full has no free addresses"),
        (
            {"NIC": {"NETWORK": "net"}, "NIC_ALIAS": {"NETWORK": "full", "PARENT": "NIC0"}},
            "virtual network full has no free addresses",
        ),
        ({"NIC": {"NETWORK": "net", "IP": "10.1.0.1"}}, None),
        ({"NIC": {"NETWORK": "net", "IP": "10.1.0.2"}}, "the address 10.1.0.2 of virtual network net is in use"),
        ({"NIC": {"NETWORK": "net", "IP": "10.2.0.3"}}, "the address 10.2.0.3 of virtual network net is in use"),
        ({"NIC": {"NETWORK": "net", "IP": "10.9.0.1"}}, "virtual network net does not have the address 10.9.0.1"),
        ({"NIC": {"NETWORK": "net", "IP": "10.1.0.10"}}, "virtual network net does not have the address 10.1.0.10"),
        (
            {"NIC": {"NETWORK": "net", "MAC": "02:00:0a:01:00:02"}},
            "the address 02:00:0a:01:00:02 of virtual network net is in use",
        ),
        ({"NIC": {"NETWORK": "net", "IP6": "2001::1"}}, "virtual network net does not have the address 2001::1"),
        ({"OS": {"KERNEL_DS": '$FILE[IMAGE="kernel"]'}}, None),
        ({"OS": {"KERNEL_DS": "$FILE[IMAGE_ID=1]"}}, None),
        ({"OS": {"KERNEL_DS": '$FILE[IMAGE=\\"os\\"]'}}, "OS (KERNEL_DS): image os is not of type KERNEL"),
        ({"OS": {"KERNEL_DS": "$FILE[IMAGE_ID=99]"}}, "OS (KERNEL_DS): there is no image with id 99"),
        ({"OS": {"INITRD_DS": '$FILE[IMAGE="ramdisk"]'}}, None),
        ({"OS": {"INITRD_DS": '$FILE[IMAGE="kernel"]'}}, "OS (INITRD_DS): image kernel is not of type RAMDISK"),
        (
            {"CONTEXT": {"FILES_DS": '$FILE[IMAGE="context"] $FILE[IMAGE="os", IMAGE_UNAME="ann"]'}},
            "CONTEXT (FILES_DS): image os is not of type CONTEXT",
        ),
        ({"CONTEXT": {"FILES_DS": '$FILE[IMAGE="context"]'}}, None),
        ({"VMGROUP": {"VMGROUP_NAME": "group", "ROLE": "a"}}, None),
        ({"VMGROUP": {"VMGROUP_ID": "0", "ROLE": "b"}}, None),
        ({"VMGROUP": {"VMGROUP_ID": "0", "ROLE": "c"}}, "VM group group has no role 'c'; it has: a, b"),
        ({"VMGROUP": {"VMGROUP_ID": "0"}}, "VM group group has no role ''; it has: a, b"),
        ({"VMGROUP": {"VMGROUP": "group", "ROLE": "c"}}, "VM group group has no role 'c'; it has: a, b"),
        ({"VMGROUP": {"VMGROUP_ID": "9", "ROLE": "a"}}, "there is no VM group with id 9"),
        ({"CONTEXT": {"TOKEN": "yes"}}, "CONTEXT has TOKEN, but oned.conf has no ONEGATE_ENDPOINT"),
        ({"CONTEXT": {"TOKEN": "NO"}}, None),
        ({"CONTEXT": {"NETWORK": "YES"}}, None),
    ],
)
def test_why_a_vm_is_refused_by_what_is_there(body, reason):
    assert why("vm.allocate", body, False) == reason
    assert why("vm.allocate", body, False, check=False) is None, "the server tells"


def test_the_token_of_a_vm_needs_onegate_where_that_is_known():
    body = {"CONTEXT": {"TOKEN": "YES"}}
    assert why("vm.allocate", body, False, configuration={}) is None
    assert why("vm.allocate", body, False, configuration={"ONEGATE_ENDPOINT": "http://gate"}) is None


def test_what_a_vm_needs_and_is_yet_to_come_is_told():
    found = made()
    assert refusals.RULES["vm.allocate"](found, {"DISK": {"IMAGE": "soon"}, "NIC": {"NETWORK": "later"}}, False) is None
    assert found.told == [
        "There is no image 'soon' yet; check mode goes on as if there were.",
        "There is no virtual network 'later' yet; check mode goes on as if there were.",
    ]


@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("template.instantiate", (0, "vm", False, {}, False), None),
        ("template.instantiate", (0, "vm", False, None, False), None),
        ("template.instantiate", (0, "vm", False, {"RAW": {"TYPE": "x"}}, False), RAW % "x"),
        ("template.instantiate", (0, "vm", False, {"raw": {"type": "x"}}, False), RAW % "x"),
        ("template.instantiate", (0, "vm", False, {"OS": {"BOOT": "disk0"}}, False), None),
        (
            "template.instantiate",
            (0, "vm", False, {"OS": {"BOOT": "disk1"}}, False),
            "OS (BOOT) names disk1, which the VM does not have",
        ),
        ("template.instantiate", (0, "vm", False, {"DISK": {"IMAGE_ID": "99"}}, False), "there is no image with id 99"),
        ("template.instantiate", (1, "vm", False, {}, False), "VM template router is for virtual routers only"),
        (
            "template.instantiate",
            (2, "vm", False, {}, False),
            "give CPU and MEMORY: neither the task nor the VM template has it",
        ),
        ("template.instantiate", (99, "vm", False, {"RAW": {"TYPE": "x"}}, False), None),
        ("vm.attach", (5, {"DISK": {"SIZE": "1"}}), "a disk has an image, or is of the type fs or swap, not ''"),
        ("vm.attach", (5, {"disk": {"image_id": "99"}}), "there is no image with id 99"),
        ("vm.attach", (5, {"DISK": {"IMAGE_ID": "0"}}), None),
        ("vm.attachnic", (5, {"NIC_ALIAS": {"PARENT": "NIC1", "NETWORK": "net"}}), None),
        (
            "vm.attachnic",
            (5, {"nic_alias": {"PARENT": "NIC7", "NETWORK": "net"}}),
            "a NIC alias has the PARENT 'NIC7'; the VM has: NIC1",
        ),
        ("vm.attachnic", (7, {"NIC_ALIAS": {"PARENT": "NIC7", "NETWORK": "net"}}), None),
        ("vm.attachnic", (99, {"NIC": {"NETWORK": "full"}}), "virtual network full has no free addresses"),
        ("vm.updateconf", (5, {"CONTEXT": {"A": "1"}}, 1), "the VM was created without CONTEXT, and cannot get one"),
        ("vm.updateconf", (6, {"context": {"A": "1"}}, 1), None),
        ("vm.updateconf", (7, {"CONTEXT": {"A": "1"}}, 1), None),
        ("vm.updateconf", (5, {"OS": {"BOOT": "disk2,nic1"}}, 1), None),
        ("vm.updateconf", (5, {"OS": {"BOOT": "disk1"}}, 1), "OS (BOOT) names disk1, which the VM does not have"),
        ("vm.updateconf", (5, {"OS": {"BOOT": "nic0"}}, 1), "OS (BOOT) names nic0, which the VM does not have"),
        ("vm.updateconf", (7, {"OS": {"BOOT": "disk1"}}, 1), None),
        ("vm.updateconf", (5, {"OS": {"KERNEL_DS": "k"}}, 1), KERNEL % ("KERNEL_DS", "k")),
        (
            "vm.updateconf",
            (5, {"GRAPHICS": {"PORT": "x"}}, 1),
            "the PORT of GRAPHICS is set when a VM is created, and stays",
        ),
        ("vm.updateconf", (5, {"RAW": {"TYPE": "x"}}, 1), RAW % "x"),
        (
            "vm.updateconf",
            (5, {"OS": {"KERNEL_DS": "$FILE[IMAGE_ID=99]"}}, 1),
            "OS (KERNEL_DS): there is no image with id 99",
        ),
        ("vm.migrate", (5, 0, False, False, 0, 0), None),
        ("vm.migrate", (5, 1, False, False, -1, 0), "host off is offline"),
        ("vm.migrate", (5, 0, False, False, 1, 0), "datastore default is no system datastore"),
        ("vm.migrate", (5, 0, False, False, -1, 0), None),
        ("vm.migrate", (5, 2, False, False, -1, 0), FAR),
        ("vm.migrate", (6, 2, False, False, -1, 0), None),
        ("vm.migrate", (5, 99, False, False, -1, 0), None),
        ("vm.backup", (5, 3, False), None),
        ("vm.backup", (5, 1, False), "datastore default is no backup datastore"),
        ("vm.backup", (5, 99, False), None),
        ("vm.restore", (5, 3, -1, -1), None),
        ("vm.restore", (5, 0, -1, -1), "image os is no backup"),
        ("vm.restore", (5, 99, -1, -1), None),
        ("vm.disksaveas", (5, 2, "x", "", -1), None),
        ("vm.disksaveas", (5, 1, "x", "", -1), "the VM has no disk 1"),
        ("vm.disksaveas", (7, 1, "x", "", -1), None),
        ("vm.vmgroupadd", (5, 0, "a"), None),
        ("vm.vmgroupadd", (5, 0, "c"), "VM group group has no role 'c'; it has: a, b"),
        ("vm.vmgroupadd", (5, 9, "c"), None),
        ("vrouter.allocate", ({"NAME": "r", "NIC": {"NETWORK": "full"}},), None),
        (
            "vrouter.allocate",
            ({"NIC": {"NETWORK": "full", "FLOATING_IP": "yes"}},),
            "virtual network full has no free addresses",
        ),
        ("vrouter.allocate", ({"NIC": {"NETWORK": "net", "FLOATING_IP": "YES"}},), None),
        ("vrouter.allocate", ({"NIC": {"NETWORK_ID": "99"}},), "there is no virtual network with id 99"),
        ("vrouter.attachnic", (0, {"nic": {"NETWORK_ID": "99"}}), "there is no virtual network with id 99"),
    ],
)
def test_why_a_call_for_a_vm_is_refused(method, arguments, reason):
    assert why(method, *arguments) == reason


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("vrouter.allocate", ({"NIC": {"NETWORK_ID": "99"}},)),
        ("vm.updateconf", (5, {"CONTEXT": {"A": "1"}}, 1)),
        ("vm.attachnic", (5, {"NIC_ALIAS": {"PARENT": "NIC7"}})),
        ("vm.disksaveas", (5, 1, "x", "", -1)),
        ("vm.migrate", (5, 2, False, False, -1, 0)),
    ],
)
def test_a_run_that_changes_something_reads_nothing_for_this(method, arguments):
    found = made(check=False)
    assert refusals.RULES[method](found, *arguments) is None
    assert found.one.calls == []


@pytest.mark.parametrize(
    ("context", "wanted", "refused"),
    [
        ({"NETWORK": "YES"}, {"ETH0_IP": "10.0.0.9"}, True),
        ({"NETWORK": "true"}, {"ETH0_DNS": "9.9.9.9"}, True),
        ({"NETWORK": "YES"}, {"ETH0_ALIAS0_IP": "10.0.0.9"}, True),
        ({"NETWORK": "YES"}, {"ETH0_IP": "10.0.0.4"}, False),  # as the interface has it
        ({"NETWORK": "YES"}, {"ETH0_DNS": ""}, False),
        ({"NETWORK": "YES"}, {"ETH1_IP": "10.0.0.9"}, False),  # there is no such interface
        ({"NETWORK": "YES"}, {"ETH0_OWN": "x", "HOSTNAME": "y"}, False),
        ({"NETWORK": "NO"}, {"ETH0_IP": "10.0.0.9"}, False),
        ({}, {"ETH0_IP": "10.0.0.9"}, False),
    ],
)
def test_which_members_of_a_context_are_made_of_interfaces(
    context: dict[str, str], wanted: dict[str, str], refused: bool
) -> None:
    body = {"CONTEXT": {**context, **wanted}, "NIC": {"NETWORK": "net", "IP": "10.0.0.4"}}
    assert (vm_refusals.overwritten_context(body, wanted) is not None) is refused
