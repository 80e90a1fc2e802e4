# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""OneFlow: what the recordings do not show."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab import ADMIN, Lab
from opennebula_simulator.flow import expressions, merge, recurrence, server
from opennebula_simulator.flow.service import STATES
from opennebula_simulator.http import Request
from opennebula_simulator.template import Template

NETWORK = 'NAME="base" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="50"]'


class FlowLab(Lab):
    """A cloud with a VM template; flow("GET /service/0") -> the answer, which must be no error."""

    def __init__(self, delay=0.0, **options):
        super().__init__(delay, **options)
        self("template.allocate", 'NAME="mini" CPU="0.1" MEMORY="64" CONTEXT=[NETWORK="YES"]')

    def ask(self, line, content=None, session=ADMIN):
        """Status and answer, parsed if it is JSON."""
        verb, path = line.split(" ")
        headers = {"authorization": "Basic " + base64.b64encode(session.encode()).decode()}
        body = b"" if content is None else json.dumps(content).encode()
        found = server.answer(self.cloud, Request(verb, path, headers, body))
        text = found.body.decode()
        try:
            return found.status, json.loads(text)
        except ValueError:
            return found.status, text

    def flow(self, line, content=None, session=ADMIN):
        status, answer = self.ask(line, content, session)
        assert status < 300, (line, status, answer)
        return answer["DOCUMENT"] if isinstance(answer, dict) and "DOCUMENT" in answer else answer

    def act(self, target, action, **params):
        return self.flow(f"POST /{target}/action", {"action": {"perform": action, "params": params}})

    def start(self, *roles, merge=None, **body):
        """A new service; its id."""
        defaults = {"type": "vm", "template_id": 0, "cardinality": 1, "cooldown": 0}
        body = {"name": "app", "roles": [{**defaults, **role} for role in roles], **body}
        template = self.flow("POST /service_template", body)
        made = self.act(f"service_template/{template['ID']}", "instantiate", merge_template=merge or {})
        self.sleep(0)
        return int(made["ID"])

    def body(self, oid):
        return self.flow(f"GET /service/{oid}")["TEMPLATE"]["BODY"]

    def state_of(self, oid):
        return STATES[self.body(oid)["state"]]

    def log(self, oid):
        return [line["message"].removeprefix("New state: ") for line in self.body(oid)["log"]]

    def nodes(self, oid, role=0):
        return [node["deploy_id"] for node in self.body(oid)["roles"][role]["nodes"]]

    def scale(self, oid, cardinality, role="web", force=False):
        content = {"role_name": role, "cardinality": cardinality, "force": force}
        return self.ask(f"POST /service/{oid}/scale", content)


@pytest.fixture
def lab():
    return FlowLab()


def role(name="web", **more):
    return {"name": name, **more}


# ---------------------------------------------------------------- strategies


def three_tiers(**more):
    return [role("db"), role("app", parents=["db"]), role("web", parents=["app"], **more)]


def test_straight_deploys_parents_first_and_undeploys_them_last():
    lab = FlowLab(delay=1)
    oid = lab.start(*three_tiers(), deployment="straight")
    order = []
    for dummy in range(40):
        lab.sleep(0.5)
        deployed = [each["name"] for each in lab.body(oid)["roles"] if each["nodes"]]
        if deployed not in order:
            order.append(deployed)
    assert order[-3:] == [["db"], ["db", "app"], ["db", "app", "web"]]
    assert lab.state_of(oid) == "RUNNING"
    lab.flow(f"DELETE /service/{oid}")
    left = []
    while lab.ask(f"GET /service/{oid}")[0] == 200:
        alive = [each["name"] for each in lab.body(oid)["roles"] if each["state"] not in (3, 5)]
        if alive not in left:
            left.append(alive)
        lab.sleep(0.5)
    assert left == [["db", "app"], ["db"], []]


