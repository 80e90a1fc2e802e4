# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Address ranges are a set: which one is meant, what becomes of the others, and which calls that takes."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.resources import vnet

FOUR = {"AR_ID": "0", "TYPE": "IP4", "IP": "10.0.0.1", "MAC": "02:00:0a:00:00:01", "SIZE": "10", "GATEWAY": "10.0.0.9"}
ETHER = {"AR_ID": "3", "TYPE": "ETHER", "MAC": "02:00:00:00:00:01", "SIZE": "4"}
PRESENT = [FOUR, ETHER]

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
    pytest.param([{"IP": "10.1.0.1", "SIZE": "1"}], False, [*PRESENT, {"IP": "10.1.0.1", "SIZE": "1"}], id="a new one"),
    pytest.param([{"IP": "10.1.0.1", "SIZE": "1"}], True, [{"IP": "10.1.0.1", "SIZE": "1"}], id="only a new one"),
    pytest.param(
        [{"IP": "10.0.0.1", "GATEWAY": []}], True, [{k: FOUR[k] for k in FOUR if k != "GATEWAY"}], id="taken away"
    ),
]


@pytest.mark.parametrize(("wanted", "purge", "after"), MERGED)
def test_what_stands(wanted: list, purge: bool, after: list) -> None:
    assert vnet.merged_ranges(PRESENT, wanted, purge) == after


def test_a_range_that_is_named_by_id_must_be_there() -> None:
    with pytest.raises(Failure, match="AR_ID 7"):
        vnet.merged_ranges(PRESENT, [{"AR_ID": "7", "SIZE": "1"}], False)


def test_canonical_is_its_own_canonical() -> None:
    once = vnet.canonical_ranges(None, [{"type": "IP4", "mac": "02:AA:00:00:00:01", "size": 3, "shared": True}])
    assert once == [{"TYPE": "IP4", "MAC": "02:aa:00:00:00:01", "SIZE": "3", "SHARED": "YES"}]
    assert vnet.canonical_ranges(None, once) == once


class Recorder:
    """Stands where a cloud stands, and keeps the calls."""

    def __init__(self) -> None:
        self.calls: list = []

    def call(self, doing: str, method: str, *arguments: object) -> None:
        self.calls.append((method, *arguments))


def test_a_change_carries_the_whole_range() -> None:
    cloud, new = Recorder(), {"TYPE": "IP4", "IP": "10.1.0.1", "SIZE": "1"}
    changed = dict(FOUR, SIZE="20")
    vnet.write_ranges(cloud, 0, [changed, new], {"name": "net", "address_ranges": PRESENT})
    assert cloud.calls == [("vn.rm_ar", 0, 3), ("vn.update_ar", 0, {"AR": changed}), ("vn.add_ar", 0, {"AR": new})]
