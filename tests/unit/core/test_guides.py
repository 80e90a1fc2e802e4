# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The tasks of guides run, in their order, and end with nothing left."""

from __future__ import annotations

import re
import subprocess
import textwrap

import project
import pytest
import yaml

BLOCK = re.compile(r"^\.\. code-block:: yaml\n\n((?:   [^\n]*\n|\n)+)", re.MULTILINE)
HOST = """
- name: Create a host
  privazio.opennebula.one_host: {name: node1, im_mad: dummy, vm_mad: dummy}
"""
TEMPLATE = """
- name: Create a VM template
  privazio.opennebula.one_template: {name: web, template: {CPU: 0.1, MEMORY: 64}}
"""
VM = """
- name: Create a VM
  privazio.opennebula.one_vm: {name: web, template: web, state: running}
"""
OTHER_HOST = HOST.replace("node1", "node2")
REMOVED = """
- name: Remove the VM
  privazio.opennebula.one_vm: {name: web, state: absent}
"""
# Guide -> what it takes for granted, and what it leaves.
GUIDES = {"fleets": (HOST + TEMPLATE, "[]"), "maintenance": (HOST + TEMPLATE + VM + OTHER_HOST, REMOVED)}


def tasks(guide):
    """Return the tasks in the YAML blocks of a guide, between what it takes for granted and what removes the rest."""
    text = (project.ROOT / f"docs/docsite/rst/{guide}.rst").read_text(encoding="utf-8")
    before, after = GUIDES[guide]
    blocks = [textwrap.dedent(block) for block in BLOCK.findall(text)]
    return [task for block in [before, *blocks, after] for task in yaml.safe_load(block)]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_task_of_the_guide_does_what_it_says(simulator, guide, tmp_path):
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    path = tmp_path / "guide.yml"
    path.write_text(yaml.safe_dump([dict(play, tasks=tasks(guide))]), encoding="utf-8")
    project.link_collection()
    access = {"ONE_URL": simulator.url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", str(path)],
        env=project.environment(**access),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    alive = [vm for vm in simulator.cloud["VM"] if vm.state != 6]
    assert alive == []
