# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual routers: what no recording shows of their VMs and addresses."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

ACTION = 0x800
NIC, FLOATING = 'NIC=[NETWORK_ID="0"]', 'NIC=[NETWORK_ID="0",FLOATING_IP="YES"]'
TEMPLATE = 'NAME="t" CPU="0.1" MEMORY="32" VROUTER="YES" CONTEXT=[NETWORK="YES"]'


@pytest.fixture
def router(one):
    """A router with a floating address in a network of four, and a template for its VMs."""
    one("host.allocate", "host0", "dummy", "dummy", 0)
    one("vn.allocate", 'NAME="n" VN_MAD="dummy" BRIDGE="b" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="4"]', 0)
    one("vn.info", 0)
    one("template.allocate", TEMPLATE)
    assert one("vrouter.allocate", f'NAME="r" KEEPALIVED_ID="77" KEEPALIVED_PASSWORD="pw" {FLOATING}')[0]
    return 0


def shown(one, kind, oid):
    return ElementTree.fromstring(one(f"{kind}.info", oid)[1])


def members(one, oid=0):
    return [each.text for each in shown(one, "vrouter", oid).findall("VMS/ID")]


def test_the_network_knows_the_router(one, router):
    network = shown(one, "vn", 0)
    assert network.findtext("VROUTERS/ID") == network.findtext(".//LEASE/VROUTER") == "0"
    one("vrouter.delete", router)
    network = shown(one, "vn", 0)
    assert (network.findtext("VROUTERS/ID"), network.findtext("USED_LEASES")) == (None, "0")


def test_vms_are_told_of_the_router(one, router):
    assert one("vrouter.instantiate", router, 1, 0, "", True, "")[0]
    context = shown(one, "vm", 0).find("TEMPLATE/CONTEXT")
    assert context.findtext("VROUTER_KEEPALIVED_ID") == "77"
    assert context.findtext("VROUTER_KEEPALIVED_PASSWORD") == "pw"
    assert (context.findtext("ETH0_VROUTER_IP"), context.findtext("ETH0_IP")) == ("10.0.0.1", "10.0.0.2")


def test_all_vms_or_none(one, router):
    answer = one("vrouter.instantiate", router, 4, 0, "", True, "")
    assert answer[1].endswith("Cannot get IP/MAC lease from virtual network 0.")
    assert members(one) == []
    assert {shown(one, "vm", oid).findtext("STATE") for oid in range(3)} == {"6"}
    assert shown(one, "vn", 0).findtext("USED_LEASES") == "1"


def test_the_template_is_remembered(one, router):
    assert one("vrouter.instantiate", router, 1, -1, "", True, "")[1:3] == [
        "[one.vrouter.instantiate] A template ID was not provided, and the virtual router does not have a default one",
        ACTION,
    ]
    one("vrouter.instantiate", router, 1, 0, "", True, "")
    assert one("vrouter.instantiate", router, 1, -1, "second", True, "")[0]
    assert members(one) == ["0", "1"]


def test_vms_that_are_not_held_are_deployed(one, router):
    one("vrouter.instantiate", router, 1, 0, "", False, "")
    one("hostpool.info")
    assert shown(one, "vm", 0).findtext("STATE") == "3"
    one("vm.recover", 0, 3)
    assert members(one) == []


def test_vms_go_over_with_the_router_to_an_owner_who_may_have_them(one, router):
    one("user.allocate", "alice", "secret", "core", [])
    one("vrouter.instantiate", router, 1, 0, "", True, "")
    one("user.quota", 2, 'VM=[VMS="0"]')
    answer = one("vrouter.chown", router, 2, -1)
    assert "user [2] limit of 0 reached for VMS quota in VM" in answer[1]
    one("user.quota", 2, 'VM=[VMS="1"]')
    assert one("vrouter.chown", router, 2, 1)[0]
    assert shown(one, "vm", 0).findtext("UNAME") == "alice"
    assert "<VMS_USED><![CDATA[1]]></VMS_USED>" in one("user.info", 2)[1]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('NIC=[NETWORK_MODE="AUTO"]', "Virtual Router is incompatible with auto mode"),
        ('NIC_ALIAS=[NETWORK_ID="0",PARENT="NIC0"]', "Alias can't be attached to virtual router."),
        (f"{NIC} {NIC}", "The template must contain one NIC attribute"),
    ],
)
def test_interfaces_that_no_router_has(one, router, given, why):
    before = one("vrouter.info", router)
    assert one("vrouter.attachnic", router, given)[1:3] == [f"[one.vrouter.attachnic] {why}", ACTION]
    assert one("vrouter.info", router) == before


def test_interfaces_of_the_router_and_all_its_vms(one, router):
    one("vrouter.instantiate", router, 2, 0, "", False, "")
    one("hostpool.info")
    assert one("vrouter.detachnic", router, 0)[0]
    assert shown(one, "vn", 0).findtext("USED_LEASES") == "0"
    assert one("vrouter.attachnic", router, NIC)[0]
    one("hostpool.info")
    for oid in (0, 1):
        assert [nic.findtext("NIC_ID") for nic in shown(one, "vm", oid).findall("TEMPLATE/NIC")] == ["0"]
    assert shown(one, "vn", 0).findtext("USED_LEASES") == "2"
