# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How many VMs there are: which stay, which are removed first, which are created, and what goes wrong with some."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Broken, Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import scale
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.creation import Source
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.planner import DesiredState, conditions
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.resource import VM
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.scale import FleetSpec, converge, decide
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.selection import Group, Members
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneAllocateException,
    OneConnectionException,
    OneInternalException,
)
from fake_vms import Element, cloud, refusal, vm

HINT = " Recover what has failed with one_vm_recover, or in a fleet replace it with replace_failed: true."
NO_REASON = "OpenNebula gives no reason; see the log of the VM"


def desired(state=None, wanted=None, **more):
    return DesiredState(wanted or {}, VM, state=state, **more)


def spec(group=None, state=None, wanted=None, template="tpl", **more):
    own = {name: more.pop(name) for name in ("conditions", "allow_poweroff", "hard") if name in more}
    source = more.pop("source", Source(template))
    return FleetSpec(group or Group("web-#"), desired(state, wanted, **own), source, **more)


# ---------------------------------------------------------------- decision


def web(number, oid, state="RUNNING", locked=False, **more):
    return vm(state, oid, "web-%d" % number, LOCK=Element(LOCKED=1) if locked else None, **more)


FLEET = [web(1, 10), web(2, 11), web(0, 12)]  # the oldest is number 1
ORDERS = [  # remove, how many stay, ids that are removed, in this order
    ("newest", 2, [12]),
    ("newest", 1, [12, 11]),
    ("oldest", 2, [10]),
    ("oldest", 1, [10, 11]),
    ("highest_index", 2, [11]),
    ("highest_index", 1, [11, 10]),
    ("lowest_index", 2, [12]),
    ("lowest_index", 1, [12, 10]),
    ("newest", 3, []),
    ("newest", 0, [12, 11, 10]),
]


def decided(items, **more):
    given = spec(**more)
    found = decide(Members(given.group, items), given)
    return [item.ID for item in found.stay], [item.ID for item in found.remove], found.slots


@pytest.mark.parametrize(("remove", "count", "gone"), ORDERS)
def test_which_vms_are_removed_first(remove, count, gone):
    stay, removed, slots = decided(FLEET, remove=remove, count=count)
    assert (removed, slots) == (gone, [])
    assert stay == [item.ID for item in FLEET if item.ID not in gone]


def test_a_vm_without_a_number_is_removed_last():
    group = Group(labels=["a"])
    numbered = [
        vm(oid=oid, USER_TEMPLATE={"ANSIBLE_REQUEST": group.request_id(slot)}) for oid, slot in ((1, 0), (2, 1))
    ]
    items = [*numbered, vm(oid=3)]
    for remove, gone in (("highest_index", [2, 1, 3]), ("lowest_index", [1, 2, 3])):
        assert decided(items, group=group, remove=remove, count=0)[1] == gone


FAILED_FLEET = [web(0, 10), web(1, 11, "BOOT_FAILURE"), web(2, 12), web(3, 13, "FAILED", locked=True)]
DECISIONS = [  # VMs, fields of the spec, ids that stay, that are removed, slots to fill
    (FLEET, {"state": "done"}, [], [10, 11, 12], []),
    (FLEET, {"state": "done", "count": 2}, [], [10, 11, 12], []),
    (FLEET, {}, [10, 11, 12], [], []),
    (FLEET, {"count": 5}, [10, 11, 12], [], [3, 4]),
    (FLEET, {"count": 2, "shrink": False}, [10, 11, 12], [], []),
    (FLEET, {"count": 4, "shrink": False}, [10, 11, 12], [], [3]),
    ([web(0, 10), web(3, 13)], {"count": 4}, [10, 13], [], [1, 2]),
    (FAILED_FLEET, {"count": 4}, [10, 11, 12, 13], [], []),
    (FAILED_FLEET, {"count": 4, "replace_failed": True}, [10, 12, 13], [11], [1]),
    (FAILED_FLEET, {"count": 5, "replace_failed": True}, [10, 12, 13], [11], [1, 4]),
    (FAILED_FLEET, {"count": 3, "replace_failed": True}, [10, 12, 13], [11], []),
    (FAILED_FLEET, {"count": 2, "replace_failed": True}, [10, 13], [11, 12], []),
    (FAILED_FLEET, {"count": 2, "replace_failed": True, "shrink": False}, [10, 12, 13], [11], []),
    (FAILED_FLEET, {"count": 3, "replace_failed": False}, [10, 11, 13], [12], []),
    (FAILED_FLEET, {"replace_failed": True}, [10, 11, 12, 13], [], []),
    ([web(0, 10, locked=True), web(1, 11)], {"count": 1}, [10], [11], []),
    ([web(0, 10), web(1, 11, locked=True)], {"count": 1}, [11], [10], []),
]


