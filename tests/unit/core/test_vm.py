# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""one_vm: every state from every state, and every change in every state."""

from __future__ import annotations

import time

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import CONNECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.modules import one_vm

STATES = ("held", "running", "poweredoff", "suspended", "stopped", "undeployed")


def bring(run, state, **more):
    return run(name="db", template="tpl", state=state, **more)[0]


def only(report):
    (found,) = report.record["instances"]
    return found


@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("start", STATES)
def test_every_state_is_reached_from_every_state(run, one, start, wanted):
    assert only(bring(run, start))["status"] == start
    if wanted == "held" and start != "held":
        with pytest.raises(Failure, match=f"VM db is {start}: only a VM that was never deployed can be held"):
            run(name="db", state=wanted)
        return
    planned, dummy = run(check=True, name="db", state=wanted)
    done, dummy = run(name="db", state=wanted)
    assert (planned.changed, planned.before, planned.after) == (done.changed, done.before, done.after)
    assert planned.changed == (start != wanted)
    assert only(planned)["status"] == only(done)["status"] == wanted
    assert not run(name="db", state=wanted)[0].changed


@pytest.mark.parametrize("start", STATES)
def test_every_state_ends(run, one, start):
    bring(run, start)
    assert run(name="db", state="absent")[0].changed
    assert one.vmpool.info(-2, -1, -1, -1).VM == []
    again, calls = run(name="db", state="absent")
    assert not again.changed
    assert calls == ["one.vmpool.info"]


def test_a_reboot_is_a_change_each_time(run, one):
    bring(run, "running")
    for hard, action in ((False, "reboot"), (True, "reboot-hard")):
        report, calls = run(name="db", state="rebooted", hard=hard)
        assert report.changed
        assert one.vm.info(0).LCM_STATE == 3
        assert calls.count("one.vm.action") == 1, action
    run(name="db", state="poweredoff")
    assert only(run(name="db", state="rebooted")[0])["status"] == "running"


# ---------------------------------------------------------------- every change in every state

WORKS = {
    "attributes": ({"attributes": {"ROLE": "db"}}, STATES),
    "labels": ({"labels": ["a", "b"]}, STATES),
    "mode": ({"mode": "640"}, STATES),
    "lock": ({"lock": "admin"}, STATES),
    "cpu": ({"cpu": 0.5}, ("held", "running", "poweredoff", "undeployed")),
    "memory": ({"memory": "1 GB"}, ("held", "poweredoff", "undeployed")),
    "vcpu": ({"vcpu": 2}, ("held", "poweredoff", "undeployed")),
    "attach disk": ({"disks": [{"image": "data"}]}, ("running", "poweredoff")),
    "attach volatile disk": ({"disks": [{"type": "fs", "size": "1 GB"}]}, ("running", "poweredoff")),
    "grow disk": ({"disk_size": ["2 GB"]}, ("running", "poweredoff", "undeployed")),
    "attach NIC": ({"networks": [{"network": "net2"}]}, ("running", "poweredoff")),
    "change NIC": ({"networks": [{"network": "net", "inbound_avg_bw": 100}]}, STATES),
    "security group": ({"networks": [{"network": "net", "security_groups": ["web"]}]}, STATES),
    "attach alias": ({"nic_aliases": [{"network": "net", "parent": "NIC0"}]}, ("running", "poweredoff")),
    "boot order": ({"updateconf": {"OS": {"BOOT": "disk0"}}}, ("held", "running", "poweredoff", "undeployed")),
    "context": ({"context": {"COLOUR": "red"}}, ("held", "running", "poweredoff", "undeployed")),
    "backup settings": (
        {"updateconf": {"BACKUP_CONFIG": {"KEEP_LAST": 3}}},
        ("held", "running", "poweredoff", "undeployed"),
    ),
    "VM group": ({"vm_group": {"group": "group", "role": "web"}}, STATES),
}
NEEDS_POWEROFF = ("memory", "vcpu")


