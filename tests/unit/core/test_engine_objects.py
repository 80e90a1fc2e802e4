# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""One object of a kind that is made up: what the engine calls in which order, what it reports, and what it says."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Broken, Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine, interim_name
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    Modes,
    Report,
    Step,
    attribute,
    source,
)
from fake_objects import (
    ACTION,
    ALLOCATE,
    INTERNAL,
    NOT_ALLOWED,
    NOT_THERE,
    Recorder,
    Store,
    first,
    ignored,
    lost,
    read,
    refused,
    refused_call,
    resource,
    thing,
    unsure,
)
from fake_vms import Element, refusal

pytestmark = pytest.mark.usefixtures("no_rules")


POOL = ("vntemplatepool.info", -2, -1, -1)
INFO = ("vntemplate.info", 0)
NEW = ("vntemplate.info", 5)
RECORD = {"size": 1, "color": "red", "owner": "ann", "template": {}, "net_state": "ready", "id": 0, "name": "net"}
NEXT = "It was created, with id 5; the next run goes on from there."
LOST = "Cannot %s: No answer within 60 s. Check that the endpoint answers, http or https, or give a longer timeout."


def engine(*items, kind=None, check=False, modes=None, apply=True, waits=True, timeout=10, **faults):
    """An Engine of a cloud with some objects; faults: vntemplate_resize=[fault, …]."""
    kind = kind or resource()
    store = Store(kind.kind, *items, faults={name.replace("_", ".", 1): found for name, found in faults.items()})
    return Engine(Recorder(store, timeout, check), kind, modes or Modes(), apply, waits)


def calls(found):
    return found.cloud.one.calls


# ---------------------------------------------------------------- creation


def test_an_object_is_created_given_what_is_left_and_verified():
    found = engine(thing(0, "other"))
    report = found.converge("net", None, {"size": 2, "template": {"A": "1"}, "color": None})
    assert report == Report(
        True,
        {"state": "absent"},
        {"size": 2, "template": {"A": "1"}, "name": "net", "state": "present"},
        dict(RECORD, size=2, template={"A": "1"}, id=5, owner="me"),
    )
    assert calls(found) == [POOL, ("vntemplate.allocate", "net", 2), NEW, ("vntemplate.update", 5, {"A": "1"}), NEW]
    assert found.cloud.checks == [
        ("create virtual network template net", "vntemplate.allocate", "net", 2),
        ("create virtual network template net", "vntemplate.allocate", ["1"]),
        ("set the template of net", "vntemplate.update", 5, {"A": "1"}),
    ]
    assert ("create virtual network template net", {"object": "vntemplate", "name": "net"}) in found.cloud.told


def test_a_check_run_says_what_would_be_created():
    found = engine(apply=False)
    wanted = {"size": 2, "owner": "bob"}
    report = found.converge("net", None, wanted)
    after = {"size": 2, "owner": "bob", "name": "net"}
    assert report == Report(True, {"state": "absent"}, dict(after, state="present"), after)
    assert calls(found) == [POOL]


def test_creation_takes_the_forms_and_fields_of_options():
    permitted = []
    kind = resource(permits=permitted.append)
    kind.attributes.update(
        origin=source(lambda cloud, value: value.upper())._replace(shown=lambda value: f"<{value}>"),
        lock=attribute("lock", field="locked", shown=lambda value: [value]),
        status=attribute("status", existing_only=True),
    )
    found = engine(kind=kind, apply=False)
    wanted = {"origin": "img", "lock": "use", "status": "off"}
    step, left, report = found.creation(" net ", wanted)
    assert (step.method, step.arguments) == ("vntemplate.allocate", ("net", 1))
    assert left == {"origin": "IMG", "lock": "use"}
    assert report == Report(
        True,
        {"state": "absent"},
        {"origin": "<IMG>", "locked": ["use"], "name": "net", "state": "present"},
        {"locked": ["use"], "name": "net"},
    )
    assert permitted == [found.cloud]
    assert wanted == {"origin": "img", "lock": "use", "status": "off"}


def test_options_are_brought_into_form_with_the_cloud_and_the_modes_count():
    def create(name, wanted, modes):
        return Step("create it", "vntemplate.allocate", (name, modes.template))

    def read_with(cloud, item):
        return dict(read(cloud, item), cloud=cloud)

    kind = resource(create=create, read=read_with, removal=("origin",))
    seen = []

    def keep(cloud, value):
        seen.append(cloud)
        return value

    kind.attributes.update(origin=source(keep), size=kind.attributes["size"]._replace(canonical=keep))
    found = engine(kind=kind, modes=Modes(template="replace"))
    report = found.converge("net", None, {"origin": "x", "size": 3})
    assert calls(found)[1] == ("vntemplate.allocate", "net", "replace")
    assert report.record["cloud"] is found.cloud
    kind.attributes["origin"] = attribute("origin", canonical=keep)
    found.remove(None, 5, {"origin": "x"})
    assert seen == [found.cloud] * 3


def test_what_creation_needs_is_asked_for_before_anything_else():
    kind = resource(needed=lambda wanted: ("size", "color", *wanted, "template"), permits=lambda cloud: 1 / 0)
    found = engine(kind=kind)
    message, data = refusal(found.converge, " net", None, {"owner": "ann"})
    assert message == "There is no virtual network template net; to create it, give: size, color, template."
    assert data == {"object": "vntemplate", "name": "net"}
    assert calls(found) == [POOL]


