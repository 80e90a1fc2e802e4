#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_exec
short_description: Run commands in the guests of OpenNebula virtual machines
version_added: 1.0.0
description:
  - Runs a command in the guest of a virtual machine through the guest agent, and returns its output and return code.
    It needs no network between controller and guest, and no login.
  - Requires OpenNebula 7.2, KVM, and C(qemu-guest-agent) in the guest.
  - OpenNebula stores the last command, its input and its output in the template of the virtual machine, where all
    users who may use it can read them. Do not put secrets there.
options:
  state:
    description:
      - V(executed) runs O(command). Each run of the task does so; check mode does not.
      - V(repeated) runs the last command again.
      - V(cancelled) stops the command that is running, if there is one.
    type: str
    choices: [executed, repeated, cancelled]
    default: executed
  command:
    description:
      - The command, with its arguments. Required with O(state=executed).
    type: str
  stdin:
    description:
      - Standard input of the command.
    type: str
    default: ''
  allowed_rc:
    description:
      - Return codes that do not fail the task.
    type: list
    elements: int
    default: [0]
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
notes:
  - When O(wait_timeout) is over, or with O(wait=false), the command keeps running; O(state=cancelled) stops it.
seealso:
  - module: privazio.opennebula.one_vm
  - module: privazio.opennebula.one_vm_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Ask the guest something
  privazio.opennebula.one_vm_exec:
    name: database
    command: echo ready
  register: answer

- name: Say what it answered
  ansible.builtin.debug:
    msg: "{{ answer.stdout }}"

- name: Run a command that may also return 1
  privazio.opennebula.one_vm_exec:
    name: database
    command: "false"
    allowed_rc: [0, 1]

- name: Cancel what is being executed
  privazio.opennebula.one_vm_exec:
    name: database
    state: cancelled
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
command:
  description: The last command; in check mode the one that would be run.
  type: str
  returned: success, and when the command failed
  sample: echo ready
status:
  description: How it stands, V(executing), V(done), V(error) or V(cancelled); empty when no command was ever run.
  type: str
  returned: success, and when the command failed
  sample: done
rc:
  description: Its return code.
  type: int
  returned: when the command has ended
  sample: 0
stdout:
  description: What it wrote to its standard output.
  type: str
  returned: success, and when the command failed
  sample: "ready\n"
stdout_lines:
  description: The same as lines.
  type: list
  elements: str
  returned: success
  sample: [ready]
stderr:
  description: What it wrote to its standard error.
  type: str
  returned: success, and when the command failed
  sample: ""
stderr_lines:
  description: The same as lines.
  type: list
  elements: str
  returned: success
  sample: []
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 5
diff:
  description: What changes, before and after; only what differs.
  type: dict
  returned: success
  sample: {"before": {}, "after": {"executed": "echo ready"}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import VM, WAIT, state
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.guest_exec import (
    GUEST_EXEC,
    refuse_failed,
    values,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import change, choices, find_vm

OPTIONS = dict(
    VM,
    **WAIT,
    **state("executed", "repeated", "cancelled"),
    command={"type": "str"},
    stdin={"type": "str", "default": ""},
    allowed_rc={"type": "list", "elements": "int", "default": [0]},
)

NOTHING_YET = {"status": "", "rc": None, "stdout": "", "stderr": ""}  # of a command that a check run would run


def converge(module, cloud):
    params = module.params
    item = find_vm(cloud, params)
    report = change(cloud, GUEST_EXEC, item, values(params), choices(module))
    record = report.record
    if report.changed and not module.applies:
        record = dict(record, **NOTHING_YET)
        record["command"] = params["command"] or record["command"]
    elif report.changed and params["wait"] and params["state"] != "cancelled":
        refuse_failed(item, record, params["allowed_rc"])
    return Report(report.changed, report.before, report.after, visible(record))


def visible(record):
    """Ansible takes any rc but 0 for a failure, unless it is told otherwise."""
    return dict({key: value for key, value in record.items() if value is not None}, failed=False)


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")], required_if=[("state", "executed", ("command",))])
    module.run(lambda cloud: converge(module, cloud))


if __name__ == "__main__":
    main()