@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("what", WORKS)
def test_every_change_works_in_its_states_and_is_refused_in_the_others(run, one, what, start):
    one.secgroup.allocate('NAME="web" RULE=[PROTOCOL="ALL",RULE_TYPE="inbound"]')
    one.vmgroup.allocate('NAME="group" ROLE=[NAME="web"]')
    change, states = WORKS[what]
    bring(run, start)
    before = one.vm.info(0)
    if start not in states:
        for check in (True, False):
            expected = "has to be powered off" if start == "running" else "where this does not work"
            with pytest.raises(Failure, match=f"VM db (is {start}, )?{expected}"):
                run(check=check, name="db", **change)
        assert one.vm.info(0).to_xml() == before.to_xml()
        return
    planned, dummy = run(check=True, name="db", **change)
    done, dummy = run(name="db", **change)
    assert planned.changed
    assert (planned.before, planned.after) == (done.before, done.after)
    assert only(done)["status"] == start
    assert not run(name="db", **change)[0].changed


AT_ONCE = {  # what works where a VM does not rest, or not as it should
    "unknown": {"attributes", "labels", "mode", "lock", "VM group"},
    "failed": {"attributes", "labels", "mode", "lock", "VM group"},
    "pending": set(WORKS) - {name for name in WORKS if name.startswith(("attach", "grow"))},
}


@pytest.mark.parametrize("start", AT_ONCE)
@pytest.mark.parametrize("what", WORKS)
def test_every_change_of_a_vm_that_does_not_run_as_it_should(run, one, simulator, what, start):
    one.secgroup.allocate('NAME="web" RULE=[PROTOCOL="ALL",RULE_TYPE="inbound"]')
    one.vmgroup.allocate('NAME="group" ROLE=[NAME="web"]')
    if start == "pending":
        one.host.status(0, 2)
        one.template.instantiate(0, "db")
    else:
        bring(run, "running")
        simulator.cloud["VM"].get(0).lcm_state = {"unknown": 16, "failed": 36}[start]
    change, dummy = WORKS[what]
    before = one.vm.info(0)
    if what in AT_ONCE[start]:
        assert run(id=0, wait=False, **change)[0].changed
        assert not run(id=0, wait=False, **change)[0].changed
        assert (one.vm.info(0).STATE, one.vm.info(0).LCM_STATE) == (before.STATE, before.LCM_STATE)
        return
    expected = "Gave up waiting .*pending" if start == "pending" else "VM db (is|has to be powered off)"
    with pytest.raises(Failure, match=expected):
        run(id=0, timeout=0.02, **change)
    assert one.vm.info(0).TEMPLATE == before.TEMPLATE


def interrupt(one):
    """What a run leaves that dies while a VM is off for a change."""
    last = one.vm.info(0).HISTORY_RECORDS.HISTORY[-1]
    one.vm.update(0, {"ANSIBLE_POWER_CYCLE": last.SEQ}, 1)
    one.vm.action("poweroff", 0)


@pytest.mark.parametrize("wanted", [{"memory": "128"}, {"memory": "256"}, {"labels": ["web"]}, {}])
def test_an_interrupted_power_cycle_ends_with_the_vm_on(simulator, run, one, wanted):
    bring(run, "running", memory="128")
    interrupt(one)
    planned, dummy = run(check=True, name="db", **wanted)
    done, dummy = run(name="db", **wanted)
    assert planned.after == done.after
    assert (done.before["status"], done.after["status"]) == ("poweredoff", "running")
    assert only(done)["status"] == "running"
    assert not run(name="db", **wanted)[0].changed
    simulator.cloud.events.clock = lambda: time.time() + 5
    one.vm.action("poweroff", 0)  # somebody else, later
    assert only(run(name="db", **wanted)[0])["status"] == "poweredoff"


def test_an_interrupted_power_cycle_in_which_the_change_was_made_ends_with_the_vm_on(run, one):
    bring(run, "running")
    interrupt(one)
    one.vm.resize(0, {"MEMORY": 128}, False)
    assert only(run(name="db", memory="128")[0])["status"] == "running"


