# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Snapshots, backups, commands and recoveries of VMs: what is asked for, call by call, and what is refused."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Broken, Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import TimeOver
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import LAST, Modes, Reference, Step
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import (
    backups,
    guest_exec,
    recovery,
    schedules,
    snapshots,
    states,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneInternalException,
    OneNoExistsException,
)
from fake_vms import Element, cloud, record, refusal, vm

RUNS = frozenset(("running",))
OFF = frozenset(("poweredoff",))
OF_VM = "of VM db"
KNOWN = {"id": 7, "name": "db"}
REFUSED = {"object": "vm", "id": 7}


def steps_of(resource, item, wanted):
    """What of a VM would change: (before, after, steps), as a task plans it."""
    known = dict(resource.read(None, item), id=item.ID, name=item.NAME)
    return engine.plan(resource, known, wanted, Modes())


# ---------------------------------------------------------------- snapshots

OLD = {"SNAPSHOT_ID": "3", "NAME": "old", "TIME": "100", "SYSTEM_DISK_SIZE": "9"}
DISK_TREES = [
    Element(DISK_ID=0, SNAPSHOT=[Element(ID=5, NAME="new", DATE=2, SIZE=8, ACTIVE="YES", PARENT=0)]),
    Element(
        DISK_ID=1,
        SNAPSHOT=[
            Element(ID=4, NAME="b", DATE=2, SIZE=8, ACTIVE="YES", PARENT=1),
            Element(ID=1, DATE=1, SIZE=7, PARENT=-1),
            Element(ID=2, NAME="a", DATE=1, SIZE=7, ACTIVE="NO", PARENT=0),
        ],
    ),
]
ITEM = vm(
    TEMPLATE={"SNAPSHOT": [OLD, {"SNAPSHOT_ID": "1"}], "DISK": [{"DISK_ID": "0"}, {"DISK_ID": "1"}]},
    SNAPSHOTS=DISK_TREES,
)


def test_snapshots_are_read_the_oldest_first():
    assert snapshots.read(None, None, ITEM) == {
        "disk": None,
        "snapshots": [
            {"id": 1, "name": "", "time": 0, "size": 0},
            {"id": 3, "name": "old", "time": 100, "size": 9},
        ],
    }
    assert snapshots.read(1, None, ITEM) == {
        "disk": 1,
        "snapshots": [
            {"id": 1, "name": "", "time": 1, "size": 7, "active": False, "parent": None},
            {"id": 2, "name": "a", "time": 1, "size": 7, "active": False, "parent": 0},
            {"id": 4, "name": "b", "time": 2, "size": 8, "active": True, "parent": 1},
        ],
    }
    assert snapshots.snapshots_of(vm(TEMPLATE=None)) == []
    assert refusal(snapshots.read, 7, None, ITEM) == ("VM db has no disk 7.", REFUSED)


@pytest.mark.parametrize(
    ("item", "disk", "missing"),
    [
        (None, None, True),
        (None, 0, True),
        (ITEM, None, False),
        (ITEM, 1, False),
        (ITEM, 7, True),
        (vm(TEMPLATE=None), 0, True),
    ],
)
def test_where_there_is_no_snapshot_to_remove(item, disk, missing):
    assert snapshots.is_missing(item, disk) is missing


WANTED = [  # options of one_vm_snapshot, what is wanted
    ({"state": "present", "snapshot": "a", "keep": None}, {"snapshots": snapshots.Wanted("a", None, None)}),
    ({"state": "present", "snapshot": None, "keep": 1}, {"snapshots": snapshots.Wanted(None, None, 1)}),
    ({"state": "absent", "snapshot": "a", "keep": None}, {"snapshots": snapshots.Wanted(None, "a", None)}),
    ({"state": "reverted", "snapshot": "a", "keep": None}, {"reverted": "a"}),
]


@pytest.mark.parametrize(("params", "wanted"), WANTED)
def test_what_is_wanted_of_snapshots(params, wanted):
    resource = snapshots.vm_snapshots(None)
    assert (resource.kind, resource.values(params)) == ("vm", wanted)


