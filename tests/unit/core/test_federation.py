# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a slave of a federation refuses: the message says which endpoint to use, and a check run fails as the run."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from ansible_collections.privazio.opennebula.plugins.action.one import answer, core_at_hand
from ansible_collections.privazio.opennebula.plugins.module_utils._core import federation
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from opennebula_simulator import cloud as simulated
from opennebula_simulator.cloud import METHODS, Options
from opennebula_simulator.errors import internal
from opennebula_simulator.federation import PASSED_ON
from opennebula_simulator.server import Simulator

MODULES = "ansible_collections.privazio.opennebula.plugins.modules."
SAMPLES = {"int": 0, "boolean": True, "string": "a", "array": [0]}
AWAY = "http://127.0.0.1:1/RPC2"
GO_THERE = "Run this with api_url %s, the endpoint of zone OpenNebula."
SLAVE = 100


@pytest.fixture
def start():
    """start(mode, master="") → a simulator."""
    started = []

    def run(mode, master="", delay=0):
        started.append(Simulator(Options(delay=delay, mode=mode, master=master)).start())
        return started[-1]

    yield run
    for each in started:
        each.stop()


@pytest.fixture
def slave(start):
    """A slave whose master is away."""
    return start("SLAVE", AWAY)


@pytest.fixture
def pair(start):
    """A master, and its slave, which is zone 100 of it."""
    master = start("MASTER")
    slave = start("SLAVE", master.url)
    client(master).call("zone.allocate", {"NAME": "Slave", "ENDPOINT": slave.url})
    return master, slave


def client(simulator, user="oneadmin:opennebula"):
    return OneServer(simulator.url, session=user)


def run(simulator, module, check=False, **options):
    access = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula", "timeout": 20}
    given = {"ANSIBLE_MODULE_ARGS": {**access, **options, "_ansible_check_mode": check}}
    return json.loads(answer(import_module(MODULES + module).main, core_at_hand().encoded(given)))


@pytest.mark.parametrize("method", sorted(PASSED_ON))
def test_what_the_slave_cannot_pass_on_names_the_master(slave, method):
    arguments = [SAMPLES[param.type] for param in METHODS[method].params]
    with pytest.raises(Failure) as told:
        Cloud(client(slave)).call("do it", method[4:], *arguments)
    said = "Cannot do it: Could not connect to the federation master oned. " + GO_THERE % AWAY
    assert told.value.message == said
    assert told.value.unclear, "the master may have done it, and answered too late"


@pytest.mark.parametrize(
    ("method", "arguments"), [("zone.enable", (0, True)), ("zone.addserver", (0, "a")), ("zone.delserver", (0, 0))]
)
@pytest.mark.parametrize("act", ["call", "check"])
def test_what_a_zone_does_itself_names_that_zone(slave, act, method, arguments):
    with pytest.raises(Failure, match=r"^Cannot do it: ") as told:
        getattr(Cloud(client(slave)), act)("do it", method, *arguments)
    assert told.value.message.endswith(GO_THERE % AWAY)


def test_the_zone_is_named_where_its_endpoint_is_unknown(slave):
    slave.cloud["ZONE"].get(0).template.set("ENDPOINT", "-")
    with pytest.raises(Failure, match="Run this with the endpoint of zone OpenNebula as api_url"):
        Cloud(client(slave)).call("do it", "user.delete", 7)


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("system.sql", ("select 1", True), "SQL command has to be executed on a master zone"),
        ("marketapp.delete", (0,), "Marketapp can only be deleted from zone 0"),
        ("marketapp.allocate", ('NAME="b" ORIGIN_ID="0"', 100), "Marketplace is not in this OpenNebula zone"),
    ],
)
def test_sql_and_the_apps_of_other_zones_name_the_zone(slave, method, arguments, said):
    one = client(slave)
    one.call("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    one.call("market.allocate", 'NAME="m" MARKET_MAD="dummy"')
    one.call("marketapp.allocate", 'NAME="a" ORIGIN_ID="0"', 100)
    slave.cloud["MARKETPLACEAPP"].get(0).zone_id = slave.cloud["MARKETPLACE"].get(100).zone_id = 0
    with pytest.raises(Failure) as told:
        Cloud(one).call("do it", method, *arguments)
    assert told.value.message.endswith(f"{said}. {GO_THERE % AWAY}")


def test_a_server_of_no_federation_names_none(simulator):
    with pytest.raises(Failure) as told:
        Cloud(client(simulator)).call("do it", "zone.allocate", "NAME=a")
    assert told.value.message.endswith("New zones can only be created at federation master.")


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("one_user", {"name": "ada", "password": "secret-of-ada"}),
        ("one_group", {"name": "team"}),
        ("one_vdc", {"name": "unit"}),
        ("one_acl", {"user": "oneadmin", "rules": [{"resources": ["vm"], "rights": ["use"]}]}),
        ("one_zone", {"name": "third", "endpoint": "http://third:2633/RPC2"}),
        ("one_user", {"name": "serveradmin", "state": "absent"}),
        ("one_marketplace", {"id": 0, "template": {"ROOM": "3"}}),
    ],
)
def test_modules_say_where_to_go(slave, module, options):
    told = run(slave, module, **options)
    assert told["failed"]
    assert told["msg"].count(GO_THERE % AWAY) == 1
    assert "Could not connect to the federation master oned" in told["msg"]


