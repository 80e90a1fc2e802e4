# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The figures of the page about reliability: counted by several processes, kept, and shown as they are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import reliability
from project import ROOT

PLACES = "Text\n\n.. figures: Races\n\n.. figures: Kill points\n\nEnd\n"


def test_the_page_shows_the_figures():
    page = reliability.PAGE.read_text(encoding="utf-8")
    assert page == reliability.rendered(page, reliability.load()), "run tools/reliability.py"


def test_the_sums_do_not_depend_on_the_order_of_the_tests():
    lines = ['["B", "y", {"a": 1}]', '["A", "x", {"b": 2, "a": 3}]', '["B", "y", {"a": 4}]']
    found = reliability.summed(lines)
    assert found == {"A": {"x": {"b": 2, "a": 3}}, "B": {"y": {"a": 5}}}
    assert str(found) == str(reliability.summed(lines[::-1]))


def test_processes_count_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY", str(tmp_path / "counted"))
    code = "import reliability\nfor number in range(100): reliability.tally('Races', 'x' * 500, runs=1)"
    counting = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT / "tools") for number in range(3)]
    assert [process.wait(timeout=60) for process in counting] == [0, 0, 0]
    lines = (tmp_path / "counted").read_text(encoding="utf-8").splitlines()
    assert reliability.summed(lines) == {"Races": {"x" * 500: {"runs": 300}}}


def test_a_table_has_rows_and_their_sum():
    page = reliability.rendered(
        PLACES, {"Races": {"one": {"kill_points": 1500}, "two": {"kill_points": 2, "other": 1}}}
    )
    table = page.partition("Races\n\n")[2].partition(".. figures: Kill")[0]
    assert [line.strip(" *-") for line in table.splitlines()[3:]] == (
        ["What", "Kill points", "Other", "one", "1 500", "", "two", "2", "1", "Total", "1 502", "1", ""]
    )
    assert reliability.rendered(page, {}) == PLACES


def test_the_last_place_has_its_table():
    page = reliability.rendered("Text\n\n.. figures: Races\n", {"Races": {"one": {"runs": 1}}})
    assert page.endswith("   * - one\n     - 1\n")
    assert reliability.rendered(page, {"Races": {"one": {"runs": 1}}}) == page
    assert reliability.rendered(page, {}) == "Text\n\n.. figures: Races\n"


def test_figures_without_a_place_are_refused():
    with pytest.raises(SystemExit, match=r"no line '\.\. figures: Other'"):
        reliability.rendered(PLACES, {"Other": {"one": {"a": 1}}})


@pytest.mark.parametrize(("whole", "rows"), [(True, ["b"]), (False, ["a", "b"])])
def test_some_tests_replace_their_rows_alone(tmp_path, monkeypatch, whole, rows):
    for name in ("FIGURES", "PAGE"):
        monkeypatch.setattr(reliability, name, tmp_path / name)
    reliability.PAGE.write_text(PLACES, encoding="utf-8")
    reliability.keep({"Races": {"b": {"n": 1}, "a": {"n": 1}}}, whole=True)
    reliability.keep({"Races": {"b": {"n": 2}}}, whole=whole)
    assert list(reliability.load()["Races"]) == rows
    assert reliability.load()["Races"]["b"] == {"n": 2}
    assert reliability.PAGE.read_text(encoding="utf-8") == reliability.rendered(PLACES, reliability.load())


def test_long_tests_run_only_if_asked(tmp_path):
    """By the settings and the conftest.py of the project."""
    path = tmp_path / "test_some.py"
    path.write_text(
        "import pytest\n@pytest.mark.long\ndef test_a(): pass\ndef test_b(tally): pass\ndef test_c(): pass\n",
        encoding="utf-8",
    )
    assert collected(path) == ["test_b", "test_c"]
    assert collected(path, "-m", "long or tally") == ["test_a", "test_b"]


def collected(path, *arguments):
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", f"-c{ROOT / 'pyproject.toml'}", *arguments]
    command += [f"--rootdir={ROOT}", "--confcutdir=/", "-p", "conftest", str(path)]
    done = subprocess.run(
        command, cwd=ROOT / "tests/unit", env=with_conftest(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line]


def with_conftest():
    folders = [ROOT / "tests/unit", ROOT / "simulator", ROOT / "tools", ROOT / "tests"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