SNAPSHOT_STEPS = [  # disk, what is wanted, steps
    (None, {"snapshots": snapshots.Wanted("a")}, [("take snapshot a", "vm.snapshotcreate", (7, "a"), RUNS)]),
    (None, {"snapshots": snapshots.Wanted(None, "old")}, [("delete snapshot old", "vm.snapshotdelete", (7, 3), RUNS)]),
    (None, {"reverted": "old"}, [("revert to snapshot old", "vm.snapshotrevert", (7, 3), RUNS)]),
    (
        1,
        {"snapshots": snapshots.Wanted("c", None, 2)},
        [
            ("take snapshot c of disk 1", "vm.disksnapshotcreate", (7, 1, "c"), {*RUNS, *OFF, "suspended"}),
            ("delete snapshot  of disk 1", "vm.disksnapshotdelete", (7, 1, 1), {*RUNS, *OFF, "suspended"}),
            ("delete snapshot a of disk 1", "vm.disksnapshotdelete", (7, 1, 2), {*RUNS, *OFF, "suspended"}),
        ],
    ),
    (1, {"reverted": "a"}, [("revert to snapshot a of disk 1", "vm.disksnapshotrevert", (7, 1, 2), OFF)]),
]


@pytest.mark.parametrize(("disk", "wanted", "steps"), SNAPSHOT_STEPS)
def test_snapshots_are_taken_deleted_and_reverted_to(disk, wanted, steps):
    option = next(iter(wanted))
    found = steps_of(snapshots.vm_snapshots(disk), ITEM, wanted).steps
    made = [
        Step(what, method, arguments, on=OF_VM, states=frozenset(states), transient=True, option=option)
        for what, method, arguments, states in steps
    ]
    assert [step for step in found if step.method] == made
    waits = [step for step in found if not step.method]
    assert [(step.what, step.phase) for step in waits] == (
        [("change of its snapshots", LAST)] if option == "snapshots" else []
    )


def named(*names):
    return numbered(enumerate(names))


def numbered(pairs):
    return vm(TEMPLATE={"SNAPSHOT": [{"SNAPSHOT_ID": str(number), "NAME": name} for number, name in pairs]})


STORED = [  # what is wanted of snapshots a and b, what there is later, whether that is it
    (snapshots.Wanted("c"), "abc", True),
    (snapshots.Wanted("c"), "ab", False),
    (snapshots.Wanted(None, "b"), "a", True),
    (snapshots.Wanted(None, "b"), "ab", False),
    (snapshots.Wanted("c", None, 2), "bc", True),
    (snapshots.Wanted("c", None, 2), "abc", False),
    (snapshots.Wanted("c", None, 2), "ab", False),
    (snapshots.Wanted("c", None, 2), "c", True),
]


@pytest.mark.parametrize(("wanted", "later", "stored"), STORED)
def test_snapshots_are_waited_for(wanted, later, stored):
    found = steps_of(snapshots.vm_snapshots(None), named("a", "b"), {"snapshots": wanted})
    assert found.steps[-1].until(numbered(("abc".index(name), name) for name in later)) is stored


def test_snapshots_of_a_disk_are_waited_for():
    found = steps_of(snapshots.vm_snapshots(1), ITEM, {"snapshots": snapshots.Wanted(None, "new")}).steps
    assert found == [], "that is one of disk 0"
    found = steps_of(snapshots.vm_snapshots(1), ITEM, {"snapshots": snapshots.Wanted(None, "b")}).steps
    assert found[-1].until(ITEM) is False


GONE = [  # disk, name, message
    (None, "no", "VM db has no snapshot no. There is: , old."),
    (0, "no", "Disk 0 of VM db has no snapshot no. There is: new."),
]


@pytest.mark.parametrize(("disk", "name", "message"), GONE)
def test_what_there_is_to_revert_to_is_told(disk, name, message):
    assert refusal(steps_of, snapshots.vm_snapshots(disk), ITEM, {"reverted": name}) == (message, REFUSED)
    assert refusal(steps_of, snapshots.vm_snapshots(None), vm(), {"reverted": "a"})[0].endswith("There is: none.")


