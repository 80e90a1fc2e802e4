# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Every example of the modules' documentation can be pasted into a document, and does there what it does in a play."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from ansible_collections.privazio.opennebula.plugins.action.one_cloud import Modules
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import document, objects
from jinja2 import ChainableUndefined, Environment

ROOT = Path(__file__).resolve().parents[4]
DRIVERS = {f"one_{kind}_mad": "dummy" for kind in ("im", "vm", "tm", "ds", "vn", "market")}


class Given(ChainableUndefined):
    """A variable of whoever pastes an example."""

    def __str__(self):
        return "given"


JINJA = Environment(undefined=Given)  # noqa: S701 - it renders no page
JINJA.filters.update(FilterModule().filters())


def constant(path, name):
    """The text that a module assigns to a name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise LookupError(name)


def rendered(value, item):
    """A value with its expressions as they are without variables of a play, but for the item of a loop."""
    if isinstance(value, dict):
        return {name: rendered(inner, item) for name, inner in value.items()}
    if isinstance(value, list):
        return [rendered(inner, item) for inner in value]
    if isinstance(value, str) and "{{" in value:
        return JINJA.from_string(value.replace("lookup(", "(")).render(DRIVERS, item=item)
    return value


def declared_by(tasks):
    """(key, name of the task, options) of the tasks whose modules are those of a key."""
    keys = {module: key for key, module in document.KEYS.items()}
    for task in tasks:
        for module, options in task.items():
            key = keys.get(module.rpartition(".")[2])
            for item in task.get("loop", [None]) if key and isinstance(options, dict) else ():
                yield key, task["name"], rendered(options, item)


def examples():
    """(page, key, name of the task, options) of the examples of each page."""
    for name in document.KEYS.values():
        path = ROOT / "plugins" / "modules" / f"{name}.py"
        for example in declared_by(yaml.safe_load(constant(path, "EXAMPLES"))):
            yield (name, *example)


def preparation(page):
    """As declared_by(), of the tasks that make what the examples of a page take for granted."""
    path = ROOT / "tests" / "examples" / f"{page}.yml"
    return list(declared_by(yaml.safe_load(path.read_text(encoding="utf-8")))) if path.is_file() else []


EXAMPLES = list(examples())


def test_every_module_has_examples_here():
    assert {key for dummy, key, dummy, dummy in EXAMPLES} == set(document.KEYS)


@pytest.mark.parametrize(
    ("key", "options"), [pytest.param(key, options, id=f"{page}: {name}") for page, key, name, options in EXAMPLES]
)
def test_an_example_is_valid_in_a_document(key, options):
    entries, faults = document.merged([("", {key: [options]}, {})])
    entries, twice = document.distinct(entries)
    declared, invalid = objects.declared(entries, Modules())
    assert [str(fault) for fault in faults + twice + invalid] == []
    assert len(declared) == 1


@pytest.mark.parametrize("page", sorted({page for page, *dummy in EXAMPLES}))
def test_the_examples_of_a_page_are_made_one_after_another(page, site, datastores):
    for key, task, options in preparation(page) + [more for of, *more in EXAMPLES if of == page]:
        dummy, outcome = site.apply({key: [options]})
        assert (task, [failure.message for failure in outcome.failures.values()]) == (task, [])