def test_an_interrupted_power_cycle_of_a_vm_that_somebody_has_moved_ends_with_the_vm_on(run, one):
    one.host.allocate("other", "dummy", "dummy", 0)
    one.hostpool.info()
    bring(run, "running")
    interrupt(one)
    one.vm.migrate(0, 1 - one.vm.info(0).HISTORY_RECORDS.HISTORY[-1].HID, False, False, -1, 0)
    assert only(run(name="db")[0])["status"] == "running"


def test_a_state_that_a_task_names_counts_after_an_interrupted_power_cycle(run, one):
    bring(run, "running")
    interrupt(one)
    assert only(run(name="db", state="poweredoff")[0])["status"] == "poweredoff"
    one.vm.update(0, {"ANSIBLE_POWER_CYCLE": "none"}, 1)
    assert only(run(name="db")[0])["status"] == "poweredoff", "a mark of somebody else is none"


def test_one_power_cycle_does_all_that_needs_it(run, one):
    bring(run, "running")
    wanted = {"memory": "1 GB", "vcpu": 2, "disks": [{"image": "data"}], "labels": ["big"]}
    with pytest.raises(Failure, match=r"resize vcpu to 2, memory to 1024\. Give allow_poweroff: true") as caught:
        run(name="db", **wanted)
    assert caught.value.data["need_poweroff"] == ["resize vcpu to 2, memory to 1024"]
    planned, dummy = run(check=True, name="db", allow_poweroff=True, **wanted)
    done, calls = run(name="db", allow_poweroff=True, **wanted)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert done.after["power_cycle"] == ["resize vcpu to 2, memory to 1024"]
    assert calls.count("one.vm.action") == 2
    assert (only(done)["status"], only(done)["memory"], only(done)["vcpu"]) == ("running", "1024 MB", 2)
    assert not run(name="db", **wanted)[0].changed


def test_a_vm_is_switched_on_again_when_a_change_fails_while_it_is_off(run, one):
    bring(run, "running")
    with pytest.raises(Failure, match="Not enough memory"):
        run(name="db", memory="1 TB", allow_poweroff=True)
    assert one.vm.info(0).LCM_STATE == 3


def test_a_lock_comes_last_and_goes_first(run, one):
    bring(run, "running")
    run(name="db", memory="1 GB", lock="use", allow_poweroff=True)
    assert one.vm.info(0).LOCK.LOCKED == 1
    done, dummy = run(name="db", memory="2 GB", lock="none", allow_poweroff=True)
    assert (only(done)["memory"], only(done)["lock"], only(done)["status"]) == ("2048 MB", "none", "running")


def test_what_is_wanted_off_needs_no_leave_for_it(run, one):
    bring(run, "running")
    done, calls = run(name="db", memory="1 GB", state="poweredoff")
    assert "power_cycle" not in done.after
    assert calls.count("one.vm.action") == 1
    done, calls = run(name="db", memory="2 GB", state="running")
    assert calls.count("one.vm.action") == 1
    assert only(done)["memory"] == "2048 MB"


def test_memory_is_hot_up_to_its_maximum(run, one):
    run(name="db", template="tpl", state="running", extra_template={"MEMORY_MAX": 512, "VCPU_MAX": 4})
    done, calls = run(name="db", memory="512", vcpu=4)
    assert "one.vm.action" not in calls
    assert (only(done)["memory"], only(done)["vcpu"]) == ("512 MB", 4)
    with pytest.raises(Failure, match="has to be powered off"):
        run(name="db", memory="1024")


def test_security_groups_change_in_place(run, one):
    group = one.secgroup.allocate('NAME="web" RULE=[PROTOCOL="ALL",RULE_TYPE="inbound"]')
    bring(run, "running")
    address = one.vm.info(0).TEMPLATE["NIC"][0]["IP"]
    dummy, calls = run(name="db", networks=[{"network": "net", "security_groups": ["web"]}])
    assert sorted(call for call in calls if "sg" in call) == ["one.vm.attachsg", "one.vm.detachsg"]
    nic = one.vm.info(0).TEMPLATE["NIC"][0]
    assert (nic["IP"], nic["SECURITY_GROUPS"]) == (address, str(group))


