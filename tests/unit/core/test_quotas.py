# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Quotas of users, groups and the defaults of both: one form, and what is sent for it."""

from __future__ import annotations

import random

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import quotas
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import parse


@pytest.fixture
def calls():
    return []


@pytest.fixture
def cloud(simulator, calls):
    return Cloud(OneServer(simulator.url, session="oneadmin:opennebula", on_call=calls.append))


CANONICAL = [
    ({"vm": {"CPU": "2.50", "memory": 1024.0}}, {"vm": {"cpu": 2.5, "memory": 1024}}),
    ({"vm": {"cpu": -1, "vms": -2, "memory": None}}, {"vm": {"cpu": "default", "vms": "unlimited"}}),
    ({"vm": {"cpu": "Unlimited"}, "image": None}, {"vm": {"cpu": "unlimited"}}),
    ({"datastore": {"default": {"size": 0}}}, {"datastore": {"1": {"size": 0}}}),
    ({"datastore": {1: {"size": 5}, "0": {"images": 1}}}, {"datastore": {"1": {"size": 5}, "0": {"images": 1}}}),
    ({"cluster": {"default": {"cpu": 1, "gpu": 2}}}, {"cluster": {"0": {"cpu": 1, "gpu": 2}}}),
    ({"generic": {"GPU": 3}}, {"generic": {"gpu": 3}}),
    ({}, {}),
]


@pytest.mark.parametrize(("given", "canonical"), CANONICAL)
def test_quotas_have_one_form(cloud, given, canonical):
    found = quotas.canonical(cloud, given)
    assert found == canonical
    assert quotas.canonical(cloud, found) == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cpu": 3}, "no quotas for 'cpu'"),
        ({"vm": 3}, "are a dictionary"),
        ({"datastore": {"default": 3}}, "dictionary of limits"),
        ({"vm": {"cpus": 3}}, "no quota 'cpus' for vm; there are: cpu, memory"),
        ({"vm": {"cpu": -3}}, "takes a number"),
        ({"vm": {"cpu": "much"}}, "not 'much'"),
        ({"vm": {"cpu": True}}, "not True"),
        ({"datastore": {"defalt": {"size": 1}}}, "did you mean 'default'"),
    ],
)
def test_what_is_no_quota_is_told(cloud, given, message):
    with pytest.raises(Failure, match=message):
        quotas.canonical(cloud, given)


VM = {"vm": {"cpu": 4, "memory": 1024}}


@pytest.mark.parametrize(
    ("purge", "wanted", "after"),
    [
        (False, {}, VM),
        (True, {}, {}),
        (False, {"vm": {"cpu": 5}}, {"vm": {"cpu": 5, "memory": 1024}}),
        (True, {"vm": {"cpu": 5}}, {"vm": {"cpu": 5}}),
        (False, {"vm": {"cpu": "default", "memory": "default"}}, {}),
        (False, {"image": {"3": {"rvms": 0}}}, {**VM, "image": {"3": {"rvms": 0}}}),
    ],
)
def test_only_what_is_given_changes(purge, wanted, after):
    assert quotas.merged(VM, wanted, purge) == after
    assert quotas.merged(after, wanted, purge) == after


def test_limits_that_are_one_number_in_the_server_are_the_same():
    assert quotas.merged({"vm": {"memory": 16777216}}, {"vm": {"memory": 16777217}}) == {"vm": {"memory": 16777216}}


def test_what_is_not_set_is_default_for_users_and_unlimited_for_the_defaults():
    assert quotas.merged(VM, {"vm": {"cpu": "unlimited"}}, unset="unlimited") == {"vm": {"memory": 1024}}
    assert quotas.merged(VM, {"vm": {"cpu": "unlimited"}})["vm"]["cpu"] == "unlimited"


def test_a_vector_is_sent_whole_and_only_if_it_changes():
    before = {**VM, "datastore": {"1": {"size": 5}, "2": {"size": 6}}}
    after = {
        **VM,
        "generic": {"gpu": 1},
        "datastore": {"1": {"size": 7}, "2": {"size": 6}},
        "cluster": {"0": {"vms": 1}},
    }
    body = quotas.body(before, after)
    assert body["DATASTORE"] == [{"ID": "1", "SIZE": 7, "IMAGES": -1}]
    everywhere, cluster = body["VM"]
    assert (everywhere["CPU"], everywhere["GPU"], everywhere["VMS"]) == (4, 1, -1)
    assert (cluster["CLUSTER_IDS"], cluster["VMS"], cluster["CPU"]) == ("0", 1, -1)
    assert "CLUSTER_IDS" not in everywhere
    assert quotas.body(VM, {})["VM"] == [dict.fromkeys(quotas.METRICS["VM"], -1)]
    assert quotas.body(after, after) == {}


def test_the_pool_and_the_info_of_a_user_tell_the_same_quotas_in_one_call(cloud, calls):
    oid = cloud.one.user.allocate("alice", "secret", "core", [])
    cloud.one.user.quota(oid, {"VM": {"CPU": 2.25, "VMS": -2}, "DATASTORE": [{"ID": 1, "SIZE": 9}]})
    calls.clear()
    expected = {"vm": {"cpu": 2.25, "vms": "unlimited"}, "datastore": {"1": {"size": 9}}}
    assert quotas.content(cloud.find("user", "alice")) == {"quotas": expected, "quotas_used": {}}
    assert calls == ["one.userpool.info"]
    assert quotas.content(cloud.find("user", oid=oid))["quotas"] == expected