def test_a_name_that_no_object_may_have_is_refused():
    message, data = refusal(engine().converge, "a/b", None, {})
    assert message == "The name of a virtual network template cannot have '/': 'a/b'."
    assert data == {"object": "vntemplate", "name": "a/b"}


def test_a_creation_that_is_refused_creates_nothing_and_looks_no_further():
    found = engine(vntemplate_allocate=[refused(NOT_ALLOWED, "Quota reached")])
    message, data = refusal(found.converge, "net", None, {})
    assert message == (
        "Cannot create virtual network template net: Quota reached. "
        "Ask for the right (owner, group, ACL), or use another user."
    )
    assert data == {"object": "vntemplate", "name": "net", "method": "one.vntemplate.allocate", "code": NOT_ALLOWED}
    assert calls(found) == [POOL]


@pytest.mark.parametrize("said", ["NAME is already taken", "Object already exists", "User already owns it"])
def test_a_name_that_another_run_has_taken_meanwhile_is_its_object(said):
    found = engine()
    fault = refused(ALLOCATE, said, lambda: found.cloud.one.add("net"))
    found.cloud.one.faults["vntemplate.allocate"] = iter([fault])
    report = found.converge("net", None, {"size": 2})
    assert (report.changed, report.record["id"], report.record["size"]) == (True, 5, 2)
    assert calls(found) == [POOL, POOL, NEW, ("vntemplate.resize", 5, 2), NEW]


def test_a_name_that_is_taken_out_of_sight_is_told():
    found = engine(vntemplate_allocate=[refused(ALLOCATE, "NAME is already taken")])
    message, data = refusal(found.converge, "net", None, {"size": 2})
    assert message == "Cannot create virtual network template net: NAME is already taken."
    assert data["code"] == ALLOCATE
    assert calls(found) == [POOL, POOL]


def test_an_object_whose_creation_got_no_answer_is_found_by_its_name():
    found = engine(vntemplate_allocate=[lost])
    assert found.converge("net", None, {"size": 2}).record["id"] == 5
    assert calls(found) == [POOL, ("vntemplate.allocate", "net", 2), POOL, NEW]
    found = engine(vntemplate_allocate=[unsure])
    message, data = refusal(found.converge, "net", None, {})
    assert message == LOST % "create virtual network template net"
    assert (data["object"], data["name"], "created" in data) == ("vntemplate", "net", False)
    assert calls(found) == [POOL, POOL]


def test_what_is_found_after_a_lost_answer_belongs_to_the_owner_that_is_wanted():
    found = engine(thing(0), modes=Modes(by_owner=True), vntemplate_allocate=[lost])
    assert found.converge("net", None, {"owner": "me"}).record["id"] == 5


def test_what_fails_after_the_creation_says_that_it_was_created():
    found = engine(vntemplate_update=[refused(NOT_ALLOWED, "No")])
    message, data = refusal(found.converge, "net", None, {"color": "blue", "template": {"A": "1"}})
    advice = "Ask for the right (owner, group, ACL), or use another user."
    assert message == f"Cannot set the template of net: No. {advice} Already changed: color. {NEXT}"
    assert data == {
        "object": "vntemplate",
        "id": 5,
        "created": True,
        "done": ["color"],
        "not_done": ["template"],
        "method": "one.vntemplate.update",
        "code": NOT_ALLOWED,
    }


def test_an_object_that_breaks_after_its_creation_says_so():
    kind = resource(
        failure=lambda item, wanted: f"{item.NAME} has size {wanted['size']}.", settled=lambda *words: 1 / 0
    )
    found = engine(kind=kind)
    with pytest.raises(Broken) as caught:
        found.converge("net", None, {"size": 2})
    assert caught.value.message == (
        "The virtual network template net has failed: net has size 2. It was created, with id 5."
    )
    assert caught.value.data == {"object": "vntemplate", "id": 5, "created": True}
    assert (
        engine(kind=kind._replace(settled=lambda *words: True), waits=False).converge("net", None, {"size": 2}).changed
    )


def test_an_object_that_does_not_settle_after_its_creation_says_so():
    found = engine(kind=resource(settled=lambda item, wanted: False))
    message, data = refusal(found.converge, "net", None, {})
    assert message == (
        "Gave up waiting after 10 s: virtual network template net is in state ready. "
        f"Give a longer wait_timeout, or wait: false. {NEXT}"
    )
    assert data == {"id": 5, "created": True}


def test_without_waiting_a_new_object_settles_only_where_something_is_left_to_do():
    looks = []

    def settled(item, wanted):
        looks.append(wanted)
        return len(looks) == 3

    kind = resource(settled=settled)
    found = engine(kind=kind, waits=False)
    assert found.converge("net", None, {"size": 2}).record["size"] == 2
    assert (calls(found), looks) == ([POOL, ("vntemplate.allocate", "net", 2), NEW], [])
    found = engine(kind=kind, waits=False)
    wanted = {"size": 2, "color": "blue"}
    assert found.converge("net", None, wanted).record["color"] == "blue"
    assert calls(found) == [
        POOL,
        ("vntemplate.allocate", "net", 2),
        NEW,
        NEW,
        NEW,
        NEW,
        ("vntemplate.paint", 5, "blue"),
        NEW,
    ]
    assert looks == [wanted] * 3


