# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import time
import xmlrpc.client

import pytest
from opennebula_simulator.__main__ import parser
from opennebula_simulator.cloud import Cloud, Options
from opennebula_simulator.seeds import SEEDS
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
