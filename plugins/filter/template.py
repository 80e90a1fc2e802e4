# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filters one_template and from_one_template."""

from __future__ import annotations

from collections.abc import Mapping

from ansible.errors import AnsibleFilterError

from ..module_utils.pyone import OneException, template
from ..module_utils.pyone.element import REPEATABLE
from ..module_utils.pyone.errors import with_article


def one_template(value):
    """The text of a template that is a dictionary."""
    if not isinstance(value, Mapping):
        raise AnsibleFilterError("one_template takes a dictionary, not %s." % with_article(type(value).__name__))
    try:
        return template.write(value)
    except OneException as error:
        raise AnsibleFilterError("one_template: %s." % error.message.rstrip(".")) from None


def from_one_template(value):
    """The dictionary of a template that is a text."""
    if not isinstance(value, str):
        raise AnsibleFilterError("from_one_template takes a text, not %s." % with_article(type(value).__name__))
    try:
        found = template.read(value)
    except OneException as error:
        raise AnsibleFilterError("from_one_template: %s." % error.message.rstrip(".")) from None
    return {name: [item] if name in REPEATABLE and isinstance(item, dict) else item for name, item in found.items()}


class FilterModule:
    """Filters for OpenNebula's templates."""

    def filters(self):
        return {"one_template": one_template, "from_one_template": from_one_template}
