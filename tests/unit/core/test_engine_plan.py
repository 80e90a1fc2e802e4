# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a plan is made of, and what is said of it: values in, values out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    FIRST,
    LAST,
    NORMAL,
    Modes,
    Plan,
    Reference,
    Resource,
    Step,
    action,
    attribute,
    lacking,
    modes_of,
    source,
    wanted_of,
)
from fake_objects import Recorder, Store, thing
from fake_vms import refusal

MODES = Modes()
RECORD = {"id": 3, "name": "net"}


def made_of(twins=None, **attributes):
    return Resource("vntemplate", None, attributes, twins=twins)


def upper(cloud, value):
    return f"{cloud}:{value}"


def failing(cloud, value):
    failure = Failure(f"{value} is wrong.")
    failure.option = value if value == "inner" else None
    raise failure


# ---------------------------------------------------------------- canonical


def test_values_are_brought_into_form_when_they_count():
    resource = made_of(size=attribute("size", canonical=upper), origin=source(upper), plain=attribute("plain"))
    given = {"size": "1", "origin": "x", "plain": "p", "absent": None}
    assert engine.canonical("cloud", resource, given) == {"size": "cloud:1", "origin": "x", "plain": "p"}
    created = engine.canonical("cloud", resource, given, create_only=True)
    assert created == {"size": "1", "origin": "cloud:x", "plain": "p"}
    assert given == {"size": "1", "origin": "x", "plain": "p", "absent": None}


@pytest.mark.parametrize(("value", "option"), [("outer", "size"), ("inner", "inner")])
def test_a_value_without_a_form_is_told_with_its_option(value, option):
    with pytest.raises(Failure) as caught:
        engine.canonical("cloud", made_of(size=attribute("size", canonical=failing)), {"size": value})
    assert (caught.value.message, caught.value.option) == (f"{value} is wrong.", option)


TWINS = {
    "MTU": lambda name, value: {"mtu": f"{name}={value}"},
    "BRIDGE": lambda name, value: {"bridge": value},
}


def with_cloud(cloud, value):
    return {"SEEN": cloud, **value}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"template": {"MTU": "9", "A": "1"}}, {"mtu": "MTU=9", "template": {"A": "1", "SEEN": "cloud"}}),
        ({"template": {"MTU": "9"}, "mtu": "8"}, {"mtu": "8", "template": {"SEEN": "cloud"}}),
        (
            {"template": {"MTU": "9", "BRIDGE": "b"}},
            {"mtu": "MTU=9", "bridge": "b", "template": {"SEEN": "cloud"}},
        ),
        ({"template": {"LABELS": "a"}}, {"template": {"LABELS": "a", "SEEN": "cloud"}}),
        ({"template": {"LABELS": "a"}, "labels": ["b"]}, {"labels": ["b"], "template": {"SEEN": "cloud"}}),
        ({"template": {}, "labels": ["b"]}, {"labels": ["b"], "template": {"SEEN": "cloud"}}),
        ({"mtu": "8"}, {"mtu": "8"}),
    ],
)
def test_attributes_of_the_template_stand_for_options(given, wanted):
    names = ("mtu", "bridge", "labels")
    resource = made_of(
        TWINS, template=attribute("template", canonical=with_cloud), **{name: attribute(name) for name in names}
    )
    assert engine.canonical("cloud", resource, given) == wanted


def test_a_template_is_as_it_was_where_only_the_creation_counts():
    resource = made_of(TWINS, template=attribute("template", canonical=with_cloud), mtu=attribute("mtu"))
    given = {"template": {"MTU": "9"}}
    assert engine.canonical("cloud", resource, given, create_only=True) == given


def test_a_kind_without_twins_or_without_a_template_takes_the_template_as_it_is():
    assert engine.canonical("cloud", made_of(template=attribute("template")), {"template": {"MTU": "9"}}) == {
        "template": {"MTU": "9"}
    }
    resource = made_of(TWINS, mtu=attribute("mtu"))
    assert engine._with_twins("cloud", resource, {"template": {"MTU": "9"}}) == {"template": {"MTU": "9"}}


# ---------------------------------------------------------------- plan


def step(what, phase=NORMAL, **more):
    return Step(f"set {what}", f"vntemplate.{what}", (3,), phase=phase, **more)


def writer(*steps):
    return lambda record, after: list(steps)


def test_a_plan_has_what_differs_in_order_of_the_phases():
    resource = made_of(
        same=attribute("same", writer(step("same"))),
        owner=attribute("owner", writer(step("owner", LAST)), field="uname"),
        ignored=attribute("ignored", writer(step("ignored"))),
        size=attribute("size", writer(step("size"), step("more", option="other"))),
        lock=attribute("lock", writer(step("lock", FIRST))),
        password=attribute("password", writer(step("password"))),
    )
    record = dict(RECORD, same=1, uname="ann", ignored=1, size=1, lock="use", password="a")
    wanted = {"password": "b", "lock": "none", "size": 2, "owner": "bob", "same": 1}
    assert engine.plan(resource, record, wanted, Modes(create_only=frozenset(["password"]))) == Plan(
        {"uname": "ann", "size": 1, "lock": "use"},
        {"uname": "bob", "size": 2, "lock": "none"},
        [
            step("lock", FIRST, option="lock"),
            step("size", option="size"),
            step("more", option="other"),
            step("owner", LAST, option="owner"),
        ],
    )


