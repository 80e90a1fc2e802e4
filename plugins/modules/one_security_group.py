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
  - Creates, changes, renames and removes security groups, and says which traffic they let through.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
options:
  state:
    description:
      - Whether the security group is to be there. OpenNebula refuses to remove one that virtual machines use.
    type: str
    choices: [present, absent]
    default: present
  rules:
    description:
      - Traffic that is let through. Rules are a set; their order means nothing.
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
          - Whether the traffic comes to the virtual machine or leaves it.
        type: str
        required: true
        choices: [inbound, outbound]
      range:
        description:
          - Ports, such as V(22) or V("53,1000:2000"); all when omitted. For V(tcp) and V(udp).
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
          - Name or id of the virtual network whose addresses the other side has to have.
        type: str
      ip:
        description:
          - First address that the other side may have; with O(rules[].size).
        type: str
      size:
        description:
          - How many addresses beginning with O(rules[].ip) the other side may have.
        type: int
  purge_rules:
    description:
      - Whether rules that O(rules) does not name are removed.
    type: bool
    default: true
  committed:
    description:
      - With V(true), virtual machines whose rules are out of date, or failed to be updated, are sent the rules again.
      - A change of the rules is sent to all virtual machines without it.
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
- name: Let the web through
  privazio.opennebula.one_security_group:
    name: web
    rules:
      - {protocol: tcp, direction: inbound, range: "80,443"}
      - {protocol: icmp, direction: inbound, icmp_type: 8}
      - {protocol: all, direction: outbound}

- name: Also SSH from the office
  privazio.opennebula.one_security_group:
    name: web
    purge_rules: false
    rules:
      - {protocol: tcp, direction: inbound, range: "22", ip: 192.0.2.1, size: 16}

- name: Remove it
  privazio.opennebula.one_security_group:
    name: web
    state: absent
"""

RETURN = r"""
id:
  description: Id of the security group; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the security group.
  type: str
  returned: success
  sample: web
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
rules:
  description: Its rules, in the words of O(rules); a network by its id.
  type: list
  elements: dict
  returned: success
  sample: [{"protocol": "tcp", "direction": "inbound", "range": "22"}]
committed:
  description: Whether no virtual machine has rules that are out of date or failed to be updated.
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
  description: Ids of the virtual machines that have older rules.
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
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DESCRIPTION": "For the shop"}
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
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.security_group import SECURITY_GROUP
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

RULE = {
    "protocol": {"type": "str", "required": True, "choices": ["all", "tcp", "udp", "icmp", "icmpv6", "ipsec"]},
    "direction": {"type": "str", "required": True, "choices": ["inbound", "outbound"]},
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


def main():
    OneModule(OPTIONS, required_one_of=[("id", "name")]).ensure(SECURITY_GROUP)


if __name__ == "__main__":
    main()
