#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_host
short_description: Manage OpenNebula hosts
version_added: 1.0.0
description:
  - Registers, changes and removes the hosts that run virtual machines.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - V(present) registers the host if there is none with this name.
      - V(enabled), V(disabled) and V(offline) also set whether it takes virtual machines and is monitored.
      - V(absent) removes it; OpenNebula refuses that while virtual machines are on it. See O(evacuate).
    type: str
    choices: [present, absent, enabled, disabled, offline]
    default: present
  evacuate:
    description:
      - Move all virtual machines from a host that is disabled, set offline or removed, and wait until it is empty.
        The host is disabled before, and set V(offline) or removed afterwards.
      - V(resched) leaves destination and kind of migration to the scheduler. It does not move suspended virtual
        machines.
      - V(live) migrates running virtual machines live, and the others in the state that they are in, each to the host
        with the most free memory that has room for it. Scheduling requirements of virtual machines are ignored.
      - When some cannot be moved, the others are moved all the same; the task fails with the reason for each, the
        host stays disabled, and the next run continues from there.
    type: str
    choices: [resched, live]
  destinations:
    description:
      - Names or ids of the hosts that O(evacuate=live) may use; all enabled hosts of the same cluster when omitted.
    type: list
    elements: str
  cluster:
    description:
      - Name or id of the cluster that the host belongs to. A new host goes to the default cluster when this is omitted.
    type: str
    aliases: [cluster_name, cluster_id]
  im_mad:
    description:
      - Monitoring driver, V(kvm) for a new host when omitted. It cannot be changed later.
    type: str
    aliases: [im_mad_name]
  vm_mad:
    description:
      - Virtualisation driver, V(kvm) for a new host when omitted. It cannot be changed later.
    type: str
    aliases: [vmm_mad_name]
  template:
    aliases: [attributes]
  wait:
    description:
      - Whether to wait until the object is ready to be used, or gone.
      - What O(evacuate) moves away is waited for all the same where the host is made V(offline) or removed after that.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_host_info
  - module: privazio.opennebula.one_vm_migrate
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Register a host in a cluster
  privazio.opennebula.one_host:
    name: node1.example.com
    cluster: default
    im_mad: "{{ one_im_mad | default('kvm') }}"
    vm_mad: "{{ one_vm_mad | default('kvm') }}"
    template:
      RACK: A1

- name: Take it out of service
  privazio.opennebula.one_host:
    name: node1.example.com
    state: disabled

- name: Move its virtual machines away while they run, and make it ready for repair
  privazio.opennebula.one_host:
    name: node1.example.com
    state: offline
    evacuate: live
    wait_timeout: 3600

- name: Take it into service again
  privazio.opennebula.one_host:
    name: node1.example.com
    state: enabled

- name: Remove it
  privazio.opennebula.one_host:
    name: node1.example.com
    state: absent
"""

RETURN = r"""
id:
  description: Id of the host; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the host.
  type: str
  returned: success
  sample: node1.example.com
status:
  description:
    - What was requested of the host, V(enabled), V(disabled) or V(offline).
  type: str
  returned: success
  sample: enabled
host_state:
  description: State that OpenNebula reports, one of V(init), V(monitored), V(error), V(disabled), V(offline).
  type: str
  returned: success
  sample: monitored
cluster:
  description: Name of its cluster.
  type: str
  returned: success
  sample: default
cluster_id:
  description: Id of its cluster.
  type: int
  returned: success
  sample: 0
im_mad:
  description: Monitoring driver.
  type: str
  returned: success
  sample: kvm
vm_mad:
  description: Virtualisation driver.
  type: str
  returned: success
  sample: kvm
vms:
  description: Ids of the virtual machines on it.
  type: list
  elements: int
  returned: success
  sample: [3, 4]
template:
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"RACK": "A1"}
labels:
  description: Its labels.
  type: list
  elements: str
  returned: success
  sample: [production]
failures:
  description: The virtual machines that O(evacuate) could not move, each with the reason.
  type: list
  elements: dict
  returned: when some could not be moved
  contains:
    id:
      description: Id of the virtual machine.
      type: int
    name:
      description: Its name; null for one that the user may not see.
      type: str
    reason:
      description: Why it is still there.
      type: str
  sample: [{"id": 3, "name": "db", "reason": "No host has room for VM db."}]
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
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **LABELS,
    **WAIT,
    **state("present", "absent", "enabled", "disabled", "offline"),
    evacuate={"type": "str", "choices": ["resched", "live"]},
    destinations={"type": "list", "elements": "str"},
    cluster={"type": "str", "aliases": ["cluster_name", "cluster_id"]},
    im_mad={"type": "str", "aliases": ["im_mad_name"]},
    vm_mad={"type": "str", "aliases": ["vmm_mad_name"]},
    template=dict(TEMPLATE["template"], aliases=["attributes"]),
    template_mode=TEMPLATE["template_mode"],
)
RULES = {"required_one_of": [("id", "name")], "required_by": {"destinations": ("evacuate",)}}


def work(module):
    module.ensure(HOST)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