@pytest.mark.parametrize(("items", "fields", "stay", "gone", "slots"), DECISIONS)
def test_failed_vms_are_removed_first_and_locked_ones_never(items, fields, stay, gone, slots):
    assert decided(items, **fields) == (stay, gone, slots)


NOT_FREE = (
    "To reach exact_count, VMs would have to be removed that are locked or protected: %s Unlock them first, or "
    "take the label away."
)


def test_locked_vms_are_not_removed_for_a_number():
    items = [web(0, 10, locked=True), web(1, 11), web(2, 12, locked=True)]
    assert refusal(decided, items, count=1) == (
        NOT_FREE % "web-0 is locked, web-2 is locked.",
        {"object": "vm"},
    )
    assert decided(items, count=2)[1] == [11]


KEPT = {"USER_TEMPLATE": {"LABELS": "keep"}}
PROTECTED = [web(0, 10), web(1, 11, "BOOT_FAILURE", **KEPT), web(2, 12, **KEPT)]


def test_protected_vms_are_neither_removed_nor_replaced():
    assert decided(PROTECTED, protected="keep", count=3, replace_failed=True) == ([10, 11, 12], [], [])
    assert decided(PROTECTED, protected="keep", count=2) == ([11, 12], [10], [])
    assert decided(PROTECTED, protected="", count=2, replace_failed=True)[1] == [11]
    assert refusal(decided, PROTECTED, protected="keep", count=1) == (
        NOT_FREE % "web-1 has the label keep, web-2 has the label keep.",
        {"object": "vm"},
    )
    message, data = refusal(decided, PROTECTED, protected="keep", state="done")
    assert message.startswith("No VM is removed or replaced here: web-1 has the label keep; web-2 has the label keep. ")
    assert data == {"object": "VM", "id": 11, "ids": [11, 12]}
    assert decided(PROTECTED, state="done")[1] == [10, 11, 12], "another label protects"


@pytest.mark.parametrize("fields", [{"state": "done"}, {"count": 0}])
def test_no_more_are_removed_than_may_be(fields):
    assert refusal(decided, FLEET, max_remove=2, **fields) == (
        "3 VMs would be removed, but max_remove is 2: %s. Give a larger max_remove if all of them are to go."
        % ", ".join(["web-1", "web-2", "web-0"] if "state" in fields else ["web-0", "web-2", "web-1"]),
        {},
    )
    assert len(decided(FLEET, max_remove=3, **fields)[1]) == 3
    assert decided(FLEET, max_remove=0, count=3)[1] == []


# ---------------------------------------------------------------- a cloud of VMs


class Fleet:
    """VMs that are created, and leave, as they are asked to.

    Args:
        items: those there are.
        fate: name → what becomes of a VM that is asked for: its state; an exception; "lost": its answer; "never".
        deaf: ids of VMs that do not end.
    """

    def __init__(self, *items, fate=None, deaf=(), services=()):
        self.items = {item.ID: item for item in items}
        self.fate = fate or {}
        self.deaf = deaf
        self.services = services
        self.next = 20

    def cloud(self, check=False, timeout=10):
        return cloud(
            check,
            timeout,
            templatepool_info=[Element(ID=5, NAME="tpl", TEMPLATE={"CPU": "1", "MEMORY": "64"})],
            vmpool_info=lambda *arguments: Element(VM=list(self.items.values())),
            vmpool_infoextended=lambda *arguments: Element(VM=list(self.items.values())),
            hostpool_info=lambda *arguments: Element(HOST=[]),
            vmpool_infoset=self.infoset,
            template_instantiate=self.instantiate,
            vm_action=self.action,
            document_info=lambda oid: Element(ID=oid) if oid in self.services else None,
        )

    def infoset(self, ids, whole):
        return Element(VM=[self.items[int(oid)] for oid in ids.split(",") if int(oid) in self.items])

    def instantiate(self, oid, name, hold, body, persistent):
        fate = self.fate.get(name, "RUNNING")
        fate = fate.pop(0) if isinstance(fate, list) else fate
        if isinstance(fate, Exception):
            raise fate
        if fate != "never":
            self.next += 1
            self.items[self.next] = vm("RUNNING" if fate == "lost" else fate, self.next, name, USER_TEMPLATE=body)
        if fate in ("lost", "never"):
            error = OneConnectionException("gone")
            error.sent = True
            raise error
        return self.next

    def action(self, verb, oid):
        if verb.startswith("terminate") and oid not in self.deaf:
            del self.items[oid]


