#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_disk
short_description: Save disks of OpenNebula virtual machines as images
version_added: 1.0.0
description:
  - Saves a disk of a virtual machine as a new image, and waits until the image is ready. When there is an image with
    this name, nothing is changed.
  - Use O(privazio.opennebula.one_vm#module:disks) to attach, resize and detach disks.
options:
  image:
    description:
      - Name of the image.
    type: str
    required: true
  disk:
    description:
      - Id of the disk; it must come from an image.
    type: int
    default: 0
  type:
    description:
      - Type of the image; that of the disk when omitted.
    type: str
    choices: [os, cdrom, datablock]
  snapshot:
    description:
      - Id of the snapshot of the disk to save; the current content of the disk when omitted.
    type: int
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_vm
  - module: privazio.opennebula.one_image
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Keep the first disk as an image
  privazio.opennebula.one_vm_disk:
    name: database
    image: golden
"""

RETURN = r"""
id:
  description: Id of the virtual machine.
  type: int
  returned: success
  sample: 3
name:
  description: Name of the virtual machine.
  type: str
  returned: success
  sample: database
image_id:
  description: Id of the image; not there when a check run would save it.
  type: int
  returned: success
  sample: 12
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 4
diff:
  description: What changes, before and after; only what differs.
  type: dict
  returned: success
  sample: {"before": {}, "after": {}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import VM, WAIT
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.image import IMAGE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.disk_saveas import VM_DISK, values
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import change, choices, find_vm

OPTIONS = dict(
    VM,
    **WAIT,
    image={"type": "str", "required": True},
    disk={"type": "int", "default": 0},
    type={"type": "str", "choices": ["os", "cdrom", "datablock"]},
    snapshot={"type": "int"},
)


def converge(module, cloud):
    params = module.params
    item, image = find_vm(cloud, params), cloud.find(IMAGE.kind, params["image"])
    record = {"id": item.ID, "name": item.NAME}
    if image is not None:
        return Report(False, {}, {}, dict(record, image_id=settled(module, cloud, image)))
    report = change(cloud, VM_DISK, item, values(params), choices(module))
    if module.applies:
        image = cloud.info(IMAGE.kind, report.record["image_id"])
        record["image_id"] = settled(module, cloud, image)
    return Report(True, report.before, report.after, record)


def settled(module, cloud, image):
    """Waits until an image is ready, if waiting is asked for; returns its id."""
    return module.engine(cloud, IMAGE).update(image, {}).record["id"]


def main():
    module = OneModule(OPTIONS, required_one_of=[("id", "name")])
    module.run(lambda cloud: converge(module, cloud))


if __name__ == "__main__":
    main()
