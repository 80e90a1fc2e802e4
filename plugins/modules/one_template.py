#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_template
short_description: Manage OpenNebula VM templates
version_added: 1.0.0
description:
  - Creates, changes, clones, renames and removes the templates that virtual machines are created from.
  - Options that are omitted are left as they are. A second run changes nothing.
  - In O(template), C(MEMORY) and the C(SIZE) of disks are MB, or have a unit, such as V(2 GB).
options:
  state:
    description:
      - Whether the VM template should exist.
    type: str
    choices: [present, absent]
    default: present
  clone_of:
    description:
      - Name or id of the VM template to clone a new one from; O(template) and the other options change the clone.
      - Ignored for an existing VM template.
    type: str
  recursive:
    description:
      - With O(clone_of), whether to clone the images too. Their names are those of the VM template and the disk, as in
        V(web-disk-0).
      - With O(state=absent), whether to remove the images too. Nothing is removed when one of them is in use or
        locked. Images that the user has no right to remove are kept, and OpenNebula does not report them.
    type: bool
    default: false
  filter:
    description:
      - Which VM templates O(name) and O(clone_of) can match.
      - V(user) for those of the user.
      - V(user_groups) for those of the user and of the user's groups.
      - V(user_primary_group) for those of the user's primary group.
      - V(all) for all that the user may see.
    type: str
    choices: [user_primary_group, user, all, user_groups]
    default: all
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
  - module: privazio.opennebula.one_template_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a VM template
  privazio.opennebula.one_template:
    name: web
    template:
      CPU: 1
      MEMORY: 512
      GRAPHICS:
        TYPE: VNC
        LISTEN: 0.0.0.0
      CONTEXT:
        NETWORK: true

- name: Replace the VM template, given as text
  privazio.opennebula.one_template:
    name: web
    template_mode: replace
    template: |
      CPU = 1
      MEMORY = 1024
      CONTEXT = [ NETWORK = "YES" ]

- name: Clone the VM template and its images, with more memory
  privazio.opennebula.one_template:
    name: web-large
    clone_of: web
    recursive: true
    template:
      MEMORY: 4096

- name: Remove the VM template
  privazio.opennebula.one_template:
    name: web
    state: absent

- name: Remove the clone and its images
  privazio.opennebula.one_template:
    name: web-large
    state: absent
    recursive: true
"""

RETURN = r"""
id:
  description: Id of the VM template; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the VM template.
  type: str
  returned: success
  sample: web
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
  sample: {"CPU": "1", "MEMORY": "512"}
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
  description: Lock of the VM template, as in O(lock).
  type: str
  returned: success
  sample: none
labels:
  description: Labels of the VM template.
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
    LOCK,
    OWNERSHIP,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.template import TEMPLATES
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    clone_of={"type": "str"},
    recursive={"type": "bool", "default": False},
    filter={"type": "str", "choices": list(TEMPLATES), "default": "all"},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(TEMPLATES[module.params["filter"]])


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
