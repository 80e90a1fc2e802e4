#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_marketapp
short_description: Manage OpenNebula marketplace apps, and export them to images and VM templates
version_added: 1.0.0
description:
  - Creates marketplace apps from images; changes, renames and removes them.
  - Exports an app to this cloud as an image, and as a VM template if the app has one.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - V(present) creates the app from O(image) if it does not exist.
      - V(exported) creates the image of the app in this cloud, and its VM template if it has one.
      - V(absent) removes the app.
    type: str
    choices: [present, absent, exported]
    default: present
  marketplace:
    description:
      - Name or id of the marketplace. Required to create an app; it cannot be changed later.
      - With O(state=exported), only apps of this marketplace match.
    type: str
  image:
    description:
      - Name or id of the image to create an app from. Required to create an app; it cannot be changed later.
    type: str
  description:
    description:
      - Description of the app.
    type: str
  version:
    description:
      - Version of the app. With O(state=exported), the task fails when the app has another version.
    type: str
  checksum:
    description:
      - With O(state=exported), the MD5 checksum of the app; the task fails when the app has another one.
    type: str
  enabled:
    description:
      - Whether users can export the app.
    type: bool
  datastore:
    description:
      - With O(state=exported), name or id of the datastore for the image; V(default) when omitted.
    type: str
  image_name:
    description:
      - With O(state=exported), name of the image; that of the app when omitted.
    type: str
  template_name:
    description:
      - With O(state=exported), name of the VM template; that of the app when omitted.
      - An empty text exports the image only.
    type: str
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
  - module: privazio.opennebula.one_marketapp_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create an image
  privazio.opennebula.one_image:
    name: golden
    datastore: default
    type: datablock
    size: 64

- name: Create a marketplace
  privazio.opennebula.one_marketplace:
    name: house
    market_mad: "{{ one_market_mad | default('http') }}"
    template:
      BASE_URL: http://market.example.com/
      PUBLIC_DIR: /var/local/market-http

- name: Create an app from the image
  privazio.opennebula.one_marketapp:
    name: golden-app
    marketplace: house
    image: golden
    version: "1.0"

- name: Export the app to an image, if it has this version
  privazio.opennebula.one_marketapp:
    name: golden-app
    marketplace: house
    state: exported
    version: "1.0"
    image_name: golden-copy
"""

RETURN = r"""
id:
  description: Id of the marketplace app; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the marketplace app.
  type: str
  returned: success
  sample: golden-app
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
app_state:
  description: State of the app, such as V(ready), V(locked), V(disabled) or V(error).
  type: str
  returned: O(state=present)
  sample: ready
enabled:
  description: Whether users can export the app.
  type: bool
  returned: O(state=present)
  sample: true
type:
  description: Type of the app; V(image), V(vmtemplate) or V(service_template).
  type: str
  returned: O(state=present)
  sample: image
description:
  description: Description of the app.
  type: str
  returned: O(state=present)
  sample: ""
version:
  description: Version of the app.
  type: str
  returned: success
  sample: "1.0"
checksum:
  description: MD5 checksum of the app.
  type: str
  returned: success
  sample: d41d8cd98f00b204e9800998ecf8427e
image_id:
  description: Id of the image that the app was created from.
  type: int
  returned: O(state=present)
  sample: 3
marketplace:
  description: Name of the marketplace.
  type: str
  returned: O(state=present)
  sample: house
marketplace_id:
  description: Id of the marketplace.
  type: int
  returned: O(state=present)
  sample: 100
size:
  description: Size in MB.
  type: int
  returned: O(state=present)
  sample: 1024
source:
  description: Where the marketplace stores the app.
  type: str
  returned: O(state=present)
  sample: http://market.example.com/golden
image:
  description: With O(state=exported), the image of the app, as M(privazio.opennebula.one_image) returns it.
  type: dict
  returned: O(state=exported)
  sample: {"id": 4, "name": "golden-copy"}
template:
  description:
    - The attributes of the template; values of secret ones are masked.
    - With O(state=exported), the VM template of the app, as M(privazio.opennebula.one_template) returns it; V(null)
      when the app has none.
  type: dict
  returned: success
  sample: {"VERSION": "1.0"}
labels:
  description: Labels of the app.
  type: list
  elements: str
  returned: O(state=present)
  sample: [production]
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
  description: Lock of the app, as in O(lock).
  type: str
  returned: success
  sample: none
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
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.marketapp import MARKETAPP, export
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LOCK,
    **LABELS,
    **TEMPLATE,
    **WAIT,
    **state("present", "absent", "exported"),
    marketplace={"type": "str"},
    image={"type": "str"},
    description={"type": "str"},
    version={"type": "str"},
    checksum={"type": "str"},
    enabled={"type": "bool"},
    datastore={"type": "str"},
    image_name={"type": "str"},
    template_name={"type": "str"},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    if module.params["state"] == "exported":
        module.run(lambda cloud: export(cloud, module.params, module.applies, module.params["wait"]))
    else:
        module.ensure(MARKETAPP)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
