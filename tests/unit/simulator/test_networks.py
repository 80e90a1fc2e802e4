# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual networks: what no recording shows of their address ranges."""

from __future__ import annotations

import xmlrpc.client
from xml.etree import ElementTree

import pytest
from opennebula_simulator.cloud import Options
from opennebula_simulator.families.lifecycle import ACTIONS
from opennebula_simulator.server import Simulator

INTERNAL = 0x2000
MAC = 'MAC="02:00:00:00:00:01"'
IP4 = 'TYPE="IP4",IP="10.0.0.1",SIZE="4"'
IP6 = f'TYPE="IP6",SIZE="4",{MAC},GLOBAL_PREFIX="2001:db8::",ULA_PREFIX="fd00::"'
STATIC = f'TYPE="IP6_STATIC",IP6="2001:db8::fffe",PREFIX_LENGTH="112",{MAC}'


@pytest.fixture
def network(one):
    """network(range) -> the ID of a new network with it."""
    names = iter("abcdef")

    def make(text):
        oid = one("vn.allocate", f'NAME="{next(names)}" VN_MAD="dummy" BRIDGE="b" AR=[{text}]', 0)[1]
        one("vn.info", oid)
        return oid

    return make


@pytest.fixture
def shown(one):
    """shown(network) -> its first range, {name: text}."""

    def read(oid):
        found = ElementTree.fromstring(one("vn.info", oid)[1]).find("AR_POOL/AR")
        return {each.tag: each.text for each in found}

    return read


def change(one, oid, text):
    return one("vn.update_ar", oid, f'AR=[AR_ID="0",{text}]')


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        (
            f'TYPE="ETHER",SIZE="2",{MAC},IP="10.0.0.1",IP6="2001:db8::1",ULA_PREFIX="fd00::"',
            {"IP", "IP6", "ULA_PREFIX"},
        ),
        (IP4 + ',GLOBAL_PREFIX="2001:db8::"', {"GLOBAL_PREFIX", "IP6_GLOBAL"}),
        (IP6 + ',IP="10.0.0.1"', {"IP", "IP_END"}),
        (STATIC + ',GLOBAL_PREFIX="2001:db8::"', {"GLOBAL_PREFIX", "IP6_GLOBAL"}),
    ],
)
def test_addresses_of_other_types_are_forgotten(network, shown, text, absent):
    assert absent.isdisjoint(shown(network(text)))


@pytest.mark.parametrize(("length", "size"), [(112, 2), (64, 2**64 - 1 - 0xFFFE), (48, 2**64 - 1 - 0xFFFE)])
def test_a_static_range_without_size_goes_to_the_end(network, shown, length, size):
    assert shown(network(STATIC.replace("112", str(length))))["SIZE"] == str(size)


def test_addresses_are_counted_in_their_last_32_bits(network, shown):
    found = shown(
        network('TYPE="IP6_STATIC",IP6="2001:db8::ffff:ffff",PREFIX_LENGTH="64",SIZE="2",MAC="02:00:ff:ff:ff:ff"')
    )
    assert (found["IP6_END"], found["MAC_END"]) == ("2001:db8::", "02:00:00:00:00:00")


def test_a_range_does_not_shrink_below_its_leases(one, network, shown):
    oid = network(IP4)
    one("vn.hold", oid, 'LEASES=[IP="10.0.0.3"]')
    why = "[one.vn.update_ar] New SIZE cannot be applied. There are used leases that would fall outside the range."
    assert change(one, oid, 'SIZE="2"')[:3] == [False, why, INTERNAL]
    assert change(one, oid, 'SIZE="0"')[:3] == [False, why, INTERNAL]
    assert shown(oid)["SIZE"] == "4"
    assert change(one, oid, 'SIZE="3"')[0]
    assert shown(oid)["SIZE"] == "3"


