# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What OpenNebula refuses because of what there is in the cloud is refused in check mode too; see _core/refusals.py."""

from __future__ import annotations

from typing import Any

import pytest
from modules import Lab

SMALL = {"cpu": 0.1, "memory": "64"}
TINY = {"CPU": 0.1, "MEMORY": 64}
POLICY = {"type": "CHANGE", "adjust": 1, "start_time": "2031-01-01 10:00:00"}
# Module, options, words of the message. The run refuses these itself, before anything is sent.
EARLY: list[tuple[str, dict[str, Any], str]] = [
    (
        "one_datastore",
        {"type": "system", "ds_mad": "nope", "tm_mad": "dummy"},
        "a system datastore has no datastore driver",
    ),
    (
        "one_datastore",
        {"type": "image", "ds_mad": "dummy", "tm_mad": "dummy", "enabled": False},
        "Only system datastores can be disabled:",
    ),
    (
        "one_datastore",
        {"type": "image", "ds_mad": "dummy", "tm_mad": "dummy", "template": {"DISK_TYPE": "nope"}},
        "DISK_TYPE is one of FILE, CD_ROM, BLOCK,",
    ),
    (
        "one_datastore",
        {"type": "system", "tm_mad": "dummy", "template": {"CLONE_TARGET": "SELF"}},
        "a system datastore has no CLONE_TARGET",
    ),
    (
        "one_datastore",
        {"type": "image", "ds_mad": "dummy", "tm_mad": "dummy", "template": {"SHARED": "YES"}},
        "SHARED is for system datastores only",
    ),
    ("one_image", {"datastore": "default", "type": "kernel", "size": "10"}, "an image datastore takes disks only"),
    ("one_image", {"datastore": "default", "type": "ramdisk", "size": "10"}, "an image datastore takes disks only"),
    ("one_image", {"datastore": "default", "type": "context", "size": "10"}, "an image datastore takes disks only"),
    ("one_image", {"datastore": "files", "type": "os", "size": "10"}, "a file datastore takes images of the types"),
    ("one_image", {"datastore": "files", "type": "cdrom", "size": "10"}, "a file datastore takes images of the types"),
    (
        "one_image",
        {"datastore": "files", "type": "datablock", "size": "10"},
        "a file datastore takes images of the types",
    ),
    (
        "one_image",
        {"datastore": "files", "type": "filesystem", "size": "10"},
        "a file datastore takes images of the types",
    ),
    ("one_image", {"datastore": "system", "type": "os", "size": "10"}, "a system datastore takes no images, and"),
    ("one_image", {"datastore": "bck", "type": "os", "size": "10"}, "a backup datastore takes backups only, and"),
    ("one_image", {"datastore": "bck", "type": "kernel", "size": "10"}, "a backup datastore takes backups only, and"),
    ("one_image", {"datastore": "files", "path": "/x"}, "a file datastore takes images of the types"),
    (
        "one_image",
        {"datastore": "files", "template": {"PATH": "/x", "TYPE": "OS"}},
        "a file datastore takes images of the types",
    ),
    (
        "one_image",
        {"datastore": "default", "template": {"PATH": "/x", "TYPE": "KERNEL"}},
        "an image datastore takes disks only",
    ),
    (
        "one_image",
        {"datastore": "default", "template": {"PATH": "/x", "SOURCE": "/y", "FORMAT": "raw"}},
        "give PATH or SOURCE, not both",
    ),
    *[
        ("one_image", {"datastore": "default", "size": size}, "takes a size such as 4096 (MB)")
        for size in ("9" * 20, "9" * 400, "9000000000 GB", "8796093022208")
    ],
    (
        "one_datastore",
        {"ds_mad": "dummy", "tm_mad": "dummy", "template": {"CLONE_TARGET": "NONE"}},
        "CLONE_TARGET is what the transfer driver dummy has: SYSTEM, not 'NONE'",
    ),
    (
        "one_service_template",
        {"roles": [{"name": "a", "template": "tpl", "scheduled_policies": [POLICY]}]},
        "The role a has policies, and needs min_vms and max_vms",
    ),
    ("one_vdc", {"zone": "4711", "hosts": ["host0"]}, "There is no zone '4711'; perhaps this user may not see it."),
    ("one_image", {"datastore": "default", "path": "/x", "size": "2 GB"}, "give path or size, not both"),
    ("one_image", {"datastore": "default", "template": {"SOURCE": "/y"}}, "give its size too, as OpenNebula does not"),
    (
        "one_image",
        {"datastore": "default", "template": {"SOURCE": "/y", "FORMAT": "raw"}},
        "give its size too, as OpenNebula does not",
    ),
    (
        "one_image",
        {"datastore": "default", "type": "datablock", "size": "99999999"},
        "it has 99999999 MB, but datastore default",
    ),
    (
        "one_image",
        {"datastore": "files", "type": "kernel", "path": "/x", "persistent": True},
        "an image of type kernel cannot be",
    ),
    ("one_image", {"datastore": "default", "type": "os", "path": ""}, "give its path or its size"),
    ("one_image", {"clone_of": "kern"}, "an image of type kernel cannot be cloned"),
    ("one_image", {"clone_of": "os", "datastore": "files"}, "an image is cloned to an image datastore"),
    ("one_image", {"clone_of": "os", "datastore": "system"}, "an image is cloned to an image datastore"),
    ("one_image", {"clone_of": "os", "datastore": "otherfs"}, "an image is cloned to a datastore of the"),
    ("one_vnet", {"vn_mad": ""}, "give vn_mad"),
    ("one_vnet", {"vn_mad": "802.1Q"}, "the network driver 802"),
    ("one_vnet", {"vn_mad": "vxlan", "bridge": "b"}, "the network driver vxlan needs phydev and"),
    (
        "one_vnet",
        {
            "vn_mad": "dummy",
            "bridge": "b",
            "address_ranges": [{"type": "IP4", "ip": "10.1.1.1", "size": 4}],
            "held": ["10.1.1.9"],
        },
        "The option held: 10",
    ),
    ("one_vnet", {"vn_mad": "dummy", "bridge": "b", "held": ["10.1.1.9"]}, "The option held: 10"),
    (
        "one_vnet",
        {
            "vn_mad": "dummy",
            "bridge": "b",
            "address_ranges": [{"type": "IP4", "ip": "10.1.1.1", "size": 4}],
            "held": ["nonsense"],
        },
        "The option held takes IP and MAC",
    ),
    ("one_vnet", {"reserved_from": "net", "size": 200}, "virtual network net has at most"),
    ("one_vnet", {"reserved_from": "net", "size": 4, "ar_id": 9}, "virtual network net has no address range 9"),
    ("one_vnet", {"reserved_from": "net", "size": 200, "ar_id": 0}, "virtual network net has at most"),
    ("one_vnet", {"reserved_from": "resv", "size": 1}, "virtual network resv is a reservation"),
    ("one_host", {"im_mad": "", "vm_mad": ""}, "im_mad and vm_mad cannot be empty"),
    (
        "one_template",
        {"template": {"CPU": 0.1, "MEMORY": 64, "SCHED_ACTION": {"ACTION": "terminate"}}},
        "The option template: the TIME of a",
    ),
    (
        "one_template",
        {"template": {"CPU": 0.1, "MEMORY": 64, "SCHED_ACTION": {"TIME": 1}}},
        "The option template: SCHED_ACTION has no",
    ),
    (
        "one_template",
        {
            "template": {
                "CPU": 0.1,
                "MEMORY": 64,
                "SCHED_ACTION": {"ACTION": "terminate", "TIME": 1, "REPEAT": 0, "DAYS": "9"},
            }
        },
        "The option template: SCHED_ACTION: the days of one",
    ),
    (
        "one_template",
        {"template": {"CPU": 0.1, "MEMORY": 64, "SCHED_ACTION": {"ACTION": "terminate", "TIME": 1, "REPEAT": 0}}},
        "The option template: SCHED_ACTION: the days of one",
    ),
    (
        "one_template",
        {
            "template": {
                "CPU": 0.1,
                "MEMORY": 64,
                "SCHED_ACTION": {"ACTION": "terminate", "TIME": 1, "REPEAT": 1, "DAYS": "40"},
            }
        },
        "The option template: SCHED_ACTION: the days of one",
    ),
    (
        "one_template",
        {
            "template": {
                "CPU": 0.1,
                "MEMORY": 64,
                "SCHED_ACTION": {"ACTION": "terminate", "TIME": 1, "REPEAT": 2, "DAYS": "400"},
            }
        },
        "The option template: SCHED_ACTION: the days of one",
    ),
    (
        "one_template",
        {
            "template": {
                "CPU": 0.1,
                "MEMORY": 64,
                "SCHED_ACTION": {"ACTION": "terminate", "TIME": 1, "REPEAT": 7, "DAYS": "1"},
            }
        },
        "The option template: the REPEAT of a",
    ),
    (
        "one_template",
        {
            "template": {
                "CPU": 0.1,
                "MEMORY": 64,
                "SCHED_ACTION": {"ACTION": "terminate", "TIME": 1, "REPEAT": "0", "DAYS": "1", "END_TYPE": "7"},
            }
        },
        "The option template: the END_TYPE of a",
    ),
    (
        "one_template",
        {
            "template": {
                "CPU": 0.1,
                "MEMORY": 64,
                "SCHED_ACTION": {
                    "ACTION": "terminate",
                    "TIME": 1,
                    "REPEAT": "0",
                    "DAYS": "1",
                    "END_TYPE": "1",
                    "END_VALUE": "-3",
                },
            }
        },
        "The option template: the END_VALUE of a",
    ),
    (
        "one_template",
        {"template": {"CPU": 0.1, "MEMORY": 64, "SCHED_ACTION": {"ACTION": "terminate", "TIME": "tomorrow"}}},
        "The option template: the TIME of a",
    ),
    (
        "one_template",
        {"template": {"CPU": 0.1, "MEMORY": 64, "RAW": {"TYPE": "nope", "DATA": "x"}}},
        "The option template: RAW (TYPE) is one of",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"TYPE": "nope", "SIZE": 1}}},
        "a disk has an image, or is of the type fs",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"TYPE": "fs"}}},
        "a disk of type fs needs a size, a number",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"TYPE": "swap", "SIZE": "x"}}},
        "(SIZE of DISK) takes a size such as",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"TYPE": "swap", "SIZE": "-1"}}},
        "(SIZE of DISK) takes a size such as",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"SIZE": 10}}},
        "a disk has an image, or is of the type fs",
    ),
    (
        "one_vm",
        {
            "cpu": 0.1,
            "memory": "64",
            "extra_template": {"DISK": [{"IMAGE": "os", "TARGET": "vda"}, {"IMAGE": "os", "TARGET": "vda"}]},
        },
        "two disks have the target vda",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC_ALIAS": {"NETWORK": "net", "PARENT": "NIC9"}}},
        "a NIC alias has the PARENT",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC_ALIAS": {"NETWORK": "net"}}},
        "a NIC alias has the PARENT",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"OS": {"BOOT": "disk7"}}},
        "OS (BOOT) names disk7, which the VM does",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"OS": {"BOOT": "nic7"}}},
        "OS (BOOT) names nic7, which the VM does",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"OS": {"KERNEL_DS": "nope"}}},
        'OS (KERNEL_DS) is $FILE[IMAGE="name"] or',
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"GRAPHICS": {"PORT": "x"}}},
        "GRAPHICS (PORT) is a number up to 65535,",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"GRAPHICS": {"PORT": "99999"}}},
        "GRAPHICS (PORT) is a number up to 65535,",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"RAW": {"TYPE": "nope", "DATA": "x"}}},
        "RAW (TYPE) is one of dummy, kvm, lxc,",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"TOPOLOGY": {"SOCKETS": 1}}},
        "TOPOLOGY needs SOCKETS, CORES and THREADS",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"TOPOLOGY": {"SOCKETS": 2, "CORES": 2, "THREADS": 2}}},
        "TOPOLOGY has 8 threads, but VCPU is 1",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"PCI": {"FOO": "x"}}},
        "a PCI device needs one of SHORT_ADDRESS,",
    ),
    ("one_vm", {"cpu": 0.1, "memory": "64", "extra_template": {"CPU_COST": "x"}}, "CPU_COST is a number from 0, not"),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK_COST": "-1"}},
        "DISK_COST is a number from 0, not",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"MEMORY_COST": "x"}},
        "MEMORY_COST is a number from 0, not",
    ),
    (
        "one_vm",
        {
            "cpu": 0.1,
            "memory": "64",
            "extra_template": {"VCPU_MAX": "4", "TOPOLOGY": {"SOCKETS": 1, "CORES": 1, "THREADS": 1}},
        },
        "a VM with TOPOLOGY has no VCPU_MAX",
    ),
    (
        "one_vm",
        {
            "cpu": 0.1,
            "memory": "64",
            "networks": [{"network": "net"}],
            "nic_aliases": [{"network": "net", "parent": "NIC7"}],
        },
        "a NIC alias has the PARENT",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "nic_aliases": [{"network": "net", "parent": "NIC0"}]},
        "a NIC alias has the PARENT",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "disks": [{"type": "nope", "size": "10"}]},
        "a disk has an image, or is of the type fs",
    ),
    ("one_vm", {"cpu": 0.1, "memory": "64", "disks": [{"type": "fs"}]}, "a disk of type fs needs a size, a number"),
    ("one_vm", {"template": "vrt"}, "VM template vrt is for virtual routers only"),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "updateconf": {"OS": {"BOOT": "disk9"}}},
        "OS (BOOT) names disk9, which the VM does",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "updateconf": {"GRAPHICS": {"PORT": "zz"}}},
        "GRAPHICS (PORT) is a number up to 65535,",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "updateconf": {"RAW": {"TYPE": "nope", "DATA": "x"}}},
        "RAW (TYPE) is one of dummy, kvm, lxc,",
    ),
    (
        "one_security_group",
        {"rules": [{"protocol": "tcp", "direction": "inbound", "ip": "zz", "size": 1}]},
        "The ip of a rule is an IP address, not",
    ),
    (
        "one_security_group",
        {"rules": [{"protocol": "tcp", "direction": "inbound", "ip": "10.0.0.1"}]},
        "A rule with an ip has a size too, the",
    ),
    (
        "one_security_group",
        {"rules": [{"protocol": "tcp", "direction": "inbound", "icmp_type": 3}]},
        "A rule of protocol tcp has no icmp_type,",
    ),
    (
        "one_security_group",
        {"rules": [{"protocol": "icmp", "direction": "inbound", "icmpv6_type": "1"}]},
        "A rule of protocol icmp has no",
    ),
    ("one_security_group", {"template": {"RULE": {"PROTOCOL": "TCP"}}}, "The direction of a rule is one of inbound,"),
    ("one_vrouter", {"vm_template": "tpl", "vm_count": 1}, "VM template tpl is not for virtual routers"),
    ("one_vrouter", {"vm_count": 1}, "To create VMs of virtual"),
    ("one_cluster", {"name": "default", "state": "absent"}, "OpenNebula keeps its own clusters"),
    ("one_security_group", {"name": "default", "state": "absent"}, "OpenNebula keeps the security group with"),
    ("one_datastore", {"name": "default", "enabled": False}, "Only system datastores can be disabled:"),
    (
        "one_datastore",
        {"name": "default", "template": {"DISK_TYPE": "nope"}},
        "DISK_TYPE is one of FILE, CD_ROM, BLOCK,",
    ),
    ("one_image", {"name": "os", "type": "kernel"}, "it is of type os, which can only become"),
    ("one_image", {"name": "kern", "type": "os"}, "it is of type kernel, which can only"),
    ("one_image", {"name": "kern", "persistent": True}, "an image of type kernel cannot be"),
    ("one_image", {"name": "used", "persistent": True}, "VMs use it"),
    ("one_image", {"name": "pers", "persistent": False}, "VMs use it"),
    ("one_image", {"name": "used", "enabled": False}, "VMs use it"),
    ("one_image", {"name": "pers", "enabled": False}, "VMs use it"),
    ("one_image", {"name": "kern", "state": "cloned", "new_name": "kern2"}, "an image of type kernel cannot be cloned"),
    (
        "one_vnet",
        {"name": "net", "address_ranges": [{"ar_id": 0, "size": 1}]},
        "its address with the number 10 is in use",
    ),
    ("one_vnet", {"name": "net", "address_ranges": [], "purge_address_ranges": True}, "it has addresses in use"),
    ("one_vnet", {"name": "net", "held": ["10.9.9.9"]}, "The option held: 10"),
    ("one_vnet", {"name": "resv", "reserved_from": "net", "size": 500}, "virtual network net has at most"),
    (
        "one_vnet",
        {"name": "resv", "reserved_from": "net", "size": 6, "ar_id": 7},
        "virtual network net has no address range 7",
    ),
    (
        "one_template",
        {"name": "tpl", "template": {"RAW": {"TYPE": "nope"}}},
        "The option template: RAW (TYPE) is one of",
    ),
    (
        "one_vm",
        {"name": "vm", "updateconf": {"RAW": {"TYPE": "nope", "DATA": "x"}}},
        "RAW (TYPE) is one of dummy, kvm, lxc,",
    ),
    (
        "one_vm",
        {"name": "vmp", "updateconf": {"GRAPHICS": {"PORT": "zz"}}},
        "the PORT of GRAPHICS is set when a VM is created",
    ),
    ("one_vm_migrate", {"name": "vm", "host": "off"}, "host off is offline"),
    ("one_vm_backup", {"name": "vm", "datastore": "default"}, "datastore default is no backup datastore"),
    (
        "one_marketapp",
        {"name": "app", "state": "exported", "datastore": "files"},
        "a file datastore takes images of the types",
    ),
    (
        "one_security_group",
        {"name": "sg", "rules": [{"protocol": "tcp", "direction": "inbound", "range": "x"}]},
        "The range of a rule is ports up to 65535,",
    ),
    ("one_datastore", {"name": "system", "ds_mad": "fs"}, "a system datastore has no"),
    ("one_vntemplate", {"template": {"BRIDGE": "b"}}, "give VN_MAD"),
    (
        "one_hook",
        {"type": "state", "resource": "vm", "resource_state": "NOPE", "lcm_state": "RUNNING", "command": "a"},
        "there is no state nope",
    ),
    (
        "one_hook",
        {"type": "state", "resource": "vm", "resource_state": "ACTIVE", "lcm_state": "RUNING", "command": "a"},
        "Did you mean running?",
    ),
    (
        "one_hook",
        {"type": "state", "resource": "host", "resource_state": "NOPE", "command": "a"},
        "there is no state nope",
    ),
    (
        "one_hook",
        {"type": "state", "resource": "image", "resource_state": "NOPE", "command": "a"},
        "there is no state nope",
    ),
    (
        "one_hook",
        {"template": {"TYPE": "state", "RESOURCE": "ZONE", "STATE": "x", "COMMAND": "a"}},
        "RESOURCE is one of",
    ),
    (
        "one_vm_group",
        {"roles": [{"name": "a"}, {"name": "b"}], "affined": [["a", "b"]], "anti_affined": [["a", "b"]]},
        "the roles a, b are affined and anti-affined",
    ),
    ("one_vm_group", {"roles": [{"name": ""}]}, "each role has a name"),
    ("one_user", {"name": "oneadmin", "state": "absent"}, "OpenNebula keeps its user oneadmin"),
    ("one_group", {"name": "users", "state": "absent"}, "OpenNebula keeps its own groups"),
    ("one_vdc", {"name": "default", "state": "absent"}, "OpenNebula keeps its own VDCs"),
    ("one_zone", {"name": "OpenNebula", "state": "absent"}, "OpenNebula keeps its own zones"),
    ("one_user", {"name": "oneadmin", "enabled": False}, "oneadmin cannot be disabled"),
    ("one_user", {"name": "oneadmin", "group": "users"}, "oneadmin stays in the group oneadmin"),
    ("one_user", {"name": "oneadmin", "quotas": {"vm": {"vms": 1}}}, "oneadmin has no quotas"),
    ("one_group", {"name": "oneadmin", "quotas": {"vm": {"vms": 1}}}, "the group oneadmin has no quotas"),
    (
        "one_vm_schedule",
        {"name": "vm", "schedules": [{"action": "terminate", "time": "+60", "repeat": "weekly", "days": [8]}]},
        "numbers from 0 to 6",
    ),
]
NUMA = {"TOTAL_CPUS": 1, "MEMORY": 32}
PINNED = {"PIN_POLICY": "CORE", "SOCKETS": 1}
NO_NUMBERS = [
    ("CPU", "much", "a number greater than 0"),
    ("CPU", "0", "a number greater than 0"),
    ("VCPU", "1.5", "a whole number greater than 0"),
    ("MEMORY", "2 XB", "a size such as"),
    ("MEMORY", "-5", "a size such as"),
    ("DISK", {"IMAGE": "os", "SIZE": "large"}, "a size such as"),
    ("NUMA_NODE", {"MEMORY": "x"}, "a size such as"),
    ("DISK", {"IMAGE_ID": "os"}, "(IMAGE_ID of DISK) takes a number from 0, not 'os'. IMAGE takes a name"),
    ("NIC", {"NETWORK_ID": "-1"}, "(NETWORK_ID of NIC) takes a number from 0, not '-1'. NETWORK takes a name"),
]
for name, value, words in NO_NUMBERS:
    EARLY += [
        ("one_template", {"template": {**TINY, name: value}}, words),
        ("one_vm", {"template": "tpl", "extra_template": {name: value}}, words),
        ("one_vrouter", {"vm_template": "vrt", "vm_count": 1, "vm_extra": {name: value}}, words),
        (
            "one_service_template",
            {"roles": [{"name": "web", "template": "tpl", "template_contents": {name: value}}]},
            words,
        ),
    ]
