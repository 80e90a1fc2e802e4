# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""one_vm: so many VMs, whatever happens."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import quota_refusals
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import Client, OneConnectionException, OneFlow

FLEET = {"name": "web-##", "exact_count": 3, "template": "tpl", "state": "running"}


def names(report):
    return sorted(vm["name"] for vm in report.record["instances"])


def test_a_fleet_in_five_acts(run, one):
    planned, calls = run(check=True, **FLEET)
    made, calls = run(**FLEET)
    assert (planned.changed, planned.before, planned.after) == (made.changed, made.before, made.after)
    assert names(made) == ["web-00", "web-01", "web-02"]
    assert {vm["status"] for vm in made.record["instances"]} == {"running"}
    assert len(calls) <= 3 + 7
    again, calls = run(**FLEET)
    assert not again.changed
    assert calls == ["one.vmpool.info", "one.vmpool.infoset"]
    shrunk = {"name": "web-##", "exact_count": 1}
    planned, calls = run(check=True, **shrunk)
    gone, calls = run(**shrunk)
    assert (planned.before, planned.after) == (gone.before, gone.after)
    assert names(gone) == ["web-00"]
    assert len(gone.record["removed_ids"]) == 2


def living(one):
    return sorted(vm.NAME for vm in one.vmpool.info(-2, -1, -1, -1).VM)


@pytest.mark.parametrize("template", ["tpl", None], ids=["template", "scratch"])
@pytest.mark.parametrize(
    "which",
    [
        {"name": "web-##"},
        {"count_labels": ["web"]},
        {"count_attributes": {"ROLE": "web", "PORT": 80}},
        {"count_attributes": {"name": "web-#", "role": "web"}},
        {"count_attributes": {"role": "web"}, "attributes": {"name": "node-#"}},
    ],
    ids=["names", "labels", "attributes", "both", "named otherwise"],
)
def test_eight_runs_at_once_end_with_the_exact_count(run, one, which, template):
    origin = {"template": "tpl"} if template else {"cpu": 0.1, "memory": "64"}
    task = dict(which, exact_count=3, state="running", **origin)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda dummy: run(**task)[0], range(8)))
    assert len(living(one)) == 3
    winners = {vm["id"] for vm in run(**task)[0].record["instances"]}
    assert all({vm["id"] for vm in report.record["instances"]} == winners for report in reports)
    assert not run(**task)[0].changed
    assert sum(len(report.record["created_ids"]) for report in reports) == 3


@pytest.mark.parametrize("hard", [False, True])
def test_surplus_vms_that_are_still_starting_are_terminated_too(run, one, simulator, hard):
    """OpenNebula refuses to terminate a VM in PROLOG or BOOT."""
    simulator.cloud.events.delay = 0.05
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda dummy: run(hard=hard, **FLEET), range(8)))
    assert living(one) == ["web-00", "web-01", "web-02"]
    assert not run(**FLEET)[0].changed


def test_eight_runs_at_once_of_one_vm_make_it_once(run, one):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda dummy: run(name="db", template="tpl", state="running"), range(8)))
    assert living(one) == ["db"]


def test_eight_runs_at_once_shrink_to_the_same_vms(run, one):
    run(**dict(FLEET, exact_count=8))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda dummy: run(name="web-##", exact_count=5, remove="lowest_index"), range(8)))
    assert living(one) == [f"web-{number:02}" for number in range(3, 8)]


class Killed(BaseException):
    """The controller dies."""


def kill(monkeypatch, run, position, carried_out, **task):
    """Runs a task that dies at a call, before it leaves or before the answer is heard; False: it had fewer calls."""
    original, calls = Client.call, itertools.count(1)

    def call(self, method, *arguments):
        last = next(calls) == position
        if last and not carried_out:
            raise Killed
        answer = original(self, method, *arguments)
        if last:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Client, "call", call)
        try:
            run(parallel=1, **task)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("task", [FLEET, dict(FLEET, name=None, count_labels=["web"])], ids=["names", "labels"])