def test_none_deploys_all_at_once():
    lab = FlowLab(delay=1)
    oid = lab.start(*three_tiers())
    lab.sleep(0)
    assert all(each["nodes"] for each in lab.body(oid)["roles"])


def test_a_gated_role_runs_when_its_vms_say_so(lab):
    oid = lab.start(role("db"), role("web", parents=["db"]), deployment="straight", ready_status_gate=True)
    assert (lab.state_of(oid), lab.nodes(oid, 1)) == ("DEPLOYING", [])
    lab("vm.update", lab.nodes(oid, 0)[0], 'READY="YES"', 1)
    assert lab.state_of(oid) == "DEPLOYING"
    lab("vm.update", lab.nodes(oid, 1)[0], 'READY="YES"', 1)
    assert lab.state_of(oid) == "RUNNING"


def test_a_held_service_runs_after_its_release(lab):
    oid = lab.start(*three_tiers(), deployment="straight", on_hold=True)
    assert lab.state_of(oid) == "HOLD"
    assert [lab.state(vm) for vm in range(3)] == ["HOLD"] * 3
    lab.act(f"service/{oid}", "release")
    lab.sleep(0)
    assert lab.state_of(oid) == "RUNNING"
    assert (
        lab.ask(f"POST /service/{oid}/action", {"action": {"perform": "release"}})[1] == "Service has no roles in HOLD"
    )


def test_the_children_of_a_held_role_are_held(lab):
    oid = lab.start(role("db", on_hold=True), role("web", parents=["db"]), role("other"))
    assert [each["on_hold"] for each in lab.body(oid)["roles"]] == [True, True, False]


# ---------------------------------------------------------------- contents


def test_vms_know_their_service_and_have_contents_inputs_and_the_facts_of_parents(lab):
    oid = lab.start(
        role("db", template_contents={"MEMORY": "128"}),
        role("web", parents=["db"], template_contents={"PEER": "${db.template.memory}", "NONE": "${other.name}"}),
        deployment="straight",
        user_inputs={"KEY": "M|text|a key"},
        merge={"user_inputs_values": {"KEY": 'a "quoted" text'}},
    )
    db, web = lab.vm(lab.nodes(oid, 0)[0]), lab.vm(lab.nodes(oid, 1)[0])
    assert [db.findtext(f"USER_TEMPLATE/{name}") for name in ("SERVICE_ID", "ROLE_NAME")] == [str(oid), "db"]
    assert db.findtext("TEMPLATE/MEMORY") == "128"
    assert db.findtext("TEMPLATE/CONTEXT/KEY") == 'a "quoted" text'
    assert db.findtext("TEMPLATE/CONTEXT/NETWORK") == "YES"  # what the VM template has stays
    assert (web.findtext("USER_TEMPLATE/PEER"), web.findtext("USER_TEMPLATE/NONE")) == ("128", "")


@pytest.mark.parametrize(
    ("body", "merge", "message"),
    [
        ({"user_inputs": {"A": "M|text|a"}}, {}, "specifies User Inputs but no values"),
        ({"user_inputs": {"A": "M|text|a"}}, {"user_inputs_values": {"B": "1"}}, "every User Input"),
        ({"user_inputs": {"A": "M|text|a"}}, {"user_inputs_values": [1]}, "Wrong User Inputs"),
        ({"networks": {"n": "M|network"}}, {}, "Wrong networks format"),
        ({"networks": {"n": "M|network|||id:0"}}, {"networks_values": ["x"]}, "Wrong networks_values format"),
        ({"networks": {"n": "M|network|||id:0"}}, {"networks_values": [{"m": {"id": 0}}]}, "must have its value"),
        ({}, {"roles": [{"name": "web", "cardinality": -1}]}, "must be greater than or equal to 0"),
    ],
)
def test_what_an_instantiation_refuses(lab, body, merge, message):
    made = lab.flow(
        "POST /service_template", {"name": "x", "roles": [{**role(), "type": "vm", "template_id": 0}], **body}
    )
    content = {"action": {"perform": "instantiate", "params": {"merge_template": merge}}}
    status, answer = lab.ask(f"POST /service_template/{made['ID']}/action", content)
    assert status in (400, 500)
    assert message in answer
    assert lab.flow("GET /service") == {"DOCUMENT_POOL": {}}


