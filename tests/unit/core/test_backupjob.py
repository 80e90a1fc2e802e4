# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Backup jobs: VMs in the order of their backups, schedules as a set, and actions that are asked for each time."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import LAST, Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import backupjob

NIGHTLY = {"time": "2027-01-16 02:00", "repeat": "weekly", "days": [6]}
ONCE = {"time": "2027-02-01 02:00"}
PURGE = Modes(purge=frozenset(["purge_vms", "purge_schedules"]))


class Friday(Clock):
    """It is Friday, 2027-01-15 08:00 UTC."""

    def time(self):
        return 1_800_000_000


@pytest.fixture
def vms(one):
    """Two VMs, web (0) and db (1), and the datastore vault (100) for their backups."""
    one.datastore.allocate({"NAME": "vault", "TYPE": "BACKUP_DS", "DS_MAD": "dummy", "TM_MAD": "-"}, 0)
    return [one.template.instantiate(0, name) for name in ("web", "db")]


def converge(one, wanted, modes=PURGE, apply=True):
    return Engine(Cloud(one, clock=Friday()), backupjob.BACKUPJOB, modes, apply).converge("job", None, wanted)


def test_a_new_job_is_as_planned(one, vms):
    wanted = {
        "vms": ["db", "web"],
        "datastore": "vault",
        "keep_last": 4,
        "backup_mode": "INCREMENT",
        "backup_volatile": True,
        "priority": 60,
        "schedules": [NIGHTLY],
        "template": {"team": "ops"},
    }
    planned, done = (converge(one, wanted, apply=apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert (done.after["vm_ids"], done.after["datastore_id"]) == ([1, 0], 100)
    fields = ("vm_ids", "datastore_id", "keep_last", "backup_mode", "backup_volatile", "priority", "template")
    assert [done.record[field] for field in fields][:6] == [[1, 0], 100, 4, "increment", True, 60]
    assert done.record["template"]["TEAM"] == "ops"
    assert [item["days"] for item in done.record["schedules"]] == [[6]]
    assert not converge(one, wanted).changed


@pytest.mark.parametrize(
    ("purge", "present", "wanted", "after"),
    [
        (True, [1, 0], [0, 1], [0, 1]),
        (True, [1, 0], [0], [0]),
        (True, [1], [], []),
        (False, [1, 0], [0, 1], [1, 0]),
        (False, [1], [2, 1, 0], [1, 2, 0]),
        (False, [1], [], [1]),
    ],
)
def test_vms_have_an_order(purge, present, wanted, after):
    modes = Modes(purge=frozenset(["purge_vms"] if purge else ["purge_schedules"]))
    assert backupjob.merged_vms(present, wanted, modes) == after


def test_a_vm_that_is_named_twice_is_backed_up_once(one, vms):
    assert backupjob.canonical_vms(Cloud(one), ["db", 0, "1"]) == [1, 0]


@pytest.mark.parametrize("purge", [True, False])
def test_schedules_are_replaced_only_where_they_are_purged(one, vms, purge):
    modes = Modes(purge=frozenset(["purge_schedules"] if purge else ["purge_vms"]))
    converge(one, {"datastore": "vault", "schedules": [NIGHTLY]})
    planned, done = (converge(one, {"schedules": [ONCE]}, modes, apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert [item["repeat"] for item in done.record["schedules"]] == ([""] if purge else ["weekly", ""])
    assert not converge(one, {"schedules": [ONCE]}, modes).changed


def test_a_job_changes_in_all_its_options(one, vms):
    converge(one, {"datastore": "vault", "vms": ["web"]})
    one.datastore.allocate({"NAME": "other", "TYPE": "BACKUP_DS", "DS_MAD": "dummy", "TM_MAD": "-"}, 0)
    wanted = {"datastore": "other", "vms": ["db"], "priority": 10, "execution": "parallel", "lock": "use"}
    planned, done = (converge(one, wanted, apply=apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert [done.record[field] for field in ("datastore_id", "vm_ids", "priority", "execution", "lock")] == [
        101,
        [1],
        10,
        "parallel",
        "use",
    ]


def test_a_replaced_template_keeps_what_options_say(one, vms):
    converge(one, {"datastore": "vault", "vms": ["web"], "keep_last": 3, "template": {"A": "1"}})
    found = converge(one, {"template": {"B": "2"}}, Modes(template="replace")).record
    assert (found["vm_ids"], found["datastore_id"], found["keep_last"]) == ([0], 100, 3)
    assert ("A" in found["template"], found["template"]["B"]) == (False, "2")


@pytest.mark.parametrize("wanted", ["backup", "retry", "cancel"])
def test_an_action_is_asked_for_each_time_after_all_changes(wanted):
    attribute = backupjob.BACKUPJOB.attributes["run"]
    before, after, (step,) = attribute.plan({"id": 7, "name": "job"}, {"run": wanted}, Modes())
    assert (before, after, attribute.persisted) == (None, wanted, False)
    assert (step.method, step.arguments, step.phase) == (f"backupjob.{wanted}", (7,), LAST)


def test_a_job_needs_a_datastore(one):
    with pytest.raises(Failure, match=r"no backup job job; to create it, give: datastore\."):
        converge(one, {"vms": []}, apply=False)
