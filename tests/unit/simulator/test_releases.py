# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The simulator speaks as either release; the recordings say the rest, where they are at hand."""

from __future__ import annotations

import dataclasses
import xmlrpc.client
from pathlib import Path

import opennebula_simulator
import pytest
from opennebula_simulator.__main__ import parser
from opennebula_simulator.cloud import DATA, METHODS, Options, methods_of
from opennebula_simulator.releases import LATEST, RELEASES
from opennebula_simulator.server import Simulator

OLD = "6.10.5"
SOURCES = sorted(Path(opennebula_simulator.__file__).parent.rglob("*.py"))


@pytest.fixture(params=RELEASES)
def server(request):
    """A simulator of each release, and its name."""
    simulator = Simulator(Options(delay=0, release=request.param)).start()
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        yield request.param, proxy
    simulator.stop()


def test_the_command_line_knows_the_releases():
    assert parser().parse_args([]).release == LATEST.name
    assert parser().parse_args(["--release", OLD]).release == OLD
    with pytest.raises(SystemExit):
        parser().parse_args(["--release", "5.12"])


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_the_table_speaks_of_methods_that_there_are(release):
    named = {*release.lacks_methods, *release.methods, *release.answers}
    assert named <= set(METHODS)
    assert set(methods_of(release)) == set(METHODS) - release.lacks_methods
    assert (DATA / f"{release.name}.conf").is_file()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(LATEST)])
def test_every_row_of_the_table_tells_releases_apart_and_is_asked_for(field):
    assert len({repr(getattr(release, field)) for release in RELEASES.values()}) > 1
    asked = f".{field}" if field != "lacks" else ".has("
    assert any(asked in path.read_text(encoding="utf-8") for path in SOURCES if path.name != "releases.py")


def test_no_release_is_named_in_code_outside_the_table():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if path.name != "releases.py":
            assert not any(f'"{name}"' in text for name in RELEASES), path


def test_methods_that_came_later(server):
    release, proxy = server
    listed = proxy.system.listMethods()
    assert proxy.one.system.version("oneadmin:opennebula")[1] == release
    for method in RELEASES[OLD].lacks_methods:
        assert (method in listed) == (release != OLD)
    if release == OLD:
        with pytest.raises(xmlrpc.client.Fault, match="not defined"):
            proxy.one.vm.exec("oneadmin:opennebula", 0, "ls", "")


def test_parameters_that_were_demanded(server):
    release, proxy = server
    if release == OLD:
        with pytest.raises(xmlrpc.client.Fault, match="Not enough parameters"):
            proxy.one.hookpool.info("oneadmin:opennebula")
    else:
        assert proxy.one.hookpool.info("oneadmin:opennebula")[0]
    assert proxy.one.hookpool.info("oneadmin:opennebula", -2, -1, -1)[0]


def test_elements_that_came_later(server):
    release, proxy = server
    proxy.one.host.allocate("oneadmin:opennebula", "h", "dummy", "dummy", 0)
    proxy.one.vm.allocate("oneadmin:opennebula", "CPU=1 MEMORY=64", False)
    vm = proxy.one.vm.info("oneadmin:opennebula", 0)[1]
    host = proxy.one.host.info("oneadmin:opennebula", 0)[1]
    assert "<SEQ>0</SEQ>" in vm
    assert ("<PLAN_ID>" in vm, "<TOTALCPU>" in host) == (release != OLD, release != OLD)
    assert host.count("<PCI>") == (3 if release == OLD else 22)


def test_a_reset_keeps_the_release():
    simulator = Simulator(Options(delay=0, release=OLD))
    simulator.reset()
    assert simulator.cloud.release.name == OLD
    simulator.stop()
