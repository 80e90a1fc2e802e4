# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Scheduled actions that fall due: once, again and again, until they end; and what is wrong with them."""

from __future__ import annotations

import time

import pytest
from lab import Lab

DAY = 86400


@pytest.fixture
def lab():
    found = Lab()
    found.make()
    found.sleep(0)
    return found


def schedule(lab, action, seconds, more=""):
    """An action so many seconds from now; its ID."""
    return lab("vm.schedadd", 0, f'SCHED_ACTION=[ACTION="{action}",TIME="{int(lab.now) + seconds}"{more}]')


def fields(lab, *names):
    action = lab.vm().find("TEMPLATE/SCHED_ACTION")
    return [action.findtext(name) for name in names]


def test_an_action_is_carried_out_once(lab):
    schedule(lab, "poweroff", 60)
    lab.sleep(60)
    assert lab.state() == "RUNNING"
    lab.sleep(1)
    assert (lab.state(), fields(lab, "DONE", "MESSAGE")) == ("POWEROFF", [str(int(lab.now)), ""])
    assert lab.records("ACTION", "UID") == [("19", "0")]
    lab("vm.action", "resume", 0)
    lab.sleep(DAY)
    assert lab.state() == "RUNNING"


def test_what_fails_says_why_and_is_tried_again(lab):
    schedule(lab, "release", 10)
    lab.sleep(11)
    assert fields(lab, "DONE") == ["-1"]
    why = 'Error performing action "release": This action is not available for state RUNNING'
    assert fields(lab, "MESSAGE")[0].endswith(why)
    lab("vm.schedupdate", 0, 0, 'SCHED_ACTION=[ACTION="poweroff"]')
    lab.sleep(1)
    assert (lab.state(), fields(lab, "MESSAGE")) == ("POWEROFF", [""])


def test_an_action_before_the_epoch_is_never_due(lab):
    lab("vm.schedadd", 0, 'SCHED_ACTION=[ACTION="poweroff",TIME="-5"]')
    lab.sleep(60)
    assert (lab.state(), fields(lab, "DONE")) == ("RUNNING", ["-1"])
    lab("vm.schedupdate", 0, 0, 'SCHED_ACTION=[TIME="5"]')
    lab.sleep(0)
    assert lab.state() == "POWEROFF"


@pytest.mark.parametrize(
    ("repeat", "days", "after"),
    [(0, "0,1,2,3,4,5,6", DAY), (1, ",".join(map(str, range(1, 32))), DAY), (2, "", 0), (3, "5", 5 * 3600)],
)
def test_repetition(lab, repeat, days, after):
    today = time.localtime(lab.now + 10)
    days, after = (days, after) if days else (str(today.tm_yday), DAY)  # the day of the year after today's
    planned = int(lab.now) + 10
    schedule(lab, "reboot", 10, f',REPEAT="{repeat}",DAYS="{days}"')
    lab.sleep(11)
    assert fields(lab, "TIME", "DONE") == [str(planned + after), str(int(lab.now))]
    lab.sleep(after)
    assert fields(lab, "DONE") == [str(int(lab.now))]


def test_the_week_begins_on_sunday(lab):
    tomorrow = (time.localtime(lab.now + 10).tm_wday + 2) % 7
    planned = int(lab.now) + 10
    schedule(lab, "reboot", 10, f',REPEAT="0",DAYS="{tomorrow}"')
    lab.sleep(11)
    assert fields(lab, "TIME") == [str(planned + DAY)]


def test_an_action_ends_after_some_times(lab):
    schedule(lab, "reboot", 10, ',REPEAT="3",DAYS="1",END_TYPE="1",END_VALUE="2"')
    lab.sleep(11)
    assert fields(lab, "END_VALUE") == ["1"]
    lab.sleep(3600)
    assert fields(lab, "END_VALUE") == ["0"]
    done = fields(lab, "DONE")
    lab.sleep(3600)
    assert fields(lab, "DONE") == done


