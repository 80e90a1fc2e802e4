# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual networks."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, permissions, template

VNET = Kind(
    name="NET",
    title="virtual network",
    method="vn",
    root="VNET",
    layout=(*OWNED, permissions, template()),
    restricted="VNET",
    restricted_title="Virtual Network Template",
    encrypted="VNET",
    clusters=lambda obj: obj.cluster_ids,
)

KINDS = [VNET]
METHODS = [
    generic.info(VNET),
    generic.rename(VNET),
    generic.chmod(VNET),
    generic.chown(VNET),
    generic.lock(VNET),
    generic.unlock(VNET),
    generic.filtered_pool_info(VNET),
]
