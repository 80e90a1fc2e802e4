# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What the engine works on: kinds of objects, their attributes, and the steps that change them, all as values."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, NamedTuple

from .._core.cloud import Cloud, label, method


class Modes(NamedTuple):
    """How a task wants its values applied."""

    template: str = "merge"  # template_mode: merge or replace
    labels: str = "exact"  # labels_mode: exact, add or remove
    purge: frozenset = frozenset()  # the purge options that are true: what the task does not name is removed
    create_only: frozenset = frozenset()  # attributes that are set at creation, and left alone afterwards
    force: bool = False  # remove also what is locked or stuck
    recursive: bool = False  # copy and remove the images too
    by_owner: bool = False  # the option owner tells objects of one name apart; else it is what the object is to have
    waits: bool = True  # wait until what is started has ended


def modes_of(params):
    """The Modes that the options of a module ask for."""
    return Modes(
        template=params.get("template_mode", "merge"),
        labels=params.get("labels_mode", "exact"),
        purge=frozenset(option for option in params if option.startswith("purge") and params[option]),
        create_only=frozenset(["password"] if params.get("update_password") == "on_create" else []),
        force=params.get("force") or False,
        recursive=params.get("recursive") or False,
        waits=params.get("wait", True),
    )


class Reference(NamedTuple):
    """An argument of a step, also inside of a dictionary: the id of the object with this name or id."""

    kind: str
    given: Any


FIRST, NORMAL, LAST = range(3)  # phases


class Step(NamedTuple):
    """One change: a call of the API, or a function of the cloud; or only something to wait for."""

    what: str  # completes "Cannot …": `move host node1 to cluster edge`; of a step that only waits: what is missing
    method: str = ""  # of the API, without the prefix `one.`
    arguments: tuple = ()  # of the method, or of `run` after the cloud; a Reference becomes an id
    run: Any = None  # (cloud, *arguments) -> answer: instead of a method
    states: Any = None  # frozenset of the states of a VM in which it works, or may still come about; None: all
    phase: int = NORMAL  # FIRST: what forbids other changes is taken away; LAST: it may take the right to the others
    transient: bool = False  # whether the VM leaves its state meanwhile
    until: Any = None  # (object) -> whether it has come about; raises Failure when it never will
    give_up: Any = None  # seconds after which the task goes on without `until`; None: it fails
    result: Any = None  # (answer) -> fields of the task's result
    on: str = ""  # the end of that sentence, where `what` is also shown without it: `of VM web`
    option: str = ""  # that it is for
    checks: tuple = ()  # calls that come later, by `run` or other steps, as far as they are known: (method, arguments…)

    @property
    def text(self):
        """The whole sentence that follows "Cannot"."""
        return "%s %s" % (self.what, self.on) if self.on else self.what


class Plan(NamedTuple):
    """What would change, and the steps there."""

    before: dict
    after: dict
    steps: list


class Report(NamedTuple):
    """What a run did, or would do."""

    changed: bool
    before: Any  # dict; None for what only answers a question
    after: Any
    record: Any  # the object as it is, or would be; None when it is absent and was


# ---------------------------------------------------------------- attributes


def as_given(cloud, value):
    """The one form of most values: the one that they have."""
    return value


def as_wanted(present, wanted, modes):
    """What most options make of a value: what is wanted."""
    return wanted


def shown_whole(value):
    """shown() of most options."""
    return value


class Attribute(NamedTuple):
    """One option that can be compared with the object, and how it is changed."""

    # (record, wanted, modes) -> (value before, value after, [Step]); equal values: nothing changes; different values
    # without a step: it is fixed at creation. `wanted` has all options of the task in their one form.
    plan: Callable
    canonical: Callable = as_given  # (cloud, given) -> the one form of a value
    field: str = ""  # of the record, and of the diff; empty: it is called as the option
    shown: Callable = shown_whole  # (value before or after, or wanted at creation) -> what a diff shows of it
    persisted: bool = True  # False: an action, of which nothing is left to be verified
    create_only: bool = False  # it counts at creation; what it names may be gone afterwards
    existing_only: bool = False  # it has no meaning for an object that is yet to be created


def attribute(option, write=None, merged=as_wanted, canonical=as_given, field="", **more):
    """The Attribute of an option whose value after the change can be told from the one before.

    Args:
        option (str): its key in what is wanted.
        write (callable | None): (record, value after) -> list[Step]; None: fixed at creation.
        merged (callable): (present, wanted, modes) -> the value after the change.
        canonical, field, more: of Attribute.
    """
    return Attribute(partial(_plan_value, option, field or option, write, merged), canonical, field, **more)


