#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_backupjob
short_description: Manage OpenNebula backup jobs
version_added: 1.0.0
description:
  - Creates, changes, renames, runs and removes backup jobs, which back up several virtual machines on a schedule.
  - Options that are omitted are left as they are. A second run changes nothing.
  - Requires OpenNebula 6.8.
options:
  state:
    description:
      - Whether the backup job should exist.
    type: str
    choices: [present, absent]
    default: present
  vms:
    description:
      - Names or ids of the virtual machines to back up, in this order.
    type: list
    elements: str
  purge_vms:
    description:
      - Whether to remove virtual machines that are not in O(vms) from the job.
    type: bool
    default: true
  datastore:
    description:
      - Name or id of the datastore for the backups, of type backup. Required to create a job.
    type: str
  keep_last:
    description:
      - How many backups of each virtual machine to keep; V(0) for all.
    type: int
  backup_mode:
    description:
      - Whether to create full or incremental backups.
    type: str
    choices: [full, increment]
  fs_freeze:
    description:
      - How to freeze the file systems during a backup.
    type: str
    choices: [none, agent, suspend]
  backup_volatile:
    description:
      - Whether to back up volatile disks too.
    type: bool
  execution:
    description:
      - Whether to back up the virtual machines one after the other or all at once.
    type: str
    choices: [sequential, parallel]
  priority:
    description:
      - Priority of the job, from V(0) to V(99); jobs with a higher priority run first. Only administrators may set more
        than V(50).
    type: int
  schedules:
    description:
      - When to run the job. The order of schedules does not matter.
      - OpenNebula moves the time of a repeated schedule to its next run, so only the time of day is compared.
    type: list
    elements: dict
    suboptions:
      time:
        description:
          - When to run the job for the first time, as a date such as V("2026-12-01 02:00") (UTC where no zone is
            given), or in seconds since the epoch.
          - A new schedule whose time has passed begins with its next run; without O(schedules[].repeat) it is ignored.
        type: str
        required: true
      repeat:
        description:
          - How often to repeat the run; the job runs once when this is omitted.
        type: str
        choices: [hourly, weekly, monthly, yearly]
      days:
        description:
          - With O(schedules[].repeat=weekly) the days of the week (V(0) is Sunday), with V(monthly) those of the
            month, with V(yearly) those of the year (from V(0)), with V(hourly) the hours between two runs.
        type: list
        elements: int
      end_after:
        description:
          - End the schedule after this number of runs.
        type: int
      end_at:
        description:
          - End the schedule at this time.
        type: str
  purge_schedules:
    description:
      - Whether to remove schedules that are not in O(schedules).
    type: bool
    default: true
  run:
    description:
      - V(backup) starts the job now, V(retry) repeats the backups that failed, V(cancel) stops the job.
      - Each run of the task does so.
    type: str
    choices: [backup, retry, cancel]
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_backupjob_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a datastore for backups
  privazio.opennebula.one_datastore:
    name: vault
    type: backup
    ds_mad: "{{ one_ds_mad | default('restic') }}"
    tm_mad: "-"

- name: Create a backup job that runs every Sunday at two
  privazio.opennebula.one_backupjob:
    name: databases
    datastore: vault
    vms: []
    keep_last: 4
    schedules:
      - {time: "2026-12-06 02:00", repeat: weekly, days: [0]}

- name: Remove the backup job
  privazio.opennebula.one_backupjob:
    name: databases
    state: absent
"""

RETURN = r"""
id:
  description: Id of the backup job; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the backup job.
  type: str
  returned: success
  sample: databases
user_id:
  description: Id of the owner.
  type: int
  returned: success
  sample: 0
user_name:
  description: Name of the owner.
  type: str
  returned: success
  sample: oneadmin
group_id:
  description: Id of the group.
  type: int
  returned: success
  sample: 0
group_name:
  description: Name of the group.
  type: str
  returned: success
  sample: oneadmin
vm_ids:
  description: Ids of the virtual machines that the job backs up, in this order.
  type: list
  elements: int
  returned: success
  sample: [3, 4]
datastore_id:
  description: Id of the datastore for the backups.
  type: int
  returned: success
  sample: 100
keep_last:
  description: How many backups of each virtual machine are kept; V(0) for all.
  type: int
  returned: success
  sample: 4
backup_mode:
  description: Type of the backups, V(full) or V(increment).
  type: str
  returned: success
  sample: full
fs_freeze:
  description: How file systems are frozen, as in O(fs_freeze).
  type: str
  returned: success
  sample: none
backup_volatile:
  description: Whether volatile disks are backed up.
  type: bool
  returned: success
  sample: false
execution:
  description: Order of the backups, V(sequential) or V(parallel).
  type: str
  returned: success
  sample: sequential
priority:
  description: Priority of the job.
  type: int
  returned: success
  sample: 50
schedules:
  description: When the job runs; times in seconds since the epoch.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "time": 4000000000, "repeat": "weekly", "days": [0]}]
updated_vms:
  description: Ids of the virtual machines whose last backup succeeded.
  type: list
  elements: int
  returned: success
  sample: [3]
outdated_vms:
  description: Ids of the virtual machines whose backup has not started.
  type: list
  elements: int
  returned: success
  sample: []
backing_up_vms:
  description: Ids of the virtual machines that are being backed up.
  type: list
  elements: int
  returned: success
  sample: []
error_vms:
  description: Ids of the virtual machines whose last backup failed.
  type: list
  elements: int
  returned: success
  sample: [4]
last_backup_time:
  description: When the last run began, in seconds since the epoch; V(0) when there was none.
  type: int
  returned: success
  sample: 0
last_backup_duration:
  description: How long the last run took, in seconds.
  type: int
  returned: success
  sample: 0
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"KEEP_LAST": "4"}
labels:
  description: Labels of the backup job.
  type: list
  elements: str
  returned: success
  sample: [production]
owner:
  description: Name of the owner, as in O(owner).
  type: str
  returned: success
  sample: oneadmin
group:
  description: Name of the group, as in O(group).
  type: str
  returned: success
  sample: oneadmin
mode:
  description: Permissions as three octal digits, as in O(mode).
  type: str
  returned: success
  sample: "600"
lock:
  description: Lock of the backup job, as in O(lock).
  type: str
  returned: success
  sample: none
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
diff:
  description: What changes, before and after; only what differs.
  type: dict
  returned: success
  sample: {"before": {}, "after": {}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import (
    IDENTITY,
    LABELS,
    LOCK,
    OWNERSHIP,
    SCHEDULE,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.backupjob import BACKUPJOB
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    vms={"type": "list", "elements": "str"},
    purge_vms={"type": "bool", "default": True},
    datastore={"type": "str"},
    keep_last={"type": "int"},
    backup_mode={"type": "str", "choices": ["full", "increment"]},
    fs_freeze={"type": "str", "choices": ["none", "agent", "suspend"]},
    backup_volatile={"type": "bool"},
    execution={"type": "str", "choices": ["sequential", "parallel"]},
    priority={"type": "int"},
    schedules={"type": "list", "elements": "dict", "options": SCHEDULE},
    purge_schedules={"type": "bool", "default": True},
    run={"type": "str", "choices": ["backup", "retry", "cancel"]},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(BACKUPJOB)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
