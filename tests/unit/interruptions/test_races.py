# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Every module, while somebody else works on the same object: nothing is doubled, no other object is changed.

Each thing happens when each call of an act arrives.  A run ends well or says what happened; the next one converges,
unless it lacks what it needs to create the object again.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from acts import ACTS, REPEATED
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.document import documents
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import RESOURCES
from interruptions import DONE, TARGETS, TO_ANY, Race, run_of, targets, world
from kinds import SUBJECTS

# What a run says of an object that is gone; OpenNebula knows a VM that is DONE for a while.
GONE = r"no longer exists|may have been removed|There is no |is not there|the service is gone"
GONE += r"|is done(?:, (?:where|and in) this|: only what)|DONE state|removed meanwhile|state DONE"
# What OpenNebula, or the module, says of what cannot be done with a VM as it is, or with the new one of its name.
UNFIT = "|".join(
    [
        "VM has to be RUNNING, POWEROFF",
        "it must be in poweroff",
        "is held(?:, where this|: only what)",
        "has no backup",
        "has no disk 0",
        "must be in running",
        "has not executed any command",
        "has no snapshot",
    ]
)
# Of a run that names an object that is gone, and too little to create it.
LACKING = r"There is no |does not have|(?:VN_MAD is mandatory|give VN_MAD)|has no snapshot"
# What a run may say, by what happened; it may also end well.
SAYS = {
    "deleted": f"{GONE}|{UNFIT}|{LACKING}",
    "replaced": f"{GONE}|{UNFIT}|{LACKING}",
    "renamed": f"{GONE}|{LACKING}|Cannot delete cluster. .* is not empty",
    "locked": r"locked|did not store",
    "moved": r"meanwhile|cannot|does not work|moved|did not store: place",
    "powered off": r"is poweredoff|poweroff|was asked to|cannot|POWEROFF|not available|must be in running",
    "VMs ended": r"did not store: roles",
    "rules removed": r"did not store: rules",
    "quotas changed": r"did not store: quotas",
}
# What one of two runs at once may say; the next one is in order.
BOTH = r"already taken|did not store|has failed|Cannot delete (?:cluster|group)\. \w+ \d+ is not empty|leases in use"
BOTH += r"|Error getting virtual network Pool|was asked to|must be in poweroff|wrong state RUNNING"
BOTH += r"|snapshot \d+, it does not exist|has no snapshot"
# What the next run may say besides, by what happened: OpenNebula lets a VM have one backup job, somebody has left the
# images of a template that was cloned, or the task does not fit the object that has taken the place of another.
NEXT = {
    "deleted": r"NAME is already taken by IMAGE",
    "renamed": r"It's already in Backup Job|NAME is already taken by IMAGE|Cannot delete cluster. .* is not empty",
    "replaced": r"has options that cannot be changed: image|was exported from marketplace app 0, not 1|"
    rf"has 8 addresses; size: 2 cannot reduce them|{UNFIT}",
    "powered off": r"is poweredoff, where this does not work: (?:execute|repeat|take|delete|revert to) ",
}
# Acts that two runs at once do twice: a snapshot is data that nobody may throw away.
TWICE = {("one_vm_snapshot", act) for act in ("create", "change", "disk")}
OBJECTS = {one.module for one in SUBJECTS.values()} | {"one_service", "one_service_template"}
EVERY_ACT = [(module, act) for module, acts in ACTS.items() for act in acts]


def twins(stage, forgotten=False):
    """Objects of one kind, name and owner; but for VMs of virtual routers, whose names OpenNebula gives.

    Args:
        forgotten (bool): whether OneFlow may have forgotten VMs that it has made for a role.
    """
    named = [pool for pool in stage.cloud.pools.values() if pool.kind.name != "SCHEDULEDACTION"]
    living = [one for pool in named for one in pool if getattr(one, "state", None) != int(DONE)]
    own = [one for one in living if one.kind.name != "VM" or not one.template.text("VROUTER_ID")]
    own = [one for one in own if not (forgotten and "_(service_" in one.name)]
    found = Counter((one.kind.name, one.name, one.uid) for one in own)
    return [each for each, count in found.items() if count > 1]


def raced(stage, module, act, target, what, number):
    """What is wrong after somebody does this to a target at a call; None: they could not.

    A removal ends well where somebody else has removed the object.
    """
    race = Race(stage, target, what)
    result = stage.disturb(module, act, number, race)
    if not race.done:
        return None
    if result is None or "exception" in result:
        return f"no result: {result}"
    gone = what == "deleted" and act == "remove" and module in OBJECTS
    if result.get("failed") and (gone or not re.search(SAYS[what], result["msg"])):
        return f"it says: {result['msg']}"
    if result.get("failed") and race.replacement_changed():
        return f"it has changed the object that took the place, and says: {result['msg']}"
    if twins(stage):
        return f"twins: {twins(stage)}"
    race.undo()
    # OneFlow makes VMs for a service that is locked at that moment, and cannot write down that it has; the run fails.
    forgotten = (module, what) == ("one_service", "locked") and bool(result.get("failed"))
    return converges(stage, module, act, f"{LACKING}|{NEXT[what]}" if what in NEXT else LACKING, forgotten)


def converges(stage, module, act, may_say=LACKING, forgotten=False):
    """What is wrong with the next two runs; empty: nothing."""
    again = stage.run(module, ACTS[module][act])
    if again.get("failed"):
        return "" if re.search(may_say, again["msg"]) and "exception" not in again else f"the next run: {again['msg']}"
    last = stage.run(module, ACTS[module][act])
    rests = not last.get("failed") and (not last["changed"] or (module, act) in REPEATED)
    told = last.get("msg") or last["diff"]
    return "" if rests and not twins(stage, forgotten) else f"the run after the next: {told} {twins(stage)}"