def test_an_action_ends_on_a_date(lab):
    schedule(lab, "poweroff", 60, f',END_TYPE="2",END_VALUE="{int(lab.now) + 30}"')
    lab.sleep(DAY)
    assert (lab.state(), fields(lab, "DONE")) == ("RUNNING", ["-1"])


@pytest.mark.parametrize(
    ("action", "arguments", "seen"),
    [
        ("snapshot-create", "before", "TEMPLATE/SNAPSHOT/NAME"),
        ("backup", "100,0", "BACKUPS/BACKUP_IDS/ID"),
    ],
)
def test_actions_with_arguments(lab, action, arguments, seen):
    schedule(lab, action, 10, f',ARGS="{arguments}"')
    lab.sleep(11)
    lab.sleep(1)
    assert lab.vm().findtext(seen)


@pytest.mark.parametrize(
    ("action", "arguments", "names"),
    [
        ("snapshot-create", "", "snapshot-name"),
        ("snapshot-revert", "x", "snapshot-id"),
        ("disk-snapshot-create", "0", "disk-id, snapshot-name"),
        ("backup", "100", "datastore-id, reset"),
    ],
)
def test_wrong_arguments(lab, action, arguments, names):
    schedule(lab, action, 10, f',ARGS="{arguments}"')
    lab.sleep(11)
    assert fields(lab, "MESSAGE")[0].endswith(f"Missing or malformed ARGS for: {action}. Format: {names}")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('REPEAT="2",DAYS="366"', "Days in a year have to be in [0,365] range"),
        ('REPEAT="3",DAYS="0"', "Hours have to be in [0,168] range"),
        ('REPEAT="3",DAYS="1,2"', "Hours have to be in [0,168] range"),
        ('REPEAT="3",DAYS="168"', "Hours have to be in [0,168] range"),
        ('REPEAT="0",DAYS="x"', "Scheduled Action repeat set, but DAYS are empty"),
        ('REPEAT="-2"', "Wrong REPEAT value: -2"),
        ('TIME="+x"', "Unable to parse the time value or value is empty: +x"),
    ],
)
def test_refusals(lab, given, why):
    begin = "" if given.startswith("TIME") else 'TIME="4000000000",'
    assert lab.refusal("vm.schedadd", 0, f'SCHED_ACTION=[ACTION="hold",{begin}{given}]') == why


def test_a_refused_change_changes_nothing(lab):
    schedule(lab, "hold", DAY)
    before = lab("vm.info", 0)
    assert lab.refusal("vm.schedupdate", 0, 0, 'SCHED_ACTION=[ACTION="stop",TIME="5",REPEAT="9"]')
    assert lab("vm.info", 0) == before


def test_relative_times_count_from_the_birth_of_the_vm(lab):
    lab.sleep(100)
    lab("vm.schedadd", 0, 'SCHED_ACTION=[ACTION="poweroff",TIME="+200"]')
    assert fields(lab, "TIME") == [str(int(lab.vm().findtext("STIME")) + 200)]


def test_the_actions_of_a_vm_end_with_it(lab):
    schedule(lab, "poweroff", DAY)
    lab("vm.action", "terminate", 0)
    lab.sleep(1)
    assert lab.vm().find("TEMPLATE/SCHED_ACTION") is None
    assert lab.refusal("vm.scheddelete", 0, 0) == "Error getting scheduled action [0]."
    assert not list(lab.cloud["SCHEDULEDACTION"])


def test_a_vm_with_a_wrong_action_is_there_without_it(lab):
    body = 'NAME="odd" CPU="1" MEMORY="64" SCHED_ACTION=[ACTION="hold",TIME="9"] SCHED_ACTION=[ACTION="fly",TIME="9"]'
    assert lab.refusal("vm.allocate", body, True) == "fly is not supported."
    assert (lab.vm(1).findtext("NAME"), lab.vm(1).findtext("SCHED_ACTIONS")) == ("odd", "")


def test_pools_do_not_show_actions(lab):
    schedule(lab, "poweroff", DAY)
    assert "<SCHED_ACTION>" in lab("vm.info", 0)
    assert "<SCHED_ACTION>" not in lab("vmpool.infoextended", -2, -1, -1, -1)
