# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Services, their roles and templates without OneFlow: what is read, planned and said."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Broken, Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    FIRST,
    LAST,
    Modes,
    Reference,
    Step,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import roles, service, service_template
from fake_vms import Element, cloud, refusal

MERGE, REPLACE = Modes(), Modes(template="replace")
PURGE = Modes(purge=frozenset(["purge_roles"]))


def named(oid, name):
    return Element(ID=oid, NAME=name, UNAME="ann")


def made(check=False, **more):
    return cloud(
        check,
        **{
            "templatepool_info": [named(3, "web")],
            "vmgrouppool_info": [named(4, "apart")],
            "vnpool_info": [named(5, "public")],
            "vntemplatepool_info": Element(VNTEMPLATE=[named(6, "private")]),
            **more,
        },
    )


# ---------------------------------------------------------------- roles as they are given


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"cardinality": 2, "parents": None}, {"cardinality": 2}),
        ({"template": "web"}, {"template_id": 3}),
        ({"template": "soon"}, {"template_id": "soon"}),
        ({"networks": ["a", "b"]}, {"template_contents": {"NIC": [{"NETWORK_ID": "$a"}, {"NETWORK_ID": "$b"}]}}),
        (
            {"networks": ["a"], "template_contents": {"nic": {"model": "e1000"}, "cpu": 2}},
            {"template_contents": {"NIC": [{"NETWORK_ID": "$a"}, {"MODEL": "e1000"}], "CPU": "2"}},
        ),
        (
            {"networks": ["a"], "template_contents": {"NIC": [{"A": "1"}, {"A": "2"}]}},
            {"template_contents": {"NIC": [{"NETWORK_ID": "$a"}, {"A": "1"}, {"A": "2"}]}},
        ),
        (
            {"vm_group": {"name": "apart", "role": "r"}},
            {"template_contents": {"VMGROUP": {"VMGROUP_ID": "4", "ROLE": "r"}}},
        ),
        (
            {"vm_group": {"name": "apart", "role": None}},
            {"template_contents": {"VMGROUP": {"VMGROUP_ID": "4", "ROLE": ""}}},
        ),
        ({"template_contents": {}}, {}),
        ({"template_contents": None}, {}),
        (
            {"user_inputs_values": {"a": True, "b": False, "c": 3, "d": None}},
            {"user_inputs_values": {"a": "YES", "b": "NO", "c": "3"}},
        ),
        ({"elasticity_policies": [{"adjust": 1, "cooldown": None}]}, {"elasticity_policies": [{"adjust": 1}]}),
    ],
)
def test_the_one_form_of_a_role(given, found):
    assert roles.canonical_roles(made(check=True), [{"name": "r", **given}]) == [{"name": "r", **found}]


def test_what_a_role_cannot_be():
    wrong = [{"name": "r", "template_contents": {"A": {"B": {"C": "1"}}}}]
    assert refusal(roles.canonical_roles, made(), wrong)[0].startswith("Cannot use template_contents of the role r: ")
    twice = [{"name": name} for name in ("a", "b", "c", "b", "a")]
    for canonical in (roles.canonical_roles, service.split_roles):
        assert refusal(canonical, made(), twice) == ("The option roles names the role a twice.", {})
    assert service.split_roles(None, [{"name": "a", "networks": ["x"], "template": None}]) == [
        {"name": "a", "networks": ["x"]}
    ]
    assert refusal(roles.new_role, {"name": "r"}) == ("There is no role r; to add it, give its template.", {})
    assert roles.new_role({"name": "r", "template_id": 3}) == {"name": "r", "template_id": 3, "type": "vm"}
    assert roles.new_role({"name": "r", "template_id": 3, "type": "vr"})["type"] == "vr"


def test_a_role_is_read_without_what_oneflow_keeps_of_its_vms():
    kept = dict.fromkeys(("nodes", "vm_info", "last_vmname", "disposed_nodes", "scale_way", "state"), 1)
    assert roles.read_role({"name": "r", "cardinality": 2, **kept}) == {
        "name": "r",
        "cardinality": 2,
        "template_contents": {},
    }
    assert roles.read_role({"template_contents": {"cpu": 1}}) == {"template_contents": {"CPU": "1"}}
    for strange in ("CPU=1", {"a": {"b": {"c": 1}}}):
        assert roles.read_role({"template_contents": strange}) == {"template_contents": strange}


