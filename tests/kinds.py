# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Every kind of object: its modules, and how one is made with the least that is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Subject(NamedTuple):
    """A kind of objects that has a template."""

    module: str
    prefix: str  # of the methods
    create: Callable[[Any, str], int]  # (client, name) -> id of a new one
    options: Mapping[str, Any] = MappingProxyType({})  # that its module needs to create one
    info_options: Mapping[str, Any] = MappingProxyType({})


VNET = 'NAME="{}" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.9.0.10",SIZE="8"]'
HOOK = 'NAME="{}" TYPE="api" CALL="one.vm.allocate" COMMAND="a"'
SUBJECTS = {
    "backupjob": Subject(
        "one_backupjob",
        "backupjob",
        lambda one, name: one.backupjob.allocate(f'NAME="{name}" DATASTORE_ID="100"'),
        {"datastore": "bck"},
    ),
    "cluster": Subject("one_cluster", "cluster", lambda one, name: one.cluster.allocate(name)),
    "datastore": Subject(
        "one_datastore",
        "datastore",
        lambda one, name: one.datastore.allocate(f'NAME="{name}" DS_MAD="dummy" TM_MAD="dummy"', 0),
        {"ds_mad": "dummy", "tm_mad": "dummy"},
    ),
    "document": Subject(
        "one_document",
        "document",
        lambda one, name: one.document.allocate(f'NAME="{name}"', 200),
        {"type": 200},
        info_options={"type": 200},
    ),
    "group": Subject("one_group", "group", lambda one, name: one.group.allocate(name)),
    "hook": Subject(
        "one_hook",
        "hook",
        lambda one, name: one.hook.allocate(HOOK.format(name)),
        {"type": "api", "call": "one.vm.allocate", "command": "a"},
    ),
    "host": Subject(
        "one_host",
        "host",
        lambda one, name: one.host.allocate(name, "dummy", "dummy", 0),
        {"im_mad": "dummy", "vm_mad": "dummy"},
    ),
    "image": Subject(
        "one_image",
        "image",
        lambda one, name: one.image.allocate(f'NAME="{name}" SIZE="8" TYPE="DATABLOCK"', 1),
        {"datastore": "default", "type": "datablock", "size": 8},
    ),
    "marketplace": Subject(
        "one_marketplace",
        "market",
        lambda one, name: one.market.allocate(f'NAME="{name}" MARKET_MAD="dummy"'),
        {"market_mad": "http", "template": {"BASE_URL": "http://a/", "PUBLIC_DIR": "/a"}},
    ),
    "marketapp": Subject(
        "one_marketapp",
        "marketapp",
        lambda one, name: one.marketapp.allocate(f'NAME="{name}" ORIGIN_ID="0" TYPE="IMAGE"', 100),
        {"marketplace": "market", "image": "os"},
    ),
    "security_group": Subject(
        "one_security_group", "secgroup", lambda one, name: one.secgroup.allocate(f'NAME="{name}"')
    ),
    "template": Subject(
        "one_template",
        "template",
        lambda one, name: one.template.allocate(f'NAME="{name}" CPU="1" MEMORY="64"'),
        {"template": {"CPU": 1, "MEMORY": 64}},
    ),
    "user": Subject(
        "one_user", "user", lambda one, name: one.user.allocate(name, "secret", "core", []), {"password": "secret"}
    ),
    "vdc": Subject("one_vdc", "vdc", lambda one, name: one.vdc.allocate(f'NAME="{name}"')),
    "vm": Subject(
        "one_vm",
        "vm",
        lambda one, name: one.vm.allocate(f'NAME="{name}" CPU="0.1" MEMORY="8"', True),
        {"cpu": 0.1, "memory": "8", "state": "held"},
    ),
    "vm_group": Subject("one_vm_group", "vmgroup", lambda one, name: one.vmgroup.allocate(f'NAME="{name}"')),
    "vnet": Subject(
        "one_vnet", "vn", lambda one, name: one.vn.allocate(VNET.format(name), 0), {"vn_mad": "dummy", "bridge": "br0"}
    ),
    "vntemplate": Subject(
        "one_vntemplate",
        "vntemplate",
        lambda one, name: one.vntemplate.allocate(f'NAME="{name}" VN_MAD="dummy"'),
        {"template": {"VN_MAD": "dummy"}},
    ),
    "vrouter": Subject("one_vrouter", "vrouter", lambda one, name: one.vrouter.allocate(f'NAME="{name}"')),
    "zone": Subject("one_zone", "zone", lambda one, name: 0, {"endpoint": "http://a/RPC2"}),
}
