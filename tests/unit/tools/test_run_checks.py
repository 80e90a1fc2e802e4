# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The runner of all checks: its verdicts, its exit status and its closing line."""

from __future__ import annotations

import subprocess
import sys

import pytest
import run_checks
import unchanged
from project import ROOT, SKIPPED, project_files
from run_checks import Check, Outcome


def python(name: str, code: str, quote: str = "") -> Check:
    """Return a check that runs CODE and depends on the folder `read`."""
    return Check(name, [sys.executable, "-c", code], quote, reads=("read",))


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    """Be in a clone with a file that checks read, and keep logs and outcomes apart from the real ones."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in ("read/this", "tools/run", "elsewhere"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for module in (run_checks, unchanged):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(run_checks, "LOGS", tmp_path)
    monkeypatch.setattr(unchanged, "PASSED", tmp_path / "passed")
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


@pytest.fixture
def closing(monkeypatch, capsys):
    """Return a function that runs checks as the command line does, and gives exit status and output."""

    def run(*checks: Check, options: tuple[str, ...] = ()) -> tuple[bool, str]:
        monkeypatch.setattr(run_checks, "CHECKS", checks)
        monkeypatch.setattr(sys, "argv", ["run_checks.py", *options])
        monkeypatch.setattr(run_checks, "heed_signals", lambda: None)
        with pytest.raises(SystemExit) as ended:
            run_checks.main()
        return bool(ended.value.code), capsys.readouterr().out

    return run


def test_all_passed(closing):
    failed, output = closing(python("one", ""), python("two", ""))
    assert not failed
    assert output.splitlines()[-1] == "2 passed, 0 failed"


def test_one_failed_shows_the_end_of_its_log(closing):
    failed, output = closing(
        python("good", "print('quiet')"), python("bad", "print('the reason'); raise SystemExit(3)")
    )
    assert failed
    assert sorted(line for line in output.splitlines() if line.startswith("started")) == [
        "started   bad",
        "started   good",
    ]
    assert "the reason" in output
    assert "quiet" not in output
    assert output.splitlines()[-1] == "1 passed, 1 failed"


def test_skipped_is_counted_and_no_failure(closing):
    failed, output = closing(python("one", ""), python("two", f"raise SystemExit({SKIPPED})"))
    assert not failed
    assert output.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_a_check_that_does_not_end_is_stopped_with_what_it_started(closing, monkeypatch):
    monkeypatch.setattr(run_checks, "LIMIT", 1)
    child = "import time; print('begun', flush=True); time.sleep(60)"
    failed, output = closing(
        python("hangs", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    )
    assert failed
    assert "begun" in output
    assert "Stopped, as it had not ended after 1 s." in output


def test_a_check_killed_by_a_signal_failed(closing):
    failed, output = closing(python("dies", "import os; os.kill(os.getpid(), 9)"))
    assert failed
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_the_line_quotes_the_last_match(logs):
    check = python("unit", "", r"\d+ passed.* in .*")
    (logs / "unit.log").write_text("1 passed in 1s\n==== 12 passed, 1 skipped in 3.4s ====\n", encoding="utf-8")
    assert run_checks.line(Outcome(check, 0, 3.41)) == "passed    unit              3.4 s  12 passed, 1 skipped in 3.4s"


def test_an_unknown_check_is_refused():
    with pytest.raises(SystemExit, match="no check spelling; there are: sanity"):
        run_checks.chosen(["spelling"])


def test_names_are_unique():
    names = [check.name for check in run_checks.CHECKS]
    assert len(names) == len(set(names))


def test_what_has_passed_is_not_run_again(closing, logs):
    check = python("one", "print('run')", "run")
    assert [closing(check)[1].splitlines()[-1] for dummy in range(2)] == [
        "1 passed, 0 failed",
        "0 passed, 0 failed, 1 unchanged",
    ]
    assert "started" not in closing(check)[1]
    assert (logs / "one.log").read_text(encoding="utf-8") == "run\n"  # what it said when it ran


@pytest.mark.parametrize("name", ["read/this", "read/new", "tools/run"])
def test_a_change_of_what_it_reads_runs_it_again(closing, logs, name):
    check = python("one", "")
    closing(check)
    (logs / name).write_text("changed", encoding="utf-8")
    assert closing(check)[1].endswith("1 passed, 0 failed\n")


def test_a_change_elsewhere_does_not(closing, logs):
    check = python("one", "")
    closing(check)
    (logs / "elsewhere").write_text("changed", encoding="utf-8")
    assert closing(check)[1].endswith("1 unchanged\n")


def test_other_tools_or_another_command_run_it_again(closing, monkeypatch):
    closing(python("one", ""))
    assert closing(python("one", "pass"))[1].endswith("1 passed, 0 failed\n")
    monkeypatch.setattr(unchanged, "installed", lambda: ["pytest-9.9.9.dist-info"])
    assert closing(python("one", "pass"))[1].endswith("1 passed, 0 failed\n")


def test_what_failed_is_run_again_though_it_passed_before(closing, logs):
    check = python("one", f"raise SystemExit(bool(open({str(logs / 'read/this')!r}).read()))")
    closing(check)
    (logs / "read/this").write_text("bad", encoding="utf-8")
    assert closing(check)[0]
    assert closing(check)[0]


def test_a_change_while_it_runs_is_no_pass(closing, logs):
    check = python("one", f"print(file=open({str(logs / 'read/this')!r}, 'a'))")
    closing(check)
    assert closing(check)[1].endswith("1 passed, 0 failed\n")


@pytest.mark.parametrize(("options", "variable"), [(("--force",), ""), ((), "true")])
def test_force_and_ci_run_everything(closing, monkeypatch, options, variable):
    check = python("one", "")
    closing(check)
    if variable:
        monkeypatch.setenv("CI", variable)
    assert closing(check, options=options)[1].endswith("1 passed, 0 failed\n")


def test_the_real_checks_name_what_exists():
    known = {*map(str, project_files(ROOT)), *(str(parent) for path in project_files(ROOT) for parent in path.parents)}
    named = {name for check in run_checks.CHECKS for name in (*check.reads, *unchanged.TOOLS)}
    assert named - known - {"../shared", "roles", "extensions", "tests/sanity"} == set()


def test_continuous_integration_runs_everything():
    assert "make test FORCE=1" in (ROOT / ".ci/run").read_text(encoding="utf-8")
