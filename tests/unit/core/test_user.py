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
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, modes_of
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import user
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

SHA256 = hashlib.sha256(b"secret").hexdigest()
SHA1 = hashlib.sha1(b"secret", usedforsecurity=False).hexdigest()


def record(driver, password):
    return {"id": 2, "name": "alice", "auth_driver": driver, "password": password}


@pytest.mark.parametrize(
    ("driver", "present", "kept"),
    [
        (None, ("core", SHA256), True),
        (None, ("core", SHA1), True),  # as releases before 5.10 store it
        ("core", ("core", SHA256), True),
        (None, ("core", "secret"), False),
        (None, ("public", "secret"), True),
        (None, ("public", SHA256), False),
        ("core", ("public", "secret"), False),
        ("public", ("core", SHA256), False),
        ("public", ("core", "secret"), True),
    ],
)
def test_a_password_is_compared_with_what_its_driver_stores(driver, present, kept):
    wanted = {"password": "secret", **({} if driver is None else {"auth_driver": driver})}
    before, after, steps = user.plan_password(record(*present), wanted, Modes())
    assert (before == after) is kept
    assert before == present[1]
    assert steps[0].arguments == (2, "secret")
    again = record(driver or present[0], after)
    assert user.plan_password(again, wanted, Modes())[:2] == (after, after)


@pytest.mark.parametrize("driver", ["core", "public"])
def test_only_what_a_session_has_is_gone_on_with(driver):
    steps = user.plan_password(record(driver, ""), {"password": "secret"}, Modes())[2]
    assert len(steps) == (2 if driver == "core" else 1)


KEEP, PURGE = Modes(), Modes(purge=frozenset(["purge_groups"]))


@pytest.mark.parametrize(
    ("modes", "primary", "others", "after"),
    [
        (KEEP, None, [], [1, 5, 9]),
        (KEEP, None, [7], [1, 5, 7, 9]),
        (PURGE, None, [7], [1, 7]),
        (PURGE, None, [1, 7], [1, 7]),
        (PURGE, None, [], [1]),
        (KEEP, 1, None, [1, 5, 9]),
        (PURGE, 1, None, [1, 5, 9]),  # the task does not say in which others the user is
        (KEEP, 9, None, [9, 5]),  # the former primary group is left
        (PURGE, 9, None, [9, 5]),
        (KEEP, 9, [1], [9, 1, 5]),
        (PURGE, 2, [], [2]),
        (PURGE, 2, [1], [2, 1]),
        (KEEP, "new", [7], ["new", 5, 7, 9]),  # which a check run does not find
        (KEEP, None, ["new"], [1, 5, 9, "new"]),
    ],
)
def test_the_primary_group_comes_first(modes, primary, others, after):
    wanted = user.Groups(primary, others)
    assert user.merged_groups([1, 5, 9], wanted, modes) == after
    assert user.merged_groups(after, wanted, modes) == after


@pytest.mark.parametrize(
    ("group", "groups", "wanted"),
    [
        (None, None, None),
        ("a", None, user.Groups("a", None)),
        (None, [], user.Groups(None, [])),
        ("a", ["b"], user.Groups("a", ["b"])),
    ],
)
def test_both_options_say_which_groups(group, groups, wanted):
    assert user.values({"group": group, "groups": groups}) == {"groups": wanted}


@pytest.fixture
def one(simulator):
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    for name in ("a", "b", "c"):
        client.group.allocate(name)
    return client


def converge(one, apply=True, wanted=None, modes=KEEP):
    return Engine(Cloud(one), user.USER, modes, apply).converge("alice", None, wanted or {})


@pytest.mark.parametrize("start", [["a"], ["a", "b"], ["b", "c"], ["c", "a", "b"]])
@pytest.mark.parametrize("primary", ["a", "b", "c"])
@pytest.mark.parametrize("modes", [KEEP, PURGE])
@pytest.mark.parametrize("others", [[], ["a"], ["b", "c"]])
def test_groups_are_reached_from_any_others(one, start, primary, modes, others):
    converge(one, wanted={"password": "secret", "groups": user.Groups(start[0], start[1:])})
    wanted = {"groups": user.Groups(primary, others)}
    planned = converge(one, False, wanted, modes=modes)
    done = converge(one, True, wanted, modes=modes)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert not converge(one, True, wanted, modes=modes).changed
    assert done.record["group"] == primary


def test_a_new_user_has_the_groups_that_were_planned(one):
    wanted = {"password": "secret", "groups": user.Groups("a", ["b"])}
    planned, done = (converge(one, apply, wanted) for apply in (False, True))
    assert planned.after["group_ids"] == done.after["group_ids"] == planned.record["group_ids"] == [100, 101]
    assert done.record["group_ids"] == [100, 101]


def test_a_password_is_only_for_a_new_user_where_the_task_says_so(one):
    on_create = modes_of({"update_password": "on_create"})
    assert converge(one, wanted={"password": "secret"}, modes=on_create).changed
    assert not converge(one, wanted={"password": "other"}, modes=on_create).changed
    assert one.user.info(2).PASSWORD == SHA256


def test_a_changed_driver_and_its_password_are_stored_together(one):
    converge(one, wanted={"password": "secret"})
    wanted = {"auth_driver": "public", "password": "secret"}
    assert converge(one, True, wanted).changed
    assert one.user.info(2).PASSWORD == "secret"
    assert not converge(one, True, wanted).changed


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
    wanted = {"password": "Horse-battery", "login_token": {"state": "present", "token": "mine", "group": "users"}}
    report = converge(one, wanted=wanted)
    shown = repr([masked(report.before), masked(report.after), masked(report.record)])
    assert "Horse-battery" not in shown
    assert "mine" not in shown
    assert one.user.info(2).PASSWORD not in shown


def test_a_token_is_shown_when_it_is_made_and_never_again(one):
    wanted = {"password": "secret", "login_token": {"state": "present", "group": "users", "valid_for": 60}}
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
    assert user.merged_tokens([OLD, VALID], dict(wanted, now=1000), Modes()) == after


@pytest.mark.parametrize("seconds", [0, -2])
def test_a_token_is_valid_for_some_time(seconds):
    with pytest.raises(Failure, match="valid for"):
        user.canonical_token(None, {"state": "present", "valid_for": seconds})


def test_a_new_user_is_planned_with_the_token_that_is_made(one):
    wanted = {"password": "secret", "login_token": {"state": "present", "group": "users", "valid_for": 60}}
    assert converge(one, False, wanted).after["login_tokens"] == [{"group_id": 1, "valid_for": 60}]


@pytest.mark.parametrize("driver", ["ldap", "saml", "x509", "public"])
def test_a_user_whose_driver_asks_somebody_else_needs_no_password(one, driver):
    wanted = {"auth_driver": driver, "groups": user.Groups(None, ["a"])}
    planned, done = (converge(one, apply, wanted) for apply in (False, True))
    assert (planned.before, planned.after["auth_driver"]) == (done.before, driver)
    assert len(one.user.info(2).PASSWORD) == 64, "nobody knows it"
    assert done.record["group_ids"] == [1, 100]
    assert not converge(one, True, wanted).changed


@pytest.mark.parametrize("driver", [None, "core"])
def test_a_user_of_opennebula_itself_needs_a_password(one, driver):
    with pytest.raises(Failure, match=r"give: password\."):
        converge(one, True, {"auth_driver": driver})
