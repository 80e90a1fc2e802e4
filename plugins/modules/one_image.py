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
  - Options that are omitted are left as they are. A second run changes nothing.
  - The task ends when the image is ready, and fails with OpenNebula's own reason when the image fails.
options:
  state:
    description:
      - V(present) registers the image if there is none with this name.
      - V(absent) removes it. OpenNebula refuses to remove one that is in use.
      - V(cloned) clones the image as O(new_name); the other options and the result are those of the clone.
      - V(renamed) renames the image to O(new_name).
    type: str
    choices: [present, absent, cloned, renamed]
    default: present
  new_name:
    description:
      - With O(state=cloned), the name of the clone; C(Copy of) and the name of the image when omitted.
      - With O(state=renamed), the new name of the image, which is required.
    type: str
  create:
    description:
      - Whether O(state=present) creates an image that is missing.
    type: bool
    default: true
  clone_of:
    description:
      - Name or id of the image to clone a new image from, into O(datastore) if that is given, else into the same
        datastore.
      - An existing image is left as it is.
    type: str
  datastore:
    description:
      - Name or id of the datastore of the image; required to create one that is not a clone. It cannot be changed
        later.
    type: str
    aliases: [datastore_name, datastore_id]
  path:
    description:
      - File on the front-end, or URL, to copy a new image from. It cannot be changed later.
    type: str
  size:
    description:
      - Size in MB, or with a unit, such as V(20 GB); required for an image without O(path). With O(path) the driver
        of the datastore tells the size, and OpenNebula would ignore this.
      - It cannot be changed later, but M(privazio.opennebula.one_vm) can resize the disk of a virtual machine.
    type: str
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
  snapshots:
    description:
      - Changes of the snapshots of the image. Each snapshot is given by name or id.
    type: dict
    suboptions:
      absent:
        description:
          - Snapshots to delete; those that do not exist are ignored.
        type: list
        elements: str
      active:
        description:
          - Snapshot to revert the image to; what was written after it is lost. Nothing happens when it is active
            already.
        type: str
      flatten:
        description:
          - Snapshot to flatten the image to. This removes all snapshots; nothing happens when there are none.
        type: str
  force:
    description:
      - Whether O(state=absent) also removes an image whose registration or copy has not finished.
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
seealso:
  - module: privazio.opennebula.one_image_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create an empty disk
  privazio.opennebula.one_image:
    name: data
    datastore: default
    type: datablock
    size: 128
    template:
      DESCRIPTION: Data of the shop

- name: Make the image persistent
  privazio.opennebula.one_image:
    name: data
    persistent: true

- name: Clone the image
  privazio.opennebula.one_image:
    name: data-of-the-test
    clone_of: data
    mode: "640"

- name: Register a kernel for virtual machines
  privazio.opennebula.one_image:
    name: kernel
    datastore: files
    type: kernel
    path: "{{ one_kernel | default('http://mirror.example.com/vmlinuz') }}"

- name: Remove the images
  privazio.opennebula.one_image:
    name: "{{ item }}"
    state: absent
  loop: [kernel, data-of-the-test, data]
"""

RETURN = r"""
id:
  description: Id of the image; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the image.
  type: str
  returned: success
  sample: data
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
permissions:
  description: Permissions one by one, each V(0) or V(1).
  type: dict
  returned: success
  sample: {"owner_u": 1, "owner_m": 1, "owner_a": 0, "group_u": 1, "group_m": 0, "group_a": 0, "other_u": 0}
state:
  description: The same as RV(image_state), in capitals.
  type: str
  returned: success
  sample: READY
image_state:
  description:
    - State that OpenNebula reports, such as V(ready), V(used), V(used_pers), V(disabled), V(locked) or V(error).
  type: str
  returned: success
  sample: ready
enabled:
  description: Whether virtual machines may use the image.
  type: bool
  returned: success
  sample: true
type:
  description: Type of the image, as in O(type), or V(backup).
  type: str
  returned: success
  sample: datablock
persistent:
  description: Whether changes that a virtual machine makes to the image are kept.
  type: bool
  returned: success
  sample: false
size:
  description: Size in MB.
  type: int
  returned: success
  sample: 128
