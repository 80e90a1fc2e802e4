#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm
short_description: Manage OpenNebula virtual machines
version_added: 1.0.0
description:
  - Has one virtual machine by its name, or a fleet of exactly so many, created from a VM template.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
options:
  state:
    description:
      - V(present) creates the VM if there is none of this name, and leaves an existing one in the state it has.
      - V(running) and V(poweredoff) also bring it to that state. A new VM always starts first.
      - V(absent) terminates it.
    type: str
    choices: [present, running, poweredoff, absent]
    default: present
  name:
    description:
      - Name of the VM. With O(exact_count), a pattern with one run of V(#) that stands for a number, such as V(web-##).
  template:
    description:
      - Name or id of the VM template to create from. It counts at creation only.
    type: str
    aliases: [template_name, template_id]
  attributes:
    description:
      - Attributes of the user template of the VM, such as labels. Only those that are given are compared.
    type: dict
  exact_count:
    description:
      - How many VMs whose names fit the pattern in O(name) there are to be.
      - Missing numbers are created, holes first; when there are too many, the highest numbers are terminated.
      - Locked VMs are never terminated, the task fails instead.
    type: int
  hard:
    description:
      - Power off and terminate without asking the guest.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Three web servers
  privazio.opennebula.one_vm:
    name: web-##
    exact_count: 3
    template: web
    state: running

- name: One VM by its name, with a label
  privazio.opennebula.one_vm:
    name: database
    template: web
    state: running
    attributes:
      LABELS: production

- name: Switch it off
  privazio.opennebula.one_vm:
    name: database
    state: poweredoff

- name: Remove it
  privazio.opennebula.one_vm:
    name: database
    state: absent

- name: And the web servers
  privazio.opennebula.one_vm:
    name: web-##
    exact_count: 0
"""

RETURN = r"""
instances:
  description: The VMs that the task was about, as they stand afterwards.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the VM.
      type: int
      sample: 3
    name:
      description: Name of the VM.
      type: str
      sample: web-00
    status:
      description: One word for its state, such as V(running), V(poweredoff), V(pending), V(failed).
      type: str
      sample: running
    state:
      description: STATE as OpenNebula numbers it.
      type: int
      sample: 3
    lcm_state:
      description: LCM_STATE as OpenNebula numbers it.
      type: int
      sample: 3
    template_id:
      description: Id of the VM template that it was created from.
      type: int
      sample: 0
    host:
      description: Name of the host that it runs on, or ran on last.
      type: str
      sample: node1
    networks:
      description: Its network interfaces.
      type: list
      elements: dict
      sample: [{"name": "private", "ip": "10.0.0.2", "ip6": null, "mac": "02:00:0a:00:00:02"}]
    attributes:
      description: Its user template; values of secret attributes are masked.
      type: dict
      sample: {"LABELS": "production"}
instances_ids:
  description: Ids of O(ignore:instances).
  type: list
  elements: int
  returned: success
  sample: [3, 4, 5]
api_calls:
  description: How many calls of the API the task took.
  type: int
  returned: always
  sample: 1
diff:
  description: What changes, before and after; only what differs.
  type: dict
  returned: success
  sample: {"before": {}, "after": {}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils import fleet
from ansible_collections.privazio.opennebula.plugins.module_utils.arguments import IDENTITY, WAIT, state
from ansible_collections.privazio.opennebula.plugins.module_utils.module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils.resource import Engine, instances
from ansible_collections.privazio.opennebula.plugins.module_utils.resources import vm

OPTIONS = dict(
    IDENTITY,
    **WAIT,
    **state("present", "running", "poweredoff", "absent"),
    template={"type": "str", "aliases": ["template_name", "template_id"]},
    attributes={"type": "dict"},
    exact_count={"type": "int"},
    hard={"type": "bool", "default": False},
)


def converge(module, cloud):
    """The Report of the one VM, or of the fleet, that the options speak of."""
    params = module.params
    resource = vm.resource(params["hard"])
    status = params["state"] if params["state"] in ("running", "poweredoff") else None
    wanted = {"template": params["template"], "attributes": params["attributes"], "status": status}
    if params["exact_count"] is not None:
        count = 0 if params["state"] == "absent" else params["exact_count"]
        pattern = fleet.Pattern(params["name"])
        return fleet.converge(cloud, resource, pattern, count, wanted, module.applies, params["wait"])
    engine = Engine(cloud, resource, module.applies, params["wait"])
    if params["state"] == "absent":
        return instances(engine.remove(params["name"], params["id"]))
    return instances(engine.converge(params["name"], params["id"], wanted))


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")], mutually_exclusive=[("id", "exact_count")])
    module.run(lambda cloud: converge(module, cloud))


if __name__ == "__main__":
    main()
