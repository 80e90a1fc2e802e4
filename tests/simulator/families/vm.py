# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual machines."""

from __future__ import annotations

from .. import generic
from ..store import OWNED, Kind, permissions, template

VM = Kind(
    name="VM",
    title="virtual machine",
    method="vm",
    root="VM",
    layout=(*OWNED, permissions, template()),
    unique="",
    restricted="VM",
    restricted_title="VM Template",
    encrypted="VM",
    template_of="user_template",
)

KINDS = [VM]
METHODS = [
    generic.info(VM),
    generic.rename(VM),
    generic.chmod(VM),
    generic.chown(VM),
    generic.lock(VM),
    generic.unlock(VM),
]