def test_networks_are_used_reserved_and_instantiated_and_go_with_the_service(lab):
    lab("vn.allocate", NETWORK, -1)
    lab("vntemplate.allocate", 'NAME="vnt" VN_MAD="dummy" BRIDGE="br1" AR=[TYPE="IP4",IP="10.1.0.1",SIZE="10"]')
    lab.sleep(0)
    nics = [{"NETWORK_ID": f"${name}"} for name in ("own", "part", "new")]
    values = [{"own": {"id": "0"}}, {"part": {"reserve_from": "0", "extra": 'SIZE="5"'}}, {"new": {"template_id": "0"}}]
    oid = lab.start(role(template_contents={"NIC": nics}), networks_values=values)
    assert lab.state_of(oid) == "RUNNING"
    found = [net.findtext("NAME") for net in lab.tree("vnpool.info", -2, -1, -1)]
    assert sorted(found) == ["base", f"new-{oid}", f"part-{oid}"]
    vm = lab.vm(lab.nodes(oid)[0])
    assert sorted(nic.findtext("NETWORK") for nic in vm.findall("TEMPLATE/NIC")) == sorted(found)
    lab.flow(f"DELETE /service/{oid}")
    lab.sleep(0)
    assert lab.ask(f"GET /service/{oid}")[0] == 404
    assert [net.findtext("NAME") for net in lab.tree("vnpool.info", -2, -1, -1)] == ["base"]


def test_a_network_that_cannot_be_made_fails_the_service(lab):
    made = lab.flow(
        "POST /service_template", {"name": "x", "roles": [], "networks_values": [{"n": {"template_id": 9}}]}
    )
    status, answer = lab.ask(f"POST /service_template/{made['ID']}/action", {"action": {"perform": "instantiate"}})
    assert (status, "network template [9]" in answer) == (404, True)
    assert lab.state_of(1) == "FAILED_DEPLOYING"


def test_a_network_in_error_fails_the_service(lab):
    lab("vntemplate.allocate", 'NAME="vnt" VN_MAD="dummy" BRIDGE="br1"')
    lab.fail("create", "vn-*")
    oid = lab.start(role(), networks_values=[{"n": {"template_id": 0}}])
    assert lab.state_of(oid) == "FAILED_DEPLOYING_NETS"
    assert lab.ask(f"DELETE /service/{oid}")[1] == "Service cannot be undeployed in state: FAILED_DEPLOYING_NETS"


# ---------------------------------------------------------------- scaling


def test_scaling_up_and_down_cools_down(lab):
    oid = lab.start(role(cooldown=30))
    assert lab.scale(oid, 3)[0] == 204
    lab.sleep(0)
    assert (lab.state_of(oid), len(lab.nodes(oid))) == ("COOLDOWN", 3)
    assert lab.scale(oid, 4) == (500, "Service cannot be scaled in state: COOLDOWN")
    lab.sleep(29)
    assert lab.state_of(oid) == "COOLDOWN"
    lab.sleep(2)
    assert lab.state_of(oid) == "RUNNING"
    assert lab.scale(oid, 1)[0] == 204
    lab.sleep(0)
    assert lab.nodes(oid) == [2]  # the oldest go
    assert lab.log(oid)[-3:] == ["Role web scaling down from 3 to 1 nodes", "SCALING", "COOLDOWN"]


