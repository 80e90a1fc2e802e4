#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_info
short_description: Read several kinds of OpenNebula objects at once
version_added: 1.0.0
description:
  - Returns the objects of several kinds in one task, for instance for reports.
options:
  kinds:
    description:
      - Kinds of objects to read, called as in the name of their module, such as V(host) for
        M(privazio.opennebula.one_host).
      - All kinds when omitted, but for V(service) and V(service_template), which need OneFlow.
    type: list
    elements: str
  name:
    description:
      - Only objects with this name.
      - V(~web) is a regular expression that the beginning of a name has to match, V(~*web) one that ignores case.
    type: str
  labels:
    description:
      - Only objects that have all these labels.
    type: list
    elements: str
  owner:
    description:
      - Only objects of the user with this name or id.
    type: str
  group:
    description:
      - Only objects of the group with this name or id.
    type: str
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read hosts and clusters
  privazio.opennebula.one_info:
    kinds: [host, cluster]
  register: cloud

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ cloud.objects.host | map(attribute='name') }}"
"""

RETURN = r"""
objects:
  description: The objects of each kind in order of their ids, each as the module of that kind returns it.
  type: dict
  returned: success
  sample: {"cluster": [{"id": 0, "name": "default"}], "host": []}
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 2
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import (
    FLOW_CONNECTION,
    SELECTION,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import records
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import ONEFLOW, RESOURCES, unknown
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    FLOW_CONNECTION,
    **{name: option for name, option in SELECTION.items() if name != "ids"},
    kinds={"type": "list", "elements": "str"},
)


def read(cloud, options):
    """The Report with the objects of all kinds wanted."""
    kinds = options["kinds"] if options["kinds"] is not None else sorted(set(RESOURCES) - set(ONEFLOW))
    missing = sorted(set(kinds) - set(RESOURCES))
    if missing:
        raise unknown(missing[0])
    objects = {kind: records(cloud, RESOURCES[kind], options) for kind in kinds}
    return Report(False, None, None, {"objects": objects})


def main():
    module = OneModule(OPTIONS, writes=False, client=Clients)
    module.run(lambda cloud: read(cloud, module.params))


if __name__ == "__main__":
    main()
