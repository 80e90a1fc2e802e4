#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_host_info
short_description: Read OpenNebula hosts
version_added: 1.0.0
description:
  - Returns the hosts that fit all the options given; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.unowned
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_host
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all hosts
  privazio.opennebula.one_host_info:
  register: all_hosts

- name: Read those whose name begins with node
  privazio.opennebula.one_host_info:
    name: ~node
  register: nodes
"""

RETURN = r"""
hosts:
  description: The hosts, by id, each with what M(privazio.opennebula.one_host) returns of one.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "node1.example.com", "host_state": "monitored", "cluster": "default"}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import UNOWNED
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = UNOWNED


def main():
    select(OneModule(OPTIONS, writes=False), HOST, "hosts")


if __name__ == "__main__":
    main()
