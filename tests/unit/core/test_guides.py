# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The tasks of guides run, in their order, and end with nothing left."""

from __future__ import annotations

import subprocess

import guides
import project
import pytest
import yaml

REMOVED = """
- name: Remove the VM
  privazio.opennebula.one_vm: {name: web, state: absent}
"""
GUIDES = {"fleets": "[]", "maintenance": REMOVED}  # guide -> the tasks that remove what it leaves


def tasks(guide):
    """Return the tasks in the YAML blocks of a guide, those of its playbooks too, and those that remove the rest."""
    found = [yaml.safe_load(text) for kind, dummy, text in guides.read(guide) if kind == "yaml"]
    found.append(yaml.safe_load(GUIDES[guide]))
    return [task for block in found for item in block for task in item.get("tasks", [item])]


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
