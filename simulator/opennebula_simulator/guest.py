# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The agent in a guest, and the few commands that its system has. A VM of the dummy driver has no guest."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from typing import NamedTuple

from .template import Vector

WITHOUT_GUEST = ("dummy",)  # drivers that never report how a command ended


class Result(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str = ""
    stderr: str = ""


# program -> (arguments, standard input) -> Result
PROGRAMS: dict[str, Callable[[list[str], str], Result]] = {
    "true": lambda arguments, given: Result(0),
    "false": lambda arguments, given: Result(1),
    "echo": lambda arguments, given: Result(0, " ".join(arguments) + "\n"),
    "cat": lambda arguments, given: Result(0, given),
    "exit": lambda arguments, given: Result(int(arguments[0]) % 256 if arguments and arguments[0].isdigit() else 0),
}


def result(command: str, given: str) -> Result:
    """What a shell makes of a command with some standard input."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return Result(2, stderr=f"sh: syntax error: {error}\n")
    if not words:
        return Result(0)
    if words[0] not in PROGRAMS:
        return Result(127, stderr=f"sh: {words[0]}: not found\n")
    return PROGRAMS[words[0]](words[1:], given)


def decoded(given: str) -> str:
    """The standard input that a caller encoded in base64."""
    return base64.b64decode(given).decode("utf-8", "replace")


def report(found: Result) -> Vector:
    """The part of QEMU_GA_EXEC that the driver adds."""
    output = {"STDOUT": found.stdout, "STDERR": found.stderr}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in output.items()}
    return {"STATUS": "DONE", "RETURN_CODE": str(found.code), **encoded}
