# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The runner of all checks: its verdicts, its exit status and its closing line."""

from __future__ import annotations

import sys

import pytest
import run_checks
from project import SKIPPED
from run_checks import Check, Outcome


def python(name: str, code: str, quote: str = "") -> Check:
    """Return a check that runs CODE."""
    return Check(name, [sys.executable, "-c", code], quote)


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    """Keep the logs of these tests apart from those of the run that they are part of."""
    monkeypatch.setattr(run_checks, "LOGS", tmp_path)
    monkeypatch.setattr(run_checks, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def closing(monkeypatch, capsys):
    """Return a function that runs checks as the command line does, and gives exit status and output."""

    def run(*checks: Check) -> tuple[bool, str]:
        monkeypatch.setattr(run_checks, "CHECKS", checks)
        monkeypatch.setattr(sys, "argv", ["run_checks.py"])
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
    assert "the reason" in output
    assert "quiet" not in output
    assert output.splitlines()[-1] == "1 passed, 1 failed"


def test_skipped_is_counted_and_no_failure(closing):
    failed, output = closing(python("one", ""), python("two", f"raise SystemExit({SKIPPED})"))
    assert not failed
    assert output.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_a_check_killed_by_a_signal_failed(closing):
    failed, output = closing(python("dies", "import os; os.kill(os.getpid(), 9)"))
    assert failed
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_the_line_quotes_the_last_match(logs):
    check = python("unit", "", r"\d+ passed.* in .*")
    (logs / "unit.log").write_text("1 passed in 1s\n==== 12 passed, 1 skipped in 3.4s ====\n", encoding="utf-8")
    assert run_checks.line(Outcome(check, 0, 3.41)) == "passed   unit              3.4 s  12 passed, 1 skipped in 3.4s"


def test_an_unknown_check_is_refused():
    with pytest.raises(SystemExit, match="no check spelling; there are: sanity"):
        run_checks.chosen(["spelling"])


def test_names_are_unique():
    names = [check.name for check in run_checks.CHECKS]
    assert len(names) == len(set(names))
