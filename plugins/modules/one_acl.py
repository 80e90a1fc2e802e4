#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_acl
short_description: Manage OpenNebula ACL rules
version_added: 1.0.0
description:
  - Manages the rules that say what a user, the members of a group, or all users may do with which resources.
  - The rules of a user, a group or all users are a set. The rules in O(rules) are added; with O(purge) all others are
    removed.
options:
  state:
    description:
      - V(present) adds the rules in O(rules) that are missing.
      - V(absent) removes the rules in O(rules), or all when O(rules) is omitted.
    type: str
    choices: [present, absent]
    default: present
  user:
    description:
      - Name or id of the user that the rules apply to.
    type: str
  group:
    description:
      - Name or id of the group whose members the rules apply to.
    type: str
  everyone:
    description:
      - Whether the rules apply to all users.
    type: bool
  rules:
    description:
      - The rules. Required for O(state=present).
    type: list
    elements: dict
    suboptions:
      resources:
        description:
          - Types of resources; V(net), V(secgroup), V(marketplaceapp), V(vmgroup) and V(scheduledaction) are what
            OpenNebula calls V(vnet), V(security_group), V(marketapp), V(vm_group) and V(scheduled_action).
        type: list
        elements: str
        required: true
        choices:
          - vm
          - host
          - vnet
          - image
          - user
          - template
          - group
          - acl
          - datastore
          - cluster
          - document
          - zone
          - security_group
          - vdc
          - vrouter
          - marketplace
          - marketapp
          - vm_group
          - vntemplate
          - hook
          - backupjob
          - scheduled_action
          - net
          - secgroup
          - marketplaceapp
          - vmgroup
          - scheduledaction
      rights:
        description:
          - Rights on these resources.
        type: list
        elements: str
        required: true
        choices: [use, manage, admin, create]
      object:
        description:
          - Name or id of the one object that the rule is for. Has to be an id when there are several types. V(*)
            is all objects, as in OpenNebula.
          - At most one of O(rules[].object), O(rules[].of_group) and O(rules[].cluster) can be given. When all are
            omitted, the rule is for all objects of the types.
        type: str
      of_group:
        description:
          - Name or id of the group whose objects the rule is for.
          - OpenNebula does not support this for hosts, groups, clusters, zones and VDCs.
        type: str
      cluster:
        description:
          - Name or id of the cluster whose hosts, virtual networks or datastores the rule is for.
        type: str
      zone:
        description:
          - Name or id of the zone where the rule applies, or V(*) for all zones. The zone of the server when omitted.
        type: str
  purge:
    description:
      - Whether to remove the rules of the user, the group or all users that are not in O(rules).
      - Rules that OpenNebula itself creates for a VDC or for an administrator of a group are kept.
    type: bool
    default: false
  max_remove:
    description:
      - How many rules may be removed; the task fails before it changes anything when it would take more.
    type: int
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_acl_info
  - module: privazio.opennebula.one_vdc
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a group
  privazio.opennebula.one_group:
    name: dev

- name: Create a cluster
  privazio.opennebula.one_cluster:
    name: edge

- name: Allow the group to manage its virtual machines, and to use the resources of the cluster
  privazio.opennebula.one_acl:
    group: dev
    rules:
      - resources: [vm, image]
        of_group: dev
        rights: [use, manage]
      - resources: [host, datastore, vnet]
        cluster: edge
        rights: [use]

- name: Set the only rules of the group
  privazio.opennebula.one_acl:
    group: dev
    rules:
      - resources: [host, datastore, vnet]
        cluster: edge
        rights: [use]
    purge: true

- name: Remove the rules of the group
  privazio.opennebula.one_acl:
    group: dev
    state: absent
"""

RETURN = r"""
rules:
  description: All rules of the user, the group or all users.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the rule; missing when a check run would add it.
      type: int
      returned: success
      sample: 12
    rule:
      description: The rule as OpenNebula writes it.
      type: str
      returned: success
      sample: "@100 HOST+NET+DATASTORE/%100 USE #0"
    resources:
      description: Types of resources, as in O(rules[].resources).
      type: list
      elements: str
      returned: success
      sample: [host, vnet, datastore]
    rights:
      description: Rights, as in O(rules[].rights).
      type: list
      elements: str
      returned: success
      sample: [use]
    user_id:
      description: Id of the user that the rule applies to.
      type: int
      returned: when it applies to a user
      sample: 2
    group_id:
      description: Id of the group that the rule applies to.
      type: int
      returned: when it applies to a group
      sample: 100
    object_id:
      description: Id of the one object that the rule is for.
      type: int
      returned: when it is for one object
      sample: 5
    of_group_id:
      description: Id of the group whose objects the rule is for.
      type: int
      returned: when it is for the objects of a group
      sample: 100
    cluster_id:
      description: Id of the cluster whose objects the rule is for.
      type: int
      returned: when it is for the objects of a cluster
      sample: 100
    zone_id:
      description: Id of the zone where the rule applies.
      type: int
      returned: when it does not apply to all zones
      sample: 0
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 3
diff:
  description: The rules that are removed are in C(before), those that are added in C(after).
  type: dict
  returned: success
  sample: {"before": {}, "after": {"rules": ["@100 HOST+NET+DATASTORE/%100 USE #0"]}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import state
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import acl
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    state("present", "absent"),
    user={"type": "str"},
    group={"type": "str"},
    everyone={"type": "bool"},
    rules={
        "type": "list",
        "elements": "dict",
        "mutually_exclusive": [("object", "of_group", "cluster")],
        "options": {
            "resources": {
                "type": "list",
                "elements": "str",
                "required": True,
                "choices": [*acl.RESOURCES, *acl.SYNONYMS],
            },
            "rights": {"type": "list", "elements": "str", "required": True, "choices": list(acl.RIGHTS)},
            "object": {"type": "str"},
            "of_group": {"type": "str"},
            "cluster": {"type": "str"},
            "zone": {"type": "str"},
        },
    },
    purge={"type": "bool", "default": False},
    max_remove={"type": "int"},
)
RULES = {
    "mutually_exclusive": [("user", "group", "everyone")],
    "required_one_of": [("user", "group", "everyone")],
    "required_if": [("state", "present", ["rules"])],
}


def work(module):
    module.run(lambda cloud: acl.ensure(cloud, module.params, module.applies))


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
