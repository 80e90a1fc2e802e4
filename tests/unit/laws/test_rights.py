# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The rights on the page "Security" are those that are needed, and are enough; what is denied says what it lacks."""

from __future__ import annotations

import importlib
import os

import pytest
import rights_page
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secret_names import SECRET_NAMES
from modules import PLUGINS, Lab
from opennebula_simulator.releases import RELEASES
from project import ROOT
from rights import Act, acts, measured, needed

MODULES = {path.stem for path in (ROOT / "plugins/modules").glob("one_*.py")}
NOT_MEASURED = {"one_call", "one_cloud", "one_export", "one_info"}  # they do what the modules of the kinds do
# What OpenNebula asks for before release 7.
BEFORE_7 = [
    {
        "module": "one_group",
        "state": "present (change)",
        "rights": ["MANAGE GROUP", "USE GROUP"],
        "owner": False,
        "group_admin": False,
    }
]
FEW = ("one_zone", "one_host", "one_vm_migrate", "one_vdc_info", "one_vm_snapshot")
PAGE = rights_page.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def master(lab: Lab) -> None:
    """The cloud is the master of a federation, which alone creates zones."""
    lab.cloud.config.vectors("FEDERATION")[0]["MODE"] = "MASTER"


def told(act: Act) -> dict:
    return next(row for row in rights_page.load() if (row["module"], row["state"]) == (act.module, act.state))


def test_the_page_is_as_it_was_measured():
    assert rights_page.rendered(PAGE, rights_page.load()) == PAGE, "run tools/rights_page.py"


def test_the_page_has_every_act_of_every_module():
    rows = [(row["module"], row["state"]) for row in rights_page.load()]
    assert rows == [(act.module, act.state) for act in acts()]
    assert {module for module, dummy in rows} == MODULES - NOT_MEASURED


def test_every_state_of_every_module_has_an_act():
    lacking = set()
    for name in MODULES - NOT_MEASURED:
        options = importlib.import_module(f"{PLUGINS}.modules.{name}").__dict__.get("OPTIONS", {})
        choices = [*options.get("state", {}).get("choices", ()), *options.get("operation", {}).get("choices", ())]
        told = {act.state.partition(" ")[0] for act in acts() if act.module == name and "owner" not in act.state}
        lacking |= {(name, choice) for choice in choices if choice not in told}
    assert not lacking


def test_the_page_has_the_table_of_names():
    assert all(f"``{name}``" in PAGE for name in SECRET_NAMES)


@pytest.mark.parametrize(
    "act", [act for act in acts() if act.module in FEW], ids=lambda act: f"{act.module}-{act.state}"
)
def test_the_rights_on_the_page_are_needed_and_enough(lab: Lab, act: Act):
    assert measured(lab, act) == told(act)


@pytest.mark.long
def test_all_rights_on_the_page_are_needed_and_enough(lab: Lab):
    release = lab.one.system.version()
    newest = release == max(RELEASES)
    rows = [measured(lab, act) for act in acts(release)]
    if newest and os.environ.get("RIGHTS") == "write":
        rights_page.keep(rows)
    different = [] if newest else BEFORE_7
    known = [(act.module, act.state) for act in acts(release)]
    assert [row for row in rows if row not in different] == [
        row for row in rights_page.load() if key(row) in known and key(row) not in [key(one) for one in different]
    ]


def key(row):
    return row["module"], row["state"]


@pytest.mark.parametrize("state", ["present (change)", "absent"])
def test_a_denial_names_the_object_the_right_and_the_owner(lab: Lab, state: str):
    act = next(act for act in acts() if (act.module, act.state) == ("one_image", state))
    denials = needed(lab, act)[1]
    assert len(denials) == 1
    (denied,) = denials[0].data["denied"]
    assert (denied["right"], denied["object"], denied["owner"]) == ("MANAGE", "image", "oneadmin")
    sentence = f"This needs the right MANAGE on image {denied['name']}, which belongs to oneadmin (group oneadmin)."
    assert sentence in denials[0].message
