# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a marketplace is."""

from __future__ import annotations

from .._attributes import access, common
from .._attributes import fields as words
from .._attributes.fields import Word
from .._engine.engine import Attribute, Resource

KIND = "marketplace"
WORDS = {"market_mad": Word("MARKET_MAD"), "description": Word("DESCRIPTION")}
MANAGED = frozenset(("MARKET_MAD", "DESCRIPTION"))
ENABLED = 0  # STATE; 1 is disabled


def read(cloud, market):
    """The record of a marketplace (one.market.info or a MARKETPLACE of one.marketpool.info)."""
    content = common.content(market)
    return dict(
        access.owned(market),
        **content,
        **words.read(WORDS, content["template"]),
        enabled=market.STATE in (None, ENABLED),  # releases before 6.0 have no states
        zone_id=words.number(market.ZONE_ID or ""),
        app_ids=sorted(market.MARKETPLACEAPPS.ID),
        total_mb=market.TOTAL_MB,
        free_mb=market.FREE_MB,
        used_mb=market.USED_MB,
    )


def create(cloud, name, wanted):
    given = dict(wanted.get("template", {}), NAME=name, **words.body(WORDS, wanted))
    return cloud.call("create marketplace %s" % name, "market.allocate", given, object=KIND, name=name)


def write_enabled(cloud, oid, after, record):
    cloud.call("%s marketplace %s" % ("enable" if after else "disable", record["name"]), "market.enable", oid, after)


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
    own = {**words.attributes(KIND, WORDS), "enabled": Attribute(write_enabled)}
    attributes = access.attributes(KIND, own, replace, labels, MANAGED)
    return Resource(KIND, read, create, attributes, common.remove(KIND), needed=("market_mad",))
