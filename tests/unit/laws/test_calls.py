# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whatever one_call is given: a check run refuses nothing that OpenNebula takes; see _core/call_refusals.py."""

from __future__ import annotations

import inspect

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.call_refusals import (
    CHOICES,
    NAMING,
    REFERENCES,
    foresee,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.refusals import RULES
from ansible_collections.privazio.opennebula.plugins.module_utils._core.releases import SINCE
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.signature import parameters, writes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modules import Lab

OF_SERVERS = ("system.", "zone.", "market.allocatedb", "market.updatedb", "marketapp.allocatedb", "marketapp.updatedb")
# 7.4.0 says yes to an id that no image has, and does nothing (recordings/7.4.0/unknown_ids_every_method.jsonl).
WITHOUT_EFFECT = ("image.restore",)
CHANGING = sorted(method for method in METHODS if writes(method) and not method.startswith(OF_SERVERS + WITHOUT_EFFECT))
NUMBERS = st.sampled_from([-1, 0, 1, 4711])
VALUES = {
    "i": NUMBERS,
    "l": NUMBERS,
    "b": st.booleans(),
    "s": st.sampled_from(["", "a", "a b", " a", "a&b", "os", "KERNEL", "datablock", "poweroff", "Stop", "fly", "1"]),
    "t": st.sampled_from(["", "A=1", "A=[B=1]", "A=[", "=", "<A>", "NAME=a", 'NAME="a b"', "A=$B", "# a"]),
    "a": st.sampled_from([[], [0], [4711]]),
}
CALLS = st.sampled_from(CHANGING).flatmap(
    lambda method: st.tuples(st.just(method), st.tuples(*(VALUES[one.kind] for one in parameters(method))))
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CALLS)
def test_what_a_check_run_refuses_the_server_refuses_too(lab: Lab, call: tuple[str, tuple[object, ...]]) -> None:
    """Only refused calls are made, so that nothing changes."""
    method, arguments = call
    try:
        foresee(Cloud(lab.one, on_missing=[].append), method, list(arguments))
    except Failure as failure:
        with pytest.raises(OneException):
            pytest.fail(f"{call}: {failure.message}; the server answers {lab.one.call(method, *arguments)}")


@pytest.mark.parametrize("method", sorted(method for method in RULES if method in METHODS))
def test_a_rule_takes_all_arguments_of_its_method(method: str) -> None:
    inspect.signature(RULES[method]).bind(None, *parameters(method))


def test_the_tables_name_arguments_that_there_are() -> None:
    known = {name for method in METHODS for one in parameters(method) for name in (one.name, f"{method} {one.name}")}
    assert {*CHOICES, *REFERENCES} <= known
    assert {verb for verb in NAMING if any(method.endswith("." + verb) for method in METHODS)} == set(NAMING)
    assert set(SINCE) <= set(METHODS)