@pytest.mark.parametrize(
    ("cardinality", "force", "message"),
    [
        (0, False, "Can't scale service 1: Minimum cardinality is 1"),
        (4, False, "Can't scale service 1: Maximum cardinality is 3"),
        (2, False, "Cardinality of web is already at 2"),
        (0, True, None),
        (4, True, None),
    ],
)
def test_limits_hold_unless_forced(lab, cardinality, force, message):
    oid = lab.start(role(cardinality=2, min_vms=1, max_vms=3))
    assert lab.scale(oid, cardinality, force=force) == ((500, message) if message else (204, ""))


def test_scaling_without_force_is_a_fault_of_the_server(lab):
    oid = lab.start(role())
    status, answer = lab.ask(f"POST /service/{oid}/scale", {"role_name": "web", "cardinality": 2})
    assert (status, answer["message"]) == (500, "Internal server error")


def elastic(lab, **policy):
    policy = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5", "period": 1, **policy}
    return lab.start(role(min_vms=1, max_vms=3, elasticity_policies=[policy]))


def test_elasticity_follows_an_attribute_of_the_vms_within_the_limits(lab):
    oid = elastic(lab, cooldown=0)
    lab.sleep(100)
    assert len(lab.nodes(oid)) == 1
    for expected in (2, 3, 3):
        for vm in lab.nodes(oid):
            lab("vm.update", vm, 'LOAD="6"', 1)
        lab.sleep(91)
        lab.sleep(0)
        assert len(lab.nodes(oid)) == expected


@pytest.mark.parametrize(
    "body", ["", '""', "A", "[]", "{}", '{"state":99}', '{"state":2,"roles":[1]}', '{"state":"x"}']
)
def test_a_document_that_is_no_service_does_not_disturb_others(lab, body):
    """It once did: the next call of whatever method failed, when policies were looked at."""
    lab("document.allocate", f"NAME=alien BODY={json.dumps(body)}" if body else "NAME=alien", 100)
    oid = elastic(lab, cooldown=0)
    lab("vm.update", lab.nodes(oid)[0], 'LOAD="6"', 1)
    lab.sleep(191)
    lab.sleep(0)
    assert len(lab.nodes(oid)) > 1


def test_elasticity_waits_for_enough_periods(lab):
    oid = elastic(lab, period_number=3)
    lab("vm.update", lab.nodes(oid)[0], 'LOAD="6"', 1)
    seen = []
    for dummy in range(4):
        lab.sleep(91)
        seen.append(len(lab.nodes(oid)))
    assert seen == [1, 1, 2, 2]


def test_a_schedule_scales_once_when_it_is_due(lab):
    when = datetime.fromtimestamp(lab.now + 200).strftime("%Y-%m-%d %H:%M:%S")
    policy = {"type": "CARDINALITY", "adjust": 3, "start_time": when}
    oid = lab.start(role(min_vms=1, max_vms=3, scheduled_policies=[policy]))
    seen = []
    for dummy in range(4):
        lab.sleep(91)
        seen.append(len(lab.nodes(oid)))
    assert seen == [1, 1, 3, 3]


# ---------------------------------------------------------------- failures and recovery


def test_a_vm_that_fails_fails_the_service_which_can_be_recovered(lab):
    lab.fail("deploy", "vm-*")
    oid = lab.start(role(cardinality=2))
    assert (lab.state_of(oid), lab.state()) == ("FAILED_DEPLOYING", "BOOT_FAILURE")
    lab.mend()
    lab.act(f"service/{oid}", "recover")
    lab.sleep(0)
    assert lab.state_of(oid) == "RUNNING"
    assert lab.ask(f"POST /service/{oid}/action", {"action": {"perform": "recover"}}) == (
        500,
        "Service cannot be recovered in state: RUNNING",
    )


def test_scaling_that_fails_goes_on_after_recover(lab):
    oid = lab.start(role())
    lab.fail("deploy", "vm-*")
    lab.scale(oid, 2)
    lab.sleep(0)
    assert lab.state_of(oid) == "FAILED_SCALING"
    lab.mend()
    lab.act(f"service/{oid}", "recover")
    lab.sleep(0)
    assert (lab.state_of(oid), len(lab.nodes(oid))) == ("RUNNING", 2)


