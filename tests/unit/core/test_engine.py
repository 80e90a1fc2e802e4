# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The engine and the cloud against a simulated OpenNebula."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.cluster import CLUSTER
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.template import TEMPLATE, TEMPLATES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from fake_vms import Steps


@pytest.fixture
def calls():
    return []


@pytest.fixture
def cloud(simulator, calls):
    options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
    return Cloud(connect(options, on_call=calls.append), timeout=10)


@pytest.fixture
def one(simulator):
    return OneServer(simulator.url, session="oneadmin:opennebula")


WANTED = {"im_mad": "dummy", "vm_mad": "dummy", "cluster": "default", "template": {"RACK": "A1"}, "status": None}


def fresh(cloud):
    return Cloud(cloud.one, timeout=10)


def test_a_plan_is_the_change_and_nothing_is_left(cloud, one, calls):
    planned = Engine(cloud, HOST, apply=False).converge("h", None, WANTED)
    assert not any("allocate" in call or "update" in call for call in calls)
    done = Engine(fresh(cloud), HOST).converge("h", None, WANTED)
    assert (planned.changed, planned.before, planned.after) == (done.changed, done.before, done.after)
    calls.clear()
    again = Engine(fresh(cloud), HOST).converge("h", None, WANTED)
    assert not again.changed
    assert calls == ["one.clusterpool.info", "one.hostpool.info"]
    assert one.host.info(done.record["id"]).TEMPLATE["RACK"] == "A1"


def test_the_first_object_has_id_0(cloud):
    report = Engine(cloud, HOST).converge("h", None, dict(WANTED, status="disabled"))
    assert report.record["id"] == 0
    changed = Engine(fresh(cloud), HOST).converge("renamed", 0, {"status": "offline"})
    assert (changed.record["name"], changed.record["status"]) == ("renamed", "offline")
    assert Engine(fresh(cloud), HOST).remove(None, 0).changed
    assert not Engine(fresh(cloud), HOST).remove(None, 0).changed


def test_an_update_waits_until_the_object_has_settled(cloud):
    Engine(cloud, HOST).converge("h", None, WANTED)
    seen = []

    def settled(item, wanted):
        seen.append(item.TEMPLATE["RACK"])
        return seen.count("B2") == 3

    slow = HOST._replace(settled=settled)
    report = Engine(Cloud(cloud.one, clock=Steps()), slow).converge("h", None, {"template": {"RACK": "B2"}})
    assert report.changed
    assert seen == ["B2"] * 3
    assert not Engine(Cloud(cloud.one, clock=Steps()), slow, waits=False).converge("h", None, {"template": {}}).changed
    assert seen == ["B2"] * 3


def test_what_is_fixed_is_refused_before_anything_is_written(cloud, calls):
    Engine(cloud, HOST).converge("h", None, WANTED)
    calls.clear()
    with pytest.raises(Failure, match="cannot be changed: vm_mad"):
        Engine(fresh(cloud), HOST).converge("h", None, {"vm_mad": "kvm", "template": {"RACK": "B"}})
    assert calls == ["one.hostpool.info"]


def test_a_failure_halfway_says_what_was_done(cloud, one):
    Engine(cloud, CLUSTER).converge("c", None, {"hosts": []})
    Engine(fresh(cloud), CLUSTER).converge("taken", None, {})
    engine = Engine(fresh(cloud), CLUSTER)
    oid = one.clusterpool.info().CLUSTER[1].ID
    original = engine.cloud.call

    def failing(doing, method, *arguments, **data):
        if method == "cluster.update":
            raise Failure("Cannot update.")
        return original(doing, method, *arguments, **data)

    engine.cloud.call = failing
    with pytest.raises(Failure, match="Already changed: name") as caught:
        engine.converge("renamed", oid, {"template": {"A": "1"}})
    assert (caught.value.data["done"], caught.value.data["not_done"]) == (["name"], ["template"])


def test_replace_takes_away_what_is_not_wanted(cloud):
    Engine(cloud, TEMPLATE).converge("t", None, {"template": {"A": "1", "B": "2"}})
    merged = Engine(fresh(cloud), TEMPLATE).converge("t", None, {"template": {"A": "3"}})
    assert merged.record["template"] == {"A": "3", "B": "2"}
    replaced = Engine(fresh(cloud), TEMPLATE, Modes(template="replace")).converge("t", None, {"template": {"A": "3"}})
    assert replaced.record["template"] == {"A": "3"}


