#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_datastore_info
short_description: Read OpenNebula datastores
version_added: 1.0.0
description:
  - Returns the datastores that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_datastore
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all datastores
  privazio.opennebula.one_datastore_info:
  register: all_datastores

- name: Read a datastore
  privazio.opennebula.one_datastore_info:
    name: default
  register: default_datastore
"""

RETURN = r"""
datastores:
  description: The datastores in order of their ids, each as M(privazio.opennebula.one_datastore) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 1, "name": "default", "type": "image", "ds_mad": "fs", "tm_mad": "local", "free_mb": 75981}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.datastore import DATASTORE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = SELECTION


def main():
    select(OneModule(OPTIONS, writes=False), DATASTORE, "datastores")


if __name__ == "__main__":
    main()
