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
  - Creates, changes, renames and removes VM groups, whose roles say which virtual machines share a host.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
options:
  state:
    description:
      - Whether the VM group is to be there. OpenNebula refuses to remove one that has virtual machines.
    type: str
    choices: [present, absent]
    default: present
  roles:
    description:
      - Roles of the group, told apart by their names.
      - Only what is given of a role is compared. Changing roles of an existing group needs OpenNebula 6.8.
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
          - Whether the virtual machines of the role share a host (V(affined)), or do not (V(anti_affined)).
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
      - Whether roles that O(roles) does not name are removed; they leave O(affined) and O(anti_affined) as well.
      - OpenNebula refuses to remove a role that has virtual machines.
    type: bool
    default: false
  affined:
    description:
      - Lists of roles whose virtual machines share a host. These lists and no others; V([]) for none.
    type: list
    elements: list
  anti_affined:
    description:
      - Lists of roles whose virtual machines do not share a host. These lists and no others; V([]) for none.
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
- name: Keep the two databases apart
  privazio.opennebula.one_vm_group:
    name: shop
    roles:
      - name: database
        policy: anti_affined
      - name: web
      - name: batch
    anti_affined:
      - [database, batch]

- name: Let batch jobs run anywhere
  privazio.opennebula.one_vm_group:
    name: shop
    anti_affined: []

- name: Remove it
  privazio.opennebula.one_vm_group:
    name: shop
    state: absent
"""

RETURN = r"""
id:
  description: Id of the VM group; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the VM group.
  type: str
  returned: success
  sample: shop
user_id:
  description: Id of its owner.
  type: int
  returned: success
  sample: 0
user_name:
  description: Name of its owner.
  type: str
  returned: success
  sample: oneadmin
group_id:
  description: Id of its group.
  type: int
  returned: success
  sample: 0
group_name:
  description: Name of its group.
  type: str
  returned: success
  sample: oneadmin
roles:
  description: Its roles, in the words of O(roles), each with its C(id); hosts by their ids.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "web", "policy": "none", "host_affined": [], "host_anti_affined": []}]
affined:
  description: Lists of roles that share a host.
  type: list
  elements: list
  returned: success
  sample: []
anti_affined:
  description: Lists of roles that do not share a host.
  type: list
  elements: list
  returned: success
  sample: [["batch", "database"]]
vms:
  description: For each role the ids of its virtual machines.
  type: dict
  returned: success
  sample: {"web": [3]}
template:
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DESCRIPTION": "For the shop"}
labels:
  description: Its labels.
  type: list
  elements: str
  returned: success
  sample: [production]
owner:
  description: Name of its owner, as in O(owner).
  type: str
  returned: success
  sample: oneadmin
group:
  description: Name of its group, as in O(group).
  type: str
  returned: success
  sample: oneadmin
mode:
  description: Its permissions as three octal digits, as in O(mode).
  type: str
  returned: success
  sample: "600"
lock:
  description: What is locked, as in O(lock).
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


def main():
    OneModule(OPTIONS, required_one_of=[("id", "name")]).ensure(VM_GROUP)


if __name__ == "__main__":
    main()
