# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Marketplace apps, and their export as images and VM templates."""

from __future__ import annotations

from functools import partial

from .._attributes import access, fields
from .._attributes import template as templates
from .._attributes.fields import TemplateField
from .._attributes.relations import reference, reference_id
from .._attributes.template import content
from .._attributes.twins import twin
from .._core.failure import Failure, described
from .._core.values import first_text
from .._engine.engine import Engine
from .._engine.resource import Reference, Report, Resource, Step, attribute, delete, nothing_needed
from ..pyone import OneException
from ..pyone.helpers import app_image, app_template, check_app
from .image import IMAGE
from .template import TEMPLATE

KIND = "marketapp"
STATES = dict(enumerate(("init", "ready", "locked", "error", "disabled")))
TYPES = dict(enumerate(("unknown", "image", "vmtemplate", "service_template")))
RESTING = ("ready", "disabled", "error")
FIELDS = {"description": TemplateField("DESCRIPTION"), "version": TemplateField("VERSION")}
MANAGED = frozenset("APPTEMPLATE64 DESCRIPTION FORMAT MD5 SIZE SOURCE VERSION VMTEMPLATE64".split())
CREATION = frozenset(("NAME", "ORIGIN_ID", "TYPE"))
COMPUTED = ("FORMAT", "MD5", "SIZE", "SOURCE")
DEFAULT_DATASTORE = "default"


def read(cloud, app):
    """The record of an app (one.marketapp.info or a MARKETPLACEAPP of one.marketapppool.info)."""
    return {
        **access.owned(app),
        **access.locked(app),
        **content(app),
        "app_state": state(app),
        "enabled": state(app) != "disabled",
        "type": TYPES.get(app.TYPE, str(app.TYPE)),
        "description": app.DESCRIPTION or "",
        "version": app.VERSION or "",
        "image_id": fields.number(app.ORIGIN_ID or ""),
        "marketplace": app.MARKETPLACE,
        "marketplace_id": app.MARKETPLACE_ID,
        "checksum": app.MD5 or "",
        "size": app.SIZE,
        "source": app.SOURCE or "",
    }


def state(app):
    return STATES.get(app.STATE, str(app.STATE))


def canonical_template(cloud, given):
    """A template without what OpenNebula finds out about an app.

    Raises:
        Failure: it has such an attribute, or cannot be read.
    """
    found = templates.canonical_template(cloud, given)
    wrong = [name for name in COMPUTED if name in found]
    if wrong:
        message = "OpenNebula finds out %s of a marketplace app itself; leave it out of the option template."
        raise Failure(message % wrong[0], object=KIND)
    return found


def create(name, wanted, modes):
    body = dict(templates.new(name, wanted, modes), TYPE="IMAGE", ORIGIN_ID=wanted["image"])
    body.update(fields.body(FIELDS, wanted))
    where = Reference("marketplace", wanted["marketplace"])
    return Step("create marketplace app %s" % name, "marketapp.allocate", (body, where))


def needed(wanted):
    return ("marketplace", "image")


def enable(record, after):
    what = "%s marketplace app %s" % ("enable" if after else "disable", record["name"])
    return [Step(what, "marketapp.enable", (record["id"], after))]


def settled(app, wanted):
    return state(app) in RESTING


def failure(app, wanted):
    if state(app) != "error":
        return None
    return first_text(app.TEMPLATE, "ERROR") or "OpenNebula does not say why"


OWN = {
    "marketplace": attribute("marketplace", canonical=reference("marketplace")),
    "image": attribute("image", canonical=reference_id("image"), field="image_id"),
    **fields.attributes(KIND, FIELDS),
    "enabled": attribute("enabled", enable),
}
MARKETAPP = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    settled=settled,
    failure=failure,
    needed=needed,
    twins={**fields.twins(FIELDS), "ORIGIN_ID": twin("image")},
    attributes={
        **access.attributes(KIND, OWN, managed=MANAGED, creation=CREATION, canonical=canonical_template),
        **access.lock(KIND),
    },
)