@pytest.mark.parametrize("failing", [True, False])
def test_recover_delete_removes_a_service_in_any_state(lab, failing):
    if failing:
        lab.fail("deploy", "vm-*")
    oid = lab.start(role())
    lab.act(f"service/{oid}", "recover", delete=True)
    lab.mend()
    lab.sleep(0)
    assert lab.ask(f"GET /service/{oid}")[0] == 404
    assert lab.state() == "DONE"


def test_the_watchdog_sees_vms_that_stop_come_back_and_go(lab):
    oid = lab.start(role(cardinality=2))
    vms = lab.nodes(oid)
    lab("vm.action", "poweroff", vms[0])
    lab.sleep(0)
    assert lab.state_of(oid) == "WARNING"
    lab("vm.action", "resume", vms[0])
    lab.sleep(0)
    assert lab.state_of(oid) == "RUNNING"
    lab("vm.action", "terminate-hard", vms[1])
    lab.sleep(0)
    assert (lab.nodes(oid), lab.body(oid)["roles"][0]["cardinality"]) == ([vms[0]], 1)


def test_a_service_goes_with_its_last_vm_if_it_says_so(lab):
    oid = lab.start(role(), automatic_deletion=True)
    lab("vm.action", "terminate-hard", lab.nodes(oid)[0])
    lab.sleep(0)
    assert lab.ask(f"GET /service/{oid}")[0] == 404


# ---------------------------------------------------------------- rights, changes, copies


@pytest.fixture
def alice(lab):
    lab("user.allocate", "alice", "secret", "core", [])
    return "alice:secret"


def test_services_are_those_that_the_user_may_see(lab, alice):
    oid = lab.start(role())
    assert lab.flow("GET /service", session=alice) == {"DOCUMENT_POOL": {}}
    status, answer = lab.ask(f"GET /service/{oid}", session=alice)
    assert (status, "Not authorized to perform USE DOCUMENT" in answer) == (401, True)
    lab.act(f"service/{oid}", "chmod", octet="604")
    assert lab.flow(f"GET /service/{oid}", session=alice)["NAME"] == "app"


def test_who_may_only_use_a_service_cannot_undeploy_it(lab, alice):
    oid = lab.start(role())
    lab.act(f"service/{oid}", "chmod", octet="604")
    status, answer = lab.ask(f"DELETE /service/{oid}", session=alice)
    assert (status, answer) == (500, "Error undeploying role web: Error undeploying nodes for role `web`")
    assert (lab.state_of(oid), lab.state()) == ("RUNNING", "RUNNING")


def test_a_held_service_is_removed(lab):
    oid = lab.start(role(cardinality=2), on_hold=True)
    lab.flow(f"DELETE /service/{oid}")
    lab.sleep(0)
    assert lab.ask(f"GET /service/{oid}")[0] == 404
    assert [lab.state(vm) for vm in range(2)] == ["DONE", "DONE"]


def test_the_vms_change_hands_with_the_service(lab, alice):
    oid = lab.start(role(cardinality=2))
    lab.act(f"service/{oid}", "chown", owner_id=2, group_id=1)
    assert {lab.vm(vm).findtext("UNAME") for vm in lab.nodes(oid)} == {"alice"}
    assert lab.flow(f"GET /service/{oid}", session=alice)["GNAME"] == "users"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"description": "two"}, None),
        ({"name": "other"}, "Immutable value: `service/name` can not be changed"),
        ({"networks": {}}, "Immutable value: `service/networks` can not be changed"),
        ({"state": 3}, "Immutable value: `service/state` can not be changed"),
        ({"roles": []}, "Immutable value: `service/roles size` can not be changed"),
    ],
)
def test_what_put_may_change(lab, change, message):
    oid = lab.start(role())
    status, answer = lab.ask(f"PUT /service/{oid}", {**lab.body(oid), **change})
    assert (status, answer) == ((500, message) if message else (204, ""))


