#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_group
short_description: Manage OpenNebula VM groups
version_added: 1.0.0
description:
  - Creates, changes, renames and removes VM groups, whose roles define which virtual machines run on the same host.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the VM group should exist. OpenNebula refuses to remove one that has virtual machines.
    type: str
    choices: [present, absent]
    default: present
  roles:
    description:
      - Roles of the group, identified by their names.
      - Suboptions that are omitted are left as they are. Changing roles of an existing group needs OpenNebula 6.8.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the role.
        type: str
        required: true
      policy:
        description:
          - Whether the virtual machines of the role run on the same host (V(affined)) or on different hosts
            (V(anti_affined)).
        type: str
        choices: [none, affined, anti_affined]
      host_affined:
        description:
          - Names or ids of the hosts that the role's virtual machines may run on; V([]) for any.
        type: list
        elements: str
      host_anti_affined:
        description:
          - Names or ids of the hosts that the role's virtual machines must not run on.
        type: list
        elements: str
  purge_roles:
    description:
      - Whether to remove roles that are not in O(roles), also from O(affined) and O(anti_affined).
      - OpenNebula refuses to remove a role that has virtual machines.
    type: bool
    default: false
  affined:
    description:
      - Lists of roles whose virtual machines run on the same host. Other lists are removed; V([]) removes all.
    type: list
    elements: list
  anti_affined:
    description:
      - Lists of roles whose virtual machines run on different hosts. Other lists are removed; V([]) removes all.
    type: list
    elements: list
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vm_group_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a VM group that keeps databases on different hosts
  privazio.opennebula.one_vm_group:
    name: shop
    roles:
      - name: database
        policy: anti_affined
      - name: web
      - name: batch
    anti_affined:
      - [database, batch]

- name: Remove the rules between roles
  privazio.opennebula.one_vm_group:
    name: shop
    anti_affined: []

- name: Remove the VM group
  privazio.opennebula.one_vm_group:
    name: shop
    state: absent
"""

RETURN = r"""
id:
  description: Id of the VM group; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the VM group.
  type: str
  returned: success
  sample: shop
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
roles:
  description: Roles, as in O(roles), each with its C(id), and with ids of hosts.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "web", "policy": "none", "host_affined": [], "host_anti_affined": []}]
affined:
  description: Lists of roles that run on the same host.
  type: list
  elements: list
  returned: success
  sample: []
anti_affined:
  description: Lists of roles that run on different hosts.
  type: list
  elements: list
  returned: success
  sample: [["batch", "database"]]
vms:
  description: Ids of the virtual machines of each role.
  type: dict
  returned: success
  sample: {"web": [3]}
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DESCRIPTION": "For the shop"}
labels:
  description: Labels of the VM group.
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
  description: Lock of the VM group, as in O(lock).
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
    IDENTITY,
    LABELS,
    LOCK,
    OWNERSHIP,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vm_group import VM_GROUP
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

ROLE = {
    "name": {"type": "str", "required": True},
    "policy": {"type": "str", "choices": ["none", "affined", "anti_affined"]},
    "host_affined": {"type": "list", "elements": "str"},
    "host_anti_affined": {"type": "list", "elements": "str"},
}
OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    roles={"type": "list", "elements": "dict", "options": ROLE},
    purge_roles={"type": "bool", "default": False},
    affined={"type": "list", "elements": "list"},
    anti_affined={"type": "list", "elements": "list"},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(VM_GROUP)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