def test_with_waiting_a_new_object_settles_before_it_is_changed_and_after():
    looks = []
    kind = resource(settled=lambda item, wanted: looks.append((item.COLOR, wanted)) or len(looks) % 2 == 0)
    found = engine(kind=kind)
    found.converge("net", None, {"color": "blue"})
    assert looks == [(color, {"color": "blue"}) for color in ("red", "red", "blue", "blue")]
    assert calls(found) == [
        POOL,
        ("vntemplate.allocate", "net", 1),
        NEW,
        NEW,
        ("vntemplate.paint", 5, "blue"),
        NEW,
        NEW,
    ]


# ---------------------------------------------------------------- several of one name


def test_a_younger_twin_removes_what_it_has_created():
    seen = []

    def remove(cloud, record, wanted, modes):
        seen.append((cloud, record, wanted, modes))
        return [Step("remove it", "vntemplate.delete", (record["id"],))]

    modes = Modes(by_owner=True, force=True)
    found = engine(kind=resource(unique=False, remove=remove), modes=modes)
    found.cloud.one.faults["vntemplate.allocate"] = iter([first(lambda: found.cloud.one.add("net"))])
    report = found.converge("net", None, {"owner": "me", "size": 1})
    assert report.record["id"] == 5
    assert calls(found) == [
        POOL,
        ("vntemplate.allocate", "net", 1),
        POOL,
        ("vntemplate.info", 6),
        ("vntemplate.delete", 6),
        NEW,
    ]
    assert seen == [(found.cloud, dict(RECORD, id=6, owner="me"), {}, modes)]
    assert found.cloud.checks[-1] == ("remove it", "vntemplate.delete", 6)


def test_the_older_twin_stays():
    found = engine(kind=resource(unique=False))

    def other_run(act):
        oid = act()
        found.cloud.one.add("net")
        return oid

    found.cloud.one.faults["vntemplate.allocate"] = iter([other_run])
    assert found.converge("net", None, {}).record["id"] == 5
    assert calls(found) == [POOL, ("vntemplate.allocate", "net", 1), POOL, NEW]
    assert sorted(found.cloud.one.items) == [5, 6]


@pytest.mark.parametrize(("by_owner", "created"), [(True, 5), (False, 0)])
def test_what_belongs_to_others_is_no_twin_where_owners_count(by_owner, created):
    found = engine(thing(0), kind=resource(unique=False), modes=Modes(by_owner=by_owner))
    step, wanted, dummy = found.creation("net", {"owner": "me"})
    assert found.allocate(step, "net", wanted) == created
    assert sorted(found.cloud.one.items) == ([0, 5] if by_owner else [0])


def test_a_new_object_stays_where_twins_cannot_be_looked_for():
    def find(cloud, kind, name, oid, arguments, owner):
        raise Failure("No right to look.")

    found = engine(kind=resource(unique=False, find=find))
    step, wanted, dummy = found.creation("net", {})
    assert found.allocate(step, "net", wanted) == 5


def test_a_twin_that_cannot_be_removed_is_told():
    found = engine(thing(0), kind=resource(unique=False), vntemplate_delete=[refused(NOT_ALLOWED, "No")])
    step, wanted, dummy = found.creation("net", {})
    dummy, data = refusal(found.allocate, step, "net", wanted)
    assert (data["object"], data["id"], data["method"]) == ("vntemplate", 5, "one.vntemplate.delete")


TAKEN = "User already owns NET net"


def test_an_owner_who_has_one_of_the_name_keeps_his_and_the_new_one_goes():
    found = engine(thing(1, "other", "bob"), thing(2, "net", "eve"))
    found.cloud.one.faults["vntemplate.chown"] = iter(
        [refused(INTERNAL, TAKEN, lambda: found.cloud.one.add("net", 4, owner="bob"))]
    )
    found.modes = Modes(by_owner=True)
    report = found.converge("net", None, {"owner": "bob", "size": 2})
    assert (report.changed, report.record) == (True, dict(RECORD, id=6, size=2, owner="bob"))
    assert sorted(found.cloud.one.items) == [1, 2, 6]
    assert calls(found) == [
        POOL,
        ("vntemplate.allocate", interim_name("net", "bob"), 2),
        NEW,
        NEW,
        POOL,
        NEW,
        ("vntemplate.delete", 5),
        ("vntemplate.info", 6),
        ("vntemplate.resize", 6, 2),
        ("vntemplate.info", 6),
    ]


@pytest.mark.parametrize(
    ("said", "wanted", "others", "looked"),
    [
        ("Not so", {"owner": "bob"}, [thing(1, "net", "bob")], 0),
        (TAKEN, {}, [thing(1, "net", "bob")], 0),
        (TAKEN, {"owner": "bob"}, [], 1),
        (TAKEN, {"owner": "bob"}, [thing(1, "net", "eve"), thing(2, "other", "bob")], 1),
        (TAKEN, {"owner": "bob"}, [thing(5, "net", "bob")], 1),
    ],
)
def test_nothing_takes_the_place_of_a_new_object_otherwise(said, wanted, others, looked):
    found = engine(*others)
    found.cloud.pool("vntemplate")
    assert found.predecessor(Failure(f"Cannot: {said}."), "net", 5, wanted) is None
    assert calls(found) == [POOL] * (1 + looked)


