# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A plain XML-RPC client of the simulator, and the folder of recordings."""

from __future__ import annotations

import xmlrpc.client
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared"
SESSION = "oneadmin:opennebula"


@pytest.fixture
def shared():
    """The optional folder of recordings beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared")
    return SHARED


@pytest.fixture
def one(simulator):
    """one(method, *arguments, session=…) -> [ok, value or message, code, …]."""

    def call(method, *arguments, session=SESSION):
        with xmlrpc.client.ServerProxy(simulator.url) as proxy:
            return getattr(proxy, f"one.{method}")(session, *arguments)

    return call