WITH_NIC = {**SMALL, "networks": [{"network": "net"}]}
OF_NIC = {"NETWORK": True, "ETH0_IP": "1.2.3.4"}
API_HOOK = {"type": "api", "call": "one.vm.allocate", "command": "/bin/true"}
WEB = {"name": "web", "template": "tpl"}
MONTHLY = {"action": "poweroff", "time": "+60", "repeat": "monthly", "days": [1]}
RULE = {"type": "CHANGE", "adjust": 1, "expression": "CPU > 80"}
DUMMY = {"im_mad": "dummy", "vm_mad": "dummy"}
SYSTEM_DS = {"type": "system", "tm_mad": "dummy"}
EARLY += [
    (
        "one_datastore",
        {**SYSTEM_DS, "template": {"LIMIT_MB": "10 GB"}},
        "(LIMIT_MB) takes a whole number of MB, not '10 GB'",
    ),
    (
        "one_datastore",
        {"name": "default", "template": "LIMIT_MB=1.5"},
        "(LIMIT_MB) takes a whole number of MB, not '1.5'",
    ),
    (
        "one_host",
        {"im_mad": "dummy", "vm_mad": "dummy", "template": {"RESERVED_MEM": "2 GB"}},
        "(RESERVED_MEM) takes a whole number",
    ),
    (
        "one_host",
        {"name": "host0", "template": {"RESERVED_CPU": "x"}},
        "(RESERVED_CPU) takes a whole number of hundredths",
    ),
    ("one_cluster", {"template": {"RESERVED_MEM": "2 GB"}}, "(RESERVED_MEM) takes a whole number of KB, or a part"),
    ("one_service", {"template": "shop", "role": "zz", "cardinality": 2}, "shop has no role zz; to add it, give its"),
    ("one_service", {"template": "0", "roles": [{"name": "zz", "cardinality": 2}]}, "shop has no role zz; to add it,"),
    *[
        ("one_service_template", {"roles": roles}, words)
        for roles, words in (
            ([{**WEB, "parents": ["nobody"]}], "role web has the parent 'nobody', which is no role. There are: web."),
            ([{**WEB, "parents": ["dbs"]}, {**WEB, "name": "db"}], "no role. Did you mean db? There are: web, db"),
            ([{**WEB, "parents": ["web"]}], "The roles web wait for each other"),
            (
                [{**WEB, "parents": ["db"]}, {**WEB, "name": "db", "parents": ["web"]}, {**WEB, "name": "ok"}],
                "The roles web, db wait for each other",
            ),
        )
    ],
    ("one_service_template", {"name": "shop", "roles": [{"name": "web", "parents": ["nobody"]}]}, "which is no role"),
    ("one_service", {"template": "shop", "roles": [{"name": "web", "parents": ["nobody"]}]}, "which is no role"),
    ("one_service", {"template": "shop", "roles": [{**WEB, "name": "new", "parents": ["nobody"]}]}, "which is no role"),
    ("one_service", {"name": "later", "roles": [{"name": "z z"}]}, "roles (name) takes letters, digits and _"),
    ("one_service", {"template": "shop", "roles": [{"name": "z z"}]}, "roles (name) takes letters, digits and _"),
    ("one_service_template", {"roles": [{**WEB, "name": "we b"}]}, "roles (name) takes letters, digits and _"),
    ("one_service_template", {"roles": [{**WEB, "cardinality": -1}]}, "roles (cardinality) takes a number from 0"),
    ("one_service_template", {"roles": [{**WEB, "min_vms": -1}]}, "roles (min_vms) takes a number from 0, not -1"),
    ("one_service_template", {"roles": [{**WEB, "cardinality": 5, "max_vms": 2}]}, "has cardinality 5, but max_vms 2"),
    ("one_service_template", {"roles": [{**WEB, "cardinality": 1, "min_vms": 2}]}, "has cardinality 1, but min_vms 2"),
    (
        "one_service_template",
        {"name": "shop", "roles": [{"name": "web", "max_vms": 0}]},
        "but max_vms 0",
    ),
    (
        "one_service_template",
        {"roles": [{**WEB, "elasticity_policies": [{**RULE, "period": -1}]}]},
        "elasticity_policies (period) takes a number from 0",
    ),
    ("one_hook", {**API_HOOK, "retry": [4]}, "and so no execution of it: leave out retry"),
    ("one_vm_schedule", {"name": "vm", "schedules": [{**MONTHLY, "end_after": -1}]}, "schedules (end_after) takes a"),
    (
        "one_backupjob",
        {"datastore": "bck", "schedules": [{"time": "+60", "repeat": "monthly", "days": [1], "end_after": -1}]},
        "schedules (end_after) takes a number from 0, not -1",
    ),
    (
        "one_backupjob",
        {"datastore": "bck", "template": {"SCHED_ACTION": {"TIME": "x"}}},
        "The option template: the TIME of a SCHED_ACTION is a number of seconds, or +SECONDS after the start, not 'x'",
    ),
    ("one_vm", {**SMALL, "disk_saveas": {"name": ""}}, "The name of an image cannot be empty"),
    ("one_vm_disk", {"name": "vmp", "image": " "}, "The name of an image cannot be empty"),
    ("one_vm_snapshot", {"name": "vm", "snapshot": ""}, "The option snapshot cannot be empty"),
    ("one_vm_snapshot", {"name": "vm", "snapshot": " ", "disk": 0}, "The option snapshot cannot be empty"),
    ("one_vm", {**WITH_NIC, "context": OF_NIC}, "CONTEXT (ETH0_IP) is made of the interface"),
    ("one_vm", {**WITH_NIC, "updateconf": {"CONTEXT": OF_NIC}}, "CONTEXT (ETH0_IP) is made of the interface"),
    ("one_vm", {"template": "tpl", "context": {"NETWORK": "yes", "ETH0_DNS": "9.9.9.9"}}, "CONTEXT (ETH0_DNS) is made"),
    ("one_vm", {**SMALL, "datastore": "default"}, "takes a system datastore, and default is none"),
    ("one_vm_backup", {"name": "vm", "datastore": "bck", "max_age": -1}, "max_age takes a number from 0"),
    ("one_vm_backup", {"name": "vm", "state": "configured", "keep_last": -1}, "keep_last takes a number from 0"),
    ("one_vm_exec", {"name": "vm", "command": " "}, "The option command cannot be empty"),
    ("one_vm_snapshot", {"name": "vm", "snapshot": "s", "keep": -1}, "keep takes a number from 1"),
    ("one_vm_snapshot", {"name": "vm", "snapshot": "s", "disk": -1}, "disk takes a number from 0"),
    ("one_vm", {**SMALL, "disks": [{"image_id": "os"}]}, "disks (IMAGE_ID) takes a number from 0"),
    ("one_vm", {**SMALL, "networks": [{"network_id": "net"}]}, "networks (NETWORK_ID) takes a number from 0"),
    ("one_vrouter", {"nics": [{"network_id": "net"}]}, "nics (NETWORK_ID) takes a number from 0"),
    ("one_group", {"admins": ["member"]}, "user member is no member; add it by one_user (groups) first"),
    ("one_hook", {"type": "api", "call": "one.vm.allocate", "command": ""}, "the option command cannot be empty"),
    ("one_vm", {**SMALL, "extra_template": {"TOPOLOGY": PINNED, "NUMA_NODE": [NUMA]}}, "the NUMA nodes have MEMORY 32"),
    (
        "one_vm",
        {**SMALL, "extra_template": {"TOPOLOGY": PINNED, "NUMA_NODE": [NUMA, NUMA]}},
        "the NUMA nodes have VCPU 2 in all, but the VM has 1",
    ),
    (
        "one_vm",
        {**SMALL, "extra_template": {"TOPOLOGY": PINNED, "NUMA_NODE": [{"MEMORY": 64}]}},
        "a NUMA_NODE needs TOTAL_CPUS and MEMORY",
    ),
    ("one_vm", {**SMALL, "extra_template": {"TOPOLOGY": {**PINNED, "SOCKETS": 2}}}, "VCPU 1 cannot be shared by 2"),
    ("one_vrouter", {"vm_template": "nomemvr", "vm_count": 1}, "give MEMORY: neither the task nor the VM template"),
    ("one_vrouter", {"name": "vr", "vm_template": "tpl", "vm_count": 2}, "VM template tpl is not for virtual routers"),
]
# The run leaves these to the server, which refuses a call as a whole.
FORESEEN: list[tuple[str, dict[str, Any], str]] = [
    ("one_user", {"name": "lu", "groups": ["users", "g1"]}, "the authentication driver ldap manages the groups"),
    ("one_marketplace", {"market_mad": "nope"}, "OpenNebula has no marketplace driver"),
    ("one_marketplace", {"market_mad": "http"}, "the marketplace driver http needs BASE_URL and PUBLIC_DIR"),
    ("one_datastore", {"type": "image", "ds_mad": "nope", "tm_mad": "dummy"}, "OpenNebula has no datastore"),
    ("one_datastore", {"type": "image", "ds_mad": "dummy", "tm_mad": "nope"}, "OpenNebula has no transfer"),
    ("one_datastore", {"type": "system", "tm_mad": "nope"}, "OpenNebula has no transfer"),
    ("one_datastore", {"type": "backup", "ds_mad": "nope"}, "OpenNebula has no datastore"),
    ("one_datastore", {"type": "file", "ds_mad": "nope", "tm_mad": "dummy"}, "OpenNebula has no datastore"),
    (
        "one_datastore",
        {"type": "image", "ds_mad": "ceph", "tm_mad": "ceph"},
        "the datastore driver ceph needs DISK_TYPE",
    ),
    ("one_datastore", {"type": "backup", "ds_mad": "rsync", "tm_mad": "-"}, "the datastore driver rsync needs"),
    ("one_datastore", {"type": "backup", "ds_mad": "restic"}, "the datastore driver restic needs"),
    (
        "one_datastore",
        {"type": "image", "ds_mad": "iscsi_libvirt", "tm_mad": "iscsi_libvirt"},
        "the datastore driver iscsi_libvirt needs",
    ),
    ("one_datastore", {"type": "image", "ds_mad": "dev", "tm_mad": "dev"}, "the datastore driver dev needs DISK_TYPE"),
    ("one_datastore", {"template": {"DS_MAD": "nope", "TM_MAD": "dummy"}}, "OpenNebula has no datastore"),
    ("one_vnet", {"vn_mad": "nope", "bridge": "br0"}, "OpenNebula has no network"),
    (
        "one_vnet",
        {"vn_mad": "bridge", "template": {"BRIDGE_TYPE": "nope"}},
        "the network driver bridge has BRIDGE_TYPE",
    ),
    ("one_marketapp", {"marketplace": "OpenNebula Public", "image": "os"}, "marketplace OpenNebula Public is only"),
    ("one_datastore", {"name": "default", "tm_mad": "nope"}, "OpenNebula has no transfer"),
    ("one_datastore", {"name": "default", "ds_mad": "nope"}, "OpenNebula has no datastore"),
    ("one_vnet", {"name": "net", "vn_mad": "nope"}, "OpenNebula has no network"),
    ("one_vnet", {"name": "net", "template": {"VN_MAD": "nope"}}, "OpenNebula has no network"),
    ("one_vnet", {"name": "net", "template": {"BRIDGE_TYPE": "nope"}}, "the network driver dummy has BRIDGE_TYPE"),
    ("one_datastore", {"name": "default", "ds_mad": "ceph"}, "the datastore driver ceph needs"),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"IMAGE_ID": 99}}},
        "there is no image with id 99",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC": {"NETWORK_ID": 99}}},
        "there is no virtual network with id 99",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"IMAGE": "kern"}}},
        "image kern is of a type that is no disk",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"IMAGE": "pers"}}},
        "image pers is persistent, and a VM has it",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": {"IMAGE": "disabled"}}},
        "image disabled is disabled",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"DISK": [{"IMAGE": "persfree"}, {"IMAGE": "persfree"}]}},
        "two disks have the persistent image",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC": {"NETWORK": "net", "IP": "10.9.9.9"}}},
        "virtual network net does not have the",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC": {"NETWORK": "net", "IP": "10.0.0.20"}}},
        "the address 10",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC": {"NETWORK": "full"}}},
        "virtual network full has no free addresses",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"NIC": {"NETWORK": "net", "MAC": "02:00:00:00:00:00"}}},
        "virtual network net does not have the",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"OS": {"KERNEL_DS": "$FILE[IMAGE=os]"}}},
        "OS (KERNEL_DS): image os is not of type",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"OS": {"INITRD_DS": "$FILE[IMAGE=kern]"}}},
        "OS (INITRD_DS): image kern is not of type",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"OS": {"KERNEL_DS": "$FILE[IMAGE_ID=99]"}}},
        "OS (KERNEL_DS): there is no image with id",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"CONTEXT": {"FILES_DS": "$FILE[IMAGE=os]"}}},
        "CONTEXT (FILES_DS): image os is not of",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"CONTEXT": {"FILES_DS": "$FILE[IMAGE_ID=99]"}}},
        "CONTEXT (FILES_DS): there is no image with",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"CONTEXT": {"TOKEN": "YES"}}},
        "CONTEXT has TOKEN, but oned",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "extra_template": {"VMGROUP": {"VMGROUP_ID": "99", "ROLE": "a"}}},
        "there is no VM group with id 99",
    ),
    ("one_vm", {"cpu": 0.1, "memory": "64", "vm_group": {"group": "vmg", "role": "nope"}}, "VM group vmg has no role"),
    ("one_vm", {"cpu": 0.1, "memory": "64", "disks": [{"image_id": 99}]}, "there is no image with id 99"),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "networks": [{"NETWORK_ID": 99}]},
        "there is no virtual network with id 99",
    ),
    (
        "one_datastore",
        {"type": "image", "ds_mad": "dummy", "tm_mad": "dummy", "template": {"CLONE_TARGET": "SELF"}},
        "CLONE_TARGET is what the transfer driver dummy has: SYSTEM, not 'SELF'",
    ),
    (
        "one_datastore",
        {"type": "system", "tm_mad": "dummy", "template": {"SHARED": "NO"}},
        "SHARED is what the transfer driver dummy has: YES, not 'NO'",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "disks": [{"image": "os", "size": "10 MB"}]},
        "image os has 1024 MB, and a",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "disks": [{"image": "persfree", "size": "99 MB"}]},
        "persfree is persistent",
    ),
    ("one_vm", {"cpu": 0.1, "memory": "64", "disks": [{"image": "kern"}]}, "image kern is of a type that is no disk"),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "networks": [{"network": "full"}]},
        "virtual network full has no free addresses",
    ),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "networks": [{"network": "net", "ip": "10.9.9.9"}]},
        "virtual network net does not have the",
    ),
    ("one_vm", {"cpu": 0.1, "memory": "64", "networks": [{"network": "net", "ip": "10.0.0.20"}]}, "the address 10"),
    (
        "one_vm",
        {"cpu": 0.1, "memory": "64", "networks": [{"network": "net", "ip": "zz"}]},
        "virtual network net does not have the",
    ),
    ("one_vm", {"template": "badnet"}, "there is no virtual network with id 99"),
    ("one_vm", {"template": "usedtpl"}, "image pers is persistent, and a VM has it"),
    ("one_marketapp", {"marketplace": "market", "image": "pers"}, "image pers is neither ready nor used"),
    ("one_marketapp", {"marketplace": "market", "image": "disabled"}, "image disabled is neither ready nor used"),
    (
        "one_vrouter",
        {"nics": [{"network": "net", "floating_ip": True, "ip": "10.9.9.9"}]},
        "virtual network net does not have the",
    ),
    ("one_vrouter", {"template": {"NIC": {"NETWORK_ID": "99"}}}, "there is no virtual network with id 99"),
    ("one_vm", {"name": "vm", "disks": [{"image": "kern"}]}, "image kern is of a type that is no disk"),
    ("one_vm", {"name": "vm", "networks": [{"network": "full"}]}, "virtual network full has no free addresses"),
    (
        "one_vm",
        {"name": "vm", "networks": [{"network": "net", "ip": "10.9.9.9"}]},
        "virtual network net does not have the",
    ),
    ("one_vm", {"name": "vm", "networks": [{"network_id": 99}]}, "there is no virtual network with id 99"),
    ("one_vm", {"name": "vm", "nic_aliases": [{"network": "net", "parent": "NIC7"}]}, "a NIC alias has the PARENT"),
    ("one_vm", {"name": "vm", "updateconf": {"CONTEXT": {"ETH0_IP": "1"}}}, "the VM was created without CONTEXT, and"),
    ("one_vm", {"name": "vm", "disk_saveas": {"name": "os2", "disk_id": 9}}, "the VM has no disk 9"),
    ("one_vm", {"name": "vmp", "updateconf": {"OS": {"BOOT": "disk9"}}}, "OS (BOOT) names disk9, which the VM does"),
    ("one_vm_migrate", {"name": "vm", "host": "other"}, "host other is in cluster clu, but the"),
    ("one_vm_migrate", {"name": "vm", "cluster": "clu"}, "host other is in cluster clu, but the"),
    ("one_vrouter", {"name": "vr", "nics": [{"network_id": 99}]}, "there is no virtual network with id 99"),
    ("one_template", {"clone_of": "kerntpl", "recursive": True}, "image kern is of a type that is no disk"),
    ("one_template", {"clone_of": "gonetpl", "recursive": True}, "there is no image with id 99"),
    ("one_vm", {"template": "nomem"}, "give MEMORY: neither the task nor the VM template has it"),
    ("one_vm", {"name": "vm", "cpu": 900}, "it needs CPU 899.9 more, but host"),
    ("one_vm", {"name": "vmp", "cpu": 900}, "it needs CPU 899.9 more, but host"),
    ("one_vm", {"name": "vmp", "memory": "900 GB"}, "it needs MEMORY 921536 more, but host"),
    ("one_call", {"method": "one.nope", "arguments": []}, "Method 'one.nope' not defined"),
    ("one_call", {"method": "host.delte", "arguments": [0]}, "Did you mean one.host.delete"),
    ("one_call", {"method": "host.delete", "arguments": [4711]}, "there is no host with id 4711"),
    *[
        ("one_call", {"method": method, "arguments": list(arguments)}, words)
        for method, arguments, words in (
            ("vm.action", ("poweroff", 4711), "there is no VM with id 4711"),
            ("vm.action", ("terminated", 0), "action_name is one of terminate, terminate-hard,"),
            ("vm.action", ("terminated", 0), "not 'terminated'. Did you mean terminate?"),
            ("vm.recover", (0, 9), "operation is one of 0, 1, 2, 3, 4, 5, not 9"),
            ("host.status", (0, 9), "status is one of 0, 1, 2, not 9"),
            ("vm.deploy", (0, 4711), "there is no host with id 4711"),
            ("image.chown", (0, 0, 4711), "there is no group with id 4711"),
            ("image.chmod", (0, 9, 0, 0, 0, 0, 0, 0, 0, 0), "user_use is one of -1, 0, 1, not 9"),
            ("image.lock", (0, 9), "level is one of 1, 2, 3, 4, not 9"),
            ("image.chtype", (0, "DISC"), "which can only become"),
            ("image.chtype", (0, "KERNEL"), "which can only become"),
            ("image.allocate", ("NAME=a", 4711), "there is no datastore with id 4711"),
            ("cluster.update", (0, "A=[", 1), "template cannot be read at line 1"),
            ("cluster.update", (0, "A=1", 7), "append is one of 0, 1, not 7"),
            ("image.rename", (0, "a&b"), "The name of an image cannot have '&'"),
            ("cluster.allocate", ("",), "The name of a cluster cannot be empty"),
        )
    ],
    ("one_hook", {"name": "hk", "retry": [4711]}, "the hook has no execution 4711; it has: "),
    ("one_vm", {"name": "vmp", "disk_saveas": {"name": "saved"}}, "the VM has no disk 0"),
    ("one_vm", {"name": "vmc", "context": {"ETH0_IP": "1.2.3.4"}}, "CONTEXT (ETH0_IP) is made of the interface"),
    ("one_vm", {"name": "vmq", "cpu": 3}, "but user limited has a quota of 2 and uses 0.1"),
    ("one_vm", {"name": "vmq", "memory": "300"}, "but group tight has a quota of 256 and uses 64"),
    ("one_group", {"name": "g1", "admins": ["lu"]}, "user lu is no member"),
    ("one_backupjob", {"datastore": "bck", "vms": ["vm"]}, "is in backup job job, and a VM can be in one only"),
    ("one_backupjob", {"name": "job2", "vms": ["vm"]}, "is in backup job job, and a VM can be in one only"),
]
TCP = {"protocol": "tcp", "direction": "inbound"}
OBJECTS: list[tuple[str, dict[str, Any]]] = [
    ("one_image", {"name": "kern", "datastore": "files", "type": "kernel", "path": "/k"}),
    ("one_image", {"name": "pers", "datastore": "default", "type": "datablock", "size": "10", "persistent": True}),
    ("one_image", {"name": "persfree", "datastore": "default", "type": "datablock", "size": "10", "persistent": True}),
    ("one_image", {"name": "used", "datastore": "default", "type": "datablock", "size": "10"}),
    ("one_image", {"name": "disabled", "datastore": "default", "type": "datablock", "size": "10", "enabled": False}),
    ("one_datastore", {"name": "otherfs", "type": "image", "ds_mad": "fs", "tm_mad": "ssh", "wait": False}),
    (
        "one_vnet",
        {
            "name": "full",
            "vn_mad": "dummy",
            "bridge": "b",
            "address_ranges": [{"type": "IP4", "ip": "10.5.0.1", "size": 1}],
        },
    ),
    ("one_vnet", {"name": "resv", "reserved_from": "net", "size": 4}),
    ("one_security_group", {"name": "sg", "rules": [TCP]}),
    ("one_vm_group", {"name": "vmg", "roles": [{"name": "r"}]}),
    ("one_template", {"name": "badnet", "template": {"CPU": 0.1, "MEMORY": 64, "NIC": {"NETWORK_ID": 99}}}),
    ("one_template", {"name": "usedtpl", "template": {"CPU": 0.1, "MEMORY": 64, "DISK": {"IMAGE": "pers"}}}),
    ("one_template", {"name": "kerntpl", "template": {**TINY, "DISK": [{"IMAGE": "os"}, {"IMAGE": "kern"}]}}),
    ("one_template", {"name": "gonetpl", "template": {**TINY, "DISK": {"IMAGE_ID": 99}}}),
    ("one_template", {"name": "vrt", "template": {"CPU": 0.1, "MEMORY": 64, "VROUTER": True}}),
    (
        "one_vm",
        {
            "name": "vm",
            **SMALL,
            "disks": [{"image": "os"}, {"image": "used"}, {"image": "pers"}],
            "networks": [{"network": "net", "ip": "10.0.0.20", "security_groups": ["sg"]}],
        },
    ),
    ("one_vm", {"name": "vm2", **SMALL, "networks": [{"network": "full"}], "vm_group": {"group": "vmg", "role": "r"}}),
    ("one_vm", {"name": "vmp", **SMALL, "state": "poweredoff"}),
    ("one_cluster", {"name": "clu"}),
    ("one_group", {"name": "g1"}),
    ("one_user", {"name": "lu", "auth_driver": "ldap"}),
    ("one_user", {"name": "member", "password": "p", "group": "g1"}),
    ("one_vrouter", {"name": "vr", "nics": [{"network": "net"}]}),
    ("one_marketapp", {"name": "app", "marketplace": "market", "image": "used"}),
    ("one_template", {"name": "nomemvr", "template": {"CPU": 0.1, "VROUTER": True}}),
    ("one_template", {"name": "nomem", "template": {"CPU": 0.1}}),
    ("one_group", {"name": "tight", "quotas": {"vm": {"memory": 256}}}),
    ("one_user", {"name": "limited", "password": "p", "group": "tight", "quotas": {"vm": {"cpu": 2}}}),
    ("one_vm", {"name": "vmq", **SMALL, "state": "poweredoff", "owner": "limited", "group": "tight"}),
    ("one_vm", {"name": "vmc", **SMALL, "networks": [{"network": "net"}], "context": {"NETWORK": True}}),
    ("one_backupjob", {"name": "job", "datastore": "bck", "vms": ["vm"]}),
    ("one_backupjob", {"name": "job2", "datastore": "bck"}),
    ("one_hook", {"name": "hk", **API_HOOK}),
]