@pytest.mark.parametrize("key, value", [("cardinality", 5), ("parents", ["x"]), ("template_id", 3), ("name", "other")])
def test_what_put_may_not_change_in_a_role(lab, key, value):
    oid = lab.start(role())
    body = lab.body(oid)
    body["roles"][0][key] = value
    status, answer = lab.ask(f"PUT /service/{oid}", body)
    assert status == 500
    assert answer == (
        "To change `service/name` use rename operation"
        if key == "name"
        else f"Immutable value: `role/{key}` can not be changed"
    )


def test_put_appends(lab):
    oid = lab.start(role())
    lab.flow(f"PUT /service/{oid}", {"append": True, "template": json.dumps({"description": "two"})})
    assert (lab.body(oid)["description"], lab.state_of(oid)) == ("two", "RUNNING")
    status, answer = lab.ask(f"PUT /service/{oid}", {"append": True, "template": json.dumps({"name": "two"})})
    assert (status, answer) == (500, "Immutable value: `service/name` can not be changed")


def test_copies_with_vm_templates_and_images(lab):
    lab("image.allocate", 'NAME="disk" PATH="/x"', 1, False)
    lab("template.allocate", 'NAME="big" CPU="1" MEMORY="64" DISK=[IMAGE_ID="0"]')
    made = lab.flow("POST /service_template", {"name": "t", "roles": [{**role(), "type": "vm", "template_id": 1}]})
    names = {}
    for recursive in ("none", "templates", "all"):
        copy = lab.act(f"service_template/{made['ID']}", "clone", name=f"c-{recursive}", recursive=recursive)
        names[recursive] = lab.tree("template.info", copy["TEMPLATE"]["BODY"]["roles"][0]["template_id"]).findtext(
            "NAME"
        )
        last = copy["ID"]
    assert names == {"none": "big", "templates": "big-c-templates", "all": "big-c-all"}
    assert len(lab.tree("imagepool.info", -2, -1, -1)) == 2
    lab.flow(f"DELETE /service_template/{last}", {"delete_type": "all"})
    lab.sleep(0)
    assert len(lab.tree("imagepool.info", -2, -1, -1)) == 1
    assert len(lab.tree("templatepool.info", -2, -1, -1)) == 3


def test_a_role_of_virtual_routers(lab):
    lab("vn.allocate", NETWORK, -1)
    lab("template.allocate", 'NAME="router" CPU="0.1" MEMORY="64" VROUTER="YES"')
    nic = [{"NETWORK_ID": "0", "FLOATING_IP": "YES"}]
    oid = lab.start({"name": "r", "type": "vr", "template_id": 1, "cardinality": 2, "template_contents": {"NIC": nic}})
    found = lab.body(oid)["roles"][0]
    assert (lab.state_of(oid), len(found["nodes"]), len(found["vrouter_ips"])) == ("RUNNING", 2, 1)
    assert lab.tree("vrouter.info", 0).findtext("NAME") == f"r(service_{oid})"
    assert "does not support cardinality update" in lab.scale(oid, 3, "r")[1]
    lab.flow(f"DELETE /service/{oid}")
    lab.sleep(0)
    assert lab.ask(f"GET /service/{oid}")[0] == 404
    assert len(lab.tree("vrouterpool.info", -2, -1, -1)) == 0


# ---------------------------------------------------------------- OpenNebula 6


@pytest.fixture
def old():
    return FlowLab(release="6.10.5")


OLD_ROLE = {"name": "web", "vm_template": 0, "cardinality": 1, "cooldown": 0}


