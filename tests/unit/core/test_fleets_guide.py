# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The tasks of the guide Fleets run, in its order, and end with nothing left."""

from __future__ import annotations

import re
import subprocess
import textwrap

import project
import pytest
import yaml

GUIDE = project.ROOT / "docs/docsite/rst/fleets.rst"
BLOCK = re.compile(r"^\.\. code-block:: yaml\n\n((?:   [^\n]*\n|\n)+)", re.MULTILINE)
READY = """
- name: Have a host
  privazio.opennebula.one_host: {name: node1, im_mad: dummy, vm_mad: dummy}
- name: Have a VM template
  privazio.opennebula.one_template: {name: web, template: {CPU: 0.1, MEMORY: 64}}
"""


@pytest.fixture(scope="module")
def tasks():
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    return [task for block in blocks for task in yaml.safe_load(textwrap.dedent(block))]


def test_every_task_of_the_guide_does_what_it_says(simulator, tasks, tmp_path):
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    path = tmp_path / "guide.yml"
    path.write_text(yaml.safe_dump([dict(play, tasks=yaml.safe_load(READY) + tasks)]), encoding="utf-8")
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
