# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Networks whose driver fails, reservations that grow, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import FIRST, Modes, Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vnet import (
    ERROR,
    VNET,
    VNET_WITH_LEASES,
    plan_recovery,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

RANGE = {"type": "IP4", "ip": "10.0.0.10", "size": 8}
WANTED = {"vn_mad": "dummy", "bridge": "br0", "address_ranges": [RANGE]}


class StillClock(Clock):
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def one(simulator: Any) -> OneServer:
    return OneServer(simulator.url, session="oneadmin:opennebula")


def converge(one: OneServer, name: str, wanted: dict[str, Any], **modes: Any) -> Report:
    """What one_vnet does, as a new task."""
    return Engine(Cloud(one, timeout=5), VNET, Modes(**modes)).converge(name, None, wanted)


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
def test_a_recovery_is_for_some_states(way: str, present: str, after: str) -> None:
    record = {"id": 0, "name": "net", "vnet_state": present}
    before, planned, steps = plan_recovery(record, {"recover": way}, Modes())
    assert (before, planned) == (present, after)
    assert [(step.method, step.phase) for step in steps] == [("vn.recover", FIRST)] * (present != after)


def test_a_network_that_fails_is_recovered_and_then_what_was_wanted(simulator: Any, one: OneServer) -> None:
    simulator.cloud.events.failures = [["create", "vn-0"]]
    with pytest.raises(Failure, match=r"network net has failed: .*Error creating the virtual network"):
        converge(one, "net", dict(WANTED, address_ranges=[]))
    simulator.cloud.events.failures = []
    report = converge(one, "net", dict(WANTED, recover="success"))
    assert report.before == {"address_ranges": [], "vnet_state": "error"}
    assert report.record["vnet_state"] == "ready"
    assert report.record["size"] == 8


def test_a_network_whose_driver_does_not_remove_it_goes_by_force(simulator: Any, one: OneServer) -> None:
    converge(one, "net", dict(WANTED, held=["10.0.0.11"]))
    simulator.cloud.events.failures = [["delete", "vn-0"]]
    with pytest.raises(Failure, match="still exists"):
        Engine(Cloud(one, clock=StillClock()), VNET).remove("net", None)
    assert one.vn.info(0).STATE == ERROR
    simulator.cloud.events.failures = []
    assert Engine(Cloud(one), VNET, Modes(force=True)).remove("net", None).changed
    assert list(one.vnpool.info(-2, -1, -1).VNET) == []


def test_a_reservation_grows_and_does_not_shrink(one: OneServer) -> None:
    converge(one, "net", WANTED)
    wanted = {"reserved_from": "net", "size": 2}
    assert converge(one, "part", wanted).record["size"] == 2
    grown = converge(one, "part", dict(wanted, size=5))
    assert (grown.record["size"], grown.record["reserved_from"]) == (5, 0)
    assert not converge(one, "part", dict(wanted, size=5)).changed
    with pytest.raises(Failure, match="has 5 addresses; size: 4 cannot reduce them"):
        converge(one, "part", dict(wanted, size=4))


def test_an_ordinary_network_does_not_become_a_reservation(one: OneServer) -> None:
    converge(one, "net", WANTED)
    converge(one, "other", WANTED)
    with pytest.raises(Failure, match="reserved_from"):
        converge(one, "other", {"reserved_from": "net"})


def test_a_reservation_has_a_size(one: OneServer) -> None:
    converge(one, "net", WANTED)
    with pytest.raises(Failure, match=r"give: size\."):
        converge(one, "part", {"reserved_from": "net"})


def test_a_reservation_begins_where_it_is_to_begin(one: OneServer) -> None:
    converge(one, "net", WANTED)
    wanted = {"reserved_from": "net", "size": 2, "ar_id": 0, "first_address": "10.0.0.12"}
    (found,) = converge(one, "part", wanted).record["address_ranges"]
    assert (found["IP"], found["SIZE"]) == ("10.0.0.12", "2")
    with pytest.raises(Failure, match=r"option first_address takes IP and MAC addresses, not 'nowhere'"):
        converge(one, "other", dict(wanted, first_address="nowhere"))


def test_a_recovery_is_no_part_of_a_new_network(one: OneServer) -> None:
    planned = Engine(Cloud(one), VNET, apply=False).converge("net", None, dict(WANTED, recover="failure"))
    assert set(planned.after) == {"name", "state", *WANTED}
    assert converge(one, "net", dict(WANTED, recover="failure")).record["vnet_state"] == "ready"


def test_a_recovery_that_leads_to_failure_is_no_failure(simulator: Any, one: OneServer) -> None:
    simulator.cloud.events.delay = 60
    Engine(Cloud(one), VNET, waits=False).converge("net", None, dict(WANTED, address_ranges=[]))
    report = converge(one, "net", {"recover": "failure"})
    assert (report.before["vnet_state"], report.record["vnet_state"]) == ("lock_create", "error")
    assert not converge(one, "net", {"recover": "failure"}).changed
    with pytest.raises(Failure, match="network net has failed"):
        converge(one, "net", {})


