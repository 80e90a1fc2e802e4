# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The inventory that replaces community.general.opennebula: the same hosts, groups and variables."""

from __future__ import annotations

import pytest
from ansible.inventory.data import InventoryData
from ansible_collections.privazio.opennebula.plugins.inventory.opennebula import group_labels


@pytest.fixture
def active(cloud):
    """A cloud whose VMs web (with an address) and db run, and whose VM new is on hold."""
    net = cloud("vn.allocate", 'NAME="net" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4", IP="10.0.0.1", SIZE="9"]', -1)
    lines = ('LABELS="prod/web, Oracle Linux,a-b"', "SSH_PORT=2222", 'PROJECT="shop"', 'NOTE="{{ 1 + 1 }}"')
    for name, more in (("web", (f'NIC=[NETWORK_ID="{net}"]', *lines)), ("db", ("PROJECT=other",))):
        cloud("vm.deploy", cloud.vm(name, *more), 0, False, -1, "")
    cloud.vm("new")
    return cloud


def variables(inventory, host):
    return {name: value for name, value in inventory.hosts[host].vars.items() if not name.startswith("inventory_")}


def test_hosts_groups_and_variables(parsed, active):
    found = parsed("opennebula", active.url)
    assert sorted(found.hosts) == ["db", "web"]
    assert variables(found, "web") == {
        "id": 0,
        "name": "web",
        "UNAME": "oneadmin",
        "GNAME": "oneadmin",
        "host": "node-a",
        "LABELS": ["prodweb", "_Oracle_Linux", "a_b"],
        "PROJECT": "shop",
        "NOTE": "{{ 1 + 1 }}",
        "SSH_PORT": "2222",
        "v4_first_ip": "10.0.0.1",
        "v6_first_ip": False,
        "ansible_host": "10.0.0.1",
        "ansible_port": 2222,
    }
    groups = {name: [host.name for host in group.hosts] for name, group in found.groups.items()}
    named = {name: ["web"] for name in ("prodweb", "_Oracle_Linux", "a_b")}
    assert groups == {"all": [], "ungrouped": ["db"], **named}
    assert "ansible_host" not in variables(found, "db")


@pytest.mark.parametrize(
    "options, hosts",
    [
        ({"filter_by_label": "prodweb"}, ["web"]),
        ({"filter_by_label": "prod/web"}, []),
        ({"filters": [{"include": "PROJECT == 'shop'"}, {"exclude": True}]}, ["web"]),
        ({"filters": [{"include": "PROJECT | default('')"}, {"exclude": True}]}, ["db", "web"]),
        ({"filters": [{"exclude": "inventory_hostname == 'web'"}]}, ["db"]),
        ({"filters": [{"exclude": "v4_first_ip"}]}, ["db"]),
    ],
)
def test_filters(parsed, active, options, hosts):
    assert sorted(parsed("opennebula", active.url, **options).hosts) == hosts


def test_no_groups_of_labels(parsed, active):
    found = parsed("opennebula", active.url, group_by_labels=False, keyed_groups=[{"key": "UNAME", "prefix": "owner"}])
    assert sorted(found.groups) == ["all", "owner_oneadmin", "ungrouped"]


@pytest.mark.parametrize(
    "hostname, prefer, address",
    [
        ("v4_first_ip", False, "10.0.0.1"),
        ("v4_first_ip", True, "kept"),
        ("v6_first_ip", False, "kept"),
        ("name", False, "kept"),
    ],
)
def test_the_address_of_an_earlier_source(parsed, active, hostname, prefer, address):
    earlier = InventoryData()
    earlier.add_host("web")
    earlier.set_variable("web", "ansible_host", "kept")
    found = parsed("opennebula", active.url, into=earlier, hostname=hostname, prefer_existing_ansible_host=prefer)
    assert variables(found, "web")["ansible_host"] == address


def test_vms_of_one_name_are_two_hosts(parsed, active):
    active("vm.deploy", active.vm("db"), 0, False, -1, "")
    assert sorted(parsed("opennebula", active.url).hosts) == ["db-1", "db-3", "web"]


def test_an_attribute_does_not_say_how_ansible_connects(parsed, active):
    text = "<T><ansible_connection>local</ansible_connection><id>7</id><A.B>x</A.B></T>"
    active("vm.update", 1, text, 1)
    found = variables(parsed("opennebula", active.url), "db")
    assert "ansible_connection" not in found
    assert found["id"] == 1


@pytest.mark.parametrize(
    "value, found",
    [
        (None, []),
        ("", []),
        ("a,,b", ["a", "b"]),
        (" a b,c-d,e/f.g", ["_a_b", "c_d", "efg"]),
        (["a", "b,c"], ["a", "b", "c"]),
        ({"A": "1"}, []),
    ],
)
def test_labels_are_written_as_groups(value, found):
    assert group_labels(value) == found


def test_a_secret_is_masked_unless_its_name_is_excluded(parsed, active):
    active("vm.update", 1, 'DB_PASSWORD="hidden" API_TOKEN="other"', 1)
    assert variables(parsed("opennebula", active.url), "db")["DB_PASSWORD"] == "********"
    found = variables(parsed("opennebula", active.url, secret_names=["!DB_PASSWORD"]), "db")
    assert (found["DB_PASSWORD"], found["API_TOKEN"]) == ("hidden", "********")
