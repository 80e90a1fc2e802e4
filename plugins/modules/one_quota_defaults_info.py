#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_quota_defaults_info
short_description: Read the default quotas of OpenNebula users and groups
version_added: 1.0.0
description:
  - Returns the default quotas, which limit users and groups that have no quotas of their own.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_quota_defaults
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read the default quotas
  privazio.opennebula.one_quota_defaults_info:
  register: defaults

- name: Show how many VMs of a user may run
  ansible.builtin.debug:
    msg: "{{ defaults.quotas.user.vm.running_vms | default('unlimited') }}"
"""

RETURN = r"""
quotas:
  description:
    - The limits of V(user) and of V(group), each as M(privazio.opennebula.one_quota_defaults) returns them.
  type: dict
  returned: success
  sample: {"user": {"vm": {"running_vms": 10}}, "group": {}}
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 2
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import quotas
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS: dict = {}


def read(cloud):
    """The Report with the default quotas of users and groups."""
    found = {kind: quotas.fetch_defaults(cloud, None, kind).quotas for kind in ("user", "group")}
    return Report(False, None, None, {"quotas": found})


def main():
    OneModule(OPTIONS, writes=False).run(read)


if __name__ == "__main__":
    main()
