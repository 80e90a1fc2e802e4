# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the tests of several folders share."""

from __future__ import annotations

import pytest
from simulator.cloud import Options
from simulator.server import Simulator


@pytest.fixture
def simulator():
    """A fresh simulated OpenNebula without delays on a port of its own; `url` is its endpoint."""
    found = Simulator(Options(delay=0), allow_reset=True).start()
    yield found
    found.stop()
