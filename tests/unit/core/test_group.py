# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Groups: administrators are a set, views keep what the option does not name."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import records
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import group
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

KEEP, PURGE = Modes(), Modes(purge=frozenset(["purge_admins"]))


@pytest.fixture
def one(simulator):
    """A client of a cloud with the group dev (100), whose members are ann (2) and bob (3)."""
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    client.group.allocate("dev")
    for name in ("ann", "bob"):
        client.user.allocate(name, "secret", "core", [100])
    return client


def converge(one, wanted, modes=KEEP, apply=True, name="dev", oid=None):
    return Engine(Cloud(one), group.GROUP, modes, apply).converge(name, oid, wanted)


@pytest.mark.parametrize(
    ("modes", "wanted", "after"),
    [
        (KEEP, [], [2]),
        (KEEP, ["bob"], [2, 3]),
        (KEEP, ["2"], [2]),
        (PURGE, ["bob"], [3]),
        (PURGE, [], []),
    ],
)
def test_administrators_are_a_set(one, modes, wanted, after):
    one.group.addadmin(100, 2)
    planned, done = (converge(one, {"admins": wanted}, modes, apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert planned.record["admin_ids"] == done.record["admin_ids"] == sorted(one.group.info(100).ADMINS.ID) == after
    assert not converge(one, {"admins": wanted}, modes).changed


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({"views": ["user"]}, {"VIEWS": "user", "DEFAULT_VIEW": "cloud", "OTHER": "x"}),
        ({"views": []}, {"DEFAULT_VIEW": "cloud", "OTHER": "x"}),
        ({"default_view": ""}, {"VIEWS": "cloud,user", "OTHER": "x"}),
        ({"views": ["cloud", "user"], "group_admin_views": None}, None),
        (
            {"group_admin_views": ["groupadmin", "cloud"], "group_admin_default_view": "groupadmin"},
            {
                "VIEWS": "cloud,user",
                "DEFAULT_VIEW": "cloud",
                "OTHER": "x",
                "GROUP_ADMIN_VIEWS": "groupadmin,cloud",
                "GROUP_ADMIN_DEFAULT_VIEW": "groupadmin",
            },
        ),
    ],
)
def test_views_that_the_option_does_not_name_stay(one, wanted, after):
    before = {"VIEWS": "cloud,user", "DEFAULT_VIEW": "cloud", "OTHER": "x"}
    one.group.update(100, {"SUNSTONE": before, "A": "1"}, 0)
    assert converge(one, {"sunstone": wanted}).changed is (after is not None)
    assert converge(one, {}).record["template"] == {"A": "1", "SUNSTONE": after or before}
    assert not converge(one, {"sunstone": wanted}).changed


def test_a_group_without_views_has_no_attribute_for_them(one):
    one.group.update(100, {"SUNSTONE": {"VIEWS": "cloud"}, "A": "1"}, 0)
    assert converge(one, {"sunstone": {"views": []}}).record["template"] == {"A": "1"}


def test_a_new_group_is_as_planned(one):
    wanted = {"sunstone": {"views": ["cloud"]}, "quotas": {"vm": {"cpu": 2}}, "labels": ["x"]}
    planned, done = (converge(one, wanted, apply=apply, name="ops") for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert {field: done.record[field] for field in wanted} == wanted
    assert not converge(one, wanted, name="ops").changed


def test_a_group_is_not_renamed(one):
    with pytest.raises(Failure, match=r"options that cannot be changed: name \(dev\)"):
        converge(one, {}, name="ops", oid=100)


def test_members_have_their_names_where_that_is_asked_for(one):
    found = records(Cloud(one), group.GROUP_WITH_NAMES, {"name": "dev"})[0]
    assert (found["members"], found["admins"], found["user_ids"]) == (["ann", "bob"], [], [2, 3])
