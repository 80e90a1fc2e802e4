# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""So many VMs, each as it is wanted: who is created, who goes, and what becomes of those that stay.

A fault of one VM never ends the work on the others: it is kept, and told at the end beside those that live.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from .._core.failure import Broken, Failure, created
from .._engine.engine import Report
from . import planner as machine
from . import resource as vm
from .runner import Journey, in_parallel, travel
from .selection import MARK, Census
from .states import broken, look, status

NOWHERE = float("-inf")  # the index of a VM without one: it goes last
CURE = " What has failed is brought on by one_vm_recover, or in a fleet made anew with replace_failed: true."
ROUNDS = 3  # how often a VM is asked for whose answer was lost
# remove → which VMs go first, of (slot, VM): the greatest of these.
ORDERS = {
    "newest": lambda slot, item: item.ID,
    "oldest": lambda slot, item: -item.ID,
    "highest_index": lambda slot, item: NOWHERE if slot is None else slot,
    "lowest_index": lambda slot, item: NOWHERE if slot is None else -slot,
}


class Order(NamedTuple):
    """What a task asks for.

    Args:
        group (census.Group): which VMs.
        desire (machine.Desire): what is wanted of each.
        birth (vm_birth.Birth): how one is created.
        count (int | None): how many there are to be; None: as many as there are.
        shrink (bool): False: never fewer than there are.
        remove (str): key of ORDERS.
        max_remove (int | None): how many may go, at most.
        replace_failed (bool): whether failed ones are terminated and created again.
        parallel (int): how many are created, or changed, at a time.
        apply, waits (bool)
    """

    group: Any
    desire: machine.Desire
    birth: Any
    count: Any = None
    shrink: bool = True
    remove: str = "newest"
    max_remove: Any = None
    replace_failed: bool = False
    parallel: int = 4
    apply: bool = True
    waits: bool = True


class Decision(NamedTuple):
    """Who stays, who goes, and the slots to fill."""

    stay: list
    go: list
    slots: list


def converge(cloud, order):
    """Brings the VMs of a task to what is wanted.

    Returns:
        Report: its record has `instances`, `instances_ids`, `tagged_instances`, `created_ids` and `removed_ids`.

    Raises:
        Failure: with the same in its data, and `failures`: id, name and reason of each VM that is not as wanted.
    """
    census = Census(order.group, [] if order.group.new else order.group.find(cloud))
    if order.desire.state != "done":
        _refuse_missing(order.group, census)
    decision = decide(census, order)
    if decision.slots:
        order.birth.require(order.group.name(decision.slots[0]))
    plans = _plans(cloud, order, decision.stay)
    before, after = _difference(order, census, decision, plans)
    if order.apply:
        result = Run(cloud, order).carry_out(census, decision, plans)
    else:
        result = _result([_planned(cloud, item, plans) for item in decision.stay + decision.go])
        _refuse_broken(order, decision.stay)
    return Report(before != after, before, after, result)


def _refuse_missing(group, census):
    missing = sorted(set(group.ids or ()) - {item.ID for item in census.members})
    if missing:
        text = ", ".join(str(oid) for oid in missing)
        raise Failure("There is no VM with id %s." % text, object=vm.KIND, id=missing[0])


def _broken(order, items):
    """The VMs that have failed, where they are to be of use."""
    wanted = order.count is not None or order.desire.state is not None
    return [item for item in items if wanted and status(item) == "failed"]


def _refuse_broken(order, items):
    """A check run says too that VMs have failed."""
    found = [broken(item) for item in _broken(order, items)]
    if found:
        raise Failure(" ".join(failure.message for failure in found) + CURE, **found[0].data)


def _plans(cloud, order, items):
    """{id: Plan}; nothing is begun when one VM cannot be brought to what is wanted."""
    plans, failures = {}, []
    for item in items:
        try:
            plans[item.ID] = machine.plan(cloud, item, order.desire)
        except Failure as failure:
            if item in _broken(order, [item]):  # which is told at the end, and keeps nobody from the others
                plans[item.ID] = machine.Plan({}, {}, [])
            else:
                failures.append(failure)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise Failure(" ".join(failure.message for failure in failures), object=vm.KIND)
    return plans


# ---------------------------------------------------------------- who


def decide(census, order):
    """The Decision for the VMs of a census.

    Raises:
        Failure: it would take away more VMs than may go.
    """
    members = census.members
    if order.desire.state == "done":
        _refuse_many(order, members)
        return Decision([], members, [])
    if order.count is None:
        return Decision(members, [], [])
    failed = [item for item in members if order.replace_failed and status(item) == "failed" and item.LOCK is None]
    go = _surplus(census, order, failed) if order.shrink else []
    go += [item for item in failed if item not in go]
    _refuse_many(order, go)
    stay = [item for item in members if item not in go]
    return Decision(stay, go, Census(order.group, stay).free(order.count - len(stay)))


