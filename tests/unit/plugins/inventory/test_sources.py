# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Several servers and zones, caches, and pools that change while they are read."""

from __future__ import annotations

import threading
import tracemalloc

import pytest
import yaml
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.host import Host
from ansible_collections.privazio.opennebula.plugins.doc_fragments.connection import ModuleDocFragment as Connection
from ansible_collections.privazio.opennebula.plugins.doc_fragments.inventory import ModuleDocFragment as Inventory
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import CONNECTION, SHARED
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_sources import SERVER, Source, side_by_side
from opennebula_simulator import xmlrpc
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from served import ACCESS, SESSION, Cloud

CLOSED = "http://127.0.0.1:1/RPC2"
PICKLE = """
import pickle
from ansible.plugins.cache import BaseFileCacheModule
DOCUMENTATION = '''
name: pickled
short_description: pickles
description: [pickles]
options:
  _uri: {description: [path], required: true, type: path, env: [{name: ANSIBLE_CACHE_PLUGIN_CONNECTION}]}
  _prefix: {description: [prefix], default: "", env: [{name: ANSIBLE_CACHE_PLUGIN_PREFIX}]}
  _timeout: {description: [seconds], default: 86400, type: integer, env: [{name: ANSIBLE_CACHE_PLUGIN_TIMEOUT}]}
'''
class CacheModule(BaseFileCacheModule):
    _persistent = True
    def _load(self, path):
        with open(path, "rb") as stream:
            return pickle.load(stream)
    def _dump(self, value, path):
        with open(path, "wb") as stream:
            pickle.dump(value, stream)
"""


@pytest.fixture
def other():
    """A second cloud, with the VM web."""
    simulator = Simulator(Options(delay=0)).start()
    found = Cloud(simulator)
    found.vm("web", "SSH_PORT=2200")
    yield found
    simulator.stop()


@pytest.fixture
def web(cloud):
    """A cloud with the VMs web and db."""
    cloud.vm("web")
    cloud.vm("db")
    return cloud


# ---------------------------------------------------------------- earlier sources


def test_variables_of_an_earlier_source_are_merged(parsed, web):
    earlier = InventoryData()
    earlier.add_host("db")
    earlier.set_variable("db", "site", "east")
    earlier.set_variable("db", "one_attributes", {"OWN": "kept"})
    web("vm.update", 1, "RACK=12", 1)
    found = parsed("one_vms", web.url, into=earlier).hosts["db"].get_vars()
    assert (found["site"], found["one_name"], found["one_attributes"]["RACK"]) == ("east", "db", "12")
    assert "OWN" not in found["one_attributes"]  # as hash_behaviour has it


def test_ansible_checks_the_name_of_each_variable_once(parsed, web, monkeypatch):
    checked = []
    set_variable = Host.set_variable
    monkeypatch.setattr(
        Host, "set_variable", lambda self, name, value: checked.append(name) or set_variable(self, name, value)
    )
    found = parsed("one_vms", web.url)
    names = [name for name in checked if name.startswith("one_")]
    assert sorted(names) == sorted(name for name in found.hosts["db"].get_vars() if name.startswith("one_"))


# ---------------------------------------------------------------- servers and zones


def test_servers_in_one_file(parsed, web, other):
    servers = [{"name": "east", "api_url": web.url}, {"api_url": other.url, "timeout": "9"}]
    found = parsed("one_vms", None, servers=servers, group_by=["server"])
    assert sorted(found.hosts) == ["db", f"web-0-{other.url.split('/')[2].replace(':', '-')}", "web-0-east"]
    assert [host.name for host in found.groups["server_east"].get_hosts()] == ["web-0-east", "db"]
    assert found.hosts["db"].get_vars()["one_server"] == "east"


