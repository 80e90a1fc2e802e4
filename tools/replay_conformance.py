# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Replay what a real OpenNebula answered against the simulator, and compare.

    python tools/replay_conformance.py [SCENARIO...]

Replays every recorded scenario, or those named; every step must agree, messages included. The recordings lie in
../shared/conformance; without them the check is skipped (exit status 77).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from project import SHARED, SKIPPED, environment, fail, heed_signals
from with_simulator import simulator

RECORDINGS = SHARED / "conformance"
RELEASE = "7.4.0"
SHARDS = 2
PATIENCE = 10  # seconds to wait for a state; the simulator's transitions take a twentieth of one


def main() -> None:
    """Replay the scenarios on several simulators at once; print the counts and end with status 1 if a step differs."""
    parser = argparse.ArgumentParser(description="Compare the simulator with recordings of a real OpenNebula.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all")
    heed_signals()
    options = parser.parse_args()
    if not (RECORDINGS / "replay.py").is_file():
        print("skipped: the recordings of ../shared/conformance are not here")
        raise SystemExit(SKIPPED)
    recorded = sorted(path.stem for path in (RECORDINGS / "recordings" / RELEASE).glob("*.jsonl"))
    names = options.scenarios or recorded
    missing = sorted(set(names) - set(recorded))
    if not names:
        fail(f"{RECORDINGS} holds no recording of {RELEASE}, so nothing would be compared.")
    with ThreadPoolExecutor(SHARDS) as pool:
        reports = pool.map(lambda shard: replay(names[shard::SHARDS]), range(SHARDS))
    outcomes = [outcome for report in reports for outcome in report]
    steps, differ = (sum(outcome[key] for outcome in outcomes) for key in ("steps", "differ"))
    for name in missing:
        print(f"scenario {name} has no recording")
    print(f"{steps} steps of {len(outcomes)} of {len(recorded)} scenarios replayed, {differ} differ")
    raise SystemExit(bool(differ or missing or len(outcomes) != len(names)))


def replay(names: list[str]) -> list[dict[str, int]]:
    """Replay the scenarios NAMES against a simulator of their own; print the differences, return a report of each."""
    if not names:
        return []
    with simulator() as access, tempfile.TemporaryDirectory() as folder:
        report, url = Path(folder, "report.json"), access["ONE_URL"]
        command = [sys.executable, str(RECORDINGS / "replay.py"), "check", "--release", RELEASE, "--endpoint", url]
        command += ["--reset-url", url.rpartition("/")[0] + "/reset", "--strict-messages", "--verbose"]
        command += ["--max-wait", str(PATIENCE)]
        done = subprocess.run(
            [*command, "--json", str(report), *names], env=environment(), capture_output=True, text=True, check=False
        )
        print(done.stdout, done.stderr, sep="", end="", flush=True)
        return json.loads(report.read_text(encoding="utf-8"))["scenarios"] if report.is_file() else []


if __name__ == "__main__":
    main()
