#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vnet
short_description: Manage OpenNebula virtual networks
version_added: 1.0.0
description:
  - Creates, changes, renames and removes virtual networks, their address ranges and the clusters that they are in.
  - Options that are omitted are left as they are. A second run changes nothing.
  - The task waits until the network is ready, and fails with the reason that OpenNebula gives when the network fails.
options:
  state:
    description:
      - Whether the network should exist. OpenNebula refuses to remove one with leases in use; leases on hold are
        released.
    type: str
    choices: [present, absent]
    default: present
  vntemplate:
    description:
      - Name or id of the virtual network template to create a new network from. Other options are added to it.
      - Ignored for an existing network.
    type: str
  reserved_from:
    description:
      - Name or id of the network to reserve addresses from, which makes this one a reservation.
      - It cannot be changed later.
    type: str
    aliases: [parent_network]
  size:
    description:
      - How many addresses the reservation has; required to create one.
      - A larger number reserves more addresses, where O(ar_id) and O(first_address) say. To return addresses, remove
        their address range.
    type: int
  ar_id:
    description:
      - Number of the address range in O(reserved_from) to take addresses from.
    type: int
  first_address:
    description:
      - First IP or MAC address to reserve. An existing reservation that has it is left as it is, unless O(size) is
        larger; one that does not have it gets it and the addresses that follow, until it has O(size) in all.
    type: str
  vn_mad:
    description:
      - Network driver, such as V(bridge), V(802.1Q), V(vxlan), V(ovswitch) or V(dummy).
      - Required to create a network, unless it is created from O(vntemplate) or O(reserved_from).
    type: str
  bridge:
    description:
      - Name of the bridge on the hosts.
    type: str
  phydev:
    description:
      - Network device of the hosts that the bridge is attached to.
    type: str
  vlan_id:
    description:
      - Number of the VLAN.
      - To let OpenNebula choose a number, set C(AUTOMATIC_VLAN_ID) in O(template) of a new network.
    type: str
  outer_vlan_id:
    description:
      - Number of the outer VLAN.
    type: str
  clusters:
    description:
      - Names or ids of the clusters that the network belongs to.
      - A new network belongs to the default cluster when this is omitted.
    type: list
    elements: str
  purge_clusters:
    description:
      - Whether to remove the network from clusters that are not in O(clusters).
    type: bool
    default: false
  security_groups:
    description:
      - Names or ids of the security groups of the network. Other groups are removed from it.
      - A new network has the group V(default) when this is omitted.
    type: list
    elements: str
  address_ranges:
    description:
      - Address ranges, each with the attributes of C(AR) in OpenNebula, such as C(type), C(size), C(ip) and C(mac).
      - An existing range is identified by the first of C(ar_id), C(ip), C(ip6), C(mac) that is given, else by type and
        size.
      - C(type), C(ip), C(ip6), C(mac) and the prefixes of a range cannot be changed.
      - C(security_groups) are names or ids, as a list or a text with commas.
      - Ranges in O(template) are ignored for an existing network.
    type: list
    elements: dict
    aliases: [ars]
  purge_address_ranges:
    description:
      - Whether to remove ranges that are not in O(address_ranges).
    type: bool
    default: false
  held:
    description:
      - IP or MAC addresses to put on hold, so that no virtual machine gets them.
    type: list
    elements: str
  purge_held:
    description:
      - Whether to release addresses on hold that are not in O(held).
    type: bool
    default: false
  recover:
    description:
      - How to recover a network from a state that it does not leave by itself. Ignored in other states, and for a new
        network.
      - V(success) assumes that the driver has succeeded, V(failure) that it has failed.
      - V(retry) repeats an update of virtual machines that has failed.
    type: str
    choices: [success, failure, retry]
  force:
    description:
      - Whether O(state=absent) also removes a network whose driver has failed or has not answered.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.lock
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vnet_info
  - module: privazio.opennebula.one_vntemplate
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a network with an address range
  privazio.opennebula.one_vnet:
    name: private
    vn_mad: "{{ one_vn_mad | default('bridge') }}"
    bridge: br0
    address_ranges:
      - type: IP4
        ip: 10.0.0.10
        size: 100
    template:
      NETWORK_MASK: 255.255.255.0
      GATEWAY: 10.0.0.1
      DNS: 10.0.0.1

- name: Resize the address range
  privazio.opennebula.one_vnet:
    name: private
    address_ranges:
      - ip: 10.0.0.10
        size: 200

- name: Hold two addresses for machines outside the cloud
  privazio.opennebula.one_vnet:
    name: private
    held: [10.0.0.10, 10.0.0.11]

- name: Reserve addresses for a team
  privazio.opennebula.one_vnet:
    name: private-team
    reserved_from: private
    size: 16
    group: users

- name: Reserve single addresses for one network, each where it is wanted
  privazio.opennebula.one_vnet:
    name: team-extra
    reserved_from: private
    ar_id: 0
    first_address: "{{ item.first }}"
    size: "{{ item.size }}"
  loop:
    - {first: 10.0.0.100, size: 1}
    - {first: 10.0.0.120, size: 2}