# ---------------------------------------------------------------- roles after a change

A = {
    "name": "a",
    "cardinality": 1,
    "template_contents": {"CPU": "1", "NIC": {"MODEL": "x"}},
    "user_inputs_values": {"p": "1"},
}
B = {"name": "b", "cardinality": 2}


@pytest.mark.parametrize(
    ("wanted", "modes", "after"),
    [
        ([], MERGE, [A, B]),
        ([], PURGE, []),
        ([{"name": "b", "cardinality": 5}], MERGE, [A, dict(B, cardinality=5)]),
        ([{"name": "b", "cardinality": 5}], PURGE, [dict(B, cardinality=5)]),
        ([{"name": "c", "template_id": 3}], MERGE, [A, B, {"type": "vm", "name": "c", "template_id": 3}]),
        (
            [{"name": "a", "template_contents": {"MEMORY": "9"}}],
            MERGE,
            [dict(A, template_contents={"CPU": "1", "NIC": {"MODEL": "x"}, "MEMORY": "9"}), B],
        ),
        (
            [{"name": "a", "template_contents": {"MEMORY": "9"}}],
            REPLACE,
            [dict(A, template_contents={"MEMORY": "9"}), B],
        ),
        ([{"name": "b", "template_contents": {"MEMORY": "9"}}], MERGE, [A, dict(B, template_contents={"MEMORY": "9"})]),
        (
            [{"name": "a", "user_inputs_values": {"q": "2"}}],
            MERGE,
            [dict(A, user_inputs_values={"p": "1", "q": "2"}), B],
        ),
        ([{"name": "a", "user_inputs_values": {"q": "2"}}], REPLACE, [dict(A, user_inputs_values={"q": "2"}), B]),
        ([{"name": "b", "user_inputs_values": {"q": "2"}}], MERGE, [A, dict(B, user_inputs_values={"q": "2"})]),
    ],
)
def test_roles_after_a_change(wanted, modes, after):
    assert roles.merged_roles([A, B], wanted, modes) == after


@pytest.mark.parametrize("option", ["elasticity_policies", "scheduled_policies"])
def test_what_the_autoscaler_remembers_stays_with_its_policy(option):
    present = {"name": "r", option: [{"adjust": 1, "last_eval": 7}]}
    found = roles.merged_role(present, {"name": "r", option: [{"adjust": 2}]}, MERGE)
    assert found[option] == [{"adjust": 2, "last_eval": 7}]
    found = roles.merged_role(present, {option: [{"adjust": 2}, {"adjust": 3}]}, MERGE)
    assert found[option] == [{"adjust": 2}, {"adjust": 3}]
    assert roles.merged_role({"name": "r"}, {option: []}, MERGE) == {"name": "r", option: []}


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"network": "public"}, ("id", 5)),
        ({"template": "private"}, ("template_id", 6)),
        ({"reserve_from": "public", "network": None}, ("reserve_from", 5)),
    ],
)
def test_where_a_network_comes_from(given, found):
    assert roles.network_of(made(), "n", given) == found


@pytest.mark.parametrize("given", [{}, {"network": "public", "template": "private"}])
def test_a_network_comes_from_one_place(given):
    assert refusal(roles.network_of, made(), "n", given) == (
        "The network n needs one of: network, template, reserve_from.",
        {},
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"network": "public"}, {"id": 5}),
        ({"network": "public", "extra": None}, {"id": 5}),
        ({"reserve_from": "public", "size": 4}, {"reserve_from": 5, "extra": 'SIZE="4"'}),
        ({"reserve_from": "public", "extra": {"size": 4}}, {"reserve_from": 5, "extra": 'SIZE="4"'}),
        ({"template": "private", "extra": {"A": "1"}, "size": 4}, {"template_id": 6, "extra": 'A="1"\nSIZE="4"'}),
    ],
)
def test_networks_of_a_service(given, found):
    assert service.canonical_networks(made(), {"n": given}) == [{"n": found}]


