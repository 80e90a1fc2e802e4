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
  - Has one virtual machine by its name or id, or a fleet of exactly so many, from a VM template or from scratch.
  - What is given is made true, of VMs that run too; what is left out is left alone. A second run changes nothing.
  - Two runs at once, a run that is killed, or an answer that is lost never make a VM twice. Each VM that the module
    creates has the attribute C(ANSIBLE_REQUEST) in its user template, by which the next run knows it again.
  - When some VMs fail, the others are brought to what is wanted all the same. The task then fails, and returns the
    VMs that live and, in RV(failures), the reason of each that does not.
options:
  state:
    description:
      - V(present) creates what is missing, and leaves existing VMs in the state that they have.
      - V(running), V(poweredoff), V(suspended), V(stopped) and V(undeployed) bring VMs there from any state, through
        others if need be. A new VM always starts first.
      - V(held) creates VMs that wait to be released, and holds pending ones; other VMs cannot be held.
      - V(rebooted) reboots VMs that run and starts the others; it is a change on each run.
      - V(absent) terminates them.
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
      - Name or id of the VM template to create from. It counts at creation only.
      - Without it, a VM is created from scratch; O(cpu) and O(memory) are then needed.
    type: str
    aliases: [template_name, template_id]
  cpu:
    description:
      - Share of CPUs that it is given, such as V(0.5).
    type: float
  vcpu:
    description:
      - Number of CPUs that the guest sees.
      - A running VM gets more only up to C(VCPU_MAX) of its template; beyond that it has to be switched off.
    type: int
  memory:
    description:
      - Memory, in MB or as V(4 GB).
      - A running VM gets more only up to C(MEMORY_MAX) of its template; beyond that it has to be switched off.
    type: str
  disks:
    description:
      - Disks to have, each a dictionary of attributes of C(DISK), such as V(IMAGE) or V(TYPE) and V(SIZE) (MB, or
        V(20 GB)).
      - A disk is known by V(DISK_ID) or V(TARGET) if these are given, else by its image, else by its type.
      - Missing ones are attached, smaller ones grow. A new VM has them beside those of its template.
    type: list
    elements: dict
  purge_disks:
    description:
      - Detach the disks that O(disks) does not have.
    type: bool
    default: false
  disk_size:
    description:
      - Sizes of the first disks, such as V(20 GB), in their order.
    type: list
    elements: str
  networks:
    description:
      - NICs to have, each a dictionary of attributes of C(NIC), such as V(NETWORK) or V(NETWORK_ID).
      - A NIC is known by V(NIC_ID), V(NAME), V(IP), V(IP6) or V(MAC) if one of these is given, else by its network.
      - Missing ones are attached. V(SECURITY_GROUPS) (names or ids) and bandwidths change in place, so that a NIC keeps
        its address.
      - A new VM has these NICs in place of those of its template.
    type: list
    elements: dict
  nic_aliases:
    description:
      - NIC aliases to have, each a dictionary of attributes of C(NIC_ALIAS); V(PARENT) is the name of a NIC, such as
        V(NIC0).
    type: list
    elements: dict
  purge_networks:
    description:
      - Detach the NICs that O(networks) does not have, and the aliases that O(nic_aliases) does not have.
    type: bool
    default: false
  updateconf:
    description:
      - Sections of the configuration, C(OS) (with the boot order in C(BOOT)), C(FEATURES), C(INPUT), C(GRAPHICS),
        C(VIDEO), C(RAW), C(CPU_MODEL), C(CONTEXT) and C(BACKUP_CONFIG), each a dictionary.
      - They are merged member by member with what the VM has. All but C(CONTEXT) counts from the next start on.
      - Once they are set, C(PASSWORD) of C(CONTEXT) and values with V($) are not compared, since OpenNebula keeps other
        texts for them.
    type: dict
  context:
    description:
      - The same as C(CONTEXT) in O(updateconf).
      - OpenNebula replaces variables such as C($NAME) or C($NIC[IP]) in it. A C($) that begins none, as in C(${HOME}),
        is refused before anything is done; see O(start_script).
    type: dict
  start_script:
    description:
      - Script that the guest runs when it starts, with any V($) that it has. It is sent as C(START_SCRIPT_BASE64) of
        C(CONTEXT), in which OpenNebula replaces nothing.
    type: str
  user_inputs:
    description:
      - Values for the user inputs (C(USER_INPUTS)) of the VM template, by their names. They count at creation only.
      - Inputs that are not given get their initial value. The task fails, in check mode too, when a mandatory one has
        no value, or a value does not fit the type and the limits that the VM template says.
      - V(text64) inputs are given as plain text, which is encoded.
    type: dict
  vm_group:
    description:
      - VM group to be in, or V({}) for none. VMs that exist change it from OpenNebula 7.4 on.
    type: dict
    suboptions:
      group:
        description:
          - Name or id of the VM group.
        type: str
      role:
        description:
          - Its role.
        type: str
  attributes:
    description:
      - Attributes of the user template, such as C(SCHED_REQUIREMENTS). Only those that are given are compared.
      - Without O(name), O(id), O(instance_ids), O(template) and O(exact_count), the task is about all VMs that have
        these attributes, and O(labels); V(null) asks just for an attribute of that name.
    type: dict
  update_attributes:
    description:
      - Attributes of the user template, also where O(attributes) says which VMs the task is about.
    type: dict
  extra_template:
    description:
      - More attributes of new VMs, such as C(PCI), C(TOPOLOGY) or C(SCHED_ACTION). They count at creation only.
    type: dict
  datastore:
    description:
      - Name or id of the system datastore for new VMs, written as C(SCHED_DS_REQUIREMENTS).
    type: str
    aliases: [datastore_name, datastore_id]
  persistent:
    description:
      - Give new VMs private, persistent copies of the images, and with them a VM template called as the VM.
      - They stay when the VM is terminated, unless O(remove_images=true), and the next VM of that name has them again.
    type: bool
    default: false
  remove_images:
    description:
      - Remove, with VMs that are terminated, the private copies that were made by O(persistent), that is their VM
        template and its images. Other images stay.
    type: bool
    default: false
  vm_start_on_hold:
    description:
      - Create VMs that wait to be released.
    type: bool
    default: false
  exact_count:
    description:
      - How many VMs there are to be, of those whose names fit the pattern in O(name) and that have O(count_attributes)
        and O(count_labels).
      - Missing numbers are created, holes first. When there are too many, some are terminated, see O(remove).
    type: int
  count:
    description:
      - How many VMs to create. With a pattern in O(name), how many there are to be at least.
      - Without O(name), nothing tells whether they exist; each run creates them.
    type: int
  first_index:
    description:
      - The lowest number for the names of new VMs, where O(name) is a pattern. V(1) begins with C(web-01).
    type: int
    default: 0
  count_attributes:
    description:
      - Attributes that the VMs of the fleet have; new ones get them. V(null) asks just for an attribute of that name.
      - V(NAME) may be a pattern, as in O(name).
    type: dict
  count_labels:
    description:
      - Labels that the VMs of the fleet have; new ones get them.
    type: list
    elements: str
  remove:
    description:
      - Which VMs go first when there are too many. Locked ones never go.
      - By default V(highest_index) if names have numbers, else V(newest).
    type: str
    choices: [newest, oldest, highest_index, lowest_index]
  max_remove:
    description:
      - How many VMs may be removed; the task fails before it changes anything when it would take more.
      - Required where nothing is named that the VMs to remove have in common. These do name something - ids, a part of
        their names, a label, the value of an attribute.
    type: int
  replace_failed:
    description:
      - Terminate failed VMs of the fleet, and create others in their place.
    type: bool
    default: false
  parallel:
    description:
      - How many VMs are created, or changed, at a time.
    type: int
    default: 4
  allow_poweroff:
    description:
      - Switch running VMs off for changes that need it, and on again, once for all changes.
      - If V(false), the task fails instead, and says which changes these are.
    type: bool
    default: false
  hard:
    description:
      - Power off, reboot, undeploy and terminate without asking the guest.
    type: bool
    default: false
  disk_saveas:
    description:
      - Save a disk as a new image, if there is no image of that name.
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
      - Wait until the guest has reported C(READY=YES) through OneGate.
    type: bool
    default: false
  wait_network:
    description:
      - Wait until there is an address on the network of this name.
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
