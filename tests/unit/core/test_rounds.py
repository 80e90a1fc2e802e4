# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The engine, where another run changes the same object between its calls."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vnet import VNET
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

RANGE = {"type": "IP4", "ip": "10.9.0.10", "size": 8}
NET = 'NAME="net" VN_MAD="dummy" BRIDGE="br0"'
WANTED = {"address_ranges": [RANGE]}


class Disturbed(Cloud):
    """A cloud where another run does the same before, or after, a method is called; `calls` has the methods."""

    def __init__(self, client, other, method, before):
        super().__init__(client, timeout=10)
        self.calls = []
        self._other, self._method, self._before = other, method, before

    def call(self, doing, method, *arguments, **data):
        self.calls.append(method)
        if method == self._method and self._before:
            self._other.call(method, *arguments)
        found = super().call(doing, method, *arguments, **data)
        if method == self._method and not self._before:
            self._other.call(method, *arguments)
        return found


@pytest.fixture
def one(simulator):
    return OneServer(simulator.url, session="oneadmin:opennebula")


@pytest.fixture
def disturbed(simulator, one):
    """disturbed(method, before) -> a Disturbed cloud."""
    options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
    return lambda method, before=True: Disturbed(connect(options), one, method, before)


def ranges(one):
    return [item.AR_ID for item in one.vn.info(0).AR_POOL.AR]


@pytest.mark.parametrize("before", [True, False])
def test_a_range_that_another_run_adds_too_is_there_once(one, disturbed, before):
    one.vn.allocate(NET, 0)
    cloud = disturbed("vn.add_ar", before)
    report = Engine(cloud, VNET).converge("net", None, WANTED)
    assert [item["AR_ID"] for item in report.record["address_ranges"]] == ["0"]
    assert [call for call in cloud.calls if call.startswith("vn.") and "_ar" in call] == ["vn.add_ar", "vn.rm_ar"]
    assert ranges(one) == ["0"]
    assert not Engine(Cloud(cloud.one), VNET).converge("net", None, WANTED).changed


def test_what_another_run_has_removed_first_is_no_failure(one, disturbed):
    one.vn.allocate(NET, 0)
    for dummy in range(2):
        one.vn.add_ar(0, {"AR": {**RANGE, "ANSIBLE_REQUEST": "0-a-0"}})
    cloud = disturbed("vn.rm_ar")
    assert Engine(cloud, VNET).converge("net", None, WANTED).changed
    assert ranges(one) == ["0"]
    assert cloud.calls.count("vn.rm_ar") == 1


def test_what_is_refused_for_good_is_asked_for_once(one, disturbed, monkeypatch):
    one.vn.allocate(NET, 0)
    cloud = disturbed("")

    def refusing(where, step, **data):
        cloud.calls.append(step.method)
        raise Failure("refused", code=0x0800)

    monkeypatch.setattr(engine, "perform", refusing)
    with pytest.raises(Failure, match="refused"):
        Engine(cloud, VNET).converge("net", None, WANTED)
    assert cloud.calls.count("vn.add_ar") == 1


def test_what_is_not_stored_is_written_once(one, disturbed, monkeypatch):
    one.vn.allocate(NET, 0)
    cloud = disturbed("")
    monkeypatch.setattr(engine, "perform", lambda where, step, **data: cloud.calls.append(step.method))
    with pytest.raises(Failure, match="did not store: address_ranges"):
        Engine(cloud, VNET).converge("net", None, WANTED)
    assert cloud.calls.count("vn.add_ar") == 1
