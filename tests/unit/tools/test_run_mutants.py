# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The report of the mutation tester: what survived, what is noted as equivalent, and which notes are outdated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import run_mutants
from run_mutants import Mutant

KILLED = Mutant("_core/a.py", True, "x = 1", "x = 2")
SURVIVED = Mutant("_core/a.py", False, "y = 1", "y = 2")
DIFF = """\
--- a.py
+++ a.py
@@ -1,3 +1,3 @@
 def f():
-    return 1 - 1
+    return 2 - 1
"""


@pytest.fixture
def report(tmp_path, monkeypatch, capsys):
    """report(mutants, notes) → whether all is well, the figures, the text of the report."""
    monkeypatch.setattr(run_mutants, "ROOT", tmp_path)
    monkeypatch.setattr(run_mutants, "REPORT", tmp_path / "report.txt")

    def make(found, notes):
        good = run_mutants.report(found, notes)
        return good, capsys.readouterr().out, (tmp_path / "report.txt").read_text(encoding="utf-8")

    return make


def test_a_survivor_is_shown_and_counts_against_the_goal(report):
    good, figures, text = report([KILLED, SURVIVED], {})
    assert not good
    assert "_core                                1 of     2 noticed,  50.0 %, 90 % are the goal" in figures
    assert text == "_core/a.py\n  - y = 1\n  + y = 2\n"


def test_what_is_noted_as_equivalent_does_not_count(report):
    good, figures, text = report([KILLED, SURVIVED], {SURVIVED: "y is not read"})
    assert good
    assert "1 of     1 noticed, 100.0 %" in figures
    assert text.strip() == ""


@pytest.mark.parametrize("found", [[KILLED], [KILLED, SURVIVED._replace(noticed=True)]])
def test_a_note_without_its_survivor_is_outdated(report, found):
    good, figures, _text = report(found, {SURVIVED: "y is not read"})
    assert not good
    assert "outdated in equivalent_mutants.yml: _core/a.py\n  - y = 1\n  + y = 2" in figures


def test_notes_of_files_that_were_not_tried_may_stay(report):
    assert report([KILLED], {SURVIVED._replace(file="_core/b.py"): "y is not read"})[0]


def test_lines_of_a_diff():
    assert run_mutants.lines(DIFF) == ("return 1 - 1", "return 2 - 1")


def test_files_are_chosen_by_name_and_by_folder():
    assert run_mutants.chosen(["plugins/module_utils/_core/values.py"]) == ["_core/values.py"]
    assert {"_core/values.py", "_core/waiting.py"} < {*run_mutants.chosen(["_core/"])}
    everything = run_mutants.chosen([])
    assert "_module.py" in everything
    assert not [name for name in everything if name.startswith("pyone/")]
    with pytest.raises(SystemExit, match=r"there is no _core/absent\.py"):
        run_mutants.chosen(["_core/absent.py"])


def test_generated_files_are_not_tried():
    assert "pyone/codec.py" in run_mutants.chosen(["pyone"])
    assert "pyone/bindings.py" not in run_mutants.chosen(["pyone"])


def test_tests_are_those_that_know_the_files():
    assert "tests/unit/core" in run_mutants.tests(["_core/values.py"])
    assert "tests/unit/pyone" not in run_mutants.tests(["_core/values.py"])
    assert "tests/unit/core" not in run_mutants.tests(["pyone/codec.py"])
    assert {"tests/unit/core", "tests/unit/pyone"} < {*run_mutants.tests(["_core/values.py", "pyone/codec.py"])}


FUNCTION = "ansible_collections.privazio.opennebula.plugins.module_utils._core.values.x_same"
OTHER = "ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting.x_wait"


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ("README.md", ["test_a.py::one", "test_b.py::two"]),
        ("tests/unit/core/test_a.py", ["test_b.py::two"]),
        ("plugins/module_utils/_core/values.py", ["test_b.py::two"]),
        ("tests/unit/core/conftest.py", []),
        ("plugins/modules/one_vm.py", []),
        ("simulator/opennebula_simulator/cloud.py", []),
    ],
)
def test_tests_are_measured_again_where_they_or_what_they_run_has_changed(tmp_path, monkeypatch, changed, left):
    monkeypatch.setattr(run_mutants, "PLACE", tmp_path)
    monkeypatch.setattr(run_mutants, "COPY", tmp_path / "mutants")
    monkeypatch.setattr(run_mutants, "STATISTICS", tmp_path / "statistics.json")
    functions = {"tests/unit/core/test_a.py::one": [FUNCTION], "tests/unit/core/test_b.py::two": [OTHER]}
    known = {"seconds": dict.fromkeys(functions, 0.1), "functions": functions, "imported": []}
    run_mutants.STATISTICS.write_text(json.dumps(known), encoding="utf-8")
    run_mutants.forget([Path(changed)])
    found = json.loads(run_mutants.STATISTICS.read_text(encoding="utf-8"))
    assert [name.removeprefix("tests/unit/core/") for name in found["functions"]] == left
    assert [*found["seconds"]] == [*found["functions"]]


def test_survivors_are_tried_again_where_code_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(run_mutants, "PLACE", tmp_path)
    monkeypatch.setattr(run_mutants, "COPY", tmp_path / "mutants")
    monkeypatch.setattr(run_mutants, "STATISTICS", tmp_path / "statistics.json")
    place = tmp_path / "mutants" / run_mutants.UTILS / "a.py.meta"
    place.parent.mkdir(parents=True)
    results = {"survived": 0, "killed": 1, "without tests": 33, "endless": 36, "untried": None}
    place.write_text(json.dumps({"exit_code_by_key": results}), encoding="utf-8")
    run_mutants.forget([Path("README.md")])
    assert json.loads(place.read_text(encoding="utf-8")) == {"exit_code_by_key": results}
    run_mutants.forget([Path("tests/unit/core/test_a.py")])
    after = {"survived": None, "killed": 1, "without tests": None, "endless": 36, "untried": None}
    assert json.loads(place.read_text(encoding="utf-8")) == {"exit_code_by_key": after}


@pytest.mark.parametrize(("files", "known"), [(["_core/a.py"], True), (["_core/a.py", "_core/b.py"], False)])
def test_tests_are_measured_again_for_files_that_were_not_tried_before(tmp_path, monkeypatch, files, known):
    monkeypatch.setattr(run_mutants, "PLACE", tmp_path)
    monkeypatch.setattr(run_mutants, "COPY", tmp_path / "mutants")
    monkeypatch.setattr(run_mutants, "STATISTICS", tmp_path / "statistics.json")
    place = tmp_path / "mutants" / run_mutants.UTILS / "_core/a.py.meta"
    place.parent.mkdir(parents=True)
    place.touch()
    run_mutants.STATISTICS.touch()
    run_mutants.configure(files)
    assert run_mutants.STATISTICS.exists() is known
    tried = (tmp_path / "setup.cfg").read_text(encoding="utf-8")
    assert all(str(run_mutants.UTILS / file) in tried for file in ["_core/a.py", *files])


def test_every_note_has_a_reason():
    assert all(run_mutants.noted().values())
