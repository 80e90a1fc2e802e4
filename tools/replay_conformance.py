# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Replay what a real OpenNebula answered against the simulator, and compare.

    python tools/replay_conformance.py [--release RELEASE] [SCENARIO...]

Replays every recorded scenario of both releases, or those named; every step must agree, messages included. The
recordings lie in ../shared/conformance; without them the check is skipped (exit status 77).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from project import SHARED, SKIPPED, environment, fail, heed_signals
from with_simulator import RECORDED, released, simulator

RECORDINGS = SHARED / "conformance"
RELEASES = ("7.4.0", "6.10.5")
# Steps whose wait was recorded without a transient state that the same release shows elsewhere: the real server was
# faster than the polls. (release, scenario) -> step -> the state.
ARTEFACTS = {("6.10.5", "vm_migrate"): {51: "['3', '45']", 53: "['3', '21']"}}
SHARDS = 2
PATIENCE = 10  # seconds to wait for a state; the simulator's transitions take a twentieth of one


def main() -> None:
    """Replay the scenarios on several simulators at once; print the counts and end with status 1 if a step differs."""
    parser = argparse.ArgumentParser(description="Compare the simulator with recordings of a real OpenNebula.")
    parser.add_argument("--release", choices=RELEASES, help="default: each in turn")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all")
    heed_signals()
    options = parser.parse_args()
    if not (RECORDINGS / "replay.py").is_file():
        print("skipped: the recordings of ../shared/conformance are not here")
        raise SystemExit(SKIPPED)
    releases = [options.release] if options.release else RELEASES
    agreed = [compare(release, options.scenarios) for release in releases]
    raise SystemExit(not all(agreed))


def compare(release: str, scenarios: list[str]) -> bool:
    """Replay SCENARIOS, or all, as RELEASE; print the counts, return whether every step of every one agrees."""
    recorded = sorted(path.stem for path in (RECORDINGS / "recordings" / release).glob("*.jsonl"))
    names = scenarios or recorded
    missing = sorted(set(names) - set(recorded))
    if not names:
        fail(f"{RECORDINGS} holds no recording of {release}, so nothing would be compared.")
    with ThreadPoolExecutor(SHARDS) as pool:
        reports = pool.map(lambda shard: replay(release, names[shard::SHARDS]), range(SHARDS))
    outcomes = [outcome for report in reports for outcome in report]
    steps = sum(outcome["steps"] for outcome in outcomes)
    differ = sum(outcome["differ"] - artefacts(release, outcome) for outcome in outcomes)
    for name in missing:
        print(f"scenario {name} has no recording")
    print(f"{steps} steps of {len(outcomes)} of {len(recorded)} scenarios of {release} replayed, {differ} differ")
    return not (differ or missing or len(outcomes) != len(names))


def artefacts(release: str, outcome: dict[str, Any]) -> int:
    """Return how many steps of a scenario differ in nothing but what ARTEFACTS says."""
    known = ARTEFACTS.get((release, outcome["scenario"]), {})
    found = [row for row in outcome["details"] if [each[2] for each in row["differ"]] == [known.get(row["n"])]]
    for row in found:
        print(f"step {row['n']} of {outcome['scenario']}: an artefact of the recording, state {known[row['n']]}")
    return len(found)


def replay(release: str, names: list[str]) -> list[dict[str, Any]]:
    """Replay the scenarios NAMES against a simulator of their own; print the differences, return a report of each."""
    if not names:
        return []
    with simulator(0, *RECORDED, *released(release)) as access, tempfile.TemporaryDirectory() as folder:
        report, url = Path(folder, "report.json"), access["ONE_URL"]
        command = [sys.executable, str(RECORDINGS / "replay.py"), "check", "--release", release, "--endpoint", url]
        command += ["--reset-url", url.rpartition("/")[0] + "/reset", "--strict-messages", "--verbose"]
        command += ["--max-wait", str(PATIENCE)]
        done = subprocess.run(
            [*command, "--json", str(report), *names], env=environment(), capture_output=True, text=True, check=False
        )
        print(done.stdout, done.stderr, sep="", end="", flush=True)
        return json.loads(report.read_text(encoding="utf-8"))["scenarios"] if report.is_file() else []


if __name__ == "__main__":
    main()