@pytest.mark.parametrize("hostname", ["id", "name-id"])
@pytest.mark.parametrize("facts", ["full", "minimal"])
def test_a_name_of_an_id_is_the_same_whichever_servers_answer(parsed, web, other, warnings, hostname, facts):
    def names(**clouds):
        servers = [{"name": name, "api_url": url, "api_retries": 0} for name, url in clouds.items()]
        return set(parsed("one_vms", None, servers=servers, on_server_error="warn", **options).hosts)

    options = {"hostname": hostname, "facts": [facts], "group_by": []}
    east, west = names(east=web.url), names(west=other.url)
    assert east
    assert west
    assert names(east=web.url, west=other.url) == east | west
    assert names(west=other.url, east=CLOSED) == west
    assert len(warnings) == 1


def test_a_server_that_is_down_is_a_failure(parsed, web):
    servers = [{"name": "east", "api_url": web.url}, {"name": "west", "api_url": CLOSED, "api_retries": 0}]
    with pytest.raises(AnsibleParserError, match=r"^west: Cannot list the VMs: "):
        parsed("one_vms", None, servers=servers)


def test_a_server_that_is_down_is_a_warning(parsed, web, warnings, tmp_path):
    servers = [{"name": "east", "api_url": web.url}, {"name": "west", "api_url": CLOSED, "api_retries": 0}]
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    found = parsed("one_vms", None, servers=servers, on_server_error="warn", **cache)
    assert sorted(found.hosts) == ["db", "web"]
    assert [warning.startswith("west: Cannot list the VMs: ") for warning in warnings] == [True]
    assert not list((tmp_path / "cache").glob("*"))  # else the others would be missing until it expires


def test_zones(parsed, web, other):
    web.simulator.cloud.config.vectors("FEDERATION")[0]["MODE"] = "MASTER"
    web("zone.allocate", f'NAME="west" ENDPOINT="{other.url}"')
    found = parsed("one_vms", web.url, zones=["all"], group_by=["zone"])
    assert sorted(found.hosts) == ["db", "web-0-OpenNebula", "web-0-west"]
    assert [host.name for host in found.groups["zone_west"].get_hosts()] == ["web-0-west"]
    assert sorted(parsed("one_vms", web.url, zones=["west"]).hosts) == ["web"]


@pytest.mark.parametrize("endpoint", ["-", "http://localhost:2633/RPC2"])
def test_the_endpoint_of_a_lone_zone_is_the_one_that_was_asked(endpoint):
    source = Source("", {"api_url": "https://one.example.org/RPC2"})
    assert source._at(endpoint)["api_url"] == "https://one.example.org/RPC2"
    assert source._at("http://two.example.org/RPC2")["api_url"] == "http://two.example.org/RPC2"


def test_servers_are_asked_at_the_same_time():
    both = threading.Barrier(2, timeout=30)
    assert side_by_side(lambda source: both.wait() < 2, ["a", "b"]) == [True, True]


def test_failures_are_returned_in_their_place():
    def work(source):
        if source == "b":
            raise Failure("down")
        return source

    first, second, third = side_by_side(work, ["a", "b", "c"])
    assert (first, str(second), third) == ("a", "b: down", "c")


# ---------------------------------------------------------------- caches


@pytest.mark.parametrize("plugin", ["ansible.builtin.jsonfile", "pickled"])
@pytest.mark.parametrize("kind", ["one_vms", "one_hosts", "opennebula"])
def test_the_cache_answers_for_the_same_user_only(listed, web, tmp_path, plugin, kind):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "pickled.py").write_text(PICKLE, encoding="utf-8")
    cache = {"cache": True, "cache_plugin": plugin, "cache_connection": str(tmp_path / "cache")}
    cache["env"] = {"ANSIBLE_CACHE_PLUGINS": str(tmp_path / "plugins")}.items()
    first = listed(kind, web.url, compose={"cached": "true"}, **cache)
    web("host.allocate", "later", "dummy", "dummy", 0)
    web("vm.deploy", web.vm("later"), 0, False, -1, "")
    assert listed(kind, web.url, compose={"cached": "true"}, **cache) == first
    assert "later" in listed(kind, web.url)[0]["_meta"]["hostvars"]
    assert (
        "later" in listed(kind, web.url, "--flush-cache", compose={"cached": "true"}, **cache)[0]["_meta"]["hostvars"]
    )
    assert "Cannot list the " in listed(kind, web.url, **{**cache, "api_username": "other"})[1]


