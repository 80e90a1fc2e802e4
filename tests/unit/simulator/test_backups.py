# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Backups of VMs, one by one and by jobs: images, chains of increments, order, limits and failures."""

from __future__ import annotations

import pytest
from lab import Lab

LISTS = ("UPDATED_VMS", "OUTDATED_VMS", "BACKING_UP_VMS", "ERROR_VMS")


@pytest.fixture
def lab():
    found = Lab()
    found.make()
    found.sleep(0)
    return found


def backup(lab, oid=0, reset=False):
    """A backup that has a second of its own."""
    lab.sleep(1)
    lab("vm.backup", oid, 100, reset)
    lab.sleep(0)


def kept(lab, oid=0):
    return [int(each.text) for each in lab.vm(oid).findall("BACKUPS/BACKUP_IDS/ID")]


def configure(lab, config):
    lab("vm.updateconf", 0, f"BACKUP_CONFIG=[{config}]", 1)
    lab.sleep(0)


def config(lab, name):
    return lab.vm().findtext(f"BACKUPS/BACKUP_CONFIG/{name}")


def test_states_in_time():
    lab = Lab(delay=0.5)
    lab.make()
    lab.sleep(1)
    lab("vm.backup", 0, 100, False)
    assert lab.state() == "BACKUP"
    lab.sleep(0.5)
    lab("vm.action", "poweroff", 0)
    lab.sleep(0.5)
    lab("vm.backup", 0, 100, False)
    assert lab.state() == "BACKUP_POWEROFF"
    lab.sleep(0.5)
    assert (lab.state(), kept(lab)) == ("POWEROFF", [0, 1])
    lab("vm.restore", 0, 0, -1, -1)
    assert lab.state() == "RESTORE"
    lab.sleep(0.5)
    assert (lab.state(), lab.records("ACTION")[-2:]) == ("POWEROFF", [("60",), ("19",)])


def test_two_backups_in_a_second_have_one_name(lab):
    lab("vm.backup", 0, 100, False)
    lab("vm.backup", 0, 100, False)
    assert (lab.state(), kept(lab)) == ("RUNNING", [0])
    assert "NAME is already taken by IMAGE 0." in lab.vm().findtext("USER_TEMPLATE/ERROR")


def test_the_last_ones_are_kept(lab):
    configure(lab, 'KEEP_LAST="2"')
    for _number in range(4):
        backup(lab)
    assert kept(lab) == [2, 3]
    assert lab.refusal("image.info", 1) == "Error getting image [1]."
    assert [each.text for each in lab.tree("datastore.info", 100).findall("IMAGES/ID")] == ["2", "3"]


def test_increments_form_a_chain(lab):
    configure(lab, 'MODE="INCREMENT"')
    for _number in range(3):
        backup(lab)
    assert (kept(lab), config(lab, "INCREMENTAL_BACKUP_ID"), config(lab, "LAST_INCREMENT_ID")) == ([0], "0", "2")
    image = lab.tree("image.info", 0)
    found = [[each.findtext(name) for name in ("ID", "TYPE", "PARENT_ID")] for each in image.iter("INCREMENT")]
    assert found == [["0", "FULL", "-1"], ["1", "INCREMENT", "0"], ["2", "INCREMENT", "1"]]
    lab("vm.action", "poweroff", 0)
    assert lab.refusal("vm.restore", 0, 0, 3, -1) == "Wrong increment"
    lab("vm.restore", 0, 0, 2, -1)
    assert lab.state() == "POWEROFF"
    backup(lab, reset=True)
    assert (kept(lab), config(lab, "INCREMENTAL_BACKUP_ID"), config(lab, "LAST_INCREMENT_ID")) == ([0, 1], "1", "0")


def test_disks_that_cannot_tell_what_changed_are_saved_in_full():
    lab = Lab()
    lab("image.allocate", 'NAME="os" PATH="/os"', 1)
    lab.make(body='CPU="1" MEMORY="64" DISK=[IMAGE_ID="0"] BACKUP_CONFIG=[MODE="INCREMENT"]')
    assert (config(lab, "MODE"), config(lab, "INCREMENT_MODE")) == ("FULL", None)


def test_what_is_saved_of_the_disks():
    lab = Lab()
    lab("image.allocate", 'NAME="os" PATH="/os"', 1)
    lab("image.allocate", 'NAME="cd" PATH="/cd" TYPE="CDROM"', 1)
    disks = 'DISK=[IMAGE_ID="0"] DISK=[IMAGE_ID="1"] DISK=[TYPE="fs",SIZE="9"] DISK=[TYPE="swap",SIZE="9"]'
    lab.make(body=f'CPU="1" MEMORY="64" {disks}')
    for number, (given, saved) in enumerate([("", ["0"]), ('BACKUP_VOLATILE="YES"', ["0", "2"])]):
        if given:
            configure(lab, given)
        backup(lab)
        image = lab.tree("image.info", 2 + number)
        assert [each.text for each in image.findall("BACKUP_DISK_IDS/ID")] == saved


