# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The methods by which servers of a federation write into each other's databases."""

from __future__ import annotations

import pytest


@pytest.fixture
def app(one):
    one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    one("market.allocate", 'NAME="m" MARKET_MAD="dummy"')
    one("marketapp.allocate", 'NAME="a" ORIGIN_ID="0" DESCRIPTION="a & b"', 100)
    return one("marketapp.info", 0)[1]


def test_what_is_shown_can_be_stored_again(one, app):
    changed = app.replace("<NAME>a</NAME>", "<NAME>b</NAME>").replace("<VERSION><![CDATA[0.0", "<VERSION><![CDATA[9")
    assert one("marketapp.updatedb", 0, changed) == [True, 0, 0]
    assert one("marketapp.info", 0)[1] == changed
    assert one("marketapp.dropdb", 0) == [True, 0, 0]
    assert one("marketapp.allocatedb", app) == [True, 1, 0]
    assert one("marketapp.info", 1)[1] == app.replace("<ID>0</ID>", "<ID>1</ID>")


@pytest.mark.parametrize(("family", "oid"), [("market", 0), ("zone", 0)])
def test_marketplaces_and_zones_too(one, family, oid):
    shown = one(f"{family}.info", oid)[1]
    assert one(f"{family}.updatedb", oid, shown.replace("OpenNebula", "Renamed")) == [True, oid, 0]
    assert one(f"{family}.info", oid)[1] == shown.replace("OpenNebula", "Renamed")


def test_a_marketplace_of_another_zone(one):
    shown = one("market.info", 0)[1].replace("OpenNebula Public", "Other")
    assert one("market.allocatedb", shown) == [True, 100, 0]


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        ("<MARKET", "Cannot update object from XML"),
        ("<HOST/>", "Cannot update object from XML"),
        ("<MARKETPLACEAPP><ID>0</ID></MARKETPLACEAPP>", "Cannot update object from XML"),
    ],
)
@pytest.mark.usefixtures("app")
def test_other_xml_is_refused(one, xml, why):
    assert one("marketapp.updatedb", 0, xml)[1:3] == [f"[one.marketapp.updatedb] {why}", 8192]


def test_the_object_must_be_the_one_named(one, app):
    assert one("marketapp.updatedb", 0, app.replace("<ID>0", "<ID>7"))[1].endswith("Consistency check failed")
    assert one("marketapp.updatedb", 7, app)[2:4] == [1024, 7]


def test_only_oneadmin_may(one, app):
    one("user.allocate", "admin", "pw", "core", [0])
    for method, *arguments in (("updatedb", 0, app), ("allocatedb", app), ("dropdb", 0)):
        assert one(f"marketapp.{method}", *arguments, session="admin:pw")[2] == 512
