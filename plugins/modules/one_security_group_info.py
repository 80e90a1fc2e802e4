#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_security_group_info
short_description: Read OpenNebula security groups
version_added: 1.0.0
description:
  - Returns the security groups that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_security_group
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all security groups
  privazio.opennebula.one_security_group_info:
  register: all_security_groups

- name: Read the security groups whose names begin with web
  privazio.opennebula.one_security_group_info:
    name: ~web
  register: some_security_groups
"""

RETURN = r"""
security_groups:
  description: The security groups in order of their ids, each as M(privazio.opennebula.one_security_group) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "web"}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.security_group import SECURITY_GROUP
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule


def main():
    select(OneModule(SELECTION, writes=False), SECURITY_GROUP, "security_groups")


if __name__ == "__main__":
    main()
