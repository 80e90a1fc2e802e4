# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that modules share, beside the connection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying the cloud.
  diff_mode:
    support: full
    description: Returns what changes, also in check mode, when in diff mode.
"""

    ATTRIBUTES_INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Never changes the cloud.
  diff_mode:
    support: N/A
    description: Never changes the cloud.
"""

    ACTIONGROUP_ONE = r"""
options: {}
attributes:
  action_group:
    support: full
    membership:
      - privazio.opennebula.one
    description: Use C(group/privazio.opennebula.one) in C(module_defaults) to set the connection once for all modules.
"""

    WAIT = r"""
options:
  wait:
    description:
      - Whether to wait until OpenNebula has carried the change out, and to fail when it fails.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait, in seconds, from V(0).
    type: int
    default: 300
"""

    IDENTITY = r"""
options:
  id:
    description:
      - Id of the object. With O(name) beside it, the object is renamed.
      - At least one of O(id) and O(name) is required.
    type: int
  name:
    description:
      - Name of the object. A name that several objects have fails the task; give the O(id) then.
    type: str
"""

    VM = r"""
options:
  id:
    description:
      - Id of the virtual machine. It takes precedence over O(name); one of them is required.
    type: int
  name:
    description:
      - Name of the virtual machine. A name that several have fails the task; give the O(id) then.
    type: str
"""

    POWER = r"""
options:
  allow_poweroff:
    description:
      - Whether a virtual machine that runs may be switched off and on again, for what works only with the power off.
    type: bool
    default: false
  hard:
    description:
      - Whether it is switched off without asking the guest.
    type: bool
    default: false
"""

    OWNERSHIP = r"""
options:
  owner:
    description:
      - Name or id of the user that the object belongs to. Only administrators may give objects away.
    type: str
    aliases: [owner_id]
  group:
    description:
      - Name or id of the group that the object belongs to.
    type: str
    aliases: [group_id]
  mode:
    description:
      - Permissions as three octal digits for owner, group and others; use is 4, manage 2, admin 1.
      - Quote it, as in V("640"); YAML reads V(0640) as another number.
    type: str
"""

    LOCK = r"""
options:
  lock:
    description:
      - Operations that are locked for all users, until it is set to V(none).
      - V(admin) forbids administration such as changing the owner, V(manage) also changes, V(use) also its use.
      - A locked object is unlocked before the other changes of the same task, and locked after them.
    type: str
    choices: [none, use, manage, admin]
"""

    LABELS = r"""
options:
  labels:
    description:
      - Labels of the object, which is its attribute C(LABELS); V([]) with O(labels_mode=exact) takes all away.
    type: list
    elements: str
  labels_mode:
    description:
      - V(exact) leaves just O(labels), V(add) adds them to those there are, V(remove) takes them away.
    type: str
    choices: [exact, add, remove]
    default: exact
"""

    COPY = r"""
options:
  clone_of:
    description:
      - Name or id of the object that a new one is a copy of; the other options change the copy.
      - An existing object is left as it is, whatever it was made from.
    type: str
"""

    QUOTAS = r"""
options:
  quotas:
    description:
      - Limits, by what they limit. Only the limits that are given are compared.
      - C(vm) limits all virtual machines together, by C(vms), C(cpu), C(memory) (MB), C(system_disk_size) (MB),
        C(pci_dev), C(pci_nic) and, for those that run, C(running_vms), C(running_cpu), C(running_memory),
        C(running_pci_dev), C(running_pci_nic).
      - C(generic) limits attributes of virtual machines that C(QUOTA_VM_ATTRIBUTE) in C(oned.conf) names.
      - C(cluster) limits the virtual machines in a cluster, or in several whose names or ids are joined by commas, by
        what C(vm) and C(generic) have.
      - C(datastore) limits C(size) (MB) and C(images), C(network) limits C(leases), C(image) limits C(rvms), the
        virtual machines that use it; each by name or id of the object.
      - A limit is a number, V(default) for the default quotas, or V(unlimited). Sizes and memory may have a unit, such
        as V(64 GB).
    type: dict
  purge_quotas:
    description:
      - Whether limits that O(quotas) does not name are taken away.
    type: bool
    default: false
"""

    UNOWNED = r"""
options:
  ids:
    description:
      - Only the objects with these ids; ids that no object has are ignored. One call each.
    type: list
    elements: int
    aliases: [id]
  name:
    description:
      - Only objects of this name.
      - V(~web) is a regular expression that the beginning of a name has to match, V(~*web) one that ignores case.
    type: str
  labels:
    description:
      - Only objects that have all these labels.
    type: list
    elements: str
"""

    SELECTION = r"""
options:
  ids:
    description:
      - Only the objects with these ids; ids that no object has are ignored. One call each.
    type: list
    elements: int
    aliases: [id]
  name:
    description:
      - Only objects of this name.
      - V(~web) is a regular expression that the beginning of a name has to match, V(~*web) one that ignores case.
    type: str
  labels:
    description:
      - Only objects that have all these labels.
    type: list
    elements: str
  owner:
    description:
      - Only objects of the user with this name or id.
    type: str
  group:
    description:
      - Only objects of the group with this name or id.
    type: str
"""

    TEMPLATE = r"""
options:
  template:
    description:
      - Attributes of the object's template, as a dictionary, or as text in OpenNebula's syntax.
      - Names are not case-sensitive. A vector is a dictionary, a repeated attribute a list of these.
      - Only the attributes that are given are compared; an empty list removes an attribute.
      - A list of texts inside a vector, and C(LABELS) as a list, are stored as text with commas. Empty vectors and null
        are left out.
      - An attribute for which there is an option is taken as that option, unless the option is given too.
    type: raw
  template_mode:
    description:
      - V(merge) leaves the other attributes of the template alone.
      - V(replace) removes them, but for those that OpenNebula keeps for itself.
    type: str
    choices: [merge, replace]
    default: merge
"""

    ROLES = r"""
options:
  roles:
    description:
      - Roles, matched by their names. Of a role that exists, only what is given here is compared and changed.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the role; letters, digits and underscores.
        type: str
        required: true
      type:
        description:
          - V(vm) for VMs, V(vr) for those of a virtual router. A new role has VMs if omitted.
        type: str
        choices: [vm, vr]
      template:
        description:
          - Name or id of the VM template. Needed for a new role.
        type: str
        aliases: [template_id]
      cardinality:
        description:
          - Number of VMs.
        type: int
      parents:
        description:
          - Names of the roles that must run before this one is deployed, with the deployment V(straight).
        type: list
        elements: str
      networks:
        description:
          - Names of networks of the service that the VMs get an interface in, in this order.
        type: list
        elements: str
      vm_group:
        description:
          - VM group that the VMs belong to.
        type: dict
        suboptions:
          name:
            description: Name or id of the VM group.
            type: str
          role:
            description: Role of the VM group.
            type: str
      template_contents:
        description:
          - Attributes that are laid over the VM template, such as C(MEMORY). Sizes may have a unit, such as V(2 GB).
        type: dict
      user_inputs:
        description:
          - User inputs of the role, each as OneFlow declares it, such as V(M|text|Name of the database).
        type: dict
      user_inputs_values:
        description:
          - Values of user inputs for the VMs of the role.
        type: dict
      on_hold:
        description:
          - Whether the VMs are created on hold.
        type: bool
      min_vms:
        description:
          - Smallest number of VMs that elasticity reaches.
        type: int
      max_vms:
        description:
          - Largest number of VMs that elasticity reaches.
        type: int
      cooldown:
        description:
          - How long the service rests after the role was scaled, in seconds. OneFlow's configuration counts if omitted,
            five minutes as it is shipped.
        type: int
      shutdown_action:
        description:
          - How the VMs end.
        type: str
        choices: [terminate, terminate-hard, shutdown, shutdown-hard]
      elasticity_policies:
        description:
          - When the number of VMs follows their load. All policies of the role are given.
        type: list
        elements: dict
        suboptions:
          type:
            description: What O(roles[].elasticity_policies[].adjust) means.
            type: str
            choices: [CHANGE, CARDINALITY, PERCENTAGE_CHANGE]
            required: true
          adjust:
            description: Number of VMs to add (negative to remove), to have, or percent to add.
            type: int
            required: true
          min_adjust_step:
            description: At least so many VMs are added or removed with V(PERCENTAGE_CHANGE).
            type: int
          expression:
            description: Condition on attributes of the VMs, such as V(CPU > 60).
            type: str
            required: true
          period_number:
            description: In how many periods one after the other the condition must hold.
            type: int
          period:
            description: Length of a period in seconds.
            type: int
          cooldown:
            description: How long the service rests afterwards, in seconds.
            type: int
      scheduled_policies:
        description:
          - When the number of VMs changes by the clock. All policies of the role are given.
        type: list
        elements: dict
        suboptions:
          type:
            description: What O(roles[].scheduled_policies[].adjust) means.
            type: str
            choices: [CHANGE, CARDINALITY, PERCENTAGE_CHANGE]
            required: true
          adjust:
            description: Number of VMs to add (negative to remove), to have, or percent to add.
            type: int
            required: true
          min_adjust_step:
            description: At least so many VMs are added or removed with V(PERCENTAGE_CHANGE).
            type: int
          start_time:
            description: When, once, such as V(2031-01-01 10:00:00).
            type: str
          recurrence:
            description: When, again and again, as a cron expression such as V(0 9 * * mon).
            type: str
  purge_roles:
    description:
      - Whether roles that O(roles) does not name are removed.
    type: bool
    default: false
"""
