# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Locked services and service templates are neither changed nor removed, in a check run or not."""

from __future__ import annotations

import pytest
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