# ---------------------------------------------------------------- export


def export(cloud, options, apply, waits):
    """Creates the image of an app, and its VM template, where they are missing.

    Args:
        cloud (Cloud)
        options (dict): id or name of the app, marketplace (None: any), version, checksum (None: any), image_name,
            template_name (None: the app's name; empty: no VM template), datastore (None: default).
        apply, waits (bool): as for Engine.

    Returns:
        Report: its record has `image` and `template` (records, or None), and the app's `id`, `name`, `version`.

    Raises:
        Failure: there is no such app, or several; it is another version, or cannot be exported; other objects have the
            names.
    """
    app = _find(cloud, options)
    if app is None:
        return Report(True, {}, {"image": options["image_name"] or options["name"]}, {"image": None, "template": None})
    _check(app, options)
    reports = {"image": _export_image(cloud, app, options, apply, waits)}
    image_id = (reports["image"].record or {}).get("id", -1)  # -1: in a check run the image does not exist yet
    name = app.NAME if options["template_name"] is None else options["template_name"]
    body = app_template(app, name, image_id) if name else None
    if body is not None:
        resource = TEMPLATE._replace(create=partial(create_template, body), needed=nothing_needed)
        reports["template"] = Engine(cloud, resource, apply=apply, waits=waits).converge(body["NAME"], None, {})
    return _combined(app, reports)


def _find(cloud, options):
    """The app that is meant; None where a check run does not find it (yet)."""
    market = None if options["marketplace"] is None else cloud.reference("marketplace", options["marketplace"])
    if market is not None and options["id"] is None:
        there = [app for app in cloud.pool(KIND) if (options["name"], market.ID) == (app.NAME, app.MARKETPLACE_ID)]
        if there:  # names are unique in a marketplace
            return there[0]
    app = cloud.reference(KIND, options["name"] if options["id"] is None else options["id"])
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


def _export_image(cloud, app, options, apply, waits):
    """The Report of the image of an app."""
    name = options["image_name"] or app.NAME
    resource = IMAGE._replace(
        read=partial(read_exported_image, app.ID),
        create=partial(create_image, app_image(app, name)),
        needed=nothing_needed,
    )
    wanted = {"datastore": options["datastore"] or DEFAULT_DATASTORE}
    try:
        return Engine(cloud, resource, apply=apply, waits=waits).converge(name, None, wanted)
    except Failure as failure:
        if cloud.info(KIND, app.ID) is None:  # OpenNebula names something else: the size of the image
            failure.message += " The marketplace app %s no longer exists." % app.NAME
        raise


def read_exported_image(app_id, cloud, image):
    """The record of an image that was exported from an app.

    Raises:
        Failure: it was exported from another one.
    """
    origin = first_text(image.TEMPLATE, "FROM_APP", None)
    if origin not in (None, str(app_id)):
        message = "The image %s exists, but was exported from marketplace app %s, not %d. Give another image_name."
        raise Failure(message % (image.NAME, origin, app_id), object=IMAGE.kind, id=image.ID)
    return IMAGE.read(cloud, image)


def create_image(body, name, wanted, modes):
    """create() of an image with a template, but for `body`."""
    return Step("create image %s" % name, "image.allocate", (body, Reference("datastore", wanted["datastore"])))


def create_template(body, name, wanted, modes):
    """create() of a VM template with a template, but for `body`."""
    return Step("create VM template %s" % name, "template.allocate", (body,))


def _combined(app, reports):
    """One Report of those of image and VM template."""
    records = {word: report.record for word, report in reports.items()}
    changed = {word: report for word, report in reports.items() if report.changed}
    record = {"template": None, **records, "id": app.ID, "name": app.NAME}
    return Report(
        bool(changed),
        {word: report.before for word, report in changed.items()},
        {word: report.after for word, report in changed.items()},
        dict(record, version=app.VERSION or "", checksum=app.MD5 or ""),
    )