def _surplus(census, order, failed):
    """The VMs that are too many; failed ones that would be replaced go first, locked ones never."""
    number = max(0, len(census.members) - order.count)
    loose = [item for item in census.members if item.LOCK is None]
    if number > len(loose):
        names = ", ".join(item.NAME for item in census.members if item.LOCK is not None)
        raise Failure("To reach exact_count, locked VMs would have to go: %s. Unlock them first." % names)

    def rank(item):
        return item in failed, ORDERS[order.remove](order.group.slot(item), item)

    return sorted(loose, key=rank, reverse=True)[:number]


def _refuse_many(order, go):
    if order.max_remove is not None and len(go) > order.max_remove:
        message = "%d VMs would be terminated, but max_remove is %d: %s."
        raise Failure(message % (len(go), order.max_remove, ", ".join(item.NAME for item in go)), object=vm.KIND)


# ---------------------------------------------------------------- what is said


def _difference(order, census, decision, plans):
    """(before, after) of the task; of one VM just what differs, of many under their names."""
    one = order.group.single is not None or len(order.group.ids or ()) == 1
    if one and decision.slots and not decision.go:
        return {"state": "absent"}, dict(order.birth.shown(), name=order.group.single, state="present")
    if one and decision.go and not decision.slots:
        item = decision.go[0]
        return {"id": item.ID, "name": item.NAME, "state": "present"}, {"state": "absent"}
    if one and len(decision.stay) == 1 and not census.twins:
        return plans[decision.stay[0].ID][:2]
    names = [order.group.name(slot) or "(new)" for slot in decision.slots]
    before: dict = {"vms": sorted(item.NAME for item in census.members)}
    after: dict = {"vms": sorted([item.NAME for item in decision.stay] + names)}
    for item in decision.go if decision.slots else ():  # one of the same name comes in its place
        before[item.NAME], after[item.NAME] = {"id": item.ID}, {"state": "created again"}
    if census.twins:
        before["surplus"], after["surplus"] = [item.ID for item in census.twins], []
    known = Counter(item.NAME for item in census.members)
    for item in decision.stay:
        if plans[item.ID].before != plans[item.ID].after:
            label = item.NAME if known[item.NAME] == 1 else "%s (%d)" % (item.NAME, item.ID)
            before[label], after[label] = plans[item.ID][:2]
    return before, after


def _planned(cloud, item, plans):
    """A VM as it would stand."""
    found = vm.instance(item, vm.read(cloud, item))
    planned = plans[item.ID].after if item.ID in plans else {}
    return dict(found, **{name: value for name, value in planned.items() if name in vm.SIMPLE})


def _result(instances, created=(), removed=()):
    return {
        "instances": instances,
        "instances_ids": [one["id"] for one in instances],
        "tagged_instances": instances,
        "created_ids": sorted(created),
        "removed_ids": sorted(removed),
    }


# ---------------------------------------------------------------- the work


