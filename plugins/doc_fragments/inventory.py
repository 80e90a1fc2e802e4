# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that inventories share beside those of the connection; AUTHFILE and FILTERS are for all three."""

from __future__ import annotations


class ModuleDocFragment:
    AUTHFILE = r"""
options:
  api_authfile:
    description:
      - File whose first line is C(user:password), for when O(api_username) and O(api_password) are omitted.
      - If this is omitted too, the file is the one that E(ONE_AUTH) names, or C(~/.one/one_auth).
    type: path
"""

    FILTERS = r"""
options:
  filters:
    description:
      - Expressions that choose by the variables of the inventory. They are tried in order, and the first that is true
        decides. An object that none is true for is taken.
      - An expression that cannot be evaluated is a failure. Use the filter P(ansible.builtin.default#filter) for
        variables that not all have.
    type: list
    elements: dict
    suboptions:
      include:
        description:
          - Take the object if this expression is true.
        type: str
      exclude:
        description:
          - Leave the object out if this expression is true; V(true) leaves out all that no expression before took.
        type: str
"""

    DOCUMENTATION = r"""
options:
  servers:
    description:
      - Several OpenNebulas to read, side by side. Each item has options of the connection, and what it lacks is taken
        from the options of the same name outside. O(api_url) and its environment variables are not needed then.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the variable C(one_server) and groups call it. Host and port of its C(api_url) if omitted.
        type: str
      api_url:
        description:
          - Endpoint of its XML-RPC API.
        type: str
      api_username:
        description:
          - Name of the user.
        type: str
      api_password:
        description:
          - Password of the user, or a token.
        type: str
      api_authfile:
        description:
          - File with C(user:password).
        type: path
      validate_certs:
        description:
          - Whether to verify its certificate.
        type: bool
      ca_path:
        description:
          - Certificates to trust.
        type: path
      client_cert:
        description:
          - Certificate to present.
        type: path
      client_key:
        description:
          - Key of O(servers[].client_cert).
        type: path
      timeout:
        description:
          - How long one call may take, in seconds.
        type: float
      api_retries:
        description:
          - How often a read is repeated.
        type: int
      zones:
        description:
          - Zones of its federation.
        type: list
        elements: str
  zones:
    description:
      - Names of zones of the federation to read, or V(all) of them. Their endpoints are those that OpenNebula knows.
      - Only the zone of O(api_url) is read if omitted.
    type: list
    elements: str
  on_server_error:
    description:
      - What happens when a server or zone cannot be read. V(fail) makes no inventory at all. V(warn) makes one of the
        others, which is not kept in the cache.
    type: str
    choices: [fail, warn]
    default: fail
  facts:
    description:
      - Which variables the hosts get. V(full) is all of them, V(minimal) the id, the state, and how Ansible connects.
        Names of variables can be given alone, or beside V(minimal).
      - A variable that would be empty is not set. Expressions in the file see all variables, empty ones too, whatever
        is chosen here.
      - Fewer variables make large inventories faster and smaller.
    type: list
    elements: str
    default: [full]
  hostname:
    description:
      - What the hosts of the inventory are called, V(name), V(id), V(name-id), or any expression of the variables.
      - C(-ID) is appended to a name that several have, or that means something to Ansible, such as C(localhost), or the
        name of a group. If that is not enough, C(-SERVER) follows. With V(id) and V(name-id), C(-SERVER) always follows
        where O(servers) or O(zones) are read, so that these names do not change when others come.
      - Slashes, line breaks and other control characters in names become underscores.
    type: str
    default: name
  names:
    description:
      - Take only objects with such a name. Patterns as in a shell, where C(*) stands for any text.
    type: list
    elements: str
  labels:
    description:
      - Take only objects that have one of these labels, or one below it. V(prod) takes C(prod/web) too.
    type: list
    elements: str
  clusters:
    description:
      - Take only objects in one of these clusters, by name or id.
    type: list
    elements: str
  attributes:
    description:
      - Take only objects whose template (of virtual machines the user template) has these attributes with these values.
        For one of several values give a list.
    type: dict
"""
