# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that modules share, beside the connection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying the cloud.
  diff_mode:
    support: full
    description: Returns what changes, also in check mode, when in diff mode.
"""

    ACTIONGROUP_ONE = r"""
options: {}
attributes:
  action_group:
    support: full
    membership:
      - privazio.opennebula.one
    description: Use C(group/privazio.opennebula.one) in C(module_defaults) to set the connection once for all modules.
"""

    WAIT = r"""
options:
  wait:
    description:
      - Whether to wait until OpenNebula has carried the change out, and to fail when it fails.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait, in seconds.
    type: int
    default: 300
"""

    IDENTITY = r"""
options:
  id:
    description:
      - Id of the object. With O(name) beside it, the object is renamed.
      - At least one of O(id) and O(name) is required.
    type: int
  name:
    description:
      - Name of the object. A name that several objects have fails the task; give the O(id) then.
    type: str
"""

    TEMPLATE = r"""
options:
  template:
    description:
      - Attributes of the object's template, as a dictionary, or as text in OpenNebula's syntax.
      - Names are not case-sensitive. A vector is a dictionary, a repeated attribute a list of these.
      - Only the attributes that are given are compared; an empty list removes an attribute.
    type: raw
  template_mode:
    description:
      - V(merge) leaves the other attributes of the template alone.
      - V(replace) removes them, but for those that OpenNebula keeps for itself.
    type: str
    choices: [merge, replace]
    default: merge
"""
