#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_security_group
short_description: Manage OpenNebula security groups
version_added: 1.0.0
description:
  - Creates, changes, renames and removes security groups, with the rules for the traffic that they allow.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the security group should exist. OpenNebula refuses to remove one that virtual machines use.
    type: str
    choices: [present, absent]
    default: present
  rules:
    description:
      - Rules for the traffic to allow. Their order does not matter.
    type: list
    elements: dict
    suboptions:
      protocol:
        description:
          - Protocol of the traffic.
        type: str
        required: true
        choices: [all, tcp, udp, icmp, icmpv6, ipsec]
      direction:
        description:
          - Whether the rule is for traffic to the virtual machine or from it.
        type: str
        required: true
        choices: [inbound, outbound]
      range:
        description:
          - Ports, such as V(22) or V("53,1000:2000"), for V(tcp) and V(udp); all when omitted.
        type: str
      icmp_type:
        description:
          - Type of ICMP, such as V(8); all when omitted.
        type: int
      icmpv6_type:
        description:
          - Type of ICMPv6, such as V(128); all when omitted.
        type: int
      network:
        description:
          - Name or id of the virtual network that the address of the other side has to be in.
        type: str
      ip:
        description:
          - First address of the other side; the range has O(rules[].size) addresses.
        type: str
      size:
        description:
          - How many addresses the range that begins with O(rules[].ip) has.
        type: int
  purge_rules:
    description:
      - Whether to remove rules that are not in O(rules).
    type: bool
    default: true
  committed:
    description:
      - With V(true), the rules are sent again to virtual machines that have outdated rules or failed to be updated.
      - Not needed after a change of the rules, which OpenNebula sends to all virtual machines.
    type: bool
    choices: [true]
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.copy
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_security_group_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a security group for web servers
  privazio.opennebula.one_security_group:
    name: web
    rules:
      - {protocol: tcp, direction: inbound, range: "80,443"}
      - {protocol: icmp, direction: inbound, icmp_type: 8}
      - {protocol: all, direction: outbound}

- name: Add a rule for SSH from the office
  privazio.opennebula.one_security_group:
    name: web
    purge_rules: false
    rules:
      - {protocol: tcp, direction: inbound, range: "22", ip: 192.0.2.1, size: 16}

- name: Remove the security group
  privazio.opennebula.one_security_group:
    name: web
    state: absent
"""

RETURN = r"""
id:
  description: Id of the security group; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the security group.
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
rules:
  description: Rules, as in O(rules), with ids of networks in C(network_id).
  type: list
  elements: dict
  returned: success
  sample: [{"protocol": "tcp", "direction": "inbound", "range": "22"}]
committed:
  description: Whether no virtual machine has outdated rules or failed to be updated.
  type: bool
  returned: success
  sample: true
updated_vms:
  description: Ids of the virtual machines that have the rules.
  type: list
  elements: int
  returned: success
  sample: [3]
outdated_vms:
  description: Ids of the virtual machines that have outdated rules.
  type: list
  elements: int
  returned: success
  sample: []
error_vms:
  description: Ids of the virtual machines that failed to be updated.
  type: list
  elements: int
  returned: success
  sample: []
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DESCRIPTION": "For the shop"}
labels:
  description: Labels of the security group.
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
    OWNERSHIP,
    TEMPLATE,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.security_group import SECURITY_GROUP, WORDS
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

RULE = {
    **{word: {"type": "str", "required": True, "choices": list(known)} for word, known in WORDS.items()},
    "range": {"type": "str"},
    "icmp_type": {"type": "int"},
    "icmpv6_type": {"type": "int"},
    "network": {"type": "str"},
    "ip": {"type": "str"},
    "size": {"type": "int"},
}
OPTIONS = dict(
    IDENTITY,
    **COPY,
    **OWNERSHIP,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent"),
    rules={"type": "list", "elements": "dict", "options": RULE},
    purge_rules={"type": "bool", "default": True},
    committed={"type": "bool", "choices": [True]},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(SECURITY_GROUP)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
