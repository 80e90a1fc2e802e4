#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_cloud
short_description: Make a whole OpenNebula cloud as a document declares it
version_added: 1.0.0
description:
  - Creates, changes and removes objects of all kinds, in the order of their references, side by side where possible.
  - There is no state file. What exists is read from the cloud, each pool once, so that a cloud that is as declared
    costs one call for each kind that is declared or referred to.
  - The document is validated before anything is changed. All faults are told at once, each with its place.
  - In check mode the result is the plan. A run executes the same plan.
  - A failure of one object ends neither the task nor the work on the others. What depends on it is skipped.
    The task fails at the end, and the next run continues from there.
  - It runs in the controller, whatever the connection of the host is. With a local connection each object that is done
    is told on standard error, with the count and the time that is left. The variable C(one_progress) with the value
    V(0) turns this off.
  - Names inside of VM templates and virtual network templates may be those of objects that do not exist yet, as
    OpenNebula asks for them when a VM is created. The task warns of those that neither the cloud nor the document has.
options:
  declaration:
    description:
      - The document, a dictionary of kinds, each with a list of objects. The options of an object are those of the
        module for its kind, without those of the connection.
      - The kinds are C(zones), C(groups), C(users), C(acls), C(quota_defaults), C(clusters), C(hosts), C(datastores),
        C(security_groups), C(vnet_templates), C(virtual_networks), C(vdcs), C(marketplaces), C(apps), C(images),
        C(vm_groups), C(templates), C(virtual_routers), C(virtual_machines), C(backup_jobs), C(hooks), C(documents),
        C(service_templates) and C(services). The last two need OneFlow beside OpenNebula.
      - Objects of a kind may have the same name where each says its C(owner), which tells them apart.
    type: dict
  src:
    description:
      - A YAML file with a document, or a directory whose YAML files are read in the order of their names.
      - A relative path is looked for in the folder C(files) of the role and beside the playbook, beside the playbook,
        and in the current directory.
      - Objects of all files and of O(declaration) are taken together. One that is declared twice is refused with
        both places.
    type: path
  state:
    description:
      - V(present) makes the objects as they are declared.
      - V(absent) removes all declared objects, members before what they belong to.
    type: str
    choices: [present, absent]
    default: present
  parallel:
    description:
      - How many objects are created, changed or removed at a time.
    type: int
    default: 8
  prune:
    description:
      - Kinds in which objects that are not declared are removed, as far as O(prune_where) names them.
      - Locked objects, those with the O(protected_label) and those that OpenNebula makes itself are never removed.
    type: list
    elements: str
  prune_where:
    description:
      - Which objects O(prune) may remove. All conditions have to hold.
    type: dict
    suboptions:
      owner:
        description: Name of the owner.
        type: str
      group:
        description: Name of the group.
        type: str
      label:
        description: A label.
        type: str
      name:
        description: A pattern of names, with V(*) and V(?). A pattern that fits every name is refused.
        type: str
  max_remove:
    description:
      - How many objects may be removed at most, by O(prune) or because they are declared absent. The task fails
        before it changes anything when it would remove more.
      - Required with O(prune).
    type: int
  plan_file:
    description:
      - A file for the plan. A check run writes it. A real run reads it, and fails before it changes anything when the
        plan is no longer the same.
    type: path
  report:
    description:
      - A file to write the plan to, as one HTML page that needs nothing else.
    type: path
  wait_timeout:
    description:
      - How long to wait for objects to settle, in seconds, for each step of the work.
    type: int
    default: 300
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.connection.flow
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_export
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Create a small cloud
  privazio.opennebula.one_cloud:
    declaration:
      clusters:
        - name: edge
          datastores: [system, default]
      hosts:
        - name: node1.example.com
          cluster: edge
          im_mad: "{{ one_im_mad | default('kvm') }}"
          vm_mad: "{{ one_vm_mad | default('kvm') }}"
      templates:
        - name: web
          template:
            CPU: 1
            MEMORY: 512

