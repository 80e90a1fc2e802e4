# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The methods of the simulator beside the list of those that OpenNebula 7.4.0 registers."""

from __future__ import annotations

import json
import xmlrpc.client

import pytest
from opennebula_simulator.cloud import METHODS
from opennebula_simulator.introspection import NAMES

LETTERS = {"string": "s", "int": "i", "boolean": "b", "i8": "8", "array": "A"}
TYPES = {"string": "string", "int": "int", "boolean": "boolean", "i8": "i8", "array<int>": "array"}


@pytest.fixture
def reference(shared):
    rows = json.loads((shared / "reference" / "methods.json").read_text())["methods"]
    return {row["method"]: row for row in rows if row["in_7_4"]}


@pytest.fixture
def system(simulator):
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        yield proxy.system


def test_every_method_is_there_in_the_order_of_the_server(reference, system):
    assert system.listMethods() == [*NAMES, *reference]


def test_arguments_are_those_of_the_server(reference):
    for name, row in reference.items():
        expected = [(TYPES[param["type"]], param["required"]) for param in row["params"]]
        found = [(param.type, param.required) for param in METHODS[name].params]
        assert found == expected, name


def test_published_signatures_are_those_of_the_server(reference, system):
    for name, row in reference.items():
        ((answer, *arguments),) = system.methodSignature(name)
        letters = "A:" + "".join(LETTERS[argument] for argument in arguments)
        assert (answer, letters) == ("array", row["signature_registered"]), name