def test_an_option_plans_with_the_record_all_options_and_the_modes():
    seen = []
    resource = made_of(one=action("one", lambda record, wanted: seen.append((record, wanted)) or []))
    assert engine.plan(resource, RECORD, {"one": None}, MODES) == Plan({}, {}, [])
    assert seen == [(RECORD, None)]
    merged = attribute("size", writer(step("size")), lambda present, wanted, modes: (present, wanted, modes))
    found = engine.plan(made_of(size=merged), dict(RECORD, size=1), {"size": 2}, MODES)
    assert found.after == {"size": (1, 2, MODES)}


def test_a_step_that_another_option_has_brought_is_not_taken_twice():
    resource = made_of(a=attribute("a", writer(step("both"))), b=attribute("b", writer(step("both"), step("own"))))
    found = engine.plan(resource, dict(RECORD, a=0, b=0), {"a": 1, "b": 1}, MODES)
    assert found.steps == [step("both", option="a"), step("own", option="b")]
    assert found.after == {"a": 1, "b": 1}


def test_what_is_fixed_is_told_with_the_values_that_it_has():
    resource = made_of(
        driver=attribute("driver"),
        secret=attribute("secret", field="password"),
        size=attribute("size", writer(step("size"))),
    )
    record = dict(RECORD, driver="kvm", password="hush", size=1)
    message, data = refusal(engine.plan, resource, record, {"driver": "lxc", "secret": "x", "size": 2}, MODES)
    assert message == (
        "The virtual network template net has options that cannot be changed: driver (kvm), secret (********). "
        "Remove the virtual network template first, or leave them out."
    )
    assert data == {"object": "vntemplate", "id": 3}


def test_an_action_is_planned_each_time_and_not_verified():
    resource = made_of(
        reset=action("reset", lambda record, wanted: [step("reset")] if wanted else []), size=attribute("size")
    )
    record = dict(RECORD, size=1)
    found = engine.plan(resource, record, {"reset": True}, MODES)
    assert found == Plan({"reset": None}, {"reset": True}, [step("reset", option="reset")])
    assert engine.unstored(resource, record, {"reset": True, "size": 1}, MODES) is None
    assert list(engine.lasting(resource).attributes) == ["size"]
    assert engine.persisted(resource, {"reset": True, "size": 2}) == {"size": 2}


def test_what_an_object_is_made_from_is_neither_changed_nor_verified():
    resource = made_of(origin=source())
    assert engine.plan(resource, RECORD, {"origin": "x"}, MODES) == Plan({}, {}, [])
    assert engine.lasting(resource).attributes == {}
    reset = action("reset", None, field="done", existing_only=True)
    assert (reset.field, reset.existing_only, reset.persisted, source().persisted) == ("done", True, False, False)


def test_what_a_diff_shows_and_what_the_record_keeps_go_by_the_field():
    resource = made_of(lock=attribute("lock", field="locked", shown=lambda value: f"<{value}>"), size=attribute("size"))
    assert engine.shown(resource, {"locked": 1, "size": 2, "more": 3}) == {"locked": "<1>", "size": 2, "more": 3}
    assert engine.persisted(resource, {"locked": 1, "more": 3}) == {"locked": 1}


def test_what_was_not_stored_is_told_with_the_members_that_differ():
    write = writer(step("any"))
    resource = made_of(**{name: attribute(name, write) for name in ("size", "template", "quota", "mixed", "turned")})
    record = dict(
        RECORD, size=1, template={"A": "1", "B": "1", "C": "1"}, quota={"x": 1, "y": 1}, mixed={"a": 1}, turned=1
    )
    wanted = {
        "size": 2,
        "template": {"A": "1", "B": "2", "C": "3"},
        "quota": {},
        "mixed": "text",
        "turned": {"a": 1},
    }
    failure = engine.unstored(resource, record, wanted, MODES)
    assert failure.message == (
        "OpenNebula accepted the change of virtual network template net, but did not store: "
        "size, template (B, C), quota (x, y), mixed, turned."
    )
    assert failure.data == {"object": "vntemplate", "id": 3}


# ---------------------------------------------------------------- steps


@pytest.fixture
def cloud():
    return Recorder(Store("vntemplate", thing(0), thing(7, "other")))


def test_references_become_ids_wherever_they_are(cloud):
    other = Reference("vntemplate", "other")
    value = {"a": [other, "x"], "b": (other, 1), "c": {"d": other}}
    assert engine.resolve(cloud, value) == {"a": [7, "x"], "b": (7, 1), "c": {"d": 7}}
    assert engine.resolve(Recorder(cloud.one, check=True), [Reference("vntemplate", "soon")]) == ["soon"]