def done(fleet, given, check=False, **more):
    """(Report, calls that write) of a task."""
    here = fleet.cloud(check, **more)
    report = converge(here, given._replace(apply=not check))
    return report, [call for call in here.one.calls if ".info" not in call[0]]


def failed(fleet, given, **more):
    """The Failure of a task, and its calls that write."""
    here = fleet.cloud(**more)
    with pytest.raises(Failure) as caught:
        converge(here, given)
    return caught.value, [call for call in here.one.calls if ".info" not in call[0]]


def created(name, request=None, **more):
    return ("template.instantiate", 5, name, False, {**more, "ANSIBLE_REQUEST": request or name}, False)


def test_vms_that_are_missing_are_created():
    fleet = Fleet(web(1, 11))
    planned = done(fleet, spec(count=3), check=True)[0]
    report, calls = done(fleet, spec(count=3))
    assert (planned.before, planned.after) == (report.before, report.after)
    assert (report.before, report.after) == ({"vms": ["web-1"]}, {"vms": ["web-0", "web-1", "web-2"]})
    assert calls == [created("web-0"), created("web-2")]
    assert [one["name"] for one in report.record["instances"]] == ["web-0", "web-1", "web-2"]
    assert (report.record["instances_ids"], report.record["created_ids"]) == ([21, 11, 22], [21, 22])
    assert report.record["tagged_instances"] == report.record["instances"]
    assert report.record["removed_ids"] == []
    assert report.changed


def test_surplus_vms_are_terminated():
    fleet = Fleet(web(0, 10), web(1, 11), web(2, 12))
    planned, dummy = done(fleet, spec(count=1, hard=True), check=True)
    assert planned.record["instances_ids"] == [10, 12, 11]
    report, calls = done(fleet, spec(count=1, hard=True))
    assert (planned.before, planned.after) == (report.before, report.after)
    assert calls == [("vm.action", "terminate-hard", 12), ("vm.action", "terminate-hard", 11)]
    assert (report.before, report.after) == ({"vms": ["web-0", "web-1", "web-2"]}, {"vms": ["web-0"]})
    assert (report.record["removed_ids"], report.record["instances_ids"]) == ([11, 12], [10])


def test_a_failed_vm_is_created_again():
    fleet = Fleet(web(0, 10), web(1, 11, "BOOT_FAILURE"))
    report, calls = done(fleet, spec(count=2, replace_failed=True))
    assert calls == [("vm.action", "terminate", 11), created("web-1")]
    assert report.before == {"vms": ["web-0", "web-1"], "web-1": {"id": 11}}
    assert report.after == {"vms": ["web-0", "web-1"], "web-1": {"state": "created again"}}
    assert (report.record["created_ids"], report.record["removed_ids"]) == ([21], [11])


def test_one_vm_is_created_changed_and_removed():
    fleet, group = Fleet(), Group("db")
    given = spec(group, count=1, wanted={"capacity": {"memory": 64}, "labels": ["a"]})
    planned, dummy = done(fleet, given, check=True)
    report, calls = done(fleet, given._replace(desired=desired(wanted={})))
    assert planned.before == {"state": "absent"}
    assert planned.after == {"labels": ["a"], "memory": 64, "template": "tpl", "name": "db", "state": "present"}
    assert calls == [created("db")]
    report, calls = done(fleet, spec(group, "poweredoff", count=1), check=True)
    assert (report.before, report.after) == ({"status": "running"}, {"status": "poweredoff"})
    assert report.record["instances"][0]["status"] == "poweredoff"
    report, calls = done(fleet, spec(group, "done", count=1))
    assert report.before == {"id": 21, "name": "db", "state": "present"}
    assert report.after == {"state": "absent"}
    assert calls == [("vm.action", "terminate", 21)]
    assert [one["id"] for one in report.record["instances"]] == [21], "as it was"
    report, calls = done(fleet, spec(group, "done", count=1))
    assert (report.changed, report.record["instances"]) == (False, [])


