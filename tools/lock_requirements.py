# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Lock the tool chains: requirements/NAME.in names what is wanted, NAME.txt all of it, with the hashes of PyPI's files.

    python tools/lock_requirements.py [--upgrade]

Releases that are locked stay, unless a .in file wants others or --upgrade is given. A lock is for every Python and
platform of the project. constraints.txt has the releases that the files of one environment have in common.
"""

from __future__ import annotations

import argparse
import subprocess

from project import BUILD, ROOT, fail
from run_matrix import CORES
from set_up import OLDEST, PURPOSES, REQUIREMENTS, provide

LOCK = BUILD / "lock"  # an environment of its own, with uv
ALONE = ("build", "bench", "galaxy", "lock")  # each in an environment of its own
HEAD = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# Generated from {source}: make lock
"""
INDEX = "https://pypi.org/simple"


def main() -> None:
    """Write all locks."""
    parser = argparse.ArgumentParser(description="Lock the releases and hashes of the tool chains.")
    parser.add_argument("--upgrade", action="store_true", help="to the newest releases that the .in files allow")
    options = ["--upgrade"] if parser.parse_args().upgrade else []
    provide(LOCK, "lock")
    oldest = ".".join(map(str, OLDEST))
    compile_lock("constraints", [f"{name}.in" for name in PURPOSES], oldest, options)
    for name in PURPOSES:
        compile_lock(name, [f"{name}.in"], oldest, ["-c", "constraints.txt", "--generate-hashes"])
    for name in ALONE:
        compile_lock(name, [f"{name}.in"], oldest, [*options, "--generate-hashes"])
    for core, pythons in CORES.items():
        wanted = f"ansible-core=={core}\n"
        compile_lock(f"matrix-{core}", ["matrix.in", "-"], pythons[0], [*options, "--generate-hashes"], wanted)


def compile_lock(name: str, sources: list[str], python: str, options: list[str], text: str = "") -> None:
    """Write NAME.txt for PYTHON and newer from SOURCES, of which "-" is TEXT."""
    command = [str(LOCK / "bin" / "uv"), "pip", "compile", *sources, *options, "--output-file", f"{name}.txt"]
    command += ["--universal", "--python-version", python, "--default-index", INDEX, "--no-config", "--quiet"]
    command += ["--no-header", "--no-annotate", "--prerelease", "if-necessary-or-explicit"]
    done = subprocess.run(command, cwd=REQUIREMENTS, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"uv cannot lock {name}:\n{done.stderr}")
    path = REQUIREMENTS / f"{name}.txt"
    locked = "".join(
        line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("#")
    )
    named = " and ".join(f"ansible-core {name[7:]}" if source == "-" else source for source in sources)
    path.write_text(HEAD.format(source=named) + locked, encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {locked.count('==')} releases")


if __name__ == "__main__":
    main()
