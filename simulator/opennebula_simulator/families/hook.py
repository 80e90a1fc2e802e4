# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Hooks: what each waits for, a state or a call, and the log of its executions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .. import executions, generic
from ..calls import Call, Method
from ..errors import internal
from ..store import NAMED, Kind, Object, invalid_name, lock, template, text
from ..template import Template
from . import host, image, lifecycle, vnet

STATE, API = "state", "api"
TYPES = (STATE, API)

HOOK = Kind(
    name="HOOK",
    title="hook",
    method="hook",
    root="HOOK",
    layout=(*NAMED, text("TYPE", "type"), lock, template()),
    owned=False,
    unique="pool",
    taken="Hook",
)


def new(name: str, kind: str, body: Template) -> Object:
    return Object(HOOK, name, body, type=kind, records=[])


# ---------------------------------------------------------------- states

# The short forms of ON for VMs.
CONDITIONS = {
    "PROLOG": ("ACTIVE", "PROLOG"),
    "RUNNING": ("ACTIVE", "RUNNING"),
    "SHUTDOWN": ("ACTIVE", "EPILOG"),
    "STOP": ("STOPPED", "LCM_INIT"),
    "DONE": ("DONE", "LCM_INIT"),
    "UNKNOWN": ("ACTIVE", "UNKNOWN"),
}
CUSTOM = "CUSTOM"
VM_STATES = [name for name in lifecycle.STATES if name != "FAILED"]
# Hooks do not tell whether the image that is used is persistent.
IMAGE_STATES = {name: name.removesuffix("_PERS") for name in image.STATES}


def complete_vm(body: Template) -> None:
    """ON becomes STATE and LCM_STATE. Raises Refused."""
    condition = body.pop("ON").upper()
    if condition == CUSTOM:
        names = tuple(body.text(name).upper() for name in ("STATE", "LCM_STATE"))
        for attribute, name, known in zip(("STATE", "LCM_STATE"), names, (VM_STATES, lifecycle.LCM_NAMES), strict=True):
            if name not in known:
                raise internal(f"Wrong {attribute}: {name}")
    elif condition in CONDITIONS:
        names = CONDITIONS[condition]
    else:
        raise internal(f"Unkown state condition: {condition}")
    body.set("STATE", names[0])
    body.set("LCM_STATE", names[1])


def complete_with(known: Iterable[str]) -> Callable[[Template], None]:
    """STATE is one of these. The function raises Refused."""

    def complete(body: Template) -> None:
        state = body.text("STATE").upper()
        if state not in known:
            raise internal(f"Invalid STATE: {state}")
        body.set("STATE", state)

    return complete


def complete_image(body: Template) -> None:
    if "STATE" not in body:
        raise internal("Hook STATE attribute not found or invalid")
    state = body.text("STATE").upper()
    if state not in image.STATES[1:]:
        raise internal(f"Invalid or unkown STATE condition: {state}")
    body.set("STATE", IMAGE_STATES[state])


UNDEFINED = "The {} attribute is not defined or it's invalid."


def check_with(**known: Iterable[str]) -> Callable[[Template], None]:
    """A changed template still names the states. The function raises Refused."""

    def check(body: Template) -> None:
        for attribute, names in known.items():
            name = body.text(attribute).upper()
            if name not in names:
                raise internal(UNDEFINED.format(attribute))
            body.set(attribute, name)

    return check


def check_presence(body: Template) -> None:
    """The server looks no closer: a hook on a state that there is not never runs. Raises Refused."""
    if "STATE" not in body:
        raise internal(UNDEFINED.format("STATE"))
    body.set("STATE", body.text("STATE").upper())


class Resource(NamedTuple):
    """A kind of objects whose states hooks wait for."""

    complete: Callable[[Template], None]  # of a new hook's template
    check: Callable[[Template], None]  # of a changed one
    state_of: Callable[[Object], tuple[str, str]]  # STATE and LCM_STATE of an object
    born: tuple[str, str] = ("INIT", "")


RESOURCES = {
    "VM": Resource(
        complete_vm,
        check_with(STATE=VM_STATES, LCM_STATE=lifecycle.LCM_NAMES),
        lambda vm: (lifecycle.STATES[vm.state], lifecycle.LCM_NAMES[vm.lcm_state]),
        ("INIT", "LCM_INIT"),
    ),
    "HOST": Resource(
        complete_with(host.STATES.values()),
        check_with(STATE=host.STATES.values()),
        lambda one: (host.STATES[one.state], ""),
    ),
    "IMAGE": Resource(complete_image, check_presence, lambda one: (IMAGE_STATES[image.STATES[one.state]], "")),
    "NET": Resource(complete_with(vnet.STATES[1:]), check_presence, lambda network: (vnet.STATES[network.state], "")),
}


