#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_datastore
short_description: Manage OpenNebula datastores
version_added: 1.0.0
description:
  - Creates, changes, renames and removes datastores, and manages the clusters that they belong to.
  - Options that are omitted are left as they are. A second run changes nothing.
  - The task ends when OpenNebula has measured the size of the datastore. It does not measure system datastores whose
    driver is not shared, so the task does not wait for these.
options:
  state:
    description:
      - Whether the datastore should exist. OpenNebula refuses to remove one that holds images.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - What the datastore holds, also as OpenNebula calls it, such as V(SYSTEM_DS). A new datastore gets V(image) when
        this is omitted.
    type: str
    choices: [image, system, file, backup, IMAGE_DS, SYSTEM_DS, FILE_DS, BACKUP_DS]
  ds_mad:
    description:
      - Datastore driver, such as V(fs), V(ceph), V(lvm), V(restic) or V(rsync). Required to create a
        datastore, except for a system datastore, which has none.
    type: str
  tm_mad:
    description:
      - Transfer driver, such as V(local), V(shared), V(ssh), V(qcow2) or V(ceph). Required to create a
        datastore, except for a backup datastore, which has none.
    type: str
  clusters:
    description:
      - Names or ids of the clusters that the datastore belongs to.
      - A new datastore goes to the default cluster when this is omitted.
    type: list
    elements: str
  purge_clusters:
    description:
      - Whether to remove the datastore from clusters that are not in O(clusters).
    type: bool
    default: false
  enabled:
    description:
      - Whether the scheduler may use the datastore. Only system datastores can be disabled.
    type: bool
  wait_timeout:
    description:
      - How long to wait, in seconds. OpenNebula measures datastores every C(MONITORING_INTERVAL_DATASTORE) seconds,
        which is 300 unless C(oned.conf) says otherwise.
    default: 600
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_datastore_info
  - module: privazio.opennebula.one_cluster
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a datastore for images
  privazio.opennebula.one_datastore:
    name: fast
    ds_mad: "{{ one_ds_mad | default('fs') }}"
    tm_mad: "{{ one_tm_mad | default('shared') }}"
    clusters: [default]
    mode: "644"
    template:
      COMPATIBLE_SYS_DS: 0
      LIMIT_MB: 512000

- name: Create a datastore for disks of virtual machines, without waiting for it
  privazio.opennebula.one_datastore:
    name: running
    type: system
    tm_mad: "{{ one_tm_mad | default('shared') }}"
    wait: false

- name: Disable the datastore for new virtual machines
  privazio.opennebula.one_datastore:
    name: running
    enabled: false

- name: Create a datastore for backups
  privazio.opennebula.one_datastore:
    name: vault
    type: backup
    ds_mad: "{{ one_ds_mad | default('rsync') }}"
    tm_mad: "-"
    template:
      RSYNC_HOST: backup.example.com
      RSYNC_USER: oneadmin

- name: Remove the datastores
  privazio.opennebula.one_datastore:
    name: "{{ item }}"
    state: absent
  loop: [fast, running, vault]
"""

RETURN = r"""
id:
  description: Id of the datastore; missing when a check run would create it.
  type: int
  returned: success
  sample: 100
name:
  description: Name of the datastore.
  type: str
  returned: success
  sample: fast
type:
  description: What the datastore holds, as in O(type).
  type: str
  returned: success
  sample: image
ds_mad:
  description: Datastore driver; empty when there is none.
  type: str
  returned: success
  sample: fs
tm_mad:
  description: Transfer driver; empty when there is none.
  type: str
  returned: success
  sample: shared
cluster_ids:
  description: Ids of the clusters that the datastore belongs to.
  type: list
  elements: int
  returned: success
  sample: [0]
enabled:
  description: Whether the scheduler may use the datastore.
  type: bool
  returned: success
  sample: true
base_path:
  description: Directory of the datastore on the hosts.
  type: str
  returned: success
  sample: /var/lib/one//datastores/100
total_mb:
  description: Size in MB; 0 while it is not known.
  type: int
  returned: success
  sample: 258020
free_mb:
  description: Free space in MB.
  type: int
  returned: success
  sample: 75981
used_mb:
  description: Used space in MB.
  type: int
  returned: success
  sample: 27917
image_ids:
  description: Ids of the images in the datastore.
  type: list
  elements: int
  returned: success
  sample: [0, 1]
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
  sample: "640"
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DS_MAD": "fs", "TM_MAD": "shared", "TYPE": "IMAGE_DS", "LIMIT_MB": "512000"}
labels:
  description: Labels of the datastore.
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
    OWNERSHIP,
    TEMPLATE,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.datastore import DATASTORE, TYPES, WORDS
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    type={"type": "str", "choices": [*TYPES, *(word.upper() for word in WORDS)]},
    ds_mad={"type": "str"},
    tm_mad={"type": "str"},
    clusters={"type": "list", "elements": "str"},
    purge_clusters={"type": "bool", "default": False},
    enabled={"type": "bool"},
    wait=WAIT["wait"],
    wait_timeout=dict(WAIT["wait_timeout"], default=600),
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(DATASTORE)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