def test_one_vm_that_has_failed_is_shown_as_created_again():
    fleet = Fleet(vm("BOOT_FAILURE", 10))
    report, dummy = done(fleet, spec(Group("db"), count=1, replace_failed=True))
    assert (report.before, report.after) == (
        {"vms": ["db"], "db": {"id": 10}},
        {"vms": ["db"], "db": {"state": "created again"}},
    )


def test_one_vm_by_its_id_is_shown_as_one():
    fleet = Fleet(web(0, 10), web(1, 11))
    for ids in ([10], [11]):
        report, dummy = done(fleet, spec(Group(ids=ids), "poweredoff"), check=True)
        assert report.after == {"status": "poweredoff"}
    report, dummy = done(fleet, spec(Group(ids=[10, 11]), "poweredoff"), check=True)
    assert report.before == {"vms": ["web-0", "web-1"], "web-0": {"status": "running"}, "web-1": {"status": "running"}}
    assert set(report.after) == {"vms", "web-0", "web-1"}
    report, dummy = done(fleet, spec(Group(ids=[10, 11]), "running"), check=True)
    assert (report.changed, report.before) == (False, {"vms": ["web-0", "web-1"]})


def test_vms_of_one_name_are_told_apart_by_their_ids():
    fleet = Fleet(vm(oid=10), vm(oid=11), vm(oid=12, name="x"))
    report, dummy = done(fleet, spec(Group(ids=[10, 11, 12]), "poweredoff"), check=True)
    assert set(report.after) == {"vms", "db (10)", "db (11)", "x"}


def test_vms_without_a_name_are_shown_as_new():
    here = Fleet().cloud()
    report = converge(here, spec(Group(), count=2))
    assert report.after == {"vms": ["(new)", "(new)"]}
    assert report.record["created_ids"] == [21, 22]
    methods = [call[0] for call in here.one.calls]
    assert methods == ["templatepool.info", "template.instantiate", "template.instantiate", "vmpool.infoset"]
    assert [call[2] for call in here.one.calls[1:3]] == ["", ""]


def test_what_is_needed_for_a_new_vm_is_told_with_its_name():
    message = "There is no VM web-0; to create it, give: template, or cpu and memory."
    assert refusal(done, Fleet(), spec(count=2, template=None)) == (message, {"object": "vm", "name": "web-0"})


def test_vms_that_another_run_has_changed_meanwhile_are_not_changed_again():
    fleet = Fleet(web(0, 10))
    original = fleet.instantiate

    def instantiate(*arguments):
        fleet.items[10] = web(0, 10, USER_TEMPLATE={"LABELS": "a"})
        return original(*arguments)

    fleet.instantiate = instantiate
    dummy, calls = done(fleet, spec(count=2, wanted={"labels": ["a"]}, waits=False))
    assert [call for call in calls if call[0] == "vm.update" and call[1] == 10] == []


def test_duplicates_of_another_run_are_removed():
    fleet = Fleet(web(0, 10), web(0, 11, USER_TEMPLATE={"ANSIBLE_REQUEST": "web-0"}))
    report, calls = done(fleet, spec(count=1))
    assert calls == [("vm.action", "terminate", 11)]
    labelled = {"ANSIBLE_REQUEST": "web-0", "LABELS": "protected"}
    kept = Fleet(web(0, 10), web(0, 11, USER_TEMPLATE=labelled))
    assert done(kept, spec(count=1))[1] == calls, "it was made by a run, for nothing"
    assert (report.before, report.after) == (
        {"vms": ["web-0"], "surplus": [11]},
        {"vms": ["web-0"], "surplus": []},
    )
    single = Fleet(vm(oid=10), vm(oid=11, USER_TEMPLATE={"ANSIBLE_REQUEST": "db"}))
    assert done(single, spec(Group("db"), count=1))[0].before == {"vms": ["db"], "surplus": [11]}


