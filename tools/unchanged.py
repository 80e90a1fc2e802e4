# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Remember with which inputs a check has passed: the content of what it reads, its command, and the tools installed."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from project import BUILD, ROOT, SHARED, VENV, interpreters, project_files

PASSED = BUILD / "passed"
TOOLS = ("tools", "requirements", "pyproject.toml", "ansible.cfg")  # every check reads these


def fingerprint(command: list[str], reads: Iterable[str]) -> str:
    """Return one fingerprint of a COMMAND, of the files that it READS, and of the tools that it may use.

    READS are names of files and folders of the clone; "." is all of it, "../shared" the recordings beside it.
    """
    roots = {*reads, *TOOLS}
    paths = [ROOT / path for path in project_files(ROOT) if roots & {str(path), *map(str, path.parents)}]
    if "../shared" in roots:
        paths += [path for path in SHARED.resolve().rglob("*") if path.is_file()]
    parts = [*command, *installed(), *(f"{path} {content(path)}" for path in sorted(paths))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def passed(name: str, now: str) -> bool:
    """Tell whether the check NAME has passed with the fingerprint NOW."""
    return (PASSED / name).is_file() and (PASSED / name).read_text(encoding="utf-8") == now


def remember(name: str, now: str) -> None:
    """Note that the check NAME has passed with the fingerprint NOW."""
    PASSED.mkdir(parents=True, exist_ok=True)
    (PASSED / name).write_text(now, encoding="utf-8")


def forget(name: str) -> None:
    """Note that the check NAME has to run again."""
    (PASSED / name).unlink(missing_ok=True)


@cache
def installed() -> list[str]:
    """Return the release of Python, those of the packages in the virtual environment, and the other Pythons here."""
    packages = sorted(path.name for path in (VENV / "lib").glob("python3*/site-packages/*.dist-info"))
    return [sys.version, *packages, *map(str, interpreters())]


def content(path: Path) -> str:
    """Return a fingerprint of the content of the file at PATH, and of whether it can be executed."""
    return f"{path.stat().st_mode & 0o111} {hashlib.sha256(path.read_bytes()).hexdigest()}"