@pytest.fixture(scope="module")
def furnished(lab: Lab) -> Lab:
    """A cloud that has what the tables name."""
    for module, options in OBJECTS:
        assert not lab.run(module, **options).failed, options
    for name, cluster in (("other", 100), ("off", 0)):
        lab.one.host.allocate(name, "dummy", "dummy", cluster)
    lab.one.host.status(3, 2)
    return lab


def named(lab: Lab, module: str, options: dict[str, Any]) -> dict[str, Any]:
    return options if {"name", "user", "id", "method"} & set(options) else {"name": lab.name(), **options}


@pytest.mark.parametrize(("module", "options", "words"), EARLY)
def test_it_is_refused_before_anything_is_sent(
    furnished: Lab, module: str, options: dict[str, Any], words: str
) -> None:
    planned, first, dummy = furnished.twice(module, **named(furnished, module, options))
    assert (planned.failed, first.failed, first.writes) == (True, True, [])
    assert planned.message == first.message
    assert words in first.message


@pytest.mark.parametrize(("module", "options", "words"), FORESEEN)
def test_a_check_run_foresees_what_the_server_refuses(
    furnished: Lab, module: str, options: dict[str, Any], words: str
) -> None:
    planned, first, dummy = furnished.twice(module, **named(furnished, module, options))
    assert (planned.failed, planned.writes, first.failed) == (True, [], True)
    assert words in planned.message


