#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_snapshot
short_description: Manage snapshots of OpenNebula virtual machines and their disks
version_added: 1.0.0
description:
  - Takes, deletes and reverts to snapshots of a virtual machine, which include its memory, or of one of its disks.
  - Which snapshots can be deleted depends on the driver; the task fails with its message.
options:
  state:
    description:
      - V(present) takes the snapshot if there is none with this name, and then deletes old ones according to O(keep).
      - V(absent) deletes all snapshots with this name.
      - V(reverted) reverts to the newest snapshot with this name. Each run of the task does so. A disk can be
        reverted only while the virtual machine is powered off, see O(allow_poweroff).
    type: str
    choices: [present, absent, reverted]
    default: present
  snapshot:
    description:
      - Name of the snapshot. Required unless O(keep) is given with O(state=present).
    type: str
  disk:
    description:
      - Id of the disk; snapshots of the whole virtual machine when omitted.
    type: int
  keep:
    description:
      - How many snapshots to keep, at least V(1); the oldest ones are deleted after a new one was taken.
    type: int
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.power
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vm
  - module: privazio.opennebula.one_vm_backup
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Take a snapshot before an upgrade and keep the last three
  privazio.opennebula.one_vm_snapshot:
    name: database
    snapshot: before-upgrade
    keep: 3

- name: Revert to it after the upgrade went wrong
  privazio.opennebula.one_vm_snapshot:
    name: database
    snapshot: before-upgrade
    state: reverted

- name: Take a snapshot of the first disk
  privazio.opennebula.one_vm_snapshot:
    name: database
    disk: 0
    snapshot: empty

- name: Revert the disk, which powers the virtual machine off and on
  privazio.opennebula.one_vm_snapshot:
    name: database
    disk: 0
    snapshot: empty
    state: reverted
    allow_poweroff: true

- name: Remove the snapshot
  privazio.opennebula.one_vm_snapshot:
    name: database
    snapshot: before-upgrade
    state: absent
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
disk:
  description:
    - Id of the disk of the snapshots.
  type: int
  returned: success
  sample: null
snapshots:
  description:
    - The snapshots, in check mode as they would be; the oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the snapshot; not there when a check run would take it.
      type: int
      sample: 0
    name:
      description: Name of the snapshot.
      type: str
      sample: before-upgrade
    time:
      description: When it was taken, in seconds since the epoch.
      type: int
      sample: 1790000000
    size:
      description:
        - Size in MB.
      type: int
      sample: 64
    active:
      description: Of a disk, whether this is the active snapshot.
      type: bool
      sample: true
    parent:
      description:
        - Of a disk, id of the parent snapshot.
      type: int
      sample: null
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

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import POWER, VM, WAIT, state
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import change, choices, find_vm
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.snapshots import is_missing, values, vm_snapshots

OPTIONS = dict(
    VM,
    **POWER,
    **WAIT,
    **state("present", "absent", "reverted"),
    snapshot={"type": "str"},
    disk={"type": "int"},
    keep={"type": "int"},
)


def converge(module, cloud):
    params = module.params
    absent = params["state"] == "absent"
    item = find_vm(cloud, params, missing_ok=absent)
    if absent and is_missing(item, params["disk"]):
        return Report(False, {}, {}, {"disk": params["disk"], "snapshots": []})
    return change(cloud, vm_snapshots(params["disk"]), item, values(params), choices(module))


def main():
    module = OneModule(
        OPTIONS,
        required_one_of=[("id", "name"), ("snapshot", "keep")],
        required_if=[("state", "absent", ("snapshot",)), ("state", "reverted", ("snapshot",))],
    )
    module.run(lambda cloud: converge(module, cloud))


if __name__ == "__main__":
    main()