def test_a_run_killed_at_any_call_is_made_good_by_the_next(run, one, monkeypatch, task, carried_out):
    position = 1
    while kill(monkeypatch, run, position, carried_out, **task):
        run(**task)
        assert len(living(one)) == 3
        run(**dict(task, exact_count=0))
        position += 1
    assert position > 6


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_change_killed_at_any_call_is_made_good_by_the_next(run, one, monkeypatch, carried_out):
    wanted = {"name": "db", "memory": "128", "labels": ["big"], "disks": [{"image": "data"}], "mode": "640"}
    task = dict(wanted, state="running", allow_poweroff=True)
    position = 1
    run(name="db", template="tpl", state="running")
    while kill(monkeypatch, run, position, carried_out, **task):
        report, dummy = run(**task)
        vm = report.record["instances"][0]
        assert (vm["status"], vm["memory"], vm["labels"], vm["mode"]) == ("running", "128 MB", ["big"], "640")
        assert len(vm["disks"]) == 2
        run(name="db", state="absent")
        run(name="db", template="tpl", state="running")
        position += 1
    assert position > 8


def test_a_lost_answer_is_looked_for_before_anything_is_asked_again(run, one, monkeypatch):
    original, lost = Client.call, []

    def call(self, method, *arguments):
        answer = original(self, method, *arguments)
        if method == "template.instantiate" and len(lost) < 2:
            lost.append(answer)
            error = OneConnectionException("the connection was closed before the answer was complete")
            error.sent = True
            raise error
        return answer

    monkeypatch.setattr(Client, "call", call)
    report, calls = run(**FLEET)
    assert (len(lost), calls.count("one.template.instantiate")) == (2, 3)
    assert living(one) == ["web-00", "web-01", "web-02"] == names(report)
    report, calls = run(count=2, template="tpl")
    assert len(report.record["created_ids"]) == 2


def test_a_request_that_was_lost_is_made_again(run, one, monkeypatch):
    original, lost = Client.call, []

    def call(self, method, *arguments):
        if method == "template.instantiate" and not lost:
            lost.append(method)
            error = OneConnectionException("the connection was closed before the answer was complete")
            error.sent = True
            raise error
        return original(self, method, *arguments)

    monkeypatch.setattr(Client, "call", call)
    run(**FLEET)
    assert living(one) == ["web-00", "web-01", "web-02"]


def test_a_copy_that_took_the_mark_with_it_is_no_twin(run, one, simulator):
    run(name=None, count_labels=["web"], exact_count=1, template="tpl")
    mark = one.vm.info(0).USER_TEMPLATE["ANSIBLE_REQUEST"]
    copy = one.template.instantiate(0, "copy", False, {"ANSIBLE_REQUEST": mark, "LABELS": "web"})
    simulator.cloud["VM"].get(copy).stime += 7200
    report, dummy = run(count_labels=["web"], exact_count=2)
    assert not report.changed
    assert len(living(one)) == 2


def test_vms_of_one_name_without_a_mark_are_refused(run, one):
    for dummy in range(2):
        one.template.instantiate(0, "web-00")
    with pytest.raises(Failure, match="Several VMs have the name 'web-00', with the ids 0 and 1"):
        run(**FLEET)
    with pytest.raises(Failure, match="Several VMs have the name 'web-00'"):
        run(name="web-00", state="poweredoff")
    assert run(id=1, state="absent")[0].changed
    assert living(one) == ["web-00"]


@pytest.mark.parametrize(
    ("remove", "left"),
    [
        ("newest", ["web-01", "web-02"]),
        ("oldest", ["web-00", "web-02"]),
        ("highest_index", ["web-00", "web-01"]),
        ("lowest_index", ["web-01", "web-02"]),
    ],
)
def test_who_goes_first(run, one, remove, left):
    for number in (1, 2, 0):
        one.template.instantiate(0, f"web-{number:02}")
    run(name="web-##", exact_count=2, remove=remove)
    assert living(one) == (["web-01", "web-02"] if remove == "newest" else left)


def test_locked_vms_never_go_and_few_enough_may(run, one):
    run(parallel=1, **FLEET)
    one.vm.lock(2, 1, False)
    with pytest.raises(Failure, match="2 VMs would be removed, but max_remove is 1"):
        run(name="web-##", exact_count=1, max_remove=1)
    run(name="web-##", exact_count=1)
    assert living(one) == ["web-02"]
    with pytest.raises(Failure, match="would have to be removed that are locked or protected: web-02 is locked"):
        run(name="web-##", exact_count=0)


def test_holes_are_filled(run, one):
    run(**dict(FLEET, exact_count=4))
    run(name="web-01", state="absent")
    report, dummy = run(**dict(FLEET, exact_count=4))
    assert report.after["vms"] == ["web-00", "web-01", "web-02", "web-03"]
    assert len(report.record["created_ids"]) == 1


