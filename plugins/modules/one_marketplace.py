#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_marketplace
short_description: Manage OpenNebula marketplaces
version_added: 1.0.0
description:
  - Creates, changes, renames and removes marketplaces, which share images and VM templates between zones.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  state:
    description:
      - Whether the marketplace should exist. OpenNebula refuses to remove one that has apps.
    type: str
    choices: [present, absent]
    default: present
  market_mad:
    description:
      - Driver of the marketplace, such as V(http), V(s3) or V(one). Required to create one.
      - Set what the driver needs, such as C(BASE_URL) and C(PUBLIC_DIR), in O(template).
    type: str
  description:
    description:
      - Description of the marketplace.
    type: str
  enabled:
    description:
      - Whether the marketplace is used and monitored.
    type: bool
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.identity
  - privazio.opennebula.common.ownership
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_marketplace_info
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a marketplace
  privazio.opennebula.one_marketplace:
    name: house
    market_mad: "{{ one_market_mad | default('http') }}"
    description: What we build ourselves
    template:
      BASE_URL: http://market.example.com/
      PUBLIC_DIR: /var/local/market-http

- name: Remove the marketplace
  privazio.opennebula.one_marketplace:
    name: house
    state: absent
"""

RETURN = r"""
id:
  description: Id of the marketplace; missing when a check run would create it.
  type: int
  returned: success
  sample: 0
name:
  description: Name of the marketplace.
  type: str
  returned: success
  sample: house
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
market_mad:
  description: Driver of the marketplace.
  type: str
  returned: success
  sample: http
description:
  description: Description of the marketplace.
  type: str
  returned: success
  sample: What we build ourselves
enabled:
  description: Whether the marketplace is used and monitored.
  type: bool
  returned: success
  sample: true
zone_id:
  description: Id of the zone that the marketplace belongs to.
  type: int
  returned: success
  sample: 0
app_ids:
  description: Ids of the apps.
  type: list
  elements: int
  returned: success
  sample: [3]
total_mb:
  description: Size in MB.
  type: int
  returned: success
  sample: 20480
free_mb:
  description: Free space in MB.
  type: int
  returned: success
  sample: 20480
used_mb:
  description: Used space in MB.
  type: int
  returned: success
  sample: 0
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"BASE_URL": "http://market.example.com/"}
labels:
  description: Labels of the marketplace.
  type: list
  elements: str
  returned: success
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
    OWNERSHIP,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.marketplace import MARKETPLACE
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **OWNERSHIP,
    **LABELS,
    **TEMPLATE,
    **state("present", "absent"),
    market_mad={"type": "str"},
    description={"type": "str"},
    enabled={"type": "bool"},
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(MARKETPLACE)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
