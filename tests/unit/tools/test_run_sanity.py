# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What ansible-test is given: the files, and pip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import run_sanity


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Be in a git clone with a tracked, a new, an ignored and a deleted file."""
    root = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", root], check=True)
    for name, text in {".gitignore": "/build/\n", "plugins/a.py": "a", "gone": "", "build/x": "x"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "-C", root, "add", "."], check=True)
    (root / "gone").unlink()
    (root / "new").write_text("new", encoding="utf-8")
    monkeypatch.setattr(run_sanity, "ROOT", root)
    return root


def files(folder: Path) -> set[str]:
    """Return the files below FOLDER that are not git's own."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] != ".git"}


@pytest.mark.usefixtures("clone")
def test_the_copy_holds_what_git_would_add(tmp_path):
    copy = run_sanity.copy_collection(tmp_path / "copy")
    assert copy.parts[-3:] == ("ansible_collections", "privazio", "opennebula")
    assert files(copy) == {".gitignore", "plugins/a.py", "new"}


def test_a_second_copy_follows_the_clone(clone, tmp_path):
    copy = run_sanity.copy_collection(tmp_path / "copy")
    (clone / "new").unlink()
    (clone / "plugins/a.py").write_text("b", encoding="utf-8")
    (copy / "tests/output").mkdir(parents=True)
    (copy / "tests/output/kept").touch()
    run_sanity.copy_collection(tmp_path / "copy")
    assert files(copy) == {".gitignore", "plugins/a.py", "tests/output/kept"}
    assert (copy / "plugins/a.py").read_text(encoding="utf-8") == "b"


def test_outside_a_clone_is_a_clear_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(run_sanity, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SystemExit, match="run this in a git clone"):
        run_sanity.copy_collection(tmp_path / "copy")


def test_pip_is_found_under_the_name_that_ansible_test_wants(tmp_path, monkeypatch):
    monkeypatch.setattr(run_sanity, "HOME", tmp_path)
    run_sanity.give_bootstrap()
    assert list((tmp_path / ".ansible/test/cache").glob("get_pip_2*.py"))
