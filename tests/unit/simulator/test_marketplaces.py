# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import re

import pytest


def state_of(one, method, oid):
    return re.search("<STATE>(.*?)</STATE>", one(method, oid)[1]).group(1)


@pytest.fixture
def app(one):
    """A marketplace (100) of the dummy driver with an app (0) made from an image (0)."""
    assert one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)[0]
    assert one("market.allocate", 'NAME="m" MARKET_MAD="dummy"') == [True, 100, 0]
    assert one("marketapp.allocate", 'NAME="a" ORIGIN_ID="0"', 100) == [True, 0, 0]


def test_the_image_is_held_while_it_is_copied(simulator, one):
    one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    one("market.allocate", 'NAME="m" MARKET_MAD="dummy"')
    assert state_of(one, "image.info", 0) == "1"
    simulator.cloud.events.delay = 3600
    one("marketapp.allocate", 'NAME="a" ORIGIN_ID="0"', 100)
    assert (state_of(one, "marketapp.info", 0), state_of(one, "image.info", 0)) == ("2", "2")
    assert one("marketapp.enable", 0, False) == [True, 0, 0]
    assert state_of(one, "marketapp.info", 0) == "2"
    one("marketapp.delete", 0)
    assert state_of(one, "image.info", 0) == "1"


def test_a_failing_driver_leaves_an_app_in_error(simulator, one):
    simulator.cloud.events.failures.append(("import", "marketapp-0"))
    one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    one("market.allocate", 'NAME="m" MARKET_MAD="dummy"')
    one("marketapp.allocate", 'NAME="a" ORIGIN_ID="0"', 100)
    shown = one("marketapp.info", 0)[1]
    assert "<STATE>3</STATE>" in shown
    assert "Error importing app into marketplace" in shown
    assert state_of(one, "image.info", 0) == "1"


@pytest.mark.usefixtures("app")
def test_a_disabled_marketplace_forgets_its_apps(one):
    assert state_of(one, "marketapp.info", 0) == "1"
    assert one("market.enable", 100, False)[0]
    assert one("marketapp.info", 0)[2] == 1024
    assert "<MARKETPLACEAPPS></MARKETPLACEAPPS>" in one("market.info", 100)[1]
    assert one("market.delete", 100)[0]


@pytest.mark.usefixtures("app")
def test_a_renamed_marketplace_tells_its_apps(one):
    one("market.rename", 100, "other")
    assert "<MARKETPLACE>other</MARKETPLACE>" in one("marketapp.info", 0)[1]


def test_public_marketplaces_take_no_apps(one):
    one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    answer = one("marketapp.allocate", 'NAME="a" ORIGIN_ID="0"', 0)
    assert answer[1:3] == ["[one.marketapp.allocate] Create disabled for market: OpenNebula Public", 2048]


def test_a_driver_that_is_not_started_cannot_import(one):
    one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    one("market.allocate", 'NAME="web" MARKET_MAD="http" BASE_URL="http://192.0.2.1/" PUBLIC_DIR="/srv"')
    one("marketapp.allocate", 'NAME="a" ORIGIN_ID="0"', 100)
    assert "Marketplace driver 'http' not available" in one("marketapp.info", 0)[1]


@pytest.mark.usefixtures("app")
def test_a_replaced_template_clears_the_fields_that_it_holds(one):
    one("marketapp.update", 0, 'DESCRIPTION="d" VERSION="2"', 1)
    one("marketapp.update", 0, 'MD5="x"', 0)
    shown = one("marketapp.info", 0)[1]
    assert "<DESCRIPTION><![CDATA[]]></DESCRIPTION><VERSION><![CDATA[]]></VERSION>" in shown
    assert "<MD5><![CDATA[d41d8cd98f00b204e9800998ecf8427e]]></MD5>" in shown


def test_a_marketplace_is_monitored_when_it_is_enabled(one):
    one("market.allocate", 'NAME="m" MARKET_MAD="dummy" STATE="disabled"')
    assert "<STATE>1</STATE>" in one("market.info", 100)[1]
    one("market.enable", 100, True)
    assert "<TOTAL_MB>20480</TOTAL_MB>" in one("market.info", 100)[1]
