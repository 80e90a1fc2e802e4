# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Many objects of one kind side by side: each has its report or its failure, and the calls do not grow with waiting."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import bulk
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.bulk import Job, converge
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import (
    Modes,
    Report,
    Step,
    attribute,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.group import GROUP
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.image import IMAGE
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from fake_objects import (
    ALLOCATE,
    INTERNAL,
    Recorder,
    Store,
    ignored,
    lost,
    refused,
    resource,
    thing,
)
from fake_vms import refusal

pytestmark = pytest.mark.usefixtures("no_rules")


class Forgetting(Cloud):
    """A Cloud that reads pools again once something has changed them."""

    def __init__(self, one, **options):
        super().__init__(one, **options)
        self.forgotten = []
        self.calls = []

    def forget_changed(self, methods):
        self.forgotten.append(sorted(methods))
        self._pools.clear()
        getattr(self, "_derived", {}).clear()

    def call(self, doing, method, *arguments, **data):
        self.calls.append(method)
        return super().call(doing, method, *arguments, **data)


class Quick(Clock):
    def __init__(self):
        self.slept = 0

    def now(self):
        return self.slept

    def sleep(self, seconds):
        self.slept += seconds


@pytest.fixture
def cloud(simulator):
    return Forgetting(OneServer(simulator.url, session="oneadmin:opennebula"), clock=Quick())


def made(cloud, resource, wanted, **options):
    """The jobs of {name: wanted}, once they are done."""
    jobs = [Job(Engine(cloud, resource, **options), name, None, given) for name, given in wanted.items()]
    converge(cloud, jobs, 2)
    return {job.name: job for job in jobs}


def test_objects_are_created_changed_and_then_left_alone(cloud):
    wanted = {name: {"status": "offline", "labels": [name]} for name in ("a", "b", "c")}
    jobs = made(cloud, HOST, wanted)
    assert [job.failure for job in jobs.values()] == [None] * 3
    assert [job.report.changed for job in jobs.values()] == [True] * 3
    assert sorted(job.created for job in jobs.values()) == [0, 1, 2]
    assert [job.report.record["id"] for job in jobs.values()] == [job.created for job in jobs.values()]
    assert {name: (job.report.record["status"], job.report.record["labels"]) for name, job in jobs.items()} == {
        name: ("offline", [name]) for name in wanted
    }
    assert {name: job.report.before for name, job in jobs.items()} == {name: {"state": "absent"} for name in wanted}
    assert jobs["a"].methods == {"host.allocate", "host.update", "host.status"}
    assert cloud.forgotten[-1] == ["host.allocate", "host.status", "host.update"]
    cloud.calls.clear()
    again = made(cloud, HOST, wanted)
    assert not any(job.report.changed for job in again.values())
    assert {job.created for job in again.values()} == {None}
    assert {*cloud.calls} == {"hostpool.info"}
    assert cloud.forgotten[-1] == []


def test_a_failure_ends_the_work_on_its_object_alone(cloud):
    cloud.one.host.allocate("there", "kvm", "kvm", 0)
    jobs = made(cloud, HOST, {"a b": {}, "there": {"vm_mad": "qemu"}, "good": {"status": "disabled"}})
    assert jobs["a b"].failure.message == "The name of a host cannot have a blank: 'a b'."
    assert jobs["there"].failure.message == (
        "The host there has options that cannot be changed: vm_mad (kvm). Remove the host first, or leave them out."
    )
    assert (jobs["a b"].report, jobs["good"].failure, jobs["good"].report.record["status"]) == (None, None, "disabled")


def test_what_fails_after_its_creation_says_that_it_was_created(cloud):
    failure = made(cloud, GROUP, {"dev": {"admins": ["serveradmin"]}})["dev"].failure
    assert failure.message == (
        "Cannot change the users of group dev: Cannot edit group. User 1 is not part of Group 100. "
        "It was created, with id 100; the next run goes on from there."
    )
    assert {key: failure.data[key] for key in ("id", "created", "object", "method")} == {
        "id": 100,
        "created": True,
        "object": "group",
        "method": "one.group.addadmin",
    }


def test_an_object_with_an_id_is_renamed(cloud):
    oid = cloud.one.host.allocate("old", "kvm", "kvm", 0)
    job = Job(Engine(cloud, HOST), "new", oid, {})
    converge(cloud, [job], 0)
    assert (job.report.before, job.report.after) == ({"name": "old"}, {"name": "new"})
    assert cloud.one.host.info(oid).NAME == "new"


def test_objects_that_do_not_rest_in_time_are_told(simulator, cloud):
    simulator.cloud.events.delay = 1000
    cloud.timeout = 3
    wanted = {name: {"datastore": "default", "size": "1"} for name in ("a", "b")}
    jobs = made(cloud, IMAGE, wanted)
    sentence = "Gave up waiting after 3 s: image a has not settled. Give a longer wait_timeout, or wait: false."
    assert [job.failure.message for job in jobs.values()] == [sentence] * 2
    assert cloud.clock.slept == pytest.approx(3)
    cloud.calls.clear()
    jobs = made(cloud, IMAGE, {"c": {"datastore": "default", "size": "1"}}, waits=False)
    assert (jobs["c"].failure, jobs["c"].report.record["image_state"]) == (None, "locked")


def test_an_object_that_vanishes_is_told(cloud):
    job = Job(Engine(cloud, HOST), "gone", None, {})
    job.created = 77
    assert not job.attempt(job.look)
    sentence = "The host 77 no longer exists. It was created, with id 77; the next run goes on from there."
    assert (job.failure.message, job.failure.data["id"]) == (sentence, 77)
    assert not job.attempt(lambda: 1 / 0), "nothing more is done for what has failed"


def test_a_request_stands_for_name_and_options(cloud):
    item = cloud.one.host.info(cloud.one.host.allocate("asked", "kvm", "kvm", 0))
    job = Job(Engine(cloud, HOST), None, None, {}, lambda: (item, {"status": "disabled"}))
    converge(cloud, [job], 1)
    assert job.report.after == {"status": "disabled"}
    assert cloud.one.host.info(item.ID).STATE == 4


# ---------------------------------------------------------------- a kind that is made up

POOL = ("vntemplatepool.info", -2, -1, -1)
RECORD = {"size": 1, "color": "red", "owner": "ann", "template": {}, "net_state": "ready", "id": 0, "name": "net"}


def job(*items, name="net", oid=None, wanted=None, kind=None, request=None, faults=None, **options):
    """A Job in a cloud of such things."""
    kind = kind or resource()
    cloud = Recorder(Store(kind.kind, *items, faults=faults))
    return Job(Engine(cloud, kind, **options), name, oid, {} if wanted is None else wanted, request)


def done(one, workers=1):
    """The calls of the API that converging one job takes."""
    converge(one.engine.cloud, [one], workers)
    return one.engine.cloud.one.calls


def test_one_of_many_is_created_changed_and_verified():
    one = job(wanted={"size": 2, "color": "blue"})
    asked = done(one)
    after = {"size": 2, "color": "blue", "name": "net", "state": "present"}
    assert one.report == Report(True, {"state": "absent"}, after, dict(RECORD, size=2, color="blue", id=5, owner="me"))
    assert (one.created, one.methods) == (5, {"vntemplate.allocate", "vntemplate.paint"})
    look = ("vntemplate.info", 5)
    assert asked == [POOL, ("vntemplate.allocate", "net", 2), look, ("vntemplate.paint", 5, "blue"), look]
    assert one.engine.cloud.forgotten == [
        ["vntemplate.allocate"],
        ["vntemplate.allocate", "vntemplate.paint"],
        ["vntemplate.allocate", "vntemplate.paint"],
    ]


def test_one_of_many_that_is_as_wanted_costs_nothing_more():
    one = job(thing(0), wanted={"size": 1})
    assert done(one) == [POOL]
    assert one.report == Report(False, {}, {}, RECORD)
    assert one.engine.cloud.forgotten == [[]]


def test_one_of_many_is_renamed_by_its_id_alone():
    one = job(thing(0), name="new", oid=0)
    done(one)
    assert one.report == Report(True, {"name": "net"}, {"name": "new"}, dict(RECORD, name="new"))
    kind = resource()
    del kind.attributes["name"]
    for name, oid in (("net", None), (None, 0)):
        one = job(thing(0), name=name, oid=oid, kind=kind)
        done(one)
        assert one.report == Report(False, {}, {}, RECORD)


def test_a_name_or_an_owner_that_others_have_counts_as_for_a_single_object():
    taken = job(wanted={"size": 2})
    store = taken.engine.cloud.one
    store.faults["vntemplate.allocate"] = iter(
        [refused(ALLOCATE, "NAME is already taken", lambda: store.add("net", 2))]
    )
    done(taken)
    assert (taken.failure, taken.created, taken.report.record["id"]) == (None, 5, 5)
    owned = job(thing(0), modes=Modes(by_owner=True), wanted={"owner": "bob"}, faults={"vntemplate.allocate": [lost]})
    done(owned)
    assert (owned.failure, owned.report.record["name"], owned.report.record["owner"]) == (None, "net", "bob")
    late = job(wanted={"owner": "bob", "size": 2})
    store = late.engine.cloud.one
    store.faults["vntemplate.chown"] = iter(
        [refused(INTERNAL, "User already owns NET net", lambda: store.add("net", owner="bob"))]
    )
    done(late)
    assert (late.failure, late.created, late.report.record["id"]) == (None, None, 6)
    assert (late.report.record["size"], sorted(store.items)) == (2, [6])


def test_the_answers_of_steps_are_reported_for_one_of_many():
    kind = resource()
    step = Step("set it", "vntemplate.resize", (0, 2), result=lambda answer: {"answer": answer})
    kind.attributes["size"] = attribute("size", lambda record, after: [step])
    one = job(thing(0), kind=kind, wanted={"size": 2})
    done(one)
    assert one.report.record == dict(RECORD, size=2, answer=0)


def test_a_step_that_is_a_function_counts_as_an_update():
    kind = resource()
    kind.attributes["size"] = attribute("size", lambda record, after: [Step("set it", run=lambda cloud: None)])
    one = job(thing(0), kind=kind, wanted={"size": 2})
    done(one)
    assert one.methods == {"vntemplate.update"}
    assert one.failure.message == (
        "OpenNebula accepted the change of virtual network template net, but did not store: size."
    )


def test_without_waiting_one_of_many_is_not_verified():
    one = job(thing(0), wanted={"size": 2}, waits=False, faults={"vntemplate.resize": [ignored]})
    assert done(one) == [POOL, ("vntemplate.info", 0)]
    assert one.report == Report(True, {"size": 1}, {"size": 2}, RECORD)


def test_one_of_many_that_is_unchanged_is_not_verified_either():
    kind = resource()
    one = job(thing(0), kind=kind, wanted={"size": 1})
    one.prepare()
    one.change()
    one._item.SIZE = 3
    one.finish()
    assert one.report.record["size"] == 3


def test_a_change_tells_whether_there_was_one():
    one = job(thing(0), wanted={"size": 2})
    one.prepare()
    assert (one.change(), one.report.changed) == (True, True)
    one = job(thing(0), wanted={"size": 1})
    one.prepare()
    assert (one.change(), one.report.changed) == (False, False)


def test_a_change_that_fails_is_told_for_one_of_many():
    one = job(thing(0), wanted={"size": 2, "owner": "bob"}, faults={"vntemplate.resize": [refused(ALLOCATE, "No")]})
    assert done(one) == [POOL]
    assert one.failure.message == "Cannot set the size of net: No."
    assert one.failure.data["not_done"] == ["size", "owner"]


def test_what_is_gone_is_told_with_its_kind_and_id():
    one = job(thing(0))
    one.prepare()
    one.engine.cloud.one.items.clear()
    message, data = refusal(one.look)
    assert message == "The virtual network template 0 no longer exists."
    assert data == {"object": "vntemplate", "id": 0}


def test_what_fails_before_anything_is_known_of_the_object_tells_the_id_that_was_created():
    one = job()
    one.created = 5

    def work():
        raise Failure("No.")

    assert not one.attempt(work)
    assert one.failure.data == {"id": 5, "created": True}
    assert one.failure.message == "No. It was created, with id 5; the next run goes on from there."


@pytest.mark.parametrize(("arguments", "owner"), [((-3, -1, -1), "bob"), (None, None)])
def test_the_object_is_looked_for_by_its_id_whatever_its_owner(arguments, owner):
    seen = []

    def find(*words):
        seen.append(words)
        return thing(0)

    one = job(kind=resource(find=find, pool_arguments=arguments), modes=Modes(by_owner=True), wanted={"owner": owner})
    one.prepare()
    assert one.look() is True
    cloud = one.engine.cloud
    assert seen == [
        (cloud, "vntemplate", "net", None, arguments, owner),
        (cloud, "vntemplate", None, 0, arguments, None),
    ]


@pytest.mark.parametrize(("workers", "threads"), [(0, 1), (1, 1), (3, 3)])
def test_as_many_work_side_by_side_as_are_allowed(workers, threads, monkeypatch):
    seen = []

    class Threads(bulk.ThreadPoolExecutor):
        def __init__(self, workers):
            seen.append(workers)
            super().__init__(workers)

    monkeypatch.setattr(bulk, "ThreadPoolExecutor", Threads)
    done(job(thing(0)), workers)
    assert seen == [threads]
