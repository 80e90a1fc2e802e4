#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vnet_info
short_description: Read OpenNebula virtual networks
version_added: 1.0.0
description:
  - Returns the virtual networks that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vnet
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all virtual networks
  privazio.opennebula.one_vnet_info:
  register: all_networks

- name: Read the networks whose names begin with private
  privazio.opennebula.one_vnet_info:
    name: ~private
  register: private_networks

- name: Show the leases of each network
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.leases }}"
  loop: "{{ private_networks.vnets }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
vnets:
  description:
    - The virtual networks in order of their ids, each as M(privazio.opennebula.one_vnet) returns it, and with
      C(leases).
    - A lease has its addresses (C(ip), C(mac), C(ip6), C(ip6_global) and others), the number of its range (C(ar_id)),
      and the id of its user in C(vm), C(vrouter) or C(vnet). Leases on hold have the C(vm) V(-1).
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "private", "leases": [{"ip": "10.0.0.10", "vm": 3, "ar_id": "0"}]}]
api_calls:
  description:
    - How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
    - One for the pool, and one each of the networks.
  type: int
  returned: always
  sample: 2
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vnet import VNET_WITH_LEASES
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule


def main():
    select(OneModule(SELECTION, writes=False), VNET_WITH_LEASES, "vnets")


if __name__ == "__main__":
    main()
