# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The schema of service templates and their roles, and the rules that no schema can say.

Keys that the schema does not know are kept. What is wrong is told in the server's words; the first fault is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from . import expressions, recurrence
from .errors import Denied, Slip, invalid, missing
from .form import NEW, OLD, Form
from .merge import from_old_format

Check = Callable[[Any, str], Any]  # the value, and its key for messages -> the value as it is kept


class Key(NamedTuple):
    """One key of an object."""

    kind: str  # as messages call it
    check: Check
    required: bool = False
    default: Any = None

    def refusal(self, name: str, body: dict) -> Denied:
        """Of an object that lacks it."""
        shown = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return invalid(f"Mandatory document key '{name} ({self.kind})' is missing from {shown}")


class OldKey(Key):
    """One key of an object of OpenNebula 6."""

    def refusal(self, name: str, body: dict) -> Denied:
        return wrong(name, "is required")


# ---------------------------------------------------------------- kinds of values


def wrong(key: str, why: str) -> Denied:
    return invalid(f"KEY: '{key}' {why};")


def is_object(value: Any, key: str) -> dict:
    if not isinstance(value, dict):
        raise wrong(key, "must be an Object")
    return value


def is_hash(value: Any, key: str) -> dict:
    """As OpenNebula 6 says it."""
    if not isinstance(value, dict):
        raise invalid(f"KEY: {key} must be a Hash; SCHEMA:")
    return value


def is_array(value: Any, key: str) -> list:
    if not isinstance(value, list):
        raise wrong(key, "must be an Array")
    return value


def array_of(check: Check) -> Check:
    return lambda value, key: [check(item, key) for item in is_array(value, key)]