def watch(cloud: Any) -> None:
    """Looks at what was changed since the last look, and starts the hooks on the states that are new."""
    for kind, resource in RESOURCES.items():
        pool = cloud[kind]
        while pool.touched:
            obj = pool.get_ro(pool.touched.pop())
            if obj is None:
                continue
            state = resource.state_of(obj)
            if state != (obj.seen_state or resource.born):
                executions.state_changed(cloud, obj, state)
            obj.seen_state = state


# ---------------------------------------------------------------- creation and change


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    kind = body.text("TYPE").lower()
    if kind not in TYPES:
        raise internal(f"Invalid Hook type: {kind}")
    name = body.pop("NAME")
    if invalid_name(name):
        raise internal("Invalid name.")
    return call.allocate(new(name, kind, body), lambda hook: complete(call, hook))


def complete(call: Call, hook: Object) -> None:
    """Raises Refused when the template does not say what to run, and when."""
    body = hook.template
    if not body.text("COMMAND"):
        raise internal("No COMMAND in template for Hook.")
    body.set("REMOTE", "YES" if body.flag("REMOTE") else "NO")
    body.erase("TYPE")
    if hook.type == API:
        if not supported(call, body.text("CALL")):
            raise internal(f"API call does not exist or is not supported: {body.text('CALL')}")
        return
    resource = body.text("RESOURCE")
    if not resource:
        raise internal("RESOURCE attribute is required for STATE hooks.")
    if resource not in RESOURCES:
        raise internal(f"Invalid resource type: {resource}")
    RESOURCES[resource].complete(body)


def supported(call: Call, name: str) -> bool:
    return name in call.cloud.methods and name not in executions.UNPUBLISHED


def normalise(call: Call, hook: Object, body: Template) -> None:
    if not body.text("COMMAND"):
        raise internal("The COMMAND attribute is not defined.")
    if "REMOTE" in body:
        body.set("REMOTE", "YES" if body.flag("REMOTE") else "NO")
    if hook.type == STATE:
        RESOURCES[hook.template.text("RESOURCE")].check(body)
        body.set("RESOURCE", hook.template.text("RESOURCE"))
    elif not supported(call, body.text("CALL")):
        raise internal(UNDEFINED.format("CALL"))


# ---------------------------------------------------------------- the log


def with_log(call: Call, hook: Object, decrypt: bool) -> str:
    return f"<HOOK>{hook.children()}{executions.log(hook.records)}</HOOK>"


def log_info(call: Call, after: int, before: int, hook_id: int, outcome: int) -> str:
    """Executions between two moments (-1 open), of one hook (-1 all), that failed (-1) or did not (1)."""
    if not call.is_admin:
        raise call.unauthorized(on=HOOK.title)
    chosen = [
        record
        for hook in reversed(list(call.pool("HOOK")))
        for record in hook.records
        if (after < 0 or record.timestamp > after)
        and (before < 0 or record.timestamp < before)
        and (hook_id < 0 or hook.oid == hook_id)
        and (outcome not in (-1, 1) or (outcome == 1) == (record.code == 0))
    ]
    return executions.log(chosen)


def retry(call: Call, hook: Object, execution: int) -> None:
    """Once more, with the arguments that it had; -1 is the oldest one kept."""
    record = next((record for record in hook.records if execution in (-1, record.number)), None)
    if record is None:
        raise internal("Invalid HookLog body. Arguments not found.")
    call.cloud.events.after(1, executions.run, call.cloud, hook.oid, record.arguments, record.remote_host, True)


KINDS = [HOOK]
METHODS = [
    Method("one.hook.allocate", "template:string", allocate, needs="CREATE HOOK"),
    generic.delete(HOOK),
    generic.update(HOOK, normalise=normalise),
    generic.rename(HOOK),
    generic.info(HOOK, xml=with_log),
    generic.lock(HOOK),
    generic.unlock(HOOK),
    Method("one.hook.retry", "oid:int, hk_exe_id:int", retry, needs="MANAGE HOOK"),
    generic.pool_info(HOOK),
    Method("one.hooklog.info", "min_ts:int, max_ts:int, hook_id:int, rc_hook:int", log_info, reads=True),
]
