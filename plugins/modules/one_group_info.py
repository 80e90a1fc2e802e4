#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_group_info
short_description: Read OpenNebula groups
version_added: 1.0.0
description:
  - Returns the groups that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.unowned
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_group
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all groups
  privazio.opennebula.one_group_info:
  register: all_groups

- name: Read a group
  privazio.opennebula.one_group_info:
    name: users
  register: users
"""

RETURN = r"""
groups:
  description:
    The groups in order of their ids, each as M(privazio.opennebula.one_group) returns it, and with C(members) and
    C(admins) by name.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 100, "name": "dev", "members": ["dora"], "admins": ["dora"]}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import UNOWNED
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.group import GROUP_WITH_NAMES
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = UNOWNED


def main():
    select(OneModule(OPTIONS, writes=False), GROUP_WITH_NAMES, "groups")


if __name__ == "__main__":
    main()
