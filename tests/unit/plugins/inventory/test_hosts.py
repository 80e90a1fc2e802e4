# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The inventory of hosts against the simulator."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.inventory.one_hosts import FACTS
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import parse
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_facts import EMPTY, Facts
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_sources import Source


@pytest.fixture
def racks(cloud):
    """A cloud with the hosts node-a and node-b; node-b is in a rack, and disabled."""
    host = cloud("host.allocate", "node-b", "dummy", "dummy", cloud("cluster.allocate", "east"))
    cloud("host.update", host, 'LABELS="dc/rack1"\nRACK="12"\nLABELS="ssd"\nIPMI_PASSWORD="hidden"', 1)
    cloud("host.status", host, 1)
    return cloud


def members(inventory, group):
    return sorted(host.name for host in inventory.groups[group].get_hosts())


def test_as_ansible_inventory_lists_them(listed, racks):
    data, complaints = listed("one_hosts", racks.url)
    assert data["cluster_east"]["hosts"] == ["node-b"]
    assert data["_meta"]["hostvars"]["node-b"]["one_id"] == 1
    assert "hidden" not in str(data)
    assert not complaints


def test_groups_and_facts(parsed, racks):
    found = parsed("one_hosts", racks.url, group_by=["label", "RACK", "state", "vm_mad", "im_mad"])
    assert members(found, "label_dc_rack1") == members(found, "label_dc") == members(found, "label_ssd") == ["node-b"]
    assert members(found, "rack_12") == members(found, "state_disabled") == ["node-b"]
    assert members(found, "vm_mad_dummy") == members(found, "im_mad_dummy") == ["node-a", "node-b"]
    variables = found.hosts["node-a"].get_vars()
    assert variables["one_cpu"]["allocated"] == variables["one_running_vms"] == 0
    assert variables["one_cpu"]["total"] > 0


@pytest.mark.parametrize(
    "options, hosts",
    [
        ({"states": ["disabled"]}, ["node-b"]),
        ({"clusters": ["east"]}, ["node-b"]),
        ({"clusters": ["0"]}, ["node-a"]),
        ({"labels": ["dc"]}, ["node-b"]),
        ({"names": ["*-a"]}, ["node-a"]),
        ({"attributes": {"RACK": 12}}, ["node-b"]),
        ({"filters": [{"exclude": "one_state == 'disabled'"}]}, ["node-a"]),
        ({"facts": ["minimal"]}, ["node-a", "node-b"]),
    ],
)
def test_filters(parsed, racks, options, hosts):
    assert sorted(parsed("one_hosts", racks.url, **options).hosts) == hosts


def test_storage_and_vms():
    share = (
        "<DATASTORES><DS><ID>100</ID><TOTAL_MB>9</TOTAL_MB><USED_MB>4</USED_MB><FREE_MB>5</FREE_MB></DS></DATASTORES>"
    )
    share = f"<HOST_SHARE><TOTAL_CPU>800</TOTAL_CPU>{share}</HOST_SHARE><VMS><ID>0</ID><ID>7</ID></VMS>"
    (host,) = parse(f"<HOST_POOL><HOST><ID>0</ID><NAME>a</NAME>{share}</HOST></HOST_POOL>").HOST
    facts = Facts(FACTS, host, Source("", {}), {})
    assert facts["one_datastores"] == [{"id": 100, "total": 9, "used": 4, "free": 5}]
    assert facts["one_vms"] == [0, 7]
    assert facts["one_cpu"] == {"total": 800}


def test_a_host_of_which_nothing_is_known():
    (host,) = parse("<HOST_POOL><HOST><ID>0</ID><NAME>a</NAME></HOST></HOST_POOL>").HOST
    facts = Facts(FACTS, host, Source("", {}), {})
    known = {name for name in FACTS if not name.startswith("_") and facts[name] not in EMPTY}
    assert known == {"one_id", "one_name", "one_state"}
