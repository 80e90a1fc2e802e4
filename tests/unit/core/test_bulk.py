# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Many objects of one kind side by side: each has its report or its failure, and the calls do not grow with waiting."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.bulk import Job, converge
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.group import GROUP
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.image import IMAGE
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer


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
