# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Service templates of OneFlow."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes.labels import LABELS, canonical_labels, merged_labels
from .._attributes.relations import clone_of, create_or_clone
from .._core.failure import Failure
from .._core.values import canonical
from .._engine.resource import LAST, Attribute, Reference, Resource, Step, as_given, attribute
from .roles import (
    canonical_roles,
    merged_roles,
    merged_texts,
    network_of,
    new_role,
    read_role,
    require_limits,
    require_parents,
    said,
    texts,
)
from .template import images_of

KIND = "service_template"
# Options that are keys of the content → what they are where it lacks them.
CONTENT: dict = {
    "description": "",
    "deployment": "none",
    "shutdown_action": None,
    "ready_status_gate": False,
    "automatic_deletion": False,
    "on_hold": False,
    "networks": {},
    "user_inputs": {},
    "user_inputs_values": {},
    "roles": [],
}


def read(cloud, item):
    """The record of a service template (a DOCUMENT of OneFlow)."""
    body = item.body
    found = {option: body.get(option, default) for option, default in CONTENT.items()}
    found["roles"] = [read_role(role) for role in item.roles]
    return dict(found, **access.owned(item), labels=item.labels, body=body)


# ---------------------------------------------------------------- content


def merged_content(option, present, wanted, modes):
    """An option of the content after the change."""
    if option == "roles":
        return within_limits(merged_roles(present, wanted, modes))
    if isinstance(wanted, dict):
        return merged_texts(present, wanted, modes.template == "replace")
    return wanted


def within_limits(roles):
    """The roles. Raises Failure when one has fewer or more VMs than it may have."""
    for role in roles:
        require_limits(role)
    return roles


def plan_content(option, record, wanted, modes):
    """One request writes all options of the content, and the name with them."""
    present = record[option]
    after = wanted["name"] if option == "name" else merged_content(option, present, wanted[option], modes)
    if option == "roles" and after != present:
        require_parents(after)
    return present, after, [update(record, wanted, modes)] if after != present else []


def update(record, wanted, modes):
    changed = {
        option: merged_content(option, record[option], wanted[option], modes) for option in CONTENT if option in wanted
    }
    body = dict(record["body"], **changed, name=wanted.get("name", record["name"]))
    return Step("update service template %s" % record["name"], "flow.service_template.update", (record["id"], body))


def content(option, canonical=as_given):
    return Attribute(partial(plan_content, option), canonical)


def canonical_networks(cloud, given):
    """Networks as OneFlow declares them: ``M|network|text||id:3``.

    Raises:
        Failure: what one names does not exist.
    """
    return {
        name: value if isinstance(value, str) else _network(cloud, name, said(value)) for name, value in given.items()
    }


def _network(cloud, name, given):
    unknown = sorted(set(given) - {"network", "template", "reserve_from", "description", "mandatory"})
    if unknown:
        raise Failure("The network %s has no %s." % (name, unknown[0]))
    word = "M" if given.get("mandatory", True) else "O"
    return "%s|network|%s||%s:%s" % (word, given.get("description", ""), *network_of(cloud, name, given))


def canonical_inputs(cloud, given):
    return texts(given)


# ---------------------------------------------------------------- creation and removal


def create(name, wanted, modes):
    body = {option: wanted[option] for option in CONTENT if option in wanted}
    body["roles"] = within_limits([new_role(role) for role in body["roles"]])
    require_parents(body["roles"])
    return Step("create service template %s" % name, "flow.service_template.create", (dict(body, name=name),))


def needed(wanted):
    return (("roles", "clone_of"),)


def recursive(wanted, modes):
    """The argument that says what is copied or removed with the template."""
    return (modes.recursive or "none",)


def remove(cloud, record, wanted, modes):
    """With the mode `recursive` the VM templates are removed too, and their images."""
    if modes.recursive in ("templates", "all"):
        ids = {role.get("template_id") for role in record["roles"]}
        found = [item for item in cloud.pool("template") if item.ID in ids]
        cloud.refuse_kept("template", found)
        if modes.recursive == "all":
            cloud.refuse_kept("image", [one for item in found for one in images_of(cloud, canonical(item.TEMPLATE))])
    what = "remove service template %s" % record["name"]
    return [Step(what, "flow.service_template.delete", (record["id"], *recursive(wanted, modes)))]


# ---------------------------------------------------------------- owner and labels


def label(record, after):
    attributes = {LABELS: ",".join(after)}
    what = "label service template %s" % record["name"]
    return [Step(what, "flow.service_template.update_attributes", (record["id"], attributes))]


def ownership(kind):
    """The Attributes `mode`, `group` and `owner` of a kind of OneFlow; oned is asked for names when they change."""
    return {
        "mode": attribute("mode", partial(access.change_mode, kind), canonical=access.canonical_mode),
        "group": Attribute(partial(_plan_owner, kind, "group", "chgrp")),
        "owner": Attribute(partial(_plan_owner, kind, "user", "chown"), field="owner"),
    }


def _plan_owner(kind, role, verb, record, wanted, modes):
    """`role` is user or group: both are named, or given by their ids."""
    option = {"user": "owner"}.get(role, role)
    given = str(wanted[option])
    if given in (record[option], str(record[role + "_id"])):
        return record[option], record[option], []
    what = "change the %s of %s %s to %s" % (option, kind.replace("_", " "), record["name"], given)
    step = Step(what, "flow.%s.%s" % (kind, verb), (record["id"], Reference(role, given)), phase=LAST)
    return record[option], given, [step]


SERVICE_TEMPLATE = Resource(
    kind=KIND,
    unique=False,
    read=read,
    create=create_or_clone(KIND, create, recursive),
    remove=remove,
    needed=needed,
    attributes={
        "name": content("name"),
        "clone_of": clone_of(KIND),
        "description": content("description"),
        "deployment": content("deployment"),
        "shutdown_action": content("shutdown_action"),
        "ready_status_gate": content("ready_status_gate"),
        "automatic_deletion": content("automatic_deletion"),
        "on_hold": content("on_hold"),
        "networks": content("networks", canonical_networks),
        "user_inputs": content("user_inputs"),
        "user_inputs_values": content("user_inputs_values", canonical_inputs),
        "roles": content("roles", canonical_roles),
        "labels": attribute("labels", label, merged_labels, canonical_labels),
        **ownership(KIND),
    },
)