REMOVED = [
    ("one_host", "host0|host1"),
    ("one_image", "used"),
    ("one_vnet", "net"),
    ("one_security_group", "sg"),
    ("one_datastore", "default"),
    ("one_group", "g1"),
    ("one_marketplace", "market"),
]


@pytest.mark.parametrize(("module", "names"), REMOVED)
def test_a_removal_that_others_forbid_is_warned_of(furnished: Lab, module: str, names: str) -> None:
    """An earlier task of the play may remove them, so a check run does not fail."""
    planned = [furnished.run(module, check=True, name=name, state="absent") for name in names.split("|")]
    assert not any(one.failed for one in planned)
    assert any("OpenNebula would refuse this" in text for one in planned for text in one.data["warnings"])


@pytest.mark.parametrize(("level", "told"), [("use", True), ("manage", True), ("admin", False)])
@pytest.mark.parametrize(
    ("module", "change"),
    [
        ("one_image", {"datastore": "default", "size": "1", "template": {"A": "1"}}),
        ("one_vnet", {"vn_mad": "dummy", "bridge": "b", "labels": ["a"]}),
        ("one_template", {"template": {**TINY, "A": "1"}}),
        ("one_vm_group", {"roles": [{"name": "a"}], "template": {"A": "1"}}),
    ],
)
def test_a_locked_object_is_warned_of(
    furnished: Lab, module: str, change: dict[str, Any], level: str, told: bool
) -> None:
    name, plain = furnished.name(), {key: value for key, value in change.items() if key not in ("labels", "template")}
    plain |= {"template": TINY} if module == "one_template" else {}
    assert not furnished.run(module, name=name, **plain).failed
    assert not furnished.run(module, name=name, lock=level).failed
    planned = furnished.run(module, check=True, name=name, **change)
    assert any("is locked" in text for text in planned.data["warnings"]) is told, planned.data["warnings"]
    both = furnished.run(module, check=True, name=name, lock="none", **change)
    assert not any("is locked" in text for text in both.data["warnings"])
    assert furnished.run(module, name=name, **change).failed is told
    assert not furnished.run(module, name=name, lock="none", **change).failed
    furnished.run(module, name=name, state="absent")


