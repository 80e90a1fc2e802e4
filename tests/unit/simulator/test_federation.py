# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A slave of a federation: what its master does for it, and what each refuses."""

from __future__ import annotations

import json
import xmlrpc.client

import pytest
from opennebula_simulator.cloud import METHODS, Options
from opennebula_simulator.federation import OF_THE_MASTER, PASSED_ON
from opennebula_simulator.server import Simulator

UNREACHABLE = "Could not connect to the federation master oned"
NOWHERE = "http://127.0.0.1:1/RPC2"
SAMPLES = {"int": 0, "i8": 0, "boolean": True, "string": "", "array": []}


def call(simulator, method, *arguments, session="oneadmin:opennebula"):
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        return getattr(proxy, method)(session, *arguments)


@pytest.fixture
def slave_of():
    """slave_of(URL of the master) → a slave."""
    started = []

    def start(master):
        started.append(Simulator(Options(delay=0, mode="SLAVE", master=master)).start())
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def master():
    found = Simulator(Options(delay=0, mode="MASTER")).start()
    yield found
    found.stop()


@pytest.fixture
def lonely(slave_of):
    """A slave whose master is away."""
    return slave_of(NOWHERE)


@pytest.mark.parametrize("method", sorted(PASSED_ON))
def test_without_its_master_a_slave_refuses_what_it_passes_on(lonely, method):
    arguments = [SAMPLES[param.type] for param in METHODS[method].params]
    assert call(lonely, method, *arguments)[:3] == [False, f"[{method}] {UNREACHABLE}", 0x2000]
    assert call(lonely, method)[1].endswith(UNREACHABLE), "the master looks at the arguments"
    assert call(lonely, method, session="oneadmin:wrong")[2] == 0x100, "the slave looks at the user"


@pytest.mark.parametrize("method", sorted(OF_THE_MASTER))
def test_a_slave_does_not_have_what_slaves_call(lonely, master, method):
    with pytest.raises(xmlrpc.client.Fault, match="not defined"):
        call(lonely, method, 0, "")
    assert call(master, method, *[SAMPLES[param.type] for param in METHODS[method].params])[0] is False


def test_the_methods_are_those_of_the_reference(shared):
    told = json.loads((shared / "reference" / "methods.json").read_text(encoding="utf-8"))
    rows = [row for part in told.values() if isinstance(part, list) for row in part if isinstance(row, dict)]
    assert {row["method"] for row in rows if row.get("proxied_on_federation_slave")} == PASSED_ON


def test_all_other_methods_a_slave_does_itself(lonely):
    assert call(lonely, "one.host.allocate", "h", "dummy", "dummy", 0)[0]
    assert call(lonely, "one.userpool.info")[0]
    assert call(lonely, "one.userquota.update", "")[1] != UNREACHABLE


def test_what_the_master_does_is_seen_on_both(master, slave_of):
    slave = slave_of(master.url)
    assert call(slave, "one.user.allocate", "ada", "pw", "core", [1]) == [True, 2, 0]
    for each in (master, slave):
        assert "<NAME>ada</NAME>" in call(each, "one.user.info", 2)[1]
        assert call(each, "one.user.info", -1, session="ada:pw")[0]
    refused = call(slave, "one.user.allocate", "ada", "pw", "core", [1])
    assert refused == call(master, "one.user.allocate", "ada", "pw", "core", [1])
    assert "already taken" in refused[1]


def test_a_master_that_finds_the_call_malformed_counts_as_away(master, slave_of):
    assert call(slave_of(master.url), "one.user.allocate", 1)[1].endswith(UNREACHABLE)


def test_zones_are_disabled_and_get_servers_where_they_are(master, slave_of):
    slave = slave_of(master.url)
    call(master, "one.zone.allocate", 'NAME="Slave" ENDPOINT="x"')
    assert call(slave, "one.zone.enable", 0, True)[1].endswith("through the target zone endpoints")
    assert call(master, "one.zone.enable", 100, False)[1].endswith("through the target zone endpoints")
    assert call(slave, "one.zone.addserver", 100, 'SERVER=[NAME="s1", ENDPOINT="y"]')[0]
    assert "<![CDATA[s1]]>" in call(master, "one.zone.info", 100)[1]
    assert call(slave, "one.zone.enable", 100, False)[0]
    assert "<STATE>1</STATE>" in call(master, "one.zone.info", 100)[1]
    assert call(slave, "one.user.allocate", "bob", "pw", "core", [1])[1].endswith("zone disabled")


def test_a_zone_whose_master_is_away_is_not_disabled(lonely):
    said = call(lonely, "one.zone.enable", 100, False)
    assert said[1:3] == [f"[one.zone.enable] Cannot update zone at federation master: {UNREACHABLE}", 0x800]
    assert call(lonely, "one.host.allocate", "h", "dummy", "dummy", 0)[0]


def test_sql_for_all_zones_is_for_the_master(lonely):
    refused = call(lonely, "one.system.sql", "select 1", True)
    assert refused[1:3] == ["[one.system.sql] SQL command has to be executed on a master zone", 0x800]
