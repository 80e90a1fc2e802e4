# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Measure the client and the modules beside pyone and community.general; write build/bench.json.

    python tests/benchmarks/run.py [CASE...]      default: all

The peers get a virtual environment of their own, build/bench; each case is a process of it (cases.py). Its word is the
medians of what we take, of what the peer takes, and of `floor`, what nobody can save: see the case.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from project import BUILD, COLLECTIONS, SHARED, environment, heed_signals, link_collection  # noqa: E402
from set_up import provide  # noqa: E402

BENCH = BUILD / "bench"
RESULT = BUILD / "bench.json"
CASES = ("import", "decode_pool", "decode_hosts", "find_by_name", "memory_pool", "calls", "calls_kept_alive")
CASES += ("payload", "task", "task_as_module", "fleet_steady", "fleet_steady_1000", "fleet_steady_names")
CASES += ("fleet_create", "fleet_create_1s", "inventory_hosts", "inventory_vms", "inventory_vms_10000")
CASES += ("cloud_steady", "cloud_create", "cloud_export", "calls_per_task")
NONE = float("nan")
HEAD = f"{'case':<20}{'ours':>14}{'peer':>14}{'floor':>14}  {'times faster':>12}{'times floor':>12}  floor is"


def main() -> None:
    """Run the cases named on the command line, print the table, and keep the results of the others."""
    heed_signals()
    parser = argparse.ArgumentParser(description="Measure beside pyone and community.general.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"default: all of {', '.join(CASES)}")
    chosen = parser.parse_args().cases or CASES
    unknown = sorted(set(chosen) - set(CASES))
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are: {', '.join(CASES)}")
    provide(BENCH, "bench")
    link_collection()
    print("Documents: recorded ones" if SHARED.is_dir() else "Documents: those of the simulator", HEAD, sep="\n")
    results = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() and len(chosen) < len(CASES) else {}
    for name in chosen:
        results[name] = measured(name)
        print(line(name, results[name]), flush=True)
        RESULT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measured(name: str) -> dict[str, float | str]:
    """What the process of a case says, with the ratios."""
    # The peers' own collections come with the package ansible; ours is found through COLLECTIONS.
    paths = environment(
        BENCH,
        PYTHONPATH=os.pathsep.join([str(ROOT / "simulator"), str(ROOT / "tests")]),
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
    )
    command = [str(BENCH / "bin" / "python"), str(Path(__file__).with_name("cases.py")), name]
    done = subprocess.run(command, env=paths, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"run.py: the case {name} failed")
    case = json.loads(done.stdout)
    faster = {"times_faster": case["peer"] / case["ours"]} if "peer" in case else {}  # the peer lists no hosts
    return {**case, **faster, "times_floor": case["ours"] / case["floor"]}


def line(name: str, case: dict) -> str:
    """A row of the table, and rows for the tasks that a case counts."""
    scale, unit = {"s": (1000, "ms"), "bytes": (1 / 1024, "KiB"), "calls": (1, "")}[case["unit"]]
    found = "".join(f"{case.get(who, NONE) * scale:>10.1f} {unit:<3}" for who in ("ours", "peer", "floor"))
    found += f"  {case.get('times_faster', NONE):>11.1f}x{case['times_floor']:>11.2f}x  {case['floor_is']}"
    if "ours_calls" in case:
        found += f"; calls {case['ours_calls']} and {case['peer_calls']}"
    return f"{name:<20}{found}{counted(case)}"


def counted(case: dict) -> str:
    """Rows of the calls of each task, what the page about them says otherwise, and other notes."""
    tasks = {**case.get("tasks", {}), **{name: {"ours": len(calls)} for name, calls in case.get("modules", {}).items()}}
    rows = [f"  {what:<32}{each['ours']:>6}{each.get('peer', ''):>6}" for what, each in tasks.items()]
    rows += [f"  docs/docsite/rst/calls.rst has not: {' | '.join(row)}" for row in case.get("outdated", ())]
    return "".join(f"\n{row}" for row in [*rows, *(f"  {note}" for note in case.get("notes", ()))])


if __name__ == "__main__":
    main()
