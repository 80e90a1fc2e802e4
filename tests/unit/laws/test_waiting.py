# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whatever a task waits for, its message says what that is."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import RESOURCES
from kinds import SUBJECTS
from modules import Lab

WAITING = ("datastore", "host", "image", "marketapp", "security_group", "vnet")


@pytest.mark.parametrize("kind", WAITING)
def test_the_state_of_what_is_waited_for_is_said(lab: Lab, kind: str) -> None:
    subject, name = SUBJECTS[kind], lab.name()
    oid = subject.create(lab.one, name)
    item = getattr(lab.one, subject.prefix).info(oid)
    said = Engine(Cloud(lab.one), RESOURCES[kind])._state_of(item)
    assert name in said
    assert "None" not in said
