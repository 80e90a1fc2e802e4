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
  - Creates, changes, renames and removes documents, which are templates of the user's own with a number for a type.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
options:
  type:
    description:
      - Number of the document's type. It is looked for among the documents of this type, and cannot be changed.
      - OneFlow keeps services as V(100) and service templates as V(101); leave these to it.
    type: int
    required: true
  state:
    description:
      - Whether the document is to be there.
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
- name: Keep what a cloud is told about itself
  privazio.opennebula.one_document:
    name: contacts
    type: 200
    template:
      BODY: "{{ {'operator': 'ops@example.com'} | to_json }}"

- name: Remove it
  privazio.opennebula.one_document:
    name: contacts
    type: 200
    state: absent
"""

RETURN = r"""
id:
  description: Id of the document; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the document.
  type: str
  returned: success
  sample: contacts
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
type:
  description: Number of its type.
  type: int
  returned: success
  sample: 200
template:
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"BODY": "{}"}
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


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")])
    module.ensure(documents(module.params["type"]))


if __name__ == "__main__":
    main()
