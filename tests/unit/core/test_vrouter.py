# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The interfaces of a virtual router are a set; its VMs have names that none of them has."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine, plan
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import vrouter
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.states import fetch_vms, status
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from fake_vms import unmarked

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
    modes = Modes(purge=frozenset(["purge_nics"] if purge else ["purge_networks"]))
    assert vrouter.merged_nics(PRESENT, wanted, modes) == after


def test_an_interface_that_is_named_by_id_must_be_there() -> None:
    with pytest.raises(Failure, match="7"):
        vrouter.merged_nics(PRESENT, [{"NIC_ID": "7"}], Modes())


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        ({}, []),
        ({4: "vr-1", 3: "vr-0"}, [3, 4]),
        ({3: "vr-0", 4: "vr-0", 5: "vr-1", 6: "vr-1"}, [3, 5, 4, 6]),
        ({5: "vr", 4: "vr", 3: "vr"}, [3, 4, 5]),
    ],
)
def test_the_oldest_vm_of_each_name_stays_first(names: dict, ordered: list) -> None:
    items = {oid: SimpleNamespace(NAME=name) for oid, name in names.items()}
    assert vrouter.oldest_of_each_name(items) == ordered


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
    return Cloud(one, timeout=10)


def converge(cloud: Cloud, number: int, waits: bool = True, check: bool = False, **given: Any) -> Report:
    engine = Engine(cloud, vrouter.VROUTER, Modes(waits=waits), apply=not check, waits=waits)
    return engine.converge("edge", None, {"vm_template": "tpl", "vm_count": number, **given})


def states(cloud: Cloud, report: Report) -> list[str]:
    return [status(vm) for vm in fetch_vms(cloud, report.record["vms"]).values()]


@pytest.mark.parametrize(("hold", "state"), [(False, "running"), (True, "held")])
def test_the_vms_are_waited_for(cloud: Cloud, hold: bool, state: str) -> None:
    assert states(cloud, converge(cloud, 2, vm_hold=hold)) == [state] * 2


def test_the_first_vms_stay_and_names_go_on(cloud: Cloud) -> None:
    first = converge(cloud, 3, vm_name="r%i").record["vms"]
    assert converge(Cloud(cloud.one), 1).record["vms"] == first[:1]
    again = converge(Cloud(cloud.one), 2, vm_name="r%i")
    assert sorted(vm.NAME for vm in fetch_vms(cloud, again.record["vms"]).values()) == ["r0", "r1"]
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


def test_a_change_of_the_number_is_planned_as_it_is_made(cloud: Cloud) -> None:
    converge(cloud, 1)
    for number in (3, 0):
        planned = converge(Cloud(cloud.one), number, check=True)
        done = converge(Cloud(cloud.one), number)
        assert (planned.before, planned.after) == (done.before, done.after)
        assert (planned.record["vm_count"], len(done.record["vms"])) == (number, number)
        assert not converge(Cloud(cloud.one), number).changed


def test_vms_of_a_template_that_does_not_exist_are_not_begun(cloud: Cloud) -> None:
    converge(cloud, 1)
    with pytest.raises(Failure, match=r"no VM template 'tlp'; did you mean 'tpl'"):
        converge(Cloud(cloud.one), 2, vm_template="tlp", mode="640")
    assert cloud.info("vrouter", 0).PERMISSIONS.GROUP_U == 0, "nothing was done"


def test_vms_get_what_is_added_to_their_template(cloud: Cloud) -> None:
    planned = converge(cloud, 1, check=True, vm_extra={"api_password": "hush"})
    assert planned.after["vm_extra"] == {"API_PASSWORD": "hush"}, "a dictionary, whose secrets are masked"
    done = converge(Cloud(cloud.one), 1, vm_extra='API_PASSWORD="hush"')
    assert done.after == planned.after
    (vm,) = fetch_vms(cloud, done.record["vms"]).values()
    assert vm.USER_TEMPLATE["API_PASSWORD"] == "hush"


