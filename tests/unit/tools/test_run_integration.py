# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The runner of integration targets: which it takes, and when one has failed."""

from __future__ import annotations

import re

import pytest
import run_integration
from opennebula_simulator.releases import RELEASES


@pytest.fixture
def targets(tmp_path, monkeypatch):
    """Have two targets and a role that they call."""
    for name in ("one_host", "one_vm", "setup_cloud"):
        tasks = tmp_path / name / "tasks"
        tasks.mkdir(parents=True)
        (tasks / "main.yml").write_text("---\n", encoding="utf-8")
    monkeypatch.setattr(run_integration, "TARGETS", tmp_path)


@pytest.mark.usefixtures("targets")
def test_all_targets_but_helpers():
    assert run_integration.chosen([]) == ["one_host", "one_vm"]


@pytest.mark.usefixtures("targets")
def test_named_targets_only():
    assert run_integration.chosen(["one_vm"]) == ["one_vm"]


@pytest.mark.usefixtures("targets")
@pytest.mark.parametrize("name", ["one_moon", "setup_cloud"])
def test_unknown_target(name):
    with pytest.raises(SystemExit, match=f"no integration target {name}; there are: one_host, one_vm"):
        run_integration.chosen([name])


@pytest.mark.parametrize(
    ("variables", "name"),
    [("", "integration-one_host"), ("one_in_controller=false", "integration-one_host-one_in_controller-false")],
)
def test_each_run_has_a_log_of_its_own(variables, name):
    assert run_integration.log_name("one_host", variables) == name


@pytest.mark.parametrize(
    ("status", "output", "said"),
    [
        (0, "ok: [localhost]\n", ""),
        (2, "", "ansible-playbook ended with status 2"),
        (0, "[WARNING]: Module did not set no_log\n", "Ansible warned: [WARNING]: Module did not set no_log"),
        (0, "[DEPRECATION WARNING]: gone in 3.0\n", "Ansible warned: [DEPRECATION WARNING]: gone in 3.0"),
        (0, 'msg: "a text with [WARNING]: inside"\n', ""),
    ],
)
def test_fault(status, output, said):
    assert run_integration.fault(status, output) == said


def test_a_target_that_a_release_cannot_run_is_skipped_with_a_line(capsys):
    assert run_integration.without({"one_vm_exec": "too old"}, ["one_vm", "one_vm_exec"]) == ["one_vm"]
    assert re.search(r"skipped +one_vm_exec +too old", capsys.readouterr().out)


def test_a_known_failure_passes_and_one_that_is_gone_fails():
    def judged(target, fault):
        return run_integration.judged(run_integration.Outcome(target, fault, 0, None), {"one_hook": "why"}).fault

    assert judged("one_hook", "ended with status 2") == ""
    assert "must go" in judged("one_hook", "")
    assert judged("one_vm", "ended with status 2") == "ended with status 2"
    assert judged("one_vm", "") == ""


def test_the_targets_that_are_set_apart_exist():
    for table in (run_integration.SKIPPED, run_integration.KNOWN_FAILURES):
        assert table.keys() <= set(RELEASES)
        assert {name for names in table.values() for name in names} <= set(run_integration.chosen([]))
