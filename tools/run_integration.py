# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run the integration targets against the OpenNebula that ONE_URL names, or each against a simulator of its own.

    python tools/run_integration.py [--jobs N] [--release RELEASE] [--vars "one_im_mad=kvm …"] [TARGET...]

A target is a role in tests/integration/targets. It fails when a task fails, and also when Ansible prints a warning, be
it one of tools/callbacks: documented.py, of what is returned, and acts.py, of plans, changes and their repetition.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from project import LOGS, ROOT, VENV, environment, fail, heed_signals
from with_simulator import cloud

INTEGRATION = ROOT / "tests" / "integration"
TARGETS = INTEGRATION / "targets"
HELPERS = ("setup_", "prepare_")  # roles that targets call, as ansible-test names them
DOCUMENTED = {"ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "documented"}
STRICT = {**DOCUMENTED, "ANSIBLE_CALLBACKS_ENABLED": "documented,acts"}
# Targets that cannot pass on an older release: those whose methods it does not have are skipped, for others it is known
# what is missing. A target that passes although it is named here fails the run, so that its row goes.
SKIPPED = {"6.10.5": {"one_vm_exec": "needs one.vm.exec of OpenNebula 7.2"}}
KNOWN_FAILURES: dict[str, dict[str, str]] = {}
WARNINGS = ("[WARNING]:", "[DEPRECATION WARNING]:", "[ERROR]: Unhandled")


class Outcome(NamedTuple):
    """What became of one target."""

    target: str
    fault: str
    seconds: float
    log: Path


def main() -> None:
    """Run the targets named on the command line, or all; end with status 1 if one fails."""
    parser = argparse.ArgumentParser(description="Run the integration targets.")
    parser.add_argument("--jobs", type=int, default=2, help="targets at once; always one on the cloud of ONE_URL")
    parser.add_argument("--release", default="", help="the release of OpenNebula that the simulators speak as")
    parser.add_argument("--vars", default="", help='variables for the targets, as in "one_im_mad=kvm one_vm_mad=kvm"')
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all")
    heed_signals()
    options = parser.parse_args()
    targets = without(SKIPPED.get(options.release, {}), chosen(options.targets))
    LOGS.mkdir(parents=True, exist_ok=True)
    jobs = 1 if os.environ.get("ONE_URL") else options.jobs
    with ThreadPoolExecutor(jobs) as pool:
        runs = pool.map(lambda name: run(name, options.vars, options.release), targets)
        outcomes = [report(judged(outcome, KNOWN_FAILURES.get(options.release, {}))) for outcome in runs]
    failed = sum(bool(outcome.fault) for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    raise SystemExit(bool(failed))


def chosen(names: list[str]) -> list[str]:
    """Return NAMES, or all targets if there are none; end the program if one does not exist."""
    known = sorted(path.parent.parent.name for path in TARGETS.glob("*/tasks/main.yml"))
    targets = [name for name in known if not name.startswith(HELPERS)]
    unknown = [name for name in names if name not in targets]
    if unknown or not targets:
        fail(f"there is no integration target {', '.join(unknown)}; there are: {', '.join(targets) or 'none'}.")
    return names or targets


def without(skipped: dict[str, str], targets: list[str]) -> list[str]:
    """Return TARGETS without those that are SKIPPED, with a line for each of these."""
    for target in targets:
        if target in skipped:
            print(f"{'skipped':<7} {target:<28} {skipped[target]}")
    return [target for target in targets if target not in skipped]


def judged(outcome: Outcome, known: dict[str, str]) -> Outcome:
    """Return OUTCOME as it counts: a KNOWN failure is none, but one that has gone must be struck from the list."""
    if outcome.target not in known:
        return outcome
    if outcome.fault:
        print(f"{'known':<7} {outcome.target:<28} {known[outcome.target]}")
        return outcome._replace(fault="")
    return outcome._replace(fault="it passes, so its row in KNOWN_FAILURES of tools/run_integration.py must go")


def run(target: str, variables: str, release: str = "") -> Outcome:
    """Run TARGET against RELEASE in a process of its own, with a log of its own."""
    log = LOGS / f"{log_name(target, variables, release)}.log"
    command = [str(VENV / "bin" / "ansible-playbook"), "-v", "--diff", "-i", "localhost,", str(INTEGRATION / "run.yml")]
    command += [f"-etarget={target}", *([f"-e{variables}"] if variables else [])]
    began = time.monotonic()
    with cloud(release) as access, log.open("w", encoding="utf-8") as stream:
        settings = environment(
            ANSIBLE_ROLES_PATH=str(TARGETS),
            ANSIBLE_NOCOLOR="1",
            **STRICT,
            **access,
        )
        status = subprocess.run(
            command, env=settings, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        ).returncode
    return Outcome(target, fault(status, log.read_text(encoding="utf-8")), time.monotonic() - began, log)


def log_name(target: str, variables: str, release: str = "") -> str:
    """Return a name of its own for each target, VARIABLES and RELEASE, which may run at the same time."""
    return re.sub(r"\W+", "-", f"integration-{target} {variables} {release}").strip("-")


def fault(status: int, output: str) -> str:
    """Say what is wrong with a run that ended with STATUS and printed OUTPUT; empty if nothing is."""
    if status:
        return f"ansible-playbook ended with status {status}"
    warned = [line for line in output.splitlines() if line.startswith(WARNINGS)]
    return f"Ansible warned: {warned[0]}" if warned else ""


def report(outcome: Outcome) -> Outcome:
    """Print the line of OUTCOME, with the end of the log of a failure, and return it."""
    word = "FAILED" if outcome.fault else "ok"
    print(f"{word:<7} {outcome.target:<28} {outcome.seconds:6.1f} s  {outcome.fault}", flush=True)
    if outcome.fault:
        print(*outcome.log.read_text(encoding="utf-8").splitlines()[-25:], sep="\n")
        print(f"The whole log: {outcome.log.relative_to(ROOT)}", flush=True)
    return outcome


if __name__ == "__main__":
    main()
