#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_acl_info
short_description: Read OpenNebula ACL rules
version_added: 1.0.0
description:
  - Returns the ACL rules of a user or a group; all rules when neither is given.
options:
  user:
    description:
      - Only return rules of the user with this name or id, without those of the user's groups.
    type: str
  group:
    description:
      - Only return rules of the group with this name or id.
    type: str
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_acl
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all ACL rules
  privazio.opennebula.one_acl_info:
  register: all_rules

- name: Read the rules of a group
  privazio.opennebula.one_acl_info:
    group: users
  register: users
"""

RETURN = r"""
rules:
  description: The rules, each as M(privazio.opennebula.one_acl) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 3, "rule": "@1 HOST/* MANAGE #0", "group_id": 1, "resources": ["host"], "rights": ["manage"]}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import acl
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = {"user": {"type": "str"}, "group": {"type": "str"}}


def read(cloud, options):
    """The Report with the rules that are asked for."""
    return Report(False, None, None, {"rules": acl.select(cloud, options["user"], options["group"])})


def main():
    module = OneModule(OPTIONS, writes=False, mutually_exclusive=[("user", "group")])
    module.run(lambda cloud: read(cloud, module.params))


if __name__ == "__main__":
    main()
