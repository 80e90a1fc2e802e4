# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Services: what fails is told, what was cut short goes on, and what is as wanted costs next to nothing."""

from __future__ import annotations

import time

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.privazio.opennebula.plugins.module_utils._core import flow
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.refusals import undeployed
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.roles import merged_roles
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.service import lines_since
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneFlow
from ansible_collections.privazio.opennebula.plugins.modules import (
    one_service,
    one_service_info,
    one_service_template,
)
from hypothesis import given
from hypothesis import strategies as st
from opennebula_simulator.flow import server

ROLES = [
    {"name": "db", "template": "tpl", "cardinality": 1, "cooldown": 0},
    {"name": "web", "template": "tpl", "cardinality": 1, "cooldown": 0, "max_vms": 3, "parents": ["db"]},
]


class Ended(Exception):
    """The result of a module."""


class Killed(BaseException):
    """The process of a module is gone."""


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No endpoint or user of the environment, and time that passes fast."""
    for name in ("ONE_URL", "ONE_XMLRPC", "ONEFLOW_URL", "ONE_USERNAME", "ONE_PASSWORD", "ONE_AUTH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Clock, "sleep", lambda self, seconds: time.sleep(seconds / 100))


@pytest.fixture
def task(simulator, one, monkeypatch):
    """task(module, check=…, calls=…, **options) -> its result; a Failure is raised. The cloud has VM template tpl."""

    def run(module, check=False, calls=None, **options):
        access = {"api_url": simulator.url, "flow_url": simulator.flow_url}
        options = {**access, "api_username": "oneadmin", "api_password": "opennebula", **options}
        options = {name: value for name, value in options.items() if value is not None}

        class Face:
            check_mode = check
            _verbosity = 0

            def __init__(self, argument_spec, supports_check_mode, **rules):
                found = ArgumentSpecValidator(argument_spec, **rules).validate(options)
                if found.error_messages:
                    raise Failure("; ".join(found.error_messages))
                self.params = found.validated_parameters

            def warn(self, text):
                pass

            def exit_json(self, **result):
                raise Ended(result)

            def fail_json(self, msg, **data):
                raise Failure(msg, **data)

        monkeypatch.setattr(OneModule, "face", Face)
        if calls is not None:
            monkeypatch.setattr(
                OneModule, "calls", property(lambda self: calls, lambda self, value: None), raising=False
            )
        with pytest.raises(Ended) as caught:
            module.main()
        return caught.value.args[0]

    return run


@pytest.fixture
def template(task):
    return task(one_service_template, name="shop", deployment="straight", roles=ROLES)


@pytest.fixture
def service(task, template):
    return task(one_service, name="shop1", template="shop", state="running")


@pytest.fixture
def failing(simulator):
    """failing("deploy:vm-*") makes a driver fail from now on; failing() makes none fail."""

    def rules(*wanted):
        simulator.cloud.events.failures[:] = [tuple(rule.split(":")) for rule in wanted]

    return rules


# ---------------------------------------------------------------- cost


def test_a_steady_service_costs_one_call_of_oneflow_and_none_of_oned(task, service):
    options = {"name": "shop1", "template": "shop", "state": "running", "roles": [{"name": "web", "cardinality": 1}]}
    options |= {"owner": "oneadmin", "group": "0", "mode": "600", "max_vms": None}
    options.pop("max_vms")
    calls: list = []
    assert not task(one_service, calls=calls, **options)["changed"]
    assert calls == ["GET /service"]


def test_a_service_of_a_large_cloud_is_found_in_one_call(task, service, simulator):
    calls: list = []
    task(one_service, calls=calls, id=service["id"], state="running")
    assert calls == [f"GET /service/{service['id']}"]


def test_check_mode_writes_nothing(task, template, one):
    before = [vm.ID for vm in one.vmpool.info(-2, -1, -1, -1).VM]
    found = task(one_service, check=True, name="shop1", template="shop", roles=[{"name": "web", "cardinality": 2}])
    assert found["changed"]
    assert [vm.ID for vm in one.vmpool.info(-2, -1, -1, -1).VM] == before
    assert task(one_service_info)["services"] == []


# ---------------------------------------------------------------- what was cut short


class Counted(list):
    """Calls, of which the last one allowed is the end of the process."""

    def __init__(self, allowed):
        super().__init__()
        self.allowed = allowed

    def append(self, call):
        if len(self) == self.allowed:
            raise Killed
        super().append(call)


def test_killed_at_each_call_the_next_run_goes_on_and_doubles_nothing(task, template, simulator, one):
    wanted = {"template": "shop", "state": "running", "mode": "640"}
    wanted["roles"] = [{"name": "web", "cardinality": 2}, {"name": "cache", "template": "tpl", "cardinality": 1}]
    allowed = finished = 0
    while not finished:
        name = f"shop-{allowed}"
        try:
            task(one_service, calls=Counted(allowed), name=name, **wanted)
            finished = allowed
        except Killed:
            allowed += 1
        found = task(one_service, calls=[], name=name, **wanted)
        assert [len(role["ids"]) for role in found["roles"]] == [1, 2, 1]
        assert not task(one_service, calls=[], name=name, **wanted)["changed"]
        assert [each["name"] for each in task(one_service_info, calls=[], name=name)["services"]] == [name]
        prefix = f"(service_{found['id']})"
        vms = [vm.NAME for vm in one.vmpool.info(-2, -1, -1, -1).VM if vm.NAME.endswith(prefix)]
        assert len(vms) == 4
    assert finished > 8


def test_killed_at_each_call_a_removal_goes_on(task, template):
    allowed = finished = 0
    while not finished:
        task(one_service, calls=[], name="shop1", template="shop", state="running")
        try:
            task(one_service, calls=Counted(allowed), name="shop1", state="absent")
            finished = allowed
        except Killed:
            allowed += 1
        task(one_service, calls=[], name="shop1", state="absent")
        assert task(one_service_info, calls=[])["services"] == []
    assert finished > 2


class Cut(list):
    """Calls; OneFlow is gone once the second one after `last` comes."""

    def __init__(self, last, stop):
        super().__init__()
        self.last, self.stop = last, stop

    def append(self, call):
        if self and self[-1].endswith(self.last):
            self.stop()
        super().append(call)


def hangs_up(*request):
    raise OSError


def test_oneflow_dies_while_a_role_is_scaled(task, service, monkeypatch):
    wanted = {"name": "shop1", "roles": [{"name": "web", "cardinality": 2}, {"name": "db", "cardinality": 2}]}
    with monkeypatch.context() as patch, pytest.raises(Failure, match="closed before the answer was complete"):
        dying = Cut("/scale", lambda: patch.setattr(server, "answer", hangs_up))
        task(one_service, calls=dying, api_retries=0, **wanted)
    found = task(one_service, calls=[], **wanted)
    assert [len(role["ids"]) for role in found["roles"]] == [2, 2]
    assert not task(one_service, calls=[], **wanted)["changed"]


# ---------------------------------------------------------------- failures


def test_a_vm_that_fails_fails_the_task_at_once_with_its_own_reason(task, template, failing):
    failing("deploy:vm-*")
    with pytest.raises(
        Failure, match=r"service shop1 has failed: it is in state FAILED_DEPLOYING; VM 0 of the role db: .+"
    ):
        task(one_service, name="shop1", template="shop", state="running")
    with pytest.raises(Failure, match="use state: recovered, or replace_failed: true"):
        task(one_service, name="shop1", state="running")
    failing()
    assert task(one_service, name="shop1", state="recovered")["state"] == "RUNNING"
    assert not task(one_service, name="shop1", state="recovered")["changed"]


def test_a_recovery_that_fails_again_fails_at_once(task, template, failing):
    failing("deploy:vm-*")
    with pytest.raises(Failure, match="FAILED_DEPLOYING"):
        task(one_service, name="shop1", template="shop")
    with pytest.raises(Failure, match=r"could not be recovered: .*VM 0 of the role db"):
        task(one_service, name="shop1", state="recovered")


def test_a_service_that_has_failed_is_made_anew(task, template, failing):
    failing("deploy:vm-*")
    with pytest.raises(Failure) as caught:
        task(one_service, name="shop1", template="shop")
    failing()
    options = {"name": "shop1", "template": "shop", "state": "running", "replace_failed": True}
    assert task(one_service, check=True, **options)["changed"]
    made = task(one_service, **options)
    assert (made["changed"], made["state"], made["id"] != caught.value.data["id"]) == (True, "RUNNING", True)
    assert not task(one_service, **options)["changed"]


def test_scaling_that_fails_names_the_vm(task, service, failing):
    failing("deploy:vm-2")
    with pytest.raises(Failure, match=r"FAILED_SCALING; VM 2 of the role web"):
        task(one_service, name="shop1", role="web", cardinality=2)
    failing()
    task(one_service, name="shop1", state="recovered")
    found = task(one_service, name="shop1", role="web", cardinality=2)
    assert (found["changed"], found["roles"][1]["ids"]) == (False, [1, 2])


def test_a_network_that_cannot_be_reserved(task, template, one):
    networks = {"private": {"reserve_from": "net", "size": 4711}}
    with pytest.raises(Failure, match=r"Cannot create service shop1: .*"):
        task(one_service, name="shop1", template="shop", networks=networks)
    with pytest.raises(Failure, match="private is reserved from another: give its size"):
        task(one_service, name="shop2", template="shop", networks={"private": {"reserve_from": "net"}})


def test_a_failed_service_can_be_removed(task, template, failing):
    failing("deploy:vm-*")
    with pytest.raises(Failure):
        task(one_service, name="shop1", template="shop")
    failing()
    assert task(one_service, name="shop1", state="absent")["changed"]
    assert not task(one_service, name="shop1", state="absent")["changed"]


def test_what_holds_a_service_up_is_named_when_time_is_over(task, template, one):
    one.host.status(0, 1)  # nowhere to go
    with pytest.raises(
        Failure, match=r"state DEPLOYING \(db is DEPLOYING; web is PENDING; VM 0 of the role db: .*dispatch"
    ):
        task(one_service, name="shop1", template="shop", state="running", wait_timeout=1)


def test_without_waiting_the_task_ends_at_once(task, template):
    found = task(one_service, name="shop1", template="shop", wait=False)
    assert found["changed"]
    assert task(one_service, name="shop1", state="running")["state"] == "RUNNING"
    assert task(one_service, name="shop1", role="web", cardinality=2, wait=False)["changed"]
    assert len(task(one_service, name="shop1", state="running")["roles"][1]["ids"]) == 2


def test_two_services_of_one_name_are_told(task, service, simulator):
    with OneFlow(simulator.flow_url, "oneadmin:opennebula") as client:
        twin = client.instantiate(0, name="shop1")
    with pytest.raises(Failure, match=rf"fits 2 services, with the ids {service['id']}, {twin.ID}: give the id"):
        task(one_service, name="shop1", state="running")


# ---------------------------------------------------------------- community.general


def test_a_playbook_of_community_general(task, template, simulator):
    options = {"api_url": simulator.flow_url, "flow_url": None}
    made = task(one_service, template_name="shop", unique=True, wait=True, wait_timeout=60, **options)
    assert (made["service_name"], made["state"], made["service_id"]) == ("shop", "RUNNING", made["id"])
    assert (made["owner_id"], made["owner_name"], made["group_id"], made["group_name"]) == (
        0,
        "oneadmin",
        0,
        "oneadmin",
    )
    assert {key: made["roles"][0][key] for key in ("name", "cardinality", "state", "ids")} == {
        "name": "db",
        "cardinality": 1,
        "state": "RUNNING",
        "ids": [0],
    }
    scaled = task(one_service, service_id=made["id"], role="web", cardinality=4, force=True, **options)
    assert len(scaled["roles"][1]["ids"]) == 4
    changed = task(one_service, service_name="shop", owner_id=0, group_id=0, mode="640", **options)
    assert changed["mode"] == "640"
    assert task(one_service, service_name="shop", state="absent", **options)["changed"]


def test_environment_of_community_general(task, template, simulator, monkeypatch):
    for name, value in (("URL", simulator.flow_url), ("USERNAME", "oneadmin"), ("PASSWORD", "opennebula")):
        monkeypatch.setenv(f"ONEFLOW_{name}", value)
    nothing = dict.fromkeys(("api_url", "flow_url", "api_username", "api_password"))
    assert task(one_service, template_name="shop", custom_attrs={}, **nothing)["service_name"] == "shop"


# ---------------------------------------------------------------- endpoints


@pytest.mark.parametrize(
    ("options", "urls", "named"),
    [
        ({"flow_url": "http://flow:1, http://flow:2"}, ["http://flow:1", "http://flow:2"], "flow_url or ONEFLOW_URL"),
        ({"api_url": "http://one:2633/RPC2"}, ["http://one:2474"], "port 2474 of the host of api_url"),
        ({"api_url": "https://one/RPC2"}, ["https://one:2474"], "port 2474 of the host of api_url"),
        ({"api_url": "http://[::1]:2633/RPC2"}, ["http://[::1]:2474"], "port 2474 of the host of api_url"),
        ({"api_url": "http://one:2474"}, ["http://one:2474"], "api_url"),
        ({"api_url": "https://one/oneflow"}, ["https://one/oneflow"], "api_url"),
        ({"api_url": "http://one:32474/"}, ["http://one:32474/"], "api_url"),
        ({"api_url": "http://one:2633"}, ["http://one:2474"], "port 2474 of the host of api_url"),
        ({"api_url": "http://one:12633/RPC2"}, ["http://one:2474"], "port 2474 of the host of api_url"),
    ],
)
def test_where_oneflow_is(options, urls, named):
    assert flow.flow_endpoint(options) == (urls, named)


def test_the_file_of_the_endpoint_comes_before_the_host_of_api_url(tmp_path):
    (tmp_path / ".one").mkdir()
    (tmp_path / ".one/oneflow_endpoint").write_text("http://flow:2474\n")
    assert flow.flow_endpoint({"api_url": "http://one:2633/RPC2"}) == (["http://flow:2474"], "~/.one/oneflow_endpoint")


def test_no_endpoint_at_all():
    with pytest.raises(Failure, match="give flow_url, or set ONEFLOW_URL"):
        flow.flow_endpoint({})


def test_an_endpoint_where_nobody_is_says_where_it_is_named(task):
    with pytest.raises(
        Failure, match=r"OneFlow \(flow_url or ONEFLOW_URL\): cannot reach http://127.0.0.1:1: .* Check flow_url"
    ):
        task(one_service, name="x", state="running", flow_url="http://127.0.0.1:1", api_retries=0)


def test_an_endpoint_that_is_none_of_oneflow(task, simulator):
    with pytest.raises(Failure, match="is the endpoint of OneFlow, such as"):
        task(one_service, name="x", state="running", flow_url=simulator.url)


# ---------------------------------------------------------------- what roles are made of


def test_vm_groups_networks_and_contents_of_roles(task, one):
    one.vmgroup.allocate({"NAME": "apart", "ROLE": {"NAME": "front", "POLICY": "ANTI_AFFINED"}})
    role = {"name": "web", "template": "tpl", "cardinality": 1, "networks": ["public"]}
    role |= {"vm_group": {"name": "apart", "role": "front"}, "template_contents": {"memory": 128}}
    task(one_service_template, name="shop", networks={"public": {"network": "net2"}}, roles=[role])
    options = {"name": "shop", "networks": {"public": {"network": "net2"}}, "roles": [role]}
    assert not task(one_service_template, **options)["changed"]
    made = task(one_service, name="shop1", template="shop", state="running")
    vm = one.vm.info(made["roles"][0]["ids"][0])
    assert vm.TEMPLATE["VMGROUP"]["ROLE"] == "front"
    assert vm.TEMPLATE["MEMORY"] == "128"
    assert vm.TEMPLATE["NIC"]["NETWORK"] == "net2"


def test_networks_of_a_service(task, template, one):
    task(one_service_template, name="shop", networks={"public": {"network": "net2"}}, roles=[])
    networks = {"public": {"reserve_from": "net", "size": 5}}
    made = task(one_service, name="shop1", template="shop", state="running", networks=networks)
    assert sorted(net.NAME for net in one.vnpool.info(-2, -1, -1).VNET) == ["net", "net2", f"public-{made['id']}"]
    assert task(one_service, name="shop1", state="absent")["changed"]
    assert sorted(net.NAME for net in one.vnpool.info(-2, -1, -1).VNET) == ["net", "net2"]


def test_no_secret_is_shown(task):
    inputs = {"DB_PASSWORD": "M|password|for the database"}
    role = {"name": "web", "template": "tpl", "template_contents": {"CONTEXT": {"PASSWORD": "hush"}}}
    options = {"user_inputs": inputs, "user_inputs_values": {"DB_PASSWORD": "hush"}, "roles": [role]}
    found = task(one_service_template, name="shop", **options)
    made = task(one_service, name="shop1", template="shop", user_inputs={"DB_PASSWORD": "hush"})
    with pytest.raises(Failure) as caught:
        task(one_service, name="shop1", user_inputs={"DB_PASSWORD": "other"})
    assert "hush" not in f"{found} {made} {caught.value} {caught.value.data}"
    assert "other" not in f"{caught.value} {caught.value.data}"


NAMES = st.sampled_from(["db", "app", "web"])
SETTINGS = st.fixed_dictionaries(
    {"name": NAMES, "template_id": st.integers(0, 3)},
    optional={
        "cardinality": st.integers(0, 3),
        "parents": st.lists(NAMES, max_size=2),
        "template_contents": st.dictionaries(st.sampled_from(["CPU", "NIC"]), st.sampled_from(["1", "2"])),
        "user_inputs_values": st.dictionaries(st.sampled_from("AB"), st.sampled_from("12")),
    },
)
ROLE_LISTS = st.lists(SETTINGS, max_size=3, unique_by=lambda role: role["name"])
PURGE = st.sampled_from([frozenset(), frozenset(["purge_roles"])])
MODES = st.builds(Modes, template=st.sampled_from(["merge", "replace"]), purge=PURGE)


@given(ROLE_LISTS, ROLE_LISTS, MODES)
def test_what_is_wanted_of_roles_is_there_afterwards_and_once_is_enough(present, wanted, modes):
    after = merged_roles(present, wanted, modes)
    assert merged_roles(after, wanted, modes) == after
    by_name = {role["name"]: role for role in after}
    for role in wanted:
        found = by_name[role["name"]]
        for key, value in role.items():
            assert found[key].items() >= value.items() if isinstance(value, dict) else found[key] == value
    names = {role["name"] for role in (wanted if modes.purge else present + wanted)}
    assert set(by_name) == names


# ---------------------------------------------------------------- pure


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.sampled_from("abcde"), max_size=2)))
def test_roles_are_deployed_or_it_is_told_why_not(parents):
    """As OneFlow does it: a role starts when all its parents run."""
    running: set = set()
    while True:
        ready = {name for name, wanted in parents.items() if name not in running and running.issuperset(wanted)}
        if not ready:
            break
        running |= ready
    why = undeployed([{"name": name, "parents": wanted} for name, wanted in parents.items()])
    assert (why is None) == (running == set(parents)), why


LINES = st.lists(st.sampled_from("abc"), max_size=6)


@given(LINES, LINES, st.integers(0, 6))
def test_what_a_log_tells_anew(before, new, forgotten):
    found = lines_since(before, (before + new)[min(forgotten, len(before)) :])
    assert "".join(new).endswith("".join(found))


def test_a_line_that_is_told_twice_is_new():
    assert lines_since(["a", "b"], ["a", "b", "b"]) == ["b"]
    assert lines_since(["a", "b"], ["b", "c"]) == ["c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "x", "role": "web"}, "parameters are required together: role, cardinality"),
        ({"name": "x", "role": "web", "cardinality": 1, "roles": []}, "mutually exclusive"),
        ({}, "one of the following is required: id, name, template"),
        ({"name": "x", "networks": {"a": {}}, "template": "shop"}, "The network a needs one of"),
        (
            {"name": "x", "networks": {"a": {"network": "net", "vlan": 1}}, "template": "shop"},
            "The network a has no vlan",
        ),
        ({"name": "x", "template": "shp"}, "There is no service template 'shp'; did you mean 'shop'"),
    ],
)
@pytest.mark.usefixtures("template")
def test_what_cannot_be(task, options, message):
    with pytest.raises(Failure, match=message):
        task(one_service, **options)


def test_a_check_run_changes_a_service_that_an_earlier_task_would_create(task, template):
    scaled = {"name": "soon", "roles": [{"name": "web", "cardinality": 2}]}
    planned = task(one_service, check=True, **scaled)
    assert planned["changed"]
    assert planned["diff"]["after"] == {"roles": [{"name": "web", "cardinality": 2}]}
    with pytest.raises(Failure, match="There is no service soon; to create it, give: template"):
        task(one_service, **scaled)
