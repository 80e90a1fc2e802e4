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
    choices: [privazio.opennebula.one_hosts]
  group_by:
    description:
      - What to group the hosts by. The groups are named C(cluster_NAME), C(state_NAME) and so on.
      - Characters that a group name cannot have become underscores.
    type: list
    elements: str
    choices: [cluster, label, state, vm_mad]
    default: [cluster, state]
notes:
  - The variables are C(one_id), C(one_name), C(one_state) (V(init), V(monitored), V(error), V(disabled) or V(offline)),
    C(one_cluster), C(one_cluster_id), C(one_im_mad), C(one_vm_mad), C(one_vms) (ids), C(one_labels),
    C(one_cpu) (hundredths of a core) and C(one_memory) (KiB), both with C(total), C(allocatable) and C(allocated),
    and C(one_attributes), the template of the host with passwords covered.
"""

EXAMPLES = r"""
# cloud.one_hosts.yml; the endpoint and the user come from ONE_URL, ONE_USERNAME and ONE_PASSWORD
plugin: privazio.opennebula.one_hosts
group_by: [cluster, label]
compose:
  ansible_user: "'root'"
groups:
  crowded: one_cpu.allocated > one_cpu.allocatable * 0.9
"""

from ..module_utils._core.values import canonical, masked
from ..module_utils._kinds.host import STATES
from ..plugin_utils.inventory import OneInventory, labels


class InventoryModule(OneInventory):
    """The host pool (one.hostpool.info)."""

    NAME = "privazio.opennebula.one_hosts"
    SUFFIX = "one_hosts"

    def records(self, cloud):
        return [record(host) for host in cloud.pool("host")]


def record(host):
    """The variables of a host of the pool, as a dictionary."""
    attributes = canonical(host.TEMPLATE or {})
    share = host.HOST_SHARE
    return {
        "one_id": host.ID,
        "one_name": host.NAME,
        "one_state": STATES.get(host.STATE, str(host.STATE)),
        "one_cluster": host.CLUSTER,
        "one_cluster_id": host.CLUSTER_ID,
        "one_im_mad": host.IM_MAD,
        "one_vm_mad": host.VM_MAD,
        "one_vms": list(host.VMS.ID) if host.VMS is not None else [],
        "one_labels": labels(attributes),
        "one_cpu": {"total": share.TOTAL_CPU, "allocatable": share.MAX_CPU, "allocated": share.CPU_USAGE},
        "one_memory": {"total": share.TOTAL_MEM, "allocatable": share.MAX_MEM, "allocated": share.MEM_USAGE},
        "one_attributes": masked(attributes),
    }