def settled(stage, module, act):
    """What is wrong after two runs of an act at once; empty: the next run makes the cloud what one alone would."""
    return converges(stage, module, act) if (module, act) in TWICE | REPEATED else stage.unsettled(module, act)


@pytest.mark.long
@pytest.mark.parametrize(("module", "act"), EVERY_ACT)
def test_somebody_changes_the_object_at_every_call(stage, tally, module, act):
    calls, found, count = stage.reference(module, act).calls, [], 0
    for target in targets(module, act):
        for what in target.deeds:
            for number, call in enumerate(calls, 1):
                wrong = raced(stage, module, act, target, what, number)
                count += wrong is not None
                found += [f"{target.prefix} {what} at {call} ({number}): {wrong}"] if wrong else []
    assert not found, "\n".join(found)
    tally("Races", module, races=count, lost=0, doubled=0)


SOME = [(module, what) for module in ("one_template", "one_vnet", "one_vm") for what in TO_ANY]
SOME += [(module, what) for module, found in TARGETS.items() for what in found[0].deeds]


@pytest.mark.parametrize("module", ["one_host", "one_image", "one_vm"])
def test_a_removal_ends_well_where_somebody_else_removes_the_object(stage, module):
    for number, dummy in enumerate(stage.reference(module, "remove").calls, 1):
        assert not raced(stage, module, "remove", targets(module, "remove")[0], "deleted", number)


@pytest.mark.parametrize(("module", "what"), SOME)
def test_somebody_changes_the_object_before_the_last_call(stage, module, what):
    last = len(stage.reference(module, "change").calls)
    assert not raced(stage, module, "change", targets(module, "change")[0], what, last)


@pytest.mark.parametrize(("module", "call"), [("one_vm", "vm.attach"), ("one_vnet", "vn.add_ar")])
def test_two_controllers_add_one_member(stage, module, call):
    """What has no name, when the first has added it just before the second does."""
    number = stage.reference(module, "change").calls.index(call) + 1
    assert both(stage, module, "change", ACTS[module]["change"], number) == ""
    assert [bool(one.get("failed")) for one in stage.others] == [False]
    assert stage.as_ended(module, "change")


OWNED = {
    one.module: {"name": "new", **one.options, "owner": "ann"}
    for kind, one in SUBJECTS.items()
    if "owner" in RESOURCES.get(kind, documents(200)).attributes
}
OWNED["one_cloud"] = {
    "declaration": {"templates": [{"name": "new", "owner": "ann", "template": {"CPU": 1, "MEMORY": 8}}]}
}


@pytest.mark.parametrize("module", OWNED)
def test_two_controllers_create_one_object_with_an_owner(stage, module):
    """The first has given its object to the owner when the second creates one."""
    act, options = next(iter(ACTS[module])), OWNED[module]
    stage.set_for(module, act)
    stage.must(module, options)
    number = next(at for at, call in enumerate(stage.calls, 1) if re.search(r"\.(allocate|import)", call))
    alone = sizes(stage)
    stage.set_for(module, act)
    stage.others.clear()
    results = [stage.run(module, options, number, run_of(module, options)), *stage.others]
    assert [(result.get("changed"), result.get("msg")) for result in results] == [(True, None)] * 2
    assert sizes(stage) == alone
    assert not stage.must(module, options)["changed"]


def sizes(stage):
    """How many objects there are of each kind and owner."""
    return {kind: sorted(re.findall("<UNAME>.*?<", "".join(found))) for kind, found in world(stage.cloud).items()}


def counterpart(module, act):
    """The options of an act that undoes another one."""
    other = "create" if act == "remove" else "remove"
    return ACTS[module].get(other)


def both(stage, module, act, other, number):
    """What is wrong after another controller plays a whole task at a call."""
    stage.others.clear()
    result = stage.disturb(module, act, number, run_of(module, other))
    for one in (result, *stage.others):
        if (
            one is None
            or "exception" in one
            or (one.get("failed") and not re.search(f"{GONE}|{LACKING}|{BOTH}", one["msg"]))
        ):
            return f"one says: {one and (one.get('exception') or one['msg'])}"
    return f"twins: {twins(stage)}" if twins(stage) else ""


@pytest.mark.parametrize("module", ACTS)
def test_two_controllers_run_one_task(stage, module):
    act = next(iter(ACTS[module]))
    number = len(stage.reference(module, act).calls) // 2 + 1
    assert both(stage, module, act, ACTS[module][act], number) == ""
    assert settled(stage, module, act) == ""


@pytest.mark.long
@pytest.mark.parametrize(("module", "act"), EVERY_ACT)
def test_two_controllers_at_every_call(stage, tally, module, act):
    calls, found, opposite = stage.reference(module, act).calls, [], counterpart(module, act)
    for number, call in enumerate(calls, 1):
        wrong = both(stage, module, act, ACTS[module][act], number) or settled(stage, module, act)
        found += [f"the same at {call} ({number}): {wrong}"] if wrong else []
        if opposite is not None:
            wrong = both(stage, module, act, opposite, number) or converges(stage, module, act)
            found += [f"the opposite at {call} ({number}): {wrong}"] if wrong else []
    assert not found, "\n".join(found)
    tally("Races", module, races=len(calls) * (1 + (opposite is not None)), lost=0, doubled=0)
