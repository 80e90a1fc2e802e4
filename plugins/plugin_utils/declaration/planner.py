# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What would change of a cloud so that it is as declared."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ...module_utils._core import names
from ...module_utils._core.cloud import label
from ...module_utils._core.failure import Failure, Unreachable, described
from ...module_utils._engine.engine import Engine
from ...module_utils._engine.resource import Report, modes_of, wanted_of
from ...module_utils.pyone import OneException
from . import graph
from .document import Fault

# Kinds of the objects that modules make without the engine, by the key of the document.
KINDS = {
    "acls": "acl",
    "virtual_machines": "vm",
    "apps": "marketapp",
    "images": "image",
    "quota_defaults": "quota_defaults",
    "services": "service",
}
ABSENT = {"state": "absent"}


class Planned(NamedTuple):
    """What would become of one declared object.

    Args:
        number (int): in the document.
        declared (objects.Declared)
        kind (str)
        action (str): create, update, remove or none.
        report (Report): of a run that only plans.
        because (str): why.
        secrets (Secrets): of the task.
    """

    number: int
    declared: Any
    kind: str
    action: str
    report: Any
    because: str
    secrets: Any

    def _id(self):
        """The id of the object; None where there is none yet, or several, as of a fleet."""
        record = self.report.record or {}
        ids = [record["id"]] if record.get("id") is not None else record.get("instances_ids") or ()
        return ids[0] if len(ids) == 1 else None

    def told(self):
        """The object in the list `plan` of the result, without secrets."""
        sides = self.report.before or {}, self.report.after or {}
        if any(sides):
            sides = tuple(self.secrets.shown(side) for side in sides)
        before, after = sides
        named = {"kind": self.kind, "name": self.declared.name, "id": self._id(), "action": self.action}
        return dict(named, before=before, after=after, because=self.because, place=self.declared.entry.place())


class Plan(NamedTuple):
    """What would change of a cloud.

    Args:
        objects (list[Planned]): in the order of the document.
        references (dict): number → {option: numbers of the objects that it refers to}.
        waves (list[list[graph.Node]])
        put_off (dict): number → options of its second node.
        doubts (list[Fault]): names inside of templates that neither the cloud nor the document has; OpenNebula takes
            them, and asks for the objects when a VM is made.
    """

    objects: list
    references: dict
    waves: list
    put_off: dict
    doubts: list

    def summary(self):
        """{action: how many objects}."""
        counts = Counter(one.action for one in self.objects)
        return {action: counts.get(action, 0) for action in ("create", "update", "remove", "none")}


def kind_of(declared):
    """The kind of a declared object."""
    return declared.resource.kind if declared.resource is not None else KINDS[declared.entry.key]


def names_of(objects):
    """{(kind, name): number} of the objects that a document declares."""
    named = [(number, one) for number, one in enumerate(objects) if one.params.get("name") is not None]
    return {(kind_of(one), str(one.params["name"])): number for number, one in named}


def plan(cloud, objects):
    """The Plan for declared objects.

    Args:
        cloud (SharedCloud)
        objects (list[objects.Declared])

    Returns:
        (Plan, list[Fault]): with faults there is nothing to apply.
    """
    numbers = names_of(objects)
    references, faults, planned = {}, [], []
    for number, declared in enumerate(objects):
        found, wrong = references_of(cloud, declared, numbers)
        references[number] = found
        faults += wrong
        if not wrong:
            result = _planned(cloud, number, declared, found, numbers)
            (faults if isinstance(result, Fault) else planned).append(result)
    if faults:
        return None, faults
    _one_after_another(cloud, objects, references)
    try:
        waves, put_off = graph.order(references, lambda number, option: _deferrable(objects[number], option))
    except graph.Cycle as cycle:
        places = [objects[number].entry.place() for number in cycle.args[0]]
        return None, [Fault(places[0], "it is in a circle of objects that need each other: %s." % ", ".join(places))]
    return Plan(planned, references, waves, put_off, _doubts(cloud, planned, numbers)), []


def _doubts(cloud, planned, numbers):
    """Plan.doubts for what is to be changed."""
    return [
        Fault(one.declared.entry.place("template"), "there is no %s %r." % (label(kind), name))
        for one in planned
        if one.action in ("create", "update") and "template" in (one.report.after or {})
        for kind, name in graph.template_names(_declared_template(cloud, one.declared))
        if (kind, name) not in numbers and not cloud.has(kind, name)
    ]


def _declared_template(cloud, declared):
    form = declared.resource.attributes["template"].canonical if declared.resource is not None else None
    return form(cloud, declared.params["template"]) if form is not None and declared.params.get("template") else {}


