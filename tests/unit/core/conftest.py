# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A module run in this process, and a simulated cloud with a host and a VM template."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import cloud as cloud_module
from ansible_collections.privazio.opennebula.plugins.module_utils._core import refusals
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.options import fleet_spec
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.scale import converge
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import Client, OneServer
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.signature import bind
from ansible_collections.privazio.opennebula.plugins.modules import one_vm

TEMPLATE = {
    "NAME": "tpl",
    "CPU": "0.1",
    "MEMORY": "64",
    "DISK": [{"IMAGE_ID": "0"}],
    "NIC": [{"NETWORK_ID": "0"}],
    "CONTEXT": {"NETWORK": "YES", "HOSTNAME": "$NAME"},
}
NETWORK = 'NAME="%s" VN_MAD="dummy" BRIDGE="br%d" AR=[TYPE="IP4",IP="10.%d.0.10",SIZE="64"]'


class Quick(Clock):
    """Waits a hundred times less."""

    def sleep(self, seconds):
        super().sleep(seconds / 100)


class CheckedClient(Client):
    """What the engine calls has to fit the table of methods, which tasks do without."""

    def call(self, method, *args):
        bind(method.removeprefix("one."), args, {})
        return super().call(method, *args)


@pytest.fixture
def no_rules(monkeypatch):
    """For a kind that tests make up, which has the methods of another one, whose rules do not concern it."""
    monkeypatch.setattr(refusals, "RULES", {})


@pytest.fixture(autouse=True)
def checked(monkeypatch):
    monkeypatch.setattr(cloud_module, "Client", CheckedClient)


@pytest.fixture
def one(simulator):
    """A client of a cloud with a host, images os and data, networks net and net2, and the VM template tpl."""
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    client.host.allocate("host", "dummy", "dummy", 0)
    for oid in range(3):
        client.datastore.update(oid, {"TM_MAD": "dummy"} if oid != 1 else {"DS_MAD": "dummy", "TM_MAD": "dummy"}, 1)
    client.image.allocate('NAME="os" PATH="/srv/images/os.img" TYPE="OS"', 1)
    client.image.allocate('NAME="data" SIZE="128" TYPE="DATABLOCK"', 1)
    for number, name in enumerate(("net", "net2")):
        client.vn.allocate(NETWORK % (name, number, number), 0)
    client.template.allocate(TEMPLATE)
    client.hostpool.info()  # lets what is due happen: the host is monitored
    return client


@pytest.fixture
def run(simulator, one):
    """run(options) → (Report, names of the calls): one_vm against the cloud; check=True only plans."""

    def task(check=False, timeout=10, user="oneadmin", **given):
        calls = []
        password = "opennebula" if user == "oneadmin" else "secret"
        options = {"api_url": simulator.url, "api_username": user, "api_password": password}
        client = connect(options, read_only=check, on_call=calls.append)
        cloud = Cloud(client, timeout, [].append if check else None, Quick())
        report = converge(cloud, fleet_spec(cloud, parameters(given), not check))
        return report, calls

    return task


def parameters(given):
    """The params that AnsibleModule makes of some options."""
    params = {}
    for option, spec in one_vm.OPTIONS.items():
        names = itertools.chain([option], spec.get("aliases", ()))
        found = [given.pop(name) for name in names if name in given]
        params[option] = found[0] if found else spec.get("default")
    assert not given, f"no such option: {given}"
    return params
