# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The form in which a release keeps service templates and services: its keys, its words, and how it fills contents.

Compared with a real OneFlow 7.4.0 and 6.10.5.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Form(NamedTuple):
    """The keys of bodies and roles, and what the refusals call them."""

    template: str = "template_id"
    contents: str = "template_contents"
    inputs: str = "user_inputs"
    values: str = "user_inputs_values"
    several: str = "User Inputs"
    one: str = "User Input"
    of_role: str = "user inputs"
    format_error: str = "Wrong User Inputs or User Inputs Values format"
    old: bool = False  # as OpenNebula 6: roles have no type, contents are text, lists are merged by position


NEW = Form()
OLD = Form(
    template="vm_template",
    contents="vm_template_contents",
    inputs="custom_attrs",
    values="custom_attrs_values",
    several="custom attributes",
    one="custom attribute",
    of_role="custom attributes",
    format_error="Wrong custom_attrs or custom_attrs_values format",
    old=True,
)


def form_of(cloud: Any) -> Form:
    return OLD if cloud.release.old_flow else NEW


def fill_text(body: dict, networks: dict[str, Any]) -> None:
    """The text contents of the roles get the ids of networks and the values of their attributes, in place."""
    for role in body["roles"]:
        values = {
            **(body.get(OLD.values) or {}),
            **(role.get(OLD.values) or {}),
            **{name: str(oid) for name, oid in networks.items()},
        }
        if role.get(OLD.contents):
            role[OLD.contents] = filled(role[OLD.contents], values)
        given = role.get("user_inputs_values") or {}
        if given:
            lines = [f'\n{name}="{value}"' for name, value in given.items()]
            role[OLD.contents] = "".join([role.get(OLD.contents) or "", *lines])


def filled(text: str, values: dict[str, Any]) -> str:
    return re.sub(r"\$(\w+)", lambda found: str(values.get(found[1], found[0])), text)
