# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The engine: read, plan, run the steps, read again, verify.

A resource says what its kind is; nothing here knows any kind.  The plan has one source, `Attribute.plan`.  Check mode
reports it, a real run carries out its steps and then plans again: what the server did not store is an error now, not a
change in the next run.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial

from .._core import encrypted, names, quota_refusals
from .._core.cloud import label
from .._core.failure import Broken, Failure, created
from .._core.federation import replicated
from .._core.values import LABELS, contrast, masked
from .resource import LAST, Modes, Plan, Reference, Report, Step, lacking

# ---------------------------------------------------------------- plan, run, verify: what all changes have in common


def canonical(cloud, resource, given, create_only=False):
    """The given options in their one form, without those that are None.

    Args:
        create_only (bool): bring into form what counts at creation, and leave the rest; else the other way round.
    """
    found = {option: value for option, value in given.items() if value is not None}
    found = found if create_only else _with_twins(cloud, resource, found)
    for option, value in found.items():
        attribute = resource.attributes[option]
        if attribute.create_only is create_only:
            found[option] = _in_form(cloud, option, attribute, value)
    return found


def _in_form(cloud, option, attribute, value):
    try:
        return attribute.canonical(cloud, value)
    except Failure as failure:
        failure.option = failure.option or option
        raise


def _with_twins(cloud, resource, given):
    """The options with those that attributes of the template stand for; an option that is given itself counts."""
    if "template" not in given or "template" not in resource.attributes:
        return given
    template = resource.attributes["template"].canonical(cloud, given["template"])
    options: dict = {}
    for name, twin in (resource.twins or {}).items():
        if name in template:
            options.update(twin(name, template.pop(name)))
    if "labels" in given:
        template.pop(LABELS, None)
    return {**options, **given, "template": template}


def plan(resource, record, wanted, modes):
    """The Plan that leads from a record to what is wanted.

    Raises:
        Failure: something cannot be changed.
    """
    before: dict = {}
    after: dict = {}
    steps: list = []
    fixed: list = []
    for option, attribute in _ordered(resource.attributes, modes):
        if option not in wanted or option in modes.create_only:
            continue
        present, value, made = attribute.plan(record, wanted, modes)
        if present == value:
            continue
        field = attribute.field or option
        before[field], after[field] = present, value
        fixed += [] if made else [option]
        made = list(map(_later, made)) if option == "name" and modes.by_owner else made
        steps += [step._replace(option=step.option or option) for step in made if not _known(step, steps)]
    if fixed:
        raise _unchangeable(resource, record, fixed)
    return Plan(before, after, sorted(steps, key=lambda step: step.phase))


def _later(step):
    """A step behind others, without which OpenNebula would refuse it: nothing is known of it before they are done."""
    return step._replace(method="", run=_call, arguments=(step.text, step.method, *step.arguments), phase=LAST)


def _call(cloud, doing, method, *arguments):
    return cloud.call(doing, method, *arguments)


def _ordered(attributes, modes):
    """The attributes in the order of application: an object that is given away has its name once it is given away."""
    items = list(attributes.items())
    if modes.by_owner and "owner" in attributes:
        options = list(attributes)
        items.insert(options.index("owner"), items.pop(options.index("name")))
    return items


def shown(resource, values):
    """What a diff shows of the values before or after a plan."""
    forms = {one.field or option: one.shown for option, one in resource.attributes.items()}
    return {field: forms[field](value) if field in forms else value for field, value in values.items()}


def persisted(resource, after):
    """The fields of a plan that the record of the object has afterwards."""
    lasting = [one.field or option for option, one in resource.attributes.items() if one.persisted]
    return {field: after[field] for field in lasting if field in after}


def _known(step, steps):
    """Whether another option has brought the same step already."""
    return any(step == other._replace(option="") for other in steps)


