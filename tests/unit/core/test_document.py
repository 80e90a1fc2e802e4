# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Documents: each type is a pool of its own."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.info import records
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.document import documents
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer


@pytest.fixture
def one(simulator):
    return OneServer(simulator.url, session="oneadmin:opennebula")


def converge(one, number, wanted, name="d", apply=True):
    return Engine(Cloud(one), documents(number), apply=apply).converge(name, None, wanted)


def test_a_name_is_looked_for_among_the_documents_of_its_type(one):
    first = converge(one, 200, {"template": {"A": "1"}}).record
    second = converge(one, 201, {"template": {"A": "2"}}).record
    assert (first["type"], second["type"]) == (200, 201)
    assert first["id"] != second["id"]
    assert not converge(one, 200, {"template": {"A": "1"}}).changed
    assert [found["id"] for found in records(Cloud(one), documents(201), {})] == [second["id"]]
    assert Engine(Cloud(one), documents(200)).remove("d", None).record["id"] == first["id"]
    assert records(Cloud(one), documents(200), {}) == []


def test_a_clone_is_made_of_a_document_of_the_same_type(one):
    converge(one, 200, {"template": {"A": "1"}, "lock": "use"}, name="origin")
    wanted = {"clone_of": "origin", "labels": ["x"]}
    planned, done = (converge(one, 200, wanted, "copy", apply) for apply in (False, True))
    assert (planned.before, planned.after) == (done.before, done.after)
    assert (done.record["template"]["A"], done.record["labels"], done.record["type"]) == ("1", ["x"], 200)
    assert not converge(one, 200, wanted, "copy").changed
    with pytest.raises(Failure, match="There is no document 'origin'"):
        converge(one, 201, wanted, "copy")
