#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_service_template_info
short_description: Read OpenNebula service templates (OneFlow)
version_added: 1.0.0
description:
  - Returns the service templates that match all given options; all that the user may see when none is given.
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.selection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_service_template
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read all service templates
  privazio.opennebula.one_service_template_info:
  register: all_service_templates

- name: Read the service templates whose names begin with shop
  privazio.opennebula.one_service_template_info:
    name: ~shop
  register: some_service_templates
"""

RETURN = r"""
service_templates:
  description: The templates in order of their ids, each as M(privazio.opennebula.one_service_template) returns it.
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
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import select
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.service_template import SERVICE_TEMPLATE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(FLOW_CONNECTION, **SELECTION)


def main():
    select(OneModule(OPTIONS, writes=False, client=Clients), SERVICE_TEMPLATE, "service_templates")


if __name__ == "__main__":
    main()
