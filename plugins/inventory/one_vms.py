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
  - It is named as the virtual machine. When several have one name, C(-ID) is appended to each.
  - The name of the file ends with C(one_vms.yml), C(one_vms.yaml), C(opennebula.yml) or C(opennebula.yaml).
author:
  - Contributors to the privazio.opennebula collection (@privazio)
extends_documentation_fragment:
  - privazio.opennebula.connection.plugin
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
  group_by:
    description:
      - What to group the virtual machines by. The groups are named C(state_NAME), C(label_NAME) and so on.
      - Characters that a group name cannot have become underscores.
    type: list
    elements: str
    choices: [cluster, group, host, label, network, owner, state, template]
    default: [state, label]
notes:
  - The variables are C(one_id), C(one_name), C(one_state) (a word of O(states)), C(one_lcm_state) (OpenNebula's
    number), C(one_owner), C(one_group), C(one_host), C(one_cluster), C(one_cluster_id), C(one_template),
    C(one_template_id), C(one_cpu) (cores), C(one_memory) (MiB), C(one_nics) (dictionaries), C(one_ips),
    C(one_networks), C(one_labels), and C(one_attributes), the user template with passwords covered.
  - C(ansible_host) is the first address of the first NIC that has one, C(ansible_port) the attribute C(SSH_PORT).
    What is unknown is left out, so Ansible takes the name, and port 22.
  - Names of clusters and templates that the user may not see are null.
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
"""

from ..module_utils._core.values import canonical, masked
from ..module_utils._vm.states import status
from ..plugin_utils.inventory import OneInventory, labels

PAGE = 1000  # VMs in one answer, some 5 MB
# The states to ask one.vmpool.infoextended for.
ANY = -2
ALIVE = -1
DONE = 6
# Where a NIC keeps what others can reach it by; not the link-local IP6_LINK.
ADDRESSES = ("IP", "IP6", "IP6_GLOBAL", "IP6_ULA")
FACTS = ("NIC_ID", "NAME", "NETWORK", "NETWORK_ID", "MAC", "PARENT") + ADDRESSES
LAST_PORT = 65535


class InventoryModule(OneInventory):
    """The VM pool (one.vmpool.infoextended, OpenNebula 5.8.1)."""

    NAME = "privazio.opennebula.one_vms"
    SUFFIX = "one_vms"
    FILTERS = ("states",)

    def records(self, cloud):
        states = self.get_option("states")
        vms = [vm for vm in pool(cloud, wanted(states)) if states is None or status(vm) in states]
        clusters, templates = names(cloud, "cluster"), names(cloud, "template")
        return [record(vm, clusters, templates) for vm in vms]


def wanted(states):
    """The narrowest state to ask the server for, since it takes only one (list of words or None → int)."""
    if states is None or "done" not in states:
        return ALIVE
    return DONE if set(states) == {"done"} else ANY


def pool(cloud, state):
    """All VMs in `state`, by id. Pages overlap when VMs come while they are read; each VM counts once."""
    found, offset = {}, 0
    while True:
        page = cloud.call("list the VMs", "vmpool.infoextended", -2, offset, -PAGE, state).VM
        found.update((vm.ID, vm) for vm in page)
        if len(page) < PAGE:
            return [found[oid] for oid in sorted(found)]
        offset += PAGE


def names(cloud, kind):
    """id → name of the objects of a kind that the user may see."""
    return {item.ID: item.NAME for item in cloud.pool(kind)}


def record(vm, clusters, templates):
    """The variables of a VM of the pool, as a dictionary; `clusters` and `templates` are id → name."""
    template, attributes = vm.TEMPLATE or {}, canonical(vm.USER_TEMPLATE or {})
    history = vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS is not None else []
    cluster_id = history[-1].CID if history else None
    template_id = number(template.get("TEMPLATE_ID"))
    cards = nics(template)
    return {
        "one_id": vm.ID,
        "one_name": vm.NAME,
        "one_state": status(vm),
        "one_lcm_state": vm.LCM_STATE,
        "one_owner": vm.UNAME,
        "one_group": vm.GNAME,
        "one_host": history[-1].HOSTNAME if history else None,
        "one_cluster": clusters.get(cluster_id),
        "one_cluster_id": cluster_id,
        "one_template": templates.get(template_id),
        "one_template_id": template_id,
        "one_cpu": template.get("CPU"),
        "one_memory": number(template.get("MEMORY")),
        "one_nics": cards,
        "one_ips": addresses(cards),
        "one_networks": sorted({card["network"] for card in cards} - {None}),
        "one_labels": labels(attributes),
        "one_attributes": masked(attributes),
        **access(cards, attributes),
    }


def nics(template):
    """The NICs of a VM's template, its network PCI devices and aliases included: facts by lower-case name, or None."""
    devices = [device for device in template.get("PCI", []) if device.get("TYPE") == "NIC"]
    cards = template.get("NIC", []) + devices
    cards.sort(key=lambda card: number(card.get("NIC_ID")) or 0)
    return [{fact.lower(): card.get(fact) for fact in FACTS} for card in cards + template.get("NIC_ALIAS", [])]


def addresses(cards):
    """The addresses of the NICs, in their order; IPv4 first within each."""
    return [card[kind.lower()] for card in cards for kind in ADDRESSES if card[kind.lower()]]


def access(cards, attributes):
    """How Ansible reaches a VM; what is unknown is left out."""
    found, port = {}, number(attributes.get("SSH_PORT"))
    reachable = addresses(cards)
    if reachable:
        found["ansible_host"] = reachable[0]
    if port is not None and 0 < port <= LAST_PORT:
        found["ansible_port"] = port
    return found


def number(text):
    """The whole number that a text is; None when it is none."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else None
