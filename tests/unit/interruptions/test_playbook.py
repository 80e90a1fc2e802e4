# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A whole playbook, run many times at once by ansible-playbook, makes the cloud that one run makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interruptions import difference, world
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from project import ROOT

PLAYBOOK = ROOT / "playbooks/cloud.yml"
RUNS = 8
LIMIT = 900  # seconds
RECAP = re.compile(r"^localhost .*changed=(\d+) .*failed=(\d+)", re.MULTILINE)


@pytest.fixture
def clouds():
    """Two simulated clouds that are alike, where time stands still."""
    now, found = time.time(), [Simulator(Options(delay=0)).start() for dummy in range(2)]
    for one in found:
        one.cloud.events.clock = lambda: now
    yield found
    for one in found:
        one.stop()


def begin(folder, cloud):
    """The process of a run of the playbook."""
    folder.mkdir()
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("ANSIBLE_", "ONE"))}
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "HOME": str(folder),
        "ONE_URL": cloud.url,
        "ONE_USERNAME": "oneadmin",
        "ONE_PASSWORD": "opennebula",
    }
    command = [Path(sys.executable).with_name("ansible-playbook"), PLAYBOOK]
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env={**kept, **variables}, **told)


def ended(process):
    """(how many tasks have changed something, how many have failed) in a run."""
    told = process.communicate(timeout=LIMIT)[0]
    recap = RECAP.search(told)
    assert recap, told
    assert not int(recap[2]), told
    return int(recap[1])


@pytest.mark.long
def test_eight_runs_at_once_end_as_one(clouds, tally, tmp_path):
    alone, shared = clouds
    changes = ended(begin(tmp_path / "alone", alone))
    assert changes
    runs = [begin(tmp_path / str(number), shared) for number in range(RUNS)]
    assert sum(map(ended, runs)) >= changes
    worlds = [world(one.cloud) for one in clouds]
    for one in worlds:
        del one["ZONE"]  # which has the port
    assert difference(*worlds) == ""
    assert ended(begin(tmp_path / "last", shared)) == 0
    tally("Races", "playbooks/cloud.yml, runs at once", races=RUNS, lost=0, doubled=0)
