#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vrouter
short_description: Manage OpenNebula virtual routers
version_added: 1.0.0
description:
  - Creates, changes, renames and removes virtual routers, with their interfaces and virtual machines.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the virtual router should exist. Its virtual machines are removed with it.
    type: str
    choices: [present, absent]
    default: present
  nics:
    description:
      - Interfaces, each with C(network) (name or id) or C(network_id), and the attributes of C(NIC) in OpenNebula, such
        as C(floating_ip), C(floating_only), C(ip) and C(vrouter_management).
      - Their order does not matter. An existing interface matches when it has all attributes that are given here; none
        can be changed later.
      - They are also attached to and detached from the virtual machines, one after the other.
    type: list
    elements: dict
  purge_nics:
    description:
      - Whether to detach interfaces that are not in O(nics).
    type: bool
    default: false
  vm_count:
    description:
      - How many virtual machines the router should have. If there are more, the newest are terminated.
    type: int
    aliases: [instances]
  vm_template:
    description:
      - Name or id of the VM template for new virtual machines, with C(VROUTER = YES).
      - When omitted, the template of the previous virtual machines is used.
    type: str
  vm_name:
    description:
      - Pattern for the names of new virtual machines, with V(%i) for a number; V(vr-NAME-%i) when omitted.
    type: str
  vm_extra:
    description:
      - Attributes of new virtual machines to add to O(vm_template), as a dictionary or as text in OpenNebula's syntax.
        Sizes may have a unit, such as C(MEMORY) V(2 GB).
    type: raw
  vm_hold:
    description:
      - Whether to create new virtual machines on hold.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vrouter_info
  - module: privazio.opennebula.one_vnet
  - module: privazio.opennebula.one_template
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a network
  privazio.opennebula.one_vnet:
    name: inside
    vn_mad: "{{ one_vn_mad | default('bridge') }}"
    bridge: br0
    address_ranges:
      - {type: IP4, ip: 10.0.0.1, size: 200}

- name: Create a VM template for routers
  privazio.opennebula.one_template:
    name: router
    template:
      VROUTER: true
      CPU: 0.5
      MEMORY: 256

- name: Create a virtual router of two virtual machines with a floating address
  privazio.opennebula.one_vrouter:
    name: gateway
    nics:
      - network: inside
        floating_ip: true
        ip: 10.0.0.1
    vm_template: router
    vm_count: 2
    template:
      KEEPALIVED_ID: 7

- name: Remove the virtual router and its virtual machines
  privazio.opennebula.one_vrouter:
    name: gateway
    state: absent
"""

RETURN = r"""
id:
  description: Id of the virtual router; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the virtual router.
  type: str
  returned: success
  sample: gateway
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
nics:
  description: Interfaces, with the attributes that OpenNebula gives them.
  type: list
  elements: dict
  returned: success
  sample: [{"NIC_ID": "0", "NETWORK": "inside", "NETWORK_ID": "0", "FLOATING_IP": "YES", "VROUTER_IP": "10.0.0.1"}]
vms:
  description: Ids of the virtual machines.
  type: list
  elements: int
  returned: success
  sample: [3, 4]
vm_count:
  description: How many virtual machines the router has.
  type: int
  returned: success
  sample: 2
template:
  description: The other attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"KEEPALIVED_ID": "7"}
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
  description: Lock of the virtual router, as in O(lock).
  type: str
  returned: success
  sample: none
labels:
  description: Labels of the virtual router.
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
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vrouter import VROUTER
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent"),
    nics={"type": "list", "elements": "dict"},
    purge_nics={"type": "bool", "default": False},
    vm_count={"type": "int", "aliases": ["instances"]},
    vm_template={"type": "str"},
    vm_name={"type": "str"},
    vm_extra={"type": "raw"},
    vm_hold={"type": "bool", "default": False},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(VROUTER)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