def test_the_newest_of_a_name_is_reverted_to():
    (step,) = steps_of(snapshots.vm_snapshots(None), named("a", "b", "a", "c"), {"reverted": "a"}).steps
    assert step.arguments == (7, 2)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (snapshots.Wanted(None, "a"), [2, 0]),
        (snapshots.Wanted(None, None, 3), [0]),
        (snapshots.Wanted(None, None, 2), [0, 1]),
        (snapshots.Wanted(None, None, 4), []),
        (snapshots.Wanted("b", None, 4), []),
        (snapshots.Wanted("d", None, 4), [0]),
        (snapshots.Wanted("d", None, 9), []),
    ],
)
def test_which_snapshots_are_deleted(wanted, ids):
    """Those of a name the newest first, those that are too many the oldest first."""
    found = steps_of(snapshots.vm_snapshots(None), named("a", "b", "a", "c"), {"snapshots": wanted}).steps
    assert [step.arguments[1] for step in found if step.method == "vm.snapshotdelete"] == ids


def test_snapshots_are_shown_by_their_names():
    resource = snapshots.vm_snapshots(None)
    plan = steps_of(resource, ITEM, {"snapshots": snapshots.Wanted("c")})
    assert engine.shown(resource, plan.after) == {"snapshots": ["", "old", "c"]}


# ---------------------------------------------------------------- backups


def backed_up(*ids, mode="FULL", last=None, **settings):
    config = Element(MODE=mode, LAST_INCREMENT_ID=last, **settings)
    return vm(BACKUPS=Element(BACKUP_IDS=Element(ID=list(ids)), BACKUP_CONFIG=config))


@pytest.mark.parametrize(
    ("item", "ids", "number"),
    [
        (vm(), [], -1),
        (vm(BACKUPS=Element()), [], -1),
        (backed_up(9, 4), [4, 9], -1),
        (backed_up(4, last="3"), [4], -1),
        (backed_up(4, mode="INCREMENT", last="3"), [4], 3),
        (backed_up(mode="INCREMENT", last="0"), [], 0),
        (backed_up(mode="INCREMENT"), [], -1),
    ],
)
def test_backups_are_read(item, ids, number):
    found = backups.read(None, item)
    assert (found["backups"], found["increment"]) == (ids, number)


def test_settings_are_read():
    found = backups.read(None, backed_up(KEEP_LAST=3, FS_FREEZE="NONE"))["settings"]
    assert found == {"MODE": "FULL", "KEEP_LAST": 3, "FS_FREEZE": "NONE"}
    assert backups.read(None, vm())["settings"] == {}


NO_SETTINGS = dict.fromkeys(("keep_last", "backup_mode", "increment_mode", "fs_freeze", "backup_volatile", "disks"))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, None),
        ({"keep_last": 0}, {"KEEP_LAST": 0}),
        ({"backup_mode": "increment", "increment_mode": "cbt"}, {"MODE": "INCREMENT", "INCREMENT_MODE": "CBT"}),
        ({"fs_freeze": "agent", "backup_volatile": False}, {"FS_FREEZE": "AGENT", "BACKUP_VOLATILE": False}),
        ({"disks": [0, 2]}, {"DISK_IDS": "0,2"}),
    ],
)
def test_settings_in_the_words_of_opennebula(given, found):
    assert backups.settings({**NO_SETTINGS, **given}) == found


def test_settings_are_a_section_of_the_template():
    assert backups.canonical_settings(None, {"KEEP_LAST": 3, "BACKUP_VOLATILE": True}) == {
        "KEEP_LAST": "3",
        "BACKUP_VOLATILE": "YES",
    }
    known = {**KNOWN, "settings": {"MODE": "FULL"}}
    wanted = {"settings": {"MODE": "INCREMENT", "KEEP_LAST": "3"}}
    before, after, (step,) = backups.plan_settings(known, wanted, Modes())
    assert (before, after) == ({"MODE": "FULL"}, {"MODE": "INCREMENT", "KEEP_LAST": "3"})
    assert step.method == "vm.updateconf"
    assert step.arguments == (7, {"BACKUP_CONFIG": {"MODE": "INCREMENT", "KEEP_LAST": "3"}}, 1)
    assert step.text == "update BACKUP_CONFIG of VM db"


