# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The engine for many objects of one kind: what it does for one, with pools in place of single objects.

All are created side by side, the pool is read, all are changed side by side, the pool is read again. A failure of one
object is kept for it, and does not end the work on the others.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .._core.cloud import label, method
from .._core.failure import Failure, created
from .engine import canonical


class Job:
    """One object to make as it is wanted.

    Args:
        engine (Engine): of its resource.
        name, oid, wanted: as of Engine.converge.
        request (callable | None): () → (the object, what is wanted of it in its one form), instead of these three.

    Attributes:
        report (Report | None): what was done, once it is.
        failure (Failure | None)
    """

    def __init__(self, engine, name, oid, wanted, request=None):
        self.engine = engine
        self.name = name
        self.oid = oid
        self.wanted = wanted
        self.report: Any = None
        self.failure: Any = None
        self.created: Any = None  # id, when this run has created the object
        self.methods: set = set()  # that were called
        self._request = request
        self._item: Any = None
        self._step: Any = None
        self._results: dict = {}
        self._made: list = []  # steps

    def attempt(self, work):
        """work() unless the object has failed; keeps its Failure. Returns whether the object goes on."""
        if self.failure is None:
            try:
                work()
            except Failure as failure:
                self.failure = failure
                if self.created is not None:
                    failure.data.update(id=self.created, created=True)
                    created(failure, self.created)
        return self.failure is None

    def prepare(self):
        """Finds the object, or how it is created."""
        if self._request is not None:
            self._item, self.wanted = self._request()
            return
        engine = self.engine
        self.wanted = canonical(engine.cloud, engine.resource, engine.named(self.name, self.oid, self.wanted))
        self._item = engine.find(self.name, self.oid, self.wanted)
        if self._item is None:
            self._step, self.wanted, self.report = engine.creation(self.name, self.wanted)

    def create(self):
        if self._step is not None:
            self.methods.add(self._step.method)
            self.created = self.engine.allocate(self._step, self.name, self.wanted)

    def look(self):
        """Reads the object from the pool; returns whether it rests."""
        engine = self.engine
        oid = self.created if self.created is not None else self._item.ID
        kind = engine.resource.kind
        self._item = engine.resource.find(engine.cloud, kind, None, oid, engine.resource.pool_arguments, None)
        if self._item is None:
            raise Failure("The %s %s no longer exists." % (label(kind), oid), object=kind, id=oid)
        return not engine.waits or engine.rests(self._item, self.wanted)

    def change(self):
        """Runs the steps that are left; returns whether there were any."""
        report, steps = self.engine.planned(self._item, self.wanted)
        self.report = self.report or report
        own = method(self.engine.resource.kind, "update")  # of a step that is a function
        self.methods.update(step.method or own for step in steps)
        self._made = steps
        try:
            self._results = self.engine.carry_out(self._item, self.wanted, steps)
        except Failure as failure:
            item = None
            if self.created is not None:
                item = self.engine.predecessor(failure, self.name, self.created, self.wanted)
            if item is None:
                raise
            self._item, self.created = item, None
            return self.change()
        return bool(steps)

    def finish(self):
        """Verifies the object, and reports it as it is."""
        if self.engine.waits and self.report.changed:
            self._item = self.engine.verify(self._item, self.wanted, self._made)
        self.report = self.report._replace(record=dict(self.engine.record(self._item), **self._results))

    def describe(self):
        return "%s %s has not settled" % (label(self.engine.resource.kind), self.name)


def converge(cloud, jobs, workers):
    """Makes objects as they are wanted.

    Args:
        cloud (Cloud): whose forget_changed(methods) lets pools be read again; see plugin_utils.declaration.
        jobs (list[Job]): of one kind; each has its report or its failure afterwards.
        workers (int): how many are created, or changed, at a time.
    """
    with ThreadPoolExecutor(max(1, workers)) as threads:
        left = _each(threads, jobs, Job.prepare)
        left = _each(threads, left, Job.create)
        left = _settled(cloud, left)
        before = {id(job): set(job.methods) for job in left}
        left = _each(threads, left, Job.change)
        changed = [job for job in left if job.methods != before[id(job)]]
        if changed:
            _settled(cloud, changed)
        _each(threads, [job for job in left if job.failure is None], Job.finish)
    cloud.forget_changed(set().union(*(job.methods for job in jobs)))


def _each(threads, jobs, work):
    """The jobs that go on after each has done some work."""
    going = list(threads.map(lambda job: job.attempt(lambda: work(job)), jobs))
    return [job for job, goes in zip(jobs, going) if goes]


def _settled(cloud, jobs):
    """The jobs whose objects have settled; all are looked at in one read of the pool at a time."""
    waiting = {id(job): job for job in jobs if job.methods}
    if not waiting:
        return jobs
    methods = set().union(*(job.methods for job in waiting.values()))

    def probe():
        cloud.forget_changed(methods)
        for job in list(waiting.values()):
            rests: list = []
            if not job.attempt(lambda job=job, rests=rests: rests.append(job.look())) or rests[0]:
                del waiting[id(job)]
        return waiting

    try:
        cloud.wait(probe, lambda found: not found, lambda found: next(iter(found.values())).describe())
    except Failure as failure:
        for job in waiting.values():
            job.failure = failure
    return [job for job in jobs if job.failure is None]
