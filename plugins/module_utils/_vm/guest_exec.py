# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Commands that the agent in a VM's guest carries out (one.vm.exec, OpenNebula 7.2); a VM keeps the last one."""

from __future__ import annotations

import base64

from .._core.failure import Failure
from .._core.values import canonical
from . import resource as vm
from .transitions import Step, Until

RUNS = frozenset(("running",))
UNKNOWN_METHOD = -506  # XML-RPC fault of releases that do not have a method
EXECUTING, DONE = "executing", "done"  # words for STATUS; the others are error and cancelled


def read(item):
    """The last command of a VM (one.vm.info) and its result; `status` is empty when there was none."""
    last = canonical(item.TEMPLATE or {}).get("QEMU_GA_EXEC") or {}
    code = last.get("RETURN_CODE", "")
    return {
        "command": last.get("COMMAND", ""),
        "status": last.get("STATUS", "").lower(),
        "rc": int(code) if code.lstrip("-").isdigit() else None,
        "stdout": decoded(last.get("STDOUT", "")),
        "stderr": decoded(last.get("STDERR", "")),
    }


def decoded(text):
    """Output as the guest wrote it; what is no base64 stays as it is."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return text


def execute(cloud, item, command, stdin):
    """Legs of a journey.Journey: a new command, and its end.

    Raises:
        Failure: another command is being executed, whose result would be lost.
    """
    _refuse_busy(item)
    return [_step(cloud, item, "execute a command", "vm.exec", command, stdin), ENDED]


def repeat(cloud, item):
    """Legs of a journey.Journey: the last command once more, and its end.

    Raises:
        Failure: there is none, or it is being executed.
    """
    _refuse_busy(item)
    if not read(item)["status"]:
        raise Failure("VM %s has not executed any command." % item.NAME, object=vm.KIND, id=item.ID)
    return [_step(cloud, item, "repeat a command", "vm.retryexec"), ENDED]


def cancel(cloud, item):
    """Legs of a journey.Journey: no command is executed any more; none when that is so."""
    if read(item)["status"] != EXECUTING:
        return []
    return [_step(cloud, item, "cancel a command", "vm.cancelexec"), ENDED]


ENDED = Until("end of its command", lambda seen: read(seen)["status"] != EXECUTING)


def _refuse_busy(item):
    last = read(item)
    if last["status"] == EXECUTING:
        message = "VM %s is executing a command: %s. Let it end, or stop it with state: cancelled."
        raise Failure(message % (item.NAME, last["command"]), object=vm.KIND, id=item.ID)


def _step(cloud, item, what, method, *arguments):
    def run():
        try:
            cloud.call("%s in VM %s" % (what, item.NAME), method, item.ID, *arguments, object=vm.KIND, id=item.ID)
        except Failure as failure:
            if failure.data.get("code") == UNKNOWN_METHOD:
                failure.message = "Cannot %s in VM %s: this needs OpenNebula 7.2 or newer." % (what, item.NAME)
            raise

    return Step(what, RUNS, run, still=False)


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
    raise Failure(message, object=vm.KIND, id=item.ID, changed=True, **result)