AGES = [  # max_age, ids of backups, when the last was begun, its increments, whether a backup is due at 5000
    (None, [4], 4999, None, True),
    (None, [], 0, None, True),
    (100, [], 0, None, True),
    (100, [4], 4900, None, False),
    (100, [4], 4899, None, True),
    (100, [4], 4000, ["4800", "4950"], False),
    (100, [4], 4000, ["4950", "4800"], False),
    (0, [4], 5000, [], False),
    (0, [4], 4999, [], True),
]


@pytest.mark.parametrize(("max_age", "ids", "began", "parts", "due"), AGES)
def test_a_backup_is_due_when_the_last_one_is_too_old(max_age, ids, began, parts, due):
    increments = None if parts is None else Element(INCREMENT=[Element(DATE=date) for date in parts])
    here = cloud(image_info=Element(REGTIME=began, BACKUP_INCREMENTS=increments))
    assert backups.due(here, backed_up(*ids, 2) if ids else vm(), max_age) is due
    asked = [("image.info", 4)] if ids and max_age is not None else []
    assert here.one.calls == asked


def test_a_backup_is_due_when_the_last_one_is_gone():
    assert backups.due(cloud(), backed_up(4), 100) is True


TAKEN = [  # increment of the VM, datastore, reset, arguments of vm.backup; None: a datastore has to be named
    (-1, "vault", False, (7, Reference("datastore", "vault"), False)),
    (-1, "vault", True, (7, Reference("datastore", "vault"), True)),
    (0, None, False, (7, -1, False)),
    (2, None, False, (7, -1, False)),
    (2, "vault", True, (7, Reference("datastore", "vault"), True)),
    (-1, None, False, None),
    (2, None, True, None),
]


@pytest.mark.parametrize(("number", "datastore", "reset", "arguments"), TAKEN)
def test_a_backup_is_taken(number, datastore, reset, arguments):
    known = {**KNOWN, "backups": [4], "increment": number}
    wanted = {"backup": backups.Backup(datastore, reset)}
    if arguments is None:
        message = "Name the datastore that the backup of VM db goes to."
        assert refusal(backups.plan_backup, known, wanted, Modes()) == (message, REFUSED)
        return
    before, after, (step, made) = backups.plan_backup(known, wanted, Modes())
    assert (before, after) == ("none", "taken")
    assert step == Step("back up", "vm.backup", arguments, on="VM db", states=RUNS | OFF, transient=True)
    assert (made.what, made.phase) == ("new backup", LAST)
    chain = {"mode": "INCREMENT", "last": str(number)} if number >= 0 else {}
    assert made.until(backed_up(4, 9, **chain))
    assert not made.until(backed_up(4, **chain))
    assert made.until(backed_up(4, mode="INCREMENT", last="7"))


RESTORED = [  # increment, disk, what, arguments of vm.restore
    (None, None, "restore its disks from backup 4", (7, 4, -1, -1)),
    (2, None, "restore its disks from backup 4", (7, 4, 2, -1)),
    (0, 0, "restore disk 0 from backup 4", (7, 4, 0, 0)),
]


@pytest.mark.parametrize(("increment", "disk", "what", "arguments"), RESTORED)
def test_disks_are_restored_while_the_vm_is_off(increment, disk, what, arguments):
    wanted = backups.Restored(4, increment, disk)
    plan = steps_of(backups.VM_BACKUPS, backed_up(4), {"restored": wanted})
    step = Step(what, "vm.restore", arguments, on=OF_VM, states=OFF, transient=True, option="restored")
    assert plan.steps == [step]
    assert engine.shown(backups.VM_BACKUPS, plan.after) == {"restored": 4}
    assert backups.image_of(None) is None


def test_the_backup_that_is_meant():
    here = cloud(imagepool_info=[Element(ID=4, NAME="monday"), Element(ID=9, NAME="friday")])
    assert backups.chosen(here, backed_up(9), "monday") == 4
    assert backups.chosen(here, backed_up(9, 4, 5), None) == 9
    assert backups.chosen(cloud(check=True, imagepool_info=[]), backed_up(9), "later") == "later"
    message = "VM db has no backup to restore. Take one first, with state: taken."
    assert refusal(backups.chosen, here, vm(), None) == (message, REFUSED)