def test_a_reservation_keeps_its_size(one, network, shown):
    oid = one("vn.reserve", network(IP4), 'SIZE="2" NAME="r"')[1]
    one("vn.info", oid)
    answer = change(one, oid, 'SIZE="3"')
    assert answer[:3] == [False, "[one.vn.update_ar] The SIZE of a reservation cannot be changed.", INTERNAL]
    assert change(one, oid, 'SIZE="2",NOTE="x"')[0]
    found = shown(oid)
    assert (found["SIZE"], found["NOTE"], found["PARENT_NETWORK_AR_ID"]) == ("2", "x", "0")


def test_prefixes_are_those_of_the_last_change(one, network, shown):
    oid = network(IP6)
    assert change(one, oid, 'ULA_PREFIX="fd11::",IP6="::1",PREFIX_LENGTH="9"')[0]
    found = shown(oid)
    assert (found["GLOBAL_PREFIX"], found["ULA_PREFIX"]) == (None, "fd11::")
    assert "IP6_GLOBAL" not in found
    assert not {"IP6", "PREFIX_LENGTH"} & set(found)
    answer = change(one, oid, 'GLOBAL_PREFIX="zz"')
    assert answer[1] == "[one.vn.update_ar] Wrong format for IP6 global address prefix"


def test_a_static_prefix_stays_or_is_changed(one, network, shown):
    oid = network(STATIC)
    assert change(one, oid, 'NOTE="x"')[0]
    assert shown(oid)["PREFIX_LENGTH"] == "112"
    assert change(one, oid, 'PREFIX_LENGTH="96"')[0]
    assert (shown(oid)["PREFIX_LENGTH"], shown(oid)["IP6"]) == ("96", "2001:db8::fffe")


def test_users_do_not_change_what_is_restricted(one, network, shown):
    one("user.allocate", "ann", "pw", "core", [])
    oid = one("vn.reserve", network(IP4 + ',BRIDGE="b4"'), 'SIZE="2" NAME="r"')[1]
    one("vn.info", oid)
    one("vn.chown", oid, 2, 1)
    text = 'AR=[AR_ID="0",BRIDGE="b5",PHYDEV="eth9",NOTE="mine"]'
    assert one("vn.update_ar", oid, text, session="ann:pw")[0]
    found = shown(oid)
    assert (found["BRIDGE"], found.get("PHYDEV"), found["NOTE"]) == ("b4", None, "mine")


# ---------------------------------------------------------------- leases


@pytest.mark.parametrize("method", ["hold", "release"])
def test_a_lease_is_named_once(one, network, method):
    answer = one(f"vn.{method}", network(IP4), 'LEASES=[IP="10.0.0.1",MAC="02:00:0a:00:00:01"]')
    assert answer[1] == f"[one.vn.{method}] Only one attribute MAC, IP or IP6 can be set."


def test_of_several_addresses_of_a_reservation_the_first_counts(one, network, shown):
    where = 'AR_ID="0" IP="10.0.0.2" MAC="02:00:0a:00:00:03"'
    oid = one("vn.reserve", network(IP4), f'SIZE="1" NAME="r" {where}')[1]
    assert shown(oid)["IP"] == "10.0.0.2"


def interfaces(one, oid=0):
    return [{each.tag: each.text for each in nic} for nic in ElementTree.fromstring(one("vm.info", oid)[1]).iter("NIC")]


def vm(one, text):
    return one("vm.allocate", f'CPU="0.1" MEMORY="32" NIC=[{text}]', True)


def test_a_lease_is_asked_for_by_one_address(one, network):
    network(IP4)
    answer = vm(one, 'NETWORK_ID="0",IP="10.0.0.2",MAC="02:00:0a:00:00:02"')
    assert answer[1] == "[one.vm.allocate] Cannot get IP/MAC lease from virtual network 0."


