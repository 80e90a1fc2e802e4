# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The order of declared objects."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import graph
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.graph import Node
from hypothesis import given
from hypothesis import strategies as st


def always(number, option):
    return True


def never(number, option):
    return False


def test_what_is_referred_to_comes_first():
    waves, put_off = graph.order({0: {"a": {1}}, 1: {"b": {2}}, 2: {}, 3: {"c": {2}}}, never)
    assert waves == [[Node(2)], [Node(1), Node(3)], [Node(0)]]
    assert put_off == {}


def test_an_object_may_refer_to_itself():
    assert graph.order({0: {"a": {0}}}, never)[0] == [[Node(0)]]


def test_a_cycle_ends_where_an_option_can_be_put_off():
    references = {0: {"admins": {1}}, 1: {"group": {0}}}
    waves, put_off = graph.order(references, lambda number, option: option == "admins")
    assert (waves, put_off) == ([[Node(0)], [Node(1)], [Node(0, 1)]], {0: {"admins"}})
    assert references == {0: {"admins": {1}}, 1: {"group": {0}}}, "it is the plan's"


@pytest.mark.parametrize("options", [("a", "b"), ("", "")])
def test_a_cycle_that_cannot_end_is_told(options):
    with pytest.raises(graph.Cycle) as caught:
        graph.order({0: {options[0]: {1}}, 1: {options[1]: {0}}, 2: {"c": {0}}}, never if options[0] else always)
    assert sorted(caught.value.args[0]) == [0, 1]


@given(st.dictionaries(st.integers(0, 9), st.dictionaries(st.sampled_from("abc"), st.sets(st.integers(0, 9)))))
def test_every_object_is_made_once_and_after_those_it_needs(found):
    references = {number: found.get(number, {}) for number in range(10)}
    waves, put_off = graph.order(references, always)
    place = {node: index for index, wave in enumerate(waves) for node in wave}
    assert sorted(node.number for node in place if node.part == 0) == list(range(10))
    assert {node.number for node in place if node.part == 1} == set(put_off)
    for number, options in references.items():
        for option, others in options.items():
            late = option in put_off.get(number, ())
            assert all(place[Node(other)] < place[Node(number, int(late))] for other in others - {number})


def test_what_depends_on_a_failure_is_found_through_others():
    references = {0: {}, 1: {"a": {0}}, 2: {"a": {1}}, 3: {}}
    assert graph.dependants(references, {0}) == {1: 0, 2: 0}
