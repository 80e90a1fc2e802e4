# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The interfaces of a virtual router are a set; its VMs have names that none of them has."""

from __future__ import annotations

from itertools import islice

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.resources import vrouter

FIXED = {"NIC_ID": "0", "NETWORK": "net", "NETWORK_ID": "0"}
FLOATING = {"NIC_ID": "1", "NETWORK": "net", "NETWORK_ID": "0", "FLOATING_IP": "YES", "VROUTER_IP": "10.0.0.1"}
PRESENT = [FIXED, FLOATING]

MERGED = [
    pytest.param([], False, PRESENT, id="nothing wanted"),
    pytest.param([], True, [], id="nothing else wanted"),
    pytest.param([{"NETWORK_ID": "0"}], True, [FIXED], id="the first that fits"),
    pytest.param([{"NETWORK_ID": "0", "IP": "10.0.0.1"}], True, [FLOATING], id="by its floating address"),
    pytest.param([{"NIC_ID": "1"}], True, [FLOATING], id="by id"),
    pytest.param([{"NETWORK_ID": "0"}] * 3, False, [*PRESENT, {"NETWORK_ID": "0"}], id="one more of a network"),
    pytest.param([{"NETWORK_ID": "1"}], True, [{"NETWORK_ID": "1"}], id="another"),
]


@pytest.mark.parametrize(("wanted", "purge", "after"), MERGED)
def test_what_stands(wanted: list, purge: bool, after: list) -> None:
    assert vrouter.merged_nics(PRESENT, wanted, purge) == after


def test_an_interface_that_is_named_by_id_must_be_there() -> None:
    with pytest.raises(Failure, match="7"):
        vrouter.merged_nics(PRESENT, [{"NIC_ID": "7"}], False)


def test_canonical_is_its_own_canonical() -> None:
    once = vrouter.canonical_nic(None, {"network_id": 0, "floating_ip": True})
    assert once == {"NETWORK_ID": "0", "FLOATING_IP": "YES"}
    assert vrouter.canonical_nic(None, once) == once


@pytest.mark.parametrize(
    ("pattern", "taken", "found"),
    [
        ("vr-%i", set(), ["vr-0", "vr-1", "vr-2"]),
        ("vr-%i", {"vr-1"}, ["vr-0", "vr-2", "vr-3"]),
        ("vr", {"vr"}, ["vr", "vr", "vr"]),
    ],
)
def test_names_are_counted_on(pattern: str, taken: set, found: list) -> None:
    assert list(islice(vrouter.names(pattern, taken), 3)) == found


def test_less_than_no_vm_is_refused() -> None:
    assert vrouter.not_negative(None, 0) == 0
    with pytest.raises(Failure, match="vm_count"):
        vrouter.not_negative(None, -1)
