#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_info
short_description: Read OpenNebula virtual machines
version_added: 1.0.0
description:
  - Returns the VMs that match all given options; when none is given, all VMs that the user may see and that are not
    done.
options:
  ids:
    description:
      - Only the VMs with these ids; ids that no VM has are ignored.
    type: list
    elements: int
    aliases: [id, instance_ids]
  name:
    description:
      - Only VMs with this name.
      - V(~web) is a regular expression that the beginning of a name has to match, V(~*web) one that ignores case.
    type: str
  labels:
    description:
      - Only VMs that have all these labels.
    type: list
    elements: str
  attributes:
    description:
      - Only VMs whose user template has these attributes; V(null) matches any value.
      - All of each VM is then read, which takes longer on a large cloud.
    type: dict
  states:
    description:
      - Only VMs in one of these states. V(changing) is any transient state, V(failed) any state that needs recovery.
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
  host:
    description:
      - Only VMs whose current or last host has this name or id.
    type: str
  cluster:
    description:
      - Only VMs whose current or last cluster has this name or id.
    type: str
  owner:
    description:
      - Only VMs of the user with this name or id.
    type: str
  group:
    description:
      - Only VMs of the group with this name or id.
    type: str
  full:
    description:
      - Whether to read all of each VM. Otherwise only what the pool has is returned, without the context and most
        attributes, which costs less.
    type: bool
    default: true
  page:
    description:
      - How many VMs to read with one call.
    type: int
    default: 2000
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.attributes_info
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vm
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read the VMs of the web that do not run
  privazio.opennebula.one_vm_info:
    name: ~web
    states: [failed, poweredoff, unknown]
  register: down

- name: Read what is on a host, in short
  privazio.opennebula.one_vm_info:
    host: node1
    full: false
  register: on_node1
"""

RETURN = r"""
instances:
  description:
    - The VMs in order of their ids, each as M(privazio.opennebula.one_vm) returns it.
  type: list
  elements: dict
  returned: success
  sample: [{"id": 3, "name": "web-00", "status": "running", "host": "node1"}]
instances_ids:
  description: Their ids.
  type: list
  elements: int
  returned: success
  sample: [3]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.info import STATES, instances

OPTIONS = {
    "ids": {"type": "list", "elements": "int", "aliases": ["id", "instance_ids"]},
    "name": {"type": "str"},
    "labels": {"type": "list", "elements": "str"},
    "attributes": {"type": "dict"},
    "states": {"type": "list", "elements": "str", "choices": STATES},
    "host": {"type": "str"},
    "cluster": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "full": {"type": "bool", "default": True},
    "page": {"type": "int", "default": 2000},
}


def read(cloud, options):
    """The Report with the VMs that fit."""
    if options["page"] < 2:
        raise Failure("The option page is a number of VMs from 2 on: OpenNebula has no pages of %d." % options["page"])
    found = instances(cloud, options)
    return Report(False, None, None, {"instances": found, "instances_ids": [one["id"] for one in found]})


def main():
    module = OneModule(OPTIONS, writes=False)
    module.run(lambda cloud: read(cloud, module.params))


if __name__ == "__main__":
    main()