def test_what_is_not_wanted_is_detached_only_when_told(run, one):
    bring(run, "running", disks=[{"image": "data"}])
    wanted = {"disks": [{"image": "os"}], "networks": [{"network": "net2"}]}
    run(name="db", **wanted)
    assert len(one.vm.info(0).TEMPLATE["DISK"]) == len(one.vm.info(0).TEMPLATE["NIC"]) == 2
    run(name="db", purge_disks=True, purge_networks=True, **wanted)
    template = one.vm.info(0).TEMPLATE
    assert [disk["IMAGE"] for disk in template["DISK"]] == ["os"]
    assert [nic["NETWORK"] for nic in template["NIC"]] == ["net2"]


def test_a_disk_never_shrinks_and_a_nic_keeps_what_it_is(run, one):
    bring(run, "running")
    with pytest.raises(Failure, match="Disk 0 of VM db has 1024 MB and cannot shrink to 512 MB"):
        run(name="db", disk_size=["512"])
    with pytest.raises(Failure, match="NIC 0 of VM db cannot be changed in place: MODEL"):
        run(name="db", networks=[{"network": "net", "model": "e1000"}])
    with pytest.raises(Failure, match="VM db has no disk 7"):
        run(name="db", disks=[{"disk_id": 7, "size": "1 GB"}])


def test_sections_are_merged_and_never_wiped(run, one):
    bring(run, "running", context={"COLOUR": "red", "PASSWORD": "secret", "OTHER": "$NAME"})
    assert not bring(run, "running", context={"COLOUR": "red", "PASSWORD": "secret", "OTHER": "$NAME"}).changed
    run(name="db", context={"COLOUR": "blue"}, updateconf={"OS": {"BOOT": "disk0"}})
    template = one.vm.info(0).TEMPLATE
    assert (template["CONTEXT"]["COLOUR"], template["CONTEXT"]["HOSTNAME"]) == ("blue", "db")
    assert template["CONTEXT"]["NETWORK"] == "YES"
    assert template["OS"]["UUID"]


# ---------------------------------------------------------------- birth


def test_a_vm_from_scratch_has_all_that_is_wanted(run, one):
    one.vmgroup.allocate('NAME="group" ROLE=[NAME="web"]')
    task = {
        "name": "db",
        "state": "running",
        "cpu": 0.5,
        "vcpu": 2,
        "memory": "512",
        "disks": [{"image": "os"}, {"type": "swap", "size": "1 GB"}],
        "networks": [{"network": "net", "ip": "10.0.0.20"}],
        "nic_aliases": [{"network": "net2", "parent": "NIC0"}],
        "updateconf": {"OS": {"BOOT": "disk0"}, "GRAPHICS": {"TYPE": "VNC", "LISTEN": "127.0.0.1"}},
        "context": {"NETWORK": True},
        "attributes": {"ROLE": "db"},
        "labels": ["production"],
        "vm_group": {"group": "group", "role": "web"},
        "extra_template": {"VCPU_MAX": 4},
        "mode": "640",
    }
    planned, dummy = run(check=True, **task)
    made, calls = run(**task)
    assert (planned.before, planned.after) == (made.before, made.after)
    assert "one.vm.allocate" in calls
    assert not run(**task)[0].changed
    vm = only(made)
    assert (vm["cpu"], vm["vcpu"], vm["memory"], vm["mode"]) == (0.5, 2, "512 MB", "640")
    assert vm["networks"][0]["ip"] == "10.0.0.20"
    assert [alias["name"] for alias in vm["nic_aliases"]] == ["net2"]
    assert vm["attributes"]["ROLE"] == "db"


