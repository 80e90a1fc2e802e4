# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run ansible-test sanity on a copy of the collection's files, without Docker and without GitHub.

    python tools/run_sanity.py [ARGUMENT...]      arguments go to ansible-test sanity, such as --test pylint

The copy holds what git knows or would add. It lies where ansible-test wants a collection to be, and its folder, and the
virtual environments that ansible-test makes, are kept for the next run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from project import BUILD, HOME, NAME, NAMESPACE, ROOT, VENV, environment, project_files

COPY = BUILD / "sanity" / "ansible_collections" / NAMESPACE / NAME
BOOTSTRAP = Path(__file__).with_name("bootstrap_pip.py")


def main() -> None:
    """Copy the files, prepare ansible-test's home, run it; end with its exit status."""
    copy_collection()
    give_bootstrap()
    command = [str(VENV / "bin" / "ansible-test"), "sanity", "--local", "--color", "no", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=COPY, env=environment(), stdin=subprocess.DEVNULL, check=False).returncode)


def copy_collection() -> None:
    """Bring COPY up to date: the files that git tracks or would add, and no others."""
    wanted = set(project_files(ROOT))
    # A repository of its own: in ours the copy is ignored, and ansible-test would find nothing to check.
    subprocess.run(["git", "init", "--quiet", str(COPY)], env=environment(), check=True)
    for path in [path for path in COPY.rglob("*") if path.is_file() or path.is_symlink()]:
        name = path.relative_to(COPY)
        if name not in wanted and name.parts[0] != ".git" and name.parts[:2] != ("tests", "output"):
            path.unlink()
    for name in wanted:
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, COPY / name)


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
