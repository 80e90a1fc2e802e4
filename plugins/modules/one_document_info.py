#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_document_info
short_description: Read OpenNebula documents
version_added: 1.0.0
description:
  - Returns the documents that match all given options; all that the user may see when none is given.
options:
  type:
    description:
      - Type of the documents to return, a number.
    type: int
    required: true
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_document
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all documents
  privazio.opennebula.one_document_info:
    type: 200
  register: all_documents

- name: Read the documents whose names begin with contacts
  privazio.opennebula.one_document_info:
    type: 200
    name: ~contacts
  register: some_documents
"""

RETURN = r"""
documents:
  description: The documents in order of their ids, each as M(privazio.opennebula.one_document) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "contacts"}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.document import documents
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(SELECTION, type={"type": "int", "required": True})


def main():
    module = OneModule(OPTIONS, writes=False)
    select(module, documents(module.params["type"]), "documents")


if __name__ == "__main__":
    main()
