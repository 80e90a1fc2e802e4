# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import time
import xmlrpc.client
from collections import Counter
from xml.etree import ElementTree

import pytest
from opennebula_simulator.__main__ import parser
from opennebula_simulator.cloud import Cloud, Options
from opennebula_simulator.releases import RELEASES
from opennebula_simulator.seeds import CPU, HOST_ID, MEMORY, SEEDS, VM_ID
from opennebula_simulator.server import Simulator

POOLS = {
    "groups": ("GROUP", 2),
    "users": ("USER", 2),
    "clusters": ("CLUSTER", 1),
    "hosts": ("HOST", 0),
    "networks": ("NET", 0),
    "images": ("IMAGE", 0),
    "templates": ("TEMPLATE", 0),
    "vms": ("VM", 0),
}


@pytest.mark.parametrize("what", SEEDS)
def test_so_many_objects_to_begin_with(what):
    kind, bootstrapped = POOLS[what]
    cloud = Cloud(Options(delay=0, seed={what: 3}))
    cloud.events.run_due()
    names = [obj.name for obj in cloud[kind]][bootstrapped:]
    assert [name.rpartition("-")[2] for name in names] == ["0", "1", "2"]
    assert all(name.startswith("seed-") for name in names)


@pytest.fixture(params=RELEASES)
def cloud(request):
    """A cloud of each release with two rounds of all VMs."""
    return Cloud(Options(delay=0, seed={"hosts": 3, "vms": 40}, release=request.param))


@pytest.mark.parametrize("kind", ["VM", "HOST"])
def test_what_shows_a_pattern_shows_the_same_when_it_is_looked_into(cloud, kind):
    for obj in cloud[kind]:
        assert obj.is_pattern
        before = obj.xml(), obj.listed()
        obj.changed()
        assert not obj.is_pattern
        assert (obj.xml(), obj.listed()) == before
        assert not any(str(number) in before[0] for number in (VM_ID, HOST_ID, CPU, MEMORY))


def test_seeded_vms_are_as_in_a_real_cloud(cloud):
    vms = [ElementTree.fromstring(vm.xml()) for vm in cloud["VM"]]
    running = [vm for vm in vms if vm.findtext("STATE") == "3"]
    assert Counter(vm.findtext("STATE") for vm in vms) == {"3": 28, "8": 4, "5": 2, "4": 2, "9": 2, "2": 2}
    for path in ("NAME", "TEMPLATE/NIC/IP", "TEMPLATE/NIC/MAC", "TEMPLATE/VMID"):
        assert len({vm.findtext(path) for vm in vms}) == len(vms), path
    for vm in running:
        assert vm.findtext("TEMPLATE/CONTEXT/ETH0_IP") == vm.findtext("TEMPLATE/NIC/IP")
        assert vm.findtext("HISTORY_RECORDS/HISTORY/HOSTNAME") == f"seed-host-{int(vm.findtext('ID')) % 3}"
    assert all(7_000 < len(vm.xml()) < 12_000 for vm in cloud["VM"])


def test_hosts_know_the_seeded_vms(cloud):
    at_rest_on_hosts = [vm for vm in cloud["VM"] if vm.state in (3, 5, 8)]
    for host in cloud["HOST"]:
        here = [vm for vm in at_rest_on_hosts if vm.hid == host.oid]
        shown = ElementTree.fromstring(host.xml())
        assert {int(each.text) for each in shown.findall("VMS/ID")} == {vm.oid for vm in here}
        assert shown.findtext("HOST_SHARE/CPU_USAGE") == str(10 * len(here))
        assert shown.findtext("HOST_SHARE/RUNNING_VMS") == str(len(here))


def test_a_seeded_vm_lives_on(cloud):
    def act(name, *arguments):
        cloud.act(name, list(arguments))
        cloud.events.run_due()

    act("one.vm.action", "poweroff", 0)
    assert cloud["VM"].get_ro(0).state == 8
    act("one.vm.migrate", 0, 1, False, False, -1, 0)
    assert 0 in cloud["HOST"].get_ro(1).vms
    act("one.vm.action", "terminate-hard", 0)
    assert (cloud["VM"].get_ro(0).state, 0 in cloud["HOST"].get_ro(1).vms) == (6, False)


def test_pages_of_a_large_cloud_take_little_room():
    cloud = Cloud(Options(delay=0, seed={"hosts": 100, "vms": 20_000}))
    shown = cloud.as_administrator("one.vmpool.infoextended").run([-2, 10_000, -100, -1, ""])
    assert shown.count("<VM>") == 100
    assert all(vm.is_pattern for vm in cloud["VM"])


def test_ten_thousand_vms_within_seconds():
    begin = time.monotonic()
    simulator = Simulator(Options(delay=0, seed={"hosts": 1000, "vms": 10_000, "images": 200})).start()
    try:
        with xmlrpc.client.ServerProxy(simulator.url) as proxy:
            ok, vms, dummy = proxy.one.vmpool.info("oneadmin:opennebula", -2, -1, -1, -1)
            hosts = proxy.one.hostpool.info("oneadmin:opennebula")[1]
    finally:
        simulator.stop()
    assert ok
    assert (vms.count("<VM>"), hosts.count("<HOST>")) == (10_000, 1000)
    assert time.monotonic() - begin < 15, "some two seconds on an idle machine"


def test_seeds_on_the_command_line(capsys):
    assert parser().parse_args(["--seed", "hosts=2,vms=30"]).seed == {"hosts": 2, "vms": 30}
    for bad in ("cars=1", "hosts=many", "hosts"):
        with pytest.raises(SystemExit):
            parser().parse_args(["--seed", bad])
        assert "hosts=N" in capsys.readouterr().err