def _one_after_another(cloud, objects, references):
    """Adds references between objects of one name and several owners.

    Whoever runs creates all of them, and gives them away; OpenNebula takes each name of an owner once.
    """
    shared: dict[tuple, list] = {}
    for number, declared in enumerate(objects):
        if declared.entry.by_owner:
            shared.setdefault((declared.entry.key, str(declared.params["name"])), []).append(number)
    caller = cloud.call("tell who runs", "user.info", -1).NAME if shared else None
    for numbers in shared.values():
        ordered = sorted(numbers, key=lambda number: objects[number].params.get("owner") == caller)
        for earlier, later in zip(ordered, ordered[1:]):
            references[later].setdefault("", set()).add(earlier)


def references_of(cloud, declared, numbers):
    """({option: numbers of the declared objects that it refers to}, [Fault])."""
    found: dict[str, set] = {}
    faults = []
    if declared.resource is None:
        return found, faults
    for option, value in wanted_of(declared.resource, declared.params).items():
        asked = cloud.trace()
        try:
            form = None if value is None else declared.resource.attributes[option].canonical(cloud, value)
        except (Failure, OneException) as error:
            faults += _faults_in(cloud, declared, option, value, _message(error))
            continue
        named = asked + (graph.template_names(form) if option == "template" and form else [])
        found[option] = {numbers[name] for name in named if name in numbers}
    return found, [] if declared.removed else faults  # what is removed may name what is gone already


def _faults_in(cloud, declared, option, value, message):
    """The Faults of an option: of each item of its list that is wrong by itself, or else of the whole."""
    found = []
    for index, item in enumerate(value if isinstance(value, list) else ()):
        try:
            declared.resource.attributes[option].canonical(cloud, [item])
        except (Failure, OneException) as error:
            found.append(Fault(declared.entry.place(option, index), _message(error)))
    return found or [Fault(declared.entry.place(option), message)]


def _message(error):
    """What is wrong with an object (Failure or OneException → str).

    Raises:
        Unreachable: it is not about this object: no other fares better.
    """
    failure = error if isinstance(error, Failure) else described(error, "use it")
    if isinstance(failure, Unreachable):
        raise failure from None
    return failure.message


def _planned(cloud, number, declared, references, numbers):
    """The Planned of an object, or the Fault; adds what the plan as a whole refers to to its references."""
    asked = cloud.trace()
    try:
        report = report_of(cloud, declared, apply=False)
    except (Failure, OneException) as error:
        return Fault(declared.entry.place(), _message(error))
    known = set().union(*references.values(), ())
    references[""] = {numbers[name] for name in asked if name in numbers} - known
    action = action_of(report)
    return Planned(number, declared, kind_of(declared), action, report, _because(action, report), cloud.secrets)


def report_of(cloud, declared, apply):
    """The Report of one object by itself."""
    module = declared.module
    module.applies = apply
    if declared.resource is None:
        return declared.work(cloud)
    return _converge(cloud, declared, apply)


def _converge(cloud, declared, apply):
    params = declared.params
    wanted = wanted_of(declared.resource, params)
    engine = engine_of(cloud, declared, apply)
    name = wanted.pop("name", None)
    if declared.removed:
        return engine.remove(name, params.get("id"), wanted)
    return engine.converge(name, params.get("id"), wanted)


def engine_of(cloud, declared, apply=True):
    """The Engine for a declared object."""
    modes = modes_of(declared.params)._replace(by_owner=declared.entry.by_owner or _is_ambiguous(cloud, declared))
    return Engine(cloud, declared.resource, modes, apply, declared.waits)


def _is_ambiguous(cloud, declared):
    """Whether several objects of the cloud have the name of an object whose owner is declared."""
    name, resource = declared.params.get("name"), declared.resource
    if declared.params.get("owner") is None or name is None:
        return False
    found = cloud.derived(names.by_name, resource.kind, resource.pool_arguments)
    return len(found.get(str(name).strip(), ())) > 1


def action_of(report):
    """create, update, remove or none."""
    if not report.changed:
        return "none"
    if report.before == ABSENT:
        return "create"
    return "remove" if report.after == ABSENT else "update"


def _because(action, report):
    if action == "create":
        return "it does not exist"
    if action == "remove":
        return "it is declared absent"
    options = sorted(report.after or report.before or ())
    return "%s %s" % (", ".join(options), "differs" if len(options) == 1 else "differ") if action == "update" else ""


def _deferrable(declared, option):
    """Whether an object can be created without an option, which is then given later."""
    if declared.resource is None:
        return False
    needed = declared.resource.needed({}) if not declared.removed else ()
    flat = {one for choice in needed for one in ([choice] if isinstance(choice, str) else choice)}
    return not declared.resource.attributes[option].create_only and option not in flat


def removal(declared, item):
    """The Report that an object is removed."""
    before = {"id": item.ID, "name": item.NAME, "state": "present"}
    return Report(True, before, dict(ABSENT), {"id": item.ID, "name": item.NAME})
