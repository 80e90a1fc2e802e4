# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The replay fails when it should."""

from __future__ import annotations

import re
import shutil
import sys

import project
import pytest
import replay_conformance

SCENARIO = "acl_rules"


@pytest.fixture(params=replay_conformance.RELEASES)
def recordings(monkeypatch, tmp_path, request):
    """The recordings of one release with one scenario, in a folder of the test's own."""
    given = project.SHARED / "conformance"
    if not given.is_dir():
        pytest.skip("no ../shared")
    for name in ("replay.py", "masks.yaml"):
        shutil.copy(given / name, tmp_path)
    shutil.copytree(given / "scenarios", tmp_path / "scenarios")
    folder = tmp_path / "recordings" / request.param
    folder.mkdir(parents=True)
    shutil.copy(given / "recordings" / request.param / f"{SCENARIO}.jsonl", folder)
    monkeypatch.setattr(replay_conformance, "RECORDINGS", tmp_path)
    monkeypatch.setattr(replay_conformance, "RELEASES", (request.param,))
    return folder


def replay(monkeypatch, *names):
    """Exit status of the replay of these scenarios."""
    monkeypatch.setattr(sys, "argv", ["replay_conformance.py", *names])
    with pytest.raises(SystemExit) as caught:
        replay_conformance.main()
    return caught.value.code


@pytest.mark.usefixtures("recordings")
def test_all_that_is_recorded_is_replayed(monkeypatch, capsys):
    assert replay(monkeypatch) == 0
    assert re.search(r"of 1 of 1 scenarios of \S+ replayed, 0 differ", capsys.readouterr().out)


def test_a_step_that_differs_in_a_word_fails(monkeypatch, capsys, recordings):
    path = recordings / f"{SCENARIO}.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("already exists", "is there already"), encoding="utf-8")
    assert replay(monkeypatch) == 1
    assert not re.search(r"scenarios of \S+ replayed, 0 differ", capsys.readouterr().out)


@pytest.mark.usefixtures("recordings")
def test_a_scenario_without_a_recording_fails(monkeypatch, capsys):
    assert replay(monkeypatch, SCENARIO, "no_such_scenario") == 1
    assert "scenario no_such_scenario has no recording" in capsys.readouterr().out


def test_only_the_state_of_an_artefact_is_let_pass():
    def outcome(number, *differ):
        return {
            "scenario": "vm_migrate",
            "details": [{"n": number, "differ": [["state", "never", each] for each in differ]}],
        }

    state = "['3', '45']"
    assert replay_conformance.artefacts("6.10.5", outcome(51, state)) == 1
    assert replay_conformance.artefacts("7.4.0", outcome(51, state)) == 0
    assert replay_conformance.artefacts("6.10.5", outcome(52, state)) == 0
    assert replay_conformance.artefacts("6.10.5", outcome(51, state, "more")) == 0


def test_no_recordings_at_all(monkeypatch, recordings):
    shutil.rmtree(recordings)
    assert "nothing would be compared" in replay(monkeypatch)


def test_without_the_recordings_the_check_is_skipped(monkeypatch, tmp_path):
    monkeypatch.setattr(replay_conformance, "RECORDINGS", tmp_path)
    assert replay(monkeypatch) == project.SKIPPED