def test_cancelling(lab):
    lab.cloud.events.delay = 60
    lab("vm.backup", 0, 100, False)
    lab("vm.backupcancel", 0)
    assert (lab.state(), kept(lab)) == ("RUNNING", [])
    lab.sleep(60)
    assert kept(lab) == []


@pytest.mark.parametrize("state", ["HOLD", "SUSPENDED"])
def test_states_without_backup(lab, state):
    oid = lab("vm.allocate", 'CPU="1" MEMORY="64"', True) if state == "HOLD" else lab.make("suspend")
    lab.sleep(0)
    why = f"Could not create a new backup for VM {oid}, wrong state {state}."
    assert lab.refusal("vm.backup", oid, 100, False) == why


def test_a_deleted_backup_is_forgotten(lab):
    backup(lab)
    lab("image.delete", 0, False)
    lab.sleep(0)
    assert kept(lab) == []


def test_backups_outlive_their_vm(lab):
    backup(lab)
    lab("vm.action", "terminate", 0)
    lab.sleep(0)
    image = lab.tree("image.info", 0)
    assert (image.findtext("STATE"), image.find("VMS/ID")) == ("1", None)


def test_backups_count_against_the_quota_of_the_owner(lab):
    lab("user.allocate", "alice", "secret", "core", [])
    lab("user.quota", 2, 'DATASTORE=[ID="100",IMAGES="1"]')
    lab("vm.chown", 0, 2, 1)
    backup(lab)
    assert "limit of 1 reached for IMAGES quota" in lab.refusal("vm.backup", 0, 100, False)
    lab("image.delete", 0, False)
    lab.sleep(1)
    backup(lab)
    assert kept(lab) == [1]


# ---------------------------------------------------------------- jobs


def job(lab, vms, more=""):
    return lab("backupjob.allocate", f'NAME="job" BACKUP_VMS="{vms}" DATASTORE_ID="100" {more}')


def lists(lab, oid=0):
    tree = lab.tree("backupjob.info", oid)
    return [",".join(each.text for each in tree.findall(f"{name}/ID")) for name in LISTS]


def fleet(delay, number=3, hosts=2):
    lab = Lab(delay, hosts)
    for count in range(number):
        lab.make(host=count % hosts)
    lab.sleep(2 * delay)
    return lab


def test_one_after_the_other():
    lab = fleet(delay=10)
    job(lab, "2,0,1")
    lab("backupjob.backup", 0)
    seen = [lists(lab)]
    for _step in range(7):
        lab.sleep(10)
        seen.append(lists(lab))
    order = [row[2] for row in seen if row[2]]
    assert list(dict.fromkeys(order)) == ["2", "0", "1"]
    assert (seen[0], seen[-1]) == (["", "0,1,2", "", ""], ["0,1,2", "", "", ""])


def test_side_by_side_as_hosts_allow():
    lab = fleet(delay=10, number=4, hosts=1)
    job(lab, "0,1,2,3", 'EXECUTION="PARALLEL"')
    lab("backupjob.backup", 0)
    lab.sleep(10)
    assert lists(lab) == ["", "2,3", "0,1", ""]  # MAX_BACKUPS_HOST
    lab.sleep(20)
    assert lists(lab) == ["0,1", "", "2,3", ""]


def test_the_job_of_higher_priority_is_first():
    lab = fleet(delay=10, number=3, hosts=1)
    for number, priority in enumerate((10, 90)):
        body = f'NAME="j{number}" BACKUP_VMS="{number}" DATASTORE_ID="100" PRIORITY="{priority}"'
        lab("backupjob.allocate", body)
    lab("vm.backup", 2, 100, False)
    for number in (0, 1):
        lab("backupjob.backup", number)
    lab.sleep(9)
    lab.sleep(1)
    assert (lists(lab, 0)[2], lists(lab, 1)[2]) in (("", "1"), ("0", "1"))


def test_failures_are_retried(lab):
    job(lab, "0")
    lab.fail("backup")
    lab("backupjob.backup", 0)
    lab.sleep(0)
    assert lists(lab) == ["", "", "", "0"]
    lab.mend()
    lab.sleep(1)
    lab("backupjob.retry", 0)
    lab.sleep(0)
    assert lists(lab) == ["0", "", "", ""]