def test_creation_costs_a_call_each_and_a_constant(run, one):
    few, many = (len(run(**dict(FLEET, name=name, exact_count=count))[1]) for name, count in (("a-#", 2), ("b-##", 20)))
    assert many - few == 18


def test_count_creates_at_least_so_many(run, one):
    run(name="web-#", count=2, template="tpl")
    assert not run(name="web-#", count=2, template="tpl")[0].changed
    run(name="web-#", count=1, template="tpl")
    assert living(one) == ["web-0", "web-1"]
    run(count=2, template="tpl")
    run(count=2, template="tpl")
    assert len(living(one)) == 6


# ---------------------------------------------------------------- what goes wrong


def fail(simulator, *rules):
    simulator.cloud.events.failures = [rule.split(":") for rule in rules]


def test_a_vm_that_fails_does_not_hide_the_others(run, one, simulator):
    fail(simulator, "deploy:vm-1")
    with pytest.raises(Failure) as caught:
        run(parallel=1, **FLEET)
    assert "1 of 3 VMs are not as wanted: VM web-01 has failed: " in caught.value.message
    assert "Error executing deploy" in caught.value.message
    data = caught.value.data
    assert [vm["status"] for vm in data["instances"]] == ["running", "failed", "running"]
    assert [(vm["id"], vm["name"]) for vm in data["failures"]] == [(1, "web-01")]
    assert data["created_ids"] == [0, 1, 2]
    for state in ("running", "present", "poweredoff"):
        for check in (True, False):
            with pytest.raises(Failure, match=r"VM web-01 has failed: .*executing deploy\. .*with one_vm_recover"):
                run(check=check, **dict(FLEET, state=state))
    with pytest.raises(Failure, match="1 of 3 VMs are not as wanted"):
        run(memory="128", allow_poweroff=True, **FLEET)
    assert [vm.TEMPLATE["MEMORY"] for vm in one.vmpool.infoset("0,1,2", True).VM] == ["128", "64", "128"]
    run(name="web-##", state="running", template="tpl", replace_failed=True, count=3, check=True)
    assert run(instance_ids=[1])[0].record["instances"][0]["error"]
    fail(simulator)
    report, dummy = run(memory="128", replace_failed=True, **FLEET)
    assert names(report) == ["web-00", "web-01", "web-02"]
    assert (report.record["created_ids"], report.record["removed_ids"]) == ([3], [1])
    assert not run(replace_failed=True, **FLEET)[0].changed


def test_eight_runs_at_once_replace_a_failed_vm_once(run, one, simulator):
    fail(simulator, "deploy:vm-1")
    with pytest.raises(Failure):
        run(**FLEET)
    fail(simulator)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda dummy: run(replace_failed=True, **FLEET), range(8)))
    assert living(one) == ["web-00", "web-01", "web-02"]


def test_a_vm_that_is_refused_does_not_hide_the_others(run, one, monkeypatch):
    """Another run takes an address after they were counted."""
    monkeypatch.setattr(quota_refusals, "refuse", lambda *dummy: None)
    one.vn.allocate('NAME="tiny" VN_MAD="dummy" BRIDGE="br9" AR=[TYPE="IP4",IP="10.9.0.1",SIZE="2"]', 0)
    with pytest.raises(Failure) as caught:
        run(networks=[{"network": "tiny"}], **FLEET)
    assert "1 of 3 VMs are not as wanted: Cannot create VM web-0" in caught.value.message
    assert len(caught.value.data["instances_ids"]) == 2
    assert {vm["status"] for vm in caught.value.data["instances"]} == {"running"}


@pytest.mark.parametrize("rule", ["prolog:vm-0", "deploy:vm-0"])
def test_one_vm_that_fails_says_why(run, one, simulator, rule):
    fail(simulator, rule)
    said = rf"VM db has failed: .* Error executing {rule[:6]}.* created, with id 0\. .*with one_vm_recover"
    with pytest.raises(Failure, match=said):
        run(name="db", template="tpl", state="running")


def test_capacity_that_runs_out_is_told_by_the_timeout(run, one):
    with pytest.raises(Failure) as caught:
        run(name="big", cpu=100, memory="64", state="running", timeout=0.02)
    assert "big is pending: " in caught.value.message
    assert "No host with enough capacity" in caught.value.message


