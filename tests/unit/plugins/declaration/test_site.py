# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A declared cloud, on a simulated OpenNebula: planned, made, steady, broken, killed."""

from __future__ import annotations

import contextlib
import copy

import pytest
from ansible_collections.privazio.opennebula.plugins.action.one_cloud import Progress
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure, Unreachable
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneAuthenticationException,
    OneConnectionException,
    OneInternalException,
    OneServer,
)
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import apply, prune
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.document import Entry
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

from .conftest import CLOUD, Site


@pytest.fixture
def one(simulator):
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    for oid in range(3):
        client.datastore.update(oid, {"TM_MAD": "dummy", "DS_MAD": "dummy"} if oid == 1 else {"TM_MAD": "dummy"}, 1)
    return client


def actions(plan):
    return {(one.kind, one.declared.name): one.action for one in plan.objects}


def test_a_cloud_is_made_in_the_order_of_its_references_and_then_rests(site, one):
    plan, outcome = site.apply(CLOUD)
    assert (outcome.failures, outcome.skipped) == ({}, {})
    assert set(actions(plan).values()) == {"create", "update"}, "ACL rules are added to a set"
    assert set(outcome.done) == {planned.number for planned in plan.objects}
    dummy, again, faults = site.plan(CLOUD)
    assert faults == []
    assert {name: action for name, action in actions(again).items() if action != "none"} == {}
    assert sorted(set(site.calls)) == sorted(site.calls), "each pool is read once"


def test_a_plan_changes_nothing_and_costs_one_call_a_kind(site, one):
    site.plan(CLOUD)
    assert len(site.calls) == len(set(site.calls)) <= len(CLOUD) + 2, "datastores and zones are referred to"
    assert all(call.endswith(("info", "infoextended")) for call in site.calls)


def test_only_what_differs_is_changed(site, one):
    site.apply(CLOUD)
    other = copy.deepcopy(CLOUD)
    other["hosts"][0]["labels"] = ["b"]
    plan, dummy = site.apply(other)
    assert {name for name, action in actions(plan).items() if action != "none"} == {("host", "node1")}
    assert one.host.info(0).TEMPLATE["LABELS"] == "b"
    writes = [call for call in site.calls if not call.endswith(("info", "infoextended"))]
    assert writes == ["one.host.update"]


def test_all_faults_are_told_at_once_with_their_places(site, one):
    wrong = {
        "hosts": [{"name": "a", "cluster": "egde"}, {"name": "b", "labls": []}],
        "virtual_networks": [{"name": "n"}, {"name": "m", "vn_mad": "x", "address_ranges": [{"type": "IP5"}]}],
    }
    dummy, plan, faults = site.plan(wrong)
    assert plan is None
    places = [fault.place for fault in faults]
    assert places == [
        "hosts[1]",
        "hosts[0].cluster",
        "virtual_networks[0]",
        "virtual_networks[1].address_ranges[0]",
    ]
    assert site.calls == [call for call in site.calls if call.endswith("pool.info")]


@pytest.mark.parametrize(
    ("key", "options", "place"),
    [
        ("hosts", {"name": "a", "state": "upp"}, "hosts[0].state"),
        ("hosts", {"name": "a", "wait_timeout": "soon"}, "hosts[0].wait_timeout"),
        ("hosts", {"labels": ["a"]}, "hosts[0]"),
        ("users", {"name": "u", "login_token": {"valid_for": "x"}}, "users[0].login_token.valid_for"),
        (
            "acls",
            {"user": "a", "rules": [{"resources": ["vm"], "rights": ["use"]}, {"resources": ["x"], "rights": ["use"]}]},
            "acls[0].rules[1].resources",
        ),
        (
            "acls",
            {"user": "a", "rules": [{"resources": ["vm"], "rights": ["use"]}, {"rights": ["use"]}]},
            "acls[0].rules[1]",
        ),
        (
            "service_templates",
            {"name": "s", "roles": [{"name": "a"}, {"name": "b", "elasticity_policies": [{"type": "X"}]}]},
            "service_templates[0].roles[1].elasticity_policies.type",
        ),
    ],
)
def test_a_fault_has_its_place_inside_of_the_object(site, key, options, place):
    assert place in [fault.place for fault in site.plan({key: [options]})[2]]


