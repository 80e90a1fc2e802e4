# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Hooks."""

from __future__ import annotations

import re
from functools import partial

from .._attributes import access, fields, twins
from .._attributes import template as templates
from .._attributes.fields import TemplateField
from .._attributes.labels import labels
from .._attributes.template import content, template
from .._attributes.twins import twin
from .._core.failure import Failure, did_you_mean
from .._core.values import YAML_TRUE
from .._engine.resource import Attribute, Resource, Step, attribute, delete
from ..pyone.methods import METHODS

KIND = "hook"
FIELDS = {
    "command": TemplateField("COMMAND"),
    "arguments": TemplateField("ARGUMENTS"),
    "arguments_stdin": TemplateField("ARGUMENTS_STDIN", fields.flag),
    "remote": TemplateField("REMOTE", fields.flag),
    "timeout_seconds": TemplateField("TIMEOUT", fields.number),
    "call": TemplateField("CALL"),
    "resource": TemplateField("RESOURCE", fields.upper),
    "resource_state": TemplateField("STATE", fields.upper),
    "lcm_state": TemplateField("LCM_STATE", fields.upper),
}
MANAGED = frozenset(field.name for field in FIELDS.values()) | {"TYPE", "ON"}
CREATION = ("NAME", "TYPE", "ON")
TYPES = ("api", "state")
# Calls that OpenNebula does not tell hooks of: reading an object, or a pool.
UNTOLD = re.compile(r"one\.(?!vmpool\.infoset)\w+\.info(extended)?\Z")
CUSTOM = "CUSTOM"  # the value of ON that stands for the attributes STATE and LCM_STATE
# The other values of ON: (STATE, LCM_STATE) of the VM.
CONDITIONS = {
    "PROLOG": ("ACTIVE", "PROLOG"),
    "RUNNING": ("ACTIVE", "RUNNING"),
    "SHUTDOWN": ("ACTIVE", "EPILOG"),
    "STOP": ("STOPPED", "LCM_INIT"),
    "DONE": ("DONE", "LCM_INIT"),
    "UNKNOWN": ("ACTIVE", "UNKNOWN"),
}


def read(cloud, hook):
    """The record of a hook (one.hook.info, or without its log a HOOK of one.hookpool.info)."""
    found = content(hook)
    log = {}
    if hook.HOOKLOG is not None:
        log["executions"] = [execution(cloud, item) for item in hook.HOOKLOG.HOOK_EXECUTION_RECORD]
    return dict(access.locked(hook), **found, **fields.read(FIELDS, found["template"]), type=hook.TYPE, **log)


def execution(cloud, item):
    """One entry of the log. A command may have a whole object in base64 among its arguments, with its secrets."""
    result = item.EXECUTION_RESULT
    said = {"command": result.COMMAND, "stdout": result.STDOUT, "stderr": result.STDERR}
    return {
        "id": item.EXECUTION_ID,
        "time": item.TIMESTAMP,
        "code": int(result.CODE or 0),
        **cloud.secrets.cover(said),
    }


def condition(name, value):
    """The options that a value of ON stands for.

    Raises:
        Failure: OpenNebula does not have it.
    """
    word = twins.text(name, value).upper()
    if word == CUSTOM:
        return {}
    if word not in CONDITIONS:
        known = ", ".join([*CONDITIONS, CUSTOM])
        raise Failure("The attribute ON of the option template has to be one of %s, not %r." % (known, value))
    return dict(zip(("resource_state", "lcm_state"), CONDITIONS[word]))


def canonical_template(cloud, given):
    """The option template; YAML reads the name ON as true, unless it is in quotes."""
    if isinstance(given, dict):
        given = {"ON" if name in YAML_TRUE else name: value for name, value in given.items()}
    return templates.canonical_template(cloud, given)


def canonical_call(cloud, given):
    """An API call that hooks are told of, with the prefix `one.`.

    Raises:
        Failure: there is none of this name.
    """
    text = given.strip()
    found = text if text.startswith("one.") else "one." + text
    if found[4:] not in METHODS:
        calls = ["one." + one for one in METHODS]
        raise Failure("The API call %r does not exist.%s" % (given, did_you_mean(found, calls)), object=KIND)
    if UNTOLD.match(found):
        raise Failure("The API call %r runs no hooks, as it only reads." % given, object=KIND)
    return found


def create(name, wanted, modes):
    """Raises Failure when executions are to be repeated: a new hook has none."""
    if wanted.get("retry"):
        message = "There is no hook %s yet, and so no execution of it: leave out retry."
        raise Failure(message % name, object=KIND, name=name)
    on = {"ON": CUSTOM} if wanted.get("resource") == "VM" else {}
    body = dict(templates.new(name, wanted, modes), TYPE=wanted["type"], **on, **fields.body(FIELDS, wanted))
    return Step("create hook %s" % name, "hook.allocate", (body,))


def needed(wanted):
    """What the event needs that runs the hook; for VMs the state of the life cycle too."""
    if wanted.get("type") == "api":
        return ("type", "command", "call")
    if wanted.get("type") != "state":
        return ("type", "command")
    of_vm = ("lcm_state",) if wanted.get("resource") == "VM" else ()
    return ("type", "command", "resource", "resource_state", *of_vm)


def plan_retry(record, wanted, modes):
    """Each task repeats the executions that it names."""
    what = "repeat execution %d of hook %s"
    steps = [Step(what % (one, record["name"]), "hook.retry", (record["id"], one)) for one in wanted["retry"]]
    return None, wanted["retry"] or None, steps


ATTRIBUTES = fields.attributes(KIND, FIELDS)
ATTRIBUTES["call"] = ATTRIBUTES["call"]._replace(canonical=canonical_call)
HOOK = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    needed=needed,
    twins={**fields.twins(FIELDS), "TYPE": twin("type", twins.chosen(TYPES)), "ON": condition},
    attributes={
        "name": access.rename(KIND),
        "type": attribute("type"),
        **ATTRIBUTES,
        "template": template(KIND, MANAGED, creation=CREATION, canonical=canonical_template),
        "labels": labels(KIND),
        "retry": Attribute(plan_retry, persisted=False),
        **access.lock(KIND),
    },
)
HOOK_WITH_LOG = HOOK._replace(detailed=True)  # pools have no log