- name: Create a network template
  privazio.opennebula.one_vntemplate:
    name: lab
    template:
      VN_MAD: "{{ one_vn_mad | default('bridge') }}"
      BRIDGE: br1

- name: Create a network from the template
  privazio.opennebula.one_vnet:
    name: lab-1
    vntemplate: lab
    address_ranges:
      - {type: IP4, ip: 10.1.0.10, size: 50}

- name: Remove the networks, the reservations first
  privazio.opennebula.one_vnet:
    name: "{{ item }}"
    state: absent
  loop: [lab-1, private-team, team-extra, private]
"""

RETURN = r"""
id:
  description: Id of the network; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the network.
  type: str
  returned: success
  sample: private
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
permissions:
  description: Permissions one by one, each V(0) or V(1).
  type: dict
  returned: success
  sample: {"owner_u": 1, "owner_m": 1, "owner_a": 0, "group_u": 1, "group_m": 0, "group_a": 0, "other_u": 0}
vnet_state:
  description:
    - State of the network.
    - One of V(init), V(ready), V(lock_create), V(lock_delete), V(done), V(error), V(update_failure).
  type: str
  returned: success
  sample: ready
vn_mad:
  description: Network driver.
  type: str
  returned: success
  sample: bridge
bridge:
  description: Name of the bridge.
  type: str
  returned: success
  sample: br0
phydev:
  description: Network device of the hosts; empty when there is none.
  type: str
  returned: success
  sample: eth0
vlan_id:
  description: Number of the VLAN; empty when there is none.
  type: str
  returned: success
  sample: "100"
outer_vlan_id:
  description: Number of the outer VLAN; empty when there is none.
  type: str
  returned: success
  sample: ""
bridge_type:
  description: Type of the bridge.
  type: str
  returned: success
  sample: linux
bride_type:
  description:
    - The same as RV(bridge_type), misspelt as in C(community.general). It is deprecated.
  type: str
  returned: success
  sample: linux
clusters:
  description: The same as RV(cluster_ids).
  type: list
  elements: int
  returned: success
  sample: [0]
cluster_ids:
  description: Ids of the clusters that the network belongs to.
  type: list
  elements: int
  returned: success
  sample: [0]
security_groups:
  description: Ids of the security groups of the network.
  type: list
  elements: int
  returned: success
  sample: [0]
vrouters:
  description: Ids of the virtual routers with a floating address in the network.
  type: list
  elements: int
  returned: success
  sample: []
reserved_from:
  description: Id of the network that the addresses are reserved from; V(null) when the network is not a reservation.
  type: int
  returned: success
  sample: 0
parent_network_id:
  description: The same as RV(reserved_from).
  type: int
  returned: success
  sample: 0
size:
  description: How many addresses the ranges have.
  type: int
  returned: success
  sample: 100
held:
  description: Leases on hold, each with its addresses.
  type: list
  elements: dict
  returned: success
  sample: [{"ip": "10.0.0.10", "mac": "02:00:0a:00:00:0a"}]
used_leases:
  description: How many addresses are in use.
  type: int
  returned: success
  sample: 3
address_ranges:
  description: Address ranges of the network.
  type: list
  elements: dict
  returned: success
  sample: [{"AR_ID": "0", "TYPE": "IP4", "IP": "10.0.0.10", "MAC": "02:00:0a:00:00:0a", "SIZE": "100"}]
ar_pool:
  description:
    - The address ranges with the keys of C(community.general); V(null) for what a range does not have.
    - C(allocated) is returned only when nothing was changed.
  type: list
  elements: dict
  returned: success
  sample: [{"ar_id": "0", "type": "IP4", "ip": "10.0.0.10", "mac": "02:00:0a:00:00:0a", "size": 100}]
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DNS": "10.0.0.1", "GATEWAY": "10.0.0.1"}
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
lock:
  description: Lock of the network, as in O(lock).
  type: str
  returned: success
  sample: none
labels:
  description: Labels of the network.
  type: list
  elements: str
  returned: success
  sample: [production]
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
    LOCK,
    OWNERSHIP,
    TEMPLATE,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vnet import FIELDS, VNET
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent"),
    **{option: {"type": "str"} for option in FIELDS},
    clusters={"type": "list", "elements": "str"},
    purge_clusters={"type": "bool", "default": False},
    security_groups={"type": "list", "elements": "str"},
    address_ranges={"type": "list", "elements": "dict", "aliases": ["ars"]},
    purge_address_ranges={"type": "bool", "default": False},
    held={"type": "list", "elements": "str"},
    purge_held={"type": "bool", "default": False},
    vntemplate={"type": "str"},
    reserved_from={"type": "str", "aliases": ["parent_network"]},
    size={"type": "int"},
    ar_id={"type": "int"},
    first_address={"type": "str"},
    recover={"type": "str", "choices": ["success", "failure", "retry"]},
    force={"type": "bool", "default": False},
)
RULES = {
    "required_one_of": [("id", "name")],
    "mutually_exclusive": [("vntemplate", "reserved_from")],
    "required_by": {"size": ["reserved_from"], "ar_id": ["reserved_from"], "first_address": ["ar_id"]},
}


def work(module):
    module.ensure(VNET)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