def test_what_refers_to_an_object_with_a_fault_is_not_at_fault(site):
    declared = {"clusters": [{"name": "edge", "labls": []}], "hosts": [{"name": "a", "cluster": "edge"}]}
    assert [fault.place for fault in site.plan(declared)[2]] == ["clusters[0]"]


def test_a_failure_keeps_only_what_needs_it_from_being_made(site, one):
    def refuse(method):
        if method == "one.group.allocate":
            raise OneInternalException("no more groups")

    broken = {
        "groups": [{"name": "devs"}],
        "users": [{"name": "bob", "password": "p", "group": "devs"}, {"name": "eve", "password": "p"}],
        "acls": [{"user": "bob", "rules": [{"resources": ["vm"], "rights": ["use"]}]}],
    }
    plan, outcome = site.apply(broken, on_call=refuse)
    names = {one.number: one.declared.name for one in plan.objects}
    assert {names[number]: failure.message for number, failure in outcome.failures.items()} == {
        "devs": "Cannot create group devs: no more groups."
    }
    assert [names[number] for number in sorted(outcome.skipped)] == ["bob", "bob"]
    assert {names[number] for number in outcome.done} == {"eve"}
    assert set(outcome.skipped.values()) == set(outcome.failures), "the cause is told"


@pytest.mark.parametrize("error", [OneAuthenticationException("who?"), OneConnectionException("cannot reach it")])
def test_a_server_that_does_not_answer_is_asked_once(site, one, error):
    def refuse(method):
        calls.append(method)
        raise error

    calls = []
    many = {"hosts": [{"name": f"h{number}", "im_mad": "dummy", "vm_mad": "dummy"} for number in range(9)], **CLOUD}
    with pytest.raises(Unreachable, match=error.message):
        site.plan(many, on_call=refuse)
    assert len(calls) == 1


def test_what_is_left_is_skipped_when_the_server_does_not_answer_any_more(site, one):
    def refuse(method):
        calls.append(method)
        if "one.group.allocate" in calls:
            raise OneConnectionException("cannot reach it")

    calls = []
    alone = {
        "groups": [{"name": "devs"}],
        "virtual_machines": [{"name": f"vm{number}", "template": "tpl"} for number in range(9)],
    }
    one.template.allocate({"NAME": "tpl", "CPU": "1", "MEMORY": "64"})
    dummy, outcome = site.apply(alone, on_call=refuse)
    (failure,) = outcome.failures.values()
    assert failure.message.startswith("Cannot create group devs: cannot reach it.")
    assert len(outcome.skipped) == 9
    assert calls[-1] == "one.group.allocate"


def test_what_opennebula_changes_with_other_objects_is_made_as_declared_in_the_same_run(site, one):
    """It puts a new group into the default VDC."""
    declared = {"vdcs": [{"name": "default", "groups": ["users"], "purge": True}], "groups": [{"name": "devs"}]}
    plan, outcome = site.apply(declared)
    assert actions(plan) == {("vdc", "default"): "none", ("group", "devs"): "create"}
    assert [(planned.kind, planned.action) for planned in outcome.unplanned] == [("vdc", "update")]
    assert one.vdc.info(0).GROUPS.ID == [1]
    assert set(actions(site.plan(declared)[1]).values()) == {"none"}


def test_owners_tell_objects_of_one_name_apart(site, one):
    owners = ("oneadmin", "ann", "bob")
    declared = {
        "users": [{"name": "ann", "password": "p"}, {"name": "bob", "password": "p"}],
        "templates": [{"name": "web", "owner": owner, "template": {"NOTE": owner}} for owner in owners],
    }
    dummy, outcome = site.apply(declared)
    assert outcome.failures == {}
    pool = one.templatepool.info(-2, -1, -1).VMTEMPLATE
    assert sorted((item.NAME, item.UNAME, item.TEMPLATE["NOTE"]) for item in pool) == [
        ("web", owner, owner) for owner in sorted(owners)
    ]
    assert set(actions(site.plan(declared)[1]).values()) == {"none"}
    other = {"templates": [{"name": "web", "owner": "bob", "template": {"NOTE": "new"}}]}
    site.apply(other)
    notes = {item.UNAME: item.TEMPLATE["NOTE"] for item in one.templatepool.info(-2, -1, -1).VMTEMPLATE}
    assert notes == {"oneadmin": "oneadmin", "ann": "ann", "bob": "new"}, "also where only the cloud has several"
    site.apply({"templates": [{"name": "web", "owner": "ann", "state": "absent"}]})
    assert sorted(item.UNAME for item in one.templatepool.info(-2, -1, -1).VMTEMPLATE) == ["bob", "oneadmin"]


