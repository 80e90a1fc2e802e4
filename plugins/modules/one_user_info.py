#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_user_info
short_description: Read OpenNebula users
version_added: 1.0.0
description:
  - Returns the users that match all given options; all that the user may see when none is given.
options:
  group:
    description:
      - Only return users whose primary group has this name or id.
    type: str
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.unowned
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_user
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all users
  privazio.opennebula.one_user_info:
  register: all_users

- name: Read the users whose names begin with a
  privazio.opennebula.one_user_info:
    name: ~a
  register: some_users
"""

RETURN = r"""
users:
  description: The users in order of their ids, each as M(privazio.opennebula.one_user) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 2, "name": "alice", "group": "users", "enabled": true}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import UNOWNED
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.user import USER
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(UNOWNED, group={"type": "str"})


def main():
    select(OneModule(OPTIONS, writes=False), USER, "users")


if __name__ == "__main__":
    main()