COPIES = [  # options, what OpenNebula is told beside the name
    ({}, {}),
    ({"increment": 0, "disk": 0}, {"INCREMENT_ID": 0, "DISK_ID": 0}),
    ({"no_ip": True}, {"NO_IP": True}),
    ({"no_nic": True}, {"NO_NIC": True}),
]


@pytest.mark.parametrize(("options", "told"), COPIES)
def test_a_copy_is_made_from_a_backup(options, told):
    here = cloud(datastorepool_info=[Element(ID=1, NAME="default")], image_restore="5 6 x 7")
    params = {"increment": None, "disk": None, "no_ip": False, "no_nic": False, **options}
    assert backups.copy(here, 4, "default", "copy", params) == [5, 6, 7]
    assert here.one.calls[-1] == ("image.restore", 4, 1, {"NAME": "copy", **told})


def test_a_copy_that_is_refused_is_told():
    here = cloud(datastorepool_info=[Element(ID=1, NAME="default")], image_restore=OneInternalException("down"))
    params = {"increment": None, "disk": None, "no_ip": False, "no_nic": False}
    assert refusal(backups.copy, here, 4, "1", "copy", params)[0] == "Cannot restore backup 4 as copy: down."


# ---------------------------------------------------------------- commands


def commanded(**last):
    return vm(TEMPLATE={"QEMU_GA_EXEC": last})


OUT = base64.b64encode(b"line\n").decode()


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (vm(TEMPLATE=None), {"command": "", "status": "", "rc": None, "stdout": "", "stderr": ""}),
        (
            commanded(COMMAND="ls", STATUS="DONE", RETURN_CODE="0", STDOUT=OUT, STDERR=OUT),
            {"command": "ls", "status": "done", "rc": 0, "stdout": "line\n", "stderr": "line\n"},
        ),
        (
            commanded(COMMAND="ls", STATUS="EXECUTING", RETURN_CODE="x"),
            {"command": "ls", "status": "executing", "rc": None, "stdout": "", "stderr": ""},
        ),
        (
            commanded(STATUS="ERROR", RETURN_CODE="-1", STDOUT="no base64"),
            {"command": "", "status": "error", "rc": -1, "stdout": "no base64", "stderr": ""},
        ),
    ],
)
def test_the_last_command_and_its_result_are_read(item, found):
    assert guest_exec.read(None, item) == found


@pytest.mark.parametrize(
    ("text", "code"), [("", None), ("X5", None), ("--5", None), ("-", None), ("-15", -15), ("3", 3)]
)
def test_a_return_code_is_a_number(text, code):
    assert guest_exec.read(None, commanded(RETURN_CODE=text))["rc"] == code


def test_what_comes_out_is_decoded():
    assert guest_exec.decoded("w6QK") == "ä\n"
    assert guest_exec.decoded("/w==") == "\ufffd"
    assert guest_exec.decoded("w6QK!") == "w6QK!", "nothing is left out"


def test_what_is_wanted_of_commands():
    params = {"state": "executed", "command": "ls", "stdin": "x"}
    assert guest_exec.values(params) == {"executed": guest_exec.Command("ls", "x")}
    for state in ("repeated", "cancelled"):
        assert guest_exec.values(dict(params, state=state)) == {state: True}


def commands(option, wanted=True, **last):
    return steps_of(guest_exec.GUEST_EXEC, commanded(**last), {option: wanted})


ENDED = Step("end of its command", until=guest_exec.ENDED.until, states=states.LIVE, phase=LAST)


@pytest.mark.parametrize("status", ["DONE", "ERROR", "CANCELLED"])
def test_commands_are_executed_and_repeated(status):
    plan = commands("executed", guest_exec.Command("id", "x"), COMMAND="ls", STATUS=status)
    arguments = (7, "id", base64.b64encode(b"x").decode())
    step = Step("execute a command", "vm.exec", arguments, on="in VM db", states=RUNS, transient=True)
    assert [one._replace(option="") for one in plan.steps] == [step, ENDED]
    assert engine.shown(guest_exec.GUEST_EXEC, plan.after) == {"executed": "id"}
    assert engine.shown(guest_exec.GUEST_EXEC, {"executed": None}) == {"executed": None}
    plan = commands("repeated", COMMAND="ls", STATUS=status)
    step = Step("repeat a command", "vm.retryexec", (7,), on="in VM db", states=RUNS, transient=True)
    assert [one._replace(option="") for one in plan.steps] == [step, ENDED]
    assert (plan.before, plan.after) == ({"repeated": None}, {"repeated": "ls"})


