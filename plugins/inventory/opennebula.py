# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: opennebula
short_description: The active virtual machines of an OpenNebula cloud, as community.general.opennebula makes them
version_added: 1.0.0
description:
  - A file of the inventory plugin C(community.general.opennebula) works with this one after changing the name of the
    plugin in it. It makes the same hosts, groups and variables. No Python package is needed beside Ansible.
  - It takes the virtual machines whose state is C(ACTIVE).
  - New files are better written for P(privazio.opennebula.one_vms#inventory), which knows more of the virtual machines.
  - The name of the file ends with C(opennebula.yml) or C(opennebula.yaml).
  - An option that does not exist is refused.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
extends_documentation_fragment:
  - privazio.opennebula.connection.plugin
  - privazio.opennebula.inventory.authfile
  - privazio.opennebula.inventory.filters
  - constructed
  - inventory_cache
options:
  plugin:
    description:
      - The name of this plugin.
    type: str
    required: true
    choices: [privazio.opennebula.opennebula]
  hostname:
    description:
      - Where C(ansible_host) comes from, the first IPv4 address or the first global IPv6 address. With V(name), and
        without such an address, it is not set, and Ansible takes the name of the host.
    type: str
    choices: [v4_first_ip, v6_first_ip, name]
    default: v4_first_ip
  filter_by_label:
    description:
      - Take only virtual machines that have this label. It is written as the group of the label is called.
    type: str
  group_by_labels:
    description:
      - Whether to make a group of each label. Blanks and dashes become underscores, other characters that are neither
        letters nor digits are left out.
    type: bool
    default: true
  prefer_existing_ansible_host:
    description:
      - Whether a host that has C(ansible_host) from an earlier inventory source keeps it.
    type: bool
    default: false
  set_name_variable:
    description:
      - Whether hosts have the variable C(name), of which Ansible warns, as it has a meaning of its own in plays.
        Expressions have it in any case.
    type: bool
    default: true
notes:
  - The variables are the attributes of the user template, with C(LABELS) as a list, and C(id), C(name), C(UNAME),
    C(GNAME), C(host), C(v4_first_ip), C(v6_first_ip), C(ansible_host) and C(ansible_port), the attribute C(SSH_PORT).
  - C(-ID) is appended to a name that several virtual machines have, or that means something to Ansible.
seealso:
  - plugin: privazio.opennebula.one_vms
    plugin_type: inventory
  - ref: ansible_collections.privazio.opennebula.docsite.migration
    description: What is different, and how to go on to one_vms.
"""

EXAMPLES = r"""
# cloud.opennebula.yml
plugin: privazio.opennebula.opennebula
api_url: https://one.example.org:2633/RPC2
filter_by_label: Cache

---
# Choose by attributes of the user template
plugin: privazio.opennebula.opennebula
api_url: https://one.example.org:2633/RPC2
filters:
  - include: PROJECT | default('') == 'shop'
  - exclude: true
"""

from ..module_utils._core.data import plain
from ..plugin_utils import inventory
from ..plugin_utils.inventory_facts import text, texts, vectors
from ..plugin_utils.inventory_vms import FACTS, port

ACTIVE = 3  # STATE
OPTIONS = {"port_attribute": "SSH_PORT"}  # of one_vms
CONNECTING = "ansible_"  # a user of the cloud has no say in how Ansible connects


def is_variable(name):
    """Whether an attribute can be a variable."""
    return name.isascii() and name.isidentifier() and not name.startswith(CONNECTING)


def first(member):
    """Fact: the first address of this kind that a NIC has; False when none has one."""

    def found(facts):
        cards = vectors(facts["_template"].get("NIC"))
        return next((text(card.get(member)) for card in cards if card.get(member)), False)

    return found


def group_labels(value):
    """The labels in an attribute LABELS, as their groups are called."""
    kept = "".join(char for char in ",".join(texts(value)) if char in ",-" or char.isalnum() or char.isspace())
    return [label for label in kept.replace(" ", "_").replace("-", "_").split(",") if label]


VARIABLES = {
    "name": lambda facts: facts.item.NAME,
    "id": lambda facts: facts.item.ID,
    "UNAME": lambda facts: facts.item.UNAME,
    "GNAME": lambda facts: facts.item.GNAME,
    "host": lambda facts: facts["one_host"],
    "LABELS": lambda facts: group_labels(facts["_attributes"].get("LABELS")),
    "v4_first_ip": first("IP"),
    "v6_first_ip": first("IP6_GLOBAL"),
}


class InventoryModule(inventory.OneInventory):
    """The active VMs of the VM pool, with the names of community.general.opennebula."""

    NAME = "privazio.opennebula.opennebula"
    SUFFIX = "opennebula"
    FACTS = {**FACTS, **VARIABLES}  # noqa: RUF012
    FILTERS = {"filter_by_label": lambda facts, label: label in facts["LABELS"]}  # noqa: RUF012
    ID, LABEL = "id", "name"

    def _choose(self):
        self.options.update(OPTIONS)
        self.needed = list(VARIABLES)

    def items(self, source):
        return source.pool("vmpool", extended=True, state=ACTIVE)

    def record(self, facts):
        found = {name: value for name, value in plain(facts["one_attributes"]).items() if is_variable(name)}
        found.update((name, facts[name]) for name in self.needed)
        if found["host"] is None:
            del found["host"]
        if port(facts) is not None:
            found["ansible_port"] = port(facts)
        return found

    def hostname(self, record):
        return record["name"]

    def variables(self, record):
        named = self.options["set_name_variable"]
        return record if named else {name: value for name, value in record.items() if name != self.LABEL}

    def group_keys(self, record):
        return [("label", label) for label in record["LABELS"]] if self.options["group_by_labels"] else []

    def group_path(self, word, value):
        return [value]

    def _add(self, name, record, groups):
        super()._add(name, record, groups)
        self._set_address(self.inventory.hosts[name], record.get(self.options["hostname"]))

    def _set_address(self, host, address):
        kept = self.options["prefer_existing_ansible_host"] and "ansible_host" in host.vars
        if self.options["hostname"] != "name" and address and not kept:
            host.set_variable("ansible_host", address)