def test_steps_are_checked_before_any_of_them_runs(cloud):
    steps = [
        Step("wait for it"),
        Step("add it", "vntemplate.update", (0, Reference("vntemplate", "other")), on="to net"),
        Step("run it", run=print, arguments=(Reference("vntemplate", "net"),)),
    ]
    assert engine.resolved(cloud, steps) == [
        steps[0],
        steps[1]._replace(arguments=(0, 7)),
        steps[2]._replace(arguments=(0,)),
    ]
    assert cloud.checks == [("add it to net", "vntemplate.update", 0, 7)]
    assert cloud.one.checked == [("vntemplate.update", 0, 7)]


def test_a_step_is_a_call_a_function_or_nothing():
    calls = SimpleNamespace(call=lambda *words, **data: (words, data))
    found = engine.perform(calls, Step("set it", "vntemplate.update", (3, "x"), on="of net"), id=3)
    assert found == (("set it of net", "vntemplate.update", 3, "x"), {"id": 3})
    assert engine.perform(calls, Step("set it", "vntemplate.update", (3,), run=lambda *words: words), id=3) == (
        calls,
        3,
    )
    assert engine.perform(calls, Step("wait for it"), id=3) is None


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ["a"]),
        ({"x": "a", "y": {"z": "b"}}, ["a", "b"]),
        (["a", ("b", 1, None, True)], ["a", "b"]),
        ({"x": {"only": "a"}.keys()}, []),
        (7, []),
    ],
)
def test_all_texts_inside_of_a_value_are_found(value, texts):
    assert list(engine._texts(value)) == texts


@pytest.mark.parametrize(
    ("done", "message", "data"),
    [
        (0, "No.", {"done": [], "not_done": ["a", "b", "c"]}),
        (1, "No.", {"done": [], "not_done": ["a", "b", "c"]}),
        (2, "No. Already changed: a.", {"done": ["a"], "not_done": ["b", "c"]}),
        (4, "No. Already changed: a, b.", {"done": ["a", "b"], "not_done": ["c"]}),
    ],
)
def test_a_failure_tells_the_options_that_were_changed(done, message, data):
    steps = [
        Step("one", "m", (1,), option="a"),
        Step("two", "m", (2,), option="a"),
        Step("wait"),
        Step("three", "m", (3,), option="b"),
        Step("four", "m", (4,), option="c"),
    ]
    failure = Failure("No.", code=5)
    engine.tell_done(failure, steps, steps[:done])
    assert (failure.message, failure.data) == (message, dict(data, code=5))


def test_steps_are_the_same_whatever_functions_they_have():
    def fresh():
        return Step("set it", "vntemplate.update", (3,), run=lambda: 1, until=lambda: 2, result=lambda: 3)

    other = Step("set it", "vntemplate.update", (4,))
    assert engine.without([fresh(), other, "text"], [fresh()]) == [other, "text"]
    assert engine.without([fresh(), "text"], ["text", other]) != []
    assert engine.without([fresh()._replace(option="x")], [fresh()]) != []


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("params", "modes"),
    [
        ({}, Modes()),
        (
            {"template_mode": "replace", "labels_mode": "add", "recursive": True, "force": True, "wait": False},
            Modes(template="replace", labels="add", recursive=True, force=True, waits=False),
        ),
        ({"force": None, "recursive": None}, Modes(force=False, recursive=False)),
        ({"purge_rules": True, "purge_vms": False, "rules": []}, Modes(purge=frozenset(["purge_rules"]))),
        ({"update_password": "on_create"}, Modes(create_only=frozenset(["password"]))),
        ({"update_password": "always"}, Modes()),
    ],
)
def test_modes_are_what_the_options_say(params, modes):
    assert modes_of(params) == modes


def test_what_is_wanted_are_the_options_that_are_attributes_and_what_others_give():
    resource = made_of(size=attribute("size"), color=attribute("color"), lock=attribute("lock"))
    params = {"size": 1, "color": None, "other": 5}
    assert wanted_of(resource, params) == {"size": 1, "color": None}
    more = resource._replace(values=lambda params: {"lock": params["other"], "color": "red"})
    assert wanted_of(more, params) == {"size": 1, "color": "red", "lock": 5}


@pytest.mark.parametrize(
    ("needed", "wanted", "missing"),
    [
        ((), {}, []),
        (("size",), {}, ["size"]),
        (("size",), {"size": 1}, []),
        ((("path", "source", "PATH"), "size"), {}, ["path or source", "size"]),
        ((("path", "PATH"),), {"template": {"PATH": "/x"}}, []),
        (("size",), {"template": 7}, ["size"]),
    ],
)
def test_what_creation_lacks_is_named(needed, wanted, missing):
    assert lacking(needed, wanted) == missing
