# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Apps of marketplaces: images that a driver copies there, and templates that are nothing but text."""

from __future__ import annotations

import re
from typing import Any

from .. import database, generic
from ..calls import Call, Method
from ..errors import Refused, internal, wrong_action
from ..store import ID, OWNER, Kind, Object, cdata, lock, permissions, template, text
from ..template import Template
from . import image as images
from . import market as markets

INIT, READY, LOCKED, ERROR, DISABLED = range(5)
UNKNOWN, IMAGE, VMTEMPLATE, SERVICE_TEMPLATE = range(4)
TYPES = {"IMAGE": IMAGE, "VMTEMPLATE": VMTEMPLATE, "SERVICE_TEMPLATE": SERVICE_TEMPLATE}
WRITTEN_BY_DRIVER = ("SOURCE", "SIZE", "MD5", "FORMAT", "REGTIME")
FIRST_VERSION = "0.0"
# What the dummy driver answers to an import.
IMPORTED = {
    "source": "http://127.0.0.1/dummy_app",
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "size": 1024,
    "format": "raw",
}
NUMBER = re.compile(r"[-+]?\d+")

MARKETPLACEAPP = Kind(
    name="MARKETPLACEAPP",
    title="marketplaceapp",
    method="marketapp",
    root="MARKETPLACEAPP",
    layout=(
        *ID,
        *OWNER,
        lock,
        text("REGTIME", "regtime"),
        text("NAME", "name"),
        cdata("ZONE_ID", "zone_id"),
        cdata("ORIGIN_ID", "origin_id"),
        cdata("SOURCE", "source"),
        cdata("MD5", "md5"),
        text("SIZE", "size"),
        cdata("DESCRIPTION", "description"),
        cdata("VERSION", "version"),
        cdata("FORMAT", "format"),
        cdata("APPTEMPLATE64", "apptemplate64"),
        text("MARKETPLACE_ID", "market_id"),
        text("MARKETPLACE", "market"),
        text("STATE", "state"),
        text("TYPE", "type"),
        permissions,
        template(),
    ),
    stored="marketplace app",
    full_stop="",
    allocates=True,
)


TEXTS = ("SOURCE", "MD5", "DESCRIPTION", "VERSION", "FORMAT", "APPTEMPLATE64")
NUMBERS = ("REGTIME", "ZONE_ID", "ORIGIN_ID", "SIZE", "STATE", "TYPE")
STORED = {
    **{name: (name.lower(), database.words) for name in TEXTS},
    **{name: (name.lower(), database.number) for name in NUMBERS},
    "MARKETPLACE_ID": ("market_id", database.number),
    "MARKETPLACE": ("market", database.words),
}


def new(name: str, body: Template, **fields: Any) -> Object:
    defaults = {attribute: "" if reader is database.words else 0 for attribute, reader in STORED.values()}
    return Object(MARKETPLACEAPP, name, body, **{**defaults, "type": IMAGE, **fields})


# ---------------------------------------------------------------- creation


def allocate(call: Call, given: str, market_id: int) -> int:
    body = call.template(given)
    call.require(call.need("CREATE", "MARKETPLACEAPP"))
    market = call.pool("MARKETPLACE").get(market_id)
    if market is None:
        raise internal(call.cloud.release.unknown_market.format(id=market_id))
    if not markets.supports(call.cloud, market, "create"):
        raise wrong_action(f"Create disabled for market: {market.name}")
    zone = call.cloud.federation.zone
    if market.zone_id != zone:
        raise wrong_action("Marketplace is not in this OpenNebula zone")
    app = new(body.pop("NAME"), body, market_id=market.oid, market=market.name, zone_id=zone)
    call.allocate(app, lambda obj: complete(call.cloud, obj))
    market.apps.add(app.oid)
    try:
        publish(call, app)
    except Refused as error:
        fail(call.cloud, app, error.message)  # the app stays, so that its owner can read why
        raise internal(error.message) from None
    return app.oid


def complete(cloud: Any, app: Object) -> None:
    """Fields of a new app. Raises Refused when the template does not say what it is made from."""
    body = app.template
    body.erase("ZONE_ID", *WRITTEN_BY_DRIVER)
    app.regtime = cloud.events.time()
    app.type = TYPES.get(body.text("TYPE").upper() or "IMAGE", UNKNOWN)
    origin = NUMBER.match(body.text("ORIGIN_ID"))
    if origin is None:
        raise internal("Missing ORIGIN_ID for the MARKETPLACEAPP")
    app.origin_id = int(origin.group())
    body.erase("ORIGIN_ID")
    describe(app, body)
    app.version = app.version or FIRST_VERSION
    app.state = READY if app.type in (VMTEMPLATE, SERVICE_TEMPLATE) else LOCKED


