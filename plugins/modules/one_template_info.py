#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_template_info
short_description: Read OpenNebula VM templates
version_added: 1.0.0
description:
  - Returns the VM templates that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_template
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all VM templates
  privazio.opennebula.one_template_info:
  register: all_templates

- name: Read the VM templates whose names begin with web
  privazio.opennebula.one_template_info:
    name: ~web
  register: web_templates
"""

RETURN = r"""
templates:
  description: The VM templates in order of their ids, each as M(privazio.opennebula.one_template) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "web", "owner": "oneadmin", "mode": "600", "template": {"CPU": "1", "MEMORY": "512"}}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.template import TEMPLATE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule


def main():
    select(OneModule(SELECTION, writes=False), TEMPLATE, "templates")


if __name__ == "__main__":
    main()