def test_what_is_in_memory_is_not_there_for_the_next_run(parsed, web):
    options = {"cache": True, "cache_plugin": "ansible.builtin.memory"}
    assert sorted(parsed("one_vms", web.url, **options).hosts) == ["db", "web"]
    web.vm("later")
    assert sorted(parsed("one_vms", web.url, **options).hosts) == ["db", "later", "web"]


# ---------------------------------------------------------------- pages


class Restless(Simulator):
    """A simulated cloud in which something happens after the first page of VMs."""

    def __init__(self, happens):
        self.happens = happens
        super().__init__(Options(delay=0))

    def answer(self, request):
        found = super().answer(request)
        if xmlrpc.decode(request.body)[0] == "one.vmpool.infoextended" and self.happens:
            happens, self.happens = self.happens, None
            happens(self)
        return found


def terminate(simulator, oid):
    assert simulator.execute("one.vm.action", [SESSION, "terminate-hard", oid])[0]


@pytest.mark.parametrize("size", [2, 3, 5, 100])
@pytest.mark.parametrize("gone", [0, 2, 3, 6])
def test_no_vm_is_lost_when_another_ends_between_pages(parsed, size, gone):
    simulator = Restless(lambda simulator: terminate(simulator, gone)).start()
    try:
        cloud = Cloud(simulator)
        for number in range(7):
            cloud.vm(f"vm-{number}")
        found = set(parsed("one_vms", simulator.url, page_size=size).hosts)
    finally:
        simulator.stop()
    assert found >= {f"vm-{number}" for number in range(7) if number != gone}
    assert len(found) <= 7


@pytest.mark.parametrize("size", [2, 3])
def test_no_vm_is_lost_or_doubled_when_another_comes_between_pages(parsed, size):
    simulator = Restless(lambda simulator: Cloud(simulator).vm("new")).start()
    try:
        cloud = Cloud(simulator)
        for number in range(7):
            cloud.vm(f"vm-{number}")
        found = set(parsed("one_vms", simulator.url, page_size=size).hosts)
    finally:
        simulator.stop()
    assert found - {"new"} == {f"vm-{number}" for number in range(7)}


# ---------------------------------------------------------------- documentation


@pytest.mark.parametrize("section", ["DOCUMENTATION", "PLUGIN"])
def test_the_documented_connection_is_the_real_one(section):
    options = yaml.safe_load(getattr(Connection, section))["options"]
    specified = SHARED if section == "DOCUMENTATION" else CONNECTION
    assert {name: option["type"] for name, option in options.items()} == {
        name: option["type"] for name, option in specified.items()
    }
    for name, option in options.items():
        fallback = specified[name].get("fallback", (None, []))[1]
        variables = [entry["name"] for entry in option.get("env", [])]
        assert variables == (fallback if section == "PLUGIN" else [])
        assert option.get("aliases", []) == (specified[name].get("aliases", []) if section == "DOCUMENTATION" else [])
        assert option.get("default") == specified[name].get("default")


def test_the_documented_server_is_the_real_one():
    options = yaml.safe_load(Inventory.DOCUMENTATION)["options"]["servers"]["suboptions"]
    assert {name: option["type"] for name, option in options.items()} == {
        name: spec["type"] for name, spec in SERVER.items()
    }


def peak(number):
    """Bytes that reading so many VMs takes at the most, in pages of 50, when nothing is kept of them."""
    simulator = Simulator(Options(delay=0, seed={"hosts": 1, "vms": number})).start()
    try:
        options = {**dict.fromkeys(SERVER), **ACCESS, "api_url": simulator.url}
        source = Source("", options)
        pages = [sum(1 for _vm in source.pool("vmpool", extended=True, page=50))]  # the simulator makes what it shows
        tracemalloc.start()
        pages.append(sum(1 for vm in source.pool("vmpool", extended=True, page=50) if vm.TEMPLATE["NIC"]))
        assert pages == [number, number]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        simulator.stop()


def test_memory_grows_with_the_page():
    assert peak(400) < 1.3 * peak(100)
