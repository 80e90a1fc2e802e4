# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A declared cloud without Ansible around it."""

from __future__ import annotations

import weakref

import pytest
from ansible_collections.privazio.opennebula.plugins.action.one_cloud import Modules
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import (
    apply,
    document,
    objects,
    planner,
    prune,
)
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.shared_cloud import SharedCloud

CLOUD = {
    "groups": [{"name": "devs", "admins": ["ann"]}],
    "users": [{"name": "ann", "password": "secret", "group": "devs"}],
    "clusters": [{"name": "edge", "datastores": ["system", "default"], "hosts": ["node1"]}],
    "hosts": [{"name": "node1", "cluster": "edge", "im_mad": "dummy", "vm_mad": "dummy", "labels": ["a"]}],
    "virtual_networks": [
        {
            "name": "net",
            "vn_mad": "dummy",
            "bridge": "br0",
            "clusters": ["edge"],
            "security_groups": ["web"],
            "address_ranges": [{"type": "IP4", "ip": "10.0.0.1", "size": 10}],
        }
    ],
    "security_groups": [{"name": "web", "rules": [{"protocol": "tcp", "direction": "inbound", "range": "80"}]}],
    "images": [{"name": "data", "datastore": "default", "size": 64, "type": "datablock"}],
    "templates": [{"name": "tpl", "template": {"CPU": 0.1, "MEMORY": 64, "NIC": [{"NETWORK": "net"}]}}],
    "acls": [{"group": "devs", "rules": [{"resources": ["vm"], "rights": ["use"], "of_group": "devs"}]}],
    "vdcs": [{"name": "vdc", "groups": ["devs"], "clusters": ["edge"]}],
    "virtual_machines": [{"name": "web-##", "template": "tpl", "exact_count": 2, "state": "running"}],
}


class Quick(Clock):
    """Waits a hundred times less."""

    def sleep(self, seconds):
        super().sleep(seconds / 100)


class Site:
    """A declared cloud: plan() and apply() of documents; `calls` are the methods of the last of these."""

    def __init__(self, url, flow_url=None):
        self.url = url
        self.flow_url = flow_url
        self.calls: list[str] = []

    def cloud(self, declared, on_call=None):
        self.calls = []
        options = {"api_url": self.url, "api_username": "oneadmin", "api_password": "opennebula"}
        one = Clients(dict(options, flow_url=self.flow_url), on_call=on_call or self.calls.append)
        weakref.finalize(self, one.__exit__)
        return SharedCloud(one, 10, declared, Quick())

    def plan(self, *contents, on_call=None):
        """(cloud, Plan, [Fault]) of a document in parts."""
        parts = [(f"{number}.yml" if number else "", content, {}) for number, content in enumerate(contents)]
        entries, faults = document.merged(parts)
        entries, twice = document.distinct(entries)
        declared, invalid = objects.declared(entries, Modules())
        cloud = self.cloud(prune.names_of(entries), on_call)
        plan, wrong = planner.plan(cloud, declared)
        return cloud, plan, faults + twice + invalid + wrong

    def apply(self, *contents, on_call=None):
        """(Plan, Outcome) of a document without faults."""
        cloud, plan, faults = self.plan(*contents, on_call=on_call)
        assert faults == []
        return plan, apply.apply(cloud, plan, 4, lambda one, failure: None)


@pytest.fixture
def site(simulator):
    return Site(simulator.url, simulator.flow_url)


@pytest.fixture
def datastores(simulator):
    """The datastores that OpenNebula comes with have the drivers of the simulator."""
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    for oid in range(3):
        client.datastore.update(oid, {"TM_MAD": "dummy", **({"DS_MAD": "dummy"} if oid else {})}, 1)
    return client
