#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_document
short_description: Manage OpenNebula documents
version_added: 1.0.0
description:
  - Creates, changes, renames and removes documents, which are templates for any purpose. Each has a type, which is a
    number.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  type:
    description:
      - Type of the document, a number. A O(name) is looked up among the documents of this type. It cannot be changed
        later.
      - OneFlow uses V(100) for services and V(101) for service templates; do not manage these with this module.
    type: int
    required: true
  state:
    description:
      - Whether the document should exist.
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
  - module: privazio.opennebula.one_document_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a document with contacts of the operators
  privazio.opennebula.one_document:
    name: contacts
    type: 200
    template:
      BODY: "{{ {'operator': 'ops@example.com'} | to_json }}"

- name: Remove the document
  privazio.opennebula.one_document:
    name: contacts
    type: 200
    state: absent
"""

RETURN = r"""
id:
  description: Id of the document; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the document.
  type: str
  returned: success
  sample: contacts
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
type:
  description: Type of the document.
  type: int
  returned: success
  sample: 200
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"BODY": "{}"}
labels:
  description: Labels of the document.
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
  description: Lock of the document, as in O(lock).
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
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.document import documents
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **COPY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    type={"type": "int", "required": True},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(documents(module.params["type"]))


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
