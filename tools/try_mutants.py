# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Try the changes that mutmut makes, for run_mutants.py.

    python try_mutants.py JOBS SECONDS SAMPLE FILE... -- TEST...

mutmut generates the changes and keeps the results. Where its own runner starts pytest for each change, here pytest
collects the tests once, and a fork of it tries each change: first the test that noticed the last change of the same
function, then the fastest that call it, until one fails or their time, as measured, comes to SECONDS. Functions that
are called while tests are imported are tried again in a process that imports them with the change.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd, copy_src_dir, setup_source_paths
from mutmut.utils.format_utils import mangled_name_from_mutant_name

PLACE = Path.cwd()  # where mutmut keeps its results
COPY = PLACE / "mutants"  # where the changed sources are, and the tests run
STATISTICS = PLACE / "statistics.json"
SURVIVED, NOTICED, NO_TESTS, TIMEOUT = 0, 1, 33, 36  # as mutmut keeps results
OPTIONS = ("--rootdir=.", "--tb=native", "-q", "-s", "-o", "tmp_path_retention_policy=none")
PATIENCE = 5  # seconds of a processor, besides ten times what the tests took without a change


class Statistics(NamedTuple):
    """What is known of the tests: the seconds of a processor that each takes, and the functions that it calls."""

    seconds: dict[str, float]
    functions: dict[str, list[str]]
    imported: list[str]  # functions that are called while tests are imported

    def affordable(self, names: Iterable[str], limit: float) -> list[str]:
        """Return the fastest of the tests NAMES, as many as take LIMIT together."""
        found, total = [], 0.0
        for name in sorted(names, key=self.seconds.__getitem__):
            total += self.seconds[name]
            if total <= limit:
                found.append(name)
        return found

    def callers(self) -> dict[str, list[str]]:
        """Return the names of the tests that call each function."""
        found = defaultdict(list)
        for test, functions in self.functions.items():
            for function in functions:
                found[function].append(test)
        return found


class Trial(NamedTuple):
    """A change to try: `run` returns whether it was noticed; it is None where no test can tell."""

    data: SourceFileMutationData
    name: str
    run: Callable[[], int] | None

    def keep(self, result: int) -> None:
        """Store RESULT where mutmut looks for it."""
        self.data.exit_code_by_key[self.name] = result
        with change_cwd(PLACE):
            self.data.save()


class Selection:
    """Tests of a function; a fork tells the others which one failed, to be the first of the next."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self.items = items
        self.shared = mmap.mmap(-1, 4)

    def first_failure(self) -> int:
        """Run the tests until one fails, and return whether one did."""
        first = int.from_bytes(self.shared[:], "big")
        order = [first, *(number for number in range(len(self.items)) if number != first)]
        for number, following in zip_longest(order, order[1:]):
            after = None if following is None else self.items[following]
            if any(report.failed for report in runtestprotocol(self.items[number], log=False, nextitem=after)):
                self.shared[:] = number.to_bytes(4, "big")
                return NOTICED
        return SURVIVED


class Session:
    """A plugin of pytest that measures the tests and tries changes where pytest would run the tests."""

    def __init__(self, jobs: int, limit: float, sample: int, files: Sequence[str]) -> None:
        self.jobs = jobs
        self.limit = limit
        self.sample = sample
        self.files = files

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try the changes of functions that tests call."""
        imported = take_calls()
        session.config._tmp_path_factory.getbasetemp()  # one for all forks
        items = {item.nodeid: item for item in session.items}
        known = measured(items, imported)
        affordable = {name: known.affordable(tests, self.limit) for name, tests in known.callers().items()}
        runs = {name: Selection([items[test] for test in tests]).first_failure for name, tests in affordable.items()}
        trials = [
            Trial(data, name, runs.get(mangled_name_from_mutant_name(name)))
            for data, name in untried(self.files, self.sample)
        ]
        gc.freeze()
        run_forked(trials, self.jobs, self.limit)
        return True


class Fastest:
    """A plugin of pytest that leaves only the fastest tests, as many as take LIMIT together."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put ITEMS in order, and leave out the slow ones."""
        found = {item.nodeid: item for item in items}
        items[:] = [found[name] for name in load().affordable(found, self.limit)]


def main() -> None:
    """Generate the changes of files that are new, and try what has no result."""
    split = sys.argv.index("--")
    jobs, limit, sample = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    files, tests = sys.argv[4:split], sys.argv[split + 1 :]
    from mutmut.__main__ import create_mutants  # it reads setup.cfg

    set_mutant_under_test("mutant_generation")
    copy_src_dir()
    setup_source_paths()
    create_mutants(jobs)
    set_mutant_under_test("stats")
    if wait(forked(lambda: run_pytest(tests, Session(jobs, limit, sample, files)), silent=False)):
        raise SystemExit("pytest has not come to its end.")

    def run():
        return NOTICED if run_pytest([*tests, "-x"], Fastest(limit)) else SURVIVED

    trials = [Trial(data, name, run) for data, name in untried(files, sample, again={*load().imported})]
    run_forked(trials, jobs, limit)


