# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual networks: what no recording shows of their address ranges."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

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