OWNERS = {
    "users": [{"name": name, "password": "p"} for name in ("ann", "bob")],
    "templates": [
        {"name": "web", "owner": owner, "template": {"NOTE": owner}, "lock": "use", "mode": "600"}
        for owner in ("ann", "oneadmin", "bob")
    ],
}
OWNED = [("web", owner, owner, "use") for owner in ("ann", "bob", "oneadmin")]


def owned(one):
    """The templates: name, owner, NOTE, lock; and nothing beside them."""
    pool = one.templatepool.info(-2, -1, -1).VMTEMPLATE
    locks = {1: "use"}
    return sorted((item.NAME, item.UNAME, item.TEMPLATE["NOTE"], locks.get(item.LOCK.LOCKED)) for item in pool)


@pytest.mark.parametrize("number", range(4, 28, 2))
def test_objects_of_one_name_survive_a_killed_run(site, one, number):
    """The run ends before its call of this number; what it leaves is given to the owner by the next one."""
    with pytest.raises(Killed):
        site.apply(OWNERS, on_call=killing(number))
    dummy, outcome = site.apply(OWNERS)
    assert {one.message for one in outcome.failures.values()} == set()
    assert owned(one) == OWNED
    assert set(actions(site.plan(OWNERS)[1]).values()) == {"none"}


@pytest.mark.parametrize("number", range(5, 27, 3))
def test_two_runs_at_once_make_objects_of_one_name_once(site, one, number):
    """Another run plays the whole document before the call of this number."""
    calls = []

    def on_call(method):
        calls.append(method)
        if len(calls) == number:
            assert Site(site.url, site.flow_url).apply(OWNERS)[1].failures == {}

    dummy, outcome = site.apply(OWNERS, on_call=on_call)
    assert {one.message for one in outcome.failures.values()} == set()
    assert len(calls) >= number
    assert owned(one) == OWNED
    assert set(actions(site.plan(OWNERS)[1]).values()) == {"none"}


def test_objects_of_one_name_have_to_say_whose_they_are(site):
    declared = {"templates": [{"name": "web", "owner": "ann"}, {"name": "web", "template": {"CPU": 1}}]}
    faults = site.plan(declared)[2]
    assert "templates[1]: another object has the name 'web': give the owner of each." in map(str, faults)


def test_names_in_templates_that_nothing_has_are_doubted(site, one):
    template = {
        "CPU": 1,
        "NIC": [{"NETWORK": "nett"}, {"NETWORK": "net", "SECURITY_GROUPS": "0,web,wbe"}],
        "DISK": {"IMAGE_ID": "7"},
        "OS": {"KERNEL_DS": "$FILE[IMAGE=kernel]"},
        "CONTEXT": {"FILES_DS": '$FILE[IMAGE="a b"] $FILE[IMAGE_UNAME=x,IMAGE=c]'},
    }
    declared = {key: CLOUD[key] for key in ("virtual_networks", "security_groups", "clusters", "hosts")}
    dummy, plan, faults = site.plan({**declared, "templates": [{"name": "t", "template": template}]})
    assert faults == []
    assert [str(doubt) for doubt in plan.doubts] == [
        "templates[0].template: there is no virtual network 'nett'.",
        "templates[0].template: there is no security group 'wbe'.",
        "templates[0].template: there is no image 'kernel'.",
        "templates[0].template: there is no image 'a b'.",
        "templates[0].template: there is no image 'c'.",
    ]


