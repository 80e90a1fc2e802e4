# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run ansible-test sanity on a copy of the collection's files, without Docker and without GitHub.

    python tools/run_sanity.py [--copy NAME] [ARGUMENT...]      such as --test pylint, which goes to ansible-test sanity

The copy holds what git knows or would add. It lies where ansible-test wants a collection to be, and its folder, and the
virtual environments that ansible-test makes, are kept for the next run. Two runs at once need two copies.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from project import BUILD, HOME, NAME, NAMESPACE, ROOT, VENV, environment, project_files

BOOTSTRAP = Path(__file__).with_name("bootstrap_pip.py")


def main() -> None:
    """Copy the files, prepare ansible-test's home, run it; end with its exit status."""
    parser = argparse.ArgumentParser(description="Run ansible-test sanity.")
    parser.add_argument("--copy", default="sanity", help="the folder below build/ for the copy; default: %(default)s")
    options, arguments = parser.parse_known_args()
    copy = copy_collection(BUILD / options.copy)
    give_bootstrap()
    command = [str(VENV / "bin" / "ansible-test"), "sanity", "--local", "--color", "no", *arguments]
    sys.exit(subprocess.run(command, cwd=copy, env=environment(), stdin=subprocess.DEVNULL, check=False).returncode)


def copy_collection(folder: Path) -> Path:
    """Bring the copy in FOLDER up to date, and return it: the files that git tracks or would add, and no others."""
    wanted = set(project_files(ROOT))
    copy = folder / "ansible_collections" / NAMESPACE / NAME
    # A repository of its own: in ours the copy is ignored, and ansible-test would find nothing to check.
    subprocess.run(["git", "init", "--quiet", str(copy)], env=environment(), check=True)
    for path in [path for path in copy.rglob("*") if path.is_file() or path.is_symlink()]:
        name = path.relative_to(copy)
        if name not in wanted and name.parts[0] != ".git" and name.parts[:2] != ("tests", "output"):
            path.unlink()
    for name in wanted:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    return copy


def give_bootstrap() -> None:
    """Put our bootstrap of pip where ansible-test keeps the one that it would download."""
    plan = (VENV / "lib").glob("python3*/site-packages/ansible_test/_internal/python_requirements.py")
    releases = re.findall(r"pip='([\d.]+)'", "".join(path.read_text(encoding="utf-8") for path in plan))
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for release in releases:
        shutil.copy2(BOOTSTRAP, cache / f"get_pip_{release.replace('.', '_')}.py")


if __name__ == "__main__":
    main()
