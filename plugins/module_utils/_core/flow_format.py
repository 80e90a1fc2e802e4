# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The form in which OneFlow of OpenNebula 6 has services and service templates.

All else knows the form of OpenNebula 7. Source: what OneFlow 6.10.5 answers.
"""

from __future__ import annotations

from contextlib import suppress

from ..pyone import OneException
from ..pyone.template import read, write
from .failure import Failure
from .values import canonical, merged_template

# Keys of OpenNebula 7 → those of OpenNebula 6, of a service or template and of its roles.
BODY = {"user_inputs": "custom_attrs", "user_inputs_values": "custom_attrs_values"}
ROLE = dict(BODY, template_id="vm_template", template_contents="vm_template_contents")
# Of a role, OpenNebula 6 has two: what it calls otherwise is checked, what it calls so reaches the VMs.
VALUES = "user_inputs_values"
# How OneFlow of OpenNebula 6 refuses a role in the form of OpenNebula 7, before it does anything.
REFUSAL = "KEY: 'vm_template' is required"
# Methods whose argument of this number is written in the form of the release.
WRITTEN = {"create": 0, "update": 1, "instantiate": 1, "add_role": 1}


def is_old(document):
    """Whether a document of OneFlow is in the form of OpenNebula 6, where each role has the key vm_template.

    Args:
        document (Document)

    Returns:
        bool: False without roles, when both forms are the same.
    """
    return bool(document.roles) and all(ROLE["template_id"] in role for role in document.roles)


def modernise(document):
    """Puts a document of OneFlow into the form of OpenNebula 7, in place.

    Contents that are no template stay as they are.
    """
    _rename(document.body, {old: new for new, old in BODY.items()})
    for role in document.roles:
        values = dict(role.pop(VALUES, {}), **role.pop(BODY[VALUES], {}))
        _rename(role, {old: new for new, old in ROLE.items()})
        if values:
            role[VALUES] = values
        role.setdefault("type", "vm")
        if "template_contents" in role:
            role["template_contents"] = _attributes(role["template_contents"])


def _attributes(text):
    """The contents of a role; vectors are in lists, as OpenNebula 7 has them."""
    with suppress(OneException, AttributeError):
        return {name: [value] if isinstance(value, dict) else value for name, value in canonical(read(text)).items()}
    return text


def old_form(verb, given):
    """What a method is given, in the form of OpenNebula 6.

    Args:
        verb (str): of WRITTEN.
        given (dict): a body, what is merged into one, or a role.

    Returns:
        dict: a copy.

    Raises:
        Failure: OpenNebula 6 has no roles of that type.
        OneException: the contents of a role cannot be a template.
    """
    if verb == "add_role":
        return _old_role(given)
    found = dict(given)
    if "roles" in found:
        found["roles"] = [_old_role(role) for role in found["roles"]]
    return _rename(found, BODY)


def _old_role(role):
    found = dict(role)
    kind = found.pop("type", "vm")
    if kind != "vm":
        raise Failure("The role %s is of type %s, which OneFlow has from OpenNebula 7.0 on." % (role["name"], kind))
    if isinstance(found.get("template_contents"), dict):
        found["template_contents"] = _text(role)
    values = {VALUES: found[VALUES]} if VALUES in found else {}
    return dict(_rename(found, ROLE), **values)


def _text(role):
    """The contents of a role as text, which OneFlow adds lines to."""
    text = write(role["template_contents"])
    if text.startswith("<"):
        message = (
            "The template_contents of the role %s have a backslash at the end of a value or before a quotation mark"
        )
        raise Failure(message % role["name"] + ", which OneFlow keeps from OpenNebula 7.0 on.")
    return text


def _rename(members, names):
    members.update({new: members.pop(old) for old, new in names.items() if old in members})
    return members


def by_position(template, merge):
    """What is merged into a template, with a role for each of its roles: OpenNebula 6 merges them by their positions.

    Args:
        template (Document): modernised.
        merge (dict): in the form of OpenNebula 7.

    Returns:
        dict: a copy.
    """
    given = {role["name"]: role for role in merge.get("roles", ())}
    if not given:
        return merge
    return dict(merge, roles=[_laid_over(role, given.get(role["name"], {})) for role in template.roles])


def _laid_over(present, role):
    found = dict(role, name=present["name"])
    if "template_contents" in role:
        found["template_contents"] = merged_template(present.get("template_contents") or {}, role["template_contents"])
    return found