def test_the_pool_of_the_kind_is_asked_for_the_one_that_takes_the_place():
    arguments = (-3, -1, -1)
    found = engine(thing(1, "net", "bob"), thing(5), kind=resource(pool_arguments=arguments))
    assert found.predecessor(Failure(TAKEN), "net", 5, {"owner": "bob"}).ID == 1
    assert sorted(found.cloud.one.items) == [1]
    found.find("other", None, {})
    assert [call for call in calls(found) if "pool" in call[0]] == [("vntemplatepool.info", *arguments)]


# ---------------------------------------------------------------- finding


def test_an_id_that_nobody_has_creates_nothing():
    message, data = refusal(engine().converge, "net", 7, {})
    assert message == "There is no virtual network template with id 7; to create one, leave the id out."
    assert data == {"object": "vntemplate", "id": 7}


def test_a_name_beside_an_id_renames():
    found = engine(thing(0))
    report = found.converge("new", 0, {})
    assert report == Report(True, {"name": "net"}, {"name": "new"}, dict(RECORD, name="new"))
    assert calls(found) == [INFO, ("vntemplate.rename", 0, "new"), INFO]
    assert engine(thing(0)).converge("new", 0, {"size": 2}).after == {"name": "new", "size": 2}
    assert engine(thing(0)).converge(None, 0, {}) == Report(False, {}, {}, RECORD)


def test_a_name_alone_is_none_of_the_options():
    kind = resource()
    del kind.attributes["name"]
    assert not engine(thing(0), kind=kind).converge("net", None, {}).changed
    assert not engine(thing(0), kind=kind).converge(None, 0, {}).changed


@pytest.mark.parametrize(
    ("detailed", "oid", "asked"), [(False, None, [POOL]), (True, None, [POOL, INFO]), (True, 0, [INFO])]
)
def test_an_object_is_read_alone_where_the_pool_does_not_tell_all(detailed, oid, asked):
    found = engine(thing(0), kind=resource(detailed=detailed))
    assert found.converge("net" if oid is None else None, oid, {"size": 1}) == Report(False, {}, {}, RECORD)
    assert calls(found) == asked


@pytest.mark.parametrize(("by_owner", "record"), [(True, {"id": 2, "owner": "bob"}), (False, None)])
def test_an_owner_tells_objects_of_one_name_apart_where_it_is_meant_so(by_owner, record):
    found = engine(thing(1), thing(2, owner="bob"), modes=Modes(by_owner=by_owner))
    if by_owner:
        assert found.converge("net", None, {"owner": "bob"}).record == dict(RECORD, **record)
        assert found.remove("net", None, {"owner": "bob"}).record["id"] == 2
    else:
        assert "with the ids 1, 2" in refusal(found.converge, "net", None, {"owner": "bob"})[0]


# ---------------------------------------------------------------- update


def test_what_is_as_wanted_costs_one_read():
    found = engine(thing(0))
    assert found.converge("net", None, {"size": 1, "template": {}}) == Report(False, {}, {}, RECORD)
    assert calls(found) == [POOL]


def test_a_change_is_verified_and_reported_as_it_is_then():
    kind = resource()
    kind.attributes["size"] = attribute(
        "size",
        lambda record, after: [
            Step(
                "set the size of net",
                "vntemplate.resize",
                (record["id"], after),
                result=lambda answer: {"answer": answer},
            )
        ],
    )
    found = engine(thing(0), kind=kind)
    report = found.converge("net", None, {"size": 2, "color": "blue"})
    assert report == Report(
        True, {"size": 1, "color": "red"}, {"size": 2, "color": "blue"}, dict(RECORD, size=2, color="blue", answer=0)
    )
    assert calls(found) == [POOL, ("vntemplate.resize", 0, 2), ("vntemplate.paint", 0, "blue"), INFO]
    assert found.cloud.told[1:] == [("set the size of net", {}), ("set the color of net", {})]


def test_a_check_run_plans_the_same_and_changes_nothing():
    found = engine(thing(0), apply=False)
    report = found.converge("net", None, {"size": 2, "template": {"A": "1"}})
    assert report == Report(
        True,
        {"size": 1, "template": {}},
        {"size": 2, "template": {"A": "1"}},
        dict(RECORD, size=2, template={"A": "1"}),
    )
    assert calls(found) == [POOL]


def test_without_waiting_a_change_is_read_once_and_not_verified():
    found = engine(
        thing(0), kind=resource(settled=lambda item, wanted: 1 / 0), waits=False, vntemplate_resize=[ignored]
    )
    report = found.converge("net", None, {"size": 2})
    assert report == Report(True, {"size": 1}, {"size": 2}, RECORD)
    assert calls(found) == [POOL, INFO]


def test_an_object_that_does_not_rest_is_waited_for_though_nothing_changes():
    found = engine(
        thing(0, state="init"),
        kind=resource(settled=lambda item, wanted: wanted["size"] == 1 and item.STATE == "ready"),
    )
    found.cloud.one.faults["vntemplate.info"] = iter([None, first(lambda: found.cloud.one.change(0, STATE="ready"))])
    report = found.converge("net", None, {"size": 1})
    assert report == Report(False, {}, {}, RECORD)
    assert calls(found) == [POOL, INFO, INFO]
    found = engine(thing(0, state="init"), kind=resource(settled=lambda item, wanted: 1 / 0), waits=False)
    assert found.converge("net", None, {"size": 1}).record["net_state"] == "init"
    assert calls(found) == [POOL]


