# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest
import reliability
from hypothesis import settings
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from pytest_ansible.units import inject

inject(Path(__file__).parents[2])  # pytest-ansible does so too, but after the conftest.py of a folder is imported

# Machines are busy: how long an example takes says nothing. The same examples come every time: what fails fails again.
settings.register_profile("project", deadline=None, database=None, derandomize=True)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What counts for the page "Reliability" has the marker ``tally``, by which `make test-long` chooses it."""
    for item in items:
        if "tally" in getattr(item, "fixturenames", ()):
            item.add_marker("tally")


@pytest.fixture(scope="session")
def tally():
    """tally(section, row, **numbers) adds numbers, the same in every run, to a row of the page "Reliability"."""
    return reliability.tally


@pytest.fixture
def simulator():
    """A fresh simulated OpenNebula without delays on a port of its own; `url` is its endpoint."""
    found = Simulator(Options(delay=0), allow_reset=True).start()
    yield found
    found.stop()
