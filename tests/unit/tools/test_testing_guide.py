# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The guide to tests without a cloud does what it says: its commands are run, in its order."""

from __future__ import annotations

import re
import shlex
import socket
import time
import xmlrpc.client
from contextlib import ExitStack

import guides
import project
import pytest
import yaml
from opennebula_simulator.__main__ import parser

GUIDE = project.ROOT / "docs" / "docsite" / "rst" / "testing.rst"
PORT = "2699"  # in the guide; a free one takes its place
AS_IT_IS = "ENVIRONMENT=:"  # make sets nothing up: the environment is the one that this test runs in
SERVERS = ("make cloud", "python3 -m opennebula_simulator")
INSTALLED = {"PYTHONPATH": str(project.ROOT / "simulator")}  # as after `pip install`, which `make dist` tries


@pytest.fixture(scope="module")
def blocks():
    """(language, caption, text) of each block of the guide."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    text = GUIDE.read_text(encoding="utf-8").replace(PORT, port)
    return guides.blocks(text)


@pytest.fixture
def playground(blocks, tmp_path):
    """A folder with the files that the guide shows."""
    guides.write_files(blocks, tmp_path)
    return tmp_path


def wait_for(url):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with xmlrpc.client.ServerProxy(url) as proxy:
                return proxy.one.system.version("oneadmin:onedemo")
        except OSError:
            time.sleep(0.05)
    return pytest.fail(f"nothing answers at {url}")


def exports(command):
    return dict(word.split("=", 1) for word in shlex.split(command)[1:])


def usual(line):
    """What a cloud prints, with the usual port of OneFlow, which another cloud of this machine may have."""
    return re.sub(r"(?<=ONEFLOW_URL=http://127.0.0.1:)\d+", "2474", line)


def test_the_commands_of_the_guide(blocks, playground):
    access: dict[str, str] = {}
    started = 0
    with ExitStack() as cloud:
        for command, printed in guides.sessions(blocks):
            if command.startswith(SERVERS):
                cloud.close()
                process = cloud.enter_context(guides.running(command, project.ROOT, MAKEFLAGS=AS_IT_IS, **INSTALLED))
                port = re.search(r"(?:PORT=|--port )(\d+)", command)[1]
                wait_for(f"http://127.0.0.1:{port}/RPC2")
                assert [usual(process.stdout.readline().rstrip()) for dummy in printed] == printed
                started += 1
            elif command == "pip install opennebula-simulator":
                assert not started, "what is used is installed first"
            elif command.startswith("export "):
                access = exports(command)
            else:
                guides.finish(command, playground, **access)
    assert (started, bool(access)) == (6, True)


def test_the_pipeline_of_the_guide(playground):
    workflow = yaml.safe_load((playground / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    *dummy, last = workflow["jobs"]["playbooks"]["steps"]
    log = playground / "log"
    with guides.running(f"exec >{log} 2>&1\nset -e\n{last['run']}", playground, **INSTALLED, **last["env"]) as process:
        assert process.wait(120) == 0, log.read_text(encoding="utf-8")


def options(blocks, name):
    """What the guide writes in OPTIONS for a cloud, read as the simulator reads it."""
    found = re.search(rf'OPTIONS="([^"]*{name}[^"]*)"', "".join(text for dummy, caption, text in blocks))
    return parser().parse_args(shlex.split(found[1]))


def test_the_seeds_of_the_guide(blocks):
    assert options(blocks, "--seed").seed == {"hosts": 1000, "vms": 10_000, "images": 200}


def test_the_delay_of_the_guide(blocks):
    assert options(blocks, "--delay").delay == 0.5


def test_the_failures_of_the_guide(simulator, blocks):
    simulator.cloud.events.failures += [tuple(rule.split(":")) for rule in options(blocks, "--fail").fail]
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        session, one = "oneadmin:opennebula", proxy.one
        for name in ("good", "bad"):
            one.host.allocate(session, name, "dummy", "dummy", 0)
        vm = one.vm.allocate(session, 'CPU="1" MEMORY="64"', True)[1]
        one.vm.deploy(session, vm, 0, False, -1, "")
        hosts, machine = one.hostpool.info(session)[1], one.vm.info(session, vm)[1]
    assert re.findall("<STATE>(.)</STATE>", hosts) == ["3", "2"]
    assert "<LCM_STATE>36</LCM_STATE>" in machine
