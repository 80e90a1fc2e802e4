#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_export
short_description: Write a live OpenNebula cloud as a document that declares it
version_added: 1.0.0
description:
  - Reads the objects of a cloud, and returns the document for M(privazio.opennebula.one_cloud) that declares them.
  - The document has what a person would write. Names are in place of ids, defaults are left out, and so is what
    OpenNebula generates.
  - Of the objects that come with OpenNebula it has the clusters of the datastores V(system), V(default) and V(files),
    whether these are enabled, and the quotas of the groups V(users) and V(oneadmin).
  - Declared on the same cloud, the document changes nothing. What would change something is left out of it, and told in
    RV(left_out).
  - Secrets are never written.
  - It runs in the controller, whatever the connection of the host is, and changes nothing but the files of O(dest).
options:
  kinds:
    description:
      - Which kinds to export, as keys of the document. All when omitted, those of OneFlow only where it answers.
    type: list
    elements: str
    choices:
      - zones
      - groups
      - users
      - acls
      - quota_defaults
      - clusters
      - hosts
      - datastores
      - security_groups
      - vnet_templates
      - virtual_networks
      - vdcs
      - marketplaces
      - apps
      - images
      - vm_groups
      - templates
      - virtual_routers
      - virtual_machines
      - backup_jobs
      - hooks
      - documents
      - service_templates
      - services
  document_types:
    description:
      - The types of the documents to export. OpenNebula lists documents of one type at a time, and does not tell which
        types there are, so that none are exported when this is omitted.
    type: list
    elements: int
  owner:
    description:
      - Only objects of the owner with this name.
    type: str
  group:
    description:
      - Only objects of the group with this name.
    type: str
  label:
    description:
      - Only objects with this label.
    type: str
  name:
    description:
      - Only objects whose names fit this pattern, with V(*) and V(?).
    type: str
  dest:
    description:
      - A file for the document. When it is a directory, or ends with V(/), one file is written for each kind.
      - Nothing is written when it is omitted.
    type: path
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_cloud
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Write the whole cloud as one file for each kind
  privazio.opennebula.one_export:
    dest: "{{ playbook_dir }}/site/"

- name: Read the networks that have a label
  privazio.opennebula.one_export:
    kinds: [virtual_networks]
    label: edge
  register: exported

- name: Show them
  ansible.builtin.debug:
    var: exported.declaration.virtual_networks | default([])
"""

RETURN = r"""
declaration:
  description: The document, a dictionary of kinds, each with a list of objects.
  returned: success
  type: dict
  sample: {"clusters": [{"name": "edge"}], "hosts": [{"name": "node1", "cluster": "edge"}]}
left_out:
  description: What the document does not tell, with the reason.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
    what:
      description: The option, or the attribute of its template.
      type: str
    because:
      description: Why.
      type: str
  sample: [{"kind": "user", "name": "ann", "what": "password", "because": "it is a secret"}]
files:
  description: The files that were written, or would be.
  returned: when O(dest) is given
  type: list
  elements: str
  sample: ["site/clusters.yml"]
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  returned: always
  type: int
  sample: 20
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import FLOW_CONNECTION, SHARED

KINDS = (
    "zones groups users acls quota_defaults clusters hosts datastores security_groups vnet_templates virtual_networks "
    "vdcs marketplaces apps images vm_groups templates virtual_routers virtual_machines backup_jobs hooks "
    "documents service_templates services"
).split()
OPTIONS = dict(
    {**SHARED, **FLOW_CONNECTION},
    kinds={"type": "list", "elements": "str", "choices": KINDS},
    document_types={"type": "list", "elements": "int"},
    owner={"type": "str"},
    group={"type": "str"},
    label={"type": "str"},
    name={"type": "str"},
    dest={"type": "path"},
)
RULES: dict = {}


def main():
    """The action plugin does all the work; this tells where it is missing."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.fail_json(msg="The module one_export runs in the controller, by the action plugin of the same name.")


if __name__ == "__main__":
    main()