def run_pytest(arguments: Sequence[str], plugin: object) -> int:
    """Run pytest where the changed sources are."""
    os.chdir(COPY)
    return int(pytest.main([*OPTIONS, *arguments], plugins=[plugin]))


def load() -> Statistics:
    """Return what is known of the tests so far."""
    if not STATISTICS.is_file():
        return Statistics({}, {}, [])
    return Statistics(**json.loads(STATISTICS.read_text(encoding="utf-8")))


def measured(items: dict[str, pytest.Item], imported: list[str]) -> Statistics:
    """Return what is known of ITEMS, after measuring those that are new; a test that fails ends the program."""
    known = load()
    fresh = [item for name, item in items.items() if name not in known.seconds]
    say(f"{len(fresh)} of {len(items)} tests are measured")
    part = STATISTICS.with_suffix(".part")
    if wait(forked(lambda: measure(fresh, part))):
        pytest.exit(f"without a change: {part.read_text(encoding='utf-8')}", 1)
    seconds, functions = json.loads(part.read_text(encoding="utf-8"))
    known = Statistics(
        {name: value for name, value in {**known.seconds, **seconds}.items() if name in items},
        {name: value for name, value in {**known.functions, **functions}.items() if name in items},
        imported,
    )
    STATISTICS.write_text(json.dumps(known._asdict()), encoding="utf-8")
    return known


def measure(items: Sequence[pytest.Item], target: Path) -> int:
    """Run ITEMS and write into TARGET what each takes and calls; or the report of a failure, and return 1."""
    seconds, functions = {}, {}
    for item, following in zip_longest(items, items[1:]):
        start = time.process_time()
        failures = [report for report in runtestprotocol(item, log=False, nextitem=following) if report.failed]
        if failures:
            target.write_text(f"{item.nodeid}\n{failures[0].longreprtext}", encoding="utf-8")
            return 1
        seconds[item.nodeid] = time.process_time() - start
        functions[item.nodeid] = take_calls()
    target.write_text(json.dumps([seconds, functions]), encoding="utf-8")
    return 0


def take_calls() -> list[str]:
    """Return the functions that were called since the last time."""
    found = sorted(state()._stats)
    state()._stats.clear()
    return found


def untried(files: Iterable[str], sample: int, again: Iterable[str] = ()) -> list[tuple[SourceFileMutationData, str]]:
    """Return those of one in SAMPLE changes of FILES that have no result, or are of functions AGAIN and not noticed."""
    found = []
    for file in files:
        data = SourceFileMutationData(path=Path(file))
        with change_cwd(PLACE):
            data.load()
        for name, result in data.exit_code_by_key.items():
            missed = result in (SURVIVED, NO_TESTS) and mangled_name_from_mutant_name(name) in again
            if (result is None or missed) and crc32(name.encode()) % sample == 0:
                found.append((data, name))
    return found


def run_forked(trials: Sequence[Trial], jobs: int, limit: float) -> None:
    """Run TRIALS in forks, JOBS at a time, and keep their results."""
    running: dict[int, Trial] = {}
    started = time.monotonic()
    for number, trial in enumerate([*trials, *([None] * jobs)]):
        if len(running) == jobs or (trial is None and running):
            pid, status = os.wait()
            running.pop(pid).keep(result_of(status))
        if trial is None:
            continue
        if trial.run is None:
            trial.keep(NO_TESTS)
        else:
            running[forked(lambda trial=trial: attempt(trial, limit))] = trial
        if number % 100 == 99:
            say(f"{number + 1} of {len(trials)} changes, {time.monotonic() - started:.0f} seconds")


def attempt(trial: Trial, limit: float) -> int:
    """Return the result of TRIAL, or be ended after ten times LIMIT of processor time, or thrice that of the clock."""
    seconds = int(10 * limit + PATIENCE + time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.alarm(3 * seconds)
    set_mutant_under_test(trial.name)
    return trial.run()


def result_of(status: int) -> int:
    """Return the result that stands for the STATUS of a process: one ended by a signal ran too long, or crashed."""
    code = os.waitstatus_to_exitcode(status)
    return TIMEOUT if code in (-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL) else code


def forked(action: Callable[[], int], *, silent: bool = True) -> int:
    """Start a fork whose exit status is what ACTION returns, and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = NOTICED
    try:
        if silent:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
        code = action()
    finally:
        os._exit(code)


def wait(pid: int) -> int:
    """Return the exit status of the process PID."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def say(text: str) -> None:
    """Print TEXT at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
