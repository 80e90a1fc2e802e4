# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Clusters and security groups without a server: what is read, planned and said."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, Step
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import cluster, registry
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import security_group as groups
from fake_vms import Element, cloud, refusal

MERGE = Modes()


def ids(*numbers):
    return Element(ID=list(numbers))


# ---------------------------------------------------------------- clusters


def action(vm, state=0, host=1, operation="live-migrate"):
    return Element(VM_ID=vm, OPERATION=operation, HOST_ID=host, STATE=state)


def one_cluster(plan=None):
    return Element(
        ID=100,
        NAME="edge",
        HOSTS=ids(3, 1),
        DATASTORES=ids(5, 4),
        VNETS=ids(9, 2),
        TEMPLATE={"A": "1", "LABELS": "x,y"},
        PLAN=plan,
    )


def test_a_cluster_is_read_with_its_members_in_order():
    found = cluster.read(None, one_cluster())
    assert {name: found[name] for name in found if name.endswith("_ids")} == {
        "host_ids": [1, 3],
        "datastore_ids": [4, 5],
        "vnet_ids": [2, 9],
    }
    assert found["labels"] == ["x", "y"]
    assert "plan" not in found
    assert cluster.read_with_plan(None, one_cluster())["plan"] is None


@pytest.mark.parametrize(
    ("state", "word"),
    [(-1, "none"), (0, "ready"), (1, "applying"), (2, "done"), (3, "error"), (4, "timeout"), (9, "9")],
)
def test_a_plan_is_read_with_its_actions(state, word):
    plan = Element(STATE=state, ACTION=[action(7, 2, 3)])
    assert cluster.plan_of(one_cluster(plan)) == {
        "state": word,
        "actions": [{"vm_id": 7, "operation": "live-migrate", "host_id": 3, "state": "done"}],
    }
    assert cluster.describe(None, one_cluster(plan)) == f"the plan of cluster edge is in state {word}"
    assert cluster.has_plan(one_cluster(plan))
    assert not cluster.has_plan(one_cluster())


RECORD = {"id": 100, "name": "edge", "host_ids": [1, 3], "datastore_ids": [4], "vnet_ids": [2], "plan": None}
READY = {"state": "ready", "actions": [{"vm_id": 7, "state": "ready"}]}
DISCARD = Step("discard the plan of cluster edge", "cluster.plandelete", (100,))


def asked(timeout):
    return Step("ask for a plan of cluster edge", "cluster.optimize", (100,), until=cluster.has_plan, give_up=timeout)


@pytest.mark.parametrize(
    ("present", "action", "planned"),
    [
        (None, "requested", (None, "requested", [asked(60)])),
        (READY, "requested", (None, "requested", [DISCARD, asked(60)])),
        (dict(READY, state="applying"), "requested", (None, "requested", [asked(60)])),
        (None, "executed", (None, None, [])),
        (dict(READY, state="done"), "executed", (dict(READY, state="done"), dict(READY, state="done"), [])),
        (
            READY,
            "executed",
            (
                READY,
                {"state": "done", "actions": [{"vm_id": 7, "state": "done"}]},
                [Step("execute the plan of cluster edge", "cluster.planexecute", (100,))],
            ),
        ),
        (READY, "absent", (READY, None, [DISCARD])),
        (None, "absent", (None, None, [DISCARD])),
    ],
)
def test_what_becomes_of_a_plan(present, action, planned):
    wanted = {"plan": cluster.PlanRequest(action, 60)}
    assert cluster.plan_change(dict(RECORD, plan=present), wanted, MERGE) == planned


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"plan": None, "plan_timeout": 60, "wait": True}, {}),
        ({"plan": "requested", "plan_timeout": 60, "wait": True}, {"plan": ("requested", 60)}),
        ({"plan": "requested", "plan_timeout": 60, "wait": False}, {"plan": ("requested", 0)}),
    ],
)
def test_how_long_a_plan_is_waited_for(params, found):
    assert cluster.values(params) == found


@pytest.mark.parametrize(
    ("state", "action", "settled"),
    [
        (1, "executed", False),
        (0, "executed", False),
        (2, "executed", True),
        (3, "requested", True),
        (1, "absent", True),
        (None, "executed", True),
    ],
)
def test_when_a_plan_is_carried_out(state, action, settled):
    found = one_cluster(None if state is None else Element(STATE=state, ACTION=[]))
    assert cluster.plan_executed(found, {"plan": cluster.PlanRequest(action, 0)}) is settled
    assert cluster.plan_executed(found, {}) is True


