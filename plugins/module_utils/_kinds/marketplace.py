# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Marketplaces."""

from __future__ import annotations

from functools import partial

from .._attributes import access, fields
from .._attributes import template as templates
from .._attributes.fields import TemplateField
from .._attributes.template import content
from .._engine.resource import Resource, Step, attribute, delete

KIND = "marketplace"
FIELDS = {"market_mad": TemplateField("MARKET_MAD"), "description": TemplateField("DESCRIPTION")}
MANAGED = frozenset(("MARKET_MAD", "DESCRIPTION"))
ENABLED = 0  # STATE; 1 is disabled


def read(cloud, market):
    """The record of a marketplace (one.market.info or a MARKETPLACE of one.marketpool.info)."""
    found = content(market)
    return {
        **access.owned(market),
        **found,
        **fields.read(FIELDS, found["template"]),
        "enabled": market.STATE in (None, ENABLED),  # releases before 6.0 have no states
        "zone_id": fields.number(market.ZONE_ID or ""),
        "app_ids": sorted(market.MARKETPLACEAPPS.ID),
        "total_mb": market.TOTAL_MB,
        "free_mb": market.FREE_MB,
        "used_mb": market.USED_MB,
    }


def create(name, wanted, modes):
    body = dict(templates.new(name, wanted, modes), **fields.body(FIELDS, wanted))
    return Step("create marketplace %s" % name, "market.allocate", (body,))


def needed(wanted):
    return ("market_mad",)


def enable(record, after):
    what = "%s marketplace %s" % ("enable" if after else "disable", record["name"])
    return [Step(what, "market.enable", (record["id"], after))]


MARKETPLACE = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    needed=needed,
    twins=fields.twins(FIELDS),
    attributes=access.attributes(
        KIND,
        {**fields.attributes(KIND, FIELDS), "enabled": attribute("enabled", enable)},
        managed=MANAGED,
    ),
)