def test_progress_counts_and_tells_the_time_that_is_left(site):
    class Clock:
        time = 0.0

        def now(self):
            return self.time

    lines: list[str] = []
    clock = Clock()
    progress = Progress(3, lines.append, clock)
    plan = site.plan({"groups": [{"name": name} for name in "abc"]})[1]
    for one, failure in zip(plan.objects, (None, Failure("Cannot create group b: no."), None), strict=True):
        clock.time += 10
        progress(one, failure)
    assert lines == [
        "1 of 3, 20 s left: group a created",
        "2 of 3, 10 s left: group b failed: Cannot create group b: no.",
        "3 of 3: group c created",
    ]


class Killed(BaseException):
    """The run ends here."""


def killing(number):
    """on_call that ends a run before its call with this number."""
    calls = []

    def on_call(method):
        calls.append(method)
        if len(calls) > number:
            raise Killed

    return on_call


KILLED = {key: CLOUD[key] for key in CLOUD if key not in ("acls", "images", "virtual_machines")}


def killed_and_finished(number):
    """Whether a run that ends before its call of this number has ended so; the next run makes the cloud as declared."""
    simulator = Simulator(Options(delay=0)).start()
    site = Site(simulator.url, simulator.flow_url)
    killed = True
    try:
        client = OneServer(simulator.url, session="oneadmin:opennebula")
        with contextlib.suppress(Killed):
            site.apply(KILLED, on_call=killing(number))
            killed = False
        dummy, outcome = site.apply(KILLED)
        assert outcome.failures == {}
        assert set(actions(site.plan(KILLED)[1]).values()) == {"none"}
        pools = (
            client.vnpool.info(-2, -1, -1).VNET,
            client.hostpool.info().HOST,
            client.templatepool.info(-2, -1, -1).VMTEMPLATE,
        )
        assert [item.NAME for pool in pools for item in pool] == ["net", "node1", "tpl"], "nothing is created twice"
    finally:
        simulator.stop()
    return killed


@pytest.mark.parametrize("number", range(13, 45, 4))
def test_a_run_that_was_killed_is_finished_by_the_next(number):
    assert killed_and_finished(number)


@pytest.mark.long
def test_a_run_that_was_killed_at_any_call_is_finished_by_the_next(tally):
    number = 0
    while killed_and_finished(number):
        number += 1
    tally("Kill points", "one_cloud, a large document", acts=1, calls=number, killed=number, made_good=number)
    assert number > 40


def test_what_is_declared_absent_goes_in_the_reverse_order(site, one):
    kinds = ("clusters", "hosts", "security_groups", "virtual_networks", "templates")
    small = {key: copy.deepcopy(CLOUD[key]) for key in kinds}
    small["clusters"][0].pop("datastores")
    site.apply(small)
    gone = {key: [dict(options, state="absent") for options in options_list] for key, options_list in small.items()}
    dummy, outcome = site.apply(gone)
    assert outcome.failures == {}
    assert [item.NAME for item in one.clusterpool.info().CLUSTER] == ["default"]
    assert set(actions(site.plan(gone)[1]).values()) == {"none"}


def test_what_is_declared_absent_by_name_alone_goes_before_what_it_belongs_to(site, one):
    site.apply(CLOUD)
    gone = {
        key: [{"name": options["name"], "state": "absent"} for options in declared]
        for key, declared in CLOUD.items()
        if key != "acls"
    }
    gone["clusters"][0]["purge"] = True  # of the datastores that OpenNebula has made
    dummy, outcome = site.apply(gone)
    assert {number: str(failure) for number, failure in outcome.failures.items()} == {}
    assert set(actions(site.plan(gone)[1]).values()) == {"none"}


# ---------------------------------------------------------------- what is not declared


@pytest.mark.parametrize(
    ("keys", "where", "told"),
    [
        (["acls"], {"owner": "x"}, "cannot remove acls"),
        (["hosts"], {}, "has to name an owner"),
        (["hosts"], {"name": None}, "has to name an owner"),
        (["hosts"], {"name": "*"}, "fits every name"),
        (["hosts"], {"name": "?*"}, "fits every name"),
        (["hosts"], {"name": "[!~]*"}, "fits every name"),
        (["hosts"], {"name": "*[!~]"}, "fits every name"),
        (["hosts"], {"owner": "", "label": "old"}, "prune_where.owner is empty"),
        (["hosts"], {"label": " "}, "prune_where.label is empty"),
    ],
)
def test_what_prune_may_remove_is_bounded(keys, where, told):
    with pytest.raises(Failure, match=told):
        prune.refuse_unbounded(keys, where)


