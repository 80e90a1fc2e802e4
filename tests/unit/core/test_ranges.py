# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Address ranges are a set: which one is meant, what becomes of the others, and which calls that takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import addresses
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import FIRST, NORMAL, Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import address_ranges, vnet
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from fake_vms import unmarked

FOUR = {"AR_ID": "0", "TYPE": "IP4", "IP": "10.0.0.1", "MAC": "02:00:0a:00:00:01", "SIZE": "10", "GATEWAY": "10.0.0.9"}
ETHER = {"AR_ID": "3", "TYPE": "ETHER", "MAC": "02:00:00:00:00:01", "SIZE": "4"}
PRESENT = [FOUR, ETHER]

NEW = {"TYPE": "IP4", "IP": "10.1.0.1", "SIZE": "1"}
MERGED = [
    pytest.param([], False, PRESENT, id="nothing wanted"),
    pytest.param([], True, [], id="nothing else wanted"),
    pytest.param([{"IP": "10.0.0.1", "SIZE": "10"}], False, PRESENT, id="it is so"),
    pytest.param([{"IP": "10.0.0.1", "SIZE": "20"}], False, [dict(FOUR, SIZE="20"), ETHER], id="by IP, the rest stays"),
    pytest.param([{"AR_ID": "0", "SIZE": "20"}], False, [dict(FOUR, SIZE="20"), ETHER], id="by id, which is 0"),
    pytest.param([{"MAC": "02:00:00:00:00:01"}], True, [ETHER], id="by MAC, purged"),
    pytest.param([{"TYPE": "ETHER", "SIZE": "4"}], False, PRESENT, id="by type and size"),
    pytest.param(
        [{"TYPE": "ETHER", "SIZE": "4"}] * 2, False, [*PRESENT, {"TYPE": "ETHER", "SIZE": "4"}], id="two alike"
    ),
    pytest.param([NEW], False, [*PRESENT, NEW], id="a new one"),
    pytest.param([NEW], True, [NEW], id="only a new one"),
    pytest.param(
        [{"IP": "10.0.0.1", "GATEWAY": []}], True, [{k: FOUR[k] for k in FOUR if k != "GATEWAY"}], id="taken away"
    ),
]


@pytest.mark.parametrize(("wanted", "purge", "after"), MERGED)
def test_ranges_after_a_change(wanted: list, purge: bool, after: list) -> None:
    modes = Modes(purge=frozenset(["purge_address_ranges"] if purge else ["purge_held", "purge_clusters"]))
    assert address_ranges.merged_ranges(PRESENT, wanted, modes) == after


def test_a_range_that_is_named_by_id_must_be_there() -> None:
    with pytest.raises(Failure, match="AR_ID 7"):
        address_ranges.merged_ranges(PRESENT, [{"AR_ID": "7", "SIZE": "1"}], Modes())


@pytest.mark.parametrize(("missing", "said"), [("TYPE", "type"), ("SIZE", "size")])
def test_a_new_range_is_whole(missing: str, said: str) -> None:
    given = {name: NEW[name] for name in NEW if name != missing}
    with pytest.raises(Failure, match=f"give its {said}"):
        address_ranges.merged_ranges(PRESENT, [given], Modes())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ip": "10.0.0.999"}, "ip has to be an IP address, not '10.0.0.999'"),
        ({"mac": "02:00"}, "has to be a MAC address"),
        ({"type": "IPV4"}, "type has to be one of ETHER, IP4, IP6"),
        ({"size": 0}, "has to be a number greater than 0"),
        ({"size": "many"}, "has to be a number greater than 0"),
    ],
)
def test_a_range_that_opennebula_does_not_take(given: dict, said: str) -> None:
    with pytest.raises(Failure, match=said):
        address_ranges.canonical_ranges(None, [given])