def test_a_command_that_is_executed_is_cancelled():
    plan = commands("cancelled", COMMAND="ls", STATUS="EXECUTING")
    step = Step("cancel a command", "vm.cancelexec", (7,), on="in VM db", states=RUNS, transient=True)
    assert [one._replace(option="") for one in plan.steps] == [step, ENDED]
    assert (plan.before, plan.after) == ({"cancelled": "ls"}, {"cancelled": None})
    assert commands("cancelled", COMMAND="ls", STATUS="DONE").steps == []


BUSY = "VM db is executing a command: ls. Let it end, or stop it with state: cancelled."


@pytest.mark.parametrize(
    ("option", "last", "message"),
    [
        ("executed", {"COMMAND": "ls", "STATUS": "EXECUTING"}, BUSY),
        ("repeated", {"COMMAND": "ls", "STATUS": "EXECUTING"}, BUSY),
        ("repeated", {}, "VM db has not executed any command."),
    ],
)
def test_one_command_at_a_time(option, last, message):
    wanted = guest_exec.Command("id", "")
    assert refusal(commands, option, wanted, **last) == (message, REFUSED)


def test_a_command_has_ended_unless_it_is_executed():
    assert guest_exec.ENDED.until(commanded(STATUS="EXECUTING")) is False
    assert guest_exec.ENDED.until(commanded(STATUS="CANCELLED")) is True


RESULTS = [  # status, rc, stdout, stderr, what is said; None: it came to a good end
    ("done", 0, "", "", None),
    ("done", 3, "", "", None),
    ("done", 1, "out\n", " err\n", "The command in VM db ended with return code 1: err"),
    ("done", 1, "out\n", "", "The command in VM db ended with return code 1: out"),
    ("done", 1, "", "", "The command in VM db ended with return code 1."),
    ("error", 0, "", "", "The command in VM db did not end by itself (error)."),
    ("cancelled", None, "", "x", "The command in VM db did not end by itself (cancelled): x"),
]


@pytest.mark.parametrize(("status", "rc", "stdout", "stderr", "message"), RESULTS)
def test_a_command_that_did_not_end_well_is_told_with_its_result(status, rc, stdout, stderr, message):
    result = {"status": status, "rc": rc, "stdout": stdout, "stderr": stderr}
    if message is None:
        guest_exec.refuse_failed(vm(), result, [0, 3])
    else:
        told = (message, {"object": "vm", **result})
        assert refusal(guest_exec.refuse_failed, vm(), result, [0, 3]) == told


# ---------------------------------------------------------------- schedules


def test_schedules_of_a_vm_are_read():
    item = vm(TEMPLATE={"SCHED_ACTION": [{"ID": "2", "ACTION": "stop", "TIME": "9"}]})
    (found,) = schedules.read(None, item)["schedules"]
    assert (found["id"], found["action"], found["time"]) == (2, "stop", 9)
    assert schedules.read(None, vm(TEMPLATE=None)) == {"schedules": []}


# ---------------------------------------------------------------- recovery


def recovered(word, *looks, waits=True, before=None, pause=None, **answers):
    """(the VM or the failure, calls) of a recovery of a VM that could not be started."""
    before = before or vm("BOOT_FAILURE")
    left = [before, *looks]

    def info(oid):
        return left.pop(0) if len(left) > 1 else left[0]

    here = cloud(vm_info=info, **answers)
    here.info("vm", before.ID)
    here.one.calls.clear()
    if pause is not None:
        here.clock.sleep = lambda seconds: setattr(here.clock, "seconds", here.clock.seconds + pause)
    try:
        found = recovery.recover(here, before, word, waits)
    except Failure as failure:
        found = failure
    return found, here.one.calls


NUMBERS = {"failure": 0, "success": 1, "retry": 2, "delete": 3, "recreate": 4, "delete_db": 5}


