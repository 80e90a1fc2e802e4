# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VM groups."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, lock, permissions, template

VMGROUP = Kind(
    name="VMGROUP",
    title="vm group",
    method="vmgroup",
    root="VM_GROUP",
    layout=(*OWNED, permissions, lock, template()),
    taken="VMGroup",
    stored="VMGroup",
)

KINDS = [VMGROUP]
METHODS = [
    generic.info(VMGROUP),
    generic.chown(VMGROUP),
    generic.chmod(VMGROUP),
    generic.rename(VMGROUP),
    generic.lock(VMGROUP),
    generic.unlock(VMGROUP),
    generic.filtered_pool_info(VMGROUP),
]
