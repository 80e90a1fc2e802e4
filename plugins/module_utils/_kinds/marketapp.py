# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a marketplace app is, and how it becomes an image and a VM template."""

from __future__ import annotations

from .._attributes import access, common, relations
from .._attributes import fields as words
from .._attributes.fields import Word
from .._core.cloud import label
from .._core.failure import Failure, described
from .._engine.engine import Attribute, Engine, Report, Resource
from ..pyone import OneException
from ..pyone.helpers import app_image, app_template, check_app
from . import image, template

KIND = "marketapp"
STATES = ("init", "ready", "locked", "error", "disabled")
TYPES = ("unknown", "image", "vmtemplate", "service_template")
WORDS = {"description": Word("DESCRIPTION"), "version": Word("VERSION")}
MANAGED = frozenset("APPTEMPLATE64 DESCRIPTION FORMAT MD5 SIZE SOURCE VERSION VMTEMPLATE64".split())
CREATION = frozenset(("NAME", "ORIGIN_ID", "TYPE"))


def read(cloud, app):
    """The record of an app (one.marketapp.info or a MARKETPLACEAPP of one.marketapppool.info)."""
    content = common.content(app)
    state = image.word(STATES, app.STATE)
    return dict(
        access.owned(app),
        **access.locked(app),
        **content,
        app_state=state,
        enabled=state != "disabled",
        type=image.word(TYPES, app.TYPE),
        description=app.DESCRIPTION or "",
        version=app.VERSION or "",
        image_id=words.number(app.ORIGIN_ID or ""),
        marketplace=app.MARKETPLACE,
        marketplace_id=app.MARKETPLACE_ID,
        checksum=app.MD5 or "",
        size=app.SIZE,
        source=app.SOURCE or "",
    )


def create(cloud, name, wanted):
    market = cloud.reference("marketplace", wanted["marketplace"]).ID
    given = dict(wanted.get("template", {}), NAME=name, TYPE="IMAGE", ORIGIN_ID=wanted["image_id"])
    given.update(words.body(WORDS, wanted))
    doing = "create marketplace app %s" % name
    return cloud.call(doing, "marketapp.allocate", given, market, object=KIND, name=name)


def write_enabled(cloud, oid, after, record):
    doing = "%s marketplace app %s" % ("enable" if after else "disable", record["name"])
    cloud.call(doing, "marketapp.enable", oid, after)


def settled(app, wanted):
    return image.word(STATES, app.STATE) in ("ready", "disabled", "error")


def failure(app):
    if image.word(STATES, app.STATE) != "error":
        return None
    return (app.TEMPLATE or {}).get("ERROR") or "OpenNebula does not say why"


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
    own = {
        "marketplace": Attribute(canonical=common.reference("marketplace")),
        "image_id": Attribute(canonical=relations.oid("image")),
        **words.attributes(KIND, WORDS),
        "enabled": Attribute(write_enabled),
    }
    attributes = access.attributes(KIND, own, replace, labels, MANAGED, CREATION)
    attributes.update(access.lock(KIND))
    needed = ("marketplace", "image_id")
    return Resource(KIND, read, create, attributes, common.remove(KIND), settled, failure, needed)


# ---------------------------------------------------------------- an app becomes an image and a VM template


def export(cloud, options, apply, waits):
    """Makes the image of an app, and its VM template, where they are missing.

    Args:
        cloud (Cloud)
        options (dict): id or name of the app, marketplace (None: any), version, checksum (None: any), image_name,
            template_name (None: the app's name), datastore (None: default).
        apply, waits (bool): as for Engine.

    Returns:
        Report: its record has `image` and `template` (records, or None), and the app's `id`, `name`, `version`.

    Raises:
        Failure: there is no such app, or several; it is another version, or cannot be exported; other objects have the
            names.
    """
    app = _chosen(cloud, options)
    if app is None:
        return Report(True, {}, {"image": options["image_name"] or options["name"]}, {"image": None, "template": None})
    _check(app, options)
    name = options["image_name"] or app.NAME
    wanted = {"datastore": options["datastore"] or "default"}
    made = Engine(cloud, _from_app(image, app, app_image(app, name)), apply, waits).converge(name, None, wanted)
    reports = {"image": made}
    image_id = (made.record or {}).get("id", -1)  # -1: in a check run, of an image that is not there yet
    body = app_template(app, options["template_name"] or app.NAME, image_id)
    if body is not None:
        engine = Engine(cloud, _from_app(template, app, body), apply, waits)
        reports["template"] = engine.converge(body["NAME"], None, {})
    record = dict({"template": None}, **{word: report.record for word, report in reports.items()})
    return Report(
        any(report.changed for report in reports.values()),
        {word: report.before for word, report in reports.items() if report.changed},
        {word: report.after for word, report in reports.items() if report.changed},
        dict(record, id=app.ID, name=app.NAME, version=app.VERSION or "", checksum=app.MD5 or ""),
    )


def _chosen(cloud, options):
    """The app that is meant; None where a check run does not find it (yet)."""
    market = None if options["marketplace"] is None else cloud.reference("marketplace", options["marketplace"])
    given = options["name"] if options["id"] is None else options["id"]
    if market is not None and options["id"] is None:
        there = [app for app in cloud.pool(KIND) if given == app.NAME and app.MARKETPLACE_ID == market.ID]
        if there:  # names are unique in a marketplace
            return there[0]
    app = cloud.reference(KIND, given)
    if app is not None and market is not None and app.MARKETPLACE_ID != market.ID:
        message = "The marketplace app %s is not in marketplace %s, but in %s."
        raise Failure(message % (app.NAME, market.NAME, app.MARKETPLACE), object=KIND, id=app.ID)
    return app


def _check(app, options):
    for option, present in (("version", app.VERSION), ("checksum", app.MD5)):
        if options[option] is not None and options[option] != present:
            message = "The marketplace app %s has the %s %r, not %r."
            raise Failure(message % (app.NAME, option, present, options[option]), object=KIND, id=app.ID)
    try:
        check_app(app)
    except OneException as error:
        raise described(error, "export marketplace app %s" % app.NAME, object=KIND, id=app.ID) from None


def _from_app(kind, app, body):
    """The Resource of an image or VM template that is made of an app."""

    def allocate(cloud, name, wanted):
        where = [cloud.reference("datastore", wanted["datastore"]).ID] if kind is image else []
        method = "%s.allocate" % kind.KIND
        return cloud.call("create %s %s" % (label(kind.KIND), name), method, body, *where, object=kind.KIND, name=name)

    def read_ours(cloud, item):
        origin = (item.TEMPLATE or {}).get("FROM_APP")
        if kind is image and origin not in (None, str(app.ID)):
            message = "The image %s is there, but comes from marketplace app %s, not %d; give another image_name."
            raise Failure(message % (item.NAME, origin, app.ID), object=kind.KIND, id=item.ID)
        return kind.read(cloud, item)

    needed = ("datastore",) if kind is image else ()
    return kind.resource()._replace(read=read_ours, create=allocate, needed=needed)
