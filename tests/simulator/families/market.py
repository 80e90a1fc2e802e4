# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Marketplaces."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..store import OWNED, Kind, Object, cdata, ids, permissions, template, text
from ..template import Template

ENABLED, DISABLED = 0, 1

MARKETPLACE = Kind(
    name="MARKETPLACE",
    title="marketplace",
    method="market",
    root="MARKETPLACE",
    layout=(
        *OWNED,
        text("STATE", "state"),
        cdata("MARKET_MAD", "market_mad"),
        cdata("ZONE_ID", "zone_id"),
        text("TOTAL_MB", "total_mb"),
        text("FREE_MB", "free_mb"),
        text("USED_MB", "used_mb"),
        ids("MARKETPLACEAPPS", "apps"),
        permissions,
        template(),
    ),
    unique="pool",
    allocates=True,
    first_id=100,
)


def new(name: str, body: Template, **fields: Any) -> Object:
    defaults = {"state": ENABLED, "market_mad": "", "zone_id": 0, "total_mb": 0, "free_mb": 0, "used_mb": 0}
    return Object(MARKETPLACE, name, body, **{**defaults, "apps": set(), **fields})


def bootstrap(cloud: Any) -> None:
    known = (
        ("OpenNebula Public", "one", ENABLED, "OpenNebula Systems MarketPlace"),
        (
            "Linux Containers",
            "linuxcontainers",
            DISABLED,
            "MarketPlace for the public image server fo LXC & LXD hosted at linuxcontainers.org",
        ),
    )
    for name, driver, state, note in known:
        body = Template([("DESCRIPTION", note), ("MARKET_MAD", driver)])
        obj = cloud["MARKETPLACE"].bootstrap(new(name, body, market_mad=driver, state=state, bits=0o744))
        cloud["MARKETPLACE"].give(obj, cloud["USER"].get_ro(0), cloud["GROUP"].get_ro(0))


KINDS = [MARKETPLACE]
METHODS = [
    generic.chmod(MARKETPLACE),
    generic.chown(MARKETPLACE),
    generic.info(MARKETPLACE),
    generic.rename(MARKETPLACE),
    generic.pool_info(MARKETPLACE),
]