def test_a_name_that_two_objects_have_is_refused_with_their_ids(cloud, one):
    user = one.user.allocate("alice", "secret", "core", [])
    first = one.template.allocate({"NAME": "twin"})
    second = one.template.allocate({"NAME": "alices"})
    one.template.chown(second, user, -1)
    one.template.rename(second, "twin")
    with pytest.raises(Failure, match=f"fits 2 VM templates, with the ids {first}, {second}: give the id") as caught:
        Engine(cloud, TEMPLATE).converge("twin", None, {"template": {"A": "1"}})
    assert caught.value.data["ids"] == [first, second]


def test_references_by_name_and_by_id(cloud):
    assert cloud.reference("cluster", "default").ID == 0
    assert cloud.reference("cluster", 0).NAME == "default"
    with pytest.raises(Failure, match=r"no cluster 'defalt'; did you mean 'default'\?"):
        cloud.reference("cluster", "defalt")


def test_a_check_run_takes_references_that_an_earlier_task_would_make(cloud):
    said = []
    soon_cloud = Cloud(cloud.one, on_missing=said.append)
    report = Engine(soon_cloud, HOST, apply=False).converge("h", None, dict(WANTED, cluster="soon"))
    assert report.after["cluster"] == "soon"
    assert said == ["There is no cluster 'soon' yet; check mode goes on as if there were."]


def test_credentials_are_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("ONE_AUTH", str(tmp_path / "none"))
    with pytest.raises(Failure, match="give api_username"):
        connect({"api_url": "http://one:2633/RPC2"})
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Failure, match="No endpoint"):
        connect({})


def test_the_auth_file_keeps_colons_of_the_password(monkeypatch, tmp_path):
    path = tmp_path / "auth"
    path.write_text("oneadmin:a:b\n", encoding="utf-8")
    monkeypatch.setenv("ONE_AUTH", str(path))
    assert connect({"api_url": "http://one:2633/RPC2"})._session == "oneadmin:a:b"


def test_an_auth_file_without_a_colon_is_said_to_be_one(monkeypatch, tmp_path):
    path = tmp_path / "auth"
    path.write_text("s3cret\n", encoding="utf-8")
    monkeypatch.setenv("ONE_AUTH", str(path))
    with pytest.raises(Failure) as caught:
        connect({"api_url": "http://one:2633/RPC2"})
    assert caught.value.message == f"The file {path} holds no user:password: its first line has no colon."


def test_an_origin_counts_at_creation_and_may_be_gone_afterwards(cloud, calls):
    kind = TEMPLATE
    Engine(cloud, kind).converge("first", None, {"template": {"CPU": "1"}})
    wanted = {"clone_of": "first", "template": {"MEMORY": "64"}}
    planned = Engine(fresh(cloud), kind, apply=False).converge("copy", None, wanted)
    done = Engine(fresh(cloud), kind).converge("copy", None, wanted)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert done.record["template"] == {"CPU": "1", "MEMORY": "64"}
    Engine(fresh(cloud), kind).remove("first", None)
    calls.clear()
    assert not Engine(fresh(cloud), kind).converge("copy", None, wanted).changed
    assert calls == ["one.templatepool.info"]
    with pytest.raises(Failure, match="There is no VM template 'first'"):
        Engine(fresh(cloud), kind, apply=False).converge("another", None, wanted)


@pytest.mark.parametrize(("among", "found"), [("user", False), ("all", True), ("user_groups", True)])
def test_a_filter_hides_templates(cloud, one, among, found):
    kind = TEMPLATES[among]
    oid = one.template.allocate({"NAME": "theirs"})
    one.template.chmod(oid, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    one.template.chown(oid, one.user.allocate("ann", "secret", "core", [0]), -1)
    report = Engine(fresh(cloud), kind, apply=False).converge("theirs", None, {"template": {}})
    assert report.changed is not found
    with nullcontext() if found else pytest.raises(Failure, match="There is no VM template 'theirs'"):
        Engine(fresh(cloud), kind, apply=False).converge("copy", None, {"clone_of": "theirs"})


@pytest.mark.parametrize("name", [None, "h"])
def test_an_id_that_no_object_has_makes_no_object(cloud, name):
    with pytest.raises(Failure, match="no host with id 7; to create one, leave the id out"):
        Engine(cloud, HOST).converge(name, 7, WANTED)
    assert fresh(cloud).pool("host") == []
