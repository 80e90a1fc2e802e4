# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The VMs of a task: how many there are, which are created, changed and removed.

A failure of one VM never ends the work on the others: it is kept, and told at the end beside those that are as wanted.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from .._core import guard, names
from .._core.failure import Broken, Failure, created, listed
from .._core.numbers import is_whole
from .._core.values import first_text
from .._engine.engine import ROUNDS
from .._engine.resource import Plan, Report
from . import creation, planner
from .record import KIND, instance, read
from .rounds import left
from .runner import Run, in_parallel, run, together
from .selection import REQUEST_ID, Members
from .states import failure_of, fetch_vms, status
from .transitions import Reach

NO_INDEX = float("-inf")  # the index of a VM without one: it is removed last
RECOVERY_HINT = " Recover what has failed with one_vm_recover, or in a fleet replace it with replace_failed: true."
REQUESTS = 3  # of a VM whose answer was lost
UNCHANGED = Plan({}, {}, [])  # of a VM that has failed, and so cannot be as it is wanted
# Fields of a record that a plan tells in the form of the record.
SIMPLE = frozenset("attributes group labels lock mode name owner status updateconf vm_group".split())
# remove → which VMs are removed first, of (slot, VM): the greatest of these.
ORDERS = {
    "newest": lambda slot, item: item.ID,
    "oldest": lambda slot, item: -item.ID,
    "highest_index": lambda slot, item: NO_INDEX if slot is None else slot,
    "lowest_index": lambda slot, item: NO_INDEX if slot is None else -slot,
}


class FleetSpec(NamedTuple):
    """What a task asks for.

    Args:
        group (selection.Group): which VMs.
        desired (planner.DesiredState): what is wanted of each.
        source (creation.Source): how one is created.
        count (int | None): how many there are to be; None: as many as there are.
        shrink (bool): False: never fewer than there are.
        remove (str): key of ORDERS.
        max_remove (int | None): how many may be removed, at most.
        replace_failed (bool): whether failed ones are terminated and created again.
        parallel (int): how many are created, or changed, at a time.
        apply, waits (bool)
        remove_images (bool): whether private copies go with the VMs that are removed.
        protected (str): the label of VMs that are neither removed nor replaced; empty: there is none.
    """

    group: Any
    desired: planner.DesiredState
    source: creation.Source
    count: Any = None
    shrink: bool = True
    remove: str = "newest"
    max_remove: Any = None
    replace_failed: bool = False
    parallel: int = 4
    apply: bool = True
    waits: bool = True
    remove_images: bool = False
    protected: str = guard.LABEL


class Decision(NamedTuple):
    """Which VMs stay, which are removed, and the slots to fill."""

    stay: list
    remove: list
    slots: list


def converge(cloud, spec):
    """Makes the VMs of a task as they are wanted.

    Returns:
        Report: its record has `instances`, `instances_ids`, `tagged_instances`, `created_ids` and `removed_ids`.

    Raises:
        Failure: with the same in its data, and `failures`: id, name and reason of each VM that is not as wanted.
    """
    members = Members(spec.group, [] if spec.group.is_new else spec.group.find(cloud))
    if spec.desired.state != "done":
        _refuse_missing(spec.group, members)
    decision = decide(members, spec)
    _refuse_services(cloud, members, decision)
    request = _creation(cloud, spec, members, decision)
    plans = _plans(cloud, spec, decision.stay)
    before, after = _difference(spec, members, decision, plans)
    if spec.apply:
        result = _Scaling(cloud, spec, request).carry_out(members, decision, plans)
    else:
        result = _result([_planned(cloud, item, plans) for item in decision.stay + decision.remove])
        _refuse_failed(spec, decision.stay)
    return Report(before != after, before, after, result)


def _creation(cloud, spec, members, decision):
    """The Creation for the slots to fill; None when there are none.

    VMs that are removed first leave room in quotas: there those that are created instead are not asked about.
    """
    if not decision.slots:
        return None
    desired, called = spec.desired, [spec.group.name(slot) for slot in decision.slots]
    for name in filter(None, called):
        names.valid(KIND, "VM", name)
    number = 0 if decision.remove or members.duplicates else len(decision.slots)
    return creation.prepare(cloud, spec.source, desired.wanted, desired.modes, called[0], number)


def _refuse_missing(group, members):
    missing = sorted(set(group.ids or ()) - {item.ID for item in members.members})
    if missing:
        raise Failure("There is no VM with id %s." % listed(missing), object=KIND, id=missing[0])