def _plan_value(option, field, write, merged, record, wanted, modes):
    present = record[field]
    after = merged(present, wanted[option], modes)
    return present, after, write(record, after) if write is not None and after != present else []


def action(option, write, **more):
    """The Attribute of an option that asks for something to be done, each time: write(record, wanted) -> list[Step]."""
    return Attribute(partial(_plan_action, option, write), persisted=False, **more)


def _plan_action(option, write, record, wanted, modes):
    return None, wanted[option], write(record, wanted[option])


def source(canonical=as_given):
    """The Attribute of an option for what an object is made from; nothing of it is seen afterwards."""
    return Attribute(_plan_nothing, canonical, persisted=False, create_only=True)


def _plan_nothing(record, wanted, modes):
    return None, None, []


# ---------------------------------------------------------------- resources


def always(item, wanted):
    """settled() of kinds that have no states."""
    return True


def never(item, wanted):
    """failure() of kinds that have no states."""
    return


def vanished(item):
    """gone() of kinds that leave nothing behind."""
    return item is None


def found_by_cloud(cloud, *arguments):
    """find() of most kinds."""
    return cloud.find(*arguments)


def nothing_needed(wanted):
    """needed() of kinds that a name is enough for."""
    return ()


def any_cloud(cloud):
    """permits() of kinds that every front-end creates."""


def no_values(params):
    """values() of kinds whose options are all called as their attributes."""
    return {}


def deletion(kind, record, *arguments):
    """The Step that removes an object by one.*.delete."""
    return Step("remove %s %s" % (label(kind), record["name"]), method(kind, "delete"), (record["id"],) + arguments)


def delete(kind, cloud, record, wanted, modes):
    """remove() of most kinds, but for `kind`."""
    return [deletion(kind, record)]


class Resource(NamedTuple):
    """What a kind of object is."""

    kind: str  # key of cloud.KINDS
    read: Callable  # (cloud, object) -> record, in the words of the options
    attributes: dict  # option -> Attribute, in order of application
    create: Any = None  # (name, wanted, modes) -> Step that answers the id; None: it is not created here
    remove: Any = None  # (cloud, record, wanted, modes) -> list[Step]; None: it is not removed here
    removal: tuple = ()  # options that `remove` needs; the others may name what is gone
    settled: Callable = always  # (object, wanted) -> whether it rests
    failure: Callable = never  # (object, wanted) -> why it never will, or None
    needed: Callable = nothing_needed  # (wanted) -> options without which none can be created; see lacking()
    permits: Callable = any_cloud  # (cloud) -> None; raises Failure where the cloud creates none
    gone: Callable = vanished  # (object or None) -> whether a removed one is away
    pool_arguments: Any = None  # of the pool's method, where only a part of the pool is meant
    detailed: bool = False  # read the object also where the pool tells all that most tasks need
    find: Callable = found_by_cloud  # (cloud, kind, name, id, pool arguments, owner) -> the object in its pool, or None
    fetch: Callable = Cloud.info  # (cloud, kind, id) -> the object, or None
    describe: Any = None  # (cloud, object) -> the state of one that is waited for; None: the record has it
    twins: Any = None  # {attribute of the option template: (name, value) -> {option: value}}; see _attributes/twins.py
    unique: bool = True  # whether OpenNebula refuses a second one of the same name
    values: Callable = no_values  # (options of the module) -> {option: value}: attributes that other options give


def wanted_of(resource, params):
    """{option: value} of what the options of a module want of a resource; None for what they do not say."""
    named = {option: params[option] for option in resource.attributes if option in params}
    return dict(named, **resource.values(params))


def lacking(needed, wanted):
    """What of the needed options is not among those wanted.

    Args:
        needed (tuple): options, or tuples of those of which one will do, attributes of the template in capitals.
        wanted (dict): in canonical form.
    """
    template = wanted.get("template")
    given = {*wanted, *(template if isinstance(template, dict) else ())}  # that of a service is an id
    choices = [(one,) if isinstance(one, str) else one for one in needed]
    missing = [choice for choice in choices if not given.intersection(choice)]
    return [" or ".join(option for option in choice if not option.isupper()) for choice in missing]
