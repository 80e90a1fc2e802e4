#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_service_info
short_description: Read OpenNebula services (OneFlow)
version_added: 1.0.0
description:
  - Returns the services that match all given options; all that the user may see when none is given.
options:
  states:
    description:
      - Only services in one of these states, as OneFlow calls them, such as V(RUNNING).
    type: list
    elements: str
  addresses:
    description:
      - Whether the addresses of the VMs are read, too, from oned; by one more call.
    type: bool
    default: false
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_service
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all services
  privazio.opennebula.one_service_info:
  register: all_services

- name: Read the services whose names begin with shop
  privazio.opennebula.one_service_info:
    name: ~shop
  register: some_services

- name: Read the addresses of the VMs of a service
  privazio.opennebula.one_service_info:
    name: shop-1
    addresses: true
  register: shop
"""

RETURN = r"""
services:
  description:
    - The services in order of their ids, each as M(privazio.opennebula.one_service) returns it.
    - With O(addresses), each of the C(nodes) of its roles has C(ips), a list.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 5, "name": "shop"}]
api_calls:
  description: How many calls of the APIs the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import (
    FLOW_CONNECTION,
    SELECTION,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import service
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    FLOW_CONNECTION,
    **SELECTION,
    states={"type": "list", "elements": "str"},
    addresses={"type": "bool", "default": False},
)


def main():
    module = OneModule(OPTIONS, writes=False, client=Clients)
    module.run(lambda cloud: service.select(cloud, module.params))


if __name__ == "__main__":
    main()
