# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Roles of services and service templates, and the networks that they refer to."""

from __future__ import annotations

import re
from contextlib import suppress

from .._attributes.capacity import in_numbers
from .._core.failure import Failure, described
from .._core.refusals import undeployed
from .._core.values import canonical, merged_template
from ..pyone import OneException

SHUTDOWN_ACTIONS = ["terminate", "terminate-hard", "shutdown", "shutdown-hard"]
ADJUSTMENT = {
    "type": {"type": "str", "choices": ["CHANGE", "CARDINALITY", "PERCENTAGE_CHANGE"], "required": True},
    "adjust": {"type": "int", "required": True},
    "min_adjust_step": {"type": "int"},
}
ELASTICITY = dict(
    ADJUSTMENT,
    expression={"type": "str", "required": True},
    period_number={"type": "int"},
    period={"type": "int"},
    cooldown={"type": "int"},
)
SCHEDULED = dict(ADJUSTMENT, start_time={"type": "str"}, recurrence={"type": "str"})
# Suboptions of `roles`, of services and of templates alike.
ROLE = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["vm", "vr"]},
    "template": {"type": "str", "aliases": ["template_id"]},
    "cardinality": {"type": "int"},
    "parents": {"type": "list", "elements": "str"},
    "networks": {"type": "list", "elements": "str"},
    "vm_group": {"type": "dict", "options": {"name": {"type": "str"}, "role": {"type": "str"}}},
    "template_contents": {"type": "dict"},
    "user_inputs": {"type": "dict"},
    "user_inputs_values": {"type": "dict"},
    "on_hold": {"type": "bool"},
    "min_vms": {"type": "int"},
    "max_vms": {"type": "int"},
    "cooldown": {"type": "int"},
    "shutdown_action": {"type": "str", "choices": SHUTDOWN_ACTIONS},
    "elasticity_policies": {"type": "list", "elements": "dict", "options": ELASTICITY},
    "scheduled_policies": {
        "type": "list",
        "elements": "dict",
        "options": SCHEDULED,
        "required_one_of": [("start_time", "recurrence")],
        "mutually_exclusive": [("start_time", "recurrence")],
    },
}
NAME = re.compile(r"\w+\Z", re.A)
POLICIES = ("elasticity_policies", "scheduled_policies")


# ---------------------------------------------------------------- the one form of what is given


def canonical_roles(cloud, given):
    """Roles with ids for names, without what was not said.

    Raises:
        Failure: a name is given twice, or what a role names does not exist.
    """
    require_names(given)
    return [_canonical_role(cloud, said(role)) for role in given]


def require_names(given):
    """Raises Failure when roles have names that OneFlow does not take, or one name twice."""
    names = [role["name"] for role in given]
    wrong = next((name for name in names if not NAME.match(name)), None)
    if wrong is not None:
        raise Failure("The option roles (name) takes letters, digits and _, not %r." % wrong)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Failure("The option roles names the role %s twice." % twice)


def require_limits(role):
    """Raises Failure when a role has fewer or more VMs than it may have."""
    number, least, most = role.get("cardinality") or 0, role.get("min_vms"), role.get("max_vms")
    if role.get("type", "vm") != "vm":
        return
    if any(role.get(option) for option in POLICIES) and (least is None or most is None):
        words = "The role %s has policies, and needs min_vms and max_vms: OneFlow scales it between them."
        raise Failure(words % role["name"])
    if (least is None or least <= number) and (most is None or number <= most):
        return
    limit = "min_vms %d" % least if least is not None and number < least else "max_vms %d" % most
    raise Failure("The role %s has cardinality %d, but %s." % (role["name"], number, limit))


def require_parents(roles):
    """Raises Failure when roles wait for others that never come."""
    why = undeployed(roles)
    if why is not None:
        raise Failure("%s%s." % (why[0].upper(), why[1:]))


def said(given):
    """What was given in a dictionary, without the keys that are None, in dictionaries inside of it too."""
    if isinstance(given, dict):
        return {key: said(value) for key, value in given.items() if value is not None}
    return [said(item) for item in given] if isinstance(given, list) else given


