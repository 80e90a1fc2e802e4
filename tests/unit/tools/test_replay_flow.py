# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The replay of OneFlow fails when it should."""

from __future__ import annotations

import shutil
import sys

import project
import pytest
import replay_flow

SCENARIO = "template_crud"


@pytest.fixture
def recordings(monkeypatch, tmp_path):
    """The recordings with one scenario, in a folder of the test's own."""
    given = project.SHARED / "conformance" / "flow"
    if not given.is_dir():
        pytest.skip("no ../shared")
    for name in ("replay.py", "masks.yaml"):
        shutil.copy(given / name, tmp_path)
    shutil.copytree(given / "scenarios", tmp_path / "scenarios")
    folder = tmp_path / "recordings" / replay_flow.RELEASE
    folder.mkdir(parents=True)
    shutil.copy(given / "recordings" / replay_flow.RELEASE / f"{SCENARIO}.jsonl", folder)
    monkeypatch.setattr(replay_flow, "RECORDINGS", tmp_path)
    return folder


def replay(monkeypatch, *names):
    """Exit status of the replay of these scenarios."""
    monkeypatch.setattr(sys, "argv", ["replay_flow.py", *names])
    with pytest.raises(SystemExit) as caught:
        replay_flow.main()
    return caught.value.code


@pytest.mark.usefixtures("recordings")
def test_all_that_is_recorded_is_replayed(monkeypatch, capfd):
    assert replay(monkeypatch) == 0
    assert "71 steps, 71 match, 0 differ" in capfd.readouterr().out


def test_a_step_that_differs_in_a_word_fails(monkeypatch, capfd, recordings):
    path = recordings / f"{SCENARIO}.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("Immutable value", "Fixed value"), encoding="utf-8")
    assert replay(monkeypatch) == 1
    assert "1 differ" in capfd.readouterr().out


@pytest.mark.usefixtures("recordings")
def test_a_scenario_without_a_recording_fails(monkeypatch):
    assert "no recording of no_such_scenario" in replay(monkeypatch, SCENARIO, "no_such_scenario")


def test_no_recordings_at_all(monkeypatch, recordings):
    shutil.rmtree(recordings)
    assert "nothing would be compared" in replay(monkeypatch)


def test_without_the_recordings_the_check_is_skipped(monkeypatch, tmp_path):
    monkeypatch.setattr(replay_flow, "RECORDINGS", tmp_path)
    assert replay(monkeypatch) == project.SKIPPED
