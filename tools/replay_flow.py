# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Replay what a real OneFlow answered against that of the simulator, and compare.

    python tools/replay_flow.py [SCENARIO...]

Replays every recorded scenario, or those named; every step must agree, messages included. The recordings lie in
../shared/conformance/flow; without them the check is skipped (exit status 77).
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from project import SHARED, SKIPPED, environment, fail, heed_signals
from with_simulator import RECORDED, simulator

RECORDINGS = SHARED / "conformance" / "flow"
RELEASE = "7.4.0"


def main() -> None:
    """Replay the scenarios; end with status 1 if a step differs."""
    parser = argparse.ArgumentParser(description="Compare the simulator's OneFlow with recordings of a real one.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all")
    heed_signals()
    options = parser.parse_args()
    if not (RECORDINGS / "replay.py").is_file():
        print("skipped: the recordings of ../shared/conformance/flow are not here")
        raise SystemExit(SKIPPED)
    recorded = sorted(path.stem for path in (RECORDINGS / "recordings" / RELEASE).glob("*.jsonl"))
    names = options.scenarios or recorded
    if not names:
        fail(f"{RECORDINGS} holds no recording of {RELEASE}, so nothing would be compared.")
    if missing := sorted(set(names) - set(recorded)):
        fail(f"There is no recording of {', '.join(missing)}.")
    raise SystemExit(replay(names))


def replay(names: list[str]) -> int:
    """Replay the scenarios NAMES against a simulator of their own, whose VMs take no time; return 1 if they differ."""
    with simulator(0, *RECORDED, "--delay", "0") as access:
        command = [sys.executable, str(RECORDINGS / "replay.py"), "check", "--release", RELEASE, "--verbose"]
        command += ["--endpoint", access["ONEFLOW_URL"], "--oned", access["ONE_URL"]]
        command += ["--reset-url", access["ONE_URL"].rpartition("/")[0] + "/reset"]
        return subprocess.run([*command, *names], env=environment(), check=False).returncode


if __name__ == "__main__":
    main()