def test_an_object_rests_by_what_is_wanted_of_it():
    found = engine(kind=resource(settled=lambda item, wanted: (item, wanted)))
    assert found.rests("item", "wanted") == ("item", "wanted")


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (resource(), "virtual network template net is in state init"),
        (resource(describe=lambda cloud, item: f"{type(cloud).__name__} {item.NAME} starts"), "Recorder net starts"),
        (
            resource(read=lambda cloud, item: dict(read(cloud, item), status=f"{type(cloud).__name__}")),
            "virtual network template net is in state init",
        ),
        (
            resource(read=lambda cloud, item: {"size": 1, "status": f"{type(cloud).__name__} {item.STATE}"}),
            "virtual network template net is in state Recorder init",
        ),
        (
            resource(read=lambda cloud, item: {"size": 1, "a_state": "one", "b_state": "two", "status": "three"}),
            "virtual network template net is in state one",
        ),
    ],
)
def test_what_does_not_settle_in_time_is_told_with_its_state(kind, state):
    found = engine(thing(0, state="init"), kind=kind._replace(settled=lambda item, wanted: False))
    message, dummy = refusal(found.converge, "net", None, {"size": 1})
    assert message == f"Gave up waiting after 10 s: {state}. Give a longer wait_timeout, or wait: false."


def test_a_failed_object_is_told_unless_nobody_waits():
    kind = resource(failure=lambda item, wanted: "No route to X...", settled=lambda item, wanted: "rests")
    message, data = refusal(engine(kind=kind).rests, thing(3), {})
    assert (message, data) == (
        "The virtual network template net has failed: No route to X.",
        {"object": "vntemplate", "id": 3},
    )
    assert engine(kind=kind, waits=False).rests(thing(3), {}) == "rests"


def test_an_object_that_is_gone_is_told():
    found = engine(thing(0), vntemplate_resize=[lambda act: found.cloud.one.items.clear()])
    message, data = refusal(found.converge, "net", None, {"size": 2})
    assert (message, data) == ("The virtual network template 0 no longer exists.", {"object": "vntemplate", "id": 0})


# ---------------------------------------------------------------- failures on the way


def test_a_step_that_is_refused_though_another_run_has_done_it_stops_nothing():
    for code in (ACTION, INTERNAL):
        found = engine(thing(0))
        store = found.cloud.one
        store.faults["vntemplate.paint"] = iter(
            [refused(code, "No", lambda store=store: store.change(0, COLOR="blue"))]
        )
        report = found.converge("net", None, {"size": 2, "color": "blue", "template": {"A": "1"}})
        assert report.record == dict(RECORD, size=2, color="blue", template={"A": "1"})
        assert report.before == {"size": 1, "color": "red", "template": {}}
        assert calls(found) == [POOL, ("vntemplate.resize", 0, 2), INFO, ("vntemplate.update", 0, {"A": "1"}), INFO]


def test_a_step_whose_answer_is_lost_stops_nothing():
    found = engine(thing(0), vntemplate_resize=[lost])
    assert found.converge("net", None, {"size": 2, "color": "blue"}).record == dict(RECORD, size=2, color="blue")
    assert calls(found) == [POOL, ("vntemplate.resize", 0, 2), INFO, ("vntemplate.paint", 0, "blue"), INFO]


def test_what_has_not_come_about_is_told_with_what_was_changed():
    found = engine(thing(0), vntemplate_paint=[refused(ACTION, "It is busy")])
    message, data = refusal(found.converge, "net", None, {"size": 2, "color": "blue", "template": {"A": "1"}})
    assert message == "Cannot set the color of net: It is busy. Already changed: size."
    assert data == {
        "object": "vntemplate",
        "id": 0,
        "method": "one.vntemplate.paint",
        "code": ACTION,
        "done": ["size"],
        "not_done": ["color", "template"],
    }
    assert calls(found) == [POOL, ("vntemplate.resize", 0, 2), INFO]
    found = engine(thing(0), vntemplate_resize=[unsure])
    message, data = refusal(found.converge, "net", None, {"size": 2, "color": "blue"})
    assert message == LOST % "set the size of net"
    assert (data["done"], data["not_done"]) == ([], ["size", "color"])
    assert calls(found) == [POOL, INFO]


def test_a_step_that_lacks_a_right_is_not_looked_after():
    found = engine(thing(0))
    fault = refused(NOT_ALLOWED, "No", lambda: found.cloud.one.change(0, SIZE=2))
    found.cloud.one.faults["vntemplate.resize"] = iter([fault])
    assert refusal(found.converge, "net", None, {"size": 2})[1]["code"] == NOT_ALLOWED
    assert calls(found) == [POOL]


def test_a_step_on_what_is_gone_meanwhile_is_told():
    found = engine(thing(0))
    fault = refused(ACTION, "It is busy", found.cloud.one.items.clear)
    found.cloud.one.faults["vntemplate.resize"] = iter([fault])
    message, dummy = refusal(found.converge, "net", None, {"size": 2})
    assert message == "Cannot set the size of net: It is busy."