@pytest.mark.parametrize(
    ("canonical", "given", "said"),
    [
        (service.canonical_networks, {"network": "public", "zzz": 1, "color": 1}, "The network n has no color."),
        (service_template.canonical_networks, {"network": "public", "size": 1}, "The network n has no size."),
        (
            service.canonical_networks,
            {"reserve_from": "public"},
            "The network n is reserved from another: give its size.",
        ),
    ],
)
def test_what_a_network_has_not(canonical, given, said):
    assert refusal(canonical, made(), {"n": given}) == (said, {})


def test_networks_of_a_service_template():
    given = {
        "a": "M|network|||id:3",
        "b": {"network": "public"},
        "c": {"template": "private", "mandatory": False, "description": "The inner one"},
        "d": {"reserve_from": "public", "mandatory": True, "description": None},
    }
    assert service_template.canonical_networks(made(), given) == {
        "a": "M|network|||id:3",
        "b": "M|network|||id:5",
        "c": "O|network|The inner one||template_id:6",
        "d": "M|network|||reserve_from:5",
    }


# ---------------------------------------------------------------- service templates

TEMPLATE = {
    "id": 9,
    "name": "shop",
    "owner": "ann",
    "user_id": 2,
    "group": "staff",
    "group_id": 1,
    "description": "old",
    "deployment": "none",
    "roles": [B],
    "networks": {"n": "x"},
    "body": {"name": "shop", "description": "old", "kept": 1},
}


def test_one_request_writes_all_of_the_content():
    wanted = {"description": "new", "deployment": "none", "networks": {"m": "y"}, "name": "shop2", "roles": []}
    body = {
        "name": "shop2",
        "description": "new",
        "deployment": "none",
        "networks": {"n": "x", "m": "y"},
        "roles": [B],
        "kept": 1,
    }
    step = Step("update service template shop", "flow.service_template.update", (9, body))
    plan = service_template.plan_content
    assert plan("description", TEMPLATE, wanted, MERGE) == ("old", "new", [step])
    assert plan("name", TEMPLATE, wanted, MERGE) == ("shop", "shop2", [step])
    assert plan("deployment", TEMPLATE, wanted, MERGE) == ("none", "none", [])
    assert plan("roles", TEMPLATE, wanted, PURGE)[1] == []
    assert plan("networks", TEMPLATE, wanted, REPLACE)[1] == {"m": "y"}
    assert plan("description", TEMPLATE, {"description": "new"}, MERGE)[2][0].arguments == (
        9,
        {"name": "shop", "description": "new", "kept": 1},
    )


def test_a_service_template_is_created_and_removed():
    wanted = {"roles": [{"name": "r", "template_id": 3}], "description": "d", "labels": ["x"]}
    assert service_template.create("shop", wanted, MERGE) == Step(
        "create service template shop",
        "flow.service_template.create",
        ({"description": "d", "roles": [{"type": "vm", "name": "r", "template_id": 3}], "name": "shop"},),
    )
    assert "roles" in wanted
    assert service_template.needed({}) == (("roles", "clone_of"),)
    none = SimpleNamespace(pool=lambda kind: [], refuse_kept=lambda kind, items: None)
    for modes, how in ((MERGE, "none"), (Modes(recursive="all"), "all")):
        assert service_template.remove(none, TEMPLATE, {}, modes) == [
            Step("remove service template shop", "flow.service_template.delete", (9, how))
        ]


def test_owner_and_labels_of_documents():
    assert service_template.label(TEMPLATE, ["a", "b"]) == [
        Step("label service template shop", "flow.service_template.update_attributes", (9, {"LABELS": "a,b"}))
    ]
    plan = service_template._plan_owner
    for given in ("ann", "2", 2):
        assert plan("service", "user", "chown", TEMPLATE, {"owner": given}, MERGE) == ("ann", "ann", [])
    assert plan("service_template", "user", "chown", TEMPLATE, {"owner": "bob"}, MERGE) == (
        "ann",
        "bob",
        [
            Step(
                "change the owner of service template shop to bob",
                "flow.service_template.chown",
                (9, Reference("user", "bob")),
                phase=LAST,
            )
        ],
    )
    found = plan("service", "group", "chgrp", TEMPLATE, {"group": 7}, MERGE)
    assert found[2][0].arguments == (9, Reference("group", "7"))
    assert found[2][0].text == "change the group of service shop to 7"


