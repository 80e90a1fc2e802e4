#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_group
short_description: Manage OpenNebula groups
version_added: 1.0.0
description:
  - Creates, changes and removes groups of users, their administrators, quotas and views.
  - Members are managed with M(privazio.opennebula.one_user).
  - Members may use the resources of the VDC C(default), but create nothing until an ACL rule allows it. See
    M(privazio.opennebula.one_acl).
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  id:
    description:
      - Id of the group. The API cannot rename groups, so a O(name) given with it has to be the name of this group.
      - At least one of O(id) and O(name) is required.
    type: int
  name:
    description:
      - Name of the group.
    type: str
  state:
    description:
      - Whether the group should exist. OpenNebula refuses to remove one that has members.
    type: str
    choices: [present, absent]
    default: present
  admins:
    description:
      - Names or ids of members that administer the group. OpenNebula creates the ACL rules that this needs.
    type: list
    elements: str
  purge_admins:
    description:
      - Whether administrators that O(admins) does not name lose that role. They stay members.
    type: bool
    default: false
  sunstone:
    description:
      - Views of the web interface. This is the attribute C(SUNSTONE) of the template. Suboptions that are omitted are
        left
        as they are.
    type: dict
    suboptions:
      views:
        description:
          - Views that members may choose from.
        type: list
        elements: str
      default_view:
        description:
          - Default view of members.
        type: str
      group_admin_views:
        description:
          - Views that administrators of the group may choose from.
        type: list
        elements: str
      group_admin_default_view:
        description:
          - Default view of administrators of the group.
        type: str
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.quotas
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_group_info
  - module: privazio.opennebula.one_acl
  - module: privazio.opennebula.one_user
  - module: privazio.opennebula.one_vdc
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a group
  privazio.opennebula.one_group:
    name: dev
    sunstone:
      views: [cloud]
      default_view: cloud
    quotas:
      vm:
        memory: 65536
        running_vms: 20

- name: Allow its members to create resources
  privazio.opennebula.one_acl:
    group: dev
    rules:
      - resources: [vm, image, template, document, security_group, vm_group, backupjob]
        rights: [create]

- name: Create a user in the group
  privazio.opennebula.one_user:
    name: dora
    password: "{{ dora_password | default('correct-horse') }}"
    group: dev

- name: Set the only administrator of the group
  privazio.opennebula.one_group:
    name: dev
    admins: [dora]
    purge_admins: true

- name: Remove the user
  privazio.opennebula.one_user:
    name: dora
    state: absent

- name: Remove the group
  privazio.opennebula.one_group:
    name: dev
    state: absent
"""

RETURN = r"""
id:
  description: Id of the group; missing when a check run would create it.
  type: int
  returned: success
  sample: 100
name:
  description: Name of the group.
  type: str
  returned: success
  sample: dev
user_ids:
  description: Ids of the members.
  type: list
  elements: int
  returned: success
  sample: [2, 3]
admin_ids:
  description: Ids of the administrators.
  type: list
  elements: int
  returned: success
  sample: [2]
sunstone:
  description: Views of the web interface, as in O(sunstone).
  type: dict
  returned: success
  sample: {"views": ["cloud"], "default_view": "cloud"}
quotas:
  description: Limits as in O(quotas), objects by id; limits that nobody has set are left out.
  type: dict
  returned: success
  sample: {"vm": {"memory": 65536, "running_vms": 20}}
quotas_used:
  description: How much is used of what can be limited, in the form of RV(quotas); what is not used is left out.
  type: dict
  returned: success
  sample: {"vm": {"cpu": 0.5, "memory": 512, "vms": 1}}
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"SUNSTONE": {"VIEWS": "cloud", "DEFAULT_VIEW": "cloud"}}
labels:
  description: Labels of the group.
  type: list
  elements: str
  returned: success
  sample: [production]
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
    QUOTAS,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.group import GROUP
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

NAMES = {"type": "list", "elements": "str"}
OPTIONS = dict(
    IDENTITY,
    **LABELS,
    **TEMPLATE,
    **QUOTAS,
    **state("present", "absent"),
    admins=NAMES,
    purge_admins={"type": "bool", "default": False},
    sunstone={
        "type": "dict",
        "options": {
            "views": NAMES,
            "default_view": {"type": "str"},
            "group_admin_views": NAMES,
            "group_admin_default_view": {"type": "str"},
        },
    },
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(GROUP)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