def test_canonical_is_its_own_canonical() -> None:
    once = address_ranges.canonical_ranges(
        None, [{"type": "IP4", "mac": "02:AA:00:00:00:01", "size": 3, "shared": True}]
    )
    assert once == [{"TYPE": "IP4", "MAC": "02:aa:00:00:00:01", "SIZE": "3", "SHARED": "YES"}]
    assert address_ranges.canonical_ranges(None, once) == once


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({"TYPE": "ip4", "IP": "10.0.0.1"}, {"TYPE": "IP4", "IP": "10.0.0.1"}),
        ({"IP6": "2001:DB8:0:0::10"}, {"IP6": "2001:db8::10"}),
        ({"GLOBAL_PREFIX": "2001:0db8::"}, {"GLOBAL_PREFIX": "2001:db8::"}),
        ({"MAC": "2:0:A:0:0:1"}, {"MAC": "02:00:0a:00:00:01"}),
        ({"IP": "nowhere", "MAC": "none"}, {"IP": "nowhere", "MAC": "none"}),
    ],
)
def test_addresses_have_one_form(given: dict, form: dict) -> None:
    assert address_ranges.canonical_range(given) == form
    assert address_ranges.canonical_range(form) == form


@pytest.mark.parametrize(
    "change",
    [{"TYPE": "ETHER"}, {"MAC": "02:00:00:00:00:99"}, {"IP6": "2001:db8::1"}, {"AR_ID": "0", "IP": "10.0.0.2"}],
    ids=" ".join,
)
def test_what_a_range_keeps_is_refused(change: dict) -> None:
    name = list(change)[-1]
    with pytest.raises(Failure, match=f"{name} of address range 0"):
        address_ranges.merged_ranges(PRESENT, [{"IP": "10.0.0.1", **change}], Modes())


ONE = {"ip": "10.0.0.3", "mac": "02:00:0a:00:00:03"}
TWO = {"ip": "10.0.0.4", "mac": "02:00:0a:00:00:04"}
THIRD = {"ip": "10.0.0.5"}
HELD = [
    pytest.param([], False, [ONE, TWO], id="nothing wanted"),
    pytest.param([], True, [], id="nothing else wanted"),
    pytest.param(["10.0.0.3"], False, [ONE, TWO], id="it is so"),
    pytest.param(["02:00:0A:00:00:04"], True, [TWO], id="by MAC, purged"),
    pytest.param(["10.0.0.5", "10.0.0.5"], False, [ONE, TWO, THIRD], id="one more"),
    pytest.param(["10.0.0.4", "10.0.0.5"], True, [TWO, THIRD], id="another"),
]


@pytest.mark.parametrize(("wanted", "purge", "after"), HELD)
def test_what_is_on_hold(wanted: list, purge: bool, after: list) -> None:
    modes = Modes(purge=frozenset(["purge_held"] if purge else ["purge_address_ranges", "purge_clusters"]))
    assert address_ranges.merged_held([ONE, TWO], address_ranges.canonical_held(None, wanted), modes) == after


def test_leases_are_released_before_others_are_held() -> None:
    steps = address_ranges.change_held({"id": 0, "name": "net", "held": [ONE, TWO]}, [TWO, THIRD])
    assert [(step.method, step.arguments, step.phase) for step in steps] == [
        ("vn.release", (0, {"LEASES": {"IP": "10.0.0.3"}}), NORMAL),
        ("vn.hold", (0, {"LEASES": {"IP": "10.0.0.5"}}), NORMAL),
    ]


def test_all_leases_are_released_before_their_ranges_are_removed() -> None:
    steps = address_ranges.change_held({"id": 0, "name": "net", "held": [ONE, TWO]}, [])
    assert [(step.method, step.phase) for step in steps] == [("vn.release", FIRST)] * 2


def test_only_addresses_are_held() -> None:
    with pytest.raises(Failure, match=r"held.*nowhere"):
        address_ranges.canonical_held(None, ["nowhere"])