def test_a_vm_that_another_run_was_faster_with_is_taken_and_the_own_one_removed():
    fleet = Fleet()
    other = web(0, 19, STIME=99999)
    original = fleet.instantiate

    def instantiate(*arguments):
        fleet.items[19] = other
        return original(*arguments)

    fleet.instantiate = instantiate
    report, calls = done(fleet, spec(count=1))
    assert calls == [created("web-0"), ("vm.action", "terminate", 21)]
    assert (report.record["instances_ids"], report.record["created_ids"]) == ([19], [])
    assert report.record["removed_ids"] == [21]


# ---------------------------------------------------------------- answers that are lost


def test_a_lost_answer_is_looked_for_and_a_lost_request_is_made_again():
    fleet = Fleet(fate={"web-0": "lost", "web-1": ["never", "RUNNING"]})
    report, calls = done(fleet, spec(count=2, parallel=1))
    assert calls == [created("web-0"), created("web-1"), created("web-1")]
    assert report.record["instances_ids"] == [21, 22]
    assert report.record["created_ids"] == [22]


def test_what_each_round_of_requests_has_created_counts():
    fleet = Fleet(fate={"web-1": ["never", "RUNNING"]})
    assert done(fleet, spec(count=2, parallel=1))[0].record["created_ids"] == [21, 22]


def test_a_request_is_made_three_times_at_most():
    failure, calls = failed(Fleet(fate={"web-0": "never"}), spec(count=1))
    assert len(calls) == 3
    assert failure.message == ("OpenNebula did not answer the request for VM web-0, and has not created it.")
    assert failure.data["failures"] == [{"id": None, "name": "web-0", "reason": failure.message}]


def test_vms_without_a_name_are_looked_for_where_an_answer_was_lost():
    here = Fleet(fate={"": ["RUNNING", "lost"]})
    report, calls = done(here, spec(Group(), count=2, parallel=1))
    assert (len(calls), len(report.record["instances_ids"])) == (2, 2)
    assert report.record["created_ids"] == [21]


def test_a_vm_that_is_gone_at_once_is_told():
    fleet = Fleet()
    original = fleet.instantiate

    def instantiate(*arguments):
        oid = original(*arguments)
        del fleet.items[oid]
        return oid

    fleet.instantiate = instantiate
    failure, dummy = failed(fleet, spec(count=1))
    assert failure.message == "VM web-0 was created with id 21, and no longer exists."
    assert (failure.data["object"], failure.data["id"]) == ("vm", 21)


# ---------------------------------------------------------------- what goes wrong

QUOTA = OneAllocateException("quota")


def test_a_vm_that_is_refused_is_told_beside_the_others():
    failure, calls = failed(Fleet(fate={"web-1": QUOTA}), spec(count=3, parallel=1))
    assert failure.message == ("1 of 3 VMs are not as wanted: Cannot create VM web-1 from template tpl: quota.")
    assert len(calls) == 3
    assert failure.data["failures"] == [
        {"id": None, "name": "web-1", "reason": "Cannot create VM web-1 from template tpl: quota."}
    ]
    assert failure.data["instances_ids"] == [21, 22]
    assert (failure.data["created_ids"], failure.data["removed_ids"]) == ([21, 22], [])
    assert failure.data["created"] is True
    assert "tagged_instances" not in failure.data
    assert not isinstance(failure, Broken)


def test_the_only_vm_that_is_refused_is_told_alone():
    failure, dummy = failed(Fleet(fate={"db": QUOTA}), spec(Group("db"), count=1))
    assert failure.message == "Cannot create VM db from template tpl: quota."
    assert (failure.data["created"], failure.data["instances"]) == (False, [])


def test_a_new_vm_that_fails_is_told_with_its_id():
    failure, dummy = failed(Fleet(fate={"db": "BOOT_FAILURE"}), spec(Group("db"), "running", count=1))
    assert failure.message == "VM db has failed: %s. It was created, with id 21.%s" % (NO_REASON, HINT)
    assert failure.data["id"] == 21
    assert [one["status"] for one in failure.data["instances"]] == ["failed"]
    assert isinstance(failure, Broken)


