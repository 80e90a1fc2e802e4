# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run every check of the project, as many at once as there are processors, and close with one summary.

    python tools/run_checks.py [--force] [CHECK...]      default: all; --list names them

Each check prints a line as it starts and one as it ends. Its whole output goes to build/logs/CHECK.log, and the end of
that is shown if it fails. A check that has passed with the same inputs is not run again, but with --force, or where the
variable CI is set.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import unchanged
from project import LOGS, ROOT, SKIPPED, VENV, environment, fail, heed_signals, link_collection

UNCHANGED = -1000  # the status of a check that was not run; no process ends with it
WORDS = ("passed", "FAILED", "unchanged", "skipped")
TAIL = 40  # lines of the log of a failed check
LIMIT = 2400  # seconds that a check may take; on two busy processors the longest one takes a quarter of it


class Check(NamedTuple):
    """A check: its name, its command (a program of the virtual environment) and what to quote of its log.

    READS are the files and folders that decide its outcome, as unchanged.fingerprint() takes them; more is safe.
    """

    name: str
    command: list[str]
    quote: str = ""
    reads: tuple[str, ...] = (".", "../shared")


# What Ansible loads of the collection, and the cloud that it runs against.
COLLECTION = ("plugins", "meta", "galaxy.yml", "roles", "extensions", "playbooks")
PLAYED = (*COLLECTION, "simulator", "tests/integration", "tests/examples")
AS_MODULES = ("bad_input", "one_host", "one_vm")  # targets that run with both faces of the modules
# The long ones first, so that the short ones fill the gaps.
CHECKS = (
    Check(
        "sanity-import",  # two thirds of the time of sanity: every file by itself, with every Python
        ["python", "tools/run_sanity.py", "--copy", "sanity-import", "--test", "import"],
        reads=("plugins", "meta", "galaxy.yml", "tests/config.yml", "tests/sanity"),
    ),
    Check("sanity", ["python", "tools/run_sanity.py", "--skip-test", "import"]),
    Check("integration", ["python", "tools/run_integration.py"], r"\d+ passed, \d+ failed", reads=PLAYED),
    Check(
        "older-release",
        ["python", "tools/run_integration.py", "--release", "6.10.5"],
        r"\d+ passed, \d+ failed",
    ),
    Check(
        "as-modules",  # most targets run in the controller; what remote hosts are sent must be as good
        ["python", "tools/run_integration.py", "--vars", "one_in_controller=false", *AS_MODULES],
        r"\d+ passed, \d+ failed",
        reads=PLAYED,
    ),
    Check(
        "examples", ["python", "tools/run_examples.py"], r"\d+ passed, \d+ failed", reads=(*PLAYED, "docs", "README.md")
    ),
    Check(
        "conformance",
        ["python", "tools/replay_conformance.py"],
        r"\d+ steps of .*|skipped: .*",
        reads=("simulator", "../shared"),
    ),
    Check("flow", ["python", "tools/replay_flow.py"], r"\d+ steps, .*|skipped: .*", reads=("simulator", "../shared")),
    Check("unit", ["pytest", "-n", "auto", "--dist", "worksteal", "tests/unit"], r"\d+ (passed|failed).* in .*"),
    Check(
        "fuzz",  # make fuzz goes on for longer
        ["python", "tools/run_fuzz.py", "--runs", "2000"],
        r"Done: .*|skipped: .*",
        reads=(
            "plugins/module_utils",
            "plugins/plugin_utils",
            "simulator",
            "tests/encodings_of_secrets.py",
            "tests/fuzz",
        ),
    ),
    Check("demo", ["python", "tools/demo.py"], r"Done: .*", reads=PLAYED),
    Check("cloud", ["python", "tools/demo.py", "--playbook", "cloud.yml"], r"Done: .*", reads=PLAYED),
    Check("document", ["python", "tools/demo.py", "--playbook", "cloud_document.yml"], r"Done: .*", reads=PLAYED),
    Check("dist", ["python", "tools/build_dist.py"], r"Done: .*"),
    Check(
        "documentation",
        ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", "."],
        reads=(*COLLECTION, "docs", "changelogs"),
    ),
    Check("ansible-lint", ["ansible-lint", "--offline", "--nocolor", "-q"]),
    Check("types", ["mypy"], r"Success: .*|Found .*", reads=("plugins",)),
    Check("imports", ["python", "tools/import_contracts.py"], r"Contracts: .*", reads=("plugins", "simulator")),
    Check("bindings", ["python", "tools/generate_bindings.py", "--check"], reads=("xsd", "plugins/module_utils/pyone")),
    Check("licences", ["reuse", "lint", "--lines"]),
    Check(
        "docs",
        ["python", "tools/build_docs.py"],
        r"Done: .*",
        reads=(*COLLECTION, "docs", "changelogs", "README.md", "CHANGELOG.rst"),
    ),
    Check("changelog", ["antsibull-changelog", "lint"]),
    Check("yaml", ["yamllint", "--strict", "."]),
    Check("lint", ["ruff", "check", "--no-cache", "--output-format", "concise", "."], r"Found .*"),
    Check("format", ["ruff", "format", "--no-cache", "--check", "."], r"\d+ files? .*"),
)


