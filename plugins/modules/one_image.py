#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_image
short_description: Manage OpenNebula images
version_added: 1.0.0
description:
  - Registers, changes, renames and removes disk images and files.
  - What is given is made true, what is left out is left alone. A second run changes nothing.
  - The task ends when the image is ready, and fails with OpenNebula's own reason when the image fails.
options:
  state:
    description:
      - Whether the image is to be there. OpenNebula refuses to remove one that is in use.
    type: str
    choices: [present, absent]
    default: present
  datastore:
    description:
      - Name or id of the datastore that holds the image; required to create one. It cannot be changed later.
    type: str
    aliases: [datastore_name, datastore_id]
  path:
    description:
      - File on the front-end, or URL, that a new image is copied from. It cannot be changed later.
    type: str
  size:
    description:
      - Size in MB; required for an image without O(path). It cannot be changed later.
    type: int
  type:
    description:
      - Type of the image, V(os) for a new one when omitted.
      - It can be changed among V(os), V(cdrom) and V(datablock), and among V(kernel), V(ramdisk) and V(context).
    type: str
    choices: [os, cdrom, datablock, kernel, ramdisk, context, filesystem]
  persistent:
    description:
      - Whether changes that a virtual machine makes to the image are kept.
    type: bool
  enabled:
    description:
      - Whether virtual machines may use the image.
    type: bool
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
- name: Have an empty disk
  privazio.opennebula.one_image:
    name: data
    datastore: default
    type: datablock
    size: 128
    template:
      DESCRIPTION: Data of the shop

- name: Keep what is written to it
  privazio.opennebula.one_image:
    name: data
    persistent: true

- name: Remove it
  privazio.opennebula.one_image:
    name: data
    state: absent
"""

RETURN = r"""
id:
  description: Id of the image; not there when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the image.
  type: str
  returned: success
  sample: data
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
image_state:
  description:
    - State that OpenNebula reports, such as V(ready), V(used), V(used_pers), V(disabled), V(locked) or V(error).
  type: str
  returned: success
  sample: ready
enabled:
  description: Whether virtual machines may use it.
  type: bool
  returned: success
  sample: true
type:
  description: Its type, as in O(type), or V(backup).
  type: str
  returned: success
  sample: datablock
persistent:
  description: Whether changes to it are kept.
  type: bool
  returned: success
  sample: false
size:
  description: Size in MB.
  type: int
  returned: success
  sample: 128
path:
  description: Where it was copied from; empty when nothing was.
  type: str
  returned: success
  sample: ""
source:
  description: Where the datastore keeps it.
  type: str
  returned: success
  sample: /var/lib/one/datastores/1/0
format:
  description: Its format.
  type: str
  returned: success
  sample: raw
datastore:
  description: Name of its datastore.
  type: str
  returned: success
  sample: default
datastore_id:
  description: Id of its datastore.
  type: int
  returned: success
  sample: 1
running_vms:
  description: How many virtual machines use it.
  type: int
  returned: success
  sample: 0
vms:
  description: Ids of the virtual machines that use it.
  type: list
  elements: int
  returned: success
  sample: []
template:
  description: The attributes of its template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DEV_PREFIX": "sd"}
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
from ansible_collections.privazio.opennebula.plugins.module_utils.resources import image

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent"),
    datastore={"type": "str", "aliases": ["datastore_name", "datastore_id"]},
    path={"type": "str"},
    size={"type": "int"},
    type={"type": "str", "choices": [name for name in image.TYPES if name != "backup"]},
    persistent={"type": "bool"},
    enabled={"type": "bool"},
)


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")])
    params = module.params
    module.ensure(image.resource(params["template_mode"] == "replace", params["labels_mode"]))


if __name__ == "__main__":
    main()