def test_a_role_of_a_vm_group_that_has_vms_is_warned_of(furnished: Lab) -> None:
    planned = furnished.run("one_vm_group", check=True, name="vmg", roles=[], purge_roles=True)
    assert not planned.failed
    assert any("the role is used by VM" in text for text in planned.data["warnings"]), planned.data["warnings"]


def test_an_owner_that_is_yet_to_come_pays_nothing(furnished: Lab) -> None:
    planned = furnished.run("one_vm", check=True, name="vmp", owner="later", group="later")
    assert (planned.failed, planned.changed) == (False, True), planned.message


NOWHERE = [
    ({"cpu": 900, "memory": "64"}, "it needs CPU 900, but the largest host has 8"),
    ({"cpu": 0.1, "memory": "900 GB"}, "it needs MEMORY 921600, but the largest host has 16384"),
    (
        {**SMALL, "extra_template": {"TOPOLOGY": {"PIN_POLICY": "CORE", "SOCKETS": 1, "CORES": 1, "THREADS": 1}}},
        "a VM with PIN_POLICY CORE needs a host with PIN_POLICY: PINNED, and there is none",
    ),
]


@pytest.mark.parametrize(("options", "words"), NOWHERE)
def test_a_vm_that_no_host_can_carry_is_warned_of(furnished: Lab, options: dict[str, Any], words: str) -> None:
    """A larger host may be yet to come."""
    name = furnished.name()
    planned = furnished.run("one_vm", check=True, name=name, **options)
    done = furnished.run("one_vm", name=name, wait_timeout=1, **options)
    furnished.run("one_vm", name=name, state="absent")
    assert (planned.failed, done.failed) == (False, True)
    assert any(words in text for text in planned.data["warnings"]), planned.data["warnings"]
    assert "Cannot dispatch VM: No host " in done.message
    assert "(PIN_POLICY = PINNED)" in done.message or "capacity" in done.message


MISSING: list[tuple[str, dict[str, Any]]] = [
    ("one_vm", {**SMALL, "disks": [{"image": "%s"}]}),
    ("one_vm", {**SMALL, "networks": [{"network": "%s"}]}),
    ("one_vm", {**SMALL, "extra_template": {"NIC": {"NETWORK": "%s"}}}),
    ("one_vm", {"template": "%s"}),
    ("one_host", {"cluster": "%s"}),
    ("one_image", {"datastore": "%s", "type": "datablock", "size": "1"}),
    ("one_vnet", {"reserved_from": "%s", "size": 1}),
    ("one_vrouter", {"nics": [{"network": "%s"}]}),
    ("one_template", {"clone_of": "%s"}),
]


def filled(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: filled(one, name) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, name) for one in value]
    return name if value == "%s" else value


@pytest.mark.parametrize(("module", "options"), MISSING)
def test_a_name_may_be_yet_to_come_but_an_id_may_not(furnished: Lab, module: str, options: dict[str, Any]) -> None:
    yet, never = (furnished.run(module, check=True, name="a", **filled(options, name)) for name in ("later", "4711"))
    assert (yet.failed, never.failed) == (False, True), (yet.message, never.message)
    assert "4711" in never.message
