# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The rights that operations on VMs ask for."""

from __future__ import annotations

import pytest
from opennebula_simulator.levels import level
from opennebula_simulator.template import Template

CONF = Template([("VM_ADMIN_OPERATIONS", "migrate,\n backup"), ("VM_MANAGE_OPERATIONS", "Disk-Attach")])
OWN = Template([("VM_USE_OPERATIONS", "backup, disk-snapshot")])


@pytest.mark.parametrize(
    ("operation", "places", "found"),
    [
        ("migrate", [CONF], "ADMIN"),
        ("live-migrate", [CONF], "ADMIN"),
        ("disk-detach", [CONF], "MANAGE"),
        ("nic-update", [CONF], "MANAGE"),
        ("backup-cancel", [CONF], "ADMIN"),
        ("backup-cancel", [OWN, CONF], "USE"),
        ("disk-snapshot-rename", [Template(), OWN, CONF], "USE"),
        ("migrate", [OWN, CONF], "ADMIN"),
    ],
)
def test_the_first_place_that_speaks_of_an_operation_decides(operation, places, found):
    assert level(operation, places) == found


def test_a_user_may_be_let_do_more_or_less(one):
    one("user.allocate", "alice", "secret", "")
    one("vm.allocate", 'CPU="1" MEMORY="64"', True)
    one("vm.chown", 0, 2, 1)
    refused = "[one.vm.snapshotcreate] User [2] : Not authorized to perform ADMIN VM [0]."
    one("user.update", 2, 'VM_ADMIN_OPERATIONS="snapshot"', 1)
    assert one("vm.snapshotcreate", 0, "s", session="alice:secret")[1] == refused
    one("user.update", 2, 'VM_ADMIN_OPERATIONS="" VM_USE_OPERATIONS="snapshot"', 1)
    assert one("vm.snapshotcreate", 0, "s", session="alice:secret")[1].endswith("wrong state HOLD.")
    one("vm.chmod", 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    assert one("vm.snapshotcreate", 0, "s", session="alice:secret")[1].endswith("wrong state HOLD.")
