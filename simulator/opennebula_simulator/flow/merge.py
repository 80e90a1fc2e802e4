# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How contents are laid over each other, written as templates of oned, and translated from the format of 6.x."""

from __future__ import annotations

import copy
import re
from typing import Any

from ..template import Template
from .errors import invalid


def merged(base: dict, over: dict, add_lists: bool = True) -> dict:
    """A new dictionary; objects are merged, lists are put together (objects in them once), all else replaced."""
    found = dict(base)
    for key, value in over.items():
        present = found.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            found[key] = merged(present, value, add_lists)
        elif isinstance(value, list) and isinstance(present, list) and add_lists:
            found[key] = put_together(present + value)
        else:
            found[key] = value
    return copy.deepcopy(found)


def merged_by_position(base: dict, over: dict) -> dict:
    """A new dictionary as OpenNebula 6 makes it: objects in lists are merged with those in their places."""
    found = copy.deepcopy(base)
    for key, value in over.items():
        present = found.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            found[key] = merged_by_position(present, value)
        elif isinstance(value, list) and isinstance(present, list):
            found[key] = by_position(present, value)
        else:
            found[key] = copy.deepcopy(value)
    return found


def by_position(present: list, given: list) -> list:
    """The list given replaces the present one where not all of its items have an object in their places."""
    pairs = list(zip(present, given, strict=False))
    if len(given) > len(present) or not all(isinstance(each, dict) for pair in pairs for each in pair):
        return copy.deepcopy(given) if given else present
    return [merged_by_position(*pair) for pair in pairs] + present[len(given) :]


def put_together(items: list) -> list:
    if not all(isinstance(item, dict) for item in items):
        return items
    return [item for i, item in enumerate(items) if item not in items[:i]]


def of_template(template: Template) -> dict[str, Any]:
    """A template of oned as an object: a list where a name is repeated."""
    found: dict[str, Any] = {}
    for name, value in template:
        item = dict(value) if isinstance(value, dict) else value
        if name not in found:
            found[name] = item
        else:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), item]
    return found


def raw(contents: dict[str, Any]) -> str:
    """An object as text in oned's syntax."""
    lines = []
    for key, value in contents.items():
        for item in value if isinstance(value, list) else [value]:
            lines.append(f"{key} = [{vector(item)}]" if isinstance(item, dict) else f"{key} = {quoted(item)}")
    return "\n".join(lines)


def vector(members: dict[str, Any]) -> str:
    return ",".join(f"{key} = {quoted(value)}" for key, value in members.items())


def quoted(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


# ---------------------------------------------------------------- the format of 6.x

RENAMED = {"custom_attrs": "user_inputs", "custom_attrs_values": "user_inputs_values"}


def from_old_format(body: dict) -> None:
    """Translates in place a service template whose roles are written as in 6.x."""
    for role in body["roles"]:
        role.update(template_id=whole(role.pop("vm_template", None)), type="vm")
        if role.get("custom_attrs") is not None:
            role["user_inputs"] = role.pop("custom_attrs")
        role.pop("custom_attrs_values", None)
        if role.get("vm_template_contents") is not None:
            role["template_contents"] = contents(role.pop("vm_template_contents"))
    for old, new in RENAMED.items():
        if body.get(old) is not None:
            body[new] = body.pop(old)


def whole(value: Any) -> int:
    """A number as the server reads one from the beginning of a text; 0 when there is none."""
    found = re.match(r"\s*[-+]?\d+", str(value))
    return int(found[0]) if found and not isinstance(value, bool) else 0


def contents(text: Any) -> dict[str, Any]:
    """A VM template in oned's syntax as an object; vectors are in lists."""
    if not isinstance(text, str):
        raise invalid("vm_template_contents must be a String")
    found: dict[str, Any] = {}
    for line in re.split(r"\n(?![^\[]*\])", text):
        key, equal, value = (part.strip() for part in line.partition("="))
        if not equal:
            continue
        value = value.replace('"', "")
        item: Any = value
        if value.startswith("[") and value.endswith("]"):
            pairs = (part.partition("=") for part in value[1:-1].split(","))
            item = {name.strip(): inner.strip() for name, dummy, inner in pairs}
        if key in found:
            found[key] = [*(found[key] if isinstance(found[key], list) else [found[key]]), item]
        else:
            found[key] = [item] if isinstance(item, dict) else item
    return found
