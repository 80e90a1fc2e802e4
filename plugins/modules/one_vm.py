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
  - Creates, changes and terminates virtual machines (VMs), one by its name or id, or a fleet with a given number of
    VMs, from a VM template or without one.
  - Options that are omitted are left as they are. A second run changes nothing.
  - No VM is created twice, also when two controllers run the task at once, when a run is killed, or when an answer of
    the server is lost. Each VM that the module creates has the attribute C(ANSIBLE_REQUEST) in its user template, by
    which the next run finds it. So have the disks and NICs that it attaches.
  - When some VMs fail, the changes of the others are made. The task then fails, and returns all VMs in RV(instances)
    and the failed ones, with the reason for each, in RV(failures).
options:
  state:
    description:
      - V(present) creates missing VMs, and does not change the state of existing ones.
      - V(running), V(poweredoff), V(suspended), V(stopped) and V(undeployed) bring VMs to this state from any other.
        A new VM is started first.
      - V(held) creates VMs on hold, and holds pending ones. VMs in other states cannot be held.
      - V(rebooted) reboots running VMs and starts the others. Each run of the task does so.
      - V(absent) terminates VMs.
    type: str
    choices: [present, running, poweredoff, suspended, stopped, undeployed, held, rebooted, absent]
    default: present
  name:
    description:
      - Name of the VM. With O(exact_count), a pattern with one run of V(#) that stands for a number, such as V(web-##).
      - With O(id), the VM is renamed. V(NAME) in O(attributes) is taken for it.
  id:
    description:
      - Id of the VM.
  instance_ids:
    description:
      - Ids of several VMs.
    type: list
    elements: int
    aliases: [ids]
  template:
    description:
      - Name or id of the VM template to create VMs from. Ignored for existing VMs.
      - When it is omitted, O(cpu) and O(memory) are required to create a VM.
    type: str
    aliases: [template_name, template_id]
  cpu:
    description:
      - Physical CPU that the VM gets, such as V(0.5).
    type: float
  vcpu:
    description:
      - Number of virtual CPUs.
      - A running VM can get more only up to C(VCPU_MAX) of its template; otherwise it has to be powered off, see
        O(allow_poweroff).
    type: int
  memory:
    description:
      - Memory in MB, or with a unit as in V(4 GB).
      - A running VM can get more only up to C(MEMORY_MAX) of its template; otherwise it has to be powered off, see
        O(allow_poweroff).
    type: str
  disks:
    description:
      - Disks, each a dictionary of attributes of C(DISK), such as V(IMAGE), or V(TYPE) and V(SIZE) (MB, or V(20 GB)).
      - An existing disk is identified by V(DISK_ID) or V(TARGET) if one of them is given, else by its image, else by
        its type.
      - Missing disks are attached, smaller ones are resized. A new VM has these disks and those of its template.
    type: list
    elements: dict
  purge_disks:
    description:
      - Whether to detach disks that are not in O(disks).
    type: bool
    default: false
  disk_size:
    description:
      - Sizes of the first disks, in their order, such as V(20 GB).
    type: list
    elements: str
  networks:
    description:
      - NICs, each a dictionary of attributes of C(NIC), such as V(NETWORK) or V(NETWORK_ID).
      - An existing NIC is identified by V(NIC_ID), V(NAME), V(IP), V(IP6) or V(MAC) if one of these is given, else by
        its network.
      - Missing NICs are attached. V(SECURITY_GROUPS) (names or ids) and bandwidths are changed in place, so that the
        NIC keeps its address.
      - A new VM has these NICs instead of those of its template.
    type: list
    elements: dict
  nic_aliases:
    description:
      - NIC aliases, each a dictionary of attributes of C(NIC_ALIAS); V(PARENT) is the name of a NIC, such as V(NIC0).
    type: list
    elements: dict
  purge_networks:
    description:
      - Whether to detach NICs that are not in O(networks), and aliases that are not in O(nic_aliases).
    type: bool
    default: false
  updateconf:
    description:
      - Sections of the configuration, C(OS) (with the boot order in C(BOOT)), C(FEATURES), C(INPUT), C(GRAPHICS),
        C(VIDEO), C(RAW), C(CPU_MODEL), C(CONTEXT) and C(BACKUP_CONFIG), each a dictionary.
      - Members of a section that are omitted are left as they are. All sections but C(CONTEXT) take effect at the
        next start.
      - C(PASSWORD) of C(CONTEXT), and values with V($), are not compared once they are set, because OpenNebula stores
        other texts for them.
    type: dict
  context:
    description:
      - The section C(CONTEXT) of O(updateconf).
      - OpenNebula replaces variables such as C($NAME) or C($NIC[IP]) in it. A C($) that begins no variable, as in
        C(${HOME}), is refused before anything is changed; see O(start_script).
    type: dict
  start_script:
    description:
      - Script that the guest runs when it starts; it may contain V($). It is sent as C(START_SCRIPT_BASE64) of
        C(CONTEXT), in which OpenNebula replaces nothing.
      - Scripts often hold passwords, so results and diffs do not show them, unless O(secret_names) says so.
    type: str
  user_inputs:
    description:
      - Values for the user inputs (C(USER_INPUTS)) of the VM template, by their names. Ignored for existing VMs.
      - Inputs that are omitted get their initial value. The task fails, in check mode too, when a mandatory input has
        no value, or when a value does not match the type and the limits that the VM template declares.
      - Values of V(text64) inputs are given as plain text.
    type: dict
  vm_group:
    description:
      - VM group of the VM, or V({}) for none. Changing it for existing VMs needs OpenNebula 7.4.
    type: dict
    suboptions:
      group:
        description:
          - Name or id of the VM group.
        type: str
      role:
        description:
          - Name of the role.
        type: str
  attributes:
    description:
      - Attributes of the user template, such as C(SCHED_REQUIREMENTS). Attributes that are omitted are left as they
        are.
      - Without O(name), O(id), O(instance_ids), O(template) and O(exact_count), this selects all VMs that have these
        attributes, and O(labels); V(null) matches any value.
    type: dict
  update_attributes:
    description:
      - Attributes of the user template to set, also when O(attributes) selects VMs.
    type: dict
  extra_template:
    description:
      - More attributes of new VMs, such as C(PCI), C(TOPOLOGY) or C(SCHED_ACTION). Sizes may have a unit, such as
        C(MEMORY) V(2 GB). Ignored for existing VMs.
    type: dict
  datastore:
    description:
      - Name or id of the system datastore for new VMs, written as C(SCHED_DS_REQUIREMENTS).
    type: str
    aliases: [datastore_name, datastore_id]
  persistent:
    description:
      - Whether new VMs get private, persistent copies of their images, and a VM template with the name of the VM.
      - These are kept when the VM is terminated, unless O(remove_images=true), and the next VM with this name uses
        them again.
    type: bool
    default: false
  remove_images:
    description:
      - Whether to remove, with terminated VMs, the VM template and the images that O(persistent) has created. Other
        images are kept.
    type: bool
    default: false
  vm_start_on_hold:
    description:
      - Whether to create VMs on hold.
    type: bool
    default: false
  exact_count:
    description:
      - Number of VMs in the fleet. VMs belong to it when their names match the pattern in O(name), and they have
        O(count_attributes) and O(count_labels).
      - Missing VMs are created, with the lowest free numbers. When there are too many, some are terminated, see
        O(remove).
    type: int
  count:
    description:
      - Number of VMs to create. With a pattern in O(name), the least number of VMs in the fleet.
      - Without O(name), each run creates this number of VMs.
    type: int
  first_index:
    description:
      - Lowest number for the names of new VMs when O(name) is a pattern; with V(1) the first name is C(web-01).
    type: int
    default: 0
  count_attributes:
    description:
      - Attributes of the VMs of the fleet; new VMs get them. V(null) matches any value.
      - V(NAME) may be a pattern, as in O(name).
    type: dict
  count_labels:
    description:
      - Labels of the VMs of the fleet; new VMs get them.
    type: list
    elements: str
  remove:
    description:
      - Which VMs are terminated first when there are too many. Locked VMs are never terminated.
      - The default is V(highest_index) if names have numbers, else V(newest).
    type: str
    choices: [newest, oldest, highest_index, lowest_index]
  max_remove:
    description:
      - How many VMs may be removed; the task fails before it changes anything when it would take more.
      - Required where nothing is named that the VMs to remove have in common. These do name something - ids, a part of
        their names, a label, an attribute.
    type: int
  replace_failed:
    description:
      - Whether to terminate failed VMs of the fleet and create new ones.
    type: bool
    default: false
  parallel:
    description:
      - How many VMs are created or changed at a time.
    type: int
    default: 4
  allow_poweroff:
    description:
      - Whether running VMs may be powered off for changes that need it. They are powered on again after all changes.
      - With V(false), the task fails and names these changes.
    type: bool
    default: false
  hard:
    description:
      - Whether to power off, reboot, undeploy and terminate without an ACPI signal to the guest.
    type: bool
    default: false
  disk_saveas:
    description:
      - Save a disk as a new image, if there is no image with this name.
    type: dict
    suboptions:
      name:
        description:
          - Name of the image.
        type: str
        required: true
      disk_id:
        description:
          - Id of the disk.
        type: int
        default: 0
  wait_ready:
    description:
      - Whether to wait until the guest has reported C(READY=YES) through OneGate.
    type: bool
    default: false
  wait_network:
    description:
      - Wait until the VM has an address in the network with this name.
    type: str
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - ref: Fleets <ansible_collections.privazio.opennebula.docsite.fleets>
    description: Several VMs as one, and what happens when something goes wrong.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create three web servers
  privazio.opennebula.one_vm:
    name: web-##
    exact_count: 3
    template: web
    state: running

- name: Create a VM with a label, a second disk and 4 GB of memory
  privazio.opennebula.one_vm:
    name: database
    template: web
    state: running
    memory: 4 GB
    labels: [production]
    disks:
      - image: data
        size: 20 GB
    allow_poweroff: true

- name: Keep two workers, replace failed ones, and remove at most one
  privazio.opennebula.one_vm:
    count_attributes:
      ROLE: worker
    exact_count: 2
    template: web
    max_remove: 1
    replace_failed: true

- name: Create three workers that are numbered from 1, with values for what their VM template asks
  privazio.opennebula.one_vm:
    name: worker-##
    first_index: 1
    exact_count: 3
    template: database
    user_inputs:
      DB_NAME: orders
    start_script: |
      #!/bin/sh
      echo "$(hostname) is ${ROLE:-a worker}" > /etc/motd

- name: Remove a VM with its private copies
  privazio.opennebula.one_vm:
    name: scratch
    state: absent
    remove_images: true

- name: Switch all VMs with a label off
  privazio.opennebula.one_vm:
    labels: [production]
    state: poweredoff

- name: Remove the database
  privazio.opennebula.one_vm:
    name: database
    state: absent

- name: Remove the web servers
  privazio.opennebula.one_vm:
    name: web-##
    exact_count: 0
"""

RETURN = r"""
instances:
  description: The VMs that the task was about, as they stand afterwards; with O(state=absent), as they were.
  type: list
  elements: dict
  returned: success, and failures of single VMs
  contains:
    id:
      description: Id of the VM.
      type: int
      sample: 3
    vm_id:
      description: The same as C(id).
      type: int
      sample: 3
    name:
      description: Name of the VM.
      type: str
      sample: web-00
    vm_name:
      description: The same as C(name).
      type: str
      sample: web-00
    status:
      description: One word for its state, such as V(running), V(poweredoff), V(pending), V(failed).
      type: str
      sample: running
    state:
      description: STATE as OpenNebula calls it.
      type: str
      sample: ACTIVE
    lcm_state:
      description: LCM_STATE as OpenNebula calls it.
      type: str
      sample: RUNNING
    error:
      description: What a driver said when it last failed.
      type: str
      sample: null
    template_id:
      description: Id of the VM template that it was created from.
      type: int
      sample: 0
    host:
      description: Name of the host that it runs on, or ran on last.
      type: str
      sample: node1
    owner_id:
      description: Id of its owner.
      type: int
      sample: 0
    user_id:
      description: The same as C(owner_id).
      type: int
      sample: 0
    owner:
      description: Name of its owner.
      type: str
      sample: oneadmin
    owner_name:
      description: The same as C(owner).
      type: str
      sample: oneadmin
    user_name:
      description: The same as C(owner).
      type: str
      sample: oneadmin
    group_id:
      description: Id of its group.
      type: int
      sample: 0
    group:
      description: Name of its group.
      type: str
      sample: oneadmin
    group_name:
      description: The same as C(group).
      type: str
      sample: oneadmin
    mode:
      description: Its permissions as three octal digits.
      type: str
      sample: "600"
    lock:
      description: What is locked, as in O(lock).
      type: str
      sample: none
    cpu:
      description: Share of CPUs.
      type: float
      sample: 0.5
    vcpu:
      description: Number of CPUs.
      type: int
      sample: 1
    vcpu_max:
      description: How many CPUs it may get while it runs; V(0) when the number is fixed.
      type: int
      sample: 0
    memory:
      description: Memory.
      type: str
      sample: 4096 MB
    memory_max:
      description: Memory that it may get while it runs, in MB; V(0) when it is fixed.
      type: int
      sample: 0
    disks:
      description: Its disks, as OpenNebula describes them.
      type: list
      elements: dict
      sample: [{"DISK_ID": "0", "IMAGE": "debian", "SIZE": "10240"}]
    disk_size:
      description: Sizes of its disks.
      type: list
      elements: str
      sample: [10240 MB]
    networks:
      description: Its network interfaces.
      type: list
      elements: dict
      sample: [{"name": "private", "ip": "10.0.0.2", "mac": "02:00:0a:00:00:02", "nic_id": 0, "security_groups": "0"}]
    nic_aliases:
      description: Further addresses of its network interfaces.
      type: list
      elements: dict
      sample: []
    updateconf:
      description: Its configuration by sections; passwords are masked.
      type: dict
      sample: {"OS": {"BOOT": "disk0"}}
    vm_group:
      description: Id of its VM group, and its role there.
      type: dict
      sample: {}
    labels:
      description: Its labels.
      type: list
      elements: str
      sample: [production]
    attributes:
      description: Its user template; values of secret attributes are masked.
      type: dict
      sample: {"LABELS": "production"}
    uptime_h:
      description: Hours since its creation.
      type: int
      sample: 35
instances_ids:
  description: Ids of RV(instances).
  type: list
  elements: int
  returned: success, and failures of single VMs
  sample: [3, 4, 5]
tagged_instances:
  description: The same as RV(instances).
  type: list
  elements: dict
  returned: success
  sample: []
created_ids:
  description: Ids of the VMs that were created.
  type: list
  elements: int
  returned: success, and failures of single VMs
  sample: [5]
removed_ids:
  description: Ids of the VMs that were terminated.
  type: list
  elements: int
  returned: success, and failures of single VMs
  sample: []
failures:
  description: The VMs that are not as wanted.
  type: list
  elements: dict
  returned: failures of single VMs
  sample: [{"id": 4, "name": "web-01", "reason": "VM web-01 has failed: Error executing deploy."}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 2
diff:
  description: What changes, before and after; only what differs. C(power_cycle) tells what VMs are switched off for.
  type: dict
  returned: success
  sample: {"before": {}, "after": {}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import (
    IDENTITY,
    LABELS,
    LOCK,
    OWNERSHIP,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.options import fleet_spec
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.scale import converge

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **WAIT,
    **state("present", "running", "poweredoff", "suspended", "stopped", "undeployed", "held", "rebooted", "absent"),
    instance_ids={"type": "list", "elements": "int", "aliases": ["ids"]},
    template={"type": "str", "aliases": ["template_name", "template_id"]},
    cpu={"type": "float"},
    vcpu={"type": "int"},
    memory={"type": "str"},
    disks={"type": "list", "elements": "dict"},
    purge_disks={"type": "bool", "default": False},
    disk_size={"type": "list", "elements": "str"},
    networks={"type": "list", "elements": "dict"},
    nic_aliases={"type": "list", "elements": "dict"},
    purge_networks={"type": "bool", "default": False},
    updateconf={"type": "dict"},
    context={"type": "dict"},
    start_script={"type": "str"},
    user_inputs={"type": "dict"},
    vm_group={
        "type": "dict",
        "options": {"group": {"type": "str"}, "role": {"type": "str"}},
        "required_together": [("group", "role")],
    },
    attributes={"type": "dict"},
    update_attributes={"type": "dict"},
    extra_template={"type": "dict"},
    datastore={"type": "str", "aliases": ["datastore_name", "datastore_id"]},
    persistent={"type": "bool", "default": False},
    remove_images={"type": "bool", "default": False},
    vm_start_on_hold={"type": "bool", "default": False},
    exact_count={"type": "int"},
    count={"type": "int"},
    first_index={"type": "int", "default": 0},
    count_attributes={"type": "dict"},
    count_labels={"type": "list", "elements": "str"},
    remove={"type": "str", "choices": ["newest", "oldest", "highest_index", "lowest_index"]},
    max_remove={"type": "int"},
    replace_failed={"type": "bool", "default": False},
    parallel={"type": "int", "default": 4},
    allow_poweroff={"type": "bool", "default": False},
    hard={"type": "bool", "default": False},
    disk_saveas={
        "type": "dict",
        "options": {"name": {"type": "str", "required": True}, "disk_id": {"type": "int", "default": 0}},
    },
    wait_ready={"type": "bool", "default": False},
    wait_network={"type": "str"},
)
RULES = {
    "mutually_exclusive": [
        ("id", "instance_ids", "exact_count"),
        ("id", "instance_ids", "count"),
        ("instance_ids", "name"),
        ("instance_ids", "template"),
        ("count", "exact_count"),
        ("disks", "disk_size"),
        ("persistent", "disk_size"),
    ]
}


def work(module):
    module.run(lambda cloud: converge(cloud, fleet_spec(cloud, module.params, module.applies)))


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
