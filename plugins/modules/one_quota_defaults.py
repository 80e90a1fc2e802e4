#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_quota_defaults
short_description: Manage the default quotas of OpenNebula
version_added: 1.0.0
description:
  - Manages the default quotas, which apply to each user, or each group, whose own quotas are V(default).
  - Without O(quotas) the module only returns them.
options:
  kind:
    description:
      - Whether to manage the default quotas of users or of groups.
    type: str
    choices: [user, group]
    required: true
  quotas:
    description:
      - Limits, as in M(privazio.opennebula.one_user). Limits that are omitted are left as they are.
      - A limit is a number or V(unlimited). Virtual machines in a cluster have no default quotas.
    type: dict
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.quotas
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_user
  - module: privazio.opennebula.one_group
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Set the default quotas of users
  privazio.opennebula.one_quota_defaults:
    kind: user
    quotas:
      vm:
        running_vms: 10
        running_memory: 32768
      datastore:
        default:
          size: 204800

- name: Remove all default quotas of groups
  privazio.opennebula.one_quota_defaults:
    kind: group
    quotas: {}
    purge_quotas: true
"""

RETURN = r"""
kind:
  description: Whose default quotas these are.
  type: str
  returned: success
  sample: user
quotas:
  description: Limits as in O(quotas), objects by id; unlimited ones are left out.
  type: dict
  returned: success
  sample: {"vm": {"running_vms": 10}, "datastore": {"1": {"size": 204800}}}
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

from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import quotas
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import QUOTAS
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(QUOTAS, kind={"type": "str", "choices": ["user", "group"], "required": True})
RULES: dict = {}


def work(module):
    module.run(lambda cloud: quotas.ensure_defaults(cloud, module.params, module.applies))


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
