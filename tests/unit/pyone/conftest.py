# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A client of the simulator, and an endpoint that answers whatever bytes a test wants."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from loopback import Endpoint

SESSION = "oneadmin:opennebula"


@pytest.fixture
def endpoint():
    """endpoint(*steps, context=…) -> a listening Endpoint."""
    made = []

    def make(*steps, context=None):
        made.append(Endpoint(*steps, context=context))
        return made[-1]

    yield make
    for found in made:
        found.close()


@pytest.fixture
def client():
    """client(url or urls, **options) -> a OneServer that is closed afterwards."""
    made = []

    def make(uri, session=SESSION, **options):
        made.append(OneServer(uri, session=session, **options))
        return made[-1]

    yield make
    for found in made:
        found.server_close()


@pytest.fixture
def one(simulator, client):
    """A client of the simulator."""
    return client(simulator.url)