@pytest.mark.parametrize(
    "body, message",
    [
        ([], "KEY:  must be a Hash; SCHEMA:"),
        ({}, "KEY: 'name' is required;"),
        ({"name": "a"}, "KEY: 'roles' is required;"),
        ({"name": "a", "roles": [{"name": "web", "template_id": 0, "type": "vm"}]}, "KEY: 'vm_template' is required;"),
        ({"name": "a", "roles": [{**OLD_ROLE, "vm_template": "x"}]}, "KEY: 'vm_template' must be an Integer;"),
        (
            {"name": "a", "roles": [{**OLD_ROLE, "vm_template_contents": {"A": "b"}}]},
            "KEY: 'vm_template_contents' must be a String;",
        ),
        ({"name": "a", "roles": [{**OLD_ROLE, "name": "web-1"}]}, "KEY: 'name' must match regexp /^\\w+$/;"),
        (
            {"name": "a", "roles": [{**OLD_ROLE, "max_vms": 0}]},
            "Role 'web' 'cardinality' must be lower than or equal to 'max_vms'",
        ),
        ({"name": "a", "roles": [OLD_ROLE, OLD_ROLE]}, "Role name 'web' is repeated"),
        ({"name": "a", "roles": [OLD_ROLE], "on_hold": "x"}, "KEY: 'on_hold' is not allowed;"),
        ({"name": "a", "roles": [OLD_ROLE], "custom_attrs": []}, "KEY: custom_attrs must be a Hash; SCHEMA:"),
    ],
)
def test_what_opennebula_6_refuses(old, body, message):
    assert old.ask("POST /service_template", body) == (400, message)


@pytest.mark.parametrize(
    "merge, message",
    [
        ({}, "The Service template specifies custom attributes but no values have been found"),
        (
            {"user_inputs_values": {"KEY": "w"}},
            "The Service template specifies custom attributes but no values have been found",
        ),
        (
            {"custom_attrs_values": {"KEY": "w"}},
            "The Service template specifies custom attributes for the role web but no values have been found",
        ),
    ],
)
def test_what_an_instantiation_of_opennebula_6_refuses(old, merge, message):
    asked = {"KEY": "M|text|a key"}
    body = {"name": "a", "custom_attrs": asked, "roles": [{**OLD_ROLE, "custom_attrs": asked}]}
    oid = old.flow("POST /service_template", body)["ID"]
    content = {"action": {"perform": "instantiate", "params": {"merge_template": merge}}}
    assert old.ask(f"POST /service_template/{oid}/action", content) == (400, message)


def test_contents_of_opennebula_6_are_text_with_values_in_it(old):
    role = {**OLD_ROLE, "vm_template_contents": 'A="$KEY"\nB="$OTHER"', "user_inputs_values": {"C": "3"}}
    body = {"name": "a", "roles": [OLD_ROLE, {**role, "name": "db"}], "custom_attrs": {"KEY": "M|text|a key"}}
    oid = old.flow("POST /service_template", body)["ID"]
    merge = {"custom_attrs_values": {"KEY": "w"}, "roles": [{"cardinality": 2}]}
    service = int(old.act(f"service_template/{oid}", "instantiate", merge_template=merge)["ID"])
    old.sleep(0)
    assert [role["cardinality"] for role in old.body(service)["roles"]] == [2, 1]
    (vm,) = old.nodes(service, 1)
    found = old.cloud["VM"].get_ro(vm).user_template
    assert [found.text(name) for name in ("A", "B", "C", "ROLE_NAME")] == ["w", "$OTHER", "3", "db"]


def test_opennebula_6_has_no_route_to_scheduled_actions(old):
    assert [old.ask(f"DELETE /service/{path}")[0] for path in ("0/sched_action/0", "0/role/web/sched_action/x")] == [
        404
    ] * 2


def test_a_reset_forgets_services(simulator):
    simulator.cloud.flow.watched[5] = {}
    simulator.reset()
    assert not simulator.cloud.flow.watched


# ---------------------------------------------------------------- expressions, times, contents


