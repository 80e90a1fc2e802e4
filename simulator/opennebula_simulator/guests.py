# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Guests that run commands for real, on this machine, each in a directory of its own. Only when --guests asks for it.

The way of a command is that of OpenNebula 7.4 with KVM. Its drivers write command and standard input into one command
line, which two shells read, split the command twice, and give the words to the guest agent, which starts no shell.
"""

from __future__ import annotations

import base64
import binascii
import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

LONGEST = 128 * 1024  # bytes of one argument of a program on Linux: the drivers' command line is one
AROUND = 512  # bytes of that command line beside command and standard input
LARGEST_REPORT = 48 * 1024  # bytes of output that one UDP datagram carries, compressed and in base64 twice
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # PATH of the agent, as systemd has it


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: bytes


class Output(NamedTuple):
    """Files that the output of a command goes to."""

    stdout: IO[bytes]
    stderr: IO[bytes]

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()


class Process(NamedTuple):
    """A command that runs."""

    popen: subprocess.Popen[bytes]
    output: Output


def words_of(command: str) -> list[str]:
    """The words that reach the agent. Raises ValueError for a command that does not get through the drivers."""
    if "'" in command or "\n" in command:
        raise ValueError("the drivers' command line is broken by a quote or a new line")
    words = shlex.split(" ".join(shlex.split(command)))
    if not words:
        raise ValueError("no command")
    return words


def input_of(command: str, given: str) -> bytes:
    """The standard input, which callers encode in base64. Raises ValueError when it does not get through."""
    if AROUND + len(command) + len(given) > LONGEST:
        raise ValueError("the drivers' command line is too long")
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        raise ValueError("the standard input is no base64") from None


def launch(words: list[str], entered: bytes, home: Path, output: Output) -> subprocess.Popen[bytes]:
    """Starts a program as the agent does: with few variables, and what it reads at hand."""
    with tempfile.TemporaryFile() as stdin:
        stdin.write(entered)
        stdin.seek(0)
        return subprocess.Popen(
            words,
            cwd=home,
            env={"PATH": SEARCHED, "HOME": str(home), "TMPDIR": str(home / "tmp")},
            stdin=stdin,
            stdout=output.stdout,
            stderr=output.stderr,
            start_new_session=True,
        )


class Guests:
    """The guests below a directory. A guest runs one command at a time, as the server takes care of."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()  # commands run in directories below it
        self._running: dict[int, Process] = {}

    def start(self, oid: int, command: str, given: str) -> None:
        """Starts a command in the guest of a VM. Raises ValueError or OSError when it cannot be started."""
        words, entered = words_of(command), input_of(command, given)
        self.kill(oid)  # one that was cancelled before it began
        home = self.root / f"vm-{oid}"
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        output = Output(tempfile.TemporaryFile(), tempfile.TemporaryFile())  # noqa: SIM115 closed when it ended
        try:
            self._running[oid] = Process(launch(words, entered, home, output), output)
        except OSError:
            output.close()
            raise

    def ended(self, oid: int) -> Ended | None:
        """How the command of a VM ended; None while it runs."""
        process = self._running[oid]
        code = process.popen.poll()
        if code is None:
            return None
        del self._running[oid]
        contents = []
        for stream in process.output:
            stream.seek(0)
            contents.append(stream.read())
        process.output.close()
        return Ended(max(code, 0), *contents)  # the agent has no exit code of a process that a signal ended

    def runs(self, oid: int) -> bool:
        return oid in self._running

    def kill(self, oid: int) -> None:
        """Ends the command of a VM, if one runs."""
        process = self._running.pop(oid, None)
        if process is None:
            return
        if process.popen.poll() is None:
            os.killpg(process.popen.pid, signal.SIGKILL)
            process.popen.wait()
        process.output.close()

    def close(self) -> None:
        """Ends all commands."""
        for oid in list(self._running):
            self.kill(oid)


def report(ended: Ended) -> dict[str, str]:
    """The part of QEMU_GA_EXEC that the probe adds."""
    output = {"STDOUT": ended.stdout, "STDERR": ended.stderr}
    encoded = {name: base64.b64encode(content).decode() for name, content in output.items()}
    return {"STATUS": "DONE", "RETURN_CODE": str(ended.code), **encoded}
