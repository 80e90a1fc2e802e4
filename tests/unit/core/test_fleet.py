# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""one_vm: so many VMs, whatever happens."""

from __future__ import annotations

FLEET = {"name": "web-##", "exact_count": 3, "template": "tpl", "state": "running"}


def names(report):
    return sorted(vm["name"] for vm in report.record["instances"])


def test_a_fleet_in_five_acts(run, one):
    planned, calls = run(check=True, **FLEET)
    made, calls = run(**FLEET)
    assert (planned.changed, planned.before, planned.after) == (made.changed, made.before, made.after)
    assert names(made) == ["web-00", "web-01", "web-02"]
    assert {vm["status"] for vm in made.record["instances"]} == {"running"}
    assert len(calls) <= 3 + 7
    again, calls = run(**FLEET)
    assert not again.changed
    assert calls == ["one.vmpool.info", "one.vmpool.infoset"]
    shrunk = {"name": "web-##", "exact_count": 1}
    planned, calls = run(check=True, **shrunk)
    gone, calls = run(**shrunk)
    assert (planned.before, planned.after) == (gone.before, gone.after)
    assert names(gone) == ["web-00"]
    assert len(gone.record["removed_ids"]) == 2
