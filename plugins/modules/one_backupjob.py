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
  - Creates, changes, renames and removes backup jobs, which save several virtual machines on a schedule.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
  - Needs OpenNebula 6.8.
options:
  state:
    description:
      - Whether the backup job is to be there.
    type: str
    choices: [present, absent]
    default: present
  vms:
    description:
      - Names or ids of the virtual machines to save, in this order.
    type: list
    elements: str
  purge_vms:
    description:
      - Whether virtual machines that O(vms) does not name leave the job.
    type: bool
    default: true
  datastore:
    description:
      - Name or id of the datastore, of type backup, that the backups go to. Required to create a job.
    type: str
  keep_last:
    description:
      - How many backups of each virtual machine are kept; V(0) for all.
    type: int
  backup_mode:
    description:
      - Whether each backup is whole, or holds what changed since the one before.
    type: str
    choices: [full, increment]
  fs_freeze:
    description:
      - How the file systems come to rest for a backup.
    type: str
    choices: [none, agent, suspend]
  backup_volatile:
    description:
      - Whether volatile disks are saved as well.
    type: bool
  execution:
    description:
      - Whether the virtual machines are saved one after the other or at once.
    type: str
    choices: [sequential, parallel]
  priority:
    description:
      - Which jobs go first, from V(0) to V(99). Only administrators may give more than V(50).
    type: int
  schedules:
    description:
      - When the job is run. Schedules are a set.
      - OpenNebula moves the time of a repeated schedule to its next turn, so the time of the day is what is compared.
    type: list
    elements: dict
    suboptions:
      time:
        description:
          - When it is run first, as a date such as V("2026-12-01 02:00") (UTC where no zone is given), or in seconds
            since the epoch.
          - A new schedule whose time is over begins with its next turn; without O(schedules[].repeat) it is taken as
            done.
        type: str
        required: true
      repeat:
        description:
          - How often it comes back; once when omitted.
        type: str
        choices: [hourly, weekly, monthly, yearly]
      days:
        description:
          - With O(schedules[].repeat=weekly) the days of the week (V(0) is Sunday), with V(monthly) those of the
            month, with V(yearly) those of the year (from V(0)), with V(hourly) the hours between two turns.
        type: list
        elements: int
      end_after:
        description:
          - After how many turns it ends.
        type: int
      end_at:
        description:
          - After which time it ends.
        type: str
  purge_schedules:
    description:
      - Whether schedules that O(schedules) does not name are removed.
    type: bool
    default: true
  run:
    description:
      - V(backup) starts the job now, V(retry) repeats what failed, V(cancel) stops it. Each run of the task does so.
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
- name: Have a datastore for backups
  privazio.opennebula.one_datastore:
    name: vault
    type: backup
    ds_mad: "{{ one_ds_mad | default('restic') }}"
    tm_mad: "-"

- name: Save the databases every Sunday at two
  privazio.opennebula.one_backupjob:
    name: databases
    datastore: vault
    vms: []
    keep_last: 4
    schedules:
      - {time: "2026-12-06 02:00", repeat: weekly, days: [0]}

- name: Remove it
  privazio.opennebula.one_backupjob:
    name: databases
    state: absent
"""

RETURN = r"""
id:
  description: Id of the backup job; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the backup job.
  type: str
  returned: success
  sample: databases
user_id:
  description: Id of its owner.
  type: int
  returned: success
  sample: 0
user_name:
  description: Name of its owner.
  type: str
  returned: success
  sample: oneadmin
group_id:
  description: Id of its group.
  type: int
  returned: success
  sample: 0
group_name:
  description: Name of its group.
  type: str
  returned: success
  sample: oneadmin
vm_ids:
  description: Ids of the virtual machines that it saves, in this order.
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
  description: How many backups are kept; 0 for all.
  type: int
  returned: success
  sample: 4
backup_mode:
  description: V(full) or V(increment).
  type: str
  returned: success
  sample: full
fs_freeze:
  description: How file systems come to rest.
  type: str
  returned: success
  sample: none
backup_volatile:
  description: Whether volatile disks are saved.
  type: bool
  returned: success
  sample: false
execution:
  description: V(sequential) or V(parallel).
  type: str
  returned: success
  sample: sequential
priority:
  description: Its priority.
  type: int
  returned: success
  sample: 50
schedules:
  description: When it is run; times in seconds since the epoch.
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
  description: Ids of the virtual machines that wait for their backup.
  type: list
  elements: int
  returned: success
  sample: []
backing_up_vms:
  description: Ids of the virtual machines that are being saved.
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
  description: When the last run began, in seconds since the epoch; 0 when there was none.
  type: int
  returned: success
  sample: 0
last_backup_duration:
  description: How long the last run took, in seconds.
  type: int
  returned: success
  sample: 0
template:
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"KEEP_LAST": "4"}
labels:
  description: Its labels.
  type: list
  elements: str
  returned: success
  sample: [production]
owner:
  description: Name of its owner, as in O(owner).
  type: str
  returned: success
  sample: oneadmin
group:
  description: Name of its group, as in O(group).
  type: str
  returned: success
  sample: oneadmin
mode:
  description: Its permissions as three octal digits, as in O(mode).
  type: str
  returned: success
  sample: "600"
lock:
  description: What is locked, as in O(lock).
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


def main():
    OneModule(OPTIONS, required_one_of=[("id", "name")]).ensure(BACKUPJOB)


if __name__ == "__main__":
    main()
