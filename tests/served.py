# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A simulated cloud behind its endpoint, and calls there that must succeed."""

from __future__ import annotations

import xmlrpc.client

ACCESS = {"api_username": "oneadmin", "api_password": "opennebula"}
SESSION = ":".join(ACCESS.values())


class Cloud:
    """cloud("vm.allocate", …) is what the call returns."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.url = simulator.url

    def __call__(self, method, *arguments):
        with xmlrpc.client.ServerProxy(self.url) as proxy:
            found = getattr(proxy, f"one.{method}")(SESSION, *arguments)
        assert found[0], found
        return found[1]

    def vm(self, name, *lines):
        """The id of a new VM that is on hold; LINES are attributes of its template."""
        return self("vm.allocate", "\n".join([f'NAME="{name}"', "CPU=0.5", "MEMORY=64", *lines]), True)