def test_what_is_pruned(site, one):
    for name, label in (("a1", "old"), ("a2", "old"), ("a3", "new"), ("locked", "old"), ("kept", "old,protected")):
        oid = one.template.allocate({"NAME": name, "LABELS": label})
        if name == "locked":
            one.template.lock(oid, 1, False)
    cloud = site.cloud([])
    declared = [Entry("templates", 0, {"name": "a2"})]
    found = prune.entries(cloud, declared, ["templates", "clusters", "datastores"], {"label": "old"})
    assert [entry.options["name"] for entry in found] == ["a1"]
    assert prune.entries(cloud, [], ["clusters", "datastores", "users", "groups", "zones"], {"name": "*e*"}) == []


def test_documents_are_pruned_of_the_types_that_are_declared(site, one):
    for name, number in (("a", 200), ("b", 200), ("c", 201)):
        one.document.allocate({"NAME": name, "LABELS": "old"}, number)
    declared = [Entry("documents", 0, {"name": "a", "type": 200})]
    found = prune.entries(site.cloud([]), declared, ["documents", "service_templates"], {"label": "old"})
    assert [entry.options for entry in found] == [{"id": 1, "name": "b", "state": "absent", "type": 200}]


# ---------------------------------------------------------------- calls


def writes(site):
    return [call for call in site.calls if not call.endswith(("info", "infoextended"))]


def test_labels_come_with_creation_where_opennebula_takes_them(site, one):
    labels = {"labels": ["a", "b"]}
    declared = {
        "templates": [{"name": "t", "template": {"CPU": 1}, **labels}],
        "security_groups": [{"name": "s", **labels}],
        "vnet_templates": [{"name": "v", "template": {"VN_MAD": "dummy", "BRIDGE": "b"}, **labels}],
        "virtual_networks": [{"name": "n", "vn_mad": "dummy", "bridge": "b", **labels}],
        "images": [{"name": "i", "datastore": "default", "type": "datablock", "size": 1, **labels}],
        "documents": [{"name": "d", "type": 200, **labels}],
        "vdcs": [{"name": "c", **labels}],
    }
    dummy, outcome = site.apply(declared)
    assert outcome.failures == {}
    assert {call.rpartition(".")[2] for call in writes(site)} == {"allocate"}
    assert len(writes(site)) == len(declared)
    assert set(actions(site.plan(declared)[1]).values()) == {"none"}


def test_labels_of_a_network_template_stay_where_others_are_added(site, one):
    one.vntemplate.allocate({"NAME": "v", "VN_MAD": "dummy", "BRIDGE": "b", "LABELS": "old"})
    network = {"name": "n", "vntemplate": "v", "labels": ["new"], "labels_mode": "add"}
    site.apply({"virtual_networks": [network]})
    assert one.vn.info(0).TEMPLATE["LABELS"] == "old,new"


def test_the_rules_of_many_users_are_read_at_once(site, one):
    names = [f"user{number}" for number in range(10)]
    site.apply({"users": [{"name": name, "password": "secret"} for name in names]})
    rules = [{"resources": ["vm"], "rights": ["use"]}]
    dummy, outcome = site.apply({"acls": [{"user": name, "rules": rules} for name in names]})
    assert (outcome.failures, len(outcome.done)) == ({}, 10)
    assert site.calls.count("one.acl.addrule") == 10
    assert site.calls.count("one.acl.info") <= 3


def test_what_is_removed_while_a_document_is_applied_is_named(site, one):
    """Another run removes a cluster once it is made, before the host that needs it."""

    def on_call(method):
        site.calls.append(method)
        if site.calls.count("one.clusterpool.info") == 3 and method == "one.clusterpool.info":
            one.cluster.delete(100)

    host = {"name": "h", "cluster": "c", "im_mad": "dummy", "vm_mad": "dummy"}
    cloud, plan, faults = site.plan({"clusters": [{"name": "c"}], "hosts": [host]}, on_call=on_call)
    outcome = apply.apply(cloud, plan, 4, lambda one, failure: None)
    assert faults == []
    assert [failure.message.partition(";")[0] for failure in outcome.failures.values()] == ["There is no cluster 'c'"]
