# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Hooks and their log."""

from __future__ import annotations

from .. import generic
from ..store import NAMED, Kind, lock, template

HOOK = Kind(
    name="HOOK",
    title="hook",
    method="hook",
    root="HOOK",
    layout=(*NAMED, lock, template()),
    owned=False,
    unique="pool",
)

KINDS = [HOOK]
METHODS = [
    generic.rename(HOOK),
    generic.info(HOOK),
    generic.lock(HOOK),
    generic.unlock(HOOK),
    generic.pool_info(HOOK),
]
