#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_zone
short_description: Manage OpenNebula zones
version_added: 1.0.0
description:
  - Creates, changes, renames and removes the zones of a federation, and manages the servers of a zone that is highly
    available.
  - Zones can be created and removed on the master of a federation only; its slaves pass that on to it. Servers of a
    zone, and whether it is enabled, are changed on that zone itself. A server outside a federation has just one zone.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the zone should exist.
    type: str
    choices: [present, absent]
    default: present
  endpoint:
    description:
      - Address of the zone's API, such as V(http://zone.example.com:2633/RPC2). Required to create a zone.
    type: str
  enabled:
    description:
      - Whether the zone accepts requests that change something. Only a server of the zone itself can change this.
      - A task that enables a zone does so before its other changes.
      - Needs OpenNebula 6.2.
    type: bool
  servers:
    description:
      - Servers of the zone, identified by name. Only a server of the zone itself can change them.
      - A server with another endpoint is removed and added again.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the server.
        type: str
        required: true
      endpoint:
        description:
          - Address of the server's API.
        type: str
        required: true
  purge_servers:
    description:
      - Whether to remove the servers that are not in O(servers).
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_zone_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Update the template of the server's zone
  privazio.opennebula.one_zone:
    id: 0
    template:
      DESCRIPTION: First floor

- name: Disable the server's zone
  privazio.opennebula.one_zone:
    id: 0
    enabled: false

- name: Enable it
  privazio.opennebula.one_zone:
    id: 0
    enabled: true
"""

RETURN = r"""
id:
  description: Id of the zone; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the zone.
  type: str
  returned: success
  sample: OpenNebula
endpoint:
  description: Address of the zone's API.
  type: str
  returned: success
  sample: http://localhost:2633/RPC2
enabled:
  description: Whether the zone accepts requests that change something.
  type: bool
  returned: success
  sample: true
servers:
  description: Servers of the zone, each with C(id), C(name) and C(endpoint); empty when there is just one.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 0, "name": "one1", "endpoint": "http://one1.example.com:2633/RPC2"}]
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"ENDPOINT": "http://localhost:2633/RPC2"}
labels:
  description: Labels of the zone.
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
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.zone import ZONE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    endpoint={"type": "str"},
    enabled={"type": "bool"},
    servers={
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, "endpoint": {"type": "str", "required": True}},
    },
    purge_servers={"type": "bool", "default": False},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(ZONE)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