def _failed_vms(spec, items):
    """The VMs that have failed, where the task needs them to work."""
    wanted = spec.count is not None or spec.desired.state is not None
    return [item for item in items if wanted and status(item) == "failed"]


def _refuse_failed(spec, items):
    """A check run says too that VMs have failed."""
    found = [failure_of(item) for item in _failed_vms(spec, items)]
    if found:
        raise Failure(together(found) + RECOVERY_HINT, **found[0].data)


def _plans(cloud, spec, items):
    """{id: Plan}; nothing is begun when one VM cannot be made as it is wanted."""
    plans, failures = {}, []
    for item in items:
        try:
            plans[item.ID] = planner.plan(cloud, item, spec.desired)
        except Failure as failure:
            if _failed_vms(spec, [item]):  # told at the end; the others are changed all the same
                plans[item.ID] = UNCHANGED
            else:
                failures.append(failure)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise Failure(together(failures), object=KIND)
    return plans


# ---------------------------------------------------------------- decision


def decide(members, spec):
    """The Decision for the Members of a task.

    Raises:
        Failure: it would remove more VMs than may be removed.
    """
    present = members.members
    if spec.desired.state == "done":
        _refuse_many(spec, present)
        guard.refuse("VM", present, spec.protected)
        return Decision([], present, [])
    if spec.count is None:
        return Decision(present, [], [])
    failed = [item for item in present if spec.replace_failed and status(item) == "failed" and _is_free(spec, item)]
    remove = _surplus(members, spec, failed) if spec.shrink else []
    remove += [item for item in failed if item not in remove]
    _refuse_many(spec, remove)
    stay = [item for item in present if item not in remove]
    return Decision(stay, remove, Members(spec.group, stay).free(spec.count - len(stay)))


def _surplus(members, spec, failed):
    """The VMs that are too many; failed ones that would be replaced first, locked and protected ones never."""
    number = max(0, len(members.members) - spec.count)
    free = [item for item in members.members if _is_free(spec, item)]
    if number > len(free):
        kept = listed("%s %s" % (item.NAME, _kept(spec, item)) for item in members.members if not _is_free(spec, item))
        message = "To reach exact_count, VMs would have to be removed that are locked or protected: %s. %s."
        raise Failure(message % (kept, "Unlock them first, or take the label away"), object=KIND)

    def rank(item):
        return item in failed, ORDERS[spec.remove](spec.group.slot(item), item)

    return sorted(free, key=rank, reverse=True)[:number]


def _kept(spec, item):
    """Why a VM is never among those that are too many; None: it may be."""
    return "is locked" if item.LOCK is not None else guard.forbids(item, spec.protected)


def _is_free(spec, item):
    return _kept(spec, item) is None


def _refuse_many(spec, remove):
    guard.refuse_many("VMs", [item.NAME for item in remove], spec.max_remove)


def _refuse_services(cloud, members, decision):
    """OneFlow counts the VMs of its services: it would take one that is removed for lost, and not know a new one."""
    concerned = members.members if decision.slots else decision.remove
    services = {first_text(item.USER_TEMPLATE, "SERVICE_ID"): item for item in concerned}
    for service, item in services.items():
        if is_whole(service) and cloud.info("document", int(service)) is not None:  # else its VMs were left behind
            role = first_text(item.USER_TEMPLATE, "ROLE_NAME")
            message = "The VM %s belongs to the service %s of OneFlow, which counts its VMs: change their number with"
            text = (message + " one_service (id: %s, role: %s, cardinality).") % (item.NAME, service, service, role)
            raise Failure(text, object=KIND, id=item.ID)


# ---------------------------------------------------------------- what is reported


def _difference(spec, members, decision, plans):
    """(before, after) of the task; of one VM what differs, of many under their names."""
    one = spec.group.single is not None or len(spec.group.ids or ()) == 1
    if one and decision.slots and not decision.remove:
        after = dict(creation.shown(spec.source, spec.desired.wanted), name=spec.group.single, state="present")
        return {"state": "absent"}, after
    if one and decision.remove and not decision.slots:
        item = decision.remove[0]
        return {"id": item.ID, "name": item.NAME, "state": "present"}, {"state": "absent"}
    if one and len(decision.stay) == 1 and not members.duplicates:
        return plans[decision.stay[0].ID][:2]
    return _difference_of_many(spec, members, decision, plans)