def describe(app: Object, body: Template) -> None:
    """The fields that the template keeps too."""
    for name in ("DESCRIPTION", "APPTEMPLATE64", "VERSION"):
        setattr(app, name.lower(), body.text(name))


def publish(call: Call, app: Object) -> None:
    """Has the image copied to the marketplace; templates have nothing to be copied. Raises Refused."""
    if app.type == UNKNOWN:
        raise internal("Marketplace app type not supported.")
    if app.type == IMAGE:
        image = call.pool("IMAGE").get(app.origin_id)
        if image is None:
            raise internal("Image does not exist.")
        images.lend_to_app(image, app.oid)
        call.cloud.events.after(1, published, call.cloud, app.oid)


def published(cloud: Any, oid: int) -> None:
    """Event: the driver has copied the image, or failed to."""
    app = cloud["MARKETPLACEAPP"].get(oid)
    if app is None or app.state != LOCKED:
        return
    release(cloud, app)
    why = unavailable(cloud, app)
    if why:
        fail(cloud, app, f"Error importing app into marketplace: {why}")
        return
    for name, value in IMPORTED.items():
        setattr(app, name, value)
    app.state = READY


def unavailable(cloud: Any, app: Object) -> str:
    """Why the driver cannot import the app; empty when it can."""
    mad = cloud["MARKETPLACE"].get_ro(app.market_id).market_mad
    if not markets.runs(cloud, mad):
        return f"Marketplace driver '{mad}' not available"
    return "Error in the driver" if cloud.events.fails("import", app.key) else ""


def fail(cloud: Any, app: Object, why: str) -> None:
    app.state = ERROR
    app.template.set("ERROR", f"{cloud.events.date()} : {why}")
    app.changed()


def release(cloud: Any, app: Object) -> None:
    """The image is copied no more."""
    image = cloud["IMAGE"].get(app.origin_id)
    if image is not None:
        images.back_from_app(image, app.oid)


# ---------------------------------------------------------------- methods


def normalise(call: Call, app: Object, body: Template) -> None:
    describe(app, body)
    body.erase("ORIGIN_ID", *WRITTEN_BY_DRIVER)


def enable(call: Call, app: Object, enabled: bool) -> None:
    if app.state in (READY, DISABLED):
        app.state = READY if enabled else DISABLED


def delete(call: Call, app: Object) -> None:
    """The driver removes it; the app is gone one transition later, whether that fails or not."""
    if app.zone_id != call.cloud.federation.zone:
        raise refused(f"Marketapp can only be deleted from zone {app.zone_id}")
    market = call.pool("MARKETPLACE").get(app.market_id)
    if market is not None and not markets.supports(call.cloud, market, "delete"):
        raise refused(f"Delete disabled for market: {market.name}")
    if app.type == UNKNOWN:
        raise refused("")
    if app.type == IMAGE and app.state == LOCKED:
        release(call.cloud, app)
    market.apps.discard(app.oid)
    call.cloud.events.after(1, deleted, call.cloud, app.oid)
    call.cloud.rules.forget_object("MARKETPLACEAPP", app.oid)


def refused(why: str) -> Refused:
    return wrong_action(f"Cannot delete {MARKETPLACEAPP.title}. {why}")


def deleted(cloud: Any, oid: int) -> None:
    app = cloud["MARKETPLACEAPP"].get(oid)
    if app is not None:
        cloud["MARKETPLACEAPP"].drop(app)


KINDS = [MARKETPLACEAPP]
METHODS = [
    database.update(MARKETPLACEAPP, STORED),
    database.drop(MARKETPLACEAPP),
    database.allocate(MARKETPLACEAPP, STORED, new),
    Method("one.marketapp.allocate", "template:string, market_id:int", allocate),
    Method("one.marketapp.delete", "oid:int", delete, needs="MANAGE MARKETPLACEAPP"),
    generic.info(MARKETPLACEAPP),
    generic.update(MARKETPLACEAPP, normalise=normalise),
    generic.rename(MARKETPLACEAPP),
    generic.chmod(MARKETPLACEAPP),
    generic.chown(MARKETPLACEAPP),
    Method("one.marketapp.enable", "oid:int, enable:boolean", enable, needs="MANAGE MARKETPLACEAPP"),
    generic.lock(MARKETPLACEAPP),
    generic.unlock(MARKETPLACEAPP),
    generic.filtered_pool_info(MARKETPLACEAPP),
]
