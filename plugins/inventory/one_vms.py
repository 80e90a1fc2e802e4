# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: one_vms
short_description: The virtual machines of an OpenNebula cloud
version_added: 1.0.0
description:
  - Makes an inventory of the virtual machines that the user may see, one inventory host for each.
  - The name of the file ends with C(one_vms.yml), C(one_vms.yaml), C(opennebula.yml) or C(opennebula.yaml).
  - An option that does not exist is refused.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
extends_documentation_fragment:
  - privazio.opennebula.connection.plugin
  - privazio.opennebula.inventory
  - privazio.opennebula.inventory.authfile
  - privazio.opennebula.inventory.filters
  - constructed
  - inventory_cache
options:
  plugin:
    description:
      - The name of this plugin.
    type: str
    required: true
    choices: [privazio.opennebula.one_vms]
  states:
    description:
      - Which virtual machines to take, by their state. All but those that are V(done) if omitted.
      - V(changing) is everything on the way between two others, such as V(running) and V(poweredoff).
      - If one state of OpenNebula is enough for all of them, the server filters.
    type: list
    elements: str
    choices:
      - changing
      - cloning
      - done
      - failed
      - held
      - init
      - pending
      - poweredoff
      - running
      - stopped
      - suspended
      - undeployed
      - unknown
  owners:
    description:
      - Take only virtual machines of these users, by name or id.
      - If it is one id, or the name of O(api_username), the server filters.
    type: list
    elements: str
  search:
    description:
      - What the server is to search for, as C(onevm list --search) takes it. It needs a database that OpenNebula can
        search, MySQL or MariaDB.
    type: str
  page_size:
    description:
      - How many virtual machines to read in one call, 2 or more. So many are in memory at once, at some 15 kB each.
    type: int
    default: 1000
  address:
    description:
      - Where C(ansible_host) comes from. The words are tried in order, and the first address that one finds is taken.
      - V(first) is the first address of the first NIC that has one, V(ipv4) and V(ipv6) the first of their kind,
        V(alias) that of a NIC alias, V(external) the attribute C(EXTERNAL_IP) of a NIC, or the address of an external
        alias, V(guest) what the guest agent reported, where OpenNebula returns it with the pool.
      - Any other word is the name of a network, or a pattern for names, such as V(mgmt-*).
    type: list
    elements: str
    default: [first, guest]
  without_address:
    description:
      - Whether to keep or to drop virtual machines that have no such address. Those that are kept have no
        C(ansible_host), so Ansible takes the name.
    type: str
    choices: [keep, drop]
    default: keep
  port_attribute:
    description:
      - Attribute of the user template, or of the context, with the port for C(ansible_port).
    type: str
    default: SSH_PORT
  user_attribute:
    description:
      - Attribute of the user template, or of the context, with the name for C(ansible_user), such as V(USERNAME).
      - Who may change the virtual machine may change this too.
    type: str
  jump_host_attribute:
    description:
      - Attribute of the user template, or of the context, with the host to jump over, C([user@]host[:port]). It makes
        C(ansible_ssh_common_args).
      - Who may change the virtual machine may change this too.
    type: str
  connection:
    description:
      - Connection plugin for C(ansible_connection), such as V(privazio.opennebula.guest), which needs no address.
    type: str
  group_by:
    description:
      - What to group the virtual machines by. The groups are named C(state_NAME), C(label_NAME) and so on. The group of
        a label C(a/b) is below that of C(a).
      - A word in capitals is an attribute of the user template, V(ENVIRONMENT) makes groups such as
        C(environment_prod).
      - Characters that a group name cannot have become underscores.
      - The words are V(cluster), V(group), V(host), V(label), V(network), V(owner), V(role) and V(service) (of OneFlow;
        services by their id), V(server), V(state), V(template), V(vm_group) and V(zone).
    type: list
    elements: str
    default: [state, label]
notes:
  - The variables are C(one_id), C(one_name), C(one_state) (a word of O(states)), C(one_lcm_state) (OpenNebula's
    number), C(one_owner), C(one_owner_id), C(one_group), C(one_host), C(one_cluster), C(one_cluster_id),
    C(one_template), C(one_template_id), C(one_cpu) (cores), C(one_vcpu), C(one_memory) and C(one_disk_size) (MiB),
    C(one_nics), C(one_ips), C(one_networks), C(one_labels), C(one_vm_group), C(one_vm_group_id), C(one_vm_group_role),
    C(one_service_id) and C(one_role) (of OneFlow), C(one_server) and C(one_zone) (where several are read),
    C(one_attributes), the user template, and C(one_context), the context apart from NICs, disks and scripts, both
    with passwords masked.
  - An item of C(one_nics) has what there is of C(nic_id), C(name), C(network), C(network_id), C(mac), C(ip), C(ip6),
    C(ip6_global), C(ip6_ula), C(external_ip), and of an alias C(alias), C(parent) and C(external).
  - Names of clusters, templates and VM groups that the user may not see are not set.
seealso:
  - ref: ansible_collections.privazio.opennebula.docsite.inventory
    description: The guide to the inventories.
"""

EXAMPLES = r"""
# cloud.one_vms.yml; the endpoint and the user come from ONE_URL, ONE_USERNAME and ONE_PASSWORD
plugin: privazio.opennebula.one_vms
states: [running]
group_by: [label, network]
keyed_groups:
  - key: one_attributes.ROLE | default('none')
    prefix: role
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /tmp/one_inventory

---
# Connect to the address in the management network, as the user that the context names
plugin: privazio.opennebula.one_vms
address: [mgmt-*, ipv6]
without_address: drop
user_attribute: USERNAME
hostname: name-id

---
# Read all zones of a federation, with few variables
plugin: privazio.opennebula.one_vms
zones: [all]
facts: [minimal, one_host]
group_by: [zone, ENVIRONMENT]
filters:
  - exclude: one_attributes.MAINTENANCE | default('NO') == 'YES'
"""

from ..plugin_utils import inventory
from ..plugin_utils.inventory_vms import FACTS, MINIMAL, asked_owner, asked_state

GROUPS = {
    "cluster": "one_cluster",
    "group": "one_group",
    "host": "one_host",
    "label": "one_labels",
    "network": "one_networks",
    "owner": "one_owner",
    "role": "one_role",
    "server": "one_server",
    "service": "one_service_id",
    "state": "one_state",
    "template": "one_template",
    "vm_group": "one_vm_group",
    "zone": "one_zone",
}
FILTERS = {
    **inventory.FILTERS,
    "owners": lambda facts, wanted: facts["one_owner"] in wanted or str(facts["one_owner_id"]) in wanted,
    "without_address": lambda facts, what: what == "keep" or facts["ansible_host"] is not None,
}


class InventoryModule(inventory.OneInventory):
    """The VM pool (one.vmpool.infoextended, OpenNebula 5.8.1)."""

    NAME = "privazio.opennebula.one_vms"
    SUFFIX = "one_vms"
    FACTS = FACTS
    MINIMAL = MINIMAL
    GROUPS = GROUPS
    FILTERS = FILTERS

    def items(self, source):
        arguments = {"filter": self.options["search"]} if self.options["search"] else {}
        return source.pool(
            "vmpool",
            extended=True,
            page=self.options["page_size"],
            state=asked_state(self.options["states"]),
            filter_flag=asked_owner(self.options["owners"], source.options["api_username"]),
            **arguments,
        )