def test_a_template_of_a_network_is_taken_with_what_is_added(one: OneServer) -> None:
    one.vntemplate.allocate('NAME="tpl" VN_MAD="dummy" BRIDGE="br1" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="2"]')
    wanted = {"vntemplate": "tpl", "bridge": "br7", "held": ["10.0.0.2"]}
    planned = Engine(Cloud(one), VNET, apply=False).converge("net", None, wanted)
    done = converge(one, "net", wanted)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert (done.record["bridge"], done.record["size"], len(done.record["held"])) == ("br7", 2, 1)
    assert not converge(one, "net", wanted).changed


def test_leases_are_part_of_the_record_where_each_network_is_read(one: OneServer) -> None:
    converge(one, "net", dict(WANTED, held=["10.0.0.11"]))
    report = Engine(Cloud(one), VNET_WITH_LEASES, apply=False).converge("net", None, {})
    assert [(lease["ip"], lease["vm"]) for lease in report.record["leases"]] == [("10.0.0.11", -1)]


def test_force_is_for_networks_that_are_stuck() -> None:
    record = {"id": 7, "name": "net", "held": []}
    methods = {
        (state, force): VNET.remove(None, dict(record, vnet_state=state), {}, Modes(force=force))[-1].method
        for state in ("ready", "error")
        for force in (False, True)
    }
    assert [pair for pair, method in methods.items() if method == "vn.recover"] == [("error", True)]
    assert set(methods.values()) == {"vn.recover", "vn.delete"}


def test_further_addresses_of_a_reservation_are_those_that_are_asked_for(one: OneServer) -> None:
    second = {"type": "IP4", "ip": "10.0.1.10", "size": 8}
    converge(one, "net", dict(WANTED, address_ranges=[RANGE, second]))
    wanted = {"reserved_from": "net", "size": 2, "ar_id": 0, "first_address": "10.0.0.12"}
    converge(one, "part", wanted)
    for more, expected in (
        ({"size": 3, "ar_id": 1, "first_address": "10.0.1.15"}, ("10.0.1.15", "1")),
        ({"size": 5, "ar_id": 1}, ("10.0.1.10", "2")),
        ({"size": 6, "ar_id": 0, "first_address": "02:00:0a:00:00:0a"}, ("10.0.0.10", "1")),
    ):
        found = converge(one, "part", {"reserved_from": "net", **more})
        last = found.record["address_ranges"][-1]
        assert (last["IP"], last["SIZE"]) == expected
        assert not converge(one, "part", {"reserved_from": "net", **more}).changed
    assert not converge(one, "part", wanted).changed  # its addresses are there, and size counts in all
    with pytest.raises(Failure, match=r"has 6 addresses, and 10\.0\.1\.17 is not one of them.* give size: 7"):
        converge(one, "part", {"reserved_from": "net", "size": 6, "first_address": "10.0.1.17"})
    with pytest.raises(Failure, match="size: 5 cannot reduce them"):
        converge(one, "part", {"reserved_from": "net", "size": 5})


def test_the_size_of_other_networks_is_that_of_their_ranges(one: OneServer) -> None:
    converge(one, "net", WANTED)
    with pytest.raises(Failure, match="size is for reservations"):
        converge(one, "net", {"size": 20})


@pytest.mark.parametrize("given", [["web", 0], ["default", "100"], "web,default", "0,100"])
def test_security_groups_of_a_range_are_named_in_any_way(one: OneServer, given: Any) -> None:
    one.secgroup.allocate({"NAME": "web", "RULE": [{"PROTOCOL": "TCP", "RULE_TYPE": "inbound"}]})
    wanted = dict(WANTED, address_ranges=[dict(RANGE, security_groups=given)])
    (found,) = converge(one, "net", wanted).record["address_ranges"]
    assert found["SECURITY_GROUPS"] == "0,100"
    assert not converge(one, "net", wanted).changed
    with pytest.raises(Failure, match="There is no security group 'none'"):
        converge(one, "net", dict(WANTED, address_ranges=[dict(RANGE, security_groups=["none"])]))


@pytest.mark.parametrize("options", [{"group": "none"}, {"clusters": ["none"]}, {"security_groups": ["none"]}])
def test_what_a_network_to_be_removed_names_may_be_gone(one: OneServer, options: dict[str, Any]) -> None:
    engine = Engine(Cloud(one, timeout=5), VNET)
    assert not engine.remove("net", None, options).changed
    converge(one, "net", WANTED)
    assert Engine(Cloud(one, timeout=5), VNET).remove("net", None, options).changed
