# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Networks whose driver fails, reservations that grow, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine, Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import vnet
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

RANGE = {"type": "IP4", "ip": "10.0.0.10", "size": 8}
WANTED = {"vn_mad": "dummy", "bridge": "br0", "address_ranges": [RANGE]}


@pytest.fixture
def one(simulator: Any) -> OneServer:
    return OneServer(simulator.url, session="oneadmin:opennebula")


def converge(one: OneServer, name: str, wanted: dict[str, Any], **options: Any) -> Report:
    """What one_vnet does, as a new task."""
    return Engine(Cloud(one, patience=5), vnet.resource(**options)).converge(name, None, wanted)


RECOVERED = [
    ("success", "error", "ready"),
    ("success", "update_failure", "ready"),
    ("success", "ready", "ready"),
    ("success", "lock_delete", "lock_delete"),
    ("failure", "lock_create", "error"),
    ("failure", "ready", "ready"),
    ("retry", "update_failure", "ready"),
    ("retry", "error", "error"),
]


@pytest.mark.parametrize(("way", "present", "after"), RECOVERED)
def test_a_way_out_is_taken_where_it_leads_out(way: str, present: str, after: str) -> None:
    attribute = vnet.recovery(way)
    assert attribute.merged(present, attribute.canonical(None, way)) == after


def test_a_network_that_fails_is_recovered_and_then_what_was_wanted(simulator: Any, one: OneServer) -> None:
    simulator.cloud.events.failures = [["create", "vn-0"]]
    with pytest.raises(Failure, match=r"network net has failed: .*Error creating the virtual network"):
        converge(one, "net", dict(WANTED, address_ranges=[]))
    simulator.cloud.events.failures = []
    report = converge(one, "net", dict(WANTED, vnet_state="success"), recover="success")
    assert report.before == {"address_ranges": [], "vnet_state": "error"}
    assert report.record["vnet_state"] == "ready"
    assert report.record["size"] == 8


def test_a_network_whose_driver_does_not_remove_it_goes_by_force(simulator: Any, one: OneServer) -> None:
    converge(one, "net", dict(WANTED, held=["10.0.0.11"]))
    simulator.cloud.events.failures = [["delete", "vn-0"]]
    with pytest.raises(Failure, match="is still there"):
        Engine(Cloud(one, patience=0.3), vnet.resource()).remove("net", None)
    assert one.vn.info(0).STATE == vnet.ERROR
    simulator.cloud.events.failures = []
    assert Engine(Cloud(one), vnet.resource(force=True)).remove("net", None).changed
    assert list(one.vnpool.info(-2, -1, -1).VNET) == []


def test_a_reservation_grows_and_does_not_shrink(one: OneServer) -> None:
    converge(one, "net", WANTED)
    wanted = {"reserved_from": "net", "size": 2}
    assert converge(one, "part", wanted).record["size"] == 2
    grown = converge(one, "part", dict(wanted, size=5))
    assert (grown.record["size"], grown.record["reserved_from"]) == (5, 0)
    assert not converge(one, "part", dict(wanted, size=5)).changed
    with pytest.raises(Failure, match="has 5 addresses, which size: 4 does not take away"):
        converge(one, "part", dict(wanted, size=4))


def test_an_ordinary_network_does_not_become_a_reservation(one: OneServer) -> None:
    converge(one, "net", WANTED)
    converge(one, "other", WANTED)
    with pytest.raises(Failure, match="reserved_from"):
        converge(one, "other", {"reserved_from": "net"})


def test_a_reservation_has_a_size(one: OneServer) -> None:
    converge(one, "net", WANTED)
    with pytest.raises(Failure, match=r"give: size\."):
        converge(one, "part", {"reserved_from": "net"}, reserves=True)