# ---------------------------------------------------------------- services


def role_of(name, state=2, nodes=(), **more):
    return {"name": name, "state": state, "nodes": [{"deploy_id": oid} for oid in nodes], **more}


def item(state="RUNNING", *found, failed=None, log=(), **more):
    known = {"ID": 8, "NAME": "shop", "failed": state.startswith("FAILED") if failed is None else failed}
    return SimpleNamespace(state_name=state, roles=list(found), log=list(log), **{**known, **more})


def vm(oid, running=False, **attributes):
    return Element(ID=oid, STATE=3, LCM_STATE=3 if running else 36, USER_TEMPLATE=attributes, TEMPLATE={})


VMS = {
    1: vm(1, running=True, ERROR="is not read"),
    2: vm(2, ERROR="", SCHED_MESSAGE="No host."),
    3: vm(3),
    4: Element(ID=4, STATE=8, LCM_STATE=3, USER_TEMPLATE=None, TEMPLATE={}),
    5: vm(5, ERROR="It broke", SCHED_MESSAGE="No host."),
}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (item("FAILED_DEPLOYING"), "it is in state FAILED_DEPLOYING"),
        (
            item("FAILED_DEPLOYING", role_of("a", 7, [1, 2, 3, 99]), role_of("b", 2, [3])),
            "it is in state FAILED_DEPLOYING; VM 2 of the role a: No host; VM 3 of the role a: it does not run",
        ),
        (
            item("FAILED_SCALING", role_of("a", 9, [4]), role_of("b", 6, [5])),
            "it is in state FAILED_SCALING; VM 4 of the role a: it does not run; VM 5 of the role b: It broke",
        ),
        (
            item(
                "FAILED_DEPLOYING",
                role_of("a", 7, [1]),
                log=[
                    {"message": "x", "severity": "E", "timestamp": 1},
                    {"message": "y.", "severity": "E", "timestamp": 2},
                    {"message": "v", "severity": "E", "timestamp": 2},
                    {"message": "z", "severity": "I"},
                    {"message": "w"},
                ],
            ),
            "it is in state FAILED_DEPLOYING; y",
        ),
        (item("RUNNING"), None),
    ],
)
def test_why_a_service_has_failed(found, reason):
    one = made(vm_info=VMS.get)
    service.explain(one, found)
    assert getattr(found, "reason", None) == reason
    assert service.failure(found, {}) == reason
    found.reason = "kept"
    service.explain(one, found)
    assert found.reason == "kept"


def test_where_oned_cannot_be_asked_a_service_tells_its_state():
    found = item("FAILED_DEPLOYING", role_of("a", 7, [1, 2]))
    service.explain(made(vm_info=lambda oid: Failure("No endpoint.")), found)
    assert found.reason == "it is in state FAILED_DEPLOYING"


def test_what_holds_a_service_up():
    one = made(vm_info=VMS.get)
    assert service.describe(one, item("RUNNING", role_of("a", 2, [2]))) == "service shop is in state RUNNING"
    assert service.describe(one, item("DEPLOYING", role_of("a", 1, [2]), role_of("b", 99), role_of("c", None))) == (
        "service shop is in state DEPLOYING (a is DEPLOYING; b is 99; c is None; VM 2 of the role a: No host)"
    )


@pytest.mark.parametrize(
    ("state", "word"), [(0, "PENDING"), (1, "DEPLOYING"), (11, "HOLD"), (12, "12"), (-1, "-1"), (None, "None")]
)
def test_the_states_of_roles(state, word):
    assert service._role_state(state) == word


def test_a_role_of_a_service_tells_its_vms():
    nodes = [{"deploy_id": 3, "vm_info": {"VM": {"NAME": "web_0"}}}, {"deploy_id": 4}, {"deploy_id": 5, "vm_info": {}}]
    assert service._role({"name": "a", "state": 2, "nodes": nodes, "cardinality": 3}) == {
        "name": "a",
        "cardinality": 3,
        "template_contents": {},
        "state": "RUNNING",
        "ids": [3, 4, 5],
        "nodes": [{"id": 3, "name": "web_0"}, {"id": 4, "name": None}, {"id": 5, "name": None}],
    }
    assert service._role({"name": "a"})["ids"] == []