WANTED = {"size": 2, "color": "blue", "template": {"A": "1"}, "owner": "bob"}


def test_lost_answers_stop_a_task_only_when_there_are_many():
    lossy = {"vntemplate_resize": [lost], "vntemplate_paint": [lost], "vntemplate_update": [lost]}
    found = engine(thing(0), **lossy)
    assert found.converge("net", None, WANTED).record == dict(RECORD, **WANTED)
    assert len(calls(found)) == 1 + 4 + 3 + 1
    found = engine(thing(0), **lossy, vntemplate_chown=[lost])
    message, data = refusal(found.converge, "net", None, WANTED)
    assert message == LOST % "set the owner of net"
    assert found.cloud.one.items[0].UNAME == "bob"
    assert (data["done"], data["not_done"]) == ([], ["owner"])
    assert len(calls(found)) == 1 + 4 + 4


def test_answers_before_and_after_a_failure_are_all_reported():
    kind = resource()
    for option, verb in (("size", "resize"), ("color", "paint"), ("template", "update"), ("owner", "chown")):
        step = Step(
            f"set the {option}", f"vntemplate.{verb}", (0, WANTED[option]), result=lambda answer, o=option: {o: answer}
        )
        kind.attributes[option] = attribute(option, lambda record, after, step=step: [step])
    found = engine(thing(0), kind=kind, vntemplate_paint=[lost], vntemplate_chown=[lost])
    item = found.find("net", None, {})
    dummy, steps = found.planned(item, WANTED)
    assert found.carry_out(item, WANTED, steps) == {"size": 0, "template": 0}


def test_steps_tell_what_they_were_for_when_they_cannot_be_waited_for():
    found = engine(thing(0, state="init"))
    steps = [
        Step("set the size of net", "vntemplate.resize", (0, 2), option="size"),
        Step("see it ready", until=lambda item: item.STATE == "ready", option="ready"),
    ]
    message, data = refusal(found.run, {"id": 0, "name": "net"}, steps)
    assert message == (
        "Gave up waiting after 10 s: virtual network template net is in state init. "
        "Give a longer wait_timeout, or wait: false. Already changed: size."
    )
    assert data == {"object": "vntemplate", "id": 0, "done": ["size"], "not_done": ["ready"]}


@pytest.mark.parametrize(("give_up", "timeout", "seconds"), [(3, 10, 3), (30, 10, 10), (0, 10, 0)])
def test_a_step_may_give_up_waiting(give_up, timeout, seconds):
    found = engine(thing(0, state="init"), timeout=timeout)
    start = found.cloud.clock.now()
    end = start + seconds

    def until(item):
        assert found.cloud.clock.now() <= end, "the first look at the end of the time is the last one"
        return False

    found.cloud.clock.sleep = lambda pause: setattr(found.cloud.clock, "seconds", found.cloud.clock.seconds + 1)
    steps = [Step("see it ready", until=until, give_up=give_up, result=lambda answer: {"answer": answer})]
    assert found.run({"id": 0, "name": "net"}, steps) == {"answer": None}
    assert found.cloud.clock.now() == end
    assert len(calls(found)) == seconds + 1


def test_a_step_ends_when_it_has_come_about_or_the_object_is_gone():
    found = engine(thing(0))
    found.cloud.one.faults["vntemplate.info"] = iter([None, first(lambda: found.cloud.one.change(0, STATE="done"))])
    step = Step("see it done", until=lambda item: item.STATE == "done")
    assert found.run({"id": 0, "name": "net"}, [step]) == {}
    assert calls(found) == [INFO, INFO]
    found.cloud.one.items.clear()
    assert found.run({"id": 0, "name": "net"}, [step._replace(until=lambda item: 1 / 0)]) == {}


# ---------------------------------------------------------------- verification


def test_what_was_accepted_but_not_stored_is_told():
    found = engine(thing(0), vntemplate_resize=[ignored])
    message, data = refusal(found.converge, "net", None, {"size": 2, "color": "blue"})
    assert message == "OpenNebula accepted the change of virtual network template net, but did not store: size."
    assert data == {"object": "vntemplate", "id": 0}
    assert calls(found) == [POOL, ("vntemplate.paint", 0, "blue"), INFO]


def test_what_another_run_changes_meanwhile_is_made_right():
    found = engine(thing(0))
    store = found.cloud.one
    store.faults["vntemplate.resize"] = iter([first(lambda: store.change(0, COLOR="green"))])
    report = found.converge("net", None, {"size": 2, "color": "red"})
    assert report == Report(True, {"size": 1}, {"size": 2}, dict(RECORD, size=2))
    assert calls(found) == [POOL, ("vntemplate.resize", 0, 2), INFO, ("vntemplate.paint", 0, "red"), INFO]
    assert found.cloud.checks[-1] == ("set the color of net", "vntemplate.paint", 0, "red")


def test_what_another_run_changes_back_is_told():
    found = engine(thing(0))
    store = found.cloud.one
    store.faults["vntemplate.resize"] = iter([first(lambda: store.change(0, COLOR="green"))])
    store.faults["vntemplate.paint"] = iter([first(lambda: store.change(0, SIZE=1)), first(lambda: 1 / 0)])
    message, dummy = refusal(found.converge, "net", None, {"size": 2, "color": "red"})
    assert message == "OpenNebula accepted the change of virtual network template net, but did not store: size."
    assert calls(found) == [POOL, ("vntemplate.resize", 0, 2), INFO, ("vntemplate.paint", 0, "red"), INFO]


