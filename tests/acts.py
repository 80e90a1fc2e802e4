# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What every module that writes does to a cloud: the acts that tests interrupt, as data.

An act is a task that changes something.  Before the first act of a module the cloud is as `furnish` leaves it; before
any other, the acts that stand before it in the table have been played, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab import Lab

Act = Mapping[str, Any]  # options of a task
DUMMY = {"im_mad": "dummy", "vm_mad": "dummy"}
SMALL = {"CPU": 0.1, "MEMORY": 64}
RULE = {"protocol": "tcp", "direction": "inbound", "range": "22"}
RANGE = {"type": "IP4", "ip": "10.1.0.10", "size": 8}
NETWORK = 'NAME="%s" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.%d.0.10",SIZE="64"]'
WEEKLY = {"time": "2030-12-01 02:00", "repeat": "weekly", "days": [1]}
NIGHTLY = {"action": "snapshot-create", **WEEKLY}
ROLE = {"name": "web", "template": "plain", "cardinality": 1, "cooldown": 0, "max_vms": 3}
HTTP = {"BASE_URL": "http://a/", "PUBLIC_DIR": "/a"}


def furnish(lab: Lab) -> None:
    """What the acts need: images, networks, templates, a group with a user, a marketplace, a service, running VMs."""
    lab("image.allocate", 'NAME="os" PATH="/srv/images/os.img" TYPE="OS"', 1)
    lab("image.allocate", 'NAME="data" SIZE="8" TYPE="DATABLOCK"', 1)
    for number, name in enumerate(("net", "net2")):
        lab("vn.allocate", NETWORK % (name, number), 0)
    lab("template.allocate", 'NAME="plain" CPU="0.1" MEMORY="64"')
    disk_and_nic = 'DISK=[IMAGE_ID="0"] NIC=[NETWORK_ID="0"] CONTEXT=[NETWORK="YES"]'
    lab("template.allocate", f'NAME="tpl" CPU="0.1" MEMORY="64" {disk_and_nic}')
    lab("template.allocate", f'NAME="router" CPU="0.1" MEMORY="64" VROUTER="YES" {disk_and_nic}')
    lab("group.allocate", "dev")
    lab("user.allocate", "ann", "secret", "core", [1, 100])
    lab("cluster.allocate", "edge")
    lab("market.allocate", 'NAME="market" MARKET_MAD="dummy"')
    lab("vmgroup.allocate", 'NAME="apart" ROLE=[NAME="db"]')
    for name in ("vm", "other"):
        oid = lab("template.instantiate", 1, name, True, "", False)
        lab("vm.deploy", oid, 0, False, 0, "")
    lab.sleep(1)


def break_down(lab: Lab) -> None:
    """A VM that did not start."""
    lab.fail("deploy", "vm-2")
    lab("vm.deploy", lab("template.instantiate", 1, "broken", True, "", False), 0, False, 0, "")
    lab.sleep(1)
    lab.mend()


def of(created: Act, changed: Act, removed: Act | None = None, **more: Act) -> dict[str, Act]:
    """The acts of a module whose options name an object: created, changed, others, removed."""
    return {"create": created, "change": changed, **more, "remove": {"state": "absent", **(removed or {})}}


def named(name: str, acts: dict[str, Act]) -> dict[str, Act]:
    """The acts on the object with a name."""
    return {act: {"name": name, **options} for act, options in acts.items()}


POWER_CYCLE = {"memory": 128, "allow_poweroff": True}
DOCUMENT = {
    "groups": [{"name": "ops"}],
    "clusters": [{"name": "c"}],
    "hosts": [{"name": "h", "cluster": "c", **DUMMY}],
    "users": [{"name": "bob", "password": "secret", "groups": ["ops"]}],
    "virtual_networks": [{"name": "lan", "vn_mad": "dummy", "bridge": "br0", "address_ranges": [RANGE]}],
    "templates": [{"name": "small", "template": SMALL}],
}
CHANGED = {
    **DOCUMENT,
    "hosts": [{"name": "h", "cluster": "c", **DUMMY, "template": {"RACK": "1"}}],
    "templates": [{"name": "small", "template": {"CPU": 0.2}}],
}
ABSENT = {kind: [{**one, "state": "absent"} for one in found] for kind, found in DOCUMENT.items()}

