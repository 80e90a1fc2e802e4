# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Change module_utils in small ways with mutmut, and report the changes that no unit test notices.

    python tools/run_mutants.py [FILE...]      default: all of plugins/module_utils but pyone

FILE is a file or a folder of module_utils, such as _core/values.py or _vm. Each change of a function is tried by the
tests that call the function, in as many processes as there are processors. The report lies in build/mutants/report.txt.
A change that no test can notice is noted with its reason in tests/equivalent_mutants.yml.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import yaml
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from project import (
    BUILD,
    NAME,
    NAMESPACE,
    ROOT,
    VENV,
    environment,
    fail,
    heed_signals,
    link_collection,
    project_files,
    remove,
)

MODULE_UTILS = ROOT / "plugins" / "module_utils"
PLACE = BUILD / "mutants"
REPORT = PLACE / "report.txt"
COPY = PLACE / "mutants"  # where mutmut runs the tests
UTILS = Path("src", "ansible_collections", NAMESPACE, NAME, "plugins", "module_utils")  # so mutmut knows their names
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.yml"
TESTS = ("tests/unit/core", "tests/unit/plugins/modules", "tests/unit/plugins/inventory", "tests/unit/plugins/lookup")
TESTS_OF_PYONE = ("tests/unit/pyone", "tests/unit/bindings")
# These run programs, which take long and do not know which change is on trial.
WITHOUT = (
    "tests/unit/core/test_guides.py",
    "tests/unit/plugins/modules/test_through_ansible.py",
    "tests/unit/pyone/test_types.py",
)
NOTICED = ("killed", "timeout", "segfault", "suspicious")
GOALS = {"_core": 90, "_engine": 90, "_vm": 90, "_kinds": 80}  # percent of the changes that tests have to notice
GENERATED = ("pyone/bindings.py", "pyone/bindings_service.py")
CONFIGURATION = """\
[mutmut]
source_paths = {source}
only_mutate = {only}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = {options}
timeout_multiplier = 3
timeout_constant = 5
track_dependencies = false
use_git_change_detection = false
"""


class Mutant(NamedTuple):
    """A change: its file below module_utils, whether it was noticed, and the lines that it takes out and puts in."""

    file: str
    noticed: bool
    before: str
    after: str