def test_an_interface_knows_reservation_and_groups_of_its_range(one, network):
    one("secgroup.allocate", 'NAME="sg"')
    one("vn.reserve", network(IP4 + ',SECURITY_GROUPS="100"'), 'SIZE="2" NAME="r"')
    vm(one, 'NETWORK_ID="1"')
    nic = interfaces(one)[0]
    assert (nic["NETWORK_ID"], nic["PARENT_NETWORK_ID"], nic["SECURITY_GROUPS"]) == ("1", "0", "0,100")


# ---------------------------------------------------------------- what reaches the VMs

READY, UPDATE_FAILURE = "1", "6"


@pytest.fixture
def lab():
    """lab(*failures) -> a call to a cloud with VMs in a network: one runs, one is held, one has an MTU of its own."""
    made = []

    def make(*failures):
        found = Simulator(Options(delay=0, failures=[*failures])).start()
        made.append(found)

        def call(method, *arguments):
            with xmlrpc.client.ServerProxy(found.url) as proxy:
                return getattr(proxy, f"one.{method}")("oneadmin:opennebula", *arguments)

        call("host.allocate", "h", "dummy", "dummy", 0)
        call("vn.allocate", f'NAME="n" VN_MAD="dummy" BRIDGE="b" MTU="1500" AR=[{IP4}]', 0)
        for more in ("", "", ',MTU="900"'):
            vm(call, f'NETWORK_ID="0"{more}')
        call("vm.deploy", 0, 0, False, -1, "")
        return call

    yield make
    for found in made:
        found.stop()


def lists(one):
    found = ElementTree.fromstring(one("vn.info", 0)[1])
    return {
        name: [each.text for each in found.findall(f"{name}_VMS/ID")]
        for name in ("UPDATED", "OUTDATED", "UPDATING", "ERROR")
        if found.find(f"{name}_VMS/ID") is not None
    }


def state(one, kind, oid=0):
    return ElementTree.fromstring(one(f"{kind}.info", oid)[1]).findtext("STATE")


def test_a_change_reaches_the_interfaces(lab):
    one = lab()
    assert one("vn.update", 0, 'MTU="9000"', 1)[0]
    assert [interfaces(one, oid)[0]["MTU"] for oid in range(3)] == ["9000", "9000", "900"]
    assert lists(one) == {"UPDATED": ["0", "1", "2"]}
    assert "VNET_UPDATE" not in one("vn.info", 0)[1]
    told = f"<ACTION>{ACTIONS['nic-update']}</ACTION>"
    assert [told in one("vm.info", oid)[1] for oid in range(3)] == [True, False, False]


def test_what_does_not_spread_leaves_them_alone(lab):
    one = lab()
    assert one("vn.update", 0, 'GATEWAY="10.0.0.254"', 1)[0]
    assert "GATEWAY" not in interfaces(one)[0]


def test_a_range_spreads_what_is_inherited(lab):
    one = lab()
    assert change(one, 0, 'GATEWAY="10.0.0.254",NOTE="x"')[0]
    assert [interfaces(one, oid)[0].get("GATEWAY") for oid in range(3)] == ["10.0.0.254"] * 3
    assert change(one, 0, 'NOTE="x"')[0]
    assert "GATEWAY" not in interfaces(one)[0]


def test_the_host_that_fails_is_told_again(lab):
    one = lab("update_nic:vm-0")
    assert one("vn.update", 0, 'MTU="9000"', 1)[0]
    one("vn.info", 0)
    assert lists(one) == {"UPDATED": ["1", "2"], "ERROR": ["0"]}
    assert state(one, "vn") == UPDATE_FAILURE
    assert one("vn.recover", 0, 3)[0]
    one("vn.info", 0)
    assert (lists(one)["ERROR"], state(one, "vn")) == (["0"], UPDATE_FAILURE)
    assert one("vm.action", "terminate-hard", 0)[0]
    one("vn.info", 0)
    assert (lists(one), state(one, "vn")) == ({"UPDATED": ["1", "2"]}, READY)
