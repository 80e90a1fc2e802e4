#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vdc
short_description: Manage OpenNebula virtual data centres
version_added: 1.0.0
description:
  - Creates, changes, renames and removes virtual data centres (VDCs), which assign clusters, hosts, datastores and
    virtual networks to groups.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the VDC should exist.
    type: str
    choices: [present, absent]
    default: present
  groups:
    description:
      - Names or ids of groups that may use the resources.
      - OpenNebula adds each new group to the VDC C(default), which has all resources. See O(remove_groups).
    type: list
    elements: str
  remove_groups:
    description:
      - Names or ids of groups that leave the VDC, whichever others it has.
    type: list
    elements: str
  clusters:
    description:
      - Names or ids of clusters, or V(*) for all of the O(zone).
    type: list
    elements: str
  hosts:
    description:
      - Names or ids of hosts, or V(*) for all of the O(zone).
    type: list
    elements: str
  datastores:
    description:
      - Names or ids of datastores, or V(*) for all of the O(zone).
    type: list
    elements: str
  vnets:
    description:
      - Names or ids of virtual networks, or V(*) for all of the O(zone).
    type: list
    elements: str
  zone:
    description:
      - Name or id of the zone that the resources of this task belong to; the zone of the server when omitted.
      - Resources of other zones have to be given by id. Use one task for each zone.
    type: str
  purge:
    description:
      - Whether to remove the groups, and the resources of the O(zone), that are not in a list that is given.
      - A list that is omitted is left as it is.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vdc_info
  - module: privazio.opennebula.one_acl
  - module: privazio.opennebula.one_group
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a group
  privazio.opennebula.one_group:
    name: dev

- name: Remove the group from the VDC that has all resources
  privazio.opennebula.one_vdc:
    name: default
    remove_groups: [dev]

- name: Create a VDC with a cluster and a datastore for the group
  privazio.opennebula.one_vdc:
    name: development
    groups: [dev]
    clusters: [default]
    datastores: [default]
    template:
      DESCRIPTION: What developers may use

- name: Replace the cluster with all networks
  privazio.opennebula.one_vdc:
    name: development
    clusters: []
    vnets: ["*"]
    purge: true

- name: Remove the VDC
  privazio.opennebula.one_vdc:
    name: development
    state: absent
"""

RETURN = r"""
id:
  description: Id of the VDC; missing when a check run would create it.
  type: int
  returned: success
  sample: 100
name:
  description: Name of the VDC.
  type: str
  returned: success
  sample: development
group_ids:
  description: Ids of the groups.
  type: list
  elements: int
  returned: success
  sample: [100]
cluster_ids:
  description: Ids of the clusters by id of the zone; C(*) stands for all.
  type: dict
  returned: success
  sample: {"0": [0, 100]}
host_ids:
  description: Ids of the hosts by id of the zone; C(*) stands for all.
  type: dict
  returned: success
  sample: {}
datastore_ids:
  description: Ids of the datastores by id of the zone; C(*) stands for all.
  type: dict
  returned: success
  sample: {"0": [1]}
vnet_ids:
  description: Ids of the virtual networks by id of the zone; C(*) stands for all.
  type: dict
  returned: success
  sample: {"0": ["*"]}
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DESCRIPTION": "What developers may use"}
labels:
  description: Labels of the VDC.
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
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vdc import VDC
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

NAMES = {"type": "list", "elements": "str"}
OPTIONS = dict(
    IDENTITY,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    groups=NAMES,
    remove_groups=NAMES,
    clusters=NAMES,
    hosts=NAMES,
    datastores=NAMES,
    vnets=NAMES,
    zone={"type": "str"},
    purge={"type": "bool", "default": False},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(VDC)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
