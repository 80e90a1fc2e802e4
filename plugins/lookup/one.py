# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: one
short_description: Objects of an OpenNebula cloud
version_added: 1.0.0
description:
  - Returns the objects of the named kinds that match the options, each as the module for its kind returns it.
  - C(lookup) returns one object as a dictionary and several as a list, C(query) always returns a list.
  - It runs on the controller and uses the credentials that are available there.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
extends_documentation_fragment:
  - privazio.opennebula.connection.plugin
  - privazio.opennebula.connection.flow_plugin
  - privazio.opennebula.common.selection
options:
  _terms:
    description:
      - Kinds of objects, such as V(image), V(template), V(host) or V(service).
    type: list
    elements: str
    required: true
notes:
  - It fails when O(name) is not a regular expression and no object or several objects have this name. Other options
    that no object matches give an empty list.
"""

EXAMPLES = r"""
- name: Show the state of a datastore's images
  ansible.builtin.debug:
    msg: "{{ query('privazio.opennebula.one', 'image') | map(attribute='image_state') }}"

- name: Show the id of a cluster
  ansible.builtin.debug:
    msg: "{{ lookup('privazio.opennebula.one', 'cluster', name='default').id }}"
"""

RETURN = r"""
_list:
  description: The objects, in order of kinds and ids.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleLookupError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._core.argument_specs import FLOW_CONNECTION, SELECTION, refuse_deep
from ..module_utils._core.cloud import Cloud, secrets_of
from ..module_utils._core.failure import Failure
from ..module_utils._core.flow import Clients
from ..module_utils._engine.info import records
from ..module_utils._kinds.registry import RESOURCES, unknown
from ..plugin_utils.declaration.options import plain
from ..plugin_utils.plugin_options import refuse_unknown, refuse_values


class LookupModule(LookupBase):
    """Objects by kind and options."""

    def run(self, terms, variables=None, **kwargs):
        """The records of the kinds `terms`.

        Raises:
            AnsibleLookupError: one sentence: what, where, what to do.
        """
        try:
            refuse_deep({"_terms": terms, **kwargs})
            refuse_unknown(kwargs, list(self.option_definitions), "The lookup one")
            refuse_values(kwargs, self.option_definitions, variables or {})
            self.set_options(var_options=variables, direct=kwargs)
            options = selection({name: self.get_option(name) for name in SELECTION})
        except Failure as failure:
            raise AnsibleLookupError(failure.message) from None
        connection = {name: self.get_option(name) for name in FLOW_CONNECTION}
        secrets = secrets_of(connection)
        try:
            with Clients(connection, read_only=True, warn=Display().warning) as clients:
                cloud = Cloud(clients, secrets=secrets)
                return [record for kind in terms for record in found(cloud, kind, options)]
        except Failure as failure:
            raise AnsibleLookupError(secrets.message(failure.message)) from None


def selection(options):
    """The options that choose objects, as modules take them: Ansible does not look into the lists of a lookup.

    Raises:
        Failure: an item is of another type.
    """
    result = ArgumentSpecValidator(SELECTION).validate(plain(options))
    if result.error_messages:
        raise Failure("%s." % result.error_messages[0].rstrip("."))
    return result.validated_parameters


def found(cloud, kind, options):
    """The masked records of a kind.

    Raises:
        Failure: there is no such kind; no object, or more than one, has a name that is given exactly.
    """
    if not isinstance(kind, str) or kind not in RESOURCES:
        raise unknown(kind)
    name = options["name"]
    if name is not None and not name.startswith("~"):
        cloud.reference(kind, name)
    return cloud.secrets.shown(records(cloud, RESOURCES[kind], options))
