# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Each shared option once; the twins of plugins/doc_fragments."""

from __future__ import annotations

from ansible.module_utils.basic import env_fallback

from ..pyone.depth import DEEPEST, too_deep
from .failure import Failure

CONNECTION: dict = {
    "api_url": {"type": "str", "aliases": ["api_endpoint"], "fallback": (env_fallback, ["ONE_URL", "ONE_XMLRPC"])},
    "api_username": {"type": "str", "fallback": (env_fallback, ["ONE_USERNAME"])},
    "api_password": {
        "type": "str",
        "aliases": ["api_token"],
        "no_log": True,
        "fallback": (env_fallback, ["ONE_PASSWORD"]),
    },
    "validate_certs": {"type": "bool", "default": True, "fallback": (env_fallback, ["ONE_VALIDATE_CERTS"])},
    "ca_path": {"type": "path", "fallback": (env_fallback, ["ONE_CA_PATH"])},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "timeout": {"type": "float"},
    "api_retries": {"type": "int"},
    "secret_names": {
        "type": "list",
        "elements": "str",
        "fallback": (env_fallback, ["ONE_SECRET_NAMES"]),
        "no_log": False,
    },
    "warn_http": {"type": "bool", "default": True, "fallback": (env_fallback, ["ONE_WARN_HTTP"])},
}

# What all modules take, and plugins do not.
PROTECTION: dict = {
    "protected_label": {"type": "str", "default": "protected", "fallback": (env_fallback, ["ONE_PROTECTED_LABEL"])},
}
SHARED = {**CONNECTION, **PROTECTION}  # options of all modules

FLOW_CONNECTION = dict(
    CONNECTION,
    flow_url={"type": "str", "fallback": (env_fallback, ["ONEFLOW_URL"])},
    api_username={"type": "str", "fallback": (env_fallback, ["ONE_USERNAME", "ONEFLOW_USERNAME", "ONEFLOW_USER"])},
    api_password=dict(CONNECTION["api_password"], fallback=(env_fallback, ["ONE_PASSWORD", "ONEFLOW_PASSWORD"])),
)

WAIT = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}

TEMPLATE = {
    "template": {"type": "raw"},
    "template_mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
}

IDENTITY = {
    "id": {"type": "int"},
    "name": {"type": "str"},
}

VM = dict(IDENTITY)  # which VM; nothing is renamed

POWER = {
    "allow_poweroff": {"type": "bool", "default": False},
    "hard": {"type": "bool", "default": False},
}

# When a scheduled action is carried out; its documentation stands in each module, among its other suboptions.
SCHEDULE = {
    "time": {"type": "str", "required": True},
    "repeat": {"type": "str", "choices": ["hourly", "weekly", "monthly", "yearly"]},
    "days": {"type": "list", "elements": "int"},
    "end_after": {"type": "int"},
    "end_at": {"type": "str"},
}

OWNERSHIP = {
    "owner": {"type": "str", "aliases": ["owner_id"]},
    "group": {"type": "str", "aliases": ["group_id"]},
    "mode": {"type": "str"},
}

LOCK = {"lock": {"type": "str", "choices": ["none", "use", "manage", "admin"]}}

LABELS = {
    "labels": {"type": "list", "elements": "str"},
    "labels_mode": {"type": "str", "choices": ["exact", "add", "remove"], "default": "exact"},
}

COPY = {"clone_of": {"type": "str"}}

QUOTAS = {
    "quotas": {"type": "dict"},
    "purge_quotas": {"type": "bool", "default": False},
}

UNOWNED = {
    "ids": {"type": "list", "elements": "int", "aliases": ["id"]},
    "name": {"type": "str"},
    "labels": {"type": "list", "elements": "str"},
}

SELECTION = dict(UNOWNED, owner={"type": "str"}, group={"type": "str"})

# Options that are numbers → the least that they may be.
LEAST = {
    "api_retries": 0,
    "cardinality": 0,
    "cooldown": 0,
    "disk": 0,
    "end_after": 0,
    "increment": 0,
    "keep": 1,
    "keep_last": 0,
    "max_age": 0,
    "max_remove": 0,
    "max_vms": 0,
    "min_adjust_step": 1,
    "min_vms": 0,
    "parallel": 1,
    "period": 0,
    "period_number": 0,
    "plan_timeout": 0,
    "timeout": 0,
    "wait_timeout": 0,
}


def require_least(params, where=""):
    """Raises Failure when an option is less than it may be, also one of the items of a list.

    Args:
        params (dict)
        where (str): the option whose item `params` is; empty: none.
    """
    for option, value in params.items():
        least = LEAST.get(option)
        if least is not None and isinstance(value, (int, float)) and value < least:
            name = "%s (%s)" % (where, option) if where else option
            raise Failure("The option %s takes a number from %d, not %s." % (name, least, value))
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict):
                require_least(item, option)


def refuse_deep(params):
    """Raises Failure when the value of an option is nested more deeply than anything in OpenNebula."""
    for option, value in params.items():
        if too_deep(value):
            raise Failure("The option %s takes at most %d levels of nesting." % (option, DEEPEST))


def as_said(params, spec):
    """The options of a task without those that are null, and with words as the choices have them.

    An option that is null is one that is not given, as with `default(omit)`: ansible-core would refuse it where it has
    choices, and count it as given where one of several is required.  OpenNebula itself writes VM, TCP and RUNNING.

    Args:
        params (dict): as they are given; options that the specification does not have stay.
        spec (dict): argument specification.
    """
    found = {name: value for name, value in params.items() if value is not None}
    for name, option in spec.items():
        for given in {name, *option.get("aliases", ())} & set(found):
            found[given] = _in_choices(found[given], option)
    return found


def _in_choices(value, option):
    if isinstance(value, list):
        return [_in_choices(one, option) for one in value]
    if isinstance(value, dict) and option.get("options"):
        return as_said(value, option["options"])
    known = [one for one in option.get("choices", ()) if isinstance(one, str)]
    if not isinstance(value, str) or value in known or not known:
        return value
    parts = value.split(",") if option.get("type") == "list" else [value]
    return ",".join(next((one for one in known if one.lower() == part.strip().lower()), part) for part in parts)


def state(*choices):
    """The option `state`; the first choice is the default."""
    return {"state": {"type": "str", "choices": list(choices), "default": choices[0]}}