def main() -> None:
    """Try the files named on the command line; end with status 1 if a folder misses its goal or a note is outdated."""
    parser = argparse.ArgumentParser(description="Try the unit tests with mutmut.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="default: all but pyone")
    heed_signals()
    files = chosen(parser.parse_args().files)
    prepare(files)
    command = [str(VENV / "bin" / "mutmut"), "run", "--max-children", str(os.cpu_count() or 2)]
    command += [f"{'.'.join((UTILS / file).with_suffix('').parts[1:])}.x*" for file in files]
    settings = environment(PROJECT_VENV=str(VENV), PYTHONPATH=str(ROOT / "tools"))
    if subprocess.run(command, cwd=PLACE, env=settings, stdin=subprocess.DEVNULL, check=False).returncode:
        fail("mutmut did not come to its end; its words stand above.")
    with chdir(PLACE):  # where mutmut reads its results
        found = [mutant for file in files for mutant in mutants(file)]
    raise SystemExit(not report(found, noted()))


def chosen(names: list[str]) -> list[str]:
    """Return the files below module_utils that NAMES stand for; an unknown name ends the program."""
    known = [str(path.relative_to(MODULE_UTILS)) for path in sorted(MODULE_UTILS.rglob("*.py"))]
    names = [name.removeprefix("plugins/module_utils/").rstrip("/") for name in names]
    found = {name: [file for file in known if name == file or file.startswith(f"{name}/")] for name in names}
    if not all(found.values()):
        fail(f"there is no {', '.join(name for name in names if not found[name])} in plugins/module_utils.")
    files = [file for part in found.values() for file in part] or [f for f in known if not f.startswith("pyone/")]
    return [file for file in files if file not in GENERATED]


def prepare(files: list[str]) -> None:
    """Make COPY a copy of the clone, for mutmut to put changes of FILES among its module_utils."""
    remove(PLACE)
    for name in project_files(ROOT):
        target = (COPY / UTILS).parent.parent / name if name.parts[0] == "plugins" else COPY / name
        if "module_utils" in name.parts[:2]:
            target = PLACE / UTILS.parent.parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    (COPY / "plugins").symlink_to(UTILS.parent)
    link_collection(COPY)
    (PLACE / "setup.cfg").write_text(configuration(files), encoding="utf-8")


def configuration(files: list[str]) -> str:
    """Return the configuration of mutmut to change FILES, and to try the tests that may know them."""
    of_pyone = [file.startswith("pyone/") for file in files]
    tests = [*(() if all(of_pyone) else TESTS), *(TESTS_OF_PYONE if any(of_pyone) else ())]
    values = {
        "only": [UTILS / file for file in files],
        "tests": tests,
        "options": ["-p", "fastest_first", *(f"--deselect={name}" for name in WITHOUT)],
    }
    lists = {name: "".join(f"\n    {value}" for value in value) for name, value in values.items()}
    return CONFIGURATION.format(source=UTILS, **lists)


def mutants(file: str) -> Iterator[Mutant]:
    """The changes of FILE that mutmut has tried, in the order of their lines."""
    data = SourceFileMutationData(path=UTILS / file)
    data.load()
    for name, status in data.exit_code_by_key.items():
        before, after = lines(get_diff_for_mutant(name, path=UTILS / file))
        yield Mutant(file, status_by_exit_code[status] in NOTICED, before, after)


def lines(diff: str) -> tuple[str, str]:
    """Return the lines that DIFF takes out and those that it puts in, without what is the same around them."""
    body = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    return tuple("\n".join(line[1:].strip() for line in body if line.startswith(sign)) for sign in "-+")


def noted() -> dict[Mutant, str]:
    """Return the changes that no test can notice, with the reasons why."""
    notes = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or []
    return {Mutant(note["file"], False, note["before"], note["after"]): note["reason"] for note in notes}


def report(found: list[Mutant], notes: dict[Mutant, str]) -> bool:
    """Write the survivors among FOUND to REPORT and print the figures; tell whether goals are met and NOTES hold.

    A note is outdated when there is no such change in the files tried, or when a test notices it.
    """
    survivors = {mutant for mutant in found if not mutant.noticed}
    files = {mutant.file for mutant in found}
    outdated = [note for note in notes if note.file in files and note not in survivors]
    with REPORT.open("w", encoding="utf-8") as stream:
        print(*(shown(mutant) for mutant in sorted(survivors - notes.keys())), sep="\n", file=stream)
    parts = sorted({*files, *(file.partition("/")[0] for file in files)})
    shares = {part: figures(part, [m for m in found if f"{m.file}/".startswith(f"{part}/")], notes) for part in parts}
    print(*(f"outdated in {EQUIVALENT.name}: {shown(note)}" for note in outdated), sep="\n")
    print(f"The changes that no test notices: {REPORT.relative_to(ROOT)}")
    return not outdated and all(share >= GOALS.get(part, 0) for part, share in shares.items())


def figures(part: str, found: list[Mutant], notes: dict[Mutant, str]) -> float:
    """Print and return how many percent of the changes FOUND in PART were noticed, of those that can be."""
    noticed = sum(mutant.noticed for mutant in found)
    possible = len([mutant for mutant in found if mutant not in notes])
    share = 100 * noticed / possible if possible else 100
    goal = f", {GOALS[part]} % are the goal" if part in GOALS else ""
    print(f"{part:<32} {noticed:5} of {possible:5} noticed, {share:5.1f} %{goal}")
    return share


def shown(mutant: Mutant) -> str:
    """Return a change as a diff."""
    return "\n".join(
        [
            mutant.file,
            *(
                f"  {sign} {line}"
                for sign, text in (("-", mutant.before), ("+", mutant.after))
                for line in text.splitlines()
            ),
        ]
    )


if __name__ == "__main__":
    main()
