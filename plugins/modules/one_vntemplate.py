#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vntemplate
short_description: Manage OpenNebula virtual network templates
version_added: 1.0.0
description:
  - Creates, changes, clones, renames and removes the templates that users create virtual networks from.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the virtual network template should exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.copy
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vntemplate_info
  - module: privazio.opennebula.one_vnet
    description: Its option O(privazio.opennebula.one_vnet#module:vntemplate) creates virtual networks from a template.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a virtual network template
  privazio.opennebula.one_vntemplate:
    name: lab
    mode: "640"
    template:
      VN_MAD: "{{ one_vn_mad | default('bridge') }}"
      BRIDGE: br0
      AR:
        - {TYPE: IP4, IP: 10.0.0.10, SIZE: 50}

- name: Clone the template, with another bridge
  privazio.opennebula.one_vntemplate:
    name: lab-2
    clone_of: lab
    template:
      BRIDGE: br1

- name: Remove both templates
  privazio.opennebula.one_vntemplate:
    name: "{{ item }}"
    state: absent
  loop: [lab, lab-2]
"""

RETURN = r"""
id:
  description: Id of the virtual network template; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the virtual network template.
  type: str
  returned: success
  sample: lab
user_id:
  description: Id of the owner.
  type: int
  returned: success
  sample: 0
user_name:
  description: Name of the owner.
  type: str
  returned: success
  sample: oneadmin
group_id:
  description: Id of the group.
  type: int
  returned: success
  sample: 0
group_name:
  description: Name of the group.
  type: str
  returned: success
  sample: oneadmin
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"VN_MAD": "bridge", "BRIDGE": "br0"}
labels:
  description: Labels of the network template.
  type: list
  elements: str
  returned: success
  sample: [production]
owner:
  description: Name of the owner, as in O(owner).
  type: str
  returned: success
  sample: oneadmin
group:
  description: Name of the group, as in O(group).
  type: str
  returned: success
  sample: oneadmin
mode:
  description: Permissions as three octal digits, as in O(mode).
  type: str
  returned: success
  sample: "600"
lock:
  description: Lock of the network template, as in O(lock).
  type: str
  returned: success
  sample: none
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
    COPY,
    IDENTITY,
    LABELS,
    LOCK,
    OWNERSHIP,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vntemplate import VNTEMPLATE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(IDENTITY, **COPY, **OWNERSHIP, **LOCK, **LABELS, **TEMPLATE, **state("present", "absent"))
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(VNTEMPLATE)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
