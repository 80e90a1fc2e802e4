# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: one_hosts
short_description: The hosts of an OpenNebula cloud
version_added: 1.0.0
description:
  - Makes an inventory of the hosts that run virtual machines, one inventory host for each.
  - The name of the file ends with C(one_hosts.yml), C(one_hosts.yaml), C(opennebula.yml) or C(opennebula.yaml).
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
    choices: [privazio.opennebula.one_hosts]
  states:
    description:
      - Which hosts to take, by their state. All if omitted.
    type: list
    elements: str
    choices: [disabled, error, init, monitored, offline]
  group_by:
    description:
      - What to group the hosts by. The groups are named C(cluster_NAME), C(state_NAME) and so on. The group of a label
        C(a/b) is below that of C(a).
      - A word in capitals is an attribute of the template, V(RACK) makes groups such as C(rack_12).
      - Characters that a group name cannot have become underscores.
      - The words are V(cluster), V(im_mad), V(label), V(server), V(state), V(vm_mad) and V(zone).
    type: list
    elements: str
    default: [cluster, state]
notes:
  - The variables are C(one_id), C(one_name), C(one_state) (a word of O(states)), C(one_cluster), C(one_cluster_id),
    C(one_im_mad), C(one_vm_mad), C(one_vms) (ids), C(one_running_vms) (their number), C(one_labels),
    C(one_cpu) (hundredths of a core) and C(one_memory) (KiB), both with C(total), C(allocatable) and C(allocated),
    C(one_datastores) (local storage, with C(id), and C(total), C(used) and C(free) in MiB), C(one_server) and
    C(one_zone) (where several are read), and C(one_attributes), the template of the host with passwords masked.
seealso:
  - ref: ansible_collections.privazio.opennebula.docsite.inventory
    description: The guide to the inventories.
"""

EXAMPLES = r"""
# cloud.one_hosts.yml; the endpoint and the user come from ONE_URL, ONE_USERNAME and ONE_PASSWORD
plugin: privazio.opennebula.one_hosts
group_by: [cluster, label]
compose:
  ansible_user: "'root'"
groups:
  crowded: one_cpu.allocated > one_cpu.allocatable * 0.9

---
# Read two clouds at once, and go on if one does not answer
plugin: privazio.opennebula.one_hosts
servers:
  - name: east
    api_url: https://one-east.example.org:2633/RPC2
  - name: west
    api_url: https://one-west.example.org:2633/RPC2
    ca_path: /etc/ssl/one-west.pem
on_server_error: warn
group_by: [server, RACK]
"""

from ..module_utils._kinds.host import STATES
from ..plugin_utils.inventory import OneInventory
from ..plugin_utils.inventory_facts import attributes, labels, secrets_in, template

SHARE = {"total": "TOTAL_%s", "allocatable": "MAX_%s", "allocated": "%s_USAGE"}
DATASTORE = {"id": "ID", "total": "TOTAL_MB", "used": "USED_MB", "free": "FREE_MB"}


def capacity(resource):
    """Fact: how much of a resource (CPU, MEM) a host has, and how much of it VMs have been given."""

    def read(facts):
        share = facts.item.HOST_SHARE
        found = {name: getattr(share, field % resource, None) for name, field in SHARE.items()}
        return {name: value for name, value in found.items() if value is not None}

    return read


def datastores(facts):
    """The local storage of the datastores that a host uses: id, and total, used and free in MB."""
    share = facts.item.HOST_SHARE
    found = share.DATASTORES.DS if share is not None and share.DATASTORES is not None else []
    return [{name: getattr(each, member, None) for name, member in DATASTORE.items()} for each in found]


FACTS = {
    "_attributes": template("TEMPLATE"),
    "_secrets": secrets_in("_attributes"),
    "one_id": lambda facts: facts.item.ID,
    "one_name": lambda facts: facts.item.NAME,
    "one_state": lambda facts: STATES.get(facts.item.STATE, str(facts.item.STATE)),
    "one_cluster": lambda facts: facts.item.CLUSTER,
    "one_cluster_id": lambda facts: facts.item.CLUSTER_ID,
    "one_im_mad": lambda facts: facts.item.IM_MAD,
    "one_vm_mad": lambda facts: facts.item.VM_MAD,
    "one_vms": lambda facts: list(facts.item.VMS.ID) if facts.item.VMS is not None else [],
    "one_running_vms": lambda facts: getattr(facts.item.HOST_SHARE, "RUNNING_VMS", None),
    "one_labels": lambda facts: labels(facts["_attributes"].get("LABELS")),
    "one_cpu": capacity("CPU"),
    "one_memory": capacity("MEM"),
    "one_datastores": datastores,
    "one_attributes": attributes,
    "one_server": lambda facts: facts.source.server,
    "one_zone": lambda facts: facts.source.zone,
}

GROUPS = {
    "cluster": "one_cluster",
    "im_mad": "one_im_mad",
    "label": "one_labels",
    "server": "one_server",
    "state": "one_state",
    "vm_mad": "one_vm_mad",
    "zone": "one_zone",
}


class InventoryModule(OneInventory):
    """The host pool (one.hostpool.info)."""

    NAME = "privazio.opennebula.one_hosts"
    SUFFIX = "one_hosts"
    FACTS = FACTS
    MINIMAL = ("one_id", "one_state")
    GROUPS = GROUPS

    def items(self, source):
        return source.pool("hostpool")
