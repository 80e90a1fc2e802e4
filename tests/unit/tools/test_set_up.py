# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How virtual environments are set up, and when they are left alone."""

from __future__ import annotations

import configparser
import subprocess
import sys

import pytest
import set_up


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """Record what pip would install, in an environment under TMP_PATH."""
    calls = []

    def run(command, **dummy):
        calls.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "create", lambda folder, python: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(set_up, "give_pip_settings", lambda python: None)
    monkeypatch.setattr(set_up.subprocess, "run", run)
    return calls


def test_what_is_there_is_left_alone(tmp_path, installs):
    for dummy in range(2):
        set_up.provide(tmp_path / "venv", ["one==1"], title="run")
    assert len(installs) == 1
    assert installs[0][-1] == "one==1"


def test_a_changed_wish_is_installed(tmp_path, installs):
    set_up.provide(tmp_path / "venv", ["one==1"], title="run")
    set_up.provide(tmp_path / "venv", ["one==2"], title="run")
    assert [call[-1] for call in installs] == ["one==1", "one==2"]


def test_a_changed_requirement_file_is_installed(tmp_path, installs):
    wishes = tmp_path / "run.txt"
    for text in ("one==1", "one==2"):
        wishes.write_text(text, encoding="utf-8")
        set_up.provide(tmp_path / "venv", [f"-r{wishes}"], title="run")
    assert len(installs) == 2


def test_a_failed_installation_is_tried_again(tmp_path, installs, monkeypatch):
    monkeypatch.setattr(set_up.subprocess, "run", lambda command, **dummy: subprocess.CompletedProcess(command, 1))
    for dummy in range(2):
        with pytest.raises(SystemExit, match="pip could not install one==1"):
            set_up.provide(tmp_path / "venv", ["one==1"], title="run")
    assert installs == []


def test_an_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(sys, "argv", ["set_up.py", "run"])
    with pytest.raises(SystemExit, match="is too old; run make with PYTHON="):
        set_up.main()


def test_pip_settings_of_the_environment_reach_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(set_up, "HOME", tmp_path)
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "181")
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:pass%40word@index.example/simple")
    set_up.give_pip_settings(sys.executable)
    target = tmp_path / ".config/pip/pip.conf"
    settings = configparser.RawConfigParser()
    settings.read(target)
    assert settings["global"]["timeout"] == "181"
    assert settings["global"]["index-url"] == "https://user:pass%40word@index.example/simple"
    assert target.stat().st_mode & 0o077 == 0


def test_an_environment_is_not_made_anew_by_its_own_python(tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    kept.touch()
    monkeypatch.setattr(set_up.sys, "prefix", str(tmp_path))
    set_up.create(tmp_path, "another-python")
    assert kept.exists()