ROLES = [{"name": "r", "cardinality": 2}, {"name": "s", "template": "web"}]


def test_a_service_is_created_from_its_template():
    assert refusal(service.create, "shop", {}, MERGE) == (
        "There is no service shop; to create it, give: template.",
        {"object": "service", "name": "shop"},
    )
    wanted = {"service_template": 9, "on_hold": True, "user_inputs": {"a": "1"}, "networks": [{"n": {"id": 3}}]}
    step = service.create("shop", dict(wanted, roles=ROLES), MERGE)
    merge = {
        "name": "shop",
        "on_hold": True,
        "user_inputs_values": {"a": "1"},
        "networks_values": [{"n": {"id": 3}}],
    }
    what = "create service shop"
    found = [
        {"name": "r", "template_id": None, "cardinality": 2},
        {"name": "s", "template_id": Reference("template", "web")},
    ]
    looked_at = dict(merge, roles=found)
    checks = (("flow.service_template.instantiate", 9, looked_at),)
    assert step == Step(what, run=service._instantiate, arguments=(what, 9, merge, ROLES), checks=checks)
    assert service.create("shop", {"service_template": 9}, MERGE).arguments == (what, 9, {"name": "shop"}, None)


class Calls:
    """A cloud that tells what it was asked."""

    def __init__(self, *looks):
        self.calls = []
        self.looks = list(looks)

    def call(self, doing, method, *arguments, **data):
        self.calls.append((doing, method, *arguments, data))
        return 8

    def info(self, kind, oid):
        self.calls.append((kind, oid))
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def reference(self, kind, given):
        return named(3, given)

    def wait(self, probe, done, describe):
        found = probe()
        while not done(found):
            self.calls.append(describe(found))
            found = probe()
        return found


def test_a_service_is_instantiated_with_its_roles_in_one_form():
    found = Calls()
    merge = {"name": "shop"}
    assert service._instantiate(found, "create it", 9, merge, [{"name": "r", "template": "web"}]) == 8
    service._instantiate(found, "create it", 9, merge, None)
    data = {"object": "service", "name": "shop"}
    method = "flow.service_template.instantiate"
    assert found.calls == [
        ("create it", method, 9, {"name": "shop", "roles": [{"name": "r", "template_id": 3}]}, data),
        ("create it", method, 9, {"name": "shop"}, data),
    ]
    assert merge == {"name": "shop"}


# ---------------------------------------------------------------- roles of services

SHOP = {
    "id": 8,
    "name": "shop",
    "state": "RUNNING",
    "lock": "none",
    "roles": [
        {"name": "a", "cardinality": 1, "min_vms": 1, "max_vms": 3, "ids": [1]},
        {"name": "b", "cardinality": 2, "ids": [2, 3], "cooldown": 5},
    ],
}


def plain(steps):
    """(how, role, what is given, whether it is waited for) of steps that change roles."""
    for step in steps:
        text, oid, how, name, dummy = step.arguments
        assert (step.text, oid, step.run) == (text, 8, service._change_role)
        assert text == f"{how} the role {name} of service shop"
    return [(*step.arguments[2:], step.until is not None) for step in steps]


@pytest.mark.parametrize(
    ("wanted", "modes", "names", "steps"),
    [
        ([], MERGE, ["a", "b"], []),
        ([{"name": "a", "cardinality": 1, "template": "ignored"}], MERGE, ["a", "b"], []),
        (
            [{"name": "a", "cardinality": 3}],
            MERGE,
            ["a", "b"],
            [("scale", "a", {"cardinality": 3, "force": False}, True)],
        ),
        (
            [{"name": "b", "cardinality": 9, "cooldown": 7}],
            MERGE,
            ["a", "b"],
            [("update", "b", {"cooldown": 7}, True), ("scale", "b", {"cardinality": 9, "force": False}, True)],
        ),
        (
            [{"name": "b", "cardinality": 9, "cooldown": 7}],
            Modes(waits=False),
            ["a", "b"],
            [("update", "b", {"cooldown": 7}, True), ("scale", "b", {"cardinality": 9, "force": False}, False)],
        ),
        (
            [{"name": "a", "cardinality": 9}],
            Modes(force=True),
            ["a", "b"],
            [("scale", "a", {"cardinality": 9, "force": True}, True)],
        ),
        ([{"name": "b"}], PURGE, ["b"], [("remove", "a", None, True)]),
        (
            [{"name": "c", "template": "web", "cardinality": 2}],
            MERGE,
            ["a", "b", "c"],
            [("add", "c", {"name": "c", "template": "web", "cardinality": 2}, True)],
        ),
    ],
)
def test_how_roles_change(wanted, modes, names, steps):
    present, after, found = service.plan_roles(SHOP, {"roles": wanted}, modes)
    assert present == SHOP["roles"]
    assert [role["name"] for role in after] == names
    assert plain(found) == steps