def test_a_new_vm_that_takes_too_long_is_told_with_its_id():
    failure, dummy = failed(Fleet(fate={"db": "BOOT"}), spec(Group("db"), "running", count=1), timeout=0)
    assert failure.message == (
        "Gave up waiting after 0 s: db is changing. Give a longer wait_timeout, or wait: false. It was created, with "
        "id 21; the next run goes on from there."
    )


def test_vms_that_have_failed_are_told_in_every_run():
    fleet = Fleet(web(0, 10), web(1, 11, "BOOT_FAILURE"))
    said = "VM web-1 has failed: %s." % NO_REASON
    for state, count in (("running", None), (None, 2), ("running", 2)):
        failure, dummy = failed(fleet, spec(state=state, count=count))
        assert failure.message == "1 of 2 VMs are not as wanted: " + said + HINT
        assert failure.data["failures"] == [{"id": 11, "name": "web-1", "reason": said}]
        assert refusal(done, fleet, spec(state=state, count=count), check=True) == (
            said + HINT,
            {"object": "vm", "id": 11},
        )
    report, dummy = done(fleet, spec())
    assert report.record["instances_ids"] == [10, 11], "nobody needs them to work"


def test_one_that_has_failed_of_one_is_told_alone():
    failure, dummy = failed(Fleet(vm("BOOT_FAILURE", 10)), spec(Group("db"), "running"))
    assert failure.message == "VM db has failed: %s.%s" % (NO_REASON, HINT)
    assert failure.data["created"] is False


def test_a_failed_vm_does_not_keep_the_others_from_what_is_wanted():
    fleet = Fleet(web(0, 10), web(1, 11, "BOOT_FAILURE"))
    failure, calls = failed(fleet, spec(state="poweredoff", count=2), timeout=0)
    assert calls == [("vm.action", "poweroff", 10)]
    assert len(failure.data["failures"]) == 2


def test_a_failed_vm_that_cannot_be_as_wanted_is_told_as_failed():
    said = "VM web-1 has failed: %s." % NO_REASON
    given = spec(state="held", count=2)
    failure, calls = failed(Fleet(web(0, 10, "PENDING"), web(1, 11, "BOOT_FAILURE")), given, timeout=0)
    assert calls == [("vm.action", "hold", 10)]
    assert [one["reason"] for one in failure.data["failures"]][-1] == said
    fleet = Fleet(web(0, 10, "HOLD"), web(1, 11, "BOOT_FAILURE"))
    assert refusal(done, fleet, given, check=True) == (said + HINT, {"object": "vm", "id": 11})


def test_vms_that_cannot_be_as_wanted_are_told_before_anything_is_done():
    fleet = Fleet(web(0, 10), web(1, 11), web(2, 12, "HOLD"))
    message, data = refusal(done, fleet, spec(state="held", count=3))
    one = "VM web-%d is running: only a VM that was never deployed can be held."
    assert (message, data) == (one % 0 + " " + one % 1, {"object": "vm"})
    assert refusal(done, Fleet(web(0, 10)), spec(state="held")) == (one % 0, {"object": "vm", "id": 10})


def test_vms_that_do_not_end_are_told():
    failure, dummy = failed(Fleet(web(0, 10), web(1, 11), deaf=(10,)), spec(state="done"), timeout=0)
    assert failure.message == (
        "1 of 2 VMs are not as wanted: Gave up waiting after 0 s: web-0 is running. Give a longer wait_timeout, or "
        "wait: false."
    )
    assert failure.data["removed_ids"] == [11]


def test_who_does_not_wait_has_vms_asked_to_end():
    fleet = Fleet(web(0, 10), deaf=(10,))
    report, calls = done(fleet, spec(state="done", waits=False))
    assert (calls, report.record["removed_ids"]) == ([("vm.action", "terminate", 10)], [10])


def test_vms_that_must_not_end_are_told():
    here = Fleet(web(0, 10)).cloud()
    here.one.answers["vm.action"] = OneInternalException("no")
    message, data = refusal(converge, here, spec(state="done"))
    assert (message, data["removed_ids"]) == ("Cannot terminate VM web-0: no.", [])