def test_what_is_told_of_a_fleet_grows_with_its_failures_not_with_their_square(run, one):
    sizes = {}
    for number in (20, 40):
        with pytest.raises(Failure) as caught:
            run(name=f"big{number}-##", cpu=100, memory="64", exact_count=number, state="running", timeout=0.02)
        message, data = caught.value.message, caught.value.data
        reasons = [failure["reason"] for failure in data["failures"]]
        sizes[number] = sum(map(len, reasons))
        assert all(reason.count("is pending") == 1 for reason in reasons)
        assert all(failure["name"] in failure["reason"] for failure in data["failures"])
        assert message.count("is pending") == 10
        assert f"; and {number - 10} more. Give a longer wait_timeout" in message
        assert [vm["name"] for vm in data["instances"]] == [f"big{number}-{slot:02}" for slot in range(number)]
    assert sizes[40] == 2 * sizes[20]


def test_a_driver_that_cannot_power_off_is_told(run, one, simulator):
    run(name="db", template="tpl", state="running")
    fail(simulator, "shutdown:vm-0")
    with pytest.raises(Failure, match=r"VM db has failed: .*Error executing shutdown"):
        run(name="db", state="poweredoff")


def test_a_cloud_without_a_host_is_told_by_the_timeout(run, one):
    one.host.status(0, 2)
    with pytest.raises(Failure, match=r"db is pending: .*No hosts enabled to run VMs"):
        run(name="db", template="tpl", state="running", timeout=0.02)


def test_an_image_that_cannot_be_used_twice_is_told(run, one):
    one.image.persistent(1, True)
    with pytest.raises(Failure) as caught:
        run(name="db-#", exact_count=2, template="tpl", disks=[{"image": "data"}], state="running", parallel=1)
    assert "1 of 2 VMs are not as wanted: Cannot create VM db-1 from template tpl: " in caught.value.message
    assert [vm["name"] for vm in caught.value.data["instances"]] == ["db-0"]
    assert caught.value.data["failures"][0]["name"] == "db-1"


def test_a_quota_that_is_used_up_is_told(run, one):
    user = one.user.allocate("alice", "secret", "core", [])
    one.user.quota(user, 'VM=[VMS="2"]')
    one.template.chmod(0, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    one.image.chmod(0, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    one.vn.chmod(0, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    words = "Cannot create 3 VMs from template tpl: they need VMS 3 more, but user alice has a quota of 2 and uses 0."
    with pytest.raises(Failure, match=words):
        run(user="alice", **FLEET)
    assert living(one) == []


def test_a_new_vm_is_not_rebooted(run, one):
    calls = run(name="db", template="tpl", state="rebooted")[1]
    assert "one.vm.action" not in calls


def test_vms_of_one_name_on_purpose(run, one):
    """As attributes.name without numbers asks for in playbooks for community.general."""
    for count in ({"count": 2}, {"exact_count": 2, "count_attributes": {"name": "twin"}}):
        made, dummy = run(template="tpl", attributes={"name": "twin"}, **count)
        assert living(one) == ["twin", "twin"]
    assert not made.changed
    with pytest.raises(Failure, match=r"name is a pattern such as 'web-##'; 'web' has no single run of '#'"):
        run(template="tpl", name="web", exact_count=2)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "web_#_(service_0)", "exact_count": 0},
        {"name": "web_#_(service_0)", "exact_count": 2, "template": "tpl"},
        {"name": "web_0_(service_0)", "state": "absent"},
    ],
    ids=["fewer", "more", "absent"],
)
def test_vms_of_a_service_are_counted_by_oneflow(run, one, simulator, change):
    with OneFlow(simulator.flow_url, "oneadmin:opennebula") as flow:
        role = {"name": "web", "type": "vm", "template_id": 0, "cardinality": 1}
        template = flow.create({"name": "shop", "roles": [role]})
        service = flow.instantiate(template.ID)
    vm = one.vmpool.info(-2, -1, -1, -1).VM[0]
    one.vm.rename(vm.ID, "web_0_(service_0)")
    with pytest.raises(
        Failure, match=rf"belongs to the service {service.ID} .* one_service \(id: {service.ID}, role: web"
    ):
        run(**change)
    assert run(name="web_0_(service_0)", state="running")[0].record["instances"]
    one.document.delete(service.ID)
    run(**change)
    assert len(living(one)) != 1
