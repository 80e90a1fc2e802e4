# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Service templates: creation, changes, copies, and the content of services out of them."""

from __future__ import annotations

import json
from typing import Any

from ..store import Object
from . import documents, validator
from .documents import TEMPLATE, Actor
from .errors import Denied, Slip, invalid, missing
from .form import Form, form_of
from .merge import merged, merged_by_position, whole

Parsed = Any  # JSON


def parsed(text: Any) -> Parsed:
    """Raises Denied 400 for what is no JSON; Slip for what is no text."""
    if not isinstance(text, (str, bytes)):
        raise Slip(f"no implicit conversion of {'nil' if text is None else 'Hash'} into String")
    try:
        return json.loads(text)
    except ValueError:
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        raise invalid(f"unexpected token at '{shown}'") from None


def create(actor: Actor, text: bytes) -> Object:
    body = parsed(text)
    validator.validate(body, form_of(actor.cloud))
    body["registration_time"] = actor.cloud.events.time()
    return documents.read(actor, documents.allocate(actor, TEMPLATE, body), TEMPLATE)


def update(actor: Actor, oid: int, text: Any, append: bool = False) -> None:
    """Raises Denied (400 for content, 404, or 500 for what cannot change)."""
    present = documents.body_of(documents.read(actor, oid, TEMPLATE))
    body = parsed(text)
    if not isinstance(body, dict) or (present is None and not append):
        raise missing("[]", body if not isinstance(body, dict) else None)
    given = body.get("registration_time")
    if append:
        immutable = given is not None
        body = merged_top(present, body)
    else:
        body["registration_time"] = present["registration_time"] if given is None else given
        immutable = body["registration_time"] != present["registration_time"]
    if immutable:
        raise Denied("Immutable value: `service_template/registration_time` can not be changed")
    validator.validate(body, form_of(actor.cloud))
    documents.store(actor, oid, body)


def merged_top(present: Any, over: dict) -> dict:
    if present is None:
        raise missing("merge")
    return {**present, **over}


# ---------------------------------------------------------------- copies, and the VM templates of roles


def vm_templates(body: dict, form: Form) -> list[int]:
    return list(dict.fromkeys(whole(role[form.template]) for role in body["roles"]))


def delete(actor: Actor, oid: int, what: Any) -> None:
    """Deletes a template, with the VM templates of its roles ("templates") and their images ("all")."""
    if what and what != "none":
        body = documents.body_of(documents.read(actor, oid, TEMPLATE))
        for number in vm_templates(body, form_of(actor.cloud)):
            actor.call("one.template.info", number)
            actor.call("one.template.delete", number, what == "all")
    documents.delete(actor, oid, TEMPLATE)


def clone(actor: Actor, oid: int, name: Any, recursive: Any) -> Object:
    """A copy; unless recursive is "none" its roles get copies of their VM templates, with "all" of the images, too."""
    try:
        copy = actor.call("one.document.clone", oid, name)
    except Denied as error:
        documents.read(actor, 0, TEMPLATE)  # the server goes on with ID 0
        raise Denied(error.message) from None
    body = documents.body_of(documents.read(actor, copy, TEMPLATE))
    body["registration_time"] = actor.cloud.events.time()
    if recursive != "none":
        copy_vm_templates(actor, body, name, recursive == "all")
    documents.store(actor, copy, body)
    return documents.read(actor, copy, TEMPLATE)


def copy_vm_templates(actor: Actor, body: dict, name: str, images: bool) -> None:
    made: dict[int, int] = {}
    key = form_of(actor.cloud).template
    try:
        for role in body["roles"]:
            number = role[key]
            if number not in made:
                actor.call("one.template.info", number)
                stem = actor.cloud["TEMPLATE"].get_ro(number).name[: 119 - len(name)]
                made[number] = actor.call("one.template.clone", number, f"{stem}-{name}", images)
            role[key] = made[number]
    except Denied:
        for number in made.values():
            actor.tries("one.template.delete", number, images)
        raise


# ---------------------------------------------------------------- instantiation


def content_of_service(body: Any, merge: Any, form: Form) -> dict:
    """The content of a service: a template's, with what the request lays over it. Raises Denied."""
    merge = {} if merge is None else merge
    if not isinstance(body, dict) or not isinstance(merge, dict):
        raise invalid("undefined method `[]' for nil:NilClass")
    translate_values(merge, form)
    demand_inputs(form, body.get(form.inputs), merge.get(form.values))
    for role in body["roles"]:
        demand_role_inputs(form, role, merge.get("roles"))
    with_networks(body.get("networks"), merge)
    return merged_by_position(body, merge) if form.old else laid_over(body, merge)


def translate_values(given: dict, form: Form) -> None:
    """Values as they are called in OpenNebula 6 are taken by OpenNebula 7 too."""
    if not form.old and "custom_attrs_values" in given:
        given[form.values] = given.pop("custom_attrs_values")


def demand_inputs(form: Form, inputs: Any, values: Any) -> None:
    if not inputs:
        return
    if values is None:
        raise invalid(f"The Service template specifies {form.several} but no values have been found")
    if not isinstance(inputs, dict) or not isinstance(values, dict):
        raise invalid(form.format_error)
    if set(inputs) - set(values):
        raise invalid(f"Verify that every {form.one} have its corresponding value defined")


def demand_role_inputs(form: Form, role: dict, given: Any) -> None:
    if role.get(form.inputs) is None:
        return
    if given is None:
        words = f"The Service template specifies {form.of_role} for the role"
        raise invalid(f"{words} {role['name']} but no values have been found")
    if not isinstance(given, list) or not given:
        raise invalid(f"The role {form.of_role} are empty or do not have a valid format")
    own = next((item for item in given if item.get("name") == role["name"]), None)
    if own is None and form.old:
        raise invalid("undefined method `[]' for nil:NilClass")
    if own is not None:
        translate_values(own, form)
        demand_inputs(form, role[form.inputs], own.get(form.values))


def with_networks(networks: Any, merge: dict) -> None:
    """The request gets the values of networks that the template has, and every network has to have one."""
    if networks is None:
        return
    if not isinstance(networks, dict):
        raise invalid("Wrong networks format")
    values = merge.get("networks_values")
    if values is None:
        values = merge["networks_values"] = [{name: default(text)} for name, text in networks.items()]
    if any(not isinstance(item, dict) for item in values):
        raise invalid("Wrong networks_values format")
    for net in (net for item in values for net in item.values() if isinstance(net, dict)):
        net.update({key: text.replace('\\"', "") for key, text in net.items() if isinstance(text, str)})
    if set(networks) - {name for item in values for name in item}:
        raise invalid("Every network key must have its value defined at networks_value")


def default(text: Any) -> dict[str, str]:
    """What "M|network|text||id:3" proposes. Raises Denied."""
    parts = text.split("|") if isinstance(text, str) else []
    if len(parts) < 5:
        raise invalid("Wrong networks format")
    key, dummy, value = parts[4].strip().partition(":")
    return {key: value}


def laid_over(body: dict, merge: dict) -> dict:
    merge = dict(merge)
    if merge.get("networks_values"):
        networks = list(body.get("networks_values") or [])
        for given in filter(None, merge.pop("networks_values")):
            name = next(iter(given))
            place = next((i for i, item in enumerate(networks) if name in item), len(networks))
            networks[place : place + 1] = [given]
        body = {**body, "networks_values": networks}
    if merge.get("roles"):
        over = {role.get("name"): role for role in reversed(merge.pop("roles"))}
        body = {**body, "roles": [merged(role, over.get(role["name"], {})) for role in body["roles"]]}
    return merged(body, merge)
