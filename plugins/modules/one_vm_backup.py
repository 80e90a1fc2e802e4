#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_backup
short_description: Back up and restore OpenNebula virtual machines
version_added: 1.0.0
description:
  - Takes backups of a virtual machine, configures them, and restores from them.
  - Use M(privazio.opennebula.one_backupjob) for scheduled backups. OpenNebula refuses other backups of a virtual
    machine that belongs to a backup job.
  - Requires OpenNebula 6.6; restoring the disks of a virtual machine in place requires 6.10.
options:
  state:
    description:
      - V(taken) applies the settings and takes a backup; with O(max_age) only when the last one is older.
      - V(configured) applies the settings only.
      - V(restored) restores the disks in place while the virtual machine is powered off. Each run of the task does
        so. With O(restore_as), it creates a VM template or an image from the backup, unless there is one with this
        name.
    type: str
    choices: [taken, configured, restored]
    default: taken
  datastore:
    description:
      - Name or id of the datastore, of type backup, that the backup is stored in. Not needed for further increments.
    type: str
  reset:
    description:
      - Whether to start a new chain of increments with a full backup.
    type: bool
    default: false
  max_age:
    description:
      - Take no backup when the last one is not older than this, in seconds.
    type: int
  keep_last:
    description:
      - How many backups to keep; V(0) for all.
    type: int
  backup_mode:
    description:
      - Whether backups are full or incremental.
    type: str
    choices: [full, increment]
  increment_mode:
    description:
      - How changes are found, by changed block tracking or by snapshots.
    type: str
    choices: [cbt, snapshot]
  fs_freeze:
    description:
      - How the file systems are frozen for a backup.
    type: str
    choices: [none, agent, suspend]
  backup_volatile:
    description:
      - Whether to back up volatile disks too.
    type: bool
  disks:
    description:
      - Ids of the disks to back up (OpenNebula 7.4).
    type: list
    elements: int
  image:
    description:
      - Name or id of the backup image to restore from; the newest of the virtual machine when omitted.
    type: str
  increment:
    description:
      - Id of the increment to restore; the last one when omitted.
    type: int
  disk:
    description:
      - Id of the only disk to restore.
    type: int
  restore_as:
    description:
      - Name of the VM template to create, with its images; with O(disk), of the image to create.
    type: str
  restore_datastore:
    description:
      - Name or id of the datastore for the new images.
    type: str
  no_ip:
    description:
      - Whether to leave the addresses of the virtual machine out of the new VM template.
    type: bool
    default: false
  no_nic:
    description:
      - Whether to leave the network interfaces of the virtual machine out of the new VM template.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.power
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
notes:
  - Backups are images of the type V(backup). OpenNebula removes the oldest where O(keep_last) is exceeded, and keeps
    all of them when the virtual machine is removed. M(privazio.opennebula.one_image) removes one by its id.
seealso:
  - module: privazio.opennebula.one_backupjob
  - module: privazio.opennebula.one_datastore
  - module: privazio.opennebula.one_image
  - module: privazio.opennebula.one_vm_snapshot
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Back up a VM, unless there is a backup of the last day; keep four
  privazio.opennebula.one_vm_backup:
    name: database
    datastore: vault
    max_age: 86400
    keep_last: 4
  register: backup

- name: Restore the disks from the newest backup, for which the VM is switched off and on
  privazio.opennebula.one_vm_backup:
    name: database
    state: restored
    allow_poweroff: true

- name: Remove the backups
  privazio.opennebula.one_image:
    id: "{{ item }}"
    state: absent
  loop: "{{ backup.backups | default([]) }}"
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
backups:
  description: Ids of its backup images, the oldest first.
  type: list
  elements: int
  returned: success
  sample: [7, 9]
increment:
  description: Id of the last increment of its chain; -1 when there is none.
  type: int
  returned: success
  sample: -1
settings:
  description: How its backups are taken, as in C(BACKUP_CONFIG).
  type: dict
  returned: success
  sample: {"KEEP_LAST": "4", "MODE": "FULL"}
restored_ids:
  description: Ids of what was made from a backup, the virtual machine template first.
  type: list
  elements: int
  returned: with O(restore_as), when something was made
  sample: [5, 12]
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
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.image import IMAGE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import backups
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import change, choices, find_vm

OPTIONS = dict(
    VM,
    **POWER,
    **WAIT,
    **state("taken", "configured", "restored"),
    datastore={"type": "str"},
    reset={"type": "bool", "default": False},
    max_age={"type": "int"},
    keep_last={"type": "int"},
    backup_mode={"type": "str", "choices": ["full", "increment"]},
    increment_mode={"type": "str", "choices": ["cbt", "snapshot"]},
    fs_freeze={"type": "str", "choices": ["none", "agent", "suspend"]},
    backup_volatile={"type": "bool"},
    disks={"type": "list", "elements": "int"},
    image={"type": "str"},
    increment={"type": "int"},
    disk={"type": "int"},
    restore_as={"type": "str"},
    restore_datastore={"type": "str"},
    no_ip={"type": "bool", "default": False},
    no_nic={"type": "bool", "default": False},
)


def configured(module, cloud, item):
    wanted = {"settings": backups.settings(module.params)}
    return change(cloud, backups.VM_BACKUPS, item, wanted, choices(module))


def taken(module, cloud, item):
    params, wanted = module.params, {"settings": backups.settings(module.params)}
    if backups.due(cloud, item, params["max_age"]):
        wanted["backup"] = backups.Backup(params["datastore"], params["reset"])
    return change(cloud, backups.VM_BACKUPS, item, wanted, choices(module))


def restored(module, cloud, item):
    params = module.params
    if params["restore_as"] is not None:
        return copied(module, cloud, item)
    image = backups.chosen(cloud, item, params["image"])
    wanted = {"restored": backups.Restored(image, params["increment"], params["disk"])}
    return change(cloud, backups.VM_BACKUPS, item, wanted, choices(module))


def copied(module, cloud, item):
    """What is made from a backup, once its images are ready; an object of that name is taken for it."""
    params, name = module.params, module.params["restore_as"]
    kind = "template" if params["disk"] is None else IMAGE.kind
    record = dict(backups.read(cloud, item), id=item.ID, name=item.NAME)
    if cloud.find(kind, name) is not None:
        return Report(False, {}, {}, record)
    image = backups.chosen(cloud, item, params["image"])
    if module.applies:
        record["restored_ids"] = backups.copy(cloud, image, params["restore_datastore"], name, params)
        for oid in record["restored_ids"][0 if kind == IMAGE.kind else 1 :]:
            module.engine(cloud, IMAGE).update(cloud.info(IMAGE.kind, oid), {})
    return Report(True, {kind: None}, {kind: name}, record)


STATES = {"taken": taken, "configured": configured, "restored": restored}


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")], required_by={"restore_as": ("restore_datastore",)})
    module.run(lambda cloud: STATES[module.params["state"]](module, cloud, find_vm(cloud, module.params)))


if __name__ == "__main__":
    main()
