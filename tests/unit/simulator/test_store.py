# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import pytest
from opennebula_simulator.errors import Refused
from opennebula_simulator.store import NAMED, Kind, Object, Pool, invalid_name, template
from opennebula_simulator.template import Template

THING = Kind(name="THING", title="thing", method="thing", root="THING", layout=(*NAMED, template()), unique="owner")


@pytest.fixture
def pool():
    return Pool(THING)


def thing(name, uid=0, **fields):
    return Object(THING, name, uid=uid, **fields)


def test_ids_begin_at_zero_and_are_never_given_twice(pool):
    assert [pool.add(thing("a")), pool.add(thing("b"))] == [0, 1]
    pool.drop(pool.get(1))
    assert pool.add(thing("c")) == 2


def test_a_refused_object_takes_no_id(pool):
    with pytest.raises(Refused, match="cannot be empty"):
        pool.add(thing(""))
    with pytest.raises(Refused, match="Error transforming the Thing to XML"):
        pool.add(thing("a", template=Template([("A", "]]>")])))
    assert pool.add(thing("a")) == 0


def test_names_are_unique_per_owner(pool):
    pool.add(thing("a", uid=1))
    pool.add(thing("a", uid=2))
    with pytest.raises(Refused, match=r"NAME is already taken by THING 1\."):
        pool.add(thing("a", uid=2))


def test_names_follow_rename_and_owner(pool):
    pool.add(thing("a"))
    obj = pool.get(0)
    pool.rename(obj, "b")
    pool.give(obj, Object(THING, "owner", oid=7), None)
    assert pool.named("a") is None
    assert pool.named("b", 7) is obj
    assert pool.named("b", 0) is None


def test_taking_an_object_to_change_it_drops_its_kept_xml(pool):
    pool.add(thing("a"))
    assert "<NAME>a</NAME>" in pool.show(list(pool))
    pool.get_ro(0).name = "unseen"
    assert "<NAME>a</NAME>" in pool.show(list(pool))
    pool.get(0).name = "seen"
    assert "<NAME>seen</NAME>" in pool.show(list(pool))


@pytest.mark.parametrize(
    ("name", "why"),
    [("ok name", ""), ("", "cannot be empty"), ("a&b", "char '&'"), ("ü" * 64, ""), ("ü" * 65, "max length is 128")],
)
def test_names(name, why):
    assert why in invalid_name(name) and bool(why) == bool(invalid_name(name))