ACTS: dict[str, dict[str, Act]] = {
    "one_acl": {
        "create": {"group": "dev", "rules": [{"resources": ["vm"], "of_group": "dev", "rights": ["use"]}]},
        "change": {"group": "dev", "rules": [{"resources": ["image"], "rights": ["create"]}], "purge": True},
        "remove": {"group": "dev", "state": "absent"},
    },
    "one_backupjob": named(
        "a", of({"datastore": "bck", "vms": ["vm"]}, {"vms": [], "keep_last": 4, "schedules": [WEEKLY]})
    ),
    "one_cloud": {
        "create": {"declaration": DOCUMENT},
        "change": {"declaration": CHANGED},
        "remove": {"declaration": ABSENT},
    },
    "one_cluster": named(
        "a",
        of(
            {"hosts": ["host0"], "template": {"NOTE": "x"}},
            {"name": "a", "datastores": ["default"], "labels": ["l"], "template": {"NOTE": "y"}},
            {"purge": True},
        ),
    ),
    "one_datastore": named(
        "a",
        of(
            {"ds_mad": "dummy", "tm_mad": "dummy", "clusters": ["default"], "mode": "644"},
            {"clusters": ["edge"], "template": {"LIMIT_MB": 5}, "group": "dev"},
        ),
    ),
    "one_document": named(
        "a", of({"type": 200, "template": {"BODY": "x"}}, {"type": 200, "labels": ["l"], "mode": "640"}, {"type": 200})
    ),
    "one_group": named(
        "a",
        of(
            {"quotas": {"vm": {"memory": 1024}}},
            {"quotas": {"vm": {"memory": 512}}, "labels": ["l"]},
            admins={"name": "dev", "admins": ["ann"]},
        ),
    ),
    "one_hook": named("a", of({"type": "api", "call": "one.vm.allocate", "command": "a"}, {"command": "b"})),
    "one_host": named("a", of({**DUMMY, "cluster": "edge"}, {"state": "disabled", "template": {"RACK": "1"}})),
    "one_image": named(
        "a",
        of(
            {"datastore": "default", "type": "datablock", "size": 8, "mode": "640"},
            {"persistent": True, "template": {"NOTE": "x"}, "owner": "ann"},
            clone={"name": "b", "clone_of": "a", "labels": ["l"]},
        ),
    ),
    "one_marketapp": named(
        "a",
        of(
            {"marketplace": "market", "image": "data"},
            {"marketplace": "market", "version": "2"},
            {"marketplace": "market"},
            export={"marketplace": "market", "state": "exported", "image_name": "copy", "datastore": "default"},
        ),
    ),
    "one_marketplace": named("a", of({"market_mad": "http", "template": HTTP}, {"description": "x", "mode": "640"})),
    "one_quota_defaults": {
        "create": {"kind": "user", "quotas": {"vm": {"running_vms": 10}}},
        "change": {"kind": "user", "quotas": {"vm": {"running_vms": 5}, "datastore": {"default": {"size": 1024}}}},
        "remove": {"kind": "user", "quotas": {}, "purge_quotas": True},
    },
    "one_security_group": named("a", of({"rules": [RULE]}, {"rules": [dict(RULE, range="80")], "group": "dev"})),
    "one_service": named(
        "a",
        of({"template": "shop", "state": "running"}, {"roles": [{"name": "web", "cardinality": 2}]}),
    ),
    "one_service_template": named(
        "a",
        of({"roles": [ROLE], "mode": "640"}, {"roles": [dict(ROLE, cardinality=2)], "labels": ["l"]}),
    ),
    "one_template": named(
        "a",
        of(
            {"template": {**SMALL, "DISK": {"IMAGE": "data"}}, "owner": "ann"},
            {"template": {"MEMORY": 128}, "group": "dev", "mode": "640"},
            {"recursive": True},
            clone={"name": "b", "clone_of": "a", "recursive": True, "template": {"MEMORY": 256}},
            remove_clone={"name": "b", "state": "absent", "recursive": True},
        ),
    ),
    "one_user": named(
        "a",
        of(
            {"password": "secret", "groups": ["dev"], "template": {"EMAIL": "a"}, "quotas": {"vm": {"cpu": 8}}},
            {"enabled": False, "group": "dev", "groups": [], "purge_groups": True, "ssh_public_key": "ssh-ed25519 A"},
        ),
    ),
    "one_vdc": named(
        "a",
        of({"groups": ["dev"], "clusters": ["default"]}, {"clusters": [], "vnets": ["net"], "purge": True}),
    ),
    "one_vm": named(
        "a",
        of(
            {"template": "tpl", "state": "running", "labels": ["l"]},
            {"state": "running", "mode": "640", "disks": [{"image": "data"}], "lock": "none"},
            power_cycle=POWER_CYCLE,
            suspend={"state": "suspended"},
        ),
    ),
    "one_vm_backup": {
        "create": {"name": "vm", "datastore": "bck", "max_age": 86400},
        "restore": {"name": "vm", "state": "restored", "allow_poweroff": True},
    },
    "one_vm_disk": {"create": {"name": "vm", "image": "golden"}},
    "one_vm_exec": {"create": {"name": "vm", "command": "echo ready"}, "repeat": {"name": "vm", "state": "repeated"}},
    "one_vm_group": named("a", of({"roles": [{"name": "db"}, {"name": "web"}]}, {"anti_affined": [["db", "web"]]})),
    "one_vm_migrate": {"change": {"name": "vm", "host": "host1"}, "evacuate": {"evacuate": "host0"}},
    "one_vm_recover": {
        "change": {"name": "broken", "operation": "retry"},
        "remove": {"name": "broken", "operation": "delete", "force": True},
    },
    "one_vm_schedule": {
        "create": {"name": "vm", "schedules": [NIGHTLY]},
        "change": {"name": "vm", "schedules": [dict(NIGHTLY, days=[2]), dict(NIGHTLY, action="poweroff")]},
        "remove": {"name": "vm", "schedules": []},
    },
    "one_vm_snapshot": {
        "create": {"name": "vm", "snapshot": "first"},
        "change": {"name": "vm", "snapshot": "second", "keep": 1},
        "revert": {"name": "vm", "snapshot": "second", "state": "reverted"},
        "remove": {"name": "vm", "snapshot": "second", "state": "absent"},
        "disk": {"name": "vm", "disk": 0, "snapshot": "empty"},
        "disk_revert": {"name": "vm", "disk": 0, "snapshot": "empty", "state": "reverted", "allow_poweroff": True},
    },
    "one_vnet": named(
        "a",
        of(
            {"vn_mad": "dummy", "bridge": "br0", "address_ranges": [RANGE], "clusters": ["default"]},
            {
                "address_ranges": [dict(RANGE, size=16), dict(RANGE, ip="10.2.0.10")],
                "held": ["10.1.0.11"],
                "template": {"DNS": "10.1.0.1"},
            },
            reserve={"name": "b", "reserved_from": "a", "size": 2, "group": "dev"},
            remove_reservation={"name": "b", "state": "absent"},
        ),
    ),
    "one_vntemplate": named(
        "a",
        of({"template": {"VN_MAD": "dummy"}}, {"template": {"BRIDGE": "br1"}, "mode": "640"}),
    ),
    "one_vrouter": named(
        "a",
        of(
            {"nics": [{"network": "net"}], "vm_template": "router", "vm_count": 2},
            {"nics": [{"network": "net"}, {"network": "net2"}], "template": {"KEEPALIVED_ID": "7"}},
        ),
    ),
    "one_zone": {
        **named("a", of({"endpoint": "http://a/RPC2"}, {"template": {"NOTE": "x"}, "labels": ["l"]})),
        "disable": {"id": 0, "enabled": False},
        "enable": {"id": 0, "enabled": True},
    },
}


def give_agent(lab: Lab) -> None:
    """A VM whose guest answers, on whichever host: those of the driver dummy have none."""
    vm = lab.cloud["VM"].get(0)
    assert vm is not None
    vm.history[-1]["vm_mad"] = "kvm"
    for host in lab.cloud["HOST"]:
        host.vm_mad = "kvm"


def federate(lab: Lab) -> None:
    """The cloud is the master of a federation, which alone creates zones."""
    lab.cloud.federation.conf["MODE"] = "MASTER"


PREPARATIONS: dict[str, Callable[[Lab], None]] = {
    "one_vm_recover": break_down,
    "one_vm_exec": give_agent,
    "one_zone": federate,
}
# Acts that are done each time that they are asked for.
REPEATED = {
    ("one_vm_backup", "restore"),
    ("one_vm_exec", "create"),
    ("one_vm_exec", "repeat"),
    ("one_vm_snapshot", "revert"),
    ("one_vm_snapshot", "disk_revert"),
}
# Tasks before the acts.
BEFORE: dict[str, tuple[str, Act]] = {"one_service": ("one_service_template", {"name": "shop", "roles": [ROLE]})}
