# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Commands that the agent in a VM's guest carries out (one.vm.exec, OpenNebula 7.2); a VM keeps the last one."""

from __future__ import annotations

import base64
from typing import NamedTuple

from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import canonical, first_vector
from .._engine.resource import LAST, Attribute, Resource, Step, action
from .context import encoded
from .record import KIND
from .states import LIVE

RUNS = frozenset(("running",))
EXECUTING, DONE = "executing", "done"  # words for STATUS; the others are error and cancelled


def read(cloud, item):
    """The record of a VM (one.vm.info): its last command and the result; `status` is empty when there was none."""
    last = first_vector(canonical(item.TEMPLATE or {}), "QEMU_GA_EXEC")
    return {
        "command": last.get("COMMAND", ""),
        "status": last.get("STATUS", "").lower(),
        "rc": _code(last.get("RETURN_CODE", "")),
        "stdout": decoded(last.get("STDOUT", "")),
        "stderr": decoded(last.get("STDERR", "")),
    }


def _code(text):
    """A return code, which is negative where a signal has ended the command; None: there is none."""
    return int(text) if is_whole(text[text.startswith("-") :]) else None


def decoded(text):
    """Output as the guest wrote it; what is no base64 stays as it is."""
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except ValueError:
        return text


class Command(NamedTuple):
    """A command and what its standard input gets."""

    command: str
    stdin: str


def values(params):
    state = params["state"]
    if state == "executed" and not params["command"].strip():
        raise Failure("The option command cannot be empty.", object=KIND)
    return {state: Command(params["command"], params["stdin"]) if state == "executed" else True}


def execute(record, wanted):
    """A new command, whose standard input the guest agent takes encoded, and its end.

    Raises:
        Failure: another command is being executed, whose result would be lost.
    """
    _refuse_busy(record)
    return [_step(record, "execute a command", "vm.exec", wanted.command, encoded(wanted.stdin)), ENDED]


def plan_repetition(record, wanted, modes):
    """The last command once more, and its end.

    Raises:
        Failure: there is none, or it is being executed.
    """
    _refuse_busy(record)
    if not record["status"]:
        raise Failure("VM %s has not executed any command." % record["name"], object=KIND, id=record["id"])
    return None, record["command"], [_step(record, "repeat a command", "vm.retryexec"), ENDED]


def plan_cancel(record, wanted, modes):
    """No command is executed any more."""
    running = record["command"] if record["status"] == EXECUTING else None
    return running, None, [_step(record, "cancel a command", "vm.cancelexec"), ENDED]


def _ended(item):
    return read(None, item)["status"] != EXECUTING


ENDED = Step("end of its command", until=_ended, states=LIVE, phase=LAST)


def _refuse_busy(record):
    if record["status"] == EXECUTING:
        message = "VM %s is executing a command: %s. Let it end, or stop it with state: cancelled."
        raise Failure(message % (record["name"], record["command"]), object=KIND, id=record["id"])


def _step(record, what, method, *arguments):
    arguments = (record["id"], *arguments)
    return Step(what, method, arguments, on="in VM %s" % record["name"], states=RUNS, transient=True)


def command_of(value):
    """What a diff shows of a command."""
    return value.command if isinstance(value, Command) else value


GUEST_EXEC = Resource(
    KIND,
    read,
    {
        "executed": action("executed", execute, shown=command_of),
        "repeated": Attribute(plan_repetition, persisted=False),
        "cancelled": Attribute(plan_cancel, persisted=False),
    },
    values=values,
)


def refuse_failed(item, result, allowed):
    """Raises Failure, with the result in its data, unless a command came to a good end.

    Args:
        item: the VM.
        result (dict): of read().
        allowed (list[int]): return codes that are good.
    """
    if result["status"] == DONE and result["rc"] in allowed:
        return
    said = (result["stderr"] or result["stdout"]).strip()
    how = "ended with return code %(rc)s" if result["status"] == DONE else "did not end by itself (%(status)s)"
    message = "The command in VM %s %s%s" % (item.NAME, how % result, ": " + said if said else ".")
    raise Failure(message, object=KIND, **result)
