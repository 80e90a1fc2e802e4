# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Try the collection with every supported pair of ansible-core and Python that this machine can build.

    python tools/run_matrix.py [--target one_host]

Each pair gets a virtual environment under build/matrix/, in which every file under plugins/ is imported, and the unit
tests and one integration target run. Pythons that only targets may have just import what Ansible ships to them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from project import (
    BUILD,
    COLLECTIONS,
    LOGS,
    NAME,
    NAMESPACE,
    ROOT,
    environment,
    heed_signals,
    interpreters,
    link_collection,
    version_of,
)
from set_up import provide

# Release of ansible-core: the Pythons that its controller runs on.
CORES = {
    "2.18.19": ("3.11", "3.12", "3.13"),
    "2.19.14": ("3.11", "3.12", "3.13"),
    "2.20.10": ("3.12", "3.13", "3.14"),
    "2.21.5": ("3.12", "3.13", "3.14"),
    "2.22.0rc1": ("3.13", "3.14"),
}
TARGET_PYTHONS = ("3.8", "3.9", "3.10")
WIDTHS = (10, 28, 0)  # of the columns import, unit, integration
IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


class Trial(NamedTuple):
    """One cell of the table: what was tried, on which pair, and the log of it."""

    core: str
    python: str
    step: str
    passed: bool
    log: Path


def main() -> None:
    """Run all trials and print them as a table; end with status 1 if one fails."""
    parser = argparse.ArgumentParser(description="Try every pair of ansible-core and Python.")
    parser.add_argument("--target", default="one_host", help="the integration target to run; default: one_host")
    target = parser.parse_args().target
    heed_signals()
    link_collection()
    LOGS.mkdir(parents=True, exist_ok=True)
    pythons = available()
    pairs = [(core, python) for core in CORES for python in CORES[core] if python in pythons]
    for core, python in pairs:
        folder = environment_of(core, python)
        folder.parent.mkdir(parents=True, exist_ok=True)
        provide(folder, f"matrix-{core}", pythons[python])
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        rows = list(pool.map(lambda pair: try_pair(pair[0], pair[1], target), pairs))
        rows += pool.map(
            lambda python: try_target(python, pythons[python]), [p for p in TARGET_PYTHONS if p in pythons]
        )
    absent = sorted(
        {python for pair in (*CORES.values(), TARGET_PYTHONS) for python in pair} - pythons.keys(), key=version_of
    )
    print_table(rows, absent)
    raise SystemExit(any(not trial.passed for row in rows for trial in row))


def available() -> dict[str, str]:
    """Return the interpreters of this machine that work, as {"3.12": path}."""
    wanted = sorted({python for pythons in CORES.values() for python in pythons} | set(TARGET_PYTHONS), key=version_of)
    search = os.pathsep.join([*map(str, interpreters()), os.environ["PATH"]])
    found = {python: shutil.which(f"python{python}", path=search) for python in wanted}
    return {python: path for python, path in found.items() if path and answers(path)}


def answers(path: str) -> bool:
    """Tell whether the interpreter at PATH runs; a shim of pyenv may not."""
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def try_pair(core: str, python: str, target: str) -> list[Trial]:
    """Import, unit tests and the integration TARGET with ansible-core CORE on PYTHON."""
    bin_folder = environment_of(core, python) / "bin"
    steps = {
        "import": [str(bin_folder / "python"), "-c", IMPORT_ALL, *modules(ROOT / "plugins")],
        "unit": [str(bin_folder / "python"), "-m", "pytest", "-q", "tests/unit"],
        "integration": [str(bin_folder / "python"), "tools/run_integration.py", "--jobs", "1", target],
    }
    return [trial(core, python, step, command) for step, command in steps.items()]


def try_target(python: str, path: str) -> list[Trial]:
    """Import with PYTHON at PATH, without ansible-core, the client that is shipped to targets."""
    return [
        trial("(target)", python, "import", [path, "-c", IMPORT_ALL, *modules(ROOT / "plugins/module_utils/pyone")])
    ]


def modules(folder: Path) -> list[str]:
    """Return the names under which the Python files below FOLDER are imported."""
    prefix = ("ansible_collections", NAMESPACE, NAME)
    files = sorted(path.relative_to(ROOT).with_suffix("") for path in folder.rglob("*.py"))
    return [".".join((*prefix, *path.parts)).removesuffix(".__init__") for path in files]


def trial(core: str, python: str, step: str, command: list[str]) -> Trial:
    """Run COMMAND with its output in a log of its own."""
    log = LOGS / f"matrix-{core.strip('()')}-py{python}-{step}.log"
    folder = environment_of(core, python)
    with log.open("w", encoding="utf-8") as stream:
        settings = environment(folder, PYTHONPATH=str(COLLECTIONS), PROJECT_VENV=str(folder))
        done = subprocess.run(
            command, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        )
    return Trial(core, python, step, done.returncode == 0, log)


def environment_of(core: str, python: str) -> Path:
    """Return the folder of the virtual environment of a pair."""
    return BUILD / "matrix" / f"core{core}-py{python}"


def print_table(rows: list[list[Trial]], absent: list[str]) -> None:
    """Print one line a pair, the logs of what failed, the Pythons not found, and the counts."""
    print(f"{'ansible-core':<14}{'Python':<8}{'import':<10}{'unit':<28}integration")
    for row in rows:
        print(
            f"{row[0].core:<14}{row[0].python:<8}"
            + "".join(f"{told(cell):<{width}}" for cell, width in zip(row, WIDTHS, strict=False))
        )
    trials = [cell for row in rows for cell in row]
    failed = [cell for cell in trials if not cell.passed]
    for cell in failed:
        print(f"\n--- {cell.log.relative_to(ROOT)}", *cell.log.read_text(encoding="utf-8").splitlines()[-20:], sep="\n")
    if absent:
        print(f"Not on this machine: Python {', '.join(absent)}")
    print(f"{len(trials) - len(failed)} passed, {len(failed)} failed")


def told(cell: Trial) -> str:
    """Return the word of a cell, for unit tests with their count."""
    counted = (
        re.findall(r"\d+ passed[^\n]*? in [\d.]+s", cell.log.read_text(encoding="utf-8")) if cell.step == "unit" else []
    )
    return ("ok" if cell.passed else "FAILED") + (f" ({counted[-1]})" if counted else "")


if __name__ == "__main__":
    main()