def test_a_new_role_is_shown_as_it_will_be():
    wanted = {"name": "c", "template": "web", "cardinality": 2, "cooldown": 3}
    after = service.plan_roles(SHOP, {"roles": [wanted]}, MERGE)[1][-1]
    assert after == {"name": "c", "cardinality": 2, "cooldown": 3, "ids": [], "nodes": [], "state": "PENDING"}


@pytest.mark.parametrize(
    ("limits", "number", "told"),
    [
        ({"min_vms": 2}, 1, "min_vms 2 and max_vms -"),
        ({"max_vms": 2}, 3, "min_vms - and max_vms 2"),
        ({"min_vms": 0, "max_vms": 2}, 3, "min_vms 0 and max_vms 2"),
        ({"min_vms": 2, "max_vms": 2}, 2, None),
        ({}, 99, None),
    ],
)
def test_the_limits_of_a_role(limits, number, told):
    role = {"name": "r", "cardinality": number, **limits}
    assert service._check_limits(role, Modes(force=True)) is None
    if told is None:
        assert service._check_limits(role, MERGE) is None
        return
    assert refusal(service._check_limits, role, MERGE)[0] == (
        f"The role r cannot have {number} VMs: it has {told}. To exceed this, give force: true."
    )


@pytest.mark.parametrize(
    ("how", "given", "call"),
    [
        ("scale", {"cardinality": 3, "force": True}, ("flow.service.scale", 8, "a", 3, True)),
        ("remove", None, ("flow.service.remove_role", 8, "a")),
        (
            "add",
            {"name": "a", "template": "web"},
            ("flow.service.add_role", 8, {"type": "vm", "name": "a", "template_id": 3}),
        ),
        (
            "update",
            {"cooldown": 3},
            ("flow.service.update", 8, {"roles": [{"name": "a", "cooldown": 3}, {"name": "b", "cooldown": 1}]}, True),
        ),
    ],
)
def test_a_role_is_changed_once_the_service_takes_changes(how, given, call):
    both = [{"name": "a", "cooldown": 1}, {"name": "b", "cooldown": 1}]
    found = Calls(item("SCALING"), item("RUNNING", *both))
    assert service._change_role(found, "do it", 8, how, "a", given) == 8
    assert found.calls[:3] == [("service", 8), "service shop is in state SCALING", ("service", 8)]
    assert found.calls[-1] == ("do it", *call, {})


def test_a_service_that_takes_no_changes():
    assert refusal(service._takes_changes, "do it", None) == ("Cannot do it: the service is gone.", {})
    with pytest.raises(Broken, match=r"^Cannot do it: why\.$"):
        service._takes_changes("do it", item("FAILED_SCALING", reason="why"))
    states = {
        state: service._takes_changes("do it", item(state)) for state in ("RUNNING", "WARNING", "HOLD", "SCALING")
    }
    assert states == {"RUNNING": True, "WARNING": True, "HOLD": True, "SCALING": False}


# ---------------------------------------------------------------- states of services


