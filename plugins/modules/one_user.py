#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_user
short_description: Manage OpenNebula users
version_added: 1.0.0
description:
  - Creates, changes and removes users, their passwords, groups, quotas and login tokens.
  - Options that are omitted are left as they are. A second run changes nothing.
options:
  id:
    description:
      - Id of the user. The API cannot rename users, so a O(name) given with it has to be the name of this user.
      - At least one of O(id) and O(name) is required.
    type: int
  name:
    description:
      - Name of the user.
    type: str
  state:
    description:
      - Whether the user should exist.
    type: str
    choices: [present, absent]
    default: present
  password:
    description:
      - Password, or what the authentication driver uses instead, such as a public key.
      - Required to create a user of the driver V(core). A user of another driver, such as V(ldap) or V(saml), which
        asks somebody else for the password, is created with a random one when this is omitted.
      - It is compared with the value that OpenNebula stores, which for the driver V(core) is a digest.
    type: str
  update_password:
    description:
      - V(always) sets O(password) whenever it differs, V(on_create) only for a new user.
    type: str
    choices: [always, on_create]
    default: always
  auth_driver:
    description:
      - Authentication driver, such as V(core), V(public), V(ssh), V(x509), V(ldap), V(saml) or V(server_cipher).
      - A new user gets V(core) when this is omitted.
    type: str
    aliases: [driver]
  group:
    description:
      - Name or id of the primary group. The user leaves the former primary group, unless O(groups) names it.
      - A new user gets the group C(users) when this is omitted.
    type: str
    aliases: [primary_group]
  groups:
    description:
      - Names or ids of the secondary groups of the user.
    type: list
    elements: str
  purge_groups:
    description:
      - Whether the user leaves secondary groups that O(groups) does not name.
    type: bool
    default: false
  enabled:
    description:
      - Whether the user may log in. Needs OpenNebula 6.0.
    type: bool
  ssh_public_key:
    description:
      - SSH public keys that can log in to the virtual machines of the user, one per line. This is the attribute
        C(SSH_PUBLIC_KEY).
      - An empty text removes them.
    type: str
  login_token:
    description:
      - A login token, which can be used instead of the password.
      - A token that OpenNebula creates is returned only once, as RV(one_auth). Use C(no_log) for such a task.
    type: dict
    suboptions:
      state:
        description:
          - V(present) creates a token unless a matching one is valid.
          - V(absent) removes the token O(login_token.token), or all tokens when that is omitted.
        type: str
        choices: [present, absent]
        default: present
      token:
        description:
          - Text of the token. When omitted, any valid token is accepted, and OpenNebula creates one if there is none.
        type: str
      group:
        description:
          - Name or id of the group that the token is limited to. When omitted, it is valid for all groups of the user.
          - A token for all groups can only be created by a user who is in the same groups.
        type: str
      valid_for:
        description:
          - How long a new token is valid, in seconds; 36000 when omitted, V(-1) for a token that does not expire.
        type: int
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.labels
  - privazio.opennebula.common.template
  - privazio.opennebula.common.quotas
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_user_info
  - module: privazio.opennebula.one_group
  - module: privazio.opennebula.one_quota_defaults
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a user
  privazio.opennebula.one_user:
    name: alice
    password: "{{ alice_password | default('correct-horse') }}"
    group: users
    ssh_public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHlvdXIta2V5 alice@example.com
    template:
      EMAIL: alice@example.com
    quotas:
      vm:
        cpu: 8
        memory: 16384
        running_vms: unlimited
      datastore:
        default:
          size: 102400

- name: Disable the user
  privazio.opennebula.one_user:
    name: alice
    enabled: false

- name: Create a login token for an hour, in the format of the file that ONE_AUTH names
  privazio.opennebula.one_user:
    name: alice
    login_token:
      group: users
      valid_for: 3600
  no_log: true
  register: alice

- name: Remove the user
  privazio.opennebula.one_user:
    name: alice
    state: absent
"""

RETURN = r"""
id:
  description: Id of the user; missing when a check run would create it.
  type: int
  returned: success
  sample: 2
name:
  description: Name of the user.
  type: str
  returned: success
  sample: alice
auth_driver:
  description: Authentication driver.
  type: str
  returned: success
  sample: core
password:
  description: The value that OpenNebula stores, masked.
  type: str
  returned: success
  sample: "********"
group:
  description: Name of the primary group.
  type: str
  returned: success
  sample: users
group_id:
  description: Id of the primary group.
  type: int
  returned: success
  sample: 1
group_ids:
  description: Ids of all groups, the primary one first.
  type: list
  elements: int
  returned: success
  sample: [1, 100]
enabled:
  description: Whether the user may log in.
  type: bool
  returned: success
  sample: true
ssh_public_key:
  description: SSH public keys, one per line.
  type: str
  returned: success
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHlvdXIta2V5 alice@example.com
login_tokens:
  description:
    - Login tokens, each with C(token), which is masked, C(group_id), which is -1 for all groups, and
      C(expiration_time), in seconds since the epoch, -1 for never.
  type: list
  elements: dict
  returned: success
  sample: [{"token": "********", "group_id": 1, "expiration_time": 1795424686}]
one_auth:
  description: Name of the user and the new token, in the format of the file that E(ONE_AUTH) names.
  type: str
  returned: when OpenNebula has created a token
  sample: alice:9d406aec45635e532bc641130bb03e83
quotas:
  description: Limits as in O(quotas), objects by id; limits that nobody has set are left out.
  type: dict
  returned: success
  sample: {"vm": {"cpu": 8, "running_vms": "unlimited"}, "datastore": {"1": {"size": 102400}}}
quotas_used:
  description: How much is used of what can be limited, in the form of RV(quotas); what is not used is left out.
  type: dict
  returned: success
  sample: {"vm": {"cpu": 0.5, "memory": 512, "vms": 1}}
template:
  description: The attributes of the template; values of secret ones are masked.
  type: dict
  returned: success
  sample: {"EMAIL": "alice@example.com"}
labels:
  description: Labels of the user.
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
    QUOTAS,
    TEMPLATE,
    state,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.user import USER
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

OPTIONS = dict(
    IDENTITY,
    **LABELS,
    **TEMPLATE,
    **QUOTAS,
    **state("present", "absent"),
    password={"type": "str", "no_log": True},
    update_password={"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    auth_driver={"type": "str", "aliases": ["driver"]},
    group={"type": "str", "aliases": ["primary_group"]},
    groups={"type": "list", "elements": "str"},
    purge_groups={"type": "bool", "default": False},
    enabled={"type": "bool"},
    ssh_public_key={"type": "str", "no_log": False},
    login_token={
        "type": "dict",
        "no_log": False,
        "options": {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "token": {"type": "str", "no_log": True},
            "group": {"type": "str"},
            "valid_for": {"type": "int"},
        },
    },
)
RULES = {"required_one_of": [("id", "name")]}


def work(module):
    module.ensure(USER)


def main():
    work(OneModule(OPTIONS, **RULES))


if __name__ == "__main__":
    main()