def _difference_of_many(spec, members, decision, plans):
    new = [spec.group.name(slot) or "(new)" for slot in decision.slots]
    before: dict = {"vms": sorted(item.NAME for item in members.members)}
    after: dict = {"vms": sorted([item.NAME for item in decision.stay] + new)}
    for item in decision.remove if decision.slots else ():  # one of the same name is created instead
        before[item.NAME], after[item.NAME] = {"id": item.ID}, {"state": "created again"}
    if members.duplicates:
        before["surplus"], after["surplus"] = [item.ID for item in members.duplicates], []
    for name, plan in _changed(members, decision, plans).items():
        before[name], after[name] = plan.before, plan.after
    return before, after


def _changed(members, decision, plans):
    """The plans of the VMs that stay and change, by name; by name and id where several VMs have the name."""
    known = Counter(item.NAME for item in members.members)
    names = {
        item.ID: item.NAME if known[item.NAME] == 1 else "%s (%d)" % (item.NAME, item.ID) for item in decision.stay
    }
    return {name: plans[oid] for oid, name in names.items() if plans[oid].before != plans[oid].after}


def _planned(cloud, item, plans):
    """A VM as it would be."""
    found = instance(item, read(cloud, item))
    planned = plans[item.ID].after if item.ID in plans else {}
    return dict(found, **{name: value for name, value in planned.items() if name in SIMPLE})


def _result(instances, created=(), removed=()):
    return {
        "instances": instances,
        "instances_ids": [one["id"] for one in instances],
        "tagged_instances": instances,
        "created_ids": sorted(created),
        "removed_ids": sorted(removed),
    }


# ---------------------------------------------------------------- the work


