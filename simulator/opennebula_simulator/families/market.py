# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Marketplaces: drivers, and what they can do with apps. Their catalogues are empty."""

from __future__ import annotations

from typing import Any

from .. import database, dummy, generic
from ..calls import Call, Method
from ..errors import internal
from ..store import OWNED, Kind, Object, cdata, ids, permissions, template, text
from ..template import Template, Vector

STATES = {"ENABLED": 0, "DISABLED": 1}
ENABLED, DISABLED = STATES.values()

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
    stored="marketplace",
    unique="pool",
    full_stop="",
    allocates=True,
    first_id=100,
)


STORED = {
    "STATE": ("state", database.number),
    "MARKET_MAD": ("market_mad", database.words),
    "ZONE_ID": ("zone_id", database.number),
    "TOTAL_MB": ("total_mb", database.number),
    "FREE_MB": ("free_mb", database.number),
    "USED_MB": ("used_mb", database.number),
    "MARKETPLACEAPPS": ("apps", database.numbers),
}


def new(name: str, body: Template, **fields: Any) -> Object:
    defaults = {"state": ENABLED, "market_mad": "", "zone_id": 0, "total_mb": 0, "free_mb": 0, "used_mb": 0}
    return Object(MARKETPLACE, name, body, **{**defaults, "apps": set(), **fields})


# ---------------------------------------------------------------- drivers


def driver(cloud: Any, name: str) -> Vector | None:
    """The configuration of a marketplace driver."""
    return next((conf for conf in cloud.config.vectors("MARKET_MAD_CONF") if conf["NAME"] == name), None)


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def check_driver(cloud: Any, name: str, body: Template) -> None:
    """Raises Refused when the driver is not configured, or wants attributes that the template does not have."""
    conf = driver(cloud, name)
    if conf is None:
        raise internal(f'MARKET_MAD_CONF named "{name}" is not defined in oned.conf')
    for wanted in words(conf.get("REQUIRED_ATTRS", "")):
        if not body.text(wanted.upper()):
            raise internal(f'MarketPlace template is missing the "{wanted.upper()}" attribute or it\'s empty.')


def supports(cloud: Any, market: Object, action: str) -> bool:
    """Whether apps can be made ("create") or removed ("delete") through the marketplace."""
    return action in words((driver(cloud, market.market_mad) or {}).get("APP_ACTIONS", ""))


def is_public(cloud: Any, market: Object) -> bool:
    return (driver(cloud, market.market_mad) or {}).get("PUBLIC", "").upper() == "YES"


def runs(cloud: Any, name: str) -> bool:
    """Whether the driver manager was started with the driver: "… -m dummy,one"."""
    arguments = cloud.config.vectors("MARKET_MAD")[0]["ARGUMENTS"]
    return name in words(arguments.partition("-m ")[2].partition(" ")[0])


# ---------------------------------------------------------------- monitoring


def watch(cloud: Any, oid: int) -> None:
    """Event: the marketplace is monitored, again and again while it is there."""
    if oid in cloud["MARKETPLACE"]:
        monitor(cloud, oid)
        events = cloud.events
        events.at(events.now() + int(cloud.config.text("MONITORING_INTERVAL_MARKET")), watch, cloud, oid)


def monitor(cloud: Any, oid: int) -> None:
    """Event: the driver reports the size; the public catalogues are out of reach, so theirs stays unknown."""
    market = cloud["MARKETPLACE"].get(oid)
    reachable = market is not None and runs(cloud, market.market_mad) and not is_public(cloud, market)
    if reachable and market.state == ENABLED and not cloud.events.fails("monitor", market.key):
        for name, number in dummy.DATASTORE_MB.items():
            setattr(market, name.lower(), number)


# ---------------------------------------------------------------- methods


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    oid = call.allocate(
        new(body.pop("NAME"), body, zone_id=call.cloud.federation.zone), lambda obj: complete(call.cloud, obj)
    )
    events = call.cloud.events
    events.at(events.now() + int(call.cloud.config.text("MONITORING_INTERVAL_MARKET")), watch, call.cloud, oid)
    return oid


def complete(cloud: Any, market: Object) -> None:
    """Fields of a new marketplace. Raises Refused when its template does not allow one."""
    body = market.template
    body.erase("ZONE_ID")
    market.market_mad = body.text("MARKET_MAD")
    if not market.market_mad:
        raise internal("No marketplace driver (MARKET_MAD) in template.")
    check_driver(cloud, market.market_mad, body)
    state = STATES.get(body.text("STATE").upper())
    if state is not None:
        market.state = state
        body.erase("STATE")


def normalise(call: Call, market: Object, body: Template) -> None:
    """The driver is a field of the marketplace: the template changes it, and cannot lose it."""
    given = body.text("MARKET_MAD")
    if given:
        check_driver(call.cloud, given, body)
        market.market_mad = given
    body.set("MARKET_MAD", market.market_mad)


def enable(call: Call, market: Object, enabled: bool) -> None:
    """A marketplace that is disabled forgets its apps; one that is enabled is monitored."""
    if market.state == (ENABLED if enabled else DISABLED):
        return
    market.state = ENABLED if enabled else DISABLED
    if enabled:
        call.cloud.events.after(1, monitor, call.cloud, market.oid)
    else:
        forget_apps(call, market)


def forget_apps(call: Call, market: Object) -> None:
    """Out of the database; the drivers are not asked."""
    apps = call.pool("MARKETPLACEAPP")
    for oid in market.apps:
        apps.drop(apps.get(oid))
    market.apps = set()


def renamed(call: Call, market: Object) -> None:
    for oid in market.apps:
        call.pool("MARKETPLACEAPP").get(oid).market = market.name


def used(call: Call, market: Object) -> str | None:
    return f"marketplace  {market.oid} is not empty." if market.apps and not is_public(call.cloud, market) else None


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
    database.update(MARKETPLACE, STORED),
    database.allocate(MARKETPLACE, STORED, new),
    Method("one.market.allocate", "template:string", allocate, needs="CREATE MARKETPLACE"),
    generic.update(MARKETPLACE, normalise=normalise),
    generic.delete(MARKETPLACE, refuse=used, after=forget_apps),
    generic.chmod(MARKETPLACE),
    generic.chown(MARKETPLACE),
    generic.info(MARKETPLACE),
    generic.rename(MARKETPLACE, after=renamed),
    Method("one.market.enable", "oid:int, enable:boolean", enable, needs="MANAGE MARKETPLACE"),
    generic.pool_info(MARKETPLACE),
]
