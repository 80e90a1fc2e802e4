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
  - Creates, changes, renames and removes virtual networks, their address ranges and the clusters they belong to.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
  - The task ends when the network is ready, and fails with OpenNebula's own reason when the network fails.
options:
  state:
    description:
      - Whether the network is to be there. OpenNebula refuses to remove one with leases in use.
    type: str
    choices: [present, absent]
    default: present
  vn_mad:
    description:
      - Network driver, such as V(bridge), V(802.1Q), V(vxlan), V(ovswitch) or V(dummy).
      - OpenNebula needs it to create a network.
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
      - For a number that OpenNebula chooses give C(AUTOMATIC_VLAN_ID) in O(template) of a new network.
    type: str
  outer_vlan_id:
    description:
      - Number of the outer VLAN.
    type: str
  clusters:
    description:
      - Names or ids of the clusters that the network belongs to.
      - A new network goes to the default cluster when this is omitted.
    type: list
    elements: str
  purge_clusters:
    description:
      - Whether the network leaves clusters that O(clusters) does not name.
    type: bool
    default: false
  security_groups:
    description:
      - Names or ids of the security groups of the network, these and no others.
      - A new network has the group V(default) when this is omitted.
    type: list
    elements: str
  address_ranges:
    description:
      - Address ranges, each with the attributes of C(AR) in OpenNebula, such as C(type), C(size), C(ip) and C(mac).
      - A range is recognised by the first of C(ar_id), C(ip), C(ip6), C(mac) that is given, else by type and size.
      - Ranges in O(template) count only when the network is created.
    type: list
    elements: dict
    aliases: [ars]
  purge_address_ranges:
    description:
      - Whether ranges that O(address_ranges) does not name are removed.
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
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Have a network with an address range
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

- name: Make the range larger
  privazio.opennebula.one_vnet:
    name: private
    address_ranges:
      - ip: 10.0.0.10
        size: 200

- name: Remove it
  privazio.opennebula.one_vnet:
    name: private
    state: absent
"""

RETURN = r"""
id:
  description: Id of the network; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the network.
  type: str
  returned: success
  sample: private
user_id:
  description: Id of its owner.
  type: int
  returned: success
  sample: 0
user_name:
  description: Name of its owner.
  type: str
  returned: success
  sample: oneadmin
group_id:
  description: Id of its group.
  type: int
  returned: success
  sample: 0
group_name:
  description: Name of its group.
  type: str
  returned: success
  sample: oneadmin
vnet_state:
  description:
    - State that OpenNebula reports.
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
cluster_ids:
  description: Ids of its clusters.
  type: list
  elements: int
  returned: success
  sample: [0]
security_groups:
  description: Ids of its security groups.
  type: list
  elements: int
  returned: success
  sample: [0]
used_leases:
  description: How many of its addresses are in use.
  type: int
  returned: success
  sample: 3
address_ranges:
  description: Its address ranges.
  type: list
  elements: dict
  returned: success
  sample: [{"AR_ID": "0", "TYPE": "IP4", "IP": "10.0.0.10", "MAC": "02:00:0a:00:00:0a", "SIZE": "100"}]
template:
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DNS": "10.0.0.1", "GATEWAY": "10.0.0.1"}
owner:
  description: Name of its owner, as in O(owner).
  type: str
  returned: success
  sample: oneadmin
group:
  description: Name of its group, as in O(group).
  type: str
  returned: success
  sample: oneadmin
mode:
  description: Its permissions as three octal digits, as in O(mode).
  type: str
  returned: success
  sample: "600"
lock:
  description: What is locked, as in O(lock).
  type: str
  returned: success
  sample: none
labels:
  description: Its labels.
  type: list
  elements: str
  returned: success
  sample: [production]
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

from ansible_collections.privazio.opennebula.plugins.module_utils.arguments import (
    IDENTITY,
    LABELS,
    LOCK,
    OWNERSHIP,
    TEMPLATE,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils.resources import vnet

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent"),
    **{option: {"type": "str"} for option in vnet.FIELDS},
    clusters={"type": "list", "elements": "str"},
    purge_clusters={"type": "bool", "default": False},
    security_groups={"type": "list", "elements": "str"},
    address_ranges={"type": "list", "elements": "dict", "aliases": ["ars"]},
    purge_address_ranges={"type": "bool", "default": False},
)


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")])
    params = module.params
    resource = vnet.resource(
        params["template_mode"] == "replace",
        params["purge_address_ranges"],
        params["purge_clusters"],
        params["labels_mode"],
    )
    module.ensure(resource, cluster_ids=params["clusters"])


if __name__ == "__main__":
    main()
