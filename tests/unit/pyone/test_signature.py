# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Calls are checked before they are sent."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    Client,
    OneArgumentException,
    OneException,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.client import READS, changes
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.signature import (
    REQUIRED,
    bind,
    parameters,
    signature,
)


def listed():
    """(method, parameter) of the first optional list of the table."""
    found = [(name, parameter) for name in METHODS for parameter in parameters(name) if parameter.kind == "a"]
    return next((name, parameter) for name, parameter in found if parameter.default is not REQUIRED)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_of_the_table(method):
    types = {"i": int, "l": int, "b": bool, "s": str, "t": str, "a": list}
    for parameter in parameters(method):
        assert parameter.default is REQUIRED or parameter.default.__class__ is types[parameter.kind]
    assert signature(method).startswith(f"one.{method}(")


def test_missing_list_is_the_empty_list():
    assert listed()[1].default == []


@pytest.mark.parametrize(
    "method, args, named, sent",
    [
        ("host.info", [0], {}, [0]),
        ("host.info", [], {"oid": 0}, [0]),
        ("host.info", [], {"id": 0}, [0]),
        ("host.info", [0, True], {}, [0, True]),
        ("host.info", [0], {"decrypt": False}, [0, False]),
        ("host.update", [0, {"A": 1}], {}, [0, 'A="1"']),
        ("host.update", [0, "A=1", 1], {}, [0, "A=1", 1]),
        ("hostpool.info", [], {}, []),
        ("hostpool.info", [-2, -1, -1], {}, []),
        ("zonepool.info", [1], {}, []),
        ("hookpool.info", [], {}, [-2, -1, -1]),  # which releases before 7.0 demand
        ("hookpool.info", [-3, 0, 9], {}, [-3, 0, 9]),
        ("vmpool.info", [-2, -1, -1, -2], {}, [-2, -1, -1, -2]),
        ("not.known", [1, {"A": 1}], {}, [1, {"A": 1}]),
    ],
)
def test_what_is_sent(method, args, named, sent):
    assert bind(method, args, named) == sent


@pytest.mark.parametrize(
    "method, args, named, message",
    [
        ("host.info", [], {}, r"one\.host\.info needs the argument oid: one\.host\.info\(oid, decrypt=False\)"),
        ("host.info", [0, False, 1], {}, "takes 2 arguments, 3 were given"),
        ("host.info", [0], {"depth": 1}, "has no argument depth"),
        ("host.info", [0], {"id": 0}, "was given oid twice"),
        ("host.info", ["0"], {}, "takes an integer as oid, not str"),
        ("host.info", [None], {}, "takes an integer as oid, not NoneType"),
        ("host.info", [True], {}, "takes an integer as oid, not bool"),
        ("host.info", [0, 1], {}, "takes a boolean as decrypt, not int"),
        ("host.rename", [0, 1], {}, "takes a text as name, not int"),
        ("host.rename", [0, {}], {}, "takes a text as name, not dict"),
        ("host.update", [0, []], {}, r"takes a template \(a dictionary or a text\) as template, not list"),
        ("hostpool.info", [], {"filter_flag": 1}, "has no argument filter_flag"),
        ("not.known", [], {"a": 1}, "give its arguments by position"),
    ],
)
def test_what_is_refused(method, args, named, message):
    with pytest.raises(OneArgumentException, match=message):
        bind(method, args, named)


@pytest.mark.parametrize("items", [["1"], [None], [True], [1.5]])
def test_lists_hold_integers(items):
    method, parameter = listed()
    given = {other.name: 0 if other.kind == "i" else "x" for other in parameters(method) if other.default is REQUIRED}
    with pytest.raises(OneArgumentException, match=f"takes a list of integers as {parameter.name}"):
        bind(method, [], {**given, parameter.name: items})


def test_refusals_are_type_errors():
    with pytest.raises(TypeError):
        bind("host.info", [], {})


@pytest.mark.parametrize(
    "method, writes", [("host.info", False), ("host.update", True), ("system.sqlquery", True), ("not.known", True)]
)
def test_which_methods_change_something(method, writes):
    assert changes(method) is writes


def test_the_names_of_methods_tell_what_reads():
    """Beside each other: what each name stands for, and that no family uses it otherwise."""
    assert {name.partition(".")[2] for name in METHODS if not changes(name)} == READS
    assert [name for name in METHODS if name.endswith((".all", ".export"))] == [], "what helpers are called"


def test_a_client_without_the_table_sends_arguments_as_they_are(simulator):
    sent = []
    with Client(simulator.url, "oneadmin:opennebula", on_call=sent.append) as one:
        host = one.call("one.host.allocate", "node1", "dummy", "dummy", -1)
        one.call("host.update", host, {"RACK": 'A"1'}, 1)
        assert one.call("host.info", host).TEMPLATE["RACK"] == 'A"1'
        with pytest.raises(OneException, match=r"\[one\.host\.info\]|integer"):
            one.call("host.info", str(host))
    assert sent == ["one.host.allocate", "one.host.update", "one.host.info", "one.host.info"]
