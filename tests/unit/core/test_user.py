# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Passwords, groups and login tokens of users."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.values import masked
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import user
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

SHA256 = hashlib.sha256(b"secret").hexdigest()
SHA1 = hashlib.sha1(b"secret", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("driver", "on_create", "present", "same"),
    [
        (None, False, "core:" + SHA256, True),
        (None, False, "core:" + SHA1, True),  # as releases before 5.10 store it
        ("core", False, "core:" + SHA256, True),
        (None, False, "core:secret", False),
        (None, False, "public:secret", True),
        (None, False, "public:" + SHA256, False),
        ("core", False, "public:secret", False),
        ("public", False, "core:" + SHA256, False),
        (None, True, "core:other", True),
    ],
)
def test_a_password_is_compared_with_what_its_driver_stores(driver, on_create, present, same):
    after = user.password(driver, on_create).merged(present, "secret")
    assert after == (present if same else "secret")


@pytest.mark.parametrize(
    ("primary", "purge", "wanted", "after"),
    [
        (False, False, [], [1, 5, 9]),
        (False, False, [7], [1, 5, 7, 9]),
        (False, True, [7], [1, 7]),
        (False, True, [1, 7], [1, 7]),
        (False, True, [], [1]),
        (True, False, [1], [1, 5, 9]),
        (True, False, [9], [9, 5]),  # the former primary group is left
        (True, False, [9, 1], [9, 1, 5]),
        (True, True, [2], [2]),
        (True, True, [2, 1], [2, 1]),
        (True, False, ["new", 7], ["new", 5, 7, 9]),  # which a check run does not find
        (False, False, ["new"], [1, 5, 9, "new"]),
    ],
)
def test_the_primary_group_comes_first(primary, purge, wanted, after):
    merged = user.groups(primary, purge).merged
    assert merged([1, 5, 9], wanted) == after
    assert merged(after, wanted) == after


@pytest.fixture
def one(simulator):
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    for name in ("a", "b", "c"):
        client.group.allocate(name)
    return client


def converge(one, apply=True, wanted=None, **factory):
    return Engine(Cloud(one), user.resource(**factory), apply).converge("alice", None, wanted or {})


@pytest.mark.parametrize("start", [["a"], ["a", "b"], ["b", "c"], ["c", "a", "b"]])
@pytest.mark.parametrize("primary", ["a", "b", "c"])
@pytest.mark.parametrize("purge", [True, False])
@pytest.mark.parametrize("others", [[], ["a"], ["b", "c"]])
def test_groups_are_reached_from_any_others(one, start, primary, purge, others):
    converge(one, wanted={"password": "secret", "group_ids": start}, primary=True)
    wanted = {"group_ids": [primary, *others]}
    planned = converge(one, False, wanted, primary=True, purge=purge)
    done = converge(one, True, wanted, primary=True, purge=purge)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert not converge(one, True, wanted, primary=True, purge=purge).changed
    assert done.record["group"] == primary


def test_a_changed_driver_and_its_password_are_stored_together(one):
    converge(one, wanted={"password": "secret"})
    wanted = {"auth_driver": "public", "password": "secret"}
    assert converge(one, True, wanted, driver="public").changed
    assert one.user.info(2).PASSWORD == "secret"
    assert not converge(one, True, wanted, driver="public").changed


def test_who_changes_his_own_password_goes_on_with_it(one, simulator):
    converge(one, wanted={"password": "secret"})
    alice = OneServer(simulator.url, session="alice:secret")
    wanted = {"password": "Horse:battery", "template": {"A": "1"}}
    assert converge(alice, wanted=wanted).changed
    assert not converge(alice, wanted=wanted).changed
    assert alice.user.info(-1).NAME == "alice"
    assert converge(one, wanted={"password": "again"}).changed  # who changes another's keeps his own
    assert one.user.info(-1).NAME == "oneadmin"


def test_no_password_and_no_token_is_shown(one):
    wanted = {"password": "Horse-battery", "login_tokens": {"state": "present", "token": "mine", "group": "users"}}
    report = converge(one, wanted=wanted)
    shown = repr([masked(report.before), masked(report.after), masked(report.record)])
    assert "Horse-battery" not in shown
    assert "mine" not in shown
    assert one.user.info(2).PASSWORD not in shown


def test_a_token_is_shown_when_it_is_made_and_never_again(one):
    wanted = {"password": "secret", "login_tokens": {"state": "present", "group": "users", "valid_for": 60}}
    first = converge(one, wanted=wanted)
    name, dummy, token = masked(first.record)["one_auth"].partition(":")
    assert (name, token) == ("alice", one.user.info(2).LOGIN_TOKEN[0].TOKEN)
    second = converge(one, wanted=wanted)
    assert not second.changed
    assert "one_auth" not in second.record


OLD = {"token": "old", "expiration_time": 1, "group_id": -1}
VALID = {"token": "valid", "expiration_time": -1, "group_id": 1}


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({"state": "present", "group_id": 1}, [OLD, VALID]),
        ({"state": "present", "group_id": -1}, [OLD, VALID, {"group_id": -1}]),
        ({"state": "present", "group_id": -1, "token": "old"}, [VALID, {"group_id": -1, "token": "old"}]),
        ({"state": "absent", "group_id": -1, "token": "old"}, [VALID]),
        ({"state": "absent", "group_id": -1}, []),
    ],
)
def test_a_token_that_is_valid_will_do(wanted, after):
    assert user.merged_tokens([OLD, VALID], wanted) == after


@pytest.mark.parametrize("seconds", [0, -2])
def test_a_token_is_valid_for_some_time(seconds):
    with pytest.raises(Failure, match="valid for"):
        user.canonical_token(None, {"state": "present", "valid_for": seconds})
