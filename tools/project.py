# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Where the parts of the project lie, and the environment that every tool runs in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
HOME = BUILD / "home"
LOGS = BUILD / "logs"
COLLECTIONS = ROOT / "collections"  # where Ansible looks beside a playbook, and pytest-ansible in a clone
VENV = Path(os.environ.get("PROJECT_VENV") or BUILD / "venv")  # test-matrix has others
SHARED = ROOT.parent / "shared"
NAMESPACE, NAME = "privazio", "opennebula"
SKIPPED = 77  # the exit status of a check that cannot run here, as automake has it

# Settings of the person at the keyboard that must not change what the checks see.
FOREIGN = (
    "VIRTUAL_ENV",
    "ANSIBLE_",
    "ONE_",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONWARNINGS",
    "MAKE",
    "MFLAGS",
    "GIT_DIR",
    "GIT_INDEX",
    "GIT_WORK",
)


def fail(sentence: str) -> NoReturn:
    """End the program with one SENTENCE on standard error and exit status 1."""
    raise SystemExit(f"{Path(sys.argv[0]).name}: {sentence}")


def environment(venv: Path = VENV, /, **extra: str) -> dict[str, str]:
    """Return the variables for a command of VENV: its programs first, no settings of the user, a home under build/.

    EXTRA is added last. The collection is found through COLLECTIONS, ansible.cfg is the project's own.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    HOME.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "HOME": str(HOME),
        "PATH": os.pathsep.join([str(venv / "bin"), *(str(path) for path in interpreters()), os.environ["PATH"]]),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        **extra,
    }


def heed_signals() -> None:
    """Let an interrupt or a termination end the program as an error does: what it started is stopped on the way out."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, dummy: sys.exit(128 + number))


def interpreters() -> list[Path]:
    """Return the folders of the Pythons behind pyenv's shims in PATH, newest first; most of the shims fail."""
    shims = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep) if Path(folder).name == "shims"]
    folders = [folder for shim in shims for folder in shim.parent.glob("versions/3.*/bin")]
    return sorted(folders, key=lambda folder: version_of(folder.parent.name), reverse=True)


def version_of(text: str) -> tuple[int, ...]:
    """Return the release number at the start of TEXT, "3.12.1" as (3, 12, 1)."""
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def link_collection(root: Path = ROOT) -> Path:
    """Let Ansible find ROOT, the clone or a copy of it, as the collection; return the collection's path."""
    link = root / COLLECTIONS.relative_to(ROOT) / "ansible_collections" / NAMESPACE / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        remove(link)  # pytest-ansible, where it comes first, makes a folder of links to what is there at that time
        link.symlink_to(os.path.relpath(root, link.parent), target_is_directory=True)
    return link


def project_files(root: Path) -> list[Path]:
    """Return the paths, relative to ROOT, a git clone, of the files that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        fail(f"git cannot list the files of {root}; run this in a git clone of the project.")
    names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return [name for name in names if (root / name).is_file()]


def remove(path: Path) -> None:
    """Remove the file or folder at PATH, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
