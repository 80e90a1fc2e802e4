# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is published: the files of the project, and no others."""

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
        "plugins/modules/b.py": "y = 1  # stays\n",
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(build_dist, "ROOT", root)
    assert build_dist.stage(target) == target
    staged = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert staged == written.keys() - {".cache/secret"}
    assert (target / "plugins/module_utils/a.py").read_text("utf-8").strip() == "x = 1"
    assert (target / "plugins/modules/b.py").read_text("utf-8") == written["plugins/modules/b.py"]