class Outcome(NamedTuple):
    """What became of a check; STATUS as of a process."""

    check: Check
    status: int
    seconds: float

    @property
    def word(self) -> str:
        """The verdict in one word."""
        return {0: "passed", SKIPPED: "skipped", UNCHANGED: "unchanged"}.get(self.status, "FAILED")

    @property
    def log(self) -> Path:
        """Where the output of the check lies."""
        return log_of(self.check)


class Runner:
    """Runs checks, each in a process group of its own, so that an interrupted run leaves none behind."""

    def __init__(self, force: bool) -> None:
        self._force = force
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, check: Check) -> Outcome:
        """Run CHECK to its end, unless it has passed with these inputs."""
        inputs = unchanged.fingerprint(check.command, check.reads)
        if not self._force and unchanged.passed(check.name, inputs):
            return Outcome(check, UNCHANGED, 0)
        unchanged.forget(check.name)
        began = time.monotonic()
        status = self._execute(check)
        if status == 0 and unchanged.fingerprint(check.command, check.reads) == inputs:
            unchanged.remember(check.name, inputs)
        return Outcome(check, status, time.monotonic() - began)

    def _execute(self, check: Check) -> int:
        """Run the command of CHECK, with its output in a log, and return its status."""
        with log_of(check).open("wb") as log:
            with self._lock:
                if self._stopped:
                    return -signal.SIGINT
                print(f"{'started':<9} {check.name}", flush=True)
                process = subprocess.Popen(
                    [str(VENV / "bin" / check.command[0]), *check.command[1:]],
                    cwd=ROOT,
                    env=environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self._running.add(process)
            status = ended(process)
            if status is None:
                log.write(f"\nStopped, as it had not ended after {LIMIT} s.\n".encode())
            with self._lock:
                self._running.discard(process)
        return -signal.SIGKILL if status is None else status

    def stop(self) -> None:
        """End what runs and start nothing more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                os.killpg(process.pid, signal.SIGTERM)


def ended(process: subprocess.Popen[bytes]) -> int | None:
    """Return the status of PROCESS at its end; None: it did not end in time, and was killed with what it started."""
    try:
        return process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def main() -> None:
    """Run the checks named on the command line, or all; end with status 1 if one fails."""
    parser = argparse.ArgumentParser(description="Run every check of the project.")
    parser.add_argument("--list", action="store_true", help="name the checks and stop")
    parser.add_argument("--force", action="store_true", help="run also what has passed with the same inputs")
    parser.add_argument("names", nargs="*", metavar="CHECK", help="default: all")
    heed_signals()
    options = parser.parse_args()
    checks = chosen(options.names)
    if options.list:
        print(*(check.name for check in checks), sep="\n")
        return
    began = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    link_collection()
    outcomes = run_all(checks, force=options.force or bool(os.environ.get("CI")))
    summarize(outcomes, time.monotonic() - began)
    raise SystemExit(any(outcome.word == "FAILED" for outcome in outcomes))


def chosen(names: list[str]) -> list[Check]:
    """Return the checks that have NAMES, or all if there are none; an unknown name ends the program."""
    known = {check.name: check for check in CHECKS}
    unknown = [name for name in names if name not in known]
    if unknown:
        fail(f"there is no check {', '.join(unknown)}; there are: {', '.join(known)}.")
    return [known[name] for name in names] or list(CHECKS)


def run_all(checks: list[Check], force: bool = False) -> list[Outcome]:
    """Run CHECKS, as many at once as there are processors; print a line as each starts and ends."""
    runner, outcomes = Runner(force), []
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        try:
            for done in as_completed([pool.submit(runner.run, check) for check in checks]):
                outcomes.append(done.result())
                print(line(outcomes[-1]), flush=True)
        except BaseException:
            runner.stop()
            raise
    return outcomes


def line(outcome: Outcome) -> str:
    """Return the one line that tells how a check ended, with what it says of itself."""
    told = quotation(outcome.check.quote, outcome.log.read_text(encoding="utf-8", errors="replace"))
    return f"{outcome.word:<9} {outcome.check.name:<14} {outcome.seconds:6.1f} s  {told}".rstrip()


def quotation(pattern: str, output: str) -> str:
    """Return the last part of OUTPUT that matches PATTERN, or nothing."""
    found = [match.group() for match in re.finditer(pattern, output)] if pattern else []
    return found[-1].strip("= ") if found else ""


def summarize(outcomes: list[Outcome], seconds: float) -> None:
    """Print the end of the log of each check that failed, then how many ended how."""
    for outcome in outcomes:
        if outcome.word == "FAILED":
            output = outcome.log.read_text(encoding="utf-8", errors="replace").splitlines()
            print(f"\n--- {outcome.check.name}: the end of {outcome.log.relative_to(ROOT)}", *output[-TAIL:], sep="\n")
    counts = Counter(outcome.word for outcome in outcomes)
    told = [f"{counts[word]} {word}" for word in WORDS if counts[word] or word in ("passed", "FAILED")]
    print(f"\n{len(outcomes)} checks in {seconds:.0f} s, logs in {LOGS.relative_to(ROOT)}")
    print(", ".join(told).replace("FAILED", "failed"))


def log_of(check: Check) -> Path:
    """Return where the output of CHECK goes."""
    return LOGS / f"{check.name}.log"


if __name__ == "__main__":
    main()
