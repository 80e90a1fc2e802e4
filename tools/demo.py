# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Show the collection at work: a small cloud declared twice, and seen through both inventories.

    python tools/demo.py [--clean | --playbook cloud.yml] [VARIABLE=VALUE...]

Runs against a simulator started for it, or against the OpenNebula that ONE_URL names. --clean removes there what the
demonstration made. --playbook shows another playbook, rehearsed in check mode first. Variables go to the playbook, such
as one_im_mad=kvm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from project import ROOT, VENV, environment, fail, heed_signals
from with_simulator import cloud

PLAYBOOKS = ROOT / "playbooks"
INVENTORIES = {
    "The hosts, as an inventory": "hosts.one_hosts.yml",
    "The virtual machines, as an inventory": "vms.one_vms.yml",
}


class Recap(NamedTuple):
    """How many tasks of a playbook run ended how."""

    ok: int
    changed: int
    failed: int


def main() -> None:
    """Run the demonstration, or with --clean its opposite; end with status 0 only if it kept its promise."""
    parser = argparse.ArgumentParser(description="Show the collection at work.")
    parser.add_argument("--clean", action="store_true", help="remove from ONE_URL what the demonstration made")
    parser.add_argument("--playbook", help="another playbook of playbooks/ than the demonstration")
    parser.add_argument("variables", nargs="*", metavar="VARIABLE=VALUE", help="for the playbook")
    heed_signals()
    options = parser.parse_args()
    if options.clean and not os.environ.get("ONE_URL"):
        fail("set ONE_URL to the OpenNebula to clean; the simulator of a demonstration is gone when that ends.")
    with cloud() as access:
        if options.clean:
            clean(access, options.variables)
        elif options.playbook:
            play("A rehearsal in check mode", options.playbook, access, options.variables, "--check")
            print(f"\n{declare(options.playbook, access, options.variables)}")
        else:
            show(access, options.variables)


def show(access: dict[str, str], variables: list[str]) -> None:
    """Declare the demonstration's cloud twice at the endpoint of ACCESS, then print both inventories."""
    kind = "Your OpenNebula" if os.environ.get("ONE_URL") else "A simulated OpenNebula"
    print(f"{kind} at {access['ONE_URL']}")
    words = declare("demo.yml", access, variables)
    for heading, inventory in INVENTORIES.items():
        title(heading)
        run(["ansible-inventory", "-i", str(PLAYBOOKS / "inventory" / inventory), "--graph"], access)
    print(f"\n{words}")


def declare(playbook: str, access: dict[str, str], variables: list[str]) -> str:
    """Run PLAYBOOK twice; end the program unless only the first run changes something. Return the outcome."""
    first = play("First run: what is declared is made", playbook, access, variables)
    if not first.changed:
        fail("the first run changed nothing: what it makes is there already ('make demo-clean' removes the demo).")
    second = play("Second run: nothing is left to do", playbook, access, variables)
    if second.changed:
        fail(f"the second run changed {second.changed} tasks and should have changed none.")
    return f"Done: {first.changed} changes in the first run, none in the second."


def clean(access: dict[str, str], variables: list[str]) -> None:
    """Remove the demonstration's objects from the endpoint of ACCESS."""
    recap = play(f"Removing the demonstration from {access['ONE_URL']}", "demo-clean.yml", access, variables)
    print(f"\nDone: {recap.changed} changes.")


def play(heading: str, playbook: str, access: dict[str, str], variables: list[str], *options: str) -> Recap:
    """Run PLAYBOOK under HEADING with OPTIONS, one line a task; return its recap. A failure ends the program."""
    title(heading)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        recap = Path(folder, "recap.json")
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", str(PLAYBOOKS / playbook)]
        command += [*options, *(f"-e{variable}" for variable in variables)]
        callback = {"ANSIBLE_STDOUT_CALLBACK": "short", "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callbacks")}
        # In check mode a warning tells of what other tasks would have made.
        run(command, {**access, **callback, "DEMO_RECAP": str(recap)}, warnings="--check" in options)
        hosts = json.loads(recap.read_text(encoding="utf-8")).values()
    total = Recap(*(sum(host[key] for host in hosts) for key in ("ok", "changed", "failures")))
    print(
        f"  ok={total.ok} changed={total.changed} failed={total.failed}   {time.monotonic() - began:.1f} s", flush=True
    )
    if total.failed:
        fail(f"{playbook} failed; the reason stands above.")
    return total


def run(command: list[str], variables: dict[str, str], *, warnings: bool = False) -> None:
    """Run COMMAND of the virtual environment; a failure ends the program, and a warning too, unless WARNINGS may be."""
    command[0] = str(VENV / "bin" / command[0])
    done = subprocess.run(
        command, env=environment(**variables), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.stderr and (done.returncode or not warnings):
        print(done.stderr, file=sys.stderr)
    if done.returncode or ("WARNING" in done.stderr and not warnings):
        fail(f"{Path(command[0]).name} ended with status {done.returncode}{' and a warning' if done.stderr else ''}.")


def title(heading: str) -> None:
    """Print HEADING with room above it."""
    print(f"\n{heading}", flush=True)


if __name__ == "__main__":
    main()