@pytest.mark.parametrize("state", [3, 4])
def test_a_plan_that_has_failed_names_the_vms(state):
    plan = Element(STATE=state, ACTION=[action(7, 2), action(8, 3, 4), action(9, 1, 5)])
    wanted = {"plan": cluster.PlanRequest("executed", 0)}
    assert refusal(cluster.plan_executed, one_cluster(plan), wanted) == (
        (
            "The plan of cluster edge has failed: VM 8 to host 4 (error), VM 9 to host 5 (applying). "
            "The VMs say why; plan: requested makes a new one."
        ),
        {"object": "cluster", "id": 100},
    )


def test_members_leave_a_cluster_that_is_removed_where_the_task_says_so():
    last = Step("remove cluster edge", "cluster.delete", (100,))
    assert cluster.remove(None, RECORD, {}, MERGE) == [last]
    assert cluster.remove(None, RECORD, {}, Modes(purge=frozenset(["purge"]))) == [
        Step("take host 1 out of cluster edge", "cluster.delhost", (100, 1)),
        Step("take host 3 out of cluster edge", "cluster.delhost", (100, 3)),
        Step("take datastore 4 out of cluster edge", "cluster.deldatastore", (100, 4)),
        Step("take virtual network 2 out of cluster edge", "cluster.delvnet", (100, 2)),
        last,
    ]
    assert cluster.create("edge", {}, MERGE) == Step("create cluster edge", "cluster.allocate", ("edge",))


# ---------------------------------------------------------------- security groups

SSH = {"protocol": "tcp", "direction": "inbound", "range": "22"}
PING = {"protocol": "icmp", "direction": "outbound", "icmp_type": "8"}


def test_a_security_group_is_read():
    rules = [{"PROTOCOL": "TCP", "RULE_TYPE": "INBOUND", "RANGE": " 22 , 80 "}, {"PROTOCOL": "all", "RULE_TYPE": "x"}]
    rights = [f"{who}_{right}" for who in ("OWNER", "GROUP", "OTHER") for right in "UMA"]
    known = {"ID": 5, "NAME": "web", "UID": 2, "GID": 1, "UNAME": "ann", "GNAME": "staff"}

    def record(outdated=(), errors=()):
        item = Element(
            **known,
            PERMISSIONS=Element(**dict.fromkeys(rights, 0)),
            TEMPLATE={"RULE": rules, "A": "1", "LABELS": "l"},
            UPDATED_VMS=ids(1),
            OUTDATED_VMS=ids(*outdated),
            ERROR_VMS=ids(*errors),
        )
        return groups.read(None, item)

    found = record()
    assert found["rules"] == [
        {"protocol": "tcp", "direction": "inbound", "range": "22,80"},
        {"protocol": "all", "direction": "x"},
    ]
    assert found["template"] == {"A": "1", "LABELS": "l"}
    assert (found["labels"], found["committed"]) == (["l"], True)
    assert [found[word] for word in ("updated_vms", "outdated_vms", "error_vms")] == [[1], [], []]
    assert [record(outdated=[2])["committed"], record(errors=[3])["committed"]] == [False, False]


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({"protocol": "TCP", "direction": "Inbound"}, {"protocol": "tcp", "direction": "inbound"}),
        (
            {"protocol": "tcp", "direction": "inbound", "network": None, "ip": None},
            {"protocol": "tcp", "direction": "inbound"},
        ),
        (dict(SSH, range=" 22, 80:90 "), dict(SSH, range="22,80:90")),
        (dict(SSH, range="0:65535"), dict(SSH, range="0:65535")),
        (dict(SSH, range=22, ip="FE80::1", size=4), dict(SSH, ip="fe80::1", size="4")),
        (dict(SSH, network="net"), dict(SSH, network_id="5")),
        (dict(SSH, network_id="6"), dict(SSH, network_id="6")),
        (dict(PING, icmp_type=8), PING),
        (
            {"protocol": "icmpv6", "direction": "inbound", "icmpv6_type": "1"},
            {"protocol": "icmpv6", "direction": "inbound", "icmpv6_type": "1"},
        ),
        *[
            ({"protocol": word, "direction": "outbound"}, {"protocol": word, "direction": "outbound"})
            for word in ("all", "udp", "ipsec")
        ],
    ],
)
def test_the_one_form_of_a_rule(given, form):
    known = cloud(vnpool_info=[Element(ID=5, NAME="net", UNAME="ann")])
    assert groups.canonical_rules(known, [given, given]) == [form]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"protocol": "smtp"}, "The protocol of a rule is one of all, tcp, udp, icmp, icmpv6, ipsec, not 'smtp'."),
        ({"protocol": None}, "The protocol of a rule is one of all, tcp, udp, icmp, icmpv6, ipsec, not None."),
        ({"direction": "up"}, "The direction of a rule is one of inbound, outbound, not 'up'."),
        *[
            ({"protocol": word}, f"A rule of protocol {word} has no range of ports.")
            for word in ("all", "icmp", "icmpv6", "ipsec")
        ],
        *[
            ({"range": text}, f"The range of a rule is ports up to 65535, such as 22,80:90, not {text!r}.")
            for text in ("22,", "90:80", "65536", "x", "1:2:3", "-1", ":5", "1234567890")
        ],
        ({"icmp_type": 8}, "A rule of protocol tcp has no icmp_type, which is for icmp."),
        ({"icmpv6_type": 8}, "A rule of protocol tcp has no icmpv6_type, which is for icmpv6."),
        ({"protocol": "icmp", "range": None, "icmp_type": "x"}, "The icmp_type of a rule is a number, not 'x'."),
        ({"ip": "10.0.0", "size": 1}, "The ip of a rule is an IP address, not '10.0.0'."),
        ({"ip": "10.0.0.1"}, "A rule with an ip has a size too, the number of addresses from there on."),
        ({"ip": "10.0.0.1", "size": "x"}, "A rule with an ip has a size too, the number of addresses from there on."),
    ],
)
def test_a_rule_that_is_none_is_told(change, said):
    assert refusal(groups.canonical_rules, cloud(), [{**SSH, **change}]) == (said, {"object": "security_group"})