@pytest.mark.parametrize("word", NUMBERS)
def test_each_operation_has_its_number_and_is_waited_for(word):
    runs = vm("RUNNING")
    found, calls = recovered(word, vm("BOOT"), runs)
    assert found is runs
    assert calls == [("vm.recover", 7, NUMBERS[word])] + [("vm.info", 7)] * 2


def test_without_waiting_the_vm_is_read_once():
    boots = vm("BOOT")
    assert recovered("retry", boots, vm("RUNNING"), waits=False) == (
        boots,
        [("vm.recover", 7, 2), ("vm.info", 7)],
    )


def test_a_vm_that_is_gone_is_recovered():
    here = cloud(vm_info=OneNoExistsException("gone"))
    assert recovery.recover(here, vm("BOOT_FAILURE"), "delete_db", waits=True) is None


CHANGES = [  # what the VM is after it had failed to boot with the error "old", and a history record
    vm("PROLOG_FAILURE", USER_TEMPLATE={"ERROR": "old"}, history=(record(),)),
    vm("FAILED", USER_TEMPLATE={"ERROR": "old"}, history=(record(),)),
    vm("BOOT_FAILURE", USER_TEMPLATE={"ERROR": "new"}, history=(record(),)),
    vm("BOOT_FAILURE", USER_TEMPLATE={"ERROR": "old"}, history=(record(), record())),
    vm("BOOT_FAILURE", USER_TEMPLATE={"ERROR": "old"}),
]


@pytest.mark.parametrize("after", CHANGES)
def test_a_vm_that_fails_again_is_told_at_once(after):
    before = vm("BOOT_FAILURE", USER_TEMPLATE={"ERROR": "old"}, history=(record(),))
    found, calls = recovered("retry", after, before=before)
    assert isinstance(found, Broken)
    assert found.message == "VM db has failed: %s." % after.USER_TEMPLATE["ERROR"]
    assert len(calls) == 2


def test_a_vm_that_stays_as_it_was_for_a_second_has_failed_again():
    found, calls = recovered("retry", vm("BOOT_FAILURE"))
    assert isinstance(found, Broken)
    waited = 0.1 + 0.16 + 0.256 + 0.4096 + 0.65536  # seconds: the first moment after a second
    assert len(calls) == 1 + 6, waited
    assert len(recovered("retry", vm("BOOT_FAILURE"), pause=0.5)[1]) == 1 + 3, "at 0, 0.5 and 1 second"
    found, dummy = recovered("failure", vm("BOOT_FAILURE"))
    assert (found.STATE, found.LCM_STATE) == (3, 36), "that is what the operation failure is for"


def test_time_that_is_over_and_what_is_refused_are_told():
    found, dummy = recovered("retry", vm("BOOT"))
    assert isinstance(found, TimeOver)
    assert found.message == (
        "Gave up waiting after 10 s: VM db is changing. Give a longer wait_timeout, or wait: false."
    )
    assert found.data == REFUSED
    found, dummy = recovered("retry", vm(), vm_recover=OneInternalException("down"))
    assert found.message == "Cannot recover VM db by retry: down."
    assert {name: found.data[name] for name in REFUSED} == REFUSED


PRESENT = (
    "RUNNING",
    "UNKNOWN",
    "BOOT",
    "POWEROFF",
    "PENDING",
    "DONE",
    "BOOT_FAILURE",
    "FAILED",
    "PROLOG_MIGRATE_FAILURE",
)
NEEDED = {"BOOT_FAILURE", "FAILED", "PROLOG_MIGRATE_FAILURE"}
FORCED = {
    "failure": {"PROLOG_MIGRATE_FAILURE", "BOOT"},
    "success": NEEDED | {"BOOT", "UNKNOWN"},
    "retry": NEEDED | {"BOOT"},
    **dict.fromkeys(("delete", "recreate", "delete_db"), set(PRESENT) - {"DONE"}),
}


@pytest.mark.parametrize("word", FORCED)
@pytest.mark.parametrize("state", PRESENT)
def test_which_vms_are_recovered(word, state):
    needed = {"PROLOG_MIGRATE_FAILURE"} if word == "failure" else NEEDED
    assert recovery.needs(vm(state), word, False) is (state in needed)
    assert recovery.needs(vm(state), word, True) is (state in FORCED[word])
