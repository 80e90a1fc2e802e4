# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The environment that tools run in."""

from __future__ import annotations

import os

import project
import pytest


def test_settings_of_the_user_are_left_behind(monkeypatch):
    for name in ("ONE_URL", "ANSIBLE_STRATEGY", "PYTHONPATH", "MAKEFLAGS", "GIT_DIR"):
        monkeypatch.setenv(name, "mine")
    assert "mine" not in project.environment().values()


def test_what_is_given_comes_last():
    assert project.environment(HOME="/elsewhere", ONE_URL="http://one")["HOME"] == "/elsewhere"


def test_programs_of_the_virtual_environment_come_first(tmp_path):
    assert project.environment(tmp_path)["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")


def test_the_newest_interpreter_comes_first(tmp_path, monkeypatch):
    for release in ("3.9.18", "3.13.0", "3.8.1", "2.7.18"):
        (tmp_path / "versions" / release / "bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", str(tmp_path / "shims")]))
    assert [folder.parent.name for folder in project.interpreters()] == ["3.13.0", "3.9.18", "3.8.1"]


@pytest.mark.parametrize(("text", "release"), [("3.12.1", (3, 12, 1)), ("3.8", (3, 8)), ("3.13.0rc1", (3, 13))])
def test_version_of(text, release):
    assert project.version_of(text) == release


def test_the_collection_is_linked_once(tmp_path):
    assert project.link_collection(tmp_path).resolve() == tmp_path.resolve()
    assert project.link_collection(tmp_path).resolve() == tmp_path.resolve()


def test_the_link_takes_the_place_of_what_pytest_ansible_made(tmp_path):
    made = tmp_path / "collections" / "ansible_collections" / project.NAMESPACE / project.NAME
    made.mkdir(parents=True)
    (made / "plugins").symlink_to(project.ROOT / "plugins")
    assert project.link_collection(tmp_path).resolve() == tmp_path.resolve()
    assert (project.ROOT / "plugins").is_dir()
