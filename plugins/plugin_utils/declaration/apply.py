# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan is carried out: in waves, side by side, and whatever fails keeps only what needs it from being done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from ...module_utils._core.cloud import KINDS, method
from ...module_utils._core.failure import Failure, Unreachable, described
from ...module_utils._engine import bulk
from ...module_utils._engine.engine import Engine
from ...module_utils._engine.resource import wanted_of
from ...module_utils._kinds import acl
from ...module_utils.pyone import OneException
from . import graph, planner
from .document import KEYS, ONEFLOW


class Outcome(NamedTuple):
    """What became of the objects of a plan.

    Args:
        done (dict): number → Report.
        failures (dict): number → Failure.
        skipped (dict): number → number of the object whose failure keeps it from being made.
        unplanned (list[Planned]): changes that became necessary by the others.
        unreachable (dict): whether it is OneFlow → number of the object that found that it does not answer any more.
    """

    done: dict
    failures: dict
    skipped: dict
    unplanned: list
    unreachable: dict


def _of_oneflow(one):
    return one.declared.entry.key in ONEFLOW


def apply(cloud, plan, workers, progress):
    """Carries out a Plan.

    Args:
        cloud (SharedCloud)
        plan (planner.Plan)
        workers (int): objects at a time.
        progress (callable): told of each object that is done: (Planned, Failure | None).

    Returns:
        Outcome
    """
    outcome = Outcome({}, {}, {}, [], {})
    _carry_out(cloud, plan, workers, outcome, progress)
    more = _unplanned(cloud, plan, outcome)
    if more is not None:
        outcome.unplanned.extend(one for one in more.objects if one.action != "none")
        _carry_out(cloud, more, workers, outcome, progress)
    return outcome


def _carry_out(cloud, plan, workers, outcome, progress):
    cloud.plans = False
    due = {one.number: one for one in plan.objects if one.action not in ("none", "remove")}
    for wave in plan.waves:
        causes = graph.dependants(plan.references, set(outcome.failures))
        nodes = [node for node in wave if node.number in due and _goes_on(due[node.number], causes, outcome)]
        _make(cloud, plan, [(due[node.number], node.part) for node in nodes], workers, outcome, progress)
    _remove(cloud, plan, workers, outcome, progress)


def _unplanned(cloud, plan, outcome):
    """The Plan of what differs again after a plan was carried out, or None.

    OpenNebula changes other objects than those that it is told to: a new group comes into the default VDC.
    """
    if outcome.failures or not outcome.done:
        return None
    cloud.plans = True
    try:
        more, faults = planner.plan(cloud, [one.declared for one in plan.objects])
    except Unreachable:
        return None
    if faults:
        return None
    return more._replace(objects=[one if one.declared.waits else one._replace(action="none") for one in more.objects])


def _goes_on(one, causes, outcome):
    """Whether what an object needs has been made, and its server answers; keeps why it is skipped.

    Args:
        one (planner.Planned)
        causes (dict): number of an object that needs one which failed → number of that one.
        outcome (Outcome)
    """
    if one.number in outcome.failures or one.number in outcome.skipped:
        return False
    if one.number in causes:
        outcome.skipped[one.number] = causes[one.number]
    return one.number not in causes and _answers(one, outcome)


def _answers(one, outcome):
    """Whether the server of an object answers; keeps why it is skipped."""
    if _of_oneflow(one) in outcome.unreachable:
        outcome.skipped[one.number] = outcome.unreachable[_of_oneflow(one)]
    return one.number not in outcome.skipped


def _make(cloud, plan, nodes, workers, outcome, progress):
    """Makes the objects of a wave: those of one resource together, the others side by side."""
    groups: dict[int, list] = {}
    single = []
    for one, part in nodes:
        resource = _together(one.declared)
        if resource is None:
            single.append(one)
        else:
            groups.setdefault(id(resource), []).append((one, part))
    for group in groups.values():
        _make_together(cloud, plan, group, workers, outcome, progress)
    _one_by_one(cloud, single, workers, outcome, progress)


def _together(declared):
    """The Resource of objects that are made with others of theirs; None: they are made one by one."""
    if declared.resource is not None:
        return None if declared.resource.detailed else declared.resource
    return acl.ACL if declared.entry.key == "acls" else None


# Methods that are called for objects of a kind, beside the kind's own.
METHODS = {"marketapp": ("image.allocate", "template.allocate")}


def _forget(cloud, objects):
    """Lets the pools be read again that may have changed with objects which were made, or removed, one by one."""
    kinds = {one.kind for one in objects}
    own = {method(kind, "update") for kind in kinds & set(KINDS)}
    cloud.forget_changed(own.union(*(METHODS.get(kind, ()) for kind in kinds)))


def _one_by_one(cloud, objects, workers, outcome, progress):
    with ThreadPoolExecutor(max(1, workers)) as threads:
        for one, result in zip(objects, threads.map(partial(_alone, cloud, outcome), objects)):
            if result is not None:
                _keep(one, result, outcome, progress)
    _forget(cloud, objects)


def _alone(cloud, outcome, one):
    """The Report of an object, or its Failure; None where it is skipped, for its server does not answer any more."""
    if not _answers(one, outcome):
        return None
    try:
        return planner.report_of(cloud, one.declared, apply=True)
    except Failure as failure:
        return failure
    except OneException as error:
        return described(error, "make it")


def _make_together(cloud, plan, group, workers, outcome, progress):
    jobs = [_job(cloud, plan, one, part) for one, part in group]
    bulk.converge(cloud, jobs, workers)
    for (one, part), job in zip(group, jobs):
        if job.failure is None and part == 0 and one.number in plan.put_off:
            continue  # it is done with its second node
        _keep(one, job.failure or job.report, outcome, progress)


def _job(cloud, plan, one, part):
    """The Job of an object; without the options that were put off, when it is made first."""
    declared = one.declared
    if declared.resource is None:
        return bulk.Job(Engine(cloud, acl.ACL), None, None, {}, partial(acl.requested, cloud, declared.params))
    wanted = wanted_of(declared.resource, declared.params)
    name = wanted.pop("name", None)
    if part == 0:
        wanted = {option: value for option, value in wanted.items() if option not in plan.put_off.get(one.number, ())}
    return bulk.Job(planner.engine_of(cloud, declared), name, declared.params.get("id"), wanted)


def _keep(one, result, outcome, progress):
    failed = isinstance(result, Failure)
    (outcome.failures if failed else outcome.done)[one.number] = result
    if isinstance(result, Unreachable) and not result.unclear:
        outcome.unreachable.setdefault(_of_oneflow(one), one.number)
    progress(one, result if failed else None)


def _remove(cloud, plan, workers, outcome, progress):
    """Removes what is declared absent."""
    for nodes in _removals(plan):
        _one_by_one(cloud, nodes, workers, outcome, progress)


def _removals(plan):
    """Lists of objects that are removed side by side: by kinds, those of a kind in the reverse order of references.

    An object that is to go seldom says what it refers to, so the kinds tell: users go before groups, hosts before
    clusters, VMs before images.
    """
    kinds = list(KEYS)
    waves = {node.number: wave for wave, nodes in enumerate(plan.waves) for node in nodes if node.part == 0}
    gone: dict[tuple, list] = {}
    for one in plan.objects:
        if one.action == "remove":
            gone.setdefault((kinds.index(one.declared.entry.key), waves[one.number]), []).append(one)
    return [gone[place] for place in sorted(gone, reverse=True)]