def test_a_vm_in_a_wrong_state_is_an_error_of_the_job(lab):
    lab("vm.action", "suspend", 0)
    job(lab, "0")
    lab("backupjob.backup", 0)
    lab.sleep(0)
    assert lists(lab) == ["", "", "", "0"]
    why = "[backup] Could not create a new backup for VM 0, wrong state SUSPENDED."
    assert lab.tree("backupjob.info", 0).findtext("TEMPLATE/ERROR").endswith(why)


def test_vms_that_are_gone_leave_the_job(lab):
    lab.make()
    job(lab, "0,1,99")
    lab("vm.action", "terminate", 1)
    lab("backupjob.backup", 0)
    lab.sleep(0)
    lab.sleep(0)
    assert lab.tree("backupjob.info", 0).findtext("TEMPLATE/BACKUP_VMS") == "0"
    assert lists(lab) == ["0", "", "", ""]


def test_a_running_job_is_not_started_again_and_can_be_cancelled():
    lab = fleet(delay=10)
    job(lab, "0,1,2")
    lab("backupjob.backup", 0)
    lab.sleep(10)
    why = "Unable to execute Backup Job, pending backups in progress"
    assert lab.refusal("backupjob.backup", 0) == why
    lab("backupjob.cancel", 0)
    assert lists(lab)[1:3] == ["", ""]
    assert [lab.state(oid) for oid in range(3)] == ["RUNNING"] * 3


def test_vms_of_a_job_are_saved_by_it_alone(lab):
    job(lab, "0", 'KEEP_LAST="1"')
    assert "it is part of Backup Job ID" in lab.refusal("vm.backup", 0, 100, False)
    lab("backupjob.backup", 0)
    lab.sleep(0)
    assert (config(lab, "KEEP_LAST"), config(lab, "BACKUP_JOB_ID"), len(kept(lab))) == ("1", "0", 1)
    lab("backupjob.update", 0, 'BACKUP_VMS=""', 1)
    assert (lists(lab), config(lab, "BACKUP_JOB_ID")) == (["", "", "", ""], None)
    backup(lab)


def test_a_job_runs_by_its_schedule(lab):
    begin = int(lab.now) + 60
    job(lab, "0", f'SCHED_ACTION=[TIME="{begin}",ARGS="x",REPEAT="3",DAYS="1"]')
    lab.sleep(61)
    lab.sleep(0)
    assert lists(lab) == ["0", "", "", ""]
    action = lab.tree("backupjob.info", 0).find("TEMPLATE/SCHED_ACTION")
    assert [action.findtext(name) for name in ("TIME", "ARGS", "ACTION")] == [str(begin + 3600), "", "backup"]
    lab("backupjob.delete", 0)
    assert not list(lab.cloud["SCHEDULEDACTION"])
    assert config(lab, "BACKUP_JOB_ID") is None


def test_a_job_with_a_wrong_schedule_is_not_made(lab):
    why = "Unable to parse the time value or value is empty: "
    assert lab.refusal("backupjob.allocate", 'NAME="j" BACKUP_VMS="0" SCHED_ACTION=[REPEAT="0"]') == why
    assert (list(lab.cloud["BACKUPJOB"]), config(lab, "BACKUP_JOB_ID")) == ([], None)


def test_what_users_may_ask_for(lab):
    lab("user.allocate", "alice", "secret", "core", [])
    alice = {"session": "alice:secret"}
    lab("acl.addrule", hex(0x100000000 + 2)[2:], hex(0x100000000000000 + 0x400000000)[2:], "8", "100000000")
    assert lab("backupjob.allocate", 'NAME="mine" PRIORITY="50"', **alice) == 0
    assert "not authorized" in lab.refusal("backupjob.allocate", 'NAME="more" PRIORITY="51"', **alice)
    lab("backupjob.priority", 0, 49, **alice)
    assert "ADMIN BACKUPJOB [0]" in lab.refusal("backupjob.priority", 0, 50, **alice)


@pytest.mark.parametrize(
    ("given", "name", "stored"),
    [
        ('KEEP_LAST="-3"', "KEEP_LAST", "0"),
        ('MODE="increment"', "INCREMENT_MODE", "CBT"),
        ('MODE="x"', "MODE", "FULL"),
        ('FS_FREEZE="agent"', "FS_FREEZE", "AGENT"),
        ('EXECUTION="parallel"', "EXECUTION", "PARALLEL"),
        ('BACKUP_VMS="7,7,x,8"', "BACKUP_VMS", "7,8"),
    ],
)
def test_words_of_a_job(lab, given, name, stored):
    oid = lab("backupjob.allocate", f'NAME="words" {given}')
    assert lab.tree("backupjob.info", oid).findtext(f"TEMPLATE/{name}") == stored