@pytest.mark.parametrize(("fate", "ids"), [({}, [21, 22]), ({"web-0": "lost"}, [22])])
def test_ids_of_created_vms_are_told_where_the_run_cannot_go_on(fate, ids):
    fleet = Fleet(fate=fate)
    here = fleet.cloud()
    looks = [Element(VM=[])]
    here.one.answers["vmpool.info"] = lambda *arguments: looks.pop() if looks else raised(OneInternalException("down"))
    message, data = refusal(converge, here, spec(count=2, parallel=1))
    assert message == "Cannot list the VMs: down."
    assert data["created_ids"] == ids


def raised(error):
    raise error


def test_ids_that_do_not_exist_are_told():
    fleet = Fleet(web(0, 10))
    group = Group(ids=[10, 12, 11])
    assert refusal(done, fleet, spec(group)) == ("There is no VM with id 11, 12.", {"object": "vm", "id": 11})
    report, dummy = done(fleet, spec(group, "done"))
    assert report.record["removed_ids"] == [10]


def test_names_of_new_vms_are_checked_before_the_first_is_created():
    message, data = refusal(done, Fleet(), spec(Group("a/#"), count=2))
    assert message == "The name of a VM cannot have '/': 'a/0'."
    assert data == {"object": "vm", "name": "a/0"}
    message, dummy = refusal(done, Fleet(), spec(Group("x" * 126 + "-#"), count=11))
    assert "has at most 128 bytes" in message


def test_vms_of_a_service_are_counted_by_oneflow():
    member = web(0, 10, USER_TEMPLATE={"SERVICE_ID": "77", "ROLE_NAME": "web"})
    message = (
        "The VM web-0 belongs to the service 77 of OneFlow, which counts its VMs: change their number with one_service "
        "(id: 77, role: web, cardinality)."
    )
    for given in (spec(count=0), spec(count=3), spec(state="done")):
        fleet = Fleet(member, web(1, 11), services=(77,))
        assert refusal(done, fleet, given) == (message, {"object": "vm", "id": 10})
        left = Fleet(member, web(1, 11))
        assert done(left, given)[0].changed, "its service is gone"
    fleet = Fleet(member, web(1, 11), services=(77,))
    assert done(fleet, spec(count=1))[0].record["removed_ids"] == [11]
    assert done(fleet, spec(state="running"))[1] == []


# ---------------------------------------------------------------- VMs that stay


def changing(*states):
    """A fleet of one whose VM has these states one after the other, when it is read whole."""
    fleet = Fleet(vm(states[0], 10))
    left = list(states)
    original = fleet.infoset

    def infoset(ids, whole):
        fleet.items[10] = vm(left.pop(0) if len(left) > 1 else left[0], 10)
        return original(ids, whole)

    fleet.infoset = infoset
    return fleet


def test_what_opennebula_accepts_but_does_not_store_is_told():
    given = spec(Group("db"), wanted={"labels": ["a"], "attributes": {"A": "1"}})
    failure, dummy = failed(Fleet(vm(oid=10)), given)
    assert failure.message == "OpenNebula accepted the change of VM db, but did not store: attributes (A), labels."
    assert failure.data["failures"] == [{"id": 10, "name": "db", "reason": failure.message}]
    assert (failure.data["object"], failure.data["id"]) == ("vm", 10)
    report, dummy = done(Fleet(vm(oid=10)), given._replace(waits=False))
    assert report.record["instances"][0]["labels"] == []


def test_a_failure_on_the_way_is_told_once():
    fleet = Fleet(vm(oid=10))
    here = fleet.cloud()
    here.one.answers["vm.update"] = OneInternalException("down")
    message, data = refusal(converge, here, spec(Group("db"), wanted={"labels": ["a"]}))
    assert message == "Cannot label VM db: down."
    assert len(data["failures"]) == 1


def test_what_was_done_is_read_again_and_what_was_not_is_not():
    fleet = changing("RUNNING", "POWEROFF")
    report, calls = done(fleet, spec(Group("db"), "poweredoff"))
    assert calls == [("vm.action", "poweroff", 10)]
    assert report.record["instances"][0]["status"] == "poweredoff"
    here = Fleet(vm(oid=10)).cloud()
    converge(here, spec(Group("db"), "running"))
    assert [call[0] for call in here.one.calls] == ["vmpool.info", "vmpool.infoset"]