def test_rules_after_a_change():
    purge = Modes(purge=frozenset(["purge_rules"]))
    assert groups.merged_rules([SSH], [PING], MERGE) == [SSH, PING]
    assert groups.merged_rules([SSH, PING], [PING], MERGE) == [SSH, PING]
    assert groups.merged_rules([SSH, PING], [PING], purge) == [PING]
    assert groups.merged_rules([SSH], [PING], purge) == [PING]


def test_rules_are_sent_as_attributes():
    sent = [
        {"PROTOCOL": "tcp", "RULE_TYPE": "inbound", "RANGE": "22"},
        {"PROTOCOL": "icmp", "RULE_TYPE": "outbound", "ICMP_TYPE": "8"},
    ]
    assert groups.rules_of({"rules": [SSH, PING]}) == {"RULE": sent}
    assert groups.rules_given("RULE", sent)[0] == {**dict.fromkeys(groups.RULE), **SSH}
    step = groups.create("web", {"rules": [SSH], "template": {"A": "1"}}, MERGE)
    assert (step.text, step.method) == ("create security group web", "secgroup.allocate")
    assert step.arguments == ({"NAME": "web", "A": "1", "RULE": sent[:1]},)
    assert groups.create("web", {}, MERGE).arguments[0]["RULE"] == []
    (change,) = groups.change_rules({"id": 5, "name": "web", "rules": [SSH], "template": {}}, [PING])
    assert change.text == "change the rules of security group web"
    assert (change.method, change.arguments[0]) == ("secgroup.update", 5)
    assert sent[1:] == change.arguments[1]["RULE"]


def test_rules_are_sent_to_the_vms():
    assert groups.commit({"id": 5, "name": "web"}, True) == [
        Step("send the rules of security group web to its VMs", "secgroup.commit", (5, True))
    ]
    busy = Element(NAME="web", UPDATING_VMS=ids(3, 4))
    assert groups.settled(busy, {}) is False
    assert groups.settled(Element(UPDATING_VMS=ids()), {}) is True
    assert groups.describe(None, busy) == "the rules of security group web have still to reach VM 3,4"


# ---------------------------------------------------------------- kinds


def test_a_word_that_is_no_kind_is_told_with_those_that_are():
    known = ", ".join(sorted(registry.RESOURCES))
    failure = registry.unknown("imag")
    assert failure.message == f"There is no kind 'imag' of objects; there are: {known}. Did you mean image?"
    assert registry.unknown(7).message == f"There is no kind 7 of objects; there are: {known}."
    assert {kind for kind, one in registry.RESOURCES.items() if kind != one.kind} == set()