def test_what_is_used_is_told(cloud):
    oid = cloud.one.user.allocate("alice", "secret", "core", [])
    cloud.one.image.allocate('NAME="os" PATH="/srv/os.img" TYPE="OS"', 1)
    cloud.one.image.chown(0, oid, -1)
    found = quotas.content(cloud.find("user", "alice"))["quotas_used"]
    assert found["datastore"]["1"]["images"] == 1


def test_metrics_of_a_newer_server_and_of_its_configuration_are_read():
    user = parse(
        "<USER><ID>2</ID><VM_QUOTA>"
        "<VM><CPU>-1</CPU><CPU_USED>1.50</CPU_USED><GPU>3</GPU><GPU_USED>2</GPU_USED><NOTE>x</NOTE></VM>"
        "<VM><CLUSTER_IDS>0,100</CLUSTER_IDS><CPU>-2</CPU><CPU_USED>0</CPU_USED>"
        "<MEMORY>-1</MEMORY><MEMORY_USED>0</MEMORY_USED><VMS>3</VMS><VMS_USED>0</VMS_USED></VM>"
        "</VM_QUOTA></USER>"
    )
    assert quotas.content(user) == {
        "quotas": {"generic": {"gpu": 3}, "cluster": {"0,100": {"vms": 3}}},
        "quotas_used": {"vm": {"cpu": 1.5}, "generic": {"gpu": 2}},
    }


def test_who_may_not_see_quotas_sees_none():
    assert quotas.content(type("User", (), {"QUOTAS": None})) == {"quotas": {}, "quotas_used": {}}


LIMITS = ["default", "unlimited", 0, 3, 2.25, 100000]


def some_quotas(chance):
    """Quotas of what a fresh server has, some of them at random."""

    def limits(kind):
        return {metric.lower(): chance.choice(LIMITS) for metric in quotas.METRICS[kind] if chance.random() < 0.5}

    found = {"vm": limits("VM"), "cluster": {"0": limits("VM")}}
    found["datastore"] = {oid: limits("DATASTORE") for oid in ("0", "1") if chance.random() < 0.7}
    return {kind: inside for kind, inside in found.items() if chance.random() < 0.8}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_sent_leads_to_what_was_planned(cloud, seed):
    chance = random.Random(seed)
    oid = cloud.one.user.allocate("alice", "secret", "core", [])
    present = {}
    for dummy in range(15):
        after = quotas.merged(present, some_quotas(chance), purge=chance.random() < 0.3)
        body = quotas.body(present, after)
        if body:
            cloud.one.user.quota(oid, body)
        present = quotas.limits(cloud.one.user.info(oid))
        assert present == after


@pytest.mark.parametrize("holder", ["user", "group"])
def test_defaults_are_set_as_planned_and_then_rest(cloud, calls, holder):
    def ensure(given, purge=False, apply=True):
        return quotas.ensure_defaults(cloud, {"kind": holder, "quotas": given, "purge_quotas": purge}, apply)

    wanted = {"vm": {"cpu": 4, "memory": 1024}, "datastore": {"default": {"size": 5}}}
    planned, done = ensure(wanted, apply=False), ensure(wanted)
    assert (planned.before, planned.after) == (done.before, done.after) == ({"quotas": {}}, planned.after)
    assert planned.record == done.record == {"kind": holder, "quotas": {**VM, "datastore": {"1": {"size": 5}}}}
    calls.clear()
    assert not ensure({"vm": {"cpu": 4}}).changed
    assert ensure(None, purge=True).record == done.record, "nothing is wanted"
    assert calls == [f"one.{holder}quota.info"] * 2
    assert ensure({"vm": {"cpu": "unlimited"}}, purge=True).record["quotas"] == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"vm": {"cpu": "default"}}, "cannot limit cpu to 'default'"),
        ({"cluster": {"0": {"cpu": 1}}}, "cannot limit clusters"),
    ],
)
def test_defaults_are_neither_for_clusters_nor_defaults(cloud, given, message):
    with pytest.raises(Failure, match=message):
        quotas.ensure_defaults(cloud, {"kind": "user", "quotas": given, "purge_quotas": False})


def test_defaults_that_are_not_stored_are_an_error(cloud):
    original = cloud.call
    cloud.call = lambda doing, method, *given, **data: (
        None if method == "userquota.update" else original(doing, method, *given, **data)
    )
    with pytest.raises(Failure, match="change of default quotas of users, but did not store: quotas"):
        quotas.ensure_defaults(cloud, {"kind": "user", "quotas": VM, "purge_quotas": False})


@pytest.mark.parametrize("word", ["default", "unlimited"])
def test_clusters_have_no_defaults_so_that_both_words_lift_a_limit(word):
    present = {"cluster": {"0": {"vms": 4, "memory": 4096}}}
    assert quotas.merged(present, {"cluster": {"0": {"vms": word}}}) == {"cluster": {"0": {"memory": 4096}}}
    assert quotas.merged({}, {"cluster": {"0": {"vms": word}}}) == {}


def test_limits_of_clusters_that_a_server_fills_in_are_none():
    text = "<VM><CLUSTER_IDS>0</CLUSTER_IDS><VMS>%s</VMS><VMS_USED>0</VMS_USED></VM>"
    for limit, expected in (("-2", {}), ("-1", {}), ("0", {"cluster": {"0": {"vms": 0}}})):
        group = parse("<GROUP><ID>100</ID><VM_QUOTA>%s</VM_QUOTA></GROUP>" % (text % limit))
        assert quotas.content(group)["quotas"] == expected