def is_string(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise wrong(key, "must be a String")
    return value


def matching(pattern: str) -> Check:
    def check(value: Any, key: str) -> str:
        if not re.search(pattern, is_string(value, key), re.MULTILINE | re.ASCII):
            raise wrong(key, f"must match regexp /{pattern}/")
        return value

    return check


def one_of(*words: str) -> Check:
    def check(value: Any, key: str) -> str:
        if is_string(value, key) not in words:
            raise wrong(key, f"must be one of {', '.join(words)}")
        return value

    return check


def boolean(words: str) -> Check:
    def check(value: Any, key: str) -> bool:
        if not isinstance(value, bool):
            raise wrong(key, words)
        return value

    return check


def integer(least: int | None = None) -> Check:
    def check(value: Any, key: str) -> int:
        number = whole(value, key)
        if least is not None and number < least:
            raise wrong(key, f"must be greater than or equal to {least}")
        return number

    return check


def whole(value: Any, key: str) -> int:
    """A number, or a text that the server takes for one: "12", "0x1f", "1_000"."""
    if isinstance(value, (bool, list, dict)):
        shown = str(value).lower() if isinstance(value, bool) else "Array" if isinstance(value, list) else "Hash"
        raise Slip(f"can't convert {shown} into Integer")
    try:
        prefixed = isinstance(value, str) and re.match(r"\s*[-+]?0[xXbBoO]", value)
        return int(value, 0) if prefixed else int(value)
    except ValueError:
        raise wrong(key, "must be an Integer") from None


def keys(table: dict[str, Key], is_one: Check = is_object) -> Check:
    """An object with these keys, in their order; false counts as not there, which nobody notices."""

    def check(value: Any, key: str) -> dict:
        body = is_one(value, key)
        for name, rule in table.items():
            given = body.get(name)
            if given is not None and given is not False:
                body[name] = rule.check(given, name)
            elif rule.required:
                raise rule.refusal(name, body)
            elif rule.default is not None:
                body[name] = rule.default
        return body

    return check


# ---------------------------------------------------------------- the schema

TEXT, OBJECT, BOOLEAN = (
    Key("string", is_string),
    Key("object", is_object),
    Key("boolean", boolean("is not allowed in {:type=>:boolean, :required=>false}")),
)
HASH, OLD_BOOLEAN = Key("object", is_hash), Key("boolean", boolean("is not allowed"))
COUNT = Key("integer", integer(0))
SHUTDOWN = Key("string", one_of("terminate", "terminate-hard", "shutdown", "shutdown-hard"))


NUMBERS = {
    "cardinality": Key("integer", integer(0), default=0),
    "template_id": Key("integer", integer(), required=True),
}


def of_vms(key: type[Key], is_one: Check) -> dict[str, Key]:
    """What roles of VMs have, by the rows and objects of a release."""
    adjustment = {
        "type": key("string", one_of("CHANGE", "CARDINALITY", "PERCENTAGE_CHANGE"), required=True),
        "adjust": key("integer", integer(), required=True),
        "min_adjust_step": Key("integer", integer(1)),
    }
    elasticity = {
        **adjustment,
        "period_number": COUNT,
        "period": COUNT,
        "expression": key("string", is_string, required=True),
        "cooldown": COUNT,
    }
    scheduled = {**adjustment, "start_time": TEXT, "recurrence": TEXT}
    return {
        "shutdown_action": SHUTDOWN,
        "min_vms": COUNT,
        "max_vms": COUNT,
        "cooldown": COUNT,
        "elasticity_policies": Key("array", array_of(keys(elasticity, is_one))),
        "scheduled_policies": Key("array", array_of(keys(scheduled, is_one))),
    }


def role_schema(kind: str, first: str) -> dict[str, Key]:
    """What roles of both types have, with the type that this one has; which of the numbers is looked at first."""
    return {
        "name": Key("string", matching(r"^\w+$"), required=True),
        "type": Key("string", one_of(kind), required=True),
        first: NUMBERS[first],
        **NUMBERS,
        "template_contents": OBJECT,
        "user_inputs": OBJECT,
        "user_inputs_values": OBJECT,
        "parents": Key("array", array_of(is_string)),
        "on_hold": BOOLEAN,
    }


ROLE = {
    "vm": keys(
        {
            **role_schema("vm", "cardinality"),
            **of_vms(Key, is_object),
        }
    ),
    "vr": keys(role_schema("vr", "template_id")),
}
TEMPLATE = keys(
    {
        "name": Key("string", is_string, required=True),
        "deployment": Key("string", one_of("none", "straight"), default="none"),
        "description": Key("string", is_string, default=""),
        "shutdown_action": SHUTDOWN,
        "roles": Key("array", is_array, required=True),
        "user_inputs": OBJECT,
        "user_inputs_values": OBJECT,
        "ready_status_gate": BOOLEAN,
        "automatic_deletion": BOOLEAN,
        "networks": OBJECT,
        "networks_values": Key("array", array_of(is_object)),
        "on_hold": BOOLEAN,
    }
)
OLD_ROLE = keys(
    {
        "name": OldKey("string", matching(r"^\w+$"), required=True),
        "cardinality": NUMBERS["cardinality"],
        OLD.template: OldKey("integer", integer(), required=True),
        OLD.contents: TEXT,
        OLD.inputs: HASH,
        OLD.values: HASH,
        "parents": Key("array", array_of(is_string)),
        "on_hold": OLD_BOOLEAN,
        **of_vms(OldKey, is_hash),
    },
    is_hash,
)
OLD_TEMPLATE = keys(
    {
        "name": OldKey("string", is_string, required=True),
        "deployment": Key("string", one_of("none", "straight"), default="none"),
        "description": Key("string", is_string, default=""),
        "shutdown_action": SHUTDOWN,
        "roles": OldKey("array", array_of(OLD_ROLE), required=True),
        OLD.inputs: HASH,
        OLD.values: HASH,
        "ready_status_gate": OLD_BOOLEAN,
        "automatic_deletion": OLD_BOOLEAN,
        "networks": HASH,
        "networks_values": Key("array", array_of(is_hash)),
        "on_hold": OLD_BOOLEAN,
    },
    is_hash,
)


def validate(body: Any, form: Form) -> None:
    """Checks a service template and completes it in place. Raises Denied, Slip."""
    if form.old:
        OLD_TEMPLATE(body, "")
    else:
        validate_new(body)
    names = [role["name"] for role in body["roles"]]
    for i, role in enumerate(body["roles"]):
        if role["name"] in names[i + 1 :]:
            raise invalid(f"Role name '{role['name']}' is repeated")
        rules = vm_rules if form.old else RULES[role["type"]]
        rules(role, f"Role '{role['name']}'")


def validate_new(body: Any) -> None:
    """What OpenNebula 7 asks of each key. Raises Denied, Slip."""
    if not isinstance(body, dict):
        raise missing("key?", body)
    if old_format(body):
        from_old_format(body)
    TEMPLATE(body, "")
    for role in body["roles"]:
        validate_role(role, NEW)


def old_format(body: dict) -> bool:
    """Whether all roles are written as in 6.x."""
    roles = body.get("roles", False)
    if roles is False or isinstance(roles, dict):
        return False
    if not isinstance(roles, list):
        raise missing("all?", roles)
    for role in roles:
        if not isinstance(role, dict):
            raise missing("key?", role)
    return all("vm_template" in role or "vm_template_contents" in role for role in roles)


def validate_role(role: Any, form: Form) -> None:
    """Raises Denied, Slip."""
    if form.old:
        OLD_ROLE(role, "")
        return
    if not isinstance(role, dict):
        raise missing("fetch", role)
    kind = role.get("type", "vm")
    if not isinstance(kind, str) or kind not in ROLE:
        raise invalid(f"Unsupported role type {json.dumps(kind)}")
    ROLE[kind](role, "")


# ---------------------------------------------------------------- what no schema can say


def vm_rules(role: dict, this: str) -> None:
    cardinality, least, most = role["cardinality"], role.get("min_vms"), role.get("max_vms")
    policies = [role.get(name) or [] for name in ("elasticity_policies", "scheduled_policies")]
    if least is not None and least > cardinality:
        raise invalid(f"{this} 'cardinality' must be greater than or equal to 'min_vms'")
    if most is not None and most < cardinality:
        raise invalid(f"{this} 'cardinality' must be lower than or equal to 'max_vms'")
    if any(policies) and (least is None or most is None):
        words = "with  'elasticity_policies' or 'scheduled_policies'must define both 'min_vms' and 'max_vms'"
        raise invalid(f"{this} {words}")
    for i, policy in enumerate(policies[0]):
        elasticity_rules(policy, f"{this}, elasticity policy #{i}")
    for i, policy in enumerate(policies[1]):
        schedule_rules(policy, f"{this}, scheduled policy #{i}")


def elasticity_rules(policy: dict, this: str) -> None:
    if not policy["expression"]:
        raise invalid(f"{this} 'expression' cannot be empty")
    try:
        expressions.parse(policy["expression"])
    except expressions.Malformed as error:
        raise invalid(f"{this} 'expression' parse error: {error}") from None


def schedule_rules(policy: dict, this: str) -> None:
    start, recurrent = policy.get("start_time"), policy.get("recurrence")
    if start is not None and recurrent is not None:
        raise invalid(f"{this} must define 'start_time' or 'recurrence', but not both")
    if start is not None and recurrence.moment(start) is None:
        form = "Try with YYYY-MM-DD hh:mm:ss or 0YYY-MM-DDThh:mm:ssZ"
        raise invalid(f"{this} 'start_time' is not a valid Time. {form}")
    if recurrent is not None and recurrence.cron(recurrent) is None:
        raise invalid(f"{this} 'recurrence' is not a valid cron expression")
    if start is None and recurrent is None:
        raise invalid(f"{this} needs to define either 'start_time' or 'recurrence'")


def router_rules(role: dict, this: str) -> None:
    nics = role.get("template_contents", {}).get("NIC")
    if not isinstance(nics, list) or role["cardinality"] <= 1:
        return
    if not any(str(key).startswith("FLOATING") for nic in nics if isinstance(nic, dict) for key in nic):
        raise invalid(f"{this} with 'cardinality' greather than one must define a floating IP")


RULES = {"vm": vm_rules, "vr": router_rules}
