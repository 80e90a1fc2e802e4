# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Set up the virtual environment build/venv from locked requirement files: every file that pip installs has a hash.

    python3 tools/set_up.py NAME...      with NAME one of: run, test, docs, automation

What is there already and unchanged is left alone, so a second call costs a blink.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

from project import BUILD, HOME, ROOT, VENV, fail, link_collection, remove

OLDEST = (3, 11)
REQUIREMENTS = ROOT / "requirements"
PURPOSES = ("run", "test", "docs", "automation")  # each has its requirement file
BEFORE = {"test": ("build",)}  # what has to be there first, to build a package
# No file without its hash; nothing of a package runs while it is installed, but for the one that has no wheels. That is
# built with what is there: pip would fetch what builds it without a hash.
LOCKED = ("--require-hashes", "--only-binary", ":all:", "--no-binary", "reuse", "--no-build-isolation")


def main() -> None:
    """Install what the purposes named on the command line need, in their order."""
    parser = argparse.ArgumentParser(description="Set up the virtual environment build/venv.")
    parser.add_argument("names", nargs="+", choices=PURPOSES, metavar="NAME")
    names = parser.parse_args().names
    if sys.version_info < OLDEST:
        fail(f"Python {sys.version.split()[0]} is too old; run make with PYTHON=… naming Python 3.11 or newer.")
    BUILD.mkdir(exist_ok=True)
    link_collection()
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once must not install over each other
        for name in names:
            provide(VENV, name)


def provide(folder: Path, name: str, python: str = sys.executable) -> None:
    """Make FOLDER an environment of PYTHON with what requirements/NAME.txt locks; fast if it is one already."""
    create(folder, python)
    for earlier in BEFORE.get(name, ()):
        provide(folder, earlier, python)
    path, stamp = REQUIREMENTS / f"{name}.txt", folder / f".installed-{name}"
    now = digest([*LOCKED, path.read_text(encoding="utf-8")])
    if stamp.is_file() and stamp.read_text() == now:
        return
    print(f"Setting up {folder.relative_to(ROOT)} ({name}); this is done once …", file=sys.stderr, flush=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--no-input"]
    install += ["--disable-pip-version-check", *LOCKED, "-r", str(path)]
    if subprocess.run(install, stdin=subprocess.DEVNULL, check=False).returncode:
        fail(f"pip could not install {path.name}; its words stand above. Is the package index in reach?")
    give_pip_settings(folder / "bin" / "python")
    stamp.write_text(now)


def give_pip_settings(python: Path) -> None:
    """Write the user's pip settings, as PYTHON's pip knows them, into HOME: ansible-test passes no PIP_* on."""
    command = [str(python), "-m", "pip", "config", "list"]
    talkative = {**os.environ, "PIP_QUIET": "0"}
    asked = subprocess.run(command, env=talkative, capture_output=True, text=True, check=True)
    settings = configparser.RawConfigParser()
    settings["global"] = {"quiet": "2"}
    for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)=(.+)$", asked.stdout, re.MULTILINE):
        # pip lists the strongest source first
        settings["global"].setdefault({"default-timeout": "timeout"}.get(name, name), ast.literal_eval(value))
    target = HOME / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)  # an index may be named with a password
    with target.open("w", encoding="utf-8") as stream:
        settings.write(stream)


def create(folder: Path, python: str) -> None:
    """Make FOLDER an empty virtual environment of PYTHON, unless it is one of this very Python."""
    if Path(sys.prefix) == folder:
        return  # whose Python runs this
    origin = folder / ".python"
    if origin.is_file() and origin.read_text() == identity(python) and (folder / "bin" / "python").exists():
        return
    remove(folder)
    try:
        if python == sys.executable:
            venv.create(folder, with_pip=True, symlinks=True)
        else:
            subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        remove(folder)
        fail(f"{python} cannot make a virtual environment; on Debian and Ubuntu install the package python3-venv.")
    origin.write_text(identity(python))


def identity(python: str) -> str:
    """Return path and release of PYTHON, which together tell whether an environment is still its own."""
    if python == sys.executable:
        return f"{python} {sys.version}"
    asked = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=True)
    return f"{python} {asked.stdout.strip()}"


def digest(parts: Iterable[str]) -> str:
    """Return one fingerprint of all PARTS."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


if __name__ == "__main__":
    main()