path:
  description: Where the image was copied from; empty when it was created empty.
  type: str
  returned: success
  sample: ""
source:
  description: Where the datastore stores the image.
  type: str
  returned: success
  sample: /var/lib/one/datastores/1/0
format:
  description: Format of the image.
  type: str
  returned: success
  sample: raw
datastore:
  description: Name of the datastore.
  type: str
  returned: success
  sample: default
datastore_id:
  description: Id of the datastore.
  type: int
  returned: success
  sample: 1
running_vms:
  description: How many virtual machines use the image.
  type: int
  returned: success
  sample: 0
used:
  description: Whether virtual machines use the image.
  type: bool
  returned: success
  sample: false
vms:
  description: Ids of the virtual machines that use the image.
  type: list
  elements: int
  returned: success
  sample: []
clones:
  description: Ids of the images that are being cloned from this one.
  type: list
  elements: int
  returned: success
  sample: []
app_clones:
  description: Ids of the marketplace apps that are being created from the image.
  type: list
  elements: int
  returned: success
  sample: []
cloning_ops:
  description: How many copies of the image are being made.
  type: int
  returned: success
  sample: 0
cloning_id:
  description: Id of the image that this one is being cloned from; V(-1) when it is not.
  type: int
  returned: success
  sample: -1
target_snapshot:
  description: Id of the snapshot that the driver is working on; V(-1) when there is none.
  type: int
  returned: success
  sample: -1
snapshots:
  description: Snapshots of the image.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the snapshot.
      type: int
      sample: 0
    name:
      description: Name of the snapshot; empty when it has none.
      type: str
      sample: before the update
    date:
      description: When the snapshot was created, in seconds since the epoch.
      type: int
      sample: 1700000000
    size:
      description: Size in MB.
      type: int
      sample: 128
    parent:
      description: Id of the snapshot before this one; V(-1) for the first.
      type: int
      sample: -1
    children:
      description: Ids of the snapshots after this one.
      type: list
      elements: int
      sample: [1]
    active:
      description: Whether the image continues from this snapshot.
      type: bool
      sample: true
    allow_orphans:
      description: Which snapshots can be deleted, as the datastore says.
      type: str
      sample: "NO"
    allow_orhans:
      description: The same as C(allow_orphans), misspelt as in C(community.general). It is deprecated.
      type: str
      sample: "NO"
disk_type:
  description: How the datastore stores the image, as a number; V(0) is a file.
  type: int
  returned: success
  sample: 0
fstype:
  description: File system; empty when OpenNebula created none.
  type: str
  returned: success
  sample: ""
regtime:
  description: When the image was registered, in seconds since the epoch.
  type: int
  returned: success
  sample: 1700000000
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"DEV_PREFIX": "sd"}
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
  sample: "600"
lock:
  description: Lock of the image, as in O(lock).
  type: str
  returned: success
  sample: none
labels:
  description: Labels of the image.
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
    LOCK,
    OWNERSHIP,
    TEMPLATE,
    WAIT,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import image
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent", "cloned", "renamed"),
    new_name={"type": "str"},
    create={"type": "bool", "default": True},
    clone_of={"type": "str"},
    datastore={"type": "str", "aliases": ["datastore_name", "datastore_id"]},
    path={"type": "str"},
    size={"type": "str"},
    type={"type": "str", "choices": [name for name in image.TYPES if name != "backup"]},
    persistent={"type": "bool"},
    enabled={"type": "bool"},
    snapshots={
        "type": "dict",
        "options": {
            "absent": {"type": "list", "elements": "str"},
            "active": {"type": "str"},
            "flatten": {"type": "str"},
        },
    },
    force={"type": "bool", "default": False},
)
RULES = {
    "required_one_of": [("id", "name")],
    "required_if": [("state", "renamed", ("new_name",))],
    "mutually_exclusive": [("clone_of", "path"), ("clone_of", "size")],
}


def work(module):
    change = image.STATE_CHANGES.get(module.params["state"])
    if change is None:
        module.ensure(image.IMAGE)
    else:
        module.run(lambda cloud: change(module.engine(cloud, image.IMAGE), module.params))


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