def _unchangeable(resource, record, options):
    fields = {option: resource.attributes[option].field or option for option in options}
    shown = ", ".join("%s (%s)" % (option, masked(record).get(field)) for option, field in fields.items())
    message = "The %s %s has options that cannot be changed: %s. Remove the %s first, or leave them out."
    kind = label(resource.kind)
    return Failure(message % (kind, record["name"], shown, kind), object=resource.kind, id=record["id"])


def resolved(cloud, steps, heirs=None, later=()):
    """The steps with ids for References, ready to run.

    Args:
        cloud (Cloud)
        steps (list[Step])
        heirs (dict | None): `user` and `group` that get what the steps create, where they are not those of the task.
        later (list[quota_refusals.Call]): calls beside the steps that count in quotas.

    Raises:
        Failure: a name does not exist, or a value cannot be sent; nothing has run then.
    """
    found = [step._replace(arguments=resolve(cloud, step.arguments)) for step in steps]
    counted = []
    for step in found:
        calls = [(step.method, *step.arguments)] if step.method else []
        for name, *arguments in calls + [resolve(cloud, call) for call in step.checks]:
            cloud.check(step.text, name, *arguments)
            counted.append(quota_refusals.Call(step.text, name, tuple(arguments)))
    quota_refusals.refuse(cloud, [*counted, *later], heirs or {})
    return found


def resolve(cloud, value):
    """A value with ids for the References inside of it; the name itself where a check run does not find it."""
    if isinstance(value, Reference):
        item = cloud.reference(*value)
        return value.given if item is None else item.ID
    if isinstance(value, dict):
        return {key: resolve(cloud, inner) for key, inner in value.items()}
    return type(value)(resolve(cloud, inner) for inner in value) if type(value) in (list, tuple) else value


def _texts(value):
    """All texts inside of a value."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from _texts(inner)


def perform(cloud, step, **data):
    """Carries out a step; returns the answer. A failure says what was being done, and has `data`."""
    if step.run is not None:
        return step.run(cloud, *step.arguments)
    return cloud.call(step.text, step.method, *step.arguments, **data) if step.method else None


def tell_done(failure, steps, done):
    """Says in a failure which options were changed before it, and which were not.

    Args:
        failure (Failure)
        steps (list[Step]): all.
        done (list[Step]): those that were carried out.
    """
    options = list(dict.fromkeys(step.option for step in steps if step.option))
    left = [step.option for step in steps if step not in done]
    changed = [option for option in options if option not in left]
    failure.data.update(done=changed, not_done=[option for option in options if option in left])
    if changed:
        failure.message += " Already changed: %s." % ", ".join(changed)


def unstored(resource, record, wanted, modes):
    """The Failure of an object that is not as wanted although all steps were carried out; None when it is."""
    left = plan(lasting(resource), record, wanted, modes)
    if not left.after:
        return None
    message = "OpenNebula accepted the change of %s %s, but did not store: %s."
    fields = [_with_members(field, left.before[field], left.after[field]) for field in left.after]
    text = message % (label(resource.kind), record["name"], ", ".join(fields))
    return Failure(text, object=resource.kind, id=record["id"])


def lasting(resource):
    """The resource without attributes of which nothing is left to be verified."""
    kept = {option: attribute for option, attribute in resource.attributes.items() if attribute.persisted}
    return resource._replace(attributes=kept)


def without(steps, done):
    """The steps but for those that were done."""
    gone = list(map(_comparable, done))
    return [step for step in steps if _comparable(step) not in gone]


def _comparable(step):
    """A step without the functions that are made for each plan."""
    return step._replace(run=None, until=None, result=None) if isinstance(step, Step) else step


def _with_members(field, before, after):
    """A field, and which members of it differ where both values are dictionaries."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return field
    return "%s (%s)" % (field, ", ".join(str(name) for name in sorted(contrast(before, after)[1] or before)))


# ---------------------------------------------------------------- one object

