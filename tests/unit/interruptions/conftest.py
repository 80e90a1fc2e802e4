# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A simulated cloud in which things happen at the calls of tasks, which run in processes of their own."""

from __future__ import annotations

import pytest
from interruptions import Stage
from tasks import Tasks


@pytest.fixture(scope="session")
def stage():
    """A Stage, brought back to a state by each test."""
    tasks = Tasks()
    found = Stage(tasks)
    found.start()
    yield found
    found.stop()
    tasks.close()