- name: Remove it
  privazio.opennebula.one_cloud:
    state: absent
    declaration:
      clusters:
        - name: edge
          datastores: []
          purge: true
      hosts:
        - name: node1.example.com
      templates:
        - name: web
"""

RETURN = r"""
plan:
  description:
    - The action for each object, in the order of the document.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind.
      type: str
    name:
      description: Its name.
      type: str
    id:
      description: Its id; null when it does not exist yet.
      type: int
    action:
      description: One of V(create), V(update), V(remove) and V(none).
      type: str
    before:
      description:
        - The values that differ, as they are.
      type: dict
    after:
      description:
        - The values that differ, as they will be.
      type: dict
    because:
      description:
        - The reason for the action.
      type: str
    place:
      description: Where it is declared.
      type: str
  sample:
    - kind: cluster
      name: edge
      id: 100
      action: none
      before: {}
      after: {}
      because: ""
      place: "clusters[0]"
summary:
  description: How many objects each action is for.
  returned: success
  type: dict
  sample: {"create": 3, "update": 0, "remove": 0, "none": 12}
faults:
  description: What is wrong with the document, each with its place.
  returned: when the document is not valid
  type: list
  elements: dict
  contains:
    place:
      description: Where, with file and line when it comes from a file.
      type: str
    message:
      description: What is wrong.
      type: str
  sample: [{"place": "hosts[0].cluster", "message": "There is no cluster 'egde'; did you mean 'edge'?"}]
failures:
  description: The objects that could not be made as declared, each with the reason.
  returned: when there are any
  type: list
  elements: dict
  sample: [{"kind": "host", "name": "node1", "place": "hosts[0]", "reason": "Cannot create host node1: ..."}]
skipped:
  description: The objects that were not touched because one that they need has failed.
  returned: when there are any
  type: list
  elements: dict
  sample: [{"kind": "vm", "name": "db", "place": "virtual_machines[0]", "because": "templates[1] has failed"}]
done:
  description: The objects that were created, changed or removed.
  returned: when the cloud was changed
  type: list
  elements: dict
  sample: [{"kind": "cluster", "name": "edge", "id": 100, "action": "create"}]
unplanned:
  description:
    - The objects that had to be changed beside the plan, as OpenNebula changed them together with others.
      It puts a new group into the default VDC, for example.
  returned: when the cloud was changed
  type: list
  elements: dict
  sample: [{"kind": "vdc", "name": "default", "place": "vdcs[0]", "action": "update", "because": "groups differs"}]
diff:
  description: What changes, before and after, by kind and name of the object.
  returned: success
  type: dict
  sample:
    before: {"cluster edge": {"state": "absent"}}
    after: {"cluster edge": {"name": "edge", "state": "present"}}
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  returned: always
  type: int
  sample: 12
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import FLOW_CONNECTION, SHARED

OPTIONS = dict(
    {**SHARED, **FLOW_CONNECTION},
    declaration={"type": "dict"},
    src={"type": "path"},
    state={"type": "str", "choices": ["present", "absent"], "default": "present"},
    parallel={"type": "int", "default": 8},
    prune={"type": "list", "elements": "str"},
    prune_where={
        "type": "dict",
        "options": {name: {"type": "str"} for name in ("owner", "group", "label", "name")},
    },
    max_remove={"type": "int"},
    plan_file={"type": "path"},
    report={"type": "path"},
    wait_timeout={"type": "int", "default": 300},
)
RULES = {
    "required_one_of": [("declaration", "src")],
    "required_by": {"prune": ("prune_where", "max_remove")},
}


def main():
    """The action plugin does all the work; this tells where it is missing."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True, **RULES)
    module.fail_json(msg="The module one_cloud runs in the controller, by the action plugin of the same name.")


if __name__ == "__main__":
    main()
