#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_hook_info
short_description: Read OpenNebula hooks
version_added: 1.0.0
description:
  - Returns the hooks that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_hook
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all hooks
  privazio.opennebula.one_hook_info:
  register: all_hooks

- name: Read the hooks whose names begin with host-failed
  privazio.opennebula.one_hook_info:
    name: ~host-failed
  register: some_hooks
"""

RETURN = r"""
hooks:
  description:
    - The hooks in order of their ids, each as M(privazio.opennebula.one_hook) returns it.
    - C(executions) are the last executions of each. Their C(time) is in seconds since the epoch.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "host-failed", "executions": [{"id": 0, "time": 1795424579, "code": 0, "stdout": ""}]}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.hook import HOOK_WITH_LOG
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule


def main():
    select(OneModule(SELECTION, writes=False), HOOK_WITH_LOG, "hooks")


if __name__ == "__main__":
    main()
