# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The interfaces of a virtual router are a set; its VMs have names that none of them has."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine, Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import vrouter
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.states import look, status
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

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


@pytest.fixture
def cloud(simulator: Any) -> Cloud:
    """A cloud with a host and a VM template for routers."""
    one = OneServer(simulator.url, session="oneadmin:opennebula")
    one.host.allocate("host", "dummy", "dummy", 0)
    one.template.allocate('NAME="tpl" VROUTER="YES" CPU="0.1" MEMORY="64"')
    one.hostpool.info()  # lets what is due happen: the host is monitored
    return Cloud(one, patience=10)


def converge(cloud: Cloud, number: int, **given: Any) -> Report:
    vms = vrouter.Vms("tpl", **given)
    engine = Engine(cloud, vrouter.resource(vms=vms), waits=vms.waits)
    return engine.converge("edge", None, {"vm_template": "tpl", "vm_count": number})


def states(cloud: Cloud, report: Report) -> list[str]:
    return [status(vm) for vm in look(cloud, report.record["vms"]).values()]


@pytest.mark.parametrize(("hold", "state"), [(False, "running"), (True, "held")])
def test_the_vms_are_waited_for(cloud: Cloud, hold: bool, state: str) -> None:
    assert states(cloud, converge(cloud, 2, hold=hold)) == [state] * 2


def test_the_first_vms_stay_and_names_go_on(cloud: Cloud) -> None:
    first = converge(cloud, 3, name="r%i").record["vms"]
    assert converge(Cloud(cloud.one), 1).record["vms"] == first[:1]
    again = converge(Cloud(cloud.one), 2, name="r%i")
    assert sorted(vm.NAME for vm in look(cloud, again.record["vms"]).values()) == ["r0", "r1"]
    assert again.record["vms"][0] == first[0]
    assert again.record["vms"][1] not in first


def test_a_vm_that_fails_says_why_and_the_router_stays(simulator: Any, cloud: Cloud) -> None:
    simulator.cloud.events.failures = [["deploy", "vm-0"]]
    with pytest.raises(Failure, match=r"VM vr-edge-0 has failed: .*deploy.*created, with id 0"):
        converge(cloud, 1)
    assert list(cloud.info("vrouter", 0).VMS.ID) == [0]


def test_none_is_waited_for_when_nobody_wants_to(simulator: Any, cloud: Cloud) -> None:
    simulator.cloud.events.failures = [["deploy", "vm-0"]]
    assert len(converge(cloud, 1, waits=False).record["vms"]) == 1