def test_an_object_that_never_becomes_as_wanted_is_left_after_some_rounds():
    kind = resource()
    turns = iter(range(100))
    kind.attributes["size"] = attribute(
        "size", lambda record, after: [Step(f"turn {next(turns)}", "vntemplate.turn", (record["id"], "ready"))]
    )
    found = engine(thing(0), kind=kind)
    message, dummy = refusal(found.converge, "net", None, {"size": 2})
    assert message == "OpenNebula accepted the change of virtual network template net, but did not store: size."
    assert [call[0] for call in calls(found)].count("vntemplate.info") == 4
    assert [call[0] for call in calls(found)].count("vntemplate.turn") == 5


@pytest.mark.parametrize("code", [ACTION, INTERNAL])
def test_what_cannot_be_made_right_may_be_right_already(code):
    found = engine(thing(0))
    store = found.cloud.one
    store.faults["vntemplate.resize"] = iter([first(lambda: store.change(0, COLOR="green"))])
    store.faults["vntemplate.paint"] = iter([refused(code, "No", lambda: store.change(0, COLOR="red"))])
    assert found.converge("net", None, {"size": 2, "color": "red"}).record == dict(RECORD, size=2)


def test_what_may_not_be_made_right_is_told():
    found = engine(thing(0))
    store = found.cloud.one
    store.faults["vntemplate.resize"] = iter([first(lambda: store.change(0, COLOR="green"))])
    store.faults["vntemplate.paint"] = iter([refused(NOT_ALLOWED, "No", lambda: store.change(0, COLOR="red"))])
    message, data = refusal(found.converge, "net", None, {"size": 2, "color": "red"})
    assert message.startswith("Cannot set the color of net: No.")
    assert data["code"] == NOT_ALLOWED


def test_an_object_of_many_is_read_again_only_where_it_is_not_as_wanted():
    found = engine(thing(0))
    item = thing(0)
    assert found.verify(item, {"size": 1}, []) is item
    assert calls(found) == []
    found.cloud.one.change(0, SIZE=2)
    assert found.verify(item, {"size": 2}, []).SIZE == 2
    assert calls(found) == [INFO]
    made = found.planned(found.cloud.info("vntemplate", 0), {"size": 3})[1]
    message, dummy = refusal(found.verify, item, {"size": 3}, made)
    assert message == "OpenNebula accepted the change of virtual network template net, but did not store: size."
    assert found.verify(item, {"size": 3}, []).SIZE == 3


# ---------------------------------------------------------------- federation

SLAVE = {
    "zonepool_info": Element(ZONE=[Element(ID=0), Element(ID=100)]),
    "system_config": Element(FEDERATION=Element(MODE="SLAVE", ZONE_ID=100)),
}


def slave(*items, **more):
    """An Engine of VDCs on the slave of a federation."""
    return Engine(Recorder(Store("vdc", *items, **SLAVE)), resource("vdc", **more))


def later(*before):
    """Faults of a read: what is read at first."""
    return iter([lambda act, item=item: item() for item in before])


def missing():
    raise refused_call(NOT_THERE)


def test_a_slave_is_asked_again_until_it_has_what_its_master_has_stored():
    found = slave()
    found.cloud.one.faults["vdc.info"] = later(missing, missing)
    start = found.cloud.clock.now()
    assert found.converge("net", None, {"size": 2}).record["id"] == 5
    assert round(found.cloud.clock.now() - start, 3) == 0.4
    found = slave(thing(0))
    found.cloud.one.faults["vdc.info"] = later(lambda: thing(0), lambda: thing(0))
    start = found.cloud.clock.now()
    assert found.converge("net", None, {"size": 2}).record["size"] == 2
    assert round(found.cloud.clock.now() - start, 3) == 0.4


def test_a_slave_is_asked_again_until_what_was_removed_is_gone_there_too():
    found = slave(thing(0))
    found.cloud.one.faults["vdc.info"] = later(lambda: thing(0), lambda: thing(0))
    start = found.cloud.clock.now()
    found.remove("net", None)
    assert round(found.cloud.clock.now() - start, 3) == 0.4


def test_a_kind_that_is_not_replicated_is_asked_once():
    found = Engine(
        Recorder(Store("vntemplate", thing(0), faults={"vntemplate.resize": [ignored]}, **SLAVE)), resource()
    )
    assert "did not store: size" in refusal(found.converge, "net", None, {"size": 2})[0]
    assert calls(found) == [POOL, INFO]


# ---------------------------------------------------------------- encrypted attributes

HIDDEN = base64.b64encode(b"x" * 32).decode()
GIVEN = {"template": {"VCENTER_PASSWORD": "hush"}}


def host(*reads, stored=HIDDEN, **options):
    """An Engine of a host with an encrypted attribute, and what reads in clear text tell."""
    store = Store("host", thing(0, "h", TEMPLATE={"VCENTER_PASSWORD": stored}))
    found = Engine(Recorder(store), resource("host"), **options)
    answers = [lambda act, item=item: found.cloud.one.calls.append(act.args) or item for item in reads]
    store.faults["host.info"] = iter(answers)
    return found