def test_a_new_vm_keeps_what_its_template_has(run, one):
    made, dummy = run(
        name="db", template="tpl", disks=[{"image": "data"}], context={"COLOUR": "red"}, disk_size=None, state="running"
    )
    template = one.vm.info(0).TEMPLATE
    assert [disk["IMAGE"] for disk in template["DISK"]] == ["os", "data"]
    assert (template["CONTEXT"]["HOSTNAME"], template["CONTEXT"]["COLOUR"]) == ("db", "red")
    assert only(made)["template_id"] == 0


def test_sizes_of_the_disks_of_a_template(run, one):
    task = {"name": "db", "template": "tpl", "disk_size": ["2 GB"], "state": "running"}
    assert only(run(**task)[0])["disk_size"] == ["2048 MB"]
    assert not run(**task)[0].changed
    with pytest.raises(Failure, match="VM template has 1 disks, but the task names disk 1"):
        run(name="other", template="tpl", disk_size=["2 GB", "1 GB"])


def test_what_is_needed_to_create_is_said_in_check_runs_too(run, one):
    for check in (True, False):
        with pytest.raises(Failure, match="There is no VM db; to create it, give: template, or cpu and memory"):
            run(check=check, name="db", state="poweredoff")
        with pytest.raises(Failure, match="There is no VM with id 7"):
            run(check=check, id=7, state="running")
    with pytest.raises(Failure, match="Say which VMs"):
        run(state="running")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"memory": "4 apples"}, "The option memory takes a size such as 4096 .MB., 512 MB or 4 GB, not '4 apples'"),
        ({"memory": "0.3"}, "The option memory takes a size"),
        ({"cpu": 0}, "The option cpu takes a number greater than 0"),
        ({"disks": [{"size": "1 GB"}]}, "Each of the option disks is a dictionary with one of IMAGE, "),
        ({"networks": [{}]}, "Each of the option networks is a dictionary with one of NETWORK, "),
        ({"disks": [{"image": "dato"}]}, "There is no image 'dato'; did you mean 'data'"),
        ({"networks": [{"network": "nett"}]}, "There is no virtual network 'nett'; did you mean"),
        ({"updateconf": {"DISK": {"SIZE": 1}}}, "The option updateconf takes the sections OS, .* DISK is not one"),
        ({"updateconf": {"OS": "disk0"}}, "OS is not one"),
        ({"attributes": {"MEMORY": 4}}, "MEMORY belongs to the VM template"),
        ({"labels": ["a,b"]}, "A label has no comma"),
        ({"mode": "abc"}, "permissions are three octal digits"),
        ({"exact_count": -1}, "There cannot be -1 VMs"),
        ({"vm_group": {"group": "none", "role": "web"}}, "There is no VM group 'none'"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_changes_nothing(run, one, bad, said):
    bring(run, "running")
    before = one.vm.info(0).to_xml()
    name = "db-#" if "exact_count" in bad else "db"
    with pytest.raises(Failure, match=said):
        run(name=name, **bad)
    assert one.vm.info(0).to_xml() == before


# ---------------------------------------------------------------- waiting


def test_waiting_for_the_guest_and_for_an_address(run, one, simulator):
    with pytest.raises(Failure, match=r"Gave up waiting .*db is running \(no READY from the guest\)"):
        run(name="db", template="tpl", state="running", wait_ready=True, timeout=0.02)
    one.vm.update(0, {"READY": "YES"}, 1)
    run(name="db", template="tpl", state="running", wait_ready=True, wait_network="net")
    with pytest.raises(Failure, match=r"\(no address on network net2\)"):
        run(name="db", wait_network="net2", timeout=0.02)


def test_without_waiting_the_last_action_is_only_asked_for(run, one, simulator):
    bring(run, "running")
    simulator.cloud.events.delay = 5
    report, calls = run(name="db", state="poweredoff", wait=False)
    assert calls.count("one.vm.action") == 1
    assert report.changed
    assert only(report)["lcm_state"] == "SHUTDOWN_POWEROFF"


# ---------------------------------------------------------------- as community.general has it


def test_playbooks_for_community_general(run, one):
    made, dummy = run(
        template_name="tpl",
        attributes={"name": "foo-##", "app": "shop"},
        labels=["web", "prod"],
        count_attributes={"app": "shop"},
        exact_count=2,
        memory="128 MB",
        networks=[{"NETWORK_ID": 0}],
    )
    assert sorted(vm["vm_name"] for vm in made.record["tagged_instances"]) == ["foo-00", "foo-01"]
    vm = made.record["instances"][0]
    assert (vm["state"], vm["lcm_state"], vm["memory"], vm["owner_name"]) == ("ACTIVE", "RUNNING", "128 MB", "oneadmin")
    assert sorted(vm["labels"]) == ["prod", "web"]
    assert vm["networks"][0]["security_groups"] == "0"
    ids = made.record["instances_ids"]
    found, dummy = run(attributes={"app": "shop"}, labels=["web"])
    assert found.record["instances_ids"] == ids
    assert not found.changed
    assert [vm["status"] for vm in run(instance_ids=ids, state="poweredoff")[0].record["instances"]] == [
        "poweredoff"
    ] * 2
    assert run(labels=["web"], state="running")[0].changed
    assert run(instance_ids=ids, mode="640", owner_id=0, group_id=1)[0].changed
    assert run(attributes={"APP": "shop"}, update_attributes={"color": "red"})[0].changed
    assert one.vm.info(ids[0]).USER_TEMPLATE["COLOR"] == "red"
    run(instance_ids=ids[:1], state="poweredoff", hard=True)
    saved, dummy = run(instance_ids=ids[:1], disk_saveas={"name": "gold"})
    assert saved.changed
    assert not run(instance_ids=ids[:1], disk_saveas={"name": "gold"})[0].changed
    assert run(instance_ids=ids, state="absent")[0].changed
    assert not run(instance_ids=ids, state="absent")[0].changed


def test_numbers_and_booleans_in_filters_are_those_of_opennebula(run, one):
    one.template.instantiate(0, "a", False, {"PORT": "80", "DEBUG": "YES", "RATIO": "1.0"})
    one.template.instantiate(0, "b", False, {"PORT": "8080"})
    for criteria in ({"port": 80}, {"debug": True}, {"ratio": 1}, {"DEBUG": None}, {"name": "a"}):
        assert run(attributes=criteria)[0].record["instances_ids"] == [0], criteria


OPTIONS_OF_COMMUNITY_GENERAL = (
    "api_url api_username api_password template_name template_id vm_start_on_hold instance_ids ids state hard wait "
    "wait_timeout attributes labels count_attributes count_labels count exact_count mode owner_id group_id memory "
    "disk_size cpu vcpu networks disk_saveas persistent datastore_id datastore_name updateconf update_attributes"
).split()
FIELDS_OF_COMMUNITY_GENERAL = (
    "template_id vm_id vm_name state lcm_state owner_id owner_name group_id group_name networks disk_size memory vcpu "
    "cpu uptime_h labels attributes mode updateconf"
).split()


def test_options_and_fields_of_community_general(run, one):
    known = set(CONNECTION) | set(one_vm.OPTIONS)
    known.update(alias for spec in one_vm.OPTIONS.values() for alias in spec.get("aliases", ()))
    assert set(OPTIONS_OF_COMMUNITY_GENERAL) <= known
    assert set(FIELDS_OF_COMMUNITY_GENERAL) <= set(only(bring(run, "running")))


@pytest.mark.parametrize("option", ["attributes", "update_attributes", "context"])
def test_a_fault_names_the_option_that_has_it(run, option):
    with pytest.raises(Failure, match=f"^Cannot use the option {option}: the member B of the vector (A|CONTEXT) "):
        run(
            name="db",
            template="tpl",
            check=True,
            **{option: {"A": {"B": {"C": 1}}} if option != "context" else {"B": {"C": 1}}},
        )
