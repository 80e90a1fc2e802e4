# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Change module_utils in small ways with mutmut, and report the changes that no unit test notices.

    python tools/run_mutants.py [--jobs N] [--seconds N] [--sample N] [--force] [FILE...]

FILE is a file or a folder of module_utils, such as _core/values.py or _vm; without it, all but pyone is changed. Each
change of a function is tried by the fastest tests that call the function, as many as take --seconds together: the
figures are a lower bound. With --sample 10 one change in ten is tried, always the same ones. A change that was noticed
once is not tried again while its function is the same; --force tries all.
The report lies in build/mutants/report.txt. A change that no test can notice is noted with its reason in
tests/equivalent_mutants.yml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import chdir, suppress
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
SOURCES = PLACE / "sources.json"  # the files copied, and their hashes
STATISTICS = PLACE / "statistics.json"  # by try_mutants.py
COPY = PLACE / "mutants"  # where mutmut runs the tests
UTILS = Path("src", "ansible_collections", NAMESPACE, NAME, "plugins", "module_utils")  # so mutmut knows their names
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.yml"
TESTS = (
    "tests/unit/core",
    "tests/unit/plugins/declaration",
    "tests/unit/plugins/modules",
    "tests/unit/plugins/inventory",
    "tests/unit/plugins/lookup",
)
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
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="default: one for each processor")
    parser.add_argument("--seconds", type=float, default=2, help="of tests for each change, default: 2")
    parser.add_argument("--force", action="store_true", help="try again what was noticed")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="try one change in N")
    given = parser.parse_args()
    heed_signals()
    files = chosen(given.files)
    if given.force:
        remove(PLACE)
    forget(prepare(files))
    command = [
        str(VENV / "bin" / "python"),
        str(ROOT / "tools" / "try_mutants.py"),
        str(given.jobs),
        str(given.seconds),
    ]
    command += [str(given.sample), *(str(UTILS / file) for file in files), "--", *tests(files)]
    settings = environment(PROJECT_VENV=str(VENV))
    if run(command, settings):
        fail("the changes were not tried; why stands above.")
    with chdir(PLACE):  # where mutmut reads its results
        found = [mutant for file in files for mutant in mutants(file)]
    raise SystemExit(not report(found, noted()))


def run(command: list[str], settings: dict[str, str]) -> int:
    """Run COMMAND where mutmut works, and return its status; no fork of it outlives this program."""
    with subprocess.Popen(command, cwd=PLACE, env=settings, stdin=subprocess.DEVNULL, process_group=0) as process:
        try:
            return process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def chosen(names: list[str]) -> list[str]:
    """Return the files below module_utils that NAMES stand for; an unknown name ends the program."""
    known = [str(path.relative_to(MODULE_UTILS)) for path in sorted(MODULE_UTILS.rglob("*.py"))]
    names = [name.removeprefix("plugins/module_utils/").rstrip("/") for name in names]
    found = {name: [file for file in known if name == file or file.startswith(f"{name}/")] for name in names}
    if not all(found.values()):
        fail(f"there is no {', '.join(name for name in names if not found[name])} in plugins/module_utils.")
    files = [file for part in found.values() for file in part] or [f for f in known if not f.startswith("pyone/")]
    return [file for file in files if file not in GENERATED]


def prepare(files: list[str]) -> list[Path]:
    """Make COPY a copy of the clone, where mutmut changes FILES and those of earlier runs; return what differed."""
    old = json.loads(SOURCES.read_text(encoding="utf-8")) if SOURCES.is_file() else {}
    new = {str(name): hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in project_files(ROOT)}
    changed = [Path(name) for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    for name in changed:
        target(name).parent.mkdir(parents=True, exist_ok=True)
        if str(name) in new:
            shutil.copyfile(ROOT / name, target(name))
        else:
            target(name).unlink()
    SOURCES.write_text(json.dumps(new), encoding="utf-8")
    if not (COPY / "plugins").is_symlink():
        (COPY / "plugins").symlink_to(UTILS.parent)
    link_collection(COPY)
    configure(files)
    return changed


def configure(files: list[str]) -> None:
    """Let mutmut change FILES and those of earlier runs; which tests call functions of a new file is found out anew."""
    before = {str(path.relative_to(COPY).with_suffix("")) for path in (COPY / UTILS).rglob("*.meta")}
    meant = {str(UTILS / file) for file in files}
    if meant - before:
        STATISTICS.unlink(missing_ok=True)
    only = "".join(f"\n    {path}" for path in sorted(before | meant))
    (PLACE / "setup.cfg").write_text(CONFIGURATION.format(source=UTILS, only=only), encoding="utf-8")


def forget(changed: Iterable[Path]) -> None:
    """Remove what earlier runs have found of the tests that CHANGED files concern; survivors are tried again.

    A file that is neither a test nor among module_utils concerns all tests.
    """
    code = [name for name in changed if name.suffix == ".py" and name.parts[0] in ("plugins", "simulator", "tests")]
    if not code:
        return
    for path in (COPY / UTILS).rglob("*.meta"):
        found = json.loads(path.read_text(encoding="utf-8"))
        results = found["exit_code_by_key"]
        results.update({name: None for name, result in results.items() if status_by_exit_code[result] not in NOTICED})
        path.write_text(json.dumps(found), encoding="utf-8")
    if not STATISTICS.is_file():
        return
    known = json.loads(STATISTICS.read_text(encoding="utf-8"))
    prefixes = tuple(f"{'.'.join((target(name).relative_to(PLACE)).with_suffix('').parts[1:])}." for name in code)
    tests_changed = {str(name) for name in code if name.name.startswith("test_")}
    everything = any(name.parts[:2] != ("plugins", "module_utils") and str(name) not in tests_changed for name in code)
    for test, functions in list(known["functions"].items()):
        if everything or test.partition("::")[0] in tests_changed or any(f.startswith(prefixes) for f in functions):
            del known["functions"][test], known["seconds"][test]
    STATISTICS.write_text(json.dumps(known), encoding="utf-8")


def target(name: Path) -> Path:
    """Return where the file NAME of the clone lies for mutmut, which reads module_utils beside COPY."""
    if name.parts[0] != "plugins":
        return COPY / name
    return (PLACE if "module_utils" in name.parts[:2] else COPY) / UTILS.parent.parent / name


def tests(files: list[str]) -> list[str]:
    """Return the arguments of pytest for the tests that may know FILES."""
    of_pyone = [file.startswith("pyone/") for file in files]
    known = [*(() if all(of_pyone) else TESTS), *(TESTS_OF_PYONE if any(of_pyone) else ())]
    return [*known, *(f"--deselect={name}" for name in WITHOUT)]


def mutants(file: str) -> Iterator[Mutant]:
    """The changes of FILE that mutmut has tried, in the order of their lines."""
    data = SourceFileMutationData(path=UTILS / file)
    data.load()
    for name, status in data.exit_code_by_key.items():
        if status is None:  # not of the sample
            continue
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
