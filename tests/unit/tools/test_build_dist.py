# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is published: the files of the project as they are, and no others."""

from __future__ import annotations

import subprocess

import build_dist


def test_what_git_ignores_is_not_published(tmp_path, monkeypatch):
    root, target = tmp_path / "clone", tmp_path / "stage" / "opennebula"
    subprocess.run(["git", "init", "-q", root], check=True)
    written = {
        ".gitignore": "/.cache/\n",
        ".cache/secret": "x",
        "galaxy.yml": "---\n",
        "plugins/module_utils/a.py": '"""Of a."""\n\nx = 1  # one\n',
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(build_dist, "ROOT", root)
    assert build_dist.stage(target) == target
    staged = {str(path.relative_to(target)): path.read_text("utf-8") for path in target.rglob("*") if path.is_file()}
    del written[".cache/secret"]
    assert staged == written
