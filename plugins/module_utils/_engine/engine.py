# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The engine: find, plan, apply, look again.

A resource says what its kind is; nothing here knows any kind.  The plan has one source, `merged`: what stands after a
change.  Check mode reports the plan, a real run applies it and then reads the object again: what the server did not
take is an error now, not a change in the next run.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from .._core.cloud import label
from .._core.failure import Broken, Failure, created
from .._core.values import contrast, masked


def replaced(present, wanted):
    """What stands after most options are declared: what was wanted."""
    return wanted


def as_given(cloud, value):
    """The one form of most values: the one that they have."""
    return value


def always(item, wanted):
    """settled() of kinds that have no states."""
    return True


def never(item):
    """failure() of kinds that have no states."""
    return


def vanished(item):
    """gone() of kinds that leave nothing behind."""
    return item is None


def in_turn(after):
    """early() of most options."""
    return False


class Attribute(NamedTuple):
    """One option that can be compared, and how it is changed."""

    write: Any = None  # (cloud, id, value after, record before): makes it so; None: fixed at creation
    merged: Callable = replaced  # (present, wanted) -> the value that stands after the change
    canonical: Callable = as_given  # (cloud, given) -> the one form of a value
    early: Callable = in_turn  # (value after) -> whether it is written before the options of the table above it
    lasting: bool = True  # False: an act; nothing of it is left to be seen afterwards
    origin: bool = False  # True: it counts at creation; what it names may be gone afterwards


class Resource(NamedTuple):
    """What a kind of object is."""

    kind: str  # key of cloud.KINDS
    read: Callable  # (cloud, object) -> record, in the words of the options
    create: Any  # (cloud, name, wanted) -> id; None: only read
    attributes: dict  # option -> Attribute, in order of application, but for early ones
    remove: Any  # (cloud, record); None: only read
    settled: Callable = always  # (object, wanted) -> whether it rests
    failure: Callable = never  # (object) -> why it never will, or None
    needed: tuple = ()  # options without which none can be created; see lacking()
    gone: Callable = vanished  # (object or None) -> whether a removed one is away
    part: tuple = ()  # arguments of the pool's method, where only a part of the pool is meant
    detailed: bool = False  # read the object also where the pool tells all that most tasks need


def lacking(needed, wanted):
    """What of the needed options is not among those wanted.

    Args:
        needed (tuple): options, or tuples of those of which one will do, attributes of the template in capitals.
        wanted (dict): in canonical form.
    """
    given = set(wanted) | set(wanted.get("template", ()))
    choices = [(one,) if isinstance(one, str) else one for one in needed]
    missing = [choice for choice in choices if not given.intersection(choice)]
    return [" or ".join(option for option in choice if not option.isupper()) for choice in missing]


class Report(NamedTuple):
    """What a run did, or would do."""

    changed: bool
    before: Any  # dict; None for what only answers a question
    after: Any
    record: Any  # the object as it stands, or is planned to; None when it is absent and was