def test_when_a_service_rests():
    with pytest.raises(Broken, match=r"^The service shop has failed: why\.$"):
        service.rests({}, item("FAILED_DEPLOYING", reason="why"))
    assert service.rests({}, item("WARNING")) is True
    assert service.rests({"status": "running"}, item("WARNING")) is False
    assert service.rests({"status": "recovered"}, item("RUNNING")) is True
    assert service.rests({"status": "held"}, item("HOLD")) is True
    assert service.rests({"status": "held"}, item("RUNNING")) is False
    assert service.rests({}, item("COOLDOWN")) is False
    assert (service._released(item("HOLD")), service._released(item("RUNNING"))) == (False, True)


def test_when_a_service_is_gone():
    assert service.gone(None) is True
    assert service.gone(item("UNDEPLOYING")) is False
    with pytest.raises(Broken, match=r"^The service shop could not be removed: why\.$"):
        service.gone(item("FAILED_UNDEPLOYING", reason="why"))


RECOVER = [Step("recover service shop", run=service._recover, arguments=("recover service shop", 8), phase=FIRST)]


@pytest.mark.parametrize(
    ("state", "status", "after", "steps"),
    [
        ("RUNNING", "running", "RUNNING", []),
        ("WARNING", "running", "RUNNING", []),
        ("DEPLOYING", "running", "RUNNING", []),
        ("RUNNING", "recovered", "RUNNING", []),
        ("FAILED_DEPLOYING", "recovered", "RUNNING", RECOVER),
        ("PENDING", "recovered", "RUNNING", RECOVER),
        ("PENDING", "running", "RUNNING", []),
        ("HOLD", "held", "HOLD", []),
        ("PENDING", "held", "HOLD", []),
        ("DEPLOYING_NETS", "held", "HOLD", []),
    ],
)
def test_what_leads_to_a_state(state, status, after, steps):
    before = state if steps else after
    assert service.plan_status(dict(SHOP, state=state), {"status": status}, MERGE) == (before, after, steps)


def test_a_service_on_hold_is_released():
    before, after, (step,) = service.plan_status(dict(SHOP, state="HOLD"), {"status": "running"}, MERGE)
    assert (before, after) == ("HOLD", "RUNNING")
    assert step == Step("release service shop", "flow.service.release", (8,), phase=FIRST, until=service._released)


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ("RUNNING", "held", "only a new one can be held."),
        ("DEPLOYING", "held", "only a new one can be held."),
        ("FAILED_DEPLOYING", "running", "use state: recovered, or replace_failed: true."),
        ("FAILED_DEPLOYING", "held", "use state: recovered, or replace_failed: true."),
    ],
)
def test_a_state_that_nothing_leads_to(state, status, said):
    record = dict(SHOP, state=state, reason="no host")
    assert refusal(service.plan_status, record, {"status": status}, MERGE) == (
        f"The service shop {'is in state ' + state if 'only' in said else 'has failed: no host. To go on'}: {said}",
        {"object": "service", "id": 8},
    )


@pytest.mark.parametrize("status", ["recovered", "running"])
def test_a_removal_that_has_failed_goes_on_as_one(status):
    record = dict(SHOP, state="FAILED_UNDEPLOYING", reason="no rights")
    assert refusal(service.plan_status, record, {"status": status}, MERGE) == (
        "The service shop has failed: no rights. To go on: its removal has failed, use state: absent.",
        {"object": "service", "id": 8},
    )


def line(text, severity="I"):
    return {"message": text, "severity": severity}


def test_a_service_is_recovered_when_it_rests():
    old = [line("New state: FAILED_DEPLOYING", "E")]
    found = Calls(item("FAILED_DEPLOYING", log=old), item("FAILED_DEPLOYING", log=old), item("RUNNING", log=old))
    service._recover(found, "recover it", 8)
    assert found.calls == [
        ("service", 8),
        ("recover it", "flow.service.recover", 8, {}),
        ("service", 8),
        "service shop is in state FAILED_DEPLOYING",
        ("service", 8),
    ]


@pytest.mark.parametrize("new", [line("New state: FAILED_DEPLOYING"), line("no host", "E")])
def test_a_recovery_that_fails_again(new):
    with pytest.raises(Broken) as caught:
        service._recovered(made(), [line("a")], item("FAILED_DEPLOYING", log=[line("a"), new]))
    why = "; no host" if new["severity"] == "E" else ""
    assert caught.value.message == (f"The service shop could not be recovered: it is in state FAILED_DEPLOYING{why}.")
    with pytest.raises(Broken, match=f"it is in state WARNING{why}"):
        service._recovered(made(), [line("a")], item("WARNING", log=[line("a"), new]))
    assert service._recovered(made(), [line("a"), new], item("RUNNING", log=[line("a"), new])) is True
    assert service._recovered(made(), [], item("DEPLOYING", log=[line("New state: DEPLOYING")])) is False


