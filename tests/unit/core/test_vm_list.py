# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which VMs one_vm_info returns, and what that costs."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import info as vm_list
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

OPTIONS = dict.fromkeys("ids name labels attributes states host cluster owner group".split())


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def one(simulator, calls) -> OneServer:
    """A client of a cloud with three VMs on a host, one that waits, and one that is gone."""
    client = OneServer(simulator.url, session="oneadmin:opennebula", on_call=calls.append)
    client.host.allocate("node1", "dummy", "dummy", -1)
    vm = {"CPU": 0.1, "MEMORY": 64, "LABELS": "web, prod", "ROLE": "front", "PORT": 80}
    for name in ("web-1", "WEB-2", "db", "old"):
        client.vm.allocate(dict(vm, NAME=name, **({"LABELS": "prod"} if name == "db" else {})))
    client.vm.allocate({"NAME": "waits", "CPU": 1, "MEMORY": 64}, True)
    client.vm.action("terminate-hard", 3)
    client.vm.info(0)
    calls.clear()
    return client


def names(one, **options):
    given = {**OPTIONS, "full": False, "page": 2000, **options}
    return [found["name"] for found in vm_list.instances(Cloud(one), given)]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, ["web-1", "WEB-2", "db", "waits"]),
        ({"ids": [4, 0, 99]}, ["web-1", "waits"]),
        ({"ids": [0, 1], "name": "WEB-2"}, ["WEB-2"]),
        ({"name": "db"}, ["db"]),
        ({"name": "~web"}, ["web-1"]),
        ({"name": "~*web"}, ["web-1", "WEB-2"]),
        ({"labels": ["web"]}, ["web-1", "WEB-2"]),
        ({"labels": ["web", "other"]}, []),
        ({"attributes": {"role": "front"}}, ["web-1", "WEB-2", "db"]),
        ({"attributes": {"port": 80}}, ["web-1", "WEB-2", "db"]),
        ({"attributes": {"port": 81}}, []),
        ({"attributes": {"port": None}}, ["web-1", "WEB-2", "db"]),
        ({"attributes": {"none": None}}, []),
        ({"states": ["running"]}, ["web-1", "WEB-2", "db"]),
        ({"states": ["held"]}, ["waits"]),
        ({"states": ["done", "held"]}, ["old", "waits"]),
        ({"host": "node1"}, ["web-1", "WEB-2", "db"]),
        ({"host": "0"}, ["web-1", "WEB-2", "db"]),
        ({"host": "node2"}, []),
        ({"cluster": "default"}, ["web-1", "WEB-2", "db"]),
        ({"owner": "oneadmin", "group": "0"}, ["web-1", "WEB-2", "db", "waits"]),
        ({"owner": "serveradmin"}, []),
    ],
)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("page", [2, 2000])
def test_vms_that_fit_all_options_are_found(one, options, found, full, page):
    assert names(one, full=full, page=page, **options) == found


@pytest.mark.parametrize(
    ("options", "cost"),
    [
        ({}, ["one.vmpool.info"]),
        ({"full": True, "name": "db"}, ["one.vmpool.info", "one.vmpool.infoset"]),
        ({"full": True, "attributes": {"ROLE": "front"}}, ["one.vmpool.infoextended"]),
        ({"full": True, "ids": [0, 1]}, ["one.vmpool.infoset"]),
        ({"full": False, "ids": [0, 1]}, ["one.vmpool.infoset"]),
    ],
)
def test_what_it_costs(one, calls, options, cost):
    names(one, **options)
    assert calls == cost


def test_what_a_vm_is_told_in_full_and_in_short(one):
    (full,) = vm_list.instances(Cloud(one), {**OPTIONS, "name": "db", "full": True, "page": 2000})
    (short,) = vm_list.instances(Cloud(one), {**OPTIONS, "name": "db", "full": False, "page": 2000})
    told = ("id", "name", "status", "host", "cpu", "memory", "labels", "owner", "mode")
    assert full["attributes"]["ROLE"] == "front"
    assert {word: full[word] for word in told[:-1]} == {word: short[word] for word in told[:-1]}


def test_a_cluster_that_there_is_not_is_told(one):
    with pytest.raises(Failure, match="no cluster"):
        names(one, cluster="nowhere")
