# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Both inventories against the simulator, as Ansible loads them, and their pure parts against tables."""

from __future__ import annotations

import json
import subprocess
import sys
import xmlrpc.client
from pathlib import Path

import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.privazio.opennebula.plugins.inventory import one_hosts, one_vms
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import CONNECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory import group_values, labels, unique_names
from project import environment

SESSION = "oneadmin:opennebula"
WEB = 'NAME="%s"\nCPU=1\nMEMORY=64\nLABELS="prod/web, c"\nSSH_PORT=2222\nDB_PASSWORD=hidden\nNOTE="{{ 1 + 1 }}"'


@pytest.fixture
def seeded(simulator):
    """A simulator with a host and three VMs, two of one name."""
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        assert proxy.one.host.allocate(SESSION, "node-a", "dummy", "dummy", 0)[0]
        for name in ("web", "web", "db"):
            assert proxy.one.vm.allocate(SESSION, WEB % name, True)[0]
    return simulator


@pytest.fixture
def listed(tmp_path):
    """listed(plugin's module, url, option=…) → (what ansible-inventory --list says, what it complains of)."""

    def run(plugin, url, **options):
        path = tmp_path / f"cloud.{plugin.InventoryModule.SUFFIX}.yml"
        access = {"api_url": url, "api_username": "oneadmin", "api_password": "opennebula"}
        given = {"plugin": plugin.InventoryModule.NAME, **access, **options}
        path.write_text(yaml.safe_dump(given), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(path), "--list"]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        return json.loads(done.stdout, object_hook=plain), done.stderr

    return run


def plain(found):
    """The text that Ansible marks as untrusted, or FOUND itself."""
    return found.get("__ansible_unsafe", found)


def members(data, group):
    return sorted(data[group]["hosts"])


def test_hosts_are_grouped_by_cluster_and_state(listed, seeded):
    data, complaints = listed(one_hosts, seeded.url)
    assert members(data, "cluster_default") == ["node-a"]
    assert data["_meta"]["hostvars"]["node-a"]["one_id"] == 0
    assert not complaints


def test_vms_with_their_groups_and_variables(listed, seeded):
    data, complaints = listed(one_vms, seeded.url)
    assert members(data, "state_held") == members(data, "label_prod_web") == ["db", "web-0", "web-1"]
    found = data["_meta"]["hostvars"]["db"]
    assert (found["one_owner"], found["one_memory"], found["ansible_port"]) == ("oneadmin", 64, 2222)
    assert "1 + 1" in str(found["one_attributes"]["NOTE"])
    assert "hidden" not in str(data)
    assert "ansible_host" not in found
    assert not complaints


def test_states_choose(listed, seeded):
    assert not listed(one_vms, seeded.url, states=["running"])[0]["_meta"]["hostvars"]


def test_constructed(listed, seeded):
    options = {"group_by": [], "compose": {"twice": "one_id * 2"}, "groups": {"first": "one_id == 0"}}
    data, complaints = listed(one_vms, seeded.url, keyed_groups=[{"key": "one_group", "prefix": "g"}], **options)
    assert int(data["_meta"]["hostvars"]["db"]["twice"]) == 4  # text before ansible-core 2.19
    assert members(data, "first") == ["web-0"]
    assert members(data, "g_oneadmin") == ["db", "web-0", "web-1"]
    assert not complaints


def test_the_cache_answers_for_the_same_user_only(listed, seeded, tmp_path):
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    first = listed(one_vms, seeded.url, **cache)
    with xmlrpc.client.ServerProxy(seeded.url) as proxy:
        assert proxy.one.vm.allocate(SESSION, WEB % "later", True)[0]
    assert listed(one_vms, seeded.url, **cache) == first
    assert "later" in listed(one_vms, seeded.url)[0]["_meta"]["hostvars"]
    assert "Cannot list the VMs" in listed(one_vms, seeded.url, **{**cache, "api_username": "other"})[1]


def test_a_wrong_password_is_one_sentence(listed, seeded):
    complaints = listed(one_hosts, seeded.url, api_password="terribly-secret")[1]
    assert "Cannot list the hosts: " in complaints
    assert "terribly-secret" not in complaints
    assert "Traceback" not in complaints


def test_pages_make_one_pool(seeded, monkeypatch):
    monkeypatch.setattr(one_vms, "PAGE", 2)
    access = {"api_url": seeded.url, "api_username": "oneadmin", "api_password": "opennebula"}
    assert [vm.ID for vm in one_vms.pool(Cloud(connect(access, read_only=True)), one_vms.ALIVE)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("objects", "names"),
    [
        ([(0, "a"), (1, "b")], {0: "a", 1: "b"}),
        ([(0, "a"), (1, "a")], {0: "a-0", 1: "a-1"}),
        ([(0, "a"), (1, "a"), (2, "a-1")], {0: "a-0", 1: "a-1-1", 2: "a-1"}),
    ],
)
def test_unique_names(objects, names):
    assert unique_names(objects) == names


@pytest.mark.parametrize(("text", "found"), [("", []), (" b, a/c ,,b", ["a/c", "b"]), (["x"], [])])
def test_labels(text, found):
    assert labels({"LABELS": text}) == found


def test_group_values():
    variables = {"one_labels": ["a", "b"], "one_host": None, "one_owner": "x"}
    assert [group_values(variables, word) for word in ("label", "host", "owner")] == [["a", "b"], [], ["x"]]


@pytest.mark.parametrize(
    ("template", "host"),
    [
        ({}, None),
        ({"NIC": [{"NIC_ID": "0", "MAC": "m"}]}, None),
        ({"NIC": [{"NIC_ID": "10", "IP": "10.0.0.2"}, {"NIC_ID": "2", "IP": "10.0.0.1"}]}, "10.0.0.1"),
        ({"NIC": [{"NIC_ID": "0", "IP6_LINK": "fe80::1", "IP6_ULA": "fd00::1"}]}, "fd00::1"),
        ({"PCI": [{"TYPE": "NIC", "NIC_ID": "0", "IP": "10.0.0.3"}, {"VENDOR": "1"}]}, "10.0.0.3"),
    ],
)
def test_the_first_address(template, host):
    assert one_vms.access(one_vms.nics(template), {}).get("ansible_host") == host


@pytest.mark.parametrize(
    ("text", "port"), [("22", 22), ("0", None), ("65536", None), ("ssh", None), ({"A": "1"}, None)]
)
def test_the_port(text, port):
    assert one_vms.access([], {"SSH_PORT": text}).get("ansible_port") == port


@pytest.mark.parametrize("section", ["DOCUMENTATION", "PLUGIN"])
def test_the_documented_connection_is_the_real_one(section):
    options = yaml.safe_load(getattr(ModuleDocFragment, section))["options"]
    assert {name: option["type"] for name, option in options.items()} == {
        name: option["type"] for name, option in CONNECTION.items()
    }
    for name, option in options.items():
        fallback = CONNECTION[name].get("fallback", (None, []))[1]
        variables = [entry["name"] for entry in option.get("env", [])]
        assert variables == (fallback if section == "PLUGIN" else [])
        assert option.get("aliases", []) == (CONNECTION[name].get("aliases", []) if section == "DOCUMENTATION" else [])
        assert option.get("default") == CONNECTION[name].get("default")


@pytest.mark.parametrize(
    ("states", "asked"), [(None, -1), (["running"], -1), (["done"], 6), (["done", "held"], -2), ([], -1)]
)
def test_the_narrowest_question(states, asked):
    assert one_vms.wanted(states) == asked
