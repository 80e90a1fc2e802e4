# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from pytest_ansible.units import inject

inject(Path(__file__).parents[2])  # pytest-ansible does so too, but after the conftest.py of a folder is imported

# Machines are busy: how long an example takes says nothing. The same examples come every time: what fails fails again.
settings.register_profile("project", deadline=None, database=None, derandomize=True)
settings.load_profile("project")


@pytest.fixture
def simulator():
    """A fresh simulated OpenNebula without delays on a port of its own; `url` is its endpoint."""
    found = Simulator(Options(delay=0), allow_reset=True).start()
    yield found
    found.stop()
