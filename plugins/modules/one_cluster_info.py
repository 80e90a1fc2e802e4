#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_cluster_info
short_description: Read OpenNebula clusters
version_added: 1.0.0
description:
  - Returns the clusters that fit all the options given; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.unowned
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_cluster
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all clusters
  privazio.opennebula.one_cluster_info:
  register: all_clusters

- name: Read one
  privazio.opennebula.one_cluster_info:
    name: default
  register: default_cluster
"""

RETURN = r"""
clusters:
  description: The clusters, by id, each with what M(privazio.opennebula.one_cluster) returns of one.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "default", "host_ids": [0], "datastore_ids": [0, 1, 2]}]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import UNOWNED
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.cluster import CLUSTER
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = UNOWNED


def main():
    select(OneModule(OPTIONS, writes=False), CLUSTER, "clusters")


if __name__ == "__main__":
    main()
