# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run the examples of every plugin, and the playbooks of the guides, each against a simulator of its own.

    python tools/run_examples.py [--jobs N] [NAME...]

NAME is a module, a guide or, with its kind, another plugin: one_host, fleets, filter_one_template. What an example
takes for granted is made by the tasks in tests/examples/NAME.yml. A run fails when a task fails, and also when Ansible
prints a warning.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from project import BUILD, LOGS, ROOT, VENV, environment, fail, heed_signals
from run_integration import DOCUMENTED, Outcome, fault, report
from with_simulator import simulator

PLUGINS = {"modules": "", "lookup": "lookup_"}  # folder: what its names begin with
GUIDES = ROOT / "docs" / "docsite" / "rst"
PREPARATIONS = ROOT / "tests" / "examples"
PLAYBOOKS = BUILD / "examples"
DRIVERS = dict.fromkeys([f"one_{kind}_mad" for kind in ("im", "vm", "tm", "ds", "vn", "market")], "dummy")
BLOCKS = {  # by the suffix of a guide: a block of YAML in it
    ".rst": re.compile(r"^\.\. code-block:: ya?ml[^\n]*\n(?:[ ]+:[^\n]*\n)*\n((?:[ ]+[^\n]*\n|\n)+)", re.MULTILINE),
    ".md": re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL),
}


def main() -> None:
    """Run the examples named on the command line, or all; end with status 1 if one fails."""
    parser = argparse.ArgumentParser(description="Run the examples of the documentation.")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    heed_signals()
    options = parser.parse_args()
    found = dict(examples())
    unknown = sorted(set(options.names) - set(found))
    if unknown:
        fail(f"there are no examples of {', '.join(unknown)}; there are: {', '.join(sorted(found))}.")
    LOGS.mkdir(parents=True, exist_ok=True)
    PLAYBOOKS.mkdir(parents=True, exist_ok=True)
    chosen = {name: found[name] for name in options.names or sorted(found)}
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = [report(outcome) for outcome in pool.map(run, chosen, chosen.values())]
    failed = sum(bool(outcome.fault) for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    raise SystemExit(bool(failed))


def examples() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the name and the plays of everything that has examples."""
    for folder, prefix in PLUGINS.items():
        for path in sorted((ROOT / "plugins" / folder).glob("*.py")):
            name = prefix + path.stem
            yield name, [play(name, yaml.safe_load(constant(path, "EXAMPLES")))]
    for path in sorted((ROOT / "plugins" / "filter").glob("*.yml")):
        name, documented = f"filter_{path.stem}", yaml.safe_load(path.read_text(encoding="utf-8"))
        yield name, [play(name, yaml.safe_load(documented["EXAMPLES"]))]
    for path in [ROOT / "README.md", *sorted(GUIDES.glob("*.rst"))]:
        plays = list(playbooks(path))
        if plays:
            yield path.stem, [*([play(path.stem, [])] if preparation(path.stem) else []), *plays]


def constant(path: Path, name: str) -> str:
    """Return the text that the module at PATH assigns to NAME."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    fail(f"{path.relative_to(ROOT)} has no {name}.")


def playbooks(guide: Path) -> Iterator[dict[str, Any]]:
    """Yield the plays in the YAML blocks of a GUIDE that run on this machine; other blocks are passed over."""
    for block in BLOCKS[guide.suffix].finditer(guide.read_text(encoding="utf-8")):
        content = yaml.safe_load(textwrap.dedent(block.group(1)))
        if isinstance(content, list):
            plays = (
                item
                for item in content
                if isinstance(item, dict) and item.get("hosts") == "localhost" and "rules" not in item
            )
            yield from map(with_drivers, plays)


def play(name: str, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a play of the preparation of NAME and then TASKS."""
    return with_drivers({"hosts": "localhost", "gather_facts": False, "tasks": [*preparation(name), *tasks]})


def with_drivers(given: dict[str, Any]) -> dict[str, Any]:
    """Return a play that runs on this machine, with the drivers of the simulator."""
    own = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **DRIVERS}
    return {**given, "connection": "local", "vars": {**given.get("vars", {}), **own}}


def preparation(name: str) -> list[dict[str, Any]]:
    """Return the tasks that make what the examples of NAME take for granted."""
    path = PREPARATIONS / f"{name}.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else []


def run(name: str, plays: list[dict[str, Any]]) -> Outcome:
    """Run PLAYS against a simulator of their own, with a log of their own."""
    log, playbook = LOGS / f"examples-{name}.log", PLAYBOOKS / f"{name}.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False, allow_unicode=True), encoding="utf-8")
    command = [str(VENV / "bin" / "ansible-playbook"), "-v", "--diff", "-i", "localhost,", str(playbook)]
    began = time.monotonic()
    with simulator() as access, log.open("w", encoding="utf-8") as stream:
        start = partial(subprocess.run, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False)
        status = start(command, env=environment(ANSIBLE_NOCOLOR="1", **DOCUMENTED, **access)).returncode
    return Outcome(name, fault(status, log.read_text(encoding="utf-8")), time.monotonic() - began, log)


if __name__ == "__main__":
    main()
