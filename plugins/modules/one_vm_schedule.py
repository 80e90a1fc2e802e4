#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_schedule
short_description: Manage the scheduled actions of an OpenNebula virtual machine
version_added: 1.0.0
description:
  - Manages the scheduled actions of a virtual machine. Actions that exist already are left as they are.
  - Requires OpenNebula 6.2.
options:
  schedules:
    description:
      - Actions and their times; V([]) with O(purge_schedules) removes all.
      - OpenNebula moves the time of a repeated action to its next run, so only the time of day is compared.
    type: list
    elements: dict
    required: true
    suboptions:
      action:
        description:
          - The action, by its name in OpenNebula.
        type: str
        required: true
        choices:
          - terminate
          - terminate-hard
          - undeploy
          - undeploy-hard
          - poweroff
          - poweroff-hard
          - reboot
          - reboot-hard
          - hold
          - release
          - stop
          - suspend
          - resume
          - snapshot-create
          - snapshot-revert
          - snapshot-delete
          - disk-snapshot-create
          - disk-snapshot-revert
          - disk-snapshot-delete
          - backup
      args:
        description:
          - Arguments of the action, separated by commas. For a snapshot of the virtual machine its name or id, for a
            snapshot of a disk the id of the disk and the name or id of the snapshot, for a backup the id of the
            datastore.
        type: str
      time:
        description:
          - When to run the action for the first time, as a date such as V("2026-12-01 02:00") (UTC where no zone is
            given), in seconds since the epoch, or as V("+3600"), in seconds after the virtual machine was created.
          - A new action whose time has passed begins with its next run; without O(schedules[].repeat) it is ignored.
        type: str
        required: true
      repeat:
        description:
          - How often to repeat the action; it runs once when this is omitted.
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
      - Whether to remove actions that are not in O(schedules).
    type: bool
    default: true
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vm
  - module: privazio.opennebula.one_backupjob
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Schedule power off at 19:00 from Monday to Friday, and resume at 06:00
  privazio.opennebula.one_vm_schedule:
    name: database
    schedules:
      - {action: poweroff, time: "2026-12-01 19:00", repeat: weekly, days: [1, 2, 3, 4, 5]}
      - {action: resume, time: "2026-12-01 06:00", repeat: weekly, days: [1, 2, 3, 4, 5]}

- name: Add a snapshot on the first of each month
  privazio.opennebula.one_vm_schedule:
    name: database
    schedules:
      - {action: snapshot-create, args: monthly, time: "2026-12-01 02:00", repeat: monthly, days: [1]}
    purge_schedules: false

- name: Remove all schedules
  privazio.opennebula.one_vm_schedule:
    name: database
    schedules: []
"""

RETURN = r"""
id:
  description: Id of the virtual machine.
  type: int
  returned: success
  sample: 3
name:
  description: Name of the virtual machine.
  type: str
  returned: success
  sample: database
schedules:
  description:
    - Scheduled actions, with those that have ended; times in seconds since the epoch.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "action": "poweroff", "args": "", "time": 4000000000, "repeat": "weekly", "days": [5]}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 2
diff:
  description: What changes, before and after; only what differs.
  type: dict
  returned: success
  sample: {"before": {}, "after": {}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SCHEDULE, VM
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import change, choices, find_vm
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.schedules import VM_SCHEDULES, absolute

ACTIONS = (
    "terminate terminate-hard undeploy undeploy-hard poweroff poweroff-hard reboot reboot-hard hold release stop "
    "suspend resume snapshot-create snapshot-revert snapshot-delete disk-snapshot-create disk-snapshot-revert "
    "disk-snapshot-delete backup"
).split()
ACTION = dict(
    SCHEDULE,
    action={"type": "str", "required": True, "choices": ACTIONS},
    args={"type": "str"},
)
OPTIONS = dict(
    VM,
    schedules={"type": "list", "elements": "dict", "required": True, "options": ACTION},
    purge_schedules={"type": "bool", "default": True},
)


def converge(module, cloud):
    item = find_vm(cloud, module.params)
    wanted = {"schedules": absolute(item, module.params["schedules"])}
    return change(cloud, VM_SCHEDULES, item, wanted, choices(module))


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")])
    module.run(lambda cloud: converge(module, cloud))


if __name__ == "__main__":
    main()
