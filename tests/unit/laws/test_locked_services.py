# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Locked services and service templates are neither changed nor removed, in a check run or not."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import guard
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import service as service_kind
from modules import Lab, assert_refused
from rights import failed_service, held_service, service, service_template

CHANGES_OF_SERVICES = [
    {"state": "absent"},
    {"role": "web", "cardinality": 2},
    {"roles": [{"name": "web", "cooldown": 7}]},
    {"roles": [{"name": "cache", "template": "tpl", "cardinality": 1}]},
    {"role_action": {"action": "reboot"}},
]


@pytest.mark.parametrize("options", CHANGES_OF_SERVICES)
def test_a_locked_service_keeps_its_vms(lab: Lab, options):
    """OneFlow would work on the VMs of a locked service, and could not write down that it has."""
    oid = service(lab, lab.name())
    lab.one.document.lock(oid, 2, False)
    assert_refused(lab, "one_service", "is locked (manage)", "document.unlock of one_call", id=oid, **options)
    lab.one.document.unlock(oid)
    assert lab.run("one_service", id=oid, **options).changed


@pytest.mark.parametrize(("prepare", "state"), [(held_service, "running"), (failed_service, "recovered")])
def test_a_locked_service_stays_as_it_is(lab: Lab, prepare, state):
    oid = prepare(lab, lab.name())
    lab.one.document.lock(oid, 1, False)
    assert_refused(lab, "one_service", "is locked (use)", id=oid, state=state)


def test_a_locked_service_template_is_not_removed(lab: Lab):
    oid = service_template(lab, lab.name())
    lab.one.document.lock(oid, 2, False)
    assert_refused(lab, "one_service_template", "is locked (manage)", "document.unlock", id=oid, state="absent")
    lab.one.document.lock(oid, 3, False)
    assert lab.run("one_service_template", id=oid, state="absent").changed


@pytest.mark.parametrize("options", [one for one in CHANGES_OF_SERVICES if "cooldown" not in str(one)], ids=str)
def test_a_lock_that_comes_with_the_change_is_told_with_what_to_compare(lab: Lab, monkeypatch, options):
    """OneFlow takes the change, and cannot write down what it does."""
    oid = service(lab, lab.name())
    answer = Cloud.answer

    def locked(cloud, method, *arguments):
        if method in guard.OF_SERVICES:
            lab.one.document.lock(oid, 2, False)
        return answer(cloud, method, *arguments)

    monkeypatch.setattr(Cloud, "answer", locked)
    done = lab.run("one_service", id=oid, **options)
    monkeypatch.undo()
    assert done.failed and "was locked (manage) while OneFlow changed it" in done.message
    assert f"one_vm_info with attributes: {{SERVICE_ID: {oid}}}" in done.message
    found = lab.run("one_vm_info", attributes={"SERVICE_ID": oid}).data["instances"]
    assert found or options.get("state") == "absent"
    lab.one.document.unlock(oid)
    assert not lab.run("one_service", id=oid, state="absent").failed


def test_a_lock_that_comes_later_is_told_while_the_change_is_waited_for(lab: Lab, monkeypatch):
    oid = service(lab, lab.name())
    rests, looks = service_kind.rests, []

    def locked(wanted, item):
        looks.append(item)
        if len(looks) == 1:
            lab.one.document.lock(oid, 1, False)
            return False
        return rests(wanted, item)

    monkeypatch.setattr(service_kind, "rests", locked)
    done = lab.run("one_service", id=oid, role="web", cardinality=2, wait_timeout=20)
    assert done.failed and "was locked (use) while OneFlow changed it" in done.message
    lab.one.document.unlock(oid)


@pytest.mark.parametrize("method", sorted(guard.OF_SERVICES))
@pytest.mark.parametrize("arguments", [[], ["x"], [10**6], [10**6, None, None], [0, {}, "x", []], [0, [], {}]], ids=str)
def test_any_arguments_of_a_call_end_in_one_sentence(lab: Lab, method, arguments):
    done = lab.run("one_call", method=method, arguments=arguments)
    assert done.failed and "fault of the collection" not in done.message, done.message
