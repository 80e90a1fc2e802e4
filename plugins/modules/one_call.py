#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_call
short_description: Call any method of the OpenNebula API
version_added: 1.0.0
description:
  - Calls one method of the XML-RPC API, for what no other module of this collection does.
  - Arguments are checked before anything is sent; a fault names the method's signature.
  - A method that reads never reports a change. One that writes always does, since what it found is not known; use
    C(changed_when), or a module that compares.
  - A method that this collection does not know is sent as it is, and taken for one that writes.
options:
  method:
    description:
      - Name of the method, with or without C(one.) before it.
    type: str
    required: true
  arguments:
    description:
      - Arguments of the method without the session, as a list in the order of the API, or as a dictionary by name.
      - Arguments at the end that the API has a default for may be left out.
      - A template is given as a dictionary or as text.
    type: raw
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
attributes:
  check_mode:
    details:
      - In check mode a method that writes is not called; there is no RV(result) then. The task fails where the
        arguments do not fit, where the release does not have the method or the cloud an object, and where a value, a
        name or a template is one that OpenNebula does not take.
  diff_mode:
    support: none
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Read the release of the cloud
  privazio.opennebula.one_call:
    method: system.version
  register: release

- name: List the VM templates, with arguments by name
  privazio.opennebula.one_call:
    method: templatepool.info
    arguments:
      filter_flag: -2
      start: -1
      end: -1
  register: pool

- name: Say what the cluster is for
  privazio.opennebula.one_call:
    method: one.cluster.update
    arguments: [0, {DESCRIPTION: Everything}, 1]
"""

RETURN = r"""
result:
  description:
    - What the method answered. A number, a text, or the document as a dictionary; values of secret attributes are
      masked.
  type: raw
  returned: when the method was called
  sample: 7.4.0
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 1
"""

import re

from ansible_collections.privazio.opennebula.plugins.module_utils._core.call_refusals import foresee, meant
from ansible_collections.privazio.opennebula.plugins.module_utils._core.data import plain
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure, described
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.signature import bind, parameters, writes

BOOLEANS = {"true": True, "false": False}
OPTIONS = {
    "method": {"type": "str", "required": True},
    "arguments": {"type": "raw"},
}


def native(kind, value):
    """A number or boolean that a template gave as text, as it does before ansible-core 2.19; anything else as it is."""
    if not isinstance(value, str):
        return value
    if kind in ("i", "l") and re.match(r"-?[0-9]+\Z", value):
        return int(value)
    return BOOLEANS.get(value.lower(), value) if kind == "b" else value


def checked(method, given):
    """The arguments in the order of the API.

    Raises:
        Failure: they do not fit the method.
    """
    named = given if isinstance(given, dict) else {}
    listed = given if isinstance(given, list) else []
    if given is not None and given is not named and given is not listed:
        raise Failure("The option arguments takes a list or a dictionary, not %r." % (given,), method=method)
    known = parameters(method) if method in METHODS else []
    kinds = {parameter.name: parameter.kind for parameter in known}
    listed = [native(parameter.kind, value) for parameter, value in zip(known, listed)] + listed[len(known) :]
    named = {name: native(kinds.get("oid" if name == "id" else name), value) for name, value in named.items()}
    try:
        return bind(method, listed, named)
    except OneException as error:
        raise described(error, "call one.%s" % method) from None


def named(method, given):
    """The arguments of a method by their names, as far as they have any: some of them are secrets."""
    if not isinstance(given, list) or method not in METHODS:
        return given
    return {parameter.name: value for parameter, value in zip(parameters(method), given)}


def call(cloud, method, given, applies):
    """The Report of one call."""
    arguments = checked(method, given)
    cloud.refuse_protected(method, arguments)
    if writes(method) and not applies:
        foresee(cloud, method, arguments)
        return Report(True, None, None, {})
    try:
        result = cloud.call("call one.%s" % method, method, *arguments)
    except Failure as failure:
        failure.message += meant(method)
        raise
    return Report(writes(method), None, None, {"result": plain(result)})


def main():
    module = OneModule(OPTIONS)
    method = module.params["method"]
    name = method[4:] if method.startswith("one.") else method
    module.secrets.add(named(name, module.params["arguments"]))
    module.run(lambda cloud: call(cloud, name, module.params["arguments"], module.applies))


if __name__ == "__main__":
    main()
