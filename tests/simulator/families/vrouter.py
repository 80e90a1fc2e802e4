# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual routers."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, ids, lock, permissions, template

VROUTER = Kind(
    name="VROUTER",
    title="virtual router",
    method="vrouter",
    root="VROUTER",
    layout=(*OWNED, permissions, lock, ids("VMS", "vms"), template()),
    unique="",
)

KINDS = [VROUTER]
METHODS = [
    generic.info(VROUTER),
    generic.chown(VROUTER),
    generic.chmod(VROUTER),
    generic.rename(VROUTER),
    generic.lock(VROUTER),
    generic.unlock(VROUTER),
    generic.filtered_pool_info(VROUTER),
]
