#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_service
short_description: Manage OpenNebula services (OneFlow)
version_added: 1.0.0
description:
  - Creates services of many VMs from service templates, scales and changes their roles, recovers and removes them.
  - A service is known by its name or id. Options that are omitted are left as they are. A second run changes nothing.
  - It fails as soon as the service is in a state that it leaves only by recovery, and tells what its VMs say.
options:
  id:
    description:
      - Id of the service.
    type: int
    aliases: [service_id]
  name:
    description:
      - Name of the service; that of its template if omitted. With O(id), the service is renamed.
    type: str
    aliases: [service_name]
  template:
    description:
      - Name or id of the service template that a new service is created from. It has no effect on one that exists.
    type: str
    aliases: [template_name, template_id]
  unique:
    description:
      - Has no effect, since there is one service of a name. It is accepted for playbooks of community.general.
    type: bool
    default: false
  state:
    description:
      - V(present) is a service that exists, V(absent) one that does not.
      - V(running) is one that runs; it is released if it is on hold. V(held) is a new one whose VMs are on hold.
      - V(recovered) is one that runs; it is recovered if it has failed.
    type: str
    choices: [present, absent, running, held, recovered]
    default: present
  custom_attrs:
    description:
      - Values of the user inputs of a new service, as O(user_inputs).
    type: dict
  user_inputs:
    description:
      - Values of the user inputs of a new service. They cannot be changed afterwards.
    type: dict
  networks:
    description:
      - What a new service has for the networks of its template, by their names there.
      - A value is a dictionary with one of C(network), C(template) and C(reserve_from) (name or id of a virtual network
        that is used, of a network template that is instantiated, or of a network that leases are reserved from), with
        C(size) (number of leases) and C(extra) (attributes of a network that is made).
    type: dict
  on_hold:
    description:
      - Whether the VMs of a new service are created on hold.
    type: bool
  role:
    description:
      - Role that has O(cardinality); short for one item of O(roles).
    type: str
  cardinality:
    description:
      - Number of VMs that O(role) has. It is not made smaller where a VM of the role is locked or has the
        O(protected_label), as OneFlow does not say before which VMs go.
    type: int
  force:
    description:
      - Whether a role may be scaled beyond C(min_vms) and C(max_vms).
    type: bool
    default: false
  replace_failed:
    description:
      - Whether a service that has failed is removed with its VMs, and created again.
    type: bool
    default: false
  role_action:
    description:
      - Action to schedule on the VMs of a role. It is done in each run.
    type: dict
    suboptions:
      action:
        description: What to do.
        type: str
        required: true
        choices:
          - terminate
          - terminate-hard
          - undeploy
          - undeploy-hard
          - hold
          - release
          - stop
          - suspend
          - resume
          - reboot
          - reboot-hard
          - poweroff
          - poweroff-hard
          - snapshot-create
          - snapshot-revert
          - snapshot-delete
          - disk-snapshot-create
          - disk-snapshot-revert
          - disk-snapshot-delete
      role:
        description: The role; all roles if omitted.
        type: str
      period:
        description: Seconds between two groups of VMs.
        type: int
      number:
        description: VMs of a group.
        type: int
      args:
        description: Arguments of the action, such as the name of a snapshot.
        type: str
  wait_timeout:
    description:
      - How long to wait, in seconds. A role that is scaled cools down, which is waited for, too.
    type: int
    default: 600
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.roles
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_service_info
  - module: privazio.opennebula.one_service_template
notes:
  - User inputs and roles are written as OpenNebula 7.0 takes them; OpenNebula 6 has other names for them.
  - Suboptions of O(roles) that describe VMs (C(type), C(template), C(networks), C(vm_group), C(template_contents),
    C(parents), C(on_hold), C(user_inputs), C(user_inputs_values)) count for new roles only.
  - For playbooks of community.general, O(api_url) may be the endpoint of OneFlow. Names of users, groups, networks and
    VM templates are then looked up at the endpoint of E(ONE_URL).
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a VM template for the roles
  privazio.opennebula.one_template:
    name: small
    template: {CPU: 0.1, MEMORY: 64}

- name: Create a service template
  privazio.opennebula.one_service_template:
    name: shop
    roles:
      - {name: web, template: small, cardinality: 1, min_vms: 1, max_vms: 4, cooldown: 1}

- name: Create a service and wait until it runs
  privazio.opennebula.one_service:
    name: shop-1
    template: shop
    state: running

- name: Scale a role
  privazio.opennebula.one_service:
    name: shop-1
    roles:
      - name: web
        cardinality: 2

