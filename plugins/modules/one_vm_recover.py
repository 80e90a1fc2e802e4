#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_recover
short_description: Recover OpenNebula virtual machines that have failed
version_added: 1.0.0
description:
  - Recovers a virtual machine that has failed, or removes it. A virtual machine that has not failed is left alone.
  - The task waits until the virtual machine is in a final state, and fails with the message of the driver when it
    fails again.
options:
  operation:
    description:
      - V(retry) repeats the action that failed.
      - V(success) tells OpenNebula that the action succeeded.
      - V(failure) tells OpenNebula that the action failed. It changes a virtual machine that has failed only when its
        migration failed, and moves it back to its former host.
      - V(recreate) removes the virtual machine from its host, and creates it again from its images, with the same id.
      - V(delete) removes it without shutting the guest down and without calling hooks.
      - V(delete_db) removes it from the database only; its files on hosts are kept.
    type: str
    choices: [retry, success, failure, recreate, delete, delete_db]
    required: true
  force:
    description:
      - Whether to recover a virtual machine that has not failed.
      - V(retry), V(success) and V(failure) then also act on a virtual machine in a transient state, V(success) also
        on one in the state unknown; V(recreate), V(delete) and V(delete_db) act on any. With V(recreate), each run of
        the task does so.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vm
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Retry what failed, and leave a working virtual machine alone
  privazio.opennebula.one_vm_recover:
    name: database
    operation: retry

- name: Create a virtual machine again from its images
  privazio.opennebula.one_vm_recover:
    name: database
    operation: recreate
    force: true

- name: Remove a virtual machine in any state
  privazio.opennebula.one_vm_recover:
    name: database
    operation: delete
    force: true
"""

RETURN = r"""
id:
  description: Id of the virtual machine.
  type: int
  returned: when there is one
  sample: 3
name:
  description: Name of the virtual machine.
  type: str
  returned: when there is one
  sample: database
status:
  description: One word for its state afterwards, such as V(running) or V(pending).
  type: str
  returned: when there is one
  sample: running
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

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import VM, WAIT
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import recovery
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import find_vm
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.states import status

OPTIONS = dict(
    VM,
    **WAIT,
    operation={
        "type": "str",
        "choices": ["retry", "success", "failure", "recreate", "delete", "delete_db"],
        "required": True,
    },
    force={"type": "bool", "default": False},
)


def converge(module, cloud):
    params, word = module.params, module.params["operation"]
    item = find_vm(cloud, params, missing_ok=word in recovery.FINAL)
    if item is None:
        return Report(False, {}, {}, {})
    due = recovery.needs(item, word, params["force"])
    before, after = ({"status": status(item)}, {"recovered": word}) if due else ({}, {})
    if due:
        cloud.refuse_protected("vm.recover", (item.ID, recovery.OPERATIONS[word].number))
    if due and module.applies:
        item = recovery.recover(cloud, item, word, params["wait"])
    record = {"id": item.ID, "name": item.NAME, "status": status(item)} if item is not None else {}
    return Report(due, before, after, record)


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")])
    module.run(lambda cloud: converge(module, cloud))


if __name__ == "__main__":
    main()
