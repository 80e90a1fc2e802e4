# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Backup jobs."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, lock, permissions, template

BACKUPJOB = Kind(
    name="BACKUPJOB",
    title="backup job",
    method="backupjob",
    root="BACKUPJOB",
    layout=(*OWNED, lock, permissions, template()),
)

KINDS = [BACKUPJOB]
METHODS = [
    generic.rename(BACKUPJOB),
    generic.info(BACKUPJOB, ""),
    generic.chown(BACKUPJOB),
    generic.chmod(BACKUPJOB),
    generic.lock(BACKUPJOB),
    generic.unlock(BACKUPJOB),
    generic.filtered_pool_info(BACKUPJOB),
]