- name: Add a role
  privazio.opennebula.one_service:
    name: shop-1
    roles:
      - name: cache
        template: small
        cardinality: 1

- name: Create snapshots of all VMs of a role, one VM a minute
  privazio.opennebula.one_service:
    name: shop-1
    role_action: {role: web, action: snapshot-create, period: 60, number: 1, args: before}

- name: Recover a service that has failed
  privazio.opennebula.one_service:
    name: shop-1
    state: recovered

- name: Remove the service
  privazio.opennebula.one_service:
    name: shop-1
    state: absent

- name: Remove the service template with its VM template
  privazio.opennebula.one_service_template:
    name: shop
    state: absent
    recursive: templates
"""

RETURN = r"""
id:
  description: Id of the service; missing when a check run would create it.
  type: int
  returned: success
  sample: 5
name:
  description: Name of the service.
  type: str
  returned: success
  sample: shop-1
service_id:
  description: As C(id), as community.general returns it.
  type: int
  returned: success
  sample: 5
service_name:
  description: As C(name), as community.general returns it.
  type: str
  returned: success
  sample: shop-1
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
owner_id:
  description: As C(user_id), as community.general returns it.
  type: int
  returned: success
  sample: 0
owner_name:
  description: As C(user_name), as community.general returns it.
  type: str
  returned: success
  sample: oneadmin
state:
  description: State of the service as OneFlow calls it.
  type: str
  returned: success
  sample: RUNNING
lock:
  description: What is locked, V(none), V(use), V(manage) or V(admin).
  type: str
  returned: success
  sample: none
reason:
  description: Why it has failed, as its VMs and its log say; empty when it has not.
  type: str
  returned: success
  sample: ""
service_state:
  description: State of the service in lower case.
  type: str
  returned: success
  sample: running
description:
  description: Text about the service.
  type: str
  returned: success
  sample: ""
deployment:
  description: V(straight) or V(none).
  type: str
  returned: success
  sample: straight
user_inputs_values:
  description: Values of the user inputs; values of secret ones are masked.
  type: dict
  returned: success
  sample: {}
networks_values:
  description: The networks of the service as OneFlow has them.
  type: list
  elements: dict
  returned: success
  sample: [{"public": {"id": "3"}}]
roles:
  description:
    - The roles, each with C(name), C(state) (as OneFlow calls it), C(cardinality), C(ids) (of its VMs), C(nodes) (its
      VMs, each with C(id) and C(name)), C(template_id), and what it has of the suboptions of O(roles).
  type: list
  elements: dict
  returned: success
  sample:
    - {"name": "web", "state": "RUNNING", "cardinality": 1, "ids": [7], "nodes": [{"id": 7, "name": "web_0"}]}
start_time:
  description: When the service was created, in seconds since the epoch.
  type: int
  returned: success
  sample: 1795732132
api_calls:
  description: How many calls of the APIs the task took; with C(-vvv) they are listed in C(calls).
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
    FLOW_CONNECTION,
    OWNERSHIP,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import service
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.roles import ROLE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.flow import ROLE_ACTIONS

ROLE_ACTION = {
    "action": {"type": "str", "required": True, "choices": ROLE_ACTIONS},
    "role": {"type": "str"},
    "period": {"type": "int"},
    "number": {"type": "int"},
    "args": {"type": "str"},
}
OPTIONS = dict(
    FLOW_CONNECTION,
    **OWNERSHIP,
    **state("present", "absent", "running", "held", "recovered"),
    id={"type": "int", "aliases": ["service_id"]},
    name={"type": "str", "aliases": ["service_name"]},
    template={"type": "str", "aliases": ["template_name", "template_id"]},
    unique={"type": "bool", "default": False},
    custom_attrs={"type": "dict"},
    user_inputs={"type": "dict"},
    networks={"type": "dict"},
    on_hold={"type": "bool"},
    roles={"type": "list", "elements": "dict", "options": ROLE},
    purge_roles={"type": "bool", "default": False},
    role={"type": "str"},
    cardinality={"type": "int"},
    force={"type": "bool", "default": False},
    replace_failed={"type": "bool", "default": False},
    role_action={"type": "dict", "options": ROLE_ACTION},
    wait=WAIT["wait"],
    wait_timeout={"type": "int", "default": 600},
)
RULES = {
    "required_one_of": [("id", "name", "template")],
    "required_together": [("role", "cardinality")],
    "mutually_exclusive": [("role", "roles"), ("custom_attrs", "user_inputs")],
}


def work(module):
    module.run(lambda cloud: service.converge(module, cloud))


def main():
    work(OneModule(OPTIONS, client=Clients, **RULES))


if __name__ == "__main__":
    main()
