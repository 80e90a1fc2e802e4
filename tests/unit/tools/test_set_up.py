# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How virtual environments are set up, and when they are left alone."""

from __future__ import annotations

import configparser
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import set_up


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """Record what pip would install, in an environment under TMP_PATH, by name of the locked file."""
    calls = []

    def run(command, **dummy):
        assert command[-2] == "-r"
        assert "--require-hashes" in command
        calls.append(Path(command[-1]).stem)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(set_up, "create", lambda folder, python: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(set_up, "give_pip_settings", lambda python: None)
    monkeypatch.setattr(set_up.subprocess, "run", run)
    for name in ("run", "build", "test"):
        (tmp_path / f"{name}.txt").write_text("one==1", encoding="utf-8")
    return calls


def test_what_is_there_is_left_alone(tmp_path, installs):
    for dummy in range(2):
        set_up.provide(tmp_path / "venv", "run")
    assert installs == ["run"]


def test_what_builds_a_package_is_there_before(tmp_path, installs):
    set_up.provide(tmp_path / "venv", "test")
    assert installs == ["build", "test"]


def test_a_changed_lock_is_installed(tmp_path, installs):
    set_up.provide(tmp_path / "venv", "run")
    (tmp_path / "run.txt").write_text("one==2", encoding="utf-8")
    set_up.provide(tmp_path / "venv", "run")
    assert installs == ["run", "run"]


def test_a_failed_installation_is_tried_again(tmp_path, installs, monkeypatch):
    monkeypatch.setattr(set_up.subprocess, "run", lambda command, **dummy: subprocess.CompletedProcess(command, 1))
    for dummy in range(2):
        with pytest.raises(SystemExit, match=r"pip could not install run\.txt"):
            set_up.provide(tmp_path / "venv", "run")
    assert installs == []


def test_another_file_of_the_same_release_is_refused(tmp_path):
    """By pip, with the settings that every installation has."""
    wheel = tmp_path / "one-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("one-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: one\nVersion: 1\n")
        archive.writestr("one-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("one-1.dist-info/RECORD", "")
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert "Would install one-1" in tried(tmp_path, f"one==1 --hash=sha256:{right}")
    assert "DO NOT MATCH" in tried(tmp_path, f"one==1 --hash=sha256:{'0' * 64}")
    assert "Hashes are required in --require-hashes mode" in tried(tmp_path, "one==1")


def tried(folder, line):
    """What pip says to a line of a lock, with the packages in FOLDER."""
    lock = folder / "lock.txt"
    lock.write_text(line, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", f"--find-links={folder}"]
    settings = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_QUIET": "0"}
    command += [*set_up.LOCKED, "-r", str(lock)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


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
