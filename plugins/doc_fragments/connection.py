# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How to reach OpenNebula: the twin of CONNECTION in plugins/module_utils/_core/argument_specs.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Endpoint of the XML-RPC API, such as V(http://frontend:2633/RPC2). Several, separated by commas, are tried in
        order.
      - Read from the environment if omitted, E(ONE_URL) or E(ONE_XMLRPC).
    type: str
    aliases: [api_endpoint]
  api_username:
    description:
      - Name of the user. Without user and password, C(user:password) is read from the file that E(ONE_AUTH) names, or
        from C(~/.one/one_auth).
      - Read from the environment if omitted, E(ONE_USERNAME).
    type: str
  api_password:
    description:
      - Password of the user, or a token.
      - Read from the environment if omitted, E(ONE_PASSWORD).
    type: str
    aliases: [api_token]
  validate_certs:
    description:
      - Whether to verify the certificate of an C(https) endpoint.
      - Read from the environment if omitted, E(ONE_VALIDATE_CERTS).
    type: bool
    default: true
  ca_path:
    description:
      - File or directory of certificates to trust, instead of those of the system.
      - A revocation list (CRL) in this file, or in the directory after C(openssl rehash), is respected.
      - Read from the environment if omitted, E(ONE_CA_PATH).
    type: path
  client_cert:
    description:
      - File with the certificate to present to the endpoint.
    type: path
  client_key:
    description:
      - File with the key of O(client_cert), unless that holds it too.
    type: path
  timeout:
    description:
      - How long one call may take, in seconds; V(0) for as long as it likes. Two minutes if omitted.
    type: float
  api_retries:
    description:
      - How often a read is repeated after a passing network failure. Twice if omitted.
    type: int
  secret_names:
    description:
      - More names of options and attributes whose values are secrets, which are then shown nowhere, beside those that
        look like passwords, tokens and keys. V(*) is any text, V(?) any character, and upper and lower case are the
        same, as in V(*LICENSE*).
      - V(!) before a name takes it out, as in V(!*START_SCRIPT*), which lets scripts be shown and exported.
      - Read from the environment if omitted, E(ONE_SECRET_NAMES), with commas.
    type: list
    elements: str
  warn_http:
    description:
      - Whether to warn where an endpoint that is not on this machine is reached without encryption.
      - Read from the environment if omitted, E(ONE_WARN_HTTP).
    type: bool
    default: true
  protected_label:
    description:
      - A label. No module removes an object that has it, nor replaces it (creates it again, restores it in place,
        brings it back to a snapshot), also in check mode. Upper and lower case are the same.
      - Take the label away to remove the object, or give an empty text, which protects nothing.
      - Read from the environment if omitted, E(ONE_PROTECTED_LABEL).
    type: str
    default: protected
notes:
  - With a local connection the task runs in the controller's own process, unless it uses C(become), C(async) or an
    C(environment) with other variables than C(ONE_*), or the variable C(one_in_controller) is false. Results are the
    same.
"""

    PLUGIN = r"""
options:
  api_url:
    description:
      - Endpoint of the XML-RPC API, such as V(http://frontend:2633/RPC2). Several, separated by commas, are tried in
        order.
    type: str
    env:
      - name: ONE_URL
      - name: ONE_XMLRPC
    vars:
      - name: ansible_opennebula_api_url
  api_username:
    description:
      - Name of the user. Without user and password, C(user:password) is read from the file that E(ONE_AUTH) names, or
        from C(~/.one/one_auth).
    type: str
    env:
      - name: ONE_USERNAME
    vars:
      - name: ansible_opennebula_api_username
  api_password:
    description:
      - Password of the user, or a token.
    type: str
    env:
      - name: ONE_PASSWORD
    vars:
      - name: ansible_opennebula_api_password
  validate_certs:
    description:
      - Whether to verify the certificate of an C(https) endpoint.
    type: bool
    default: true
    env:
      - name: ONE_VALIDATE_CERTS
    vars:
      - name: ansible_opennebula_validate_certs
  ca_path:
    description:
      - File or directory of certificates to trust, instead of those of the system.
      - A revocation list (CRL) in this file, or in the directory after C(openssl rehash), is respected.
    type: path
    env:
      - name: ONE_CA_PATH
    vars:
      - name: ansible_opennebula_ca_path
  client_cert:
    description:
      - File with the certificate to present to the endpoint.
    type: path
    vars:
      - name: ansible_opennebula_client_cert
  client_key:
    description:
      - File with the key of O(client_cert), unless that holds it too.
    type: path
    vars:
      - name: ansible_opennebula_client_key
  timeout:
    description:
      - How long one call may take, in seconds; V(0) for as long as it likes. Two minutes if omitted.
    type: float
    vars:
      - name: ansible_opennebula_timeout
  api_retries:
    description:
      - How often a read is repeated after a passing network failure. Twice if omitted.
    type: int
    vars:
      - name: ansible_opennebula_api_retries
  secret_names:
    description:
      - More names of options and attributes whose values are secrets, which are then shown nowhere, beside those that
        look like passwords, tokens and keys. V(*) is any text, V(?) any character, and upper and lower case are the
        same, as in V(*LICENSE*).
      - V(!) before a name takes it out, as in V(!*START_SCRIPT*).
    type: list
    elements: str
    env:
      - name: ONE_SECRET_NAMES
    vars:
      - name: ansible_opennebula_secret_names
  warn_http:
    description:
      - Whether to warn where an endpoint that is not on this machine is reached without encryption.
    type: bool
    default: true
    env:
      - name: ONE_WARN_HTTP
    vars:
      - name: ansible_opennebula_warn_http
"""

    FLOW = r"""
options:
  flow_url:
    description:
      - Endpoint of OneFlow, such as V(http://frontend:2474).
      - Read from the environment if omitted, E(ONEFLOW_URL), else from the file C(~/.one/oneflow_endpoint). Without
        these, port 2474 of the host of O(api_url).
      - The user is that of O(api_username), which is also read from E(ONEFLOW_USERNAME) or E(ONEFLOW_USER), as the
        password from E(ONEFLOW_PASSWORD).
    type: str
"""

    FLOW_PLUGIN = r"""
options:
  flow_url:
    description:
      - Endpoint of OneFlow, such as V(http://frontend:2474), for the kinds V(service) and V(service_template).
      - Without it, the file C(~/.one/oneflow_endpoint) counts, else port 2474 of the host of O(api_url).
    type: str
    env:
      - name: ONEFLOW_URL
    vars:
      - name: ansible_opennebula_flow_url
"""
