# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The blocks of a guide: files that it shows under their names, and commands that are run as it says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import textwrap
from contextlib import contextmanager

import project

GUIDES = project.ROOT / "docs" / "docsite" / "rst"
BLOCK = re.compile(
    r"^\.\. code-block:: (console|yaml|yaml\+jinja|ini)\n(?:   :caption: (\S+)\n)?\n((?:   [^\n]*\n|\n)+)", re.MULTILINE
)


def blocks(text):
    """(language, caption, text) of each block of a guide."""
    return [(kind, caption, textwrap.dedent(body)) for kind, caption, body in BLOCK.findall(text)]


def read(guide):
    """The blocks of the guide of a name."""
    return blocks((GUIDES / f"{guide}.rst").read_text(encoding="utf-8"))


def write_files(found, folder):
    """Writes the files that the blocks of a guide show into a folder."""
    for dummy, caption, text in found:
        if caption:
            path = folder / caption
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    project.link_collection()


def sessions(found):
    """(command, lines that it prints) of each command of the consoles."""
    for kind, dummy, text in found:
        if kind == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, *printed = part.strip().splitlines()
                yield command, printed


@contextmanager
def simulated(command, folder):
    """The simulated cloud that a guide starts, on free ports; gives the variables that it tells to export."""
    path = {"PYTHONPATH": str(project.ROOT / "simulator")}  # as after `pip install opennebula-simulator`
    with running(f"exec {command} --port 0 --flow-port 0", folder, **path) as process:
        told = [shlex.split(process.stdout.readline()) for dummy in range(2)]
        yield dict(word.split("=", 1) for _export, *words in told for word in words)


@contextmanager
def running(command, folder, **extra):
    """A shell with a command that goes on; it and its children end with the body."""
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=project.environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def finish(command, folder, **extra):
    """The output of a command that has to succeed."""
    done = subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=folder,
        env=project.environment(**extra),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
