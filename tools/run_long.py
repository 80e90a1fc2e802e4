# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run the long tests, all others that count for the page "Reliability", and the fuzzer, and note what they counted.

    python tools/run_long.py [TEST...]      default: all of it; TEST: files or folders of tests, or "fuzz"

A run of everything replaces all figures, one of some tests replaces theirs.
"""

from __future__ import annotations

import argparse
import subprocess

import reliability
from project import BUILD, ROOT, VENV, environment, fail, heed_signals, link_collection

COUNTED = BUILD / "tally-long.jsonl"  # apart from what other runs count
FUZZ = "fuzz"
INPUTS = 500_000  # of each target of the fuzzer


def main() -> None:
    """Run what the command line names; the figures are noted if all of it has passed."""
    parser = argparse.ArgumentParser(description="Run the long tests and note their figures.")
    parser.add_argument("tests", nargs="*", metavar="TEST", help='files or folders of tests, or "fuzz"; default: all')
    names = parser.parse_args().tests
    heed_signals()
    link_collection()
    COUNTED.unlink(missing_ok=True)
    tests = [name for name in names if name != FUZZ] or ([] if names else ["tests/unit"])
    if tests:
        run("pytest", "-n", "auto", "--dist", "worksteal", "-m", "long or tally", *tests)
    if FUZZ in names or not names:
        run("python", "tools/run_fuzz.py", "--runs", str(INPUTS))
    counted = reliability.summed(COUNTED.read_text(encoding="utf-8").splitlines() if COUNTED.is_file() else [])
    reliability.keep(counted, whole=not names)
    print(f"Done: {reliability.FIGURES.relative_to(ROOT)} has what was counted in {len(counted)} sections.")


def run(program: str, *arguments: str) -> None:
    """Run PROGRAM of the virtual environment; a failure ends all."""
    settings = environment(TALLY=str(COUNTED))
    if subprocess.run([VENV / "bin" / program, *arguments], cwd=ROOT, env=settings, check=False).returncode:
        fail(f"{program} failed; its words stand above, and the figures are as before.")


if __name__ == "__main__":
    main()
