# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Marketplaces and their apps, and what an export makes of an app."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import marketapp
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.marketplace import MARKETPLACE

BODY = b64encode(b'CPU="0.1" MEMORY="64" DISK=[TYPE="swap",SIZE="8"]').decode()
APP = {"marketplace": "shop", "image": "data", "version": "1.0", "template": {"VMTEMPLATE64": BODY}}
ERROR = 3  # STATE
OPTIONS = dict.fromkeys("id name marketplace version checksum image_name template_name datastore".split())


@pytest.fixture
def shop(one):
    """A client of a cloud with the marketplaces shop and other, each with the app web (0 and 1)."""
    for name in ("shop", "other"):
        market = Engine(Cloud(one), MARKETPLACE).converge(name, None, {"market_mad": "dummy"}).record
    converge(one, APP, name="web", oid=None)
    second = one.marketapp.allocate({"NAME": "second", "ORIGIN_ID": "1", "TYPE": "IMAGE"}, market["id"])
    one.marketapp.chown(second, 1, -1)  # users may have the same names
    one.marketapp.rename(second, "web")
    one.marketapppool.info(-2, -1, -1)  # lets what is due happen: the app is ready
    return one


def converge(one, wanted, apply=True, name=None, oid=0):
    return Engine(Cloud(one), marketapp.MARKETAPP, apply=apply).converge(name, oid, wanted)


def export(one, apply=True, **options):
    given = dict(OPTIONS, name="web", marketplace="shop")
    on_missing = None if apply else [].append
    return marketapp.export(Cloud(one, on_missing=on_missing), dict(given, **options), apply, True)


def test_a_marketplace_is_as_planned(one):
    wanted = {"market_mad": "dummy", "description": "golden", "enabled": False, "template": {"TEAM": "ops"}}
    planned, done = (Engine(Cloud(one), MARKETPLACE, apply=apply).converge("shop", None, wanted) for apply in (0, 1))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert {field: done.record[field] for field in ("market_mad", "description", "enabled")} == {
        "market_mad": "dummy",
        "description": "golden",
        "enabled": False,
    }
    assert not Engine(Cloud(one), MARKETPLACE).converge("shop", None, wanted).changed
    with pytest.raises(Failure, match=r"give: market_mad\."):
        Engine(Cloud(one), MARKETPLACE, apply=False).converge("none", None, {})


def test_an_app_is_of_an_image_and_stays_so(shop):
    found = converge(shop, APP).record
    assert (found["image_id"], found["marketplace"], found["version"], found["app_state"]) == (
        1,
        "shop",
        "1.0",
        "ready",
    )
    assert not converge(shop, APP).changed
    with pytest.raises(Failure, match=r"options that cannot be changed: image \(1\)\."):
        converge(shop, {"image": "os"})


def test_an_app_that_is_not_enabled(shop):
    planned, done = (converge(shop, {"enabled": False}, apply=apply) for apply in (False, True))
    assert planned.after == done.after == {"enabled": False}
    assert done.record["app_state"] == "disabled"
    with pytest.raises(Failure, match="Cannot export marketplace app web"):
        export(shop)


def test_what_an_app_needs(one):
    with pytest.raises(Failure, match=r"give: marketplace, image\."):
        converge(one, {}, apply=False, name="web", oid=None)


@pytest.mark.parametrize(("state", "reason"), [(ERROR, "no space"), (ERROR, None), (1, None), (4, None)])
def test_an_app_that_fails_says_why(state, reason):
    app = SimpleNamespace(STATE=state, TEMPLATE={"ERROR": reason} if reason else None)
    expected = (reason or "OpenNebula does not say why") if state == ERROR else None
    assert marketapp.failure(app, {}) == expected
    assert marketapp.settled(app, {})


@pytest.mark.parametrize("state", [0, 2])
def test_an_app_that_is_made_is_waited_for(state):
    assert not marketapp.settled(SimpleNamespace(STATE=state), {})


# ---------------------------------------------------------------- export


def test_an_export_makes_what_is_missing(shop):
    planned, done = (export(shop, apply, image_name="copy", template_name="copy-tpl") for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert set(done.after) == {"image", "template"}
    image, template = done.record["image"], done.record["template"]
    assert (image["name"], image["image_state"], image["template"]["FROM_APP"]) == ("copy", "ready", "0")
    assert [disk.get("IMAGE_ID") for disk in template["template"]["DISK"]] == [None, str(image["id"])]
    assert (done.record["id"], done.record["name"], done.record["version"]) == (0, "web", "1.0")
    assert not export(shop, image_name="copy", template_name="copy-tpl").changed
    shop.template.delete(template["id"])
    mended = export(shop, image_name="copy", template_name="copy-tpl")
    assert (mended.changed, set(mended.after), mended.record["image"]["id"]) == (True, {"template"}, image["id"])


def test_an_app_without_a_vm_template_becomes_an_image_only(shop):
    done = export(shop, marketplace="other")
    assert (set(done.after), done.record["template"], done.record["image"]["name"]) == ({"image"}, None, "web")


def test_an_image_of_another_app_is_not_taken(shop):
    export(shop, marketplace="other")
    with pytest.raises(
        Failure, match=r"image web exists, but was exported from marketplace app 1, not 0\. Give another"
    ):
        export(shop)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"version": "2"}, "has the version '1.0', not '2'"),
        ({"checksum": "abc"}, "has the checksum '.*', not 'abc'"),
        ({"id": 0, "marketplace": "other"}, "app web is not in marketplace other, but in shop"),
        ({"marketplace": None}, "'web' fits several marketplace apps, with the ids 0, 1"),
        ({"name": "webb"}, "did you mean 'web'"),
        ({"datastore": "nowhere"}, "no datastore 'nowhere'"),
    ],
)
def test_what_is_not_exported(shop, options, said):
    before = len(shop.imagepool.info(-2, -1, -1).IMAGE)
    with pytest.raises(Failure, match=said):
        export(shop, **options)
    assert len(shop.imagepool.info(-2, -1, -1).IMAGE) == before


def test_a_check_run_takes_an_app_that_an_earlier_task_would_make(shop):
    report = export(shop, apply=False, name="soon")
    assert (report.changed, report.after, report.record) == (True, {"image": "soon"}, {"image": None, "template": None})


def test_an_app_can_be_exported_without_its_vm_template(shop):
    done = export(shop, marketplace="shop", name="web", image_name="alone", template_name="")
    assert (done.record["image"]["name"], done.record["template"]) == ("alone", None)
    assert [item.NAME for item in shop.templatepool.info(-2, -1, -1).VMTEMPLATE] == ["tpl"]
    assert not export(shop, marketplace="shop", name="web", image_name="alone", template_name="").changed