DEFAULT_MODES = Modes()
HEIRS = {"owner": "user", "group": "group"}  # option → kind of who gets what is created, and pays for it
REFUSED = (0x0800, 0x2000)  # error codes of what the object does not allow as it is
LOCKED = re.compile(r"\bis locked\b")  # what it says of a locked object
ROUNDS = 4  # how often an object is planned anew that other runs change at the same time
TAKEN = re.compile(r"\balready (?:taken|exists|owns)\b|\bcollides with\b")  # what OpenNebula says of a name


def interim_name(name, owner):
    """The name of a new object until it is given to its owner; whoever runs may have one of the right name.

    It is the same in all runs, so the next one goes on with what a run that was killed has left.
    """
    return "ansible-%s" % hashlib.sha256(("%s\n%s" % (owner, name)).encode()).hexdigest()[:16]


class Engine:
    """Makes one object of a resource as it is wanted.

    Args:
        cloud (Cloud)
        resource (Resource)
        modes (Modes)
        apply (bool): False: only plan.
        waits (bool): wait until the object rests.
    """

    def __init__(self, cloud, resource, modes=DEFAULT_MODES, apply=True, waits=True):
        self.cloud = cloud
        self.resource = resource
        self.modes = modes
        self.apply = apply
        self.waits = waits

    def converge(self, name, oid, wanted):
        """Makes what is wanted true of the object with a name or an id, creating it where it is missing.

        Args:
            name (str | None)
            oid (int | None): takes precedence; a name beside it renames.
            wanted (dict): option → value; None: the task does not say.

        Returns:
            Report
        """
        wanted = canonical(self.cloud, self.resource, self.named(name, oid, wanted))
        item = self.find(name, oid, wanted)
        if item is None:
            return self._create(name, wanted)
        if self.resource.detailed and oid is None:
            item = self._fetch(item.ID)
        return self.update(item, wanted)

    def named(self, name, oid, wanted):
        """What is wanted, with the name where the object may have another one."""
        return dict(wanted, name=name) if name is not None and (oid is not None or self._by_owner(wanted)) else wanted

    def _by_owner(self, wanted):
        """Whether the owner tells the object from others of its name, of which OpenNebula lets each user have one."""
        return self.modes.by_owner and self.resource.unique and wanted.get("owner") is not None

    def find(self, name, oid, wanted):
        """The object with a name or an id; None when it is to be created.

        Raises:
            Failure: there is no object with the id, or there are several with the name.
        """
        item = self._find(name, oid, wanted)
        if item is None and oid is not None:
            message = "There is no %s with id %d; to create one, leave the id out."
            raise self._failure(message, oid, id=oid)
        return item

    def remove(self, name, oid, wanted=None):
        """Removes the object with a name or an id, if there is one; of `wanted` only what its removal needs counts."""
        item = self._find(name, oid, wanted or {})
        if item is None:
            return Report(False, {}, {}, None)
        record = self.record(item)
        before = {"id": record["id"], "name": record["name"], "state": "present"}
        needed = {option: (wanted or {}).get(option) for option in self.resource.removal}
        wanted = canonical(self.cloud, self.resource, needed)
        steps = resolved(self.cloud, self.resource.remove(self.cloud, record, wanted, self.modes))
        if self.apply:
            self._run_removal(record, steps)
            if self.waits:
                self._wait_until_gone(record)
        return Report(True, before, {"state": "absent"}, record)

    def _run_removal(self, record, steps):
        """Carries out steps that end in the removal of an object; somebody else may remove it meanwhile."""
        try:
            self.run(record, steps)
        except Failure as failure:
            if not (failure.unclear or failure.of_what_is_gone) or not self.resource.gone(self._look(record)):
                raise

    def update(self, item, wanted):
        """Makes what is wanted, in canonical form, true of an object."""
        report, steps = self.planned(item, wanted)
        if not self.apply:
            return report
        results = self.carry_out(item, wanted, steps)
        if report.changed:
            item = self._verified(item.ID, wanted, steps) if self.waits else self._fetch(item.ID)
        elif self.waits and not self.rests(item, wanted):
            item = self._settle(item.ID, wanted, True)
        return report._replace(record=dict(self.record(item), **results))

    def carry_out(self, item, wanted, steps):
        """Carries out the steps of a plan; returns the fields of the result that their answers give.

        Where one fails, but what it was for has come about, by another run or by a request whose answer was lost, those
        that are left are carried out.
        """
        results: dict = {}
        done: list = []
        for turn in range(ROUNDS):
            before = len(done)
            try:
                self._run(self.record(item), steps, done, results)
                break
            except Failure as failure:
                refused = failure.data.get("code") in REFUSED or LOCKED.search(failure.message)
                now = self._look({"id": item.ID}) if failure.unclear or refused else None
                failed = steps[len(done) - before]
                left = [] if now is None else without(self.planned(now, wanted)[1], done)
                if now is None or turn == ROUNDS - 1 or not without([failed], left):
                    raise
                item, steps = now, left
        return results

    def planned(self, item, wanted):
        """The Report of what would change of an object, and the steps there, ready to run."""
        record = self._compared(item, wanted)
        found = plan(self.resource, record, wanted, self.modes)
        steps = resolved(self.cloud, found.steps)
        before, after = contrast(*(shown(self.resource, values) for values in (found.before, found.after)))
        planned = dict(record, **persisted(self.resource, found.after))
        return Report(bool(found.after), before, after, planned), steps

    def record(self, item):
        """An object in the words of the options, with its id and name."""
        return dict(self.resource.read(self.cloud, item), id=item.ID, name=item.NAME)

    def _compared(self, item, wanted):
        """The record, with the encrypted attributes that the task gives in clear text.

        Those that the server does not show to the user count as what is wanted.
        """
        record, given = self.record(item), wanted.get("template")
        if not given or not encrypted.is_hidden(self.resource.kind, record["template"], given):
            return record
        record = self.record(self.cloud.info(self.resource.kind, item.ID, decrypt=True))
        return dict(record, template=encrypted.assumed(self.resource.kind, record["template"], given))

    def require(self, name, wanted):
        """Refuses to create an object, also in a check run, when an option that creation needs is missing."""
        missing = lacking(self.resource.needed(wanted), wanted)
        if missing:
            message = "There is no %s %s; to create it, give: %s."
            raise self._failure(message, name, ", ".join(missing), name=name)

    # -------------------------------------------------------- creation

    def _create(self, name, wanted):
        step, wanted, report = self.creation(name, wanted)
        if not self.apply:
            return report
        return report._replace(record=self._complete(self.allocate(step, name, wanted), name, wanted).record)

    def allocate(self, step, name, wanted):
        """The id of a new object, by the step of creation().

        After this task has looked, another one may have created the object; or it was created, and the answer got lost.
        Then its name is found now.
        """
        try:
            oid = perform(self.cloud, step, object=self.resource.kind, name=name)
            return oid if self.resource.unique else self._oldest(name, oid, wanted)
        except Failure as failure:
            if not failure.unclear and not TAKEN.search(failure.message):
                raise
            self.cloud.forget([self.resource.kind])
            item = self._find(name, None, wanted)
            if item is None:
                raise
            return item.ID

    def _oldest(self, name, oid, wanted):
        """The id of the oldest object of a name; removes the one with the id `oid`, just created, if it is younger.

        Two runs at once create two where OpenNebula lets several have one name.  Both look after they have created, and
        as ids only grow, both keep the same.
        """
        self.cloud.forget([self.resource.kind])
        try:
            self._find(name, None, wanted)
        except Failure as failure:
            first = min(failure.data.get("ids", [oid]))
            if first != oid:
                self._remove_new(oid)
            return first
        return oid

    def _remove_new(self, oid):
        record = self.record(self._fetch(oid))
        self.run(record, resolved(self.cloud, self.resource.remove(self.cloud, record, {}, self.modes)))

    def predecessor(self, failure, name, oid, wanted):
        """The object to go on with after a change of a new one has failed; None: there is none.

        OpenNebula tells objects of most kinds apart by name and owner.  So two runs at once create two where the first
        has given its object to the owner that is wanted before the second creates one.  That is refused to the second,
        which removes what it has created.

        Args:
            failure (Failure): of the change.
            name (str)
            oid (int): id of the new object.
            wanted (dict): in canonical form.
        """
        if not TAKEN.search(failure.message) or "owner" not in wanted:
            return None
        self.cloud.forget([self.resource.kind])
        pool = self.cloud.pool(self.resource.kind, self.resource.pool_arguments)
        others = [item for item in pool if oid != item.ID and (name, wanted["owner"]) == (item.NAME, item.UNAME)]
        if not others:
            return None
        self._remove_new(oid)
        return self._fetch(others[0].ID)

    def creation(self, name, wanted):
        """How an object is created.

        Args:
            name (str)
            wanted (dict): in canonical form, but for what counts at creation only.

        Returns:
            (Step, dict, Report): the step that answers the id, what is wanted in its one form, and what would be.

        Raises:
            Failure: it cannot be created.
        """
        name, attributes = names.valid(self.resource.kind, label(self.resource.kind), name), self.resource.attributes
        wanted = {option: value for option, value in wanted.items() if not attributes[option].existing_only}
        self.require(name, wanted)
        self.resource.permits(self.cloud)
        wanted = canonical(self.cloud, self.resource, wanted, create_only=True)
        fields = {option: attributes[option].field or option for option in wanted}
        after = {fields[option]: attributes[option].shown(value) for option, value in wanted.items()}
        after.update(name=name, state="present")
        first = interim_name(name, wanted["owner"]) if self._by_owner(wanted) else name
        heirs = {kind: wanted[option] for option, kind in HEIRS.items() if option in wanted}
        step = resolved(self.cloud, [self.resource.create(first, wanted, self.modes)], heirs)[0]
        self.cloud.check_values(step.text, step.method, list(_texts(wanted)))  # what later steps would send
        kept = {fields[one]: after[fields[one]] for one in wanted if not attributes[one].create_only}
        return step, wanted, Report(True, {"state": "absent"}, after, dict(kept, name=name))

    def _complete(self, oid, name, wanted):
        """Gives a new object what creation does not take; waits first where that is needed."""
        try:
            item = self._settle(oid, wanted, self.waits)
            if not self.waits and plan(self.resource, self.record(item), wanted, self.modes).steps:
                item = self._settle(oid, wanted, True)
            return self.update(item, wanted)
        except Failure as failure:
            item = self.predecessor(failure, name, oid, wanted)
            if item is not None:
                return self.update(item, wanted)
            failure.data.update(id=oid, created=True)
            created(failure, oid)
            raise

    # -------------------------------------------------------- steps

    def run(self, record, steps):
        """Carries out steps; returns the fields of the result that their answers give."""
        results: dict = {}
        self._run(record, steps, [], results)
        return results

    def _run(self, record, steps, done, results):
        """run(), where `done` gets the steps that were carried out, and `results` the fields."""
        for step in steps:
            try:
                answer = perform(self.cloud, step)
                if step.until is not None:
                    self._wait_for(step, record)
            except Failure as failure:
                failure.data.update(object=self.resource.kind, id=record["id"])
                tell_done(failure, steps, done)
                raise
            done.append(step)
            results.update(step.result(answer) if step.result is not None else {})

    def _wait_for(self, step, record):
        clock = self.cloud.clock
        end = None if step.give_up is None else clock.now() + min(step.give_up, self.cloud.timeout)
        self.cloud.wait(
            lambda: self._look(record),
            lambda item: item is None or step.until(item) or (end is not None and clock.now() >= end),
            self._state_of,
        )

    def _verified(self, oid, wanted, made):
        """An object that has settled.

        What another run has added, or taken away, since this one has looked is made right.

        Args:
            made (list[Step]): that were carried out.

        Raises:
            Failure: the server does not have what it accepted.
        """

        def read():
            item = self._settle(oid, wanted, True)
            return item, self._unstored(item, wanted)

        for dummy in range(ROUNDS):
            item, failure = replicated(self.cloud, self.resource.kind, read, lambda found: found[1] is None)
            if failure is None:
                return item
            record = self._compared(item, wanted)
            steps = resolved(self.cloud, plan(lasting(self.resource), record, wanted, self.modes).steps)
            if not without(steps, made):
                break
            self._run_if_allowed(record, steps)
            made = made + steps
        raise failure

    def _run_if_allowed(self, record, steps):
        """Carries out steps until the object does not allow one, which another run may have carried out."""
        try:
            self.run(record, steps)
        except Failure as failure:
            if failure.data.get("code") not in REFUSED:
                raise

    def verify(self, item, wanted, made):
        """An object that is as the server accepted it; see _verified()."""
        return item if self._unstored(item, wanted) is None else self._verified(item.ID, wanted, made)

    def _unstored(self, item, wanted):
        return unstored(self.resource, self._compared(item, wanted), wanted, self.modes)

    # -------------------------------------------------------- waiting

    def rests(self, item, wanted):
        """Whether an object has settled.

        Raises:
            Failure: it never will.
        """
        reason = self.resource.failure(item, wanted)
        if reason is not None and self.waits:
            text = "The %s %s has failed: %s."
            raise self._failure(text, item.NAME, reason.rstrip("."), how=Broken, id=item.ID)
        return self.resource.settled(item, wanted)

    def _settle(self, oid, wanted, waits):
        if not waits:
            return self._fetch(oid)
        return self.cloud.wait(lambda: self._fetch(oid), lambda item: self.rests(item, wanted), self._state_of)

    def _find(self, name, oid, wanted):
        owner = wanted.get("owner") if self.modes.by_owner else None
        arguments = self.cloud, self.resource.kind
        found = self.resource.find(*arguments, name, oid, self.resource.pool_arguments, owner)
        if found is None and oid is None and self._by_owner(wanted):
            interim = interim_name(name, owner)
            found = self.resource.find(*arguments, interim, None, self.resource.pool_arguments, None)
        return found

    def _fetch(self, oid):
        kind = self.resource.kind
        read = partial(self.resource.fetch, self.cloud, kind, oid)
        item = replicated(self.cloud, kind, read, lambda item: item is not None)
        if item is None:
            message = "The %s %d no longer exists."
            raise self._failure(message, oid, id=oid)
        return item

    def _state_of(self, item):
        if self.resource.describe is not None:
            return self.resource.describe(self.cloud, item)
        record = self.resource.read(self.cloud, item)
        states = [value for field, value in record.items() if field.endswith("_state")]
        state = states[0] if states else record["status"]
        return "%s %s is in state %s" % (label(self.resource.kind), item.NAME, state)

    def _look(self, record):
        """The object of a record as it is now; None: it is gone."""
        return self.resource.fetch(self.cloud, self.resource.kind, record["id"])

    def _wait_until_gone(self, record):
        kind, gone = self.resource.kind, self.resource.gone
        self.cloud.wait(
            lambda: replicated(self.cloud, kind, lambda: self._look(record), gone),
            gone,
            lambda item: "%s %s still exists" % (label(self.resource.kind), record["name"]),
        )

    def _failure(self, message, *words, how=Failure, **data):
        """The Failure whose message begins with the kind, before other words."""
        return how(message % (label(self.resource.kind), *words), object=self.resource.kind, **data)