class _Scaling:
    """The run of a task that changes the cloud; what goes wrong with a VM is kept until the end."""

    def __init__(self, cloud, spec, request):
        self._cloud = cloud
        self._spec = spec
        self._creation = request
        self._answered = []  # ids that OpenNebula answered, though another run's VM may be the one to keep
        self._created = []
        self._removed = []
        self._failed = []  # (id or None, name, Failure)

    def carry_out(self, members, decision, plans):
        self._remove(decision.remove, members.duplicates)
        try:
            items = self._create(decision) if decision.slots else decision.stay
        except Failure as failure:
            failure.data["created_ids"] = sorted(self._answered)
            raise
        items = self._bring(items, plans if items is decision.stay else {})
        self._keep_failed(items)
        shown = decision.remove if self._spec.desired.state == "done" else items
        instances = [instance(item, read(self._cloud, item)) for item in sorted(shown, key=_by_name)]
        result = _result(instances, self._created, self._removed)
        if self._failed:
            never_created = sum(oid is None for oid, dummy, failure in self._failed)
            raise self._failure(result, len(items) + len(decision.remove) + never_created)
        return result

    def _keep_failed(self, items):
        """VMs that have failed are failures, also when this run had nothing to do for them."""
        known = {oid for oid, dummy, failure in self._failed}
        found = [item for item in _failed_vms(self._spec, items) if item.ID not in known]
        self._failed += [(item.ID, item.NAME, failure_of(item)) for item in found]

    def _run(self, runs):
        run(self._cloud, runs, self._spec.parallel)
        self._failed += [(one.item.ID, one.item.NAME, one.failure) for one in runs if one.failure is not None]

    def _remove(self, items, duplicates):
        self._cloud.expendable.update((KIND, item.ID) for item in duplicates)
        items = items + duplicates
        runs = [Run(item, [Reach("done")], self._spec.desired.hard, self._spec.waits) for item in items]
        self._run(runs)
        over = {one.item.ID for one in runs if one.over and one.failure is None}
        gone = [item for item in items if item.ID in over]  # as they were read before, with all of their templates
        self._removed += [item.ID for item in gone]
        for item in gone if self._spec.remove_images and self._spec.waits else ():
            self._remove_images(item)

    def _remove_images(self, item):
        try:
            creation.remove_private(self._cloud, item)
        except Failure as failure:
            self._failed.append((item.ID, item.NAME, failure))

    # -------------------------------------------------------- creation

    def _create(self, decision):
        """Fills the slots; returns all VMs that stay, as they are afterwards."""
        removed, open_slots = {item.ID for item in decision.remove}, decision.slots
        refused: dict = {}
        for dummy in range(REQUESTS):
            answers = dict(zip(open_slots, in_parallel(self._create_one, open_slots, self._spec.parallel)))
            members = self._members(answers)
            self._remove([], members.duplicates)
            self._created += [item.ID for item in members.members if item.ID in answers.values()]
            missing = [slot for slot in open_slots if slot not in members.taken]
            refused.update((slot, answers[slot]) for slot in missing)
            open_slots = [slot for slot in missing if answers[slot] is None]
            if not open_slots:
                break
        self._keep_refused({slot: answer for slot, answer in refused.items() if slot not in members.taken})
        return [item for item in members.members if item.ID not in removed]

    def _create_one(self, slot):
        """The id of a new VM, None if the answer was lost, or the Failure."""
        group = self._spec.group
        try:
            oid = creation.create_vm(
                self._cloud, self._creation, group.name(slot), {REQUEST_ID: group.request_id(slot)}
            )
        except Failure as failure:
            return failure
        self._answered += [oid] if oid is not None else []
        return oid

    def _members(self, answers):
        """The Members now; VMs that nothing else tells apart are read by their ids, unless an answer was lost."""
        ids = [oid for oid in answers.values() if isinstance(oid, int)]
        if self._spec.group.is_new and len(ids) == len(answers):
            items = sorted(fetch_vms(self._cloud, ids).values(), key=lambda item: item.ID)
        else:
            items = self._spec.group.find(self._cloud)
        return Members(self._spec.group, items, self._answered)

    def _keep_refused(self, refused):
        for slot, answer in sorted(refused.items()):
            name = self._spec.group.name(slot)
            self._failed.append((None, name, _refusal(answer, name)))

    # -------------------------------------------------------- VMs that stay

    def _bring(self, items, plans):
        """Makes VMs as they are wanted; returns them as they are then.

        What OpenNebula accepted but did not store is a failure.  A VM that another run has changed is planned anew.
        """
        runs = self._runs(items, plans)
        if not any(one.steps for one in runs):
            return items
        for turn in range(ROUNDS):
            run(self._cloud, runs, self._spec.parallel)
            now = fetch_vms(self._cloud, [item.ID for item in items])
            runs = [self._resumed(one, now.get(one.item.ID), turn == ROUNDS - 1) for one in runs]
            runs = [one for one in runs if one is not None]
            if not runs:
                break
        return [now[oid] for oid in sorted(now)]

    def _runs(self, items, plans):
        """The Runs of VMs that are to be made as they are wanted."""
        runs = []
        for item in items:
            try:
                plan = plans.get(item.ID) or planner.plan(self._cloud, item, self._desired(item))
            except Failure as failure:
                self._failed.append((item.ID, item.NAME, failure))
                continue
            runs.append(Run(item, plan.steps, self._spec.desired.hard, self._spec.waits))
        return runs

    def _resumed(self, one, item, last):
        """The Run for what is left of a VM, None when nothing is, or it has failed.

        Args:
            item: the VM as it is now; None: it is gone.
            last (bool): there is no time for another one.
        """
        failure, again = left(self._cloud, one, item, self._desired(one.item))
        if failure is not None and (last or again is None):
            self._failed.append((one.item.ID, one.item.NAME, failure))
            return None
        return None if failure is None else again

    def _desired(self, item):
        """What is wanted of a VM; a new one needs no reboot."""
        desired = self._spec.desired
        new = item.ID in self._created and desired.state == "rebooted"
        return desired._replace(state="running") if new else desired

    # -------------------------------------------------------- failures

    def _failure(self, result, number):
        """One Failure for all that went wrong, beside what is as wanted."""
        failed = [{"id": oid, "name": name, "reason": failure.message} for oid, name, failure in self._failed]
        failures = [failure for dummy, name, failure in self._failed]
        message = together(failures)
        if number > 1:
            message = "%d of %d VMs are not as wanted: %s" % (len(failed), number, message)
        del result["tagged_instances"]  # the same again, which only a play that goes on looks at
        data = dict(failures[0].data, **result, failures=failed, created=bool(self._created))
        broken = [failure for failure in failures if isinstance(failure, Broken)]
        failure = (Broken if failures[0] in broken else Failure)(message, **data)
        if number == 1 and self._created:
            created(failure, self._created[0])
        if broken:
            failure.message += RECOVERY_HINT
        return failure


def _by_name(item):
    return item.NAME, item.ID


def _refusal(answer, name):
    """The Failure of a VM that was requested, and does not exist."""
    if isinstance(answer, Failure):
        return answer
    if answer is None:
        return Failure("OpenNebula did not answer the request for VM %s, and has not created it." % name)
    return Failure("VM %s was created with id %d, and no longer exists." % (name, answer), object=KIND, id=answer)
