# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a hook is."""

from __future__ import annotations

from .._attributes import access, common
from .._attributes import fields as words
from .._attributes.fields import Word
from .._engine.engine import Attribute, Resource

KIND = "hook"
WORDS = {
    "command": Word("COMMAND"),
    "arguments": Word("ARGUMENTS"),
    "arguments_stdin": Word("ARGUMENTS_STDIN", words.flag),
    "remote": Word("REMOTE", words.flag),
    "timeout_seconds": Word("TIMEOUT", words.number),
    "call": Word("CALL"),
    "resource": Word("RESOURCE", words.upper),
    "resource_state": Word("STATE", words.upper),
    "lcm_state": Word("LCM_STATE", words.upper),
}
MANAGED = frozenset(word.name for word in WORDS.values()) | {"TYPE", "ON"}
CREATION = ("NAME", "TYPE", "ON")


def read(cloud, hook):
    """The record of a hook (one.hook.info, or without its log a HOOK of one.hookpool.info)."""
    content = common.content(hook)
    log = {}
    if hook.HOOKLOG is not None:
        log["executions"] = [execution(item) for item in hook.HOOKLOG.HOOK_EXECUTION_RECORD]
    return dict(
        access.locked(hook),
        **content,
        **words.read(WORDS, content["template"]),
        type=hook.TYPE,
        **log,
    )


def execution(item):
    """One entry of the log."""
    result = item.EXECUTION_RESULT
    return {
        "id": item.EXECUTION_ID,
        "time": item.TIMESTAMP,
        "code": int(result.CODE or 0),
        "command": result.COMMAND,
        "stdout": result.STDOUT,
        "stderr": result.STDERR,
    }


def create(cloud, name, wanted):
    on = {"ON": "CUSTOM"} if wanted.get("resource") == "VM" else {}
    given = dict(wanted.get("template", {}), NAME=name, TYPE=wanted["type"], **on, **words.body(WORDS, wanted))
    return cloud.call("create hook %s" % name, "hook.allocate", given, object=KIND, name=name)


def retry(cloud, oid, after, record):
    for number in after:
        cloud.call("repeat execution %d of hook %s" % (number, record["name"]), "hook.retry", oid, number)


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
    attributes = {
        "name": common.rename(KIND),
        "type": Attribute(),
        **words.attributes(KIND, WORDS),
        "template": common.at_creation(common.template(KIND, replace, MANAGED), CREATION),
        "labels": common.labels(KIND, labels),
        "retry": Attribute(retry, lasting=False),
        **access.lock(KIND),
    }
    return Resource(KIND, read, create, attributes, common.remove(KIND), needed=("type", "command"))