RANGES = [
    'AR=[TYPE="IP4",IP="10.0.0.254",SIZE="8",MAC="02:00:0a:00:00:fe"]',
    'AR=[TYPE="IP4_6_STATIC",IP="10.9.0.1",IP6="2001:db8::fe",PREFIX_LENGTH="64",SIZE="4",MAC="02:00:0b:00:00:00"]',
    'AR=[TYPE="ETHER",SIZE="4",MAC="02:00:0c:00:00:00"]',
    'AR=[TYPE="IP6",SIZE="4",GLOBAL_PREFIX="2001:DB8::",ULA_PREFIX="fd00::",MAC="02:00:0d:00:00:00"]',
    'AR=[TYPE="IP4_6",SIZE="4",IP="10.8.0.1",GLOBAL_PREFIX="2001:db8:1::",MAC="02:00:0e:00:00:00"]',
    'AR=[TYPE="IP6_STATIC",SIZE="4",IP6="2001:db8:2::1",PREFIX_LENGTH="64",MAC="02:00:0f:00:00:00",GATEWAY="x"]',
]


def test_pool_and_network_tell_the_same(simulator: Any) -> None:
    one = OneServer(simulator.url, session="oneadmin:opennebula")
    oid = one.vn.allocate(" ".join(['NAME="net" VN_MAD="dummy" BRIDGE="br0"', *RANGES]), -1)
    while one.vn.info(oid).STATE != vnet.READY:
        pass
    for wanted in ('IP="10.0.1.1"', 'IP6="2001:db8::101"', 'MAC="02:00:0c:00:00:02"'):
        one.vn.hold(oid, f"LEASES=[{wanted}]")
    network, listed = one.vn.info(oid), one.vnpool.info(-2, -1, -1).VNET[0]
    assert address_ranges.held(listed) == [
        {"ip": "10.0.1.1", "mac": "02:00:0a:00:01:01"},
        {"ip": "10.9.0.4", "ip6": "2001:db8::101", "mac": "02:00:0b:00:00:03"},
        {"mac": "02:00:0c:00:00:02"},
    ]
    assert vnet.read(None, network)["held"] == vnet.read(None, listed)["held"]
    ranges = vnet.read(None, listed)["address_ranges"]
    assert vnet.read(None, network)["address_ranges"] == ranges
    assert address_ranges.merged_ranges(ranges, ranges, Modes(purge=frozenset(["purge_address_ranges"]))) == ranges
    assert [(lease["vm"], lease["ar_id"]) for lease in address_ranges.leases(network)] == [
        (-1, "0"),
        (-1, "1"),
        (-1, "2"),
    ]


@pytest.mark.parametrize(("parent", "removal"), [(None, "vn.rm_ar"), (0, "vn.free_ar")])
def test_a_change_has_the_whole_range(parent: int | None, removal: str) -> None:
    new, changed = {"TYPE": "IP4", "IP": "10.1.0.1", "SIZE": "1"}, dict(FOUR, SIZE="20")
    record = {"id": 0, "name": "net", "address_ranges": PRESENT, "reserved_from": parent}
    steps = address_ranges.change_ranges(record, [changed, new])
    assert [(step.method, step.arguments) for step in steps[:2]] == [
        (removal, (0, 3)),
        ("vn.update_ar", (0, {"AR": changed})),
    ]
    assert [(step.method, unmarked(step.arguments)) for step in steps[2:]] == [("vn.add_ar", (0, {"AR": new}))]


def test_of_ranges_that_two_runs_have_added_the_younger_is_removed() -> None:
    new = {"TYPE": "IP4", "IP": "10.9.0.1", "SIZE": "1"}
    wanted, record = {"address_ranges": [new]}, {"id": 0, "name": "net", "address_ranges": [], "reserved_from": None}
    (step,) = address_ranges.plan_ranges(record, wanted, Modes())[2]
    present = [dict(step.arguments[1]["AR"], AR_ID=number) for number in ("0", "1")]
    before, after, steps = address_ranges.plan_ranges(dict(record, address_ranges=present), wanted, Modes())
    assert (before, after) == (present, present[:1])
    assert [(step.method, step.arguments) for step in steps] == [("vn.rm_ar", (0, 1))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.1", 0x0A000001),
        ("02:00:0A:00:00:01", 0x02000A000001),
        ("2001:db8::1", 0x20010DB8000000000000000000000001),
        ("2001:db8:0:0::1", 0x20010DB8000000000000000000000001),  # as many colons as a MAC address has
    ],
)
def test_the_number_of_an_address(text, found):
    assert addresses.number(text) == found
