# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What every module owes its users: options as documented, an _info sibling, no secret in a log, examples."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Any

import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.doc_fragments import common, connection
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SHARED
from project import ROOT

PLUGINS = "ansible_collections.privazio.opennebula.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("one_*.py"))
DECLARING = [name for name in MODULES if not name.endswith("_info")]
# Actions, or many objects at once: what they do is read back through the info module of what they act on.
DAY_2 = {name for name in DECLARING if name.startswith("one_vm_")} - {"one_vm_group"}
WITHOUT_INFO = {"one_call", "one_cloud", "one_export"} | DAY_2
FRAGMENTS = {"connection": connection, "common": common}
SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|private_key")
DEFAULTS = {"type": "str", "required": False, "elements": None, "default": None, "choices": None, "aliases": []}


@cache
def module(name: str) -> Any:
    """Return the module NAME."""
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


def documentation(name: str) -> dict[str, Any]:
    """Return the documentation of the module NAME."""
    return yaml.safe_load(module(name).DOCUMENTATION)


def specified(name: str) -> dict[str, dict[str, Any]]:
    """Return the options that the module NAME takes; info modules may have none but those that all share."""
    own = module(name)
    return {**SHARED, **(own.OPTIONS if hasattr(own, "OPTIONS") else own.SELECTION)}


def documented(name: str) -> dict[str, dict[str, Any]]:
    """Return the options that the documentation of the module NAME has, those of its fragments included."""
    found = documentation(name)
    options: dict[str, dict[str, Any]] = {}
    for fragment in found["extends_documentation_fragment"]:
        file, dummy, part = fragment.removeprefix("privazio.opennebula.").partition(".")
        text = getattr(FRAGMENTS[file].ModuleDocFragment, part.upper() or "DOCUMENTATION")
        options.update(yaml.safe_load(text)["options"])
    for option, own in found.get("options", {}).items():
        options[option] = {**options.get(option, {}), **own}
    return options


def shape(option: dict[str, Any]) -> dict[str, Any]:
    """Return what documentation and specification of an option must agree on."""
    found = {key: option.get(key, default) for key, default in DEFAULTS.items()}
    found["choices"] = found["choices"] and list(found["choices"])
    return found


def inside(option: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    return option.get(key) or {}


def assert_alike(told: dict[str, dict[str, Any]], taken: dict[str, dict[str, Any]]) -> None:
    assert {name: shape(option) for name, option in told.items()} == {
        name: shape(option) for name, option in taken.items()
    }
    for name, option in taken.items():
        assert_alike(inside(told[name], "suboptions"), inside(option, "options"))


@pytest.mark.parametrize("name", MODULES)
def test_options_are_taken_as_documented(name):
    assert_alike(documented(name), specified(name))


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_says_what_the_others_say(name):
    found = documentation(name)
    fragments = set(found["extends_documentation_fragment"])
    told = "attributes_info" if name.endswith("_info") else "attributes"
    assert found["module"] == name
    assert {"privazio.opennebula.connection", "privazio.opennebula.common.actiongroup_one"} <= fragments
    assert f"privazio.opennebula.common.{told}" in fragments
    assert "C(-vvv) they are listed in C(calls)" in str(yaml.safe_load(module(name).RETURN)["api_calls"]["description"])
    assert yaml.safe_load(module(name).EXAMPLES)


@pytest.mark.parametrize("name", MODULES)
def test_no_option_with_a_secret_is_logged(name):
    options = specified(name)
    open_ones = [option for option in options if SECRET.search(option) and options[option].get("no_log") is None]
    assert open_ones == []


@pytest.mark.parametrize("name", [name for name in DECLARING if name not in WITHOUT_INFO])
def test_what_is_declared_can_be_read(name):
    assert f"{name}_info" in MODULES or name == "one_info"


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_call_the_module(name):
    blocks = yaml.safe_load(module(name).EXAMPLES)
    tasks = [task for block in blocks for task in block.get("tasks", [block])]
    assert any(f"privazio.opennebula.{name}" in task for task in tasks)