class Engine:
    """Makes one object of a resource as it is wanted.

    Args:
        cloud (Cloud)
        resource (Resource)
        apply (bool): False: only plan.
        waits (bool): wait until the object rests.
    """

    def __init__(self, cloud, resource, apply=True, waits=True):
        self.cloud = cloud
        self.resource = resource
        self.apply = apply
        self.waits = waits
        if resource.part:
            cloud.narrow(resource.kind, resource.part)

    def converge(self, name, oid, wanted):
        """Makes what is wanted true of the object with a name or an id, creating it where it is missing.

        Args:
            name (str | None)
            oid (int | None): takes precedence; a name beside it renames.
            wanted (dict): option → value, None for what is nobody's business.

        Returns:
            Report
        """
        wanted = self.canonical(wanted)
        item = self.cloud.find(self.resource.kind, name, oid)
        if item is None and oid is not None:
            message = "There is no %s with id %d; to create one, leave the id out."
            raise self._failure(message, oid, id=oid)
        if item is None:
            return self._create(name, wanted)
        if self.resource.detailed and oid is None:
            item = self._look(item.ID)
        if oid is not None and name is not None:
            wanted["name"] = name
        return self.update(item, wanted)

    def canonical(self, wanted):
        """What is wanted in its one form, without what is nobody's business; origins as they are given."""
        given = {option: value for option, value in wanted.items() if value is not None}
        return self._in_one_form(given, origins=False)

    def _in_one_form(self, given, origins):
        """The same options, with the origins or all others in their one form."""
        found = dict(given)
        for option, value in given.items():
            attribute = self.resource.attributes[option]
            if attribute.origin is origins:
                found[option] = attribute.canonical(self.cloud, value)
        return found

    def remove(self, name, oid):
        """Removes the object with a name or an id, if there is one."""
        item = self.cloud.find(self.resource.kind, name, oid)
        if item is None:
            return Report(False, {}, {}, None)
        record = self.record(item)
        before = {"id": record["id"], "name": record["name"], "state": "present"}
        if self.apply:
            self.resource.remove(self.cloud, record)
            if self.waits:
                self._wait_until_gone(record)
        return Report(True, before, {"state": "absent"}, record)

    def require(self, name, wanted):
        """Refuses to create an object, also in a check run, when an option that creation needs is missing."""
        missing = lacking(self.resource.needed, wanted)
        if missing:
            message = "There is no %s %s; to create it, give: %s."
            raise self._failure(message, name, ", ".join(missing), name=name)

    def _create(self, name, wanted):
        self.require(name, wanted)
        wanted = self._in_one_form(wanted, origins=True)
        after = dict(wanted, name=name, state="present")
        if not self.apply:
            kept = {option: value for option, value in wanted.items() if not self.resource.attributes[option].origin}
            return Report(True, {"state": "absent"}, after, dict(kept, name=name))
        oid = self.resource.create(self.cloud, name, wanted)
        try:
            item = self._settled(oid, wanted, self.waits)
            if self._plan(self.record(item), wanted):
                item = self._settled(oid, wanted, True)
            report = self.update(item, wanted)
        except Failure as failure:
            failure.data.update(id=oid, created=True)
            created(failure, oid)
            raise
        return Report(True, {"state": "absent"}, after, report.record)

    def update(self, item, wanted, settle=True):
        """Makes what is wanted (canonical) true of an object; without `settle` the caller looks again and waits."""
        record = self.record(item)
        plan = self._plan(record, wanted)
        before, after = contrast({key: record[key] for key in plan if key in record}, plan)
        if not self.apply:
            return Report(bool(plan), before, after, dict(record, **self._lasting(plan)))
        self._write(record, plan)
        if not settle:
            return Report(bool(plan), before, after, record)
        if plan:
            item = self._settled(record["id"], wanted, self.waits)
            self._verify(item, wanted, plan)
        elif self.waits and not self._rests(item, wanted):
            item = self._settled(record["id"], wanted, True)
        return Report(bool(plan), before, after, self.record(item))

    def record(self, item):
        """An object in the words of the options, with its id and name."""
        return dict(self.resource.read(self.cloud, item), id=item.ID, name=item.NAME)

    def _plan(self, record, wanted):
        """{option: value after} of the options that would change, in order of application."""
        attributes, plan = self.resource.attributes, {}
        for option, attribute in attributes.items():
            if option in wanted:
                present = record[option] if attribute.lasting else None
                after = attribute.merged(present, wanted[option])
                if after != present:
                    plan[option] = after
        plan = dict(sorted(plan.items(), key=lambda item: not attributes[item[0]].early(item[1])))
        fixed = [option for option in plan if attributes[option].write is None]
        if fixed:
            shown = ", ".join("%s (%s)" % (option, masked(record)[option]) for option in fixed)
            message = "What %s %s has cannot be changed: %s. Remove it first, or leave the option out."
            raise self._failure(message, record["name"], shown, id=record["id"])
        return plan

    def _lasting(self, plan):
        """The options of a plan that the object's record has afterwards."""
        return {option: after for option, after in plan.items() if self.resource.attributes[option].lasting}

    def _write(self, record, plan):
        done: list[str] = []
        for option, after in plan.items():
            try:
                self.resource.attributes[option].write(self.cloud, record["id"], after, record)
            except Failure as failure:
                failure.data.update(
                    object=self.resource.kind,
                    id=record["id"],
                    done=done,
                    not_done=[key for key in plan if key not in done],
                )
                if done:
                    failure.message += " Already changed: %s." % ", ".join(done)
                raise
            done.append(option)

    def _verify(self, item, wanted, plan):
        lasting = self._lasting(plan) if self.waits else ()
        left = self._plan(self.record(item), {option: wanted[option] for option in lasting})
        if left:
            message = "OpenNebula accepted the change of %s %s, but did not store: %s."
            raise self._failure(message, item.NAME, ", ".join(left), id=item.ID)

    def _rests(self, item, wanted):
        reason = self.resource.failure(item)
        if reason is not None and self.waits:
            message = "The %s %s has failed: %s."
            raise self._failure(message, item.NAME, reason.rstrip("."), how=Broken, id=item.ID)
        return self.resource.settled(item, wanted)

    def _settled(self, oid, wanted, waits):
        if not waits:
            return self._look(oid)
        return self.cloud.wait(lambda: self._look(oid), lambda item: self._rests(item, wanted), self._stands)

    def _look(self, oid):
        item = self.cloud.info(self.resource.kind, oid)
        if item is None:
            message = "The %s %d has gone."
            raise self._failure(message, oid, id=oid)
        return item

    def _stands(self, item):
        record = self.resource.read(self.cloud, item)
        state = record.get(self.resource.kind + "_state", record.get("status"))
        return "%s %s is in state %s" % (label(self.resource.kind), item.NAME, state)

    def _wait_until_gone(self, record):
        self.cloud.wait(
            lambda: self.cloud.info(self.resource.kind, record["id"]),
            self.resource.gone,
            lambda item: "%s %s is still there" % (label(self.resource.kind), record["name"]),
        )

    def _failure(self, message, *words, how=Failure, **data):
        """The Failure whose message begins with the kind, before other words."""
        return how(message % (label(self.resource.kind), *words), object=self.resource.kind, **data)