def _canonical_role(cloud, role):
    contents = canonical_contents(role["name"], role.pop("template_contents", {}))
    if "template" in role:
        role["template_id"] = _id(cloud, "template", role.pop("template"))
    if "networks" in role:
        contents["NIC"] = [{"NETWORK_ID": "$" + name} for name in role.pop("networks")] + _items(contents.get("NIC"))
    if "vm_group" in role:
        group = role.pop("vm_group")
        contents["VMGROUP"] = {"VMGROUP_ID": str(_id(cloud, "vm_group", group["name"])), "ROLE": group.get("role", "")}
    if contents:
        role["template_contents"] = contents
    if "user_inputs_values" in role:
        role["user_inputs_values"] = texts(role["user_inputs_values"])
    return role


def canonical_contents(name, given):
    """The template contents of a role: names of attributes in capitals, texts as values.

    Raises:
        Failure: they cannot be a template.
    """
    try:
        return in_numbers("template_contents of the role %s" % name, canonical(given))
    except OneException as error:
        raise described(error, "use template_contents of the role %s" % name) from None


def _id(cloud, kind, given):
    item = cloud.reference(kind, given)
    return str(given) if item is None else item.ID


def _items(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def texts(given):
    """Values of user inputs as OneFlow keeps them."""
    return {name: "YES" if value is True else "NO" if value is False else str(value) for name, value in given.items()}


# ---------------------------------------------------------------- roles as they are


def read_role(role):
    """A role of a body in the form of the options, without what OneFlow keeps of its VMs."""
    hidden = ("nodes", "vm_info", "last_vmname", "disposed_nodes", "scale_way", "state")
    found = {key: value for key, value in role.items() if key not in hidden}
    with suppress(OneException, AttributeError):  # made by somebody else, it may be in a form that no option has
        found["template_contents"] = canonical(role.get("template_contents") or {})
    return found


def merged_roles(present, wanted, modes):
    """The roles after the change: each named one has what is wanted of it, the others stay unless they are purged."""
    by_name = {role["name"]: role for role in wanted}
    known = [role["name"] for role in present]
    kept = [role for role in present if role["name"] in by_name or "purge_roles" not in modes.purge]
    found = [merged_role(role, by_name.get(role["name"], {}), modes) for role in kept]
    return found + [new_role(role) for role in wanted if role["name"] not in known]


def merged_role(present, wanted, modes):
    """A role after the change."""
    replace = modes.template == "replace"
    return dict(present, **{key: _merged(key, present.get(key), value, replace) for key, value in wanted.items()})


def _merged(key, present, wanted, replace):
    if key == "template_contents":
        return merged_template(present or {}, wanted, replace)
    if key in POLICIES:
        same_number = len(present or ()) == len(wanted)  # what the autoscaler remembers stays with its policy
        return [dict(before, **after) for before, after in zip(present or (), wanted)] if same_number else wanted
    return merged_texts(present, wanted, replace) if isinstance(wanted, dict) else wanted


def merged_texts(present, wanted, replace):
    """A dictionary after the change: others of its keys stay unless it is replaced."""
    return wanted if replace else dict(present or {}, **wanted)


def new_role(wanted):
    """A role that is yet to be created.

    Raises:
        Failure: it has no VM template.
    """
    if "template_id" not in wanted:
        raise Failure("There is no role %s; to add it, give its template." % wanted["name"])
    return dict({"type": "vm"}, **wanted)


# ---------------------------------------------------------------- networks

# What a service does with a network → the kind of what is named, and the key that OneFlow has for it.
NETWORKS = {
    "network": ("vnet", "id"),
    "template": ("vntemplate", "template_id"),
    "reserve_from": ("vnet", "reserve_from"),
}


def network_of(cloud, name, given):
    """(key, id) of OneFlow for a network that is used, instantiated or reserved from.

    Raises:
        Failure: not exactly one of these is said, or it does not exist.
    """
    ways = [way for way in NETWORKS if given.get(way) is not None]
    if len(ways) != 1:
        raise Failure("The network %s needs one of: %s." % (name, ", ".join(NETWORKS)))
    kind, key = NETWORKS[ways[0]]
    return key, _id(cloud, kind, given[ways[0]])
