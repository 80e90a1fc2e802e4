# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the collection says of itself agrees with what it holds."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
import yaml
from project import ROOT
from run_matrix import CORES

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("one_*.py"))


def target(name: str) -> str:
    """Return the tasks of the integration target NAME."""
    return (ROOT / "tests/integration/targets" / name / "tasks/main.yml").read_text(encoding="utf-8")


def load(name: str):
    """Return the content of the YAML file NAME."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_action_group_holds_every_module():
    assert load("meta/runtime.yml")["action_groups"]["one"] == MODULES


def test_every_module_has_the_action_plugin_or_one_of_its_own():
    routing = load("meta/runtime.yml")["plugin_routing"]
    routed = [name for name in MODULES if not (ROOT / "plugins/action" / f"{name}.py").exists()]
    assert routing == {"modules": {name: {"action_plugin": "privazio.opennebula.one"} for name in routed}}
    assert list(routing["modules"]) == routed


def test_what_sanity_ignores_is_the_same_in_every_release():
    """Only the action plugin, which no module of its name documents."""
    found = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests/sanity").glob("ignore-*.txt")}
    releases = {core.rpartition(".")[0] for core in CORES}
    assert set(found) == {f"ignore-{release}.txt" for release in releases}
    assert {line.split("  #")[0] for text in found.values() for line in text.splitlines()} == {
        "plugins/action/one.py action-plugin-docs"
    }


@pytest.mark.parametrize("module", MODULES)
def test_the_readme_names_every_module(module):
    assert f"`{module}`" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_an_integration_target(module):
    stem = module if module == "one_info" else module.removesuffix("_info")  # reading is tested where writing is
    assert f"privazio.opennebula.{module}:" in target(stem)


def test_licences_named_are_those_that_lie_here():
    assert sorted(load("galaxy.yml")["license"]) == sorted(path.stem for path in (ROOT / "LICENSES").glob("*.txt"))


def test_the_simulator_has_the_version_of_the_collection():
    project = tomllib.loads((ROOT / "simulator/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == load("galaxy.yml")["version"]


def test_every_requirement_is_pinned():
    """As test_locks.py asks of what they bring along, too."""
    for path in (ROOT / "requirements").glob("*.in"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        assert [line for line in lines if not re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+( ; .+)?$", line)] == []


SECTIONS = [
    *("Description", "Requirements", "Installation", "Use cases", "Testing", "Support", "Release notes"),
    *("Related information", "License information"),
]


def test_the_readme_has_what_certified_content_needs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(SECTIONS) <= set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    assert not re.search(r"pip3? install ansible", text)


def test_links_of_the_readme_lead_somewhere_wherever_it_is_shown():
    """Automation Hub and Galaxy show it without the files beside it."""
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    known = dict(re.findall(r"^\[(.+)\]: (\S+)$", text, re.MULTILINE))
    named = set(re.findall(r"\]\[([^\]]+)\]", text))
    assert named == set(known)
    targets = [*known.values(), *re.findall(r"\]\(([^)]+)\)", text)]
    assert [target for target in targets if not target.startswith("https://")] == []
    here = [target.partition("/blob/main/")[2] for target in targets if "/blob/main/" in target]
    assert [path for path in here if not (ROOT / path).is_file()] == []


def test_ansible_lint_skips_nothing_that_certified_content_needs():
    options = load(".ansible-lint")
    assert options["profile"] == "production"
    assert not {"skip_list", "warn_list", "enable_list"} & set(options)
    content = ("plugins", "roles", "extensions", "playbooks", "meta")
    assert [path for path in options["exclude_paths"] if path.startswith(content)] == []
    assert ".ansible-lint" in load("galaxy.yml")["build_ignore"]


def test_the_collection_depends_on_nothing():
    assert load("galaxy.yml")["dependencies"] == {}
    assert load("meta/execution-environment.yml")["dependencies"] == {}
    assert [name for name in ("requirements.txt", "bindep.txt") if (ROOT / name).exists()] == []


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        named = re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets


def test_files_that_readers_of_the_readme_write_are_their_own():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    written = set(re.findall(r"ansible-playbook ([\w.]+\.yml)", text)) | set(re.findall(r"-i ([\w.]+\.yml)", text))
    assert {"web.yml", "cloud.one_vms.yml"} <= written
    command = ["git", "check-ignore", *written, "galaxy.yml"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert set(asked.stdout.split()) == written