def test_an_encrypted_attribute_is_compared_in_clear_text():
    found = host(thing(0, "h", TEMPLATE={"VCENTER_PASSWORD": "hush"}, SIZE=3))
    report = found.converge("h", None, dict(GIVEN, size=3))
    assert (report.changed, report.before, report.after) == (False, {}, {})
    assert calls(found) == [("hostpool.info",), ("host.info", 0, True)]
    found = host(thing(0, "h", TEMPLATE={"VCENTER_PASSWORD": "old"}), apply=False)
    report = found.converge("h", None, GIVEN)
    assert report.before == {"template": {"VCENTER_PASSWORD": "old"}}
    assert report.record["template"] == {"VCENTER_PASSWORD": "hush"}


def test_an_encrypted_attribute_that_the_server_hides_counts_as_wanted():
    found = host(thing(0, "h", TEMPLATE={"VCENTER_PASSWORD": HIDDEN, "B": "2"}), apply=False)
    report = found.converge("h", None, {"template": {"VCENTER_PASSWORD": "hush", "A": "1"}})
    assert report.before == {"template": {}}
    assert report.after == {"template": {"A": "1"}}
    assert report.record["template"] == {"VCENTER_PASSWORD": "hush", "A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("plain", GIVEN),
        (HIDDEN, {"template": {"VCENTER_PASSWORD": HIDDEN}}),
        (HIDDEN, {"template": {"A": "1"}}),
        (HIDDEN, {"size": 2}),
        (HIDDEN, {"template": {}}),
    ],
)
def test_nothing_is_decrypted_without_need(stored, wanted):
    found = host(stored=stored, apply=False)
    found.converge("h", None, wanted)
    assert calls(found) == [("hostpool.info",)]


# ---------------------------------------------------------------- removal


def test_what_is_not_there_is_removed_already():
    found = engine(thing(0, "other"))
    assert found.remove("net", None) == Report(False, {}, {}, None)
    assert found.remove(None, 9) == Report(False, {}, {}, None)
    assert calls(found) == [POOL, ("vntemplate.info", 9)]


def test_an_object_is_removed_and_seen_to_be_gone():
    report = Report(True, {"id": 0, "name": "net", "state": "present"}, {"state": "absent"}, RECORD)
    for options, after in (({}, [INFO]), ({"waits": False}, [])):
        found = engine(thing(0), **options)
        assert found.remove("net", None) == report
        assert calls(found) == [POOL, ("vntemplate.delete", 0), *after]
        assert found.cloud.checks == [("remove virtual network template net", "vntemplate.delete", 0)]
    found = engine(thing(0), apply=False)
    assert found.remove("net", None) == report
    assert calls(found) == [POOL]
    assert found.cloud.checks == [("remove virtual network template net", "vntemplate.delete", 0)]


def test_a_removal_takes_only_the_options_that_it_needs():
    seen = []
    kind = resource(removal=("size",), remove=lambda *words: seen.append(words) or [])
    kind.attributes["size"] = kind.attributes["size"]._replace(canonical=lambda cloud, value: int(value))
    kind.attributes["color"] = kind.attributes["color"]._replace(canonical=lambda cloud, value: 1 / 0)
    modes = Modes(force=True)
    found = engine(thing(0), kind=kind, modes=modes, waits=False)
    found.remove("net", None, {"size": "3", "color": "gone"})
    found.remove("net", None, {"color": "gone"})
    found.remove("net", None)
    assert [words[0] for words in seen] == [found.cloud] * 3
    assert [words[1:] for words in seen] == [(RECORD, wanted, modes) for wanted in ({"size": 3}, {}, {})]


@pytest.mark.parametrize(
    ("fault", "gone", "fails"),
    [
        (refused(NOT_THERE, "Gone"), True, False),
        (refused(NOT_THERE, "Gone"), False, True),
        (unsure, True, False),
        (unsure, False, True),
        (refused(NOT_ALLOWED, "No"), True, True),
        (refused(NOT_ALLOWED, "No"), False, True),
    ],
)
def test_a_removal_may_fail_where_the_object_is_gone(fault, gone, fails):
    def work(act):
        if gone:
            found.cloud.one.items.clear()
        fault(act)

    found = engine(thing(0), vntemplate_delete=[work])
    if fails:
        message, data = refusal(found.remove, "net", None)
        assert message.startswith("Cannot remove virtual network template net: ")
        assert (data["object"], data["id"]) == ("vntemplate", 0)
    else:
        assert found.remove("net", None).changed


def test_an_object_that_does_not_go_in_time_is_told():
    found = engine(thing(0), vntemplate_delete=[ignored])
    assert refusal(found.remove, "net", None)[0] == (
        "Gave up waiting after 10 s: virtual network template net still exists. "
        "Give a longer wait_timeout, or wait: false."
    )
    kind = resource(gone=lambda item: item is None or item.STATE == "done")
    found = engine(thing(0), kind=kind)
    found.cloud.one.faults["vntemplate.delete"] = iter([ignored])
    found.cloud.one.faults["vntemplate.info"] = iter([None, first(lambda: found.cloud.one.change(0, STATE="done"))])
    assert found.remove("net", None).changed
    assert calls(found) == [POOL, INFO, INFO]