# ---------------------------------------------------------------- actions and removal


def test_an_action_on_the_vms_of_a_role():
    asked = {"role": "a", "action": "stop", "period": 5, "number": 2, "args": "x"}
    assert service.act(SHOP, asked) == [
        Step("schedule stop on a of service shop", "flow.service.role_action", (8, "a", "stop", 5, 2, "x"))
    ]
    assert service.act(SHOP, {"action": "stop"}) == [
        Step(
            "schedule stop on all roles of service shop",
            "flow.service.role_action",
            (8, None, "stop", None, None, None),
        )
    ]
    assert refusal(service.act, SHOP, {"role": "z", "action": "stop"}) == (
        "The service shop has no role z.",
        {"object": "service", "id": 8},
    )
    assert service.canonical_action(None, {"role": None, "action": "stop"}) == {"action": "stop"}


@pytest.mark.parametrize(
    ("state", "call"),
    [
        *[(state, ("flow.service.delete", (8,))) for state in ("RUNNING", "WARNING", "HOLD")],
        *[(state, ("flow.service.recover", (8, True))) for state in ("DEPLOYING", "FAILED_DEPLOYING", "PENDING")],
        ("UNDEPLOYING", None),
    ],
)
def test_how_a_service_is_removed(state, call):
    found = made(vmpool_infoset=lambda text, whole: Element(VM=[vm(int(oid)) for oid in text.split(",")]))
    steps = service.remove(found, dict(SHOP, state=state), {}, MERGE)
    assert steps == ([] if call is None else [Step("remove service shop", *call)])


def test_the_options_of_community_general():
    params = {
        "state": "present",
        "on_hold": None,
        "roles": None,
        "role": None,
        "cardinality": None,
        "user_inputs": None,
        "custom_attrs": None,
        "template": "shop",
    }
    plain_values = {"service_template": "shop", "status": None, "on_hold": None, "roles": None, "user_inputs": None}
    assert service.values(params) == plain_values
    assert service.values(dict(params, state="held", on_hold=False)) == dict(plain_values, status="held", on_hold=True)
    assert service.values(dict(params, state="running", on_hold=False)) == dict(
        plain_values, status="running", on_hold=False
    )
    assert service.values(dict(params, state="absent"))["status"] is None
    assert service.values(dict(params, role="a", cardinality=3, roles=[]))["roles"] == [{"name": "a", "cardinality": 3}]
    assert service.values(dict(params, roles=[1]))["roles"] == [1]
    assert service.values(dict(params, custom_attrs={"a": 1}))["user_inputs"] == {"a": 1}
    assert service.values(dict(params, custom_attrs={"a": 1}, user_inputs={}))["user_inputs"] == {}
    assert service.merged_inputs(None, {"a": "1"}, MERGE) == {"a": "1"}
    assert service.merged_inputs({"b": "2"}, {"a": "1"}, MERGE) == {"b": "2", "a": "1"}


def test_the_addresses_of_the_vms_of_services():
    nics = [{"IP": "10.0.0.1", "IP6": "fe80::1"}, {"IP6_GLOBAL": "2001::1"}, {}]
    pool = [Element(ID=1, TEMPLATE={"NIC": nics}), Element(ID=2, TEMPLATE={"NIC": {"IP": "10.0.0.2"}}), Element(ID=3)]
    found = made(vmpool_infoset=lambda text, whole: Element(VM=pool))
    nodes = [{"id": oid} for oid in (1, 2, 3, 4)]
    service._add_addresses(found, nodes)
    assert [node["ips"] for node in nodes] == [["10.0.0.1", "fe80::1", "2001::1"], ["10.0.0.2"], [], []]
    assert found.one.calls == [("vmpool.infoset", "1,2,3,4", True)]
    service._add_addresses(found, [])
    assert len(found.one.calls) == 1
