# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The contract of our own: what a package may import that is to need nothing but the standard library."""

from __future__ import annotations

import pytest
from grimp import ImportGraph
from import_contracts import foreign


@pytest.fixture
def graph():
    """A package `own` of two modules that import what they may."""
    found = ImportGraph()
    for name in ("own", "own.one", "own.two", "owner"):
        found.add_module(name)
    found.add_import(importer="own.one", imported="own.two")
    found.add_import(importer="own.one", imported="json")
    found.add_import(importer="own", imported="own.one")
    found.add_import(importer="owner", imported="yaml")
    return found


def test_itself_and_the_standard_library_are_allowed(graph):
    assert foreign(graph, "own") == []


@pytest.mark.parametrize("importer", ["own", "own.two"])
@pytest.mark.parametrize("imported", ["yaml", "owner", "jsonschema"])
def test_anything_else_is_not(graph, importer, imported):
    graph.add_import(importer=importer, imported=imported)
    assert foreign(graph, "own") == [(importer, imported)]
