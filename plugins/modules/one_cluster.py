#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_cluster
short_description: Manage OpenNebula clusters
version_added: 1.0.0
description:
  - Creates, changes and removes clusters, and manages the hosts, datastores and virtual networks that belong to them.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the cluster should exist. OpenNebula refuses to remove one that has members, see O(purge).
    type: str
    choices: [present, absent]
    default: present
  hosts:
    description:
      - Names or ids of hosts that belong to the cluster.
    type: list
    elements: str
  datastores:
    description:
      - Names or ids of datastores that belong to the cluster.
    type: list
    elements: str
  vnets:
    description:
      - Names or ids of virtual networks that belong to the cluster.
    type: list
    elements: str
  purge:
    description:
      - Whether to remove members that are not in O(hosts), O(datastores) and O(vnets) from the cluster.
      - A list that is omitted is left as it is.
      - With O(state=absent), all members are removed from the cluster before it is removed.
    type: bool
    default: false
  plan:
    description:
      - State of the plan that the Distributed Resource Scheduler (DRS) of OpenNebula makes for the cluster. Requires
        OpenNebula 7.0.
      - V(requested) requests a new plan, and discards the one before. Each run of the task does so and reports a
        change, because OpenNebula does not tell beforehand what the plan will be. A cluster with C(AUTOMATION=FULL)
        in its C(ONE_DRS) executes it at once.
      - V(executed) executes the plan that is ready, and waits for one that is being executed. When there is none, or
        it is done, nothing is changed. Check mode shows the moves.
      - V(absent) discards the plan.
    type: str
    choices: [requested, executed, absent]
  plan_timeout:
    description:
      - How long O(plan=requested) waits for a plan, in seconds. The task does not fail when there is none by then,
        because OpenNebula does not tell when no virtual machine has to be moved.
    type: int
    default: 60
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_cluster_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a cluster
  privazio.opennebula.one_cluster:
    name: edge
    template:
      DESCRIPTION: Machines at the edge

- name: Read its datastores
  privazio.opennebula.one_cluster:
    name: edge
    datastores: [default, system]

- name: Take the datastores out again
  privazio.opennebula.one_cluster:
    name: edge
    datastores: []
    purge: true

- name: Ask for a better place for each virtual machine
  privazio.opennebula.one_cluster:
    name: edge
    plan: requested
    plan_timeout: 1
  register: optimized

- name: Look at it
  ansible.builtin.debug:
    var: optimized.plan

- name: Move them
  privazio.opennebula.one_cluster:
    name: edge
    plan: executed

- name: Remove the cluster, whatever members it has
  privazio.opennebula.one_cluster:
    name: edge
    state: absent
    purge: true
"""

RETURN = r"""
id:
  description: Id of the cluster; not there when a check run would create it.
  type: int
  returned: success
  sample: 100
name:
  description: Name of the cluster.
  type: str
  returned: success
  sample: edge
host_ids:
  description: Ids of its hosts.
  type: list
  elements: int
  returned: success
  sample: [0, 1]
datastore_ids:
  description: Ids of its datastores.
  type: list
  elements: int
  returned: success
  sample: [0, 1]
vnet_ids:
  description: Ids of its virtual networks.
  type: list
  elements: int
  returned: success
  sample: [0]
template:
  description: The attributes of its template.
  type: dict
  returned: success
  sample: {"DESCRIPTION": "Machines at the edge"}
plan:
  description:
    - The plan of DRS. Null when there is none. After O(plan=requested) this means that DRS has made none within
      O(plan_timeout), mostly because no virtual machine has to be moved.
  type: dict
  returned: when O(plan) is given
  contains:
    state:
      description: One of V(ready), V(applying), V(done), V(error), V(timeout).
      type: str
    actions:
      description:
        - The moves.
      type: list
      elements: dict
      contains:
        vm_id:
          description: Id of the virtual machine.
          type: int
        operation:
          description:
            - Operation as OpenNebula calls it.
          type: str
        host_id:
          description: Id of the host that it goes to.
          type: int
        state:
          description: As that of the plan.
          type: str
  sample:
    state: ready
    actions: [{"vm_id": 3, "operation": "migrate", "host_id": 1, "state": "ready"}]
labels:
  description: Its labels.
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
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.cluster import CLUSTER, CLUSTER_WITH_PLAN
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

NAMES = {"type": "list", "elements": "str"}
OPTIONS = dict(
    IDENTITY,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent"),
    hosts=NAMES,
    datastores=NAMES,
    vnets=NAMES,
    purge={"type": "bool", "default": False},
    plan={"type": "str", "choices": ["requested", "executed", "absent"]},
    plan_timeout={"type": "int", "default": 60},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(CLUSTER if module.params["plan"] is None else CLUSTER_WITH_PLAN)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