RECORD = {"id": 5, "name": "edge", "nics": [FIXED, FLOATING], "vms": [1, 2]}
NEW = {"NETWORK_ID": "1"}


@pytest.mark.parametrize(
    ("vms", "waits", "methods"),
    [
        ([], True, ["vrouter.detachnic", "vrouter.attachnic"]),
        ([1], False, ["", "vrouter.detachnic", "", "vrouter.attachnic"]),
        ([1], True, ["", "vrouter.detachnic", "", "vrouter.attachnic", ""]),
    ],
)
def test_vms_are_waited_for_before_each_change_of_interfaces(vms: list, waits: bool, methods: list) -> None:
    steps = vrouter.change_nics(dict(RECORD, vms=vms), [FIXED, NEW], waits)
    assert [step.method for step in steps] == methods
    removed, added = [step.arguments for step in steps if step.method]
    assert (removed, unmarked(added)) == ((5, 1), (5, {"NIC": NEW}))


def test_of_interfaces_that_two_runs_have_attached_the_younger_is_detached() -> None:
    wanted, record = {"nics": [NEW]}, dict(RECORD, nics=[], vms=[])
    (step,) = vrouter.plan_nics(record, wanted, Modes())[2]
    present = [dict(step.arguments[1]["NIC"], NIC_ID=number) for number in ("0", "1")]
    dummy, after, steps = vrouter.plan_nics(dict(record, nics=present), wanted, Modes())
    assert after == present[:1]
    assert [(step.method, step.arguments) for step in steps] == [("vrouter.detachnic", (5, 1))]


def test_interfaces_of_running_vms_change(cloud: Cloud) -> None:
    for number in range(2):
        cloud.one.vn.allocate(
            f'NAME="net{number}" VN_MAD="dummy" BRIDGE="b" AR=[TYPE="IP4",IP="10.{number}.0.1",SIZE="9"]', 0
        )
    first = converge(cloud, 1, nics=[{"network": "net0"}], mode="640")
    assert [nic["NETWORK_ID"] for nic in first.record["nics"]] == ["0"]
    engine = Engine(Cloud(cloud.one), vrouter.VROUTER, Modes(purge=frozenset(["purge_nics"])))
    second = engine.converge("edge", None, {"nics": [{"network": "net1"}]})
    assert [nic["NETWORK_ID"] for nic in second.record["nics"]] == ["1"]
    (vm,) = fetch_vms(cloud, second.record["vms"]).values()
    assert [nic["NETWORK_ID"] for nic in vm.TEMPLATE["NIC"]] == ["1"]


class Refusing:
    """A cloud whose chmod fails as that of 7.4 does."""

    def __init__(self, code: int, vms: list) -> None:
        self.code, self.vms = code, vms

    def call(self, what: str, method: str, *arguments: Any, **data: Any) -> None:
        assert (method, arguments[:4]) == ("vrouter.chmod", (5, 1, 1, 0))
        raise Failure(f"Cannot {what}", code=self.code)

    def info(self, kind: str, oid: int) -> Any:
        return SimpleNamespace(VMS=SimpleNamespace(ID=self.vms))


@pytest.mark.parametrize(("code", "vms", "fails"), [(0x400, [1], False), (0x400, [], True), (0x200, [1], True)])
def test_a_mode_that_is_set_although_7_4_says_otherwise(code: int, vms: list, fails: bool) -> None:
    (step,) = vrouter.change_mode(RECORD, "640")
    with pytest.raises(Failure) if fails else nullcontext():
        step.run(Refusing(code, vms))


def test_the_mode_is_set_before_there_are_vms() -> None:
    record = {"id": 5, "name": "edge", "mode": "600", "vm_count": 0, "vms": [], "template": {}}
    steps = plan(vrouter.VROUTER, record, {"vm_count": 1, "mode": "640", "template": {"A": "1"}}, Modes()).steps
    assert [step.option for step in steps] == ["template", "mode", "vm_count"]
