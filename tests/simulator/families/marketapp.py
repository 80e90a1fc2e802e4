# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Apps of marketplaces."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, lock, permissions, template

MARKETPLACEAPP = Kind(
    name="MARKETPLACEAPP",
    title="marketplaceapp",
    method="marketapp",
    root="MARKETPLACEAPP",
    layout=(*OWNED, lock, permissions, template()),
    allocates=True,
)

KINDS = [MARKETPLACEAPP]
METHODS = [
    generic.info(MARKETPLACEAPP),
    generic.rename(MARKETPLACEAPP),
    generic.chmod(MARKETPLACEAPP),
    generic.chown(MARKETPLACEAPP),
    generic.lock(MARKETPLACEAPP),
    generic.unlock(MARKETPLACEAPP),
    generic.filtered_pool_info(MARKETPLACEAPP),
]
