#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vdc_info
short_description: Read OpenNebula virtual data centres
version_added: 1.0.0
description:
  - Returns the virtual data centres that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.unowned
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vdc
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all virtual data centres
  privazio.opennebula.one_vdc_info:
  register: all_vdcs

- name: Read a virtual data centre
  privazio.opennebula.one_vdc_info:
    name: default
  register: default_vdc
"""

RETURN = r"""
vdcs:
  description: The virtual data centres in order of their ids, each as M(privazio.opennebula.one_vdc) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "default", "group_ids": [1], "cluster_ids": {"0": ["*"]}}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import UNOWNED
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vdc import VDC
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = UNOWNED


def main():
    select(OneModule(OPTIONS, writes=False), VDC, "vdcs")


if __name__ == "__main__":
    main()