@pytest.mark.parametrize(
    "options", [{"enabled": False}, {"servers": [{"name": "s", "endpoint": "http://s:2633/RPC2"}]}]
)
def test_a_check_run_tells_what_the_run_would(pair, options):
    master, slave = pair
    told = [run(slave, "one_zone", check=check, id=0, **options) for check in (True, False)]
    assert told[0]["msg"] == told[1]["msg"]
    assert told[0]["msg"].endswith(f"only the zone itself does this. {GO_THERE % master.url}")
    assert not run(slave, "one_zone", check=True, id=SLAVE, **options).get("failed")
    assert run(slave, "one_zone", id=SLAVE, **options)["changed"]


def test_what_the_master_does_for_a_slave_ends_well(pair):
    master, slave = pair
    assert run(slave, "one_user", name="ada", password="secret-of-ada")["changed"]
    assert not run(slave, "one_user", name="ada")["changed"]
    zone = {"name": "third", "endpoint": "http://third:2633/RPC2"}
    assert run(slave, "one_zone", check=True, **zone)["changed"]
    assert run(slave, "one_zone", **zone)["id"] == 101
    assert not run(master, "one_zone", **zone)["changed"]
    assert run(slave, "one_user", name="ada", state="absent")["changed"]
    assert {user.NAME for user in client(master).call("userpool.info").USER} == {"oneadmin", "serveradmin"}


@pytest.mark.parametrize(
    ("module", "options", "change"),
    [
        ("one_user", {"name": "ada", "password": "secret-of-ada", "groups": ["users"]}, {"template": {"ROOM": "3"}}),
        ("one_group", {"name": "team"}, {"template": {"ROOM": "3"}}),
        ("one_vdc", {"name": "unit", "groups": ["users"]}, {"groups": ["oneadmin"]}),
        ("one_zone", {"name": "third", "endpoint": "http://third:2633/RPC2"}, {"template": {"ROOM": "3"}}),
    ],
)
def test_what_arrives_at_a_slave_later_is_waited_for(start, module, options, change):
    master = start("MASTER")
    slave = start("SLAVE", master.url, delay=0.4)
    client(master).call("zone.allocate", {"NAME": "Slave", "ENDPOINT": slave.url})
    for given in (options, {**options, **change}):
        told = run(slave, module, **given)
        assert (told.get("msg"), told.get("changed")) == (None, True)
    told = run(slave, module, **options, state="absent")
    assert (told.get("msg"), told.get("changed")) == (None, True)


def test_an_answer_of_the_master_that_comes_too_late_is_looked_after(pair, monkeypatch):
    """The slave says then that it could not connect."""
    pass_on = simulated.Cloud.pass_on

    def late(self, *arguments):
        pass_on(self, *arguments)
        raise internal("Could not connect to the federation master oned")

    monkeypatch.setattr(simulated.Cloud, "pass_on", late)
    told = run(pair[1], "one_user", name="ada", password="secret-of-ada")
    assert (told.get("msg"), told.get("changed")) == (None, True)


def test_who_may_not_ask_for_the_own_zone_is_told_by_the_server(slave, monkeypatch):
    def refuse(cloud):
        raise Failure("Not authorized.")

    monkeypatch.setattr(federation, "mode_and_zone", refuse)
    cloud = Cloud(client(slave))
    cloud.check("do it", "zone.enable", 0, True)
    with pytest.raises(Failure, match=r"through the target zone endpoints\. Run this with api_url"):
        cloud.call("do it", "zone.enable", 0, True)
