# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Images."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, lock, permissions, template

IMAGE = Kind(
    name="IMAGE",
    title="image",
    method="image",
    root="IMAGE",
    layout=(*OWNED, lock, permissions, template()),
    allocates=True,
    last_wins=True,
    restricted="IMAGE",
    restricted_title="Image Template",
    encrypted="IMAGE",
)

KINDS = [IMAGE]
METHODS = [
    generic.info(IMAGE),
    generic.update(IMAGE),
    generic.rename(IMAGE),
    generic.chmod(IMAGE),
    generic.chown(IMAGE),
    generic.lock(IMAGE),
    generic.unlock(IMAGE),
    generic.filtered_pool_info(IMAGE),
]
