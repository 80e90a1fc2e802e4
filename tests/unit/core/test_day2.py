# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is done with VMs that live, on drivers that work and on drivers that fail."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine, plan
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import (
    backups,
    guest_exec,
    recovery,
    schedules,
    snapshots,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.state_names import lcm_name
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.states import ANYWHERE, status
from opennebula_simulator.cloud import METHODS

ERROR = 5  # STATE of an image
READY, LOCKED = 1, 4  # states of an image
MODULES = "ansible_collections.privazio.opennebula.plugins.modules."


class Quick(Clock):
    """Waits a hundred times less."""

    def sleep(self, seconds):
        super().sleep(seconds / 100)


@pytest.fixture
def vm(one):
    """Id of a VM that runs, called db; there are a second host and a datastore for backups."""
    oid = one.template.instantiate(0, "db")
    one.vmpool.info(-2, -1, -1, -1)  # lets the scheduler and the driver do their work
    one.host.allocate("other", "dummy", "dummy", 0)
    one.datastore.allocate('NAME="vault" TYPE="BACKUP_DS" DS_MAD="dummy" TM_MAD="-"', 0)
    one.hostpool.info()
    return oid


@pytest.fixture
def do(simulator, vm):
    """do(module, …options) → (Report, names of the calls); check=True only plans."""

    def task(act, check=False, timeout=10, **given):
        calls = []
        own = importlib.import_module(MODULES + act)
        options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
        client = connect(options, read_only=check, on_call=calls.append)
        cloud = Cloud(client, timeout, [].append if check else None, Quick())
        params = {option: spec.get("default") for option, spec in own.OPTIONS.items()}
        assert set(given) <= set(params)
        params.update({"name": "db"}, **given)
        module = SimpleNamespace(params=params, applies=not check, engine=engine(params, check))
        return WORK[act](own, module, cloud), calls

    return task


def engine(params, check):
    return lambda cloud, resource: Engine(cloud, resource, Modes(), not check, params.get("wait", True))


def backed_up(own, module, cloud):
    return own.STATES[module.params["state"]](module, cloud, own.find_vm(cloud, module.params))


def converged(own, module, cloud):
    return own.converge(module, cloud)


WORK = {
    "one_vm_schedule": converged,
    "one_vm_snapshot": converged,
    "one_vm_backup": backed_up,
    "one_vm_migrate": lambda own, module, cloud: own.migrated(module, cloud),
    "one_vm_recover": converged,
    "one_vm_disk": converged,
    "one_vm_exec": converged,
}

# module, options, what of the drivers fails, what the task says then
ACTS = [
    ("one_vm_snapshot", {"snapshot": "a"}, "snapshot_create:vm-*", "Error creating new VM Snapshot"),
    ("one_vm_snapshot", {"snapshot": "a", "disk": 0}, "snap_create:vm-*", "Error creating new disk snapshot"),
    ("one_vm_backup", {"datastore": "vault"}, "backup:vm-*", "Error creating VM backup"),
    ("one_vm_migrate", {"host": "other"}, "migrate:vm-*", "VM db has failed: .*igrat"),
    ("one_vm_migrate", {"host": "other", "how": "save"}, "save:vm-*", "VM db has failed: "),
    ("one_vm_disk", {"image": "golden"}, "cpds:vm-*", "The image golden has failed: |VM db has failed: "),
]


@pytest.mark.parametrize(("name", "given", "fault", "said"), ACTS)
def test_what_is_planned_is_done_once(do, name, given, fault, said):
    planned = do(name, check=True, **given)[0]
    report = do(name, **given)[0]
    assert planned.changed
    assert (report.before, report.after) == (planned.before, planned.after)
    if name != "one_vm_backup":
        assert not do(name, **given)[0].changed


@pytest.mark.parametrize(("name", "given", "fault", "said"), ACTS)
def test_drivers_that_fail_are_told(simulator, one, do, vm, name, given, fault, said):
    simulator.cloud.events.failures = [tuple(fault.split(":"))]
    with pytest.raises(Failure, match=said) as caught:
        do(name, **given)
    assert caught.value.data["object"] in ("vm", "image")
    simulator.cloud.events.failures = []
    assert status(one.vm.info(vm)) == "running"


@pytest.mark.parametrize(("name", "given", "fault", "said"), ACTS)
def test_what_is_not_waited_for_is_asked_for_once(one, do, vm, name, given, fault, said):
    report, calls = do(name, wait=False, **given)
    writes = [call for call in calls if ".info" not in call and "infoset" not in call]
    assert report.changed
    assert len(writes) == 1


# ---------------------------------------------------------------- schedules


def test_what_is_scheduled_after_the_start_is_found_again(one, do, vm):
    given = {"schedules": [{"action": "terminate", "time": "+864000"}]}
    assert do("one_vm_schedule", **given)[0].changed
    assert not do("one_vm_schedule", **given)[0].changed
    action = one.vm.info(vm).TEMPLATE["SCHED_ACTION"]
    action = action[0] if isinstance(action, list) else action
    assert int(action["TIME"]) == one.vm.info(vm).STIME + 864000


@pytest.mark.parametrize(
    ("moment", "expected"), [("12", "12"), (" +60", "1060"), ("2026-12-01 02:00", "2026-12-01 02:00")]
)
def test_times_after_the_start_are_absolute(moment, expected):
    item = SimpleNamespace(STIME=1000)
    assert schedules.absolute(item, [{"action": "stop", "time": moment}]) == [{"action": "stop", "time": expected}]


# ---------------------------------------------------------------- snapshots


def machine(*names):
    """A VM with snapshots of these names, the oldest first."""
    vectors = [{"SNAPSHOT_ID": str(number), "NAME": name} for number, name in enumerate(names)]
    return SimpleNamespace(ID=3, NAME="db", TEMPLATE={"SNAPSHOT": vectors}, SNAPSHOTS=[])


def planned(item, **params):
    """The Plan for the snapshots of a VM, without what only waits."""
    resource = snapshots.vm_snapshots(None)
    record = dict(resource.read(None, item), id=item.ID, name=item.NAME)
    found = plan(resource, record, resource.values(params), Modes())
    return found._replace(steps=[step for step in found.steps if step.method])


SNAPSHOTS = [  # state, name, keep, what there is, what there would be, what is done
    ("present", "c", None, ["a", "b"], ["a", "b", "c"], ["take snapshot c"]),
    ("present", "b", None, ["a", "b"], ["a", "b"], []),
    ("present", "c", 2, ["a", "b"], ["b", "c"], ["take snapshot c", "delete snapshot a"]),
    ("present", "a", 1, ["a", "b", "c"], ["c"], ["delete snapshot a", "delete snapshot b"]),
    ("present", None, 1, ["a", "b"], ["b"], ["delete snapshot a"]),
    ("present", None, 3, ["a", "b"], ["a", "b"], []),
    ("absent", "a", None, ["a", "b", "a"], ["b"], ["delete snapshot a", "delete snapshot a"]),
    ("absent", "c", None, ["a"], ["a"], []),
    ("reverted", "a", None, ["a", "b"], ["a", "b"], ["revert to snapshot a"]),
]


@pytest.mark.parametrize(("state", "name", "keep", "present", "after", "whats"), SNAPSHOTS)
def test_snapshots_are_planned(state, name, keep, present, after, whats):
    found = planned(machine(*present), state=state, snapshot=name, keep=keep)
    left = found.after.get("snapshots", [{"name": one} for one in present])
    assert [one["name"] for one in left] == after
    assert [step.what for step in found.steps] == whats


def test_there_is_nothing_to_go_back_to():
    with pytest.raises(Failure, match=r"VM db has no snapshot c\. There is: a, b\."):
        planned(machine("a", "b"), state="reverted", snapshot="c", keep=None)


# ---------------------------------------------------------------- backups

AGES = [  # max_age, when the backup was begun, when its increments, whether another is due at 1000
    (None, 999, (), True),
    (100, 950, (), False),
    (100, 850, (), True),
    (100, 850, ("860", "990"), False),
    (100, 850, ("860",), True),
]


@pytest.mark.parametrize(("max_age", "began", "increments", "expected"), AGES)
def test_a_backup_is_due_when_the_last_one_is_old(max_age, began, increments, expected):
    parts = SimpleNamespace(INCREMENT=[SimpleNamespace(DATE=moment) for moment in increments])
    image, clock = SimpleNamespace(REGTIME=began, BACKUP_INCREMENTS=parts), SimpleNamespace(time=lambda: 1000)
    cloud = SimpleNamespace(info=lambda kind, oid: image, clock=clock)
    item = SimpleNamespace(BACKUPS=SimpleNamespace(BACKUP_IDS=SimpleNamespace(ID=[4, 7])))
    assert backups.due(cloud, item, max_age) is expected


def test_settings_that_are_not_stored_are_told(do):
    with pytest.raises(Failure, match=r"change of VM db, but did not store: settings \(MODE"):
        do("one_vm_backup", state="configured", backup_mode="increment")  # its disk cannot tell what changed


MADE = {None: [0, 0], 0: [0]}  # disk: ids that OpenNebula answers; image 0 is there


@pytest.mark.parametrize("disk", MADE)
def test_images_that_are_made_of_a_backup_are_waited_for(simulator, one, do, monkeypatch, disk):
    do("one_vm_backup", datastore="vault")
    monkeypatch.setattr(backups, "copy", lambda *arguments: MADE[disk])
    report, calls = do("one_vm_backup", state="restored", restore_as="copy", restore_datastore="default", disk=disk)
    assert report.record["restored_ids"] == MADE[disk]
    assert calls[-1] == "one.image.info"
    simulator.cloud["IMAGE"].get(0).state = ERROR
    with pytest.raises(Failure, match="The image os has failed"):
        do("one_vm_backup", state="restored", restore_as="copy", restore_datastore="default", disk=disk)


# ---------------------------------------------------------------- places


def test_a_vm_moves_to_another_datastore_once(one, do, vm):
    oid = one.datastore.allocate('NAME="fast" TYPE="SYSTEM_DS" TM_MAD="dummy"', 0)
    planned = do("one_vm_migrate", datastore="fast", how="save", check=True)[0]
    report = do("one_vm_migrate", datastore="fast", how="save")[0]
    assert (report.before, report.after) == (planned.before, planned.after)
    assert report.after["datastore"] == "fast"
    assert oid == one.vm.info(vm).HISTORY_RECORDS.HISTORY[-1].DS_ID
    assert not do("one_vm_migrate", datastore=str(oid), how="save")[0].changed


def test_a_vm_stays_in_the_cluster_where_it_may_be(one, do, vm):
    cluster = one.cluster.allocate("east")
    one.cluster.adddatastore(cluster, 0)
    one.host.allocate("far", "dummy", "dummy", cluster)
    one.cluster.addvnet(cluster, 0)
    one.cluster.adddatastore(cluster, 1)
    one.hostpool.info()
    with pytest.raises(Failure, match="requires to be placed on cluster"):
        do("one_vm_migrate", cluster="east")  # a VM stays in the clusters where it was born
    assert not do("one_vm_migrate", cluster="default")[0].changed


@pytest.mark.parametrize(("given", "said"), [({}, "Say where to"), ({"how": "resched", "host": "other"}, "goes with")])
def test_a_move_needs_a_place(do, given, said):
    with pytest.raises(Failure, match=said):
        do("one_vm_migrate", **given)


# ---------------------------------------------------------------- disks


def test_an_image_that_is_being_saved_is_waited_for_and_not_saved_again(simulator, one, do, vm):
    events = simulator.cloud.events
    events.delay = 0.2
    asked = do("one_vm_disk", image="golden", wait=False)[0]
    assert one.image.info(asked.record["image_id"]).STATE == LOCKED
    report, calls = do("one_vm_disk", image="golden")
    assert (report.changed, report.record["image_id"]) == (False, asked.record["image_id"])
    assert "one.vm.disksaveas" not in calls
    assert one.image.info(asked.record["image_id"]).STATE == READY


def test_an_image_that_could_not_be_saved_is_not_taken_for_one(simulator, do, vm):
    simulator.cloud.events.failures = [("cpds", "vm-*")]
    for dummy in range(2):
        with pytest.raises(Failure, match=r"failed: .*Error saving"):
            do("one_vm_disk", image="golden")


@pytest.mark.parametrize("check", [True, False])
def test_a_snapshot_that_is_not_there_is_not_saved(do, vm, check):
    with pytest.raises(Failure, match=r"Disk 0 of VM db has no snapshot 7\."):
        do("one_vm_disk", check=check, image="golden", snapshot=7)


# ---------------------------------------------------------------- recovery

NEEDS = {  # operation: states of VMs that need it, and those that it can be forced on
    "retry": ({"failed", "moved in vain"}, {"changing"}),
    "success": ({"failed", "moved in vain"}, {"changing", "unknown"}),
    "failure": ({"moved in vain"}, {"changing"}),
    "delete": ({"failed", "moved in vain"}, ANYWHERE - {"done"}),
    "recreate": ({"failed", "moved in vain"}, ANYWHERE - {"done"}),
    "delete_db": ({"failed", "moved in vain"}, ANYWHERE - {"done"}),
}
NUMBERS = {
    "pending": (1, 0),
    "running": (3, 3),
    "failed": (3, 36),
    "moved in vain": (3, 38),
    "unknown": (3, 16),
    "changing": (3, 1),
    "done": (6, 0),
}


@pytest.mark.parametrize("operation", NEEDS)
@pytest.mark.parametrize("state", NUMBERS)
def test_only_vms_that_need_it_are_recovered(operation, state):
    item = SimpleNamespace(STATE=NUMBERS[state][0], LCM_STATE=NUMBERS[state][1])
    needed, possible = NEEDS[operation]
    assert recovery.needs(item, operation, force=False) is (state in needed)
    assert recovery.needs(item, operation, force=True) is (state in needed | possible)


@pytest.fixture
def broken(simulator, one, vm):
    """Id of a VM, called bad, that could not be started; drivers work again."""
    simulator.cloud.events.failures = [("deploy", "vm-*")]
    oid = one.template.instantiate(0, "bad")
    one.vmpool.info(-2, -1, -1, -1)
    assert status(one.vm.info(oid)) == "failed"
    simulator.cloud.events.failures = []
    return oid


RECOVERIES = {
    "retry": "running",
    "success": "running",
    "recreate": "running",
    "delete": "done",
    "delete_db": "done",
}


@pytest.mark.parametrize("operation", RECOVERIES)
def test_a_failed_vm_is_recovered_once(one, do, broken, operation):
    planned = do("one_vm_recover", check=True, name="bad", operation=operation)[0]
    report = do("one_vm_recover", name="bad", operation=operation)[0]
    assert planned.changed
    assert report.changed
    assert (report.before, report.after) == (planned.before, planned.after)
    assert report.record["status"] == RECOVERIES[operation]
    assert not do("one_vm_recover", name=None, id=broken, operation=operation)[0].changed


def test_a_vm_that_fails_again_is_told(simulator, do, broken):
    simulator.cloud.events.failures = [("deploy", "vm-*")]
    with pytest.raises(Failure, match="VM bad has failed: "):
        do("one_vm_recover", name="bad", operation="retry")
    simulator.cloud.events.failures = []


def test_a_failure_is_one_already(do, broken):
    report, calls = do("one_vm_recover", name="bad", operation="failure")
    assert (report.changed, report.record["status"]) == (False, "failed")
    assert "one.vm.recover" not in calls


@pytest.mark.parametrize(("operation", "end"), [("failure", "running"), ("success", "poweredoff")])
def test_a_vm_that_is_stuck_is_recovered_by_force(simulator, one, do, vm, operation, end):
    simulator.cloud.events.delay = 3600
    one.vm.action("poweroff", vm)
    assert not do("one_vm_recover", operation=operation)[0].changed
    report = do("one_vm_recover", operation=operation, force=True)[0]
    assert (report.changed, report.record["status"]) == (True, end)


def test_what_stays_stuck_is_told(simulator, one, do, vm):
    simulator.cloud.events.delay = 3600
    one.vm.action("poweroff", vm)
    with pytest.raises(Failure, match=r"Gave up waiting after 0\.05 s: VM db is changing\.") as caught:
        do("one_vm_recover", operation="retry", force=True, timeout=0.05)
    assert caught.value.data["id"] == vm


@pytest.mark.parametrize("word", ["PROLOG_MIGRATE_FAILURE", "PROLOG_MIGRATE_POWEROFF_FAILURE"])
def test_what_could_not_be_moved_goes_back(simulator, one, do, vm, word):
    if word != "PROLOG_MIGRATE_FAILURE":
        one.vm.action("poweroff-hard", vm)
    simulator.cloud.events.failures = [("prolog", "vm-*")]
    one.vm.migrate(vm, 1, False, False, -1, 0)
    assert lcm_name(one.vm.info(vm)) == word
    simulator.cloud.events.failures = []
    report = do("one_vm_recover", operation="failure")[0]
    assert report.changed
    assert report.record["status"] == ("running" if word == "PROLOG_MIGRATE_FAILURE" else "poweredoff")


class Steps(Clock):
    """Each sleep takes 0.4 seconds, and no time."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += 0.4


def recovered(*numbers):
    """LCM_STATE of the look at which a VM that had failed to boot is taken for recovered, and their number."""
    seen = [
        SimpleNamespace(ID=0, NAME="db", STATE=3, LCM_STATE=lcm, USER_TEMPLATE={}, HISTORY_RECORDS=None)
        for lcm in numbers
    ]
    looks = iter(seen)
    cloud = Cloud(None, clock=Steps())
    cloud.call = lambda *arguments, **data: None
    cloud.info = lambda kind, oid: next(looks)
    found = recovery.recover(cloud, SimpleNamespace(**vars(seen[0])), "failure", waits=True)
    return found.LCM_STATE, len(seen) - len(list(looks))


def test_what_is_only_triggered_is_waited_for():
    assert recovered(36, 36, 2, 3, 3) == (3, 4)  # BOOT_FAILURE for a while, BOOT, RUNNING
    assert recovered(36, 36, 36, 36, 36) == (36, 4), "after a second"


# ---------------------------------------------------------------- commands


@pytest.fixture
def guest(one):
    """Id of a VM, called talker, whose guest has an agent."""
    host = one.host.allocate("talking", "kvm", "kvm", 0)
    oid = one.vm.allocate('NAME="talker" CPU="0.1" MEMORY="64"', True)
    one.hostpool.info()
    one.vm.deploy(oid, host, False, 0, "")
    one.vmpool.info(-2, -1, -1, -1)
    return oid


def test_a_command_is_run_each_time(one, do, guest):
    given = {"name": "talker", "command": "cat", "stdin": "line\n"}
    planned, asked = do("one_vm_exec", check=True, **given)
    report = do("one_vm_exec", **given)[0]
    assert "one.vm.exec" not in asked
    assert (planned.changed, planned.before, planned.after) == (True, report.before, report.after)
    assert [report.record[key] for key in ("status", "rc", "stdout", "stderr")] == ["done", 0, "line\n", ""]
    assert do("one_vm_exec", **given)[0].changed
    assert do("one_vm_exec", name="talker", state="repeated")[0].record["stdout"] == "line\n"


ENDS = [  # command, allowed_rc, what the task says, None: nothing
    ("exit 3", [0], "The command in VM talker ended with return code 3."),
    ("exit 3", [0, 3], None),
    ("true", [3], "The command in VM talker ended with return code 0."),
    ("nought", [0], "The command in VM talker ended with return code 127: sh: nought: not found"),
]


@pytest.mark.parametrize(("command", "allowed", "said"), ENDS)
def test_return_codes_fail_or_are_allowed(do, guest, command, allowed, said):
    given = {"name": "talker", "command": command, "allowed_rc": allowed}
    if said is None:
        assert do("one_vm_exec", **given)[0].record["failed"] is False
        return
    with pytest.raises(Failure) as caught:
        do("one_vm_exec", **given)
    assert caught.value.message == said
    assert caught.value.data["rc"] not in allowed


def test_one_command_at_a_time_is_run_and_can_be_cancelled(do, vm):
    """The VM db has no guest, so that its commands do not end."""
    with pytest.raises(Failure, match=r"no end of its command"):
        do("one_vm_exec", command="ls", timeout=0.05)
    for given in ({"command": "ls"}, {"state": "repeated"}):
        with pytest.raises(Failure, match="VM db is executing a command: ls"):
            do("one_vm_exec", **given)
    assert do("one_vm_exec", check=True, state="cancelled")[0].changed
    assert do("one_vm_exec", state="cancelled")[0].record["status"] == "cancelled"
    report, calls = do("one_vm_exec", state="cancelled")
    assert (report.changed, len(calls)) == (False, 2)


def test_an_agent_that_fails_is_told(simulator, do, vm):
    simulator.cloud.events.failures = [("exec", "vm-*")]
    with pytest.raises(Failure, match=r"VM db has failed: .*Error executing command in VM"):
        do("one_vm_exec", command="ls")


def test_nothing_can_be_repeated_that_was_not_run(do, vm):
    with pytest.raises(Failure, match=r"VM db has not executed any command\."):
        do("one_vm_exec", state="repeated")


@pytest.mark.parametrize("check", [True, False])
def test_a_vm_that_is_off_runs_nothing(one, do, vm, check):
    one.vm.action("poweroff-hard", vm)
    with pytest.raises(Failure, match="VM db is poweredoff, where this does not work: execute a command"):
        do("one_vm_exec", check=check, command="ls")


@pytest.fixture
def without_exec():
    """Takes the method away for a test, and gives all back in the order that system.listMethods tells."""
    kept = dict(METHODS)
    del METHODS["one.vm.exec"]
    yield
    METHODS.clear()
    METHODS.update(kept)


@pytest.mark.usefixtures("without_exec")
def test_older_releases_are_told(do, vm):
    with pytest.raises(Failure) as caught:
        do("one_vm_exec", command="ls")
    assert caught.value.message == "Cannot execute a command in VM db: this needs OpenNebula 7.2 or newer."


OUTPUTS = [("", ""), ("bGluZQo=", "line\n"), ("w6Q=", "ä"), ("/w==", "\ufffd"), ("no base64", "no base64")]


@pytest.mark.parametrize(("given", "text"), OUTPUTS)
def test_output_is_decoded(given, text):
    assert guest_exec.decoded(given) == text