class Run:
    """One run of a task that changes the cloud; what goes wrong with a VM is kept until the end."""

    def __init__(self, cloud, order):
        self._cloud = cloud
        self._order = order
        self._asked = []  # ids that OpenNebula answered, though another run's VM may have won
        self._created = []
        self._removed = []
        self._failed = []  # (id or None, name, Failure)

    def carry_out(self, census, decision, plans):
        self._remove(decision.go + census.twins)
        try:
            items = self._create(decision) if decision.slots else decision.stay
        except Failure as failure:
            failure.data["created_ids"] = sorted(self._asked)
            raise
        moved = self._bring(items, plans if items is decision.stay else {})
        if moved:
            items = self._checked(items)
        known = {oid for oid, dummy, failure in self._failed}
        found = [item for item in _broken(self._order, items) if item.ID not in known]
        self._failed += [(item.ID, item.NAME, broken(item)) for item in found]
        shown = decision.go if self._order.desire.state == "done" else items
        instances = [vm.instance(item, vm.read(self._cloud, item)) for item in sorted(shown, key=lambda item: item.ID)]
        result = _result(instances, self._created, self._removed)
        if self._failed:
            never_born = sum(oid is None for oid, dummy, failure in self._failed)
            raise self._failure(result, len(items) + len(decision.go) + never_born)
        return result

    def _travel(self, journeys):
        late = travel(self._cloud, journeys, self._order.parallel)
        for journey in journeys:
            failure = journey.failure or (late if not journey.over else None)
            if failure is not None:
                self._failed.append((journey.item.ID, journey.item.NAME, failure))

    def _remove(self, items):
        journeys = [Journey(item, ["done"], self._order.desire.hard, self._order.waits) for item in items]
        self._travel(journeys)
        self._removed += [journey.item.ID for journey in journeys if journey.over and journey.failure is None]

    # -------------------------------------------------------- creation

    def _create(self, decision):
        """Fills the slots; returns all VMs that stay, as they are afterwards."""
        group, gone = self._order.group, {item.ID for item in decision.go}
        open_slots = decision.slots
        refused: dict = {}
        for dummy in range(ROUNDS):
            answers = dict(zip(open_slots, in_parallel(self._born, open_slots, self._order.parallel)))
            census = self._census(answers)
            self._remove(census.twins)
            self._created += [item.ID for item in census.members if item.ID in answers.values()]
            missing = [slot for slot in open_slots if slot not in census.taken]
            refused.update((slot, answers[slot]) for slot in missing)
            open_slots = [slot for slot in missing if answers[slot] is None]
            if not open_slots:
                break
        for slot, answer in sorted(refused.items()):
            if slot not in census.taken:
                self._failed.append((None, group.name(slot), self._why(answer, group.name(slot))))
        return [item for item in census.members if item.ID not in gone]

    def _born(self, slot):
        """The id of a new VM, None if the answer was lost, or the Failure."""
        group = self._order.group
        try:
            oid = self._order.birth.ask(group.name(slot), {MARK: group.mark(slot)})
        except Failure as failure:
            return failure
        self._asked += [oid] if oid is not None else []
        return oid

    def _census(self, answers):
        """Who is there now; VMs that nothing else tells apart are read by their ids, unless an answer was lost."""
        ids = [oid for oid in answers.values() if isinstance(oid, int)]
        if self._order.group.new and len(ids) == len(answers):
            items = sorted(look(self._cloud, ids).values(), key=lambda item: item.ID)
        else:
            items = self._order.group.find(self._cloud)
        return Census(self._order.group, items, self._asked)

    @staticmethod
    def _why(answer, name):
        if isinstance(answer, Failure):
            return answer
        if answer is None:
            return Failure("OpenNebula did not answer the request for VM %s, and has not made it." % name)
        return Failure("VM %s was created with id %d, and has gone." % (name, answer), object=vm.KIND, id=answer)

    # -------------------------------------------------------- those that stay

    def _bring(self, items, plans):
        """Takes VMs to what is wanted; returns whether any of them may have moved."""
        journeys = []
        for item in items:
            try:
                plan = plans.get(item.ID) or machine.plan(self._cloud, item, self._desire(item))
            except Failure as failure:
                self._failed.append((item.ID, item.NAME, failure))
                continue
            journeys.append(Journey(item, plan.legs, self._order.desire.hard, self._order.waits))
        moved = any(journey.legs for journey in journeys)
        self._travel(journeys)
        return moved

    def _desire(self, item):
        """What is wanted of a VM; a new one needs no reboot."""
        desire = self._order.desire
        new = item.ID in self._created and desire.state == "rebooted"
        return desire._replace(state="running") if new else desire

    def _checked(self, items):
        """The VMs as they are now; what OpenNebula accepted but did not store is a fault."""
        found = sorted(look(self._cloud, [item.ID for item in items]).values(), key=lambda item: item.ID)
        faulty = {oid for oid, dummy, failure in self._failed}
        for item in found:
            failure = self._unstored(item) if item.ID not in faulty and self._order.waits else None
            if failure is not None:
                self._failed.append((item.ID, item.NAME, failure))
        return found

    def _unstored(self, item):
        """The Failure of a VM that is not as wanted although nothing went wrong."""
        try:
            left = machine.differences(self._cloud, item, self._order.desire)[0]
        except Failure as failure:
            return failure
        message = "OpenNebula accepted the change of VM %s, but did not store: %s."
        return Failure(message % (item.NAME, ", ".join(left)), object=vm.KIND, id=item.ID) if left else None

    # -------------------------------------------------------- faults

    def _failure(self, result, number):
        """One Failure for all that went wrong, beside what lives."""
        distinct = list(dict.fromkeys(failure.message.rstrip(".") for dummy, name, failure in self._failed))
        failed = [{"id": oid, "name": name, "reason": failure.message} for oid, name, failure in self._failed]
        first = self._failed[0][2]
        message = ". ".join(distinct) + "."
        if number > 1:
            message = "%d of %d VMs are not as wanted: %s" % (len(failed), number, message)
        data = dict(first.data, **result, failures=failed, created=bool(self._created))
        failure = type(first)(message, **data)
        if number == 1 and self._created:
            created(failure, self._created[0])
        if any(isinstance(failure, Broken) for dummy, name, failure in self._failed):
            failure.message += CURE
        return failure