NUMBERS = st.integers(-99, 99).map(str)
COMPARISONS = st.tuples(NUMBERS, st.sampled_from(sorted(expressions.COMPARISONS)), NUMBERS).map(" ".join)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map("({})".format),
        inner.map("!({})".format),
        st.tuples(COMPARISONS, st.sampled_from(["&", "&&", "|", "||"]), inner).map(" ".join),
    ),
)


@given(EXPRESSIONS)
def test_expressions_mean_what_python_makes_of_them(text):
    words = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", "=": "==", "<>": "!="}
    node = expressions.parse(text)
    assert expressions.evaluate(node, lambda name: None)[0] == as_python(node, words)


def as_python(node, words):
    """The truth of an expression by eval; joins bind from the right."""

    def text(node):
        kind, *parts = node
        if kind == "compare":
            return f"({parts[1]} {words.get(parts[0], parts[0])} {parts[2]})"
        if kind == "join":
            return f"({text(parts[1])} {words[parts[0]]} {text(parts[2])})"
        return f"(not {text(parts[0])})" if kind == "not" else text(parts[0])

    return eval(text(node))  # noqa: S307


@pytest.mark.parametrize(
    "text", ["", "CPU", "CPU >", "> 5", "CPU > 5 AND 1 = 1", "(CPU > 5", "CPU > 5)", "1..2 > 0", "!"]
)
def test_what_is_no_expression(text):
    with pytest.raises(expressions.Malformed, match="Expected one of"):
        expressions.parse(text)


def test_a_name_that_no_vm_has_is_never_true():
    node = expressions.parse("LOAD > 0 || LOAD <= 0")
    assert expressions.evaluate(node, lambda name: None) == (False, "LOAD[--] > 0 || LOAD[--] <= 0")


MOMENT = datetime(2031, 1, 1, 10, 30).timestamp()  # a Wednesday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 9 * * mon", datetime(2031, 1, 6, 9)),
        ("*/20 * * * *", datetime(2031, 1, 1, 10, 40)),
        ("30 10 * * *", datetime(2031, 1, 2, 10, 30)),
        ("0 0 1,15 * 5", datetime(2031, 1, 3)),
        ("0 0 29 2 *", datetime(2032, 2, 29)),
        ("0 12 1 jul *", datetime(2031, 7, 1, 12)),
        ("0 0 * * 7", datetime(2031, 1, 5)),
    ],
)
def test_recurrences(text, expected):
    assert recurrence.following(recurrence.cron(text), MOMENT) == expected.timestamp()


@pytest.mark.parametrize(
    "text", ["", "* * * *", "99 * *", "60 * * * *", "* 24 * * *", "a * * * *", "5-2 * * * *", "*/0 * * * *"]
)
def test_what_is_no_recurrence(text):
    assert recurrence.cron(text) is None


@pytest.mark.parametrize(
    ("text", "known"),
    [("2031-01-01", True), ("2031-01-01 10:00:00", True), ("2031-01-01T10:00:00Z", True), ("10:30", True), ("5", True),
     ("soon", False), ("2031-99-01", False), ("", False)],
)  # fmt: skip
def test_times(text, known):
    assert (recurrence.moment(text) is not None) is known


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs"), exclude_characters="\\"), min_size=1)
TEXTS = TEXTS.map(str.strip).filter(bool)  # oned trims


@given(st.dictionaries(NAMES, st.one_of(TEXTS, st.dictionaries(NAMES, TEXTS, min_size=1))))
def test_contents_arrive_in_oned_as_they_are(contents):
    parsed = Template.parse(merge.raw(contents))
    assert merge.of_template(parsed) == contents


def test_xml_of_a_service_document(lab):
    oid = lab.start(role())
    tree = ET.fromstring(lab("document.info", oid))
    assert json.loads(tree.findtext("TEMPLATE/BODY"))["name"] == "app"
