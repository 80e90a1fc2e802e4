# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Every tool that is installed is locked: its release, and the hashes of its files."""

from __future__ import annotations

import re

import pytest
from lock_requirements import ALONE
from project import ROOT
from run_matrix import CORES
from set_up import PURPOSES, REQUIREMENTS

WANTED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.]+)", re.MULTILINE)
LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)((?: ;.*?)?)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE)
NAMES = [*PURPOSES, *ALONE, *(f"matrix-{core}" for core in CORES)]


def locked(name):
    """[(package, release, marker, hashes)] of a lock."""
    return LOCKED.findall((REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8"))


def canonical(package):
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_lock_has_hashes(name):
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    found = locked(name)
    assert found
    assert all(hashes for *dummy, hashes in found)
    rest = LOCKED.sub("", text).splitlines()
    assert [line for line in rest if line and not line.startswith("#")] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_has_the_releases_that_are_wanted(name):
    source = "matrix" if name.startswith("matrix") else name
    wanted = WANTED.findall((REQUIREMENTS / f"{source}.in").read_text(encoding="utf-8"))
    assert wanted
    releases = {one[:2] for one in locked(name)}
    assert {(canonical(package), release) for package, release in wanted} <= releases
    if source == "matrix":
        assert ("ansible-core", name.removeprefix("matrix-")) in releases


def test_what_shares_an_environment_agrees():
    found = {(package, marker, release) for name in PURPOSES for package, release, marker, _hashes in locked(name)}
    packages = [(package, marker) for package, marker, _release in found]
    assert len(packages) == len(set(packages))


def test_there_is_no_other_lock():
    files = {path.stem for path in REQUIREMENTS.glob("*.txt")}
    assert files == {*NAMES, "constraints"}


def test_nothing_else_is_installed():
    """No tool, and no script of CI, calls pip beside set_up.py and what tries the packages that are built."""
    found = set()
    for folder in ("tools", "tests/benchmarks", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and re.search(r"\bpip\b.{0,6}\binstall\b", path.read_text("utf-8", "replace")):
                found.add(path.name)
    assert found == {"set_up.py", "build_dist.py", "bootstrap_pip.py"}
