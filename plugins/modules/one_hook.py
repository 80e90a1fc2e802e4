#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_hook
short_description: Manage OpenNebula hooks
version_added: 1.0.0
description:
  - Creates, changes, renames and removes hooks, which are commands that OpenNebula runs on events.
  - Options that are omitted are left as they are. A second run changes nothing.
  - Only administrators may manage hooks.
options:
  state:
    description:
      - Whether the hook should exist.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - Event that runs the hook, V(api) for a call of the API, V(state) for a change of state. Required to create a
        hook. It
        cannot be changed later.
    type: str
    choices: [api, state]
  command:
    description:
      - Command to run. A relative path starts in the directory for hooks on the front-end.
      - Required to create a hook.
    type: str
  arguments:
    description:
      - Arguments of the command, such as V($API) or V($TEMPLATE).
    type: str
  arguments_stdin:
    description:
      - Whether the arguments go to the standard input of the command.
    type: bool
  remote:
    description:
      - Whether the command runs on the host of the virtual machine instead of the front-end.
    type: bool
  timeout_seconds:
    description:
      - How long the command may take, in seconds.
    type: int
  call:
    description:
      - For O(type=api), the method of the API that runs the hook, such as V(one.vm.allocate).
    type: str
  resource:
    description:
      - For O(type=state), the kind of objects whose state runs the hook.
    type: str
    choices: [vm, host, image, net]
  resource_state:
    description:
      - For O(type=state), the state that runs the hook, such as V(error) for a host or V(active) for a virtual machine.
    type: str
  lcm_state:
    description:
      - For O(resource=vm), the state of the life cycle, such as V(running), or V(lcm_init) where there is none.
    type: str
  retry:
    description:
      - Ids of executions to run again, as M(privazio.opennebula.one_hook_info) returns them.
      - Each run of the task runs them again.
    type: list
    elements: int
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_hook_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a hook that calls the operator when a host fails
  privazio.opennebula.one_hook:
    name: host-failed
    type: state
    resource: host
    resource_state: error
    command: /usr/local/bin/page-operator
    arguments: $TEMPLATE
    arguments_stdin: true

- name: Remove the hook
  privazio.opennebula.one_hook:
    name: host-failed
    state: absent
"""

RETURN = r"""
id:
  description: Id of the hook; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the hook.
  type: str
  returned: success
  sample: host-failed
type:
  description: Event that runs the hook, V(api) or V(state).
  type: str
  returned: success
  sample: state
command:
  description: Command of the hook.
  type: str
  returned: success
  sample: /usr/local/bin/page-operator
arguments:
  description: Arguments of the command.
  type: str
  returned: success
  sample: $TEMPLATE
arguments_stdin:
  description: Whether the arguments go to the standard input of the command.
  type: bool
  returned: success
  sample: true
remote:
  description: Whether the command runs on the host of the virtual machine.
  type: bool
  returned: success
  sample: false
timeout_seconds:
  description: How long the command may take, in seconds; null when there is no limit.
  type: int
  returned: success
  sample: 60
call:
  description: Method that runs the hook; empty for V(state).
  type: str
  returned: success
  sample: ""
resource:
  description: Kind of objects whose state runs the hook, in upper case.
  type: str
  returned: success
  sample: HOST
resource_state:
  description: State that runs the hook, in upper case.
  type: str
  returned: success
  sample: ERROR
lcm_state:
  description: State of the life cycle that runs the hook, in upper case.
  type: str
  returned: success
  sample: ""
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"COMMAND": "/usr/local/bin/page-operator"}
labels:
  description: Labels of the hook.
  type: list
  elements: str
  returned: success
  sample: [production]
lock:
  description: Lock of the hook, as in O(lock).
  type: str
  returned: success
  sample: none
executions:
  description:
    - The last executions of the hook. Their C(time) is in seconds since the epoch.
    - Missing when nothing was changed; M(privazio.opennebula.one_hook_info) always returns them.
  type: list
  elements: dict
  returned: when the hook was read again after a change
  sample: [{"id": 0, "time": 1795424579, "code": 0, "command": "/bin/true", "stdout": "", "stderr": ""}]
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
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.hook import HOOK
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    type={"type": "str", "choices": ["api", "state"]},
    command={"type": "str"},
    arguments={"type": "str"},
    arguments_stdin={"type": "bool"},
    remote={"type": "bool"},
    timeout_seconds={"type": "int"},
    call={"type": "str"},
    resource={"type": "str", "choices": ["vm", "host", "image", "net"]},
    resource_state={"type": "str"},
    lcm_state={"type": "str"},
    retry={"type": "list", "elements": "int"},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(HOOK)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
