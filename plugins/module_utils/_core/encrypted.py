# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Attributes that OpenNebula keeps encrypted, and shows to administrators alone in clear text when they ask.

The names are those of ``*_ENCRYPTED_ATTR`` in oned.conf of the releases 6.10 to 7.4; ``VECTOR/NAME`` is a member of a
vector.  An encrypted value is the base64 text of whole blocks of AES.
"""

from __future__ import annotations

import base64

NAMES = {
    "datastore": ("NETAPP_PASS", "PUREFA_API_TOKEN", "RESTIC_PASSWORD"),
    "document": ("PROVISION_BODY",),
    "host": tuple(
        "AZ_CLIENT AZ_SECRET AZ_SUB AZ_TENANT EC2_ACCESS EC2_SECRET NSX_PASSWORD ONE_PASSWORD VCENTER_PASSWORD".split()
    ),
    "template": ("CONTEXT/PASSWORD", "ONEAPP_ONEKS_CLUSTER_SPEC"),
    "user": ("SSH_PASSPHRASE", "SSH_PRIVATE_KEY"),
}
BLOCK = 16  # bytes


def is_hidden(kind, present, given):
    """Whether a template has an encrypted value where another one is given.

    Args:
        kind (str)
        present (dict): the template of the object, in canonical form.
        given (dict): the template that is wanted, in canonical form.
    """
    return bool(_hidden(kind, present, given))


def assumed(kind, present, given):
    """The template of an object, with the values that are given in place of those that are encrypted."""
    found = dict(present)
    for vector, name, value in _hidden(kind, present, given):
        found.update({vector: dict(found[vector], **{name: value})} if vector else {name: value})
    return found


def _hidden(kind, present, given):
    """(vector, name, given value) of each encrypted value where another one is given."""
    found = []
    for path in NAMES.get(kind, ()):
        vector, dummy, name = path.rpartition("/")
        inside, wanted = (present.get(vector), given.get(vector)) if vector else (present, given)
        if not (isinstance(inside, dict) and isinstance(wanted, dict) and name in wanted):
            continue
        if wanted[name] != inside.get(name) and _is_encrypted(inside.get(name)):
            found.append((vector, name, wanted[name]))
    return found


def _is_encrypted(text):
    try:
        size = len(base64.b64decode(text, validate=True))
    except (TypeError, ValueError):
        return False
    return size > 0 and size % BLOCK == 0
