# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Fuzz the parsers of the collection with coverage guidance (atheris), each from its corpus.

    python tools/run_fuzz.py [--seconds 60 | --runs 2000] [TARGET...]      default: all targets

tests/fuzz/targets.py says what each has to hold. What is found on the way stays in build/fuzz/TARGET and is where the
next run goes on; with --runs a run begins with the committed corpus alone, and is the same every time. --keep adds to
tests/fuzz/corpus what covers something new.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import reliability
from project import BUILD, COLLECTIONS, ROOT, SKIPPED, environment, link_collection

FUZZ = ROOT / "tests/fuzz"
CORPUS = FUZZ / "corpus"
TARGETS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
LONGEST = 4096  # bytes of an input
SMALL = 300  # bytes of one that is kept, or tried where only their number counts
DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+)")


def main() -> None:
    """Fuzz the targets named on the command line; end with status 1 if one breaks a law."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers of the collection.")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--seconds", type=int, default=60, help="for each target; default: 60")
    limit.add_argument("--runs", type=int, help="inputs for each target, the same in every run")
    parser.add_argument("--keep", action="store_true", help="add to the corpus what covers something new")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("skipped: there is no atheris for this Python and platform")
        sys.exit(SKIPPED)
    link_collection()
    counts = [fuzz(name, options) for name in options.targets or TARGETS]
    if None in counts:
        sys.exit(1)
    print(f"Done: {sum(filter(None, counts))} inputs, no law is broken")


def fuzz(name: str, options: argparse.Namespace) -> int | None:
    """Fuzz a target; return the count of inputs, None if a law is broken."""
    found = BUILD / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    if options.runs:
        with tempfile.TemporaryDirectory() as fresh:
            count = told(name, run(name, [fresh, f"-runs={options.runs}"], SMALL))
        if count is not None:
            reliability.tally("Inputs fuzzed", name, inputs=count, laws_broken=0)
        return count
    count = told(name, run(name, [str(found), f"-max_total_time={options.seconds}"]))
    if options.keep and count is not None:
        keep(name, found)
    return count


def run(name: str, arguments: Sequence[str], longest: int = LONGEST) -> subprocess.CompletedProcess[str]:
    """Run the fuzzer of a target with ARGUMENTS before its corpus."""
    crashes = BUILD / "fuzz" / f"{name}-"
    limits = ["-seed=1", f"-dict={FUZZ / 'words.dict'}", f"-max_len={longest}", f"-artifact_prefix={crashes}"]
    command = [sys.executable, str(FUZZ / "fuzz.py"), name, *arguments, str(CORPUS / name), *limits]
    settings = environment(PYTHONPATH=os.pathsep.join(map(str, (COLLECTIONS, ROOT / "tests", ROOT / "simulator"))))
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)


def told(name: str, done: subprocess.CompletedProcess[str]) -> int | None:
    """Print what became of a target; return the count of inputs."""
    found = DONE.search(done.stderr)
    if done.returncode or not found:
        print(f"{name}: a law is broken", *(done.stdout + done.stderr).splitlines()[-40:], sep="\n")
        return None
    print(f"{name:<10}{found.group(1):>9} inputs {found.group(2):>5} places covered", flush=True)
    return int(found.group(1))


def keep(name: str, found: Path) -> None:
    """Add to the corpus of a target the small inputs in FOUND, each of which covers what no other did."""
    for path in found.iterdir():
        if path.stat().st_size <= SMALL:
            shutil.copy(path, CORPUS / name / f"{path.name[:12]}.bin")


if __name__ == "__main__":
    main()
