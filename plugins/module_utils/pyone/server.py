# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""OneServer, or OneServerTester in its place where PYONE_TEST_FIXTURE of the environment is 1, yes or true.

So programs that import OneServer from here are tested with recorded answers, and not changed for it.
"""

from __future__ import annotations

import os

from .tester import YES, OneServerTester

if os.environ.get("PYONE_TEST_FIXTURE", "").lower() in YES:
    OneServer = OneServerTester
else:
    from .server_xrpc import OneServer  # type: ignore[assignment]

__all__ = ["OneServer"]
