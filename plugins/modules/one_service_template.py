#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_service_template
short_description: Manage OpenNebula service templates (OneFlow)
version_added: 1.0.0
description:
  - Creates, changes, clones, renames and removes the templates that OneFlow creates services of many VMs from.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the service template should exist.
    type: str
    choices: [present, absent]
    default: present
  clone_of:
    description:
      - Name or id of the service template that a new one is copied from. It has no effect on one that exists.
    type: str
  recursive:
    description:
      - What is copied with O(clone_of), and removed with O(state=absent), too; V(templates) are the VM templates of the
        roles, V(all) also the images of these.
    type: str
    choices: [none, templates, all]
    default: none
  description:
    description:
      - Text about the service.
    type: str
  deployment:
    description:
      - V(straight) deploys a role when its parents run, V(none) all roles at once.
    type: str
    choices: [none, straight]
  shutdown_action:
    description:
      - How VMs end, of roles that do not say it.
    type: str
    choices: [terminate, terminate-hard, shutdown, shutdown-hard]
  ready_status_gate:
    description:
      - Whether a VM counts as running only when it has reported C(READY=YES) through OneGate.
    type: bool
  automatic_deletion:
    description:
      - Whether a service is removed with its last VM.
    type: bool
  on_hold:
    description:
      - Whether the VMs of a service are created on hold.
    type: bool
  networks:
    description:
      - Networks that roles refer to, by their names in the service, and what is used unless a service says otherwise.
      - A value is a dictionary with one of C(network), C(template) and C(reserve_from) (name or id of a virtual network
        that is used, of a network template that is instantiated, or of a network that leases are reserved from), and
        optionally C(description) and C(mandatory); or a text as OneFlow has it, such as V(M|network|text||id:3).
    type: dict
  user_inputs:
    description:
      - Values that a service is asked for, each as OneFlow declares it, such as V(M|text|A key).
    type: dict
  user_inputs_values:
    description:
      - Values of user inputs that a service has unless it says otherwise.
    type: dict
  template_mode:
    description:
      - With V(merge), keys of dictionaries that are not given stay; with V(replace) they are removed.
    type: str
    choices: [merge, replace]
    default: merge
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.roles
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_service_template_info
  - module: privazio.opennebula.one_service
notes:
  - With OpenNebula 6, options and results are the same, and OneFlow gets the format that it has there. Roles of type
    V(vr) need OpenNebula 7.0, and values in O(roles[].template_contents) must not end with a backslash there.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a VM template for the roles
  privazio.opennebula.one_template:
    name: small
    template: {CPU: 0.1, MEMORY: 64}

- name: Create a service template with two roles
  privazio.opennebula.one_service_template:
    name: shop
    deployment: straight
    roles:
      - name: db
        template: small
        cardinality: 1
      - name: web
        template: small
        cardinality: 2
        parents: [db]
        min_vms: 1
        max_vms: 4
        elasticity_policies:
          - {type: CHANGE, adjust: 1, expression: CPU > 80, period: 60, period_number: 3}

- name: Update one role of the template
  privazio.opennebula.one_service_template:
    name: shop
    roles:
      - name: web
        cardinality: 3

- name: Clone the template with copies of its VM templates
  privazio.opennebula.one_service_template:
    name: shop-test
    clone_of: shop
    recursive: templates

- name: Remove the copy with its VM templates
  privazio.opennebula.one_service_template:
    name: shop-test
    state: absent
    recursive: templates

- name: Remove the template
  privazio.opennebula.one_service_template:
    name: shop
    state: absent
"""

RETURN = r"""
id:
  description: Id of the service template; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the service template.
  type: str
  returned: success
  sample: shop
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
labels:
  description: Labels of the service template.
  type: list
  elements: str
  returned: success
  sample: [production]
description:
  description: As in O(description).
  type: str
  returned: success
  sample: ""
deployment:
  description: As in O(deployment).
  type: str
  returned: success
  sample: straight
shutdown_action:
  description: As in O(shutdown_action).
  type: str
  returned: success
  sample: terminate
ready_status_gate:
  description: As in O(ready_status_gate).
  type: bool
  returned: success
  sample: false
automatic_deletion:
  description: As in O(automatic_deletion).
  type: bool
  returned: success
  sample: false
on_hold:
  description: As in O(on_hold).
  type: bool
  returned: success
  sample: false
networks:
  description: The networks as OneFlow has them.
  type: dict
  returned: success
  sample: {"public": "M|network|||id:3"}
user_inputs:
  description: As in O(user_inputs).
  type: dict
  returned: success
  sample: {}
user_inputs_values:
  description: As in O(user_inputs_values); values of secret ones are masked.
  type: dict
  returned: success
  sample: {}
roles:
  description: The roles, each with what it has of the suboptions of O(roles), and C(template_id).
  type: list
  elements: dict
  returned: success
  sample: [{"name": "web", "type": "vm", "template_id": 3, "cardinality": 2}]
body:
  description: The whole content as OneFlow keeps it.
  type: dict
  returned: success
  sample: {"name": "shop", "deployment": "straight", "roles": []}
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
    COPY,
    FLOW_CONNECTION,
    IDENTITY,
    LABELS,
    OWNERSHIP,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.roles import ROLE, SHUTDOWN_ACTIONS
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.service_template import SERVICE_TEMPLATE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    FLOW_CONNECTION,
    **IDENTITY,
    **COPY,
    **OWNERSHIP,
    **LABELS,
    **state("present", "absent"),
    recursive={"type": "str", "choices": ["none", "templates", "all"], "default": "none"},
    description={"type": "str"},
    deployment={"type": "str", "choices": ["none", "straight"]},
    shutdown_action={"type": "str", "choices": SHUTDOWN_ACTIONS},
    ready_status_gate={"type": "bool"},
    automatic_deletion={"type": "bool"},
    on_hold={"type": "bool"},
    networks={"type": "dict"},
    user_inputs={"type": "dict"},
    user_inputs_values={"type": "dict"},
    roles={"type": "list", "elements": "dict", "options": ROLE},
    purge_roles={"type": "bool", "default": False},
    template_mode=TEMPLATE["template_mode"],
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(SERVICE_TEMPLATE)


def main():
    work(OneModule(OPTIONS, client=Clients, **RULES))


if __name__ == "__main__":
    main()