def test_a_new_vm_is_not_rebooted_and_an_old_one_is():
    fleet = Fleet(web(0, 10))
    report, calls = done(fleet, spec(state="rebooted", count=2))
    assert calls == [created("web-1"), ("vm.action", "reboot", 10)]
    assert report.after["web-0"] == {"status": "rebooted"}


def test_a_new_vm_that_is_held_runs_where_it_is_to_be_rebooted():
    fleet = Fleet(fate={"db": "HOLD"})
    original = fleet.action

    def action(verb, oid):
        fleet.items[oid] = vm(oid=oid)
        return original(verb, oid)

    fleet.action = action
    given = spec(Group("db"), "rebooted", count=1, source=Source("tpl", hold=True))
    assert done(fleet, given)[1][1:] == [("vm.action", "release", 21)]


@pytest.mark.parametrize(("hard", "verb"), [(False, "poweroff"), (True, "poweroff-hard")])
def test_who_does_not_wait_has_states_asked_for(hard, verb):
    given = spec(Group("db"), "poweredoff", hard=hard, waits=False)
    assert done(Fleet(vm(oid=10)), given)[1] == [("vm.action", verb, 10)]


def test_new_vms_become_as_wanted_too():
    fleet = Fleet()
    dummy, calls = done(fleet, spec(count=1, wanted={"lock": "use"}, waits=False))
    assert calls == [created("web-0"), ("vm.lock", 21, 1, False)]
    fleet = Fleet()
    failure, calls = failed(fleet, spec(count=2, wanted={"capacity": {"memory": 128}}, parallel=1))
    said = "VM web-%d has to be powered off for this: resize memory to 128."
    assert failure.message.startswith("2 of 2 VMs are not as wanted: " + said % 0)
    assert [one["id"] for one in failure.data["failures"]] == [21, 22]


def test_conditions_are_waited_for():
    given = spec(Group("db"), "running", conditions=conditions("running", ready=True))
    failure, dummy = failed(Fleet(vm(oid=10)), given, timeout=0)
    assert "db is running (no READY from the guest)" in failure.message
    assert done(Fleet(vm(oid=10, USER_TEMPLATE={"READY": "YES"})), given)[0].changed is False


PRIVATE = {"TEMPLATE_ID": "9"}


def test_private_copies_go_with_their_vm():
    image = Element(ID=3, NAME="db-disk-0", PERSISTENT=1)
    template = Element(ID=9, NAME="db", TEMPLATE={"DISK": {"IMAGE_ID": "3"}})
    for remove, waits, calls in (
        (True, True, [("vm.action", "terminate", 10), ("template.delete", 9, True)]),
        (False, True, [("vm.action", "terminate", 10)]),
        (True, False, [("vm.action", "terminate", 10)]),
    ):
        fleet = Fleet(vm(oid=10, TEMPLATE=PRIVATE))
        here = fleet.cloud()
        here.one.answers.update({"template.info": template, "image.info": image})
        converge(here, spec(Group("db"), "done", remove_images=remove, waits=waits))
        assert [call for call in here.one.calls if ".info" not in call[0]] == calls
    fleet = Fleet(vm(oid=10, TEMPLATE=PRIVATE))
    here = fleet.cloud()
    here.one.answers.update(
        {"template.info": template, "image.info": image, "template.delete": OneInternalException("in use")}
    )
    message, data = refusal(converge, here, spec(Group("db"), "done", remove_images=True))
    assert message == "Cannot remove the private copies of VM db: in use."
    assert data["failures"] == [{"id": 10, "name": "db", "reason": message}]
    assert data["removed_ids"] == [10]


def test_work_is_done_so_much_at_a_time(monkeypatch):
    seen = []
    monkeypatch.setattr(
        scale, "in_parallel", lambda work, items, workers: seen.append(workers) or [work(one) for one in items]
    )
    monkeypatch.setattr(scale, "run", lambda here, runs, workers: seen.append(workers))
    done(Fleet(), spec(count=2, parallel=3))
    assert set(seen) == {3}
