# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VMs that move: states in time, room on both hosts, records, and what forbids it."""

from __future__ import annotations

import pytest
from lab import Lab

KEEP, SAVED, OFF, HARD_OFF = -1, 0, 1, 2
SHARED = 'TM_MAD="shared" TYPE="SYSTEM_DS"'


def migrate(host, live=False, check=False, datastore=KEEP, how=SAVED, oid=0):
    return ("vm.migrate", oid, host, live, check, datastore, how)


def passed(lab, steps):
    """The states in which the VM is seen, one transition after the other."""
    found = []
    for _step in range(steps):
        found.append(lab.state())
        lab.sleep(lab.cloud.events.delay)
    return [*found, lab.state()]


@pytest.mark.parametrize(
    ("how", "live", "states", "action"),
    [
        (SAVED, True, ["MIGRATE", "RUNNING"], "2"),
        (SAVED, False, ["SAVE_MIGRATE", "PROLOG_MIGRATE", "BOOT_MIGRATE", "RUNNING"], "1"),
        (OFF, False, ["SAVE_MIGRATE", "PROLOG_MIGRATE", "BOOT", "RUNNING"], "48"),
        (HARD_OFF, False, ["SAVE_MIGRATE", "PROLOG_MIGRATE", "BOOT", "RUNNING"], "49"),
        (7, False, ["SAVE_MIGRATE", "PROLOG_MIGRATE", "BOOT_MIGRATE", "RUNNING"], "1"),
    ],
)
def test_states_in_time(how, live, states, action):
    lab = Lab(delay=0.5)
    lab.make()
    lab.sleep(1)
    lab(*migrate(1, live, how=how))
    assert (lab.usage(0)[0], lab.usage(1)[0]) == (100, 100)  # room on both until it has left
    assert passed(lab, len(states) - 1) == states
    assert (lab.usage(0), lab.usage(1)) == ((0, []), (100, ["0"]))
    assert [(action, "0"), ("0", "1")] == lab.records("ACTION", "HID")


@pytest.mark.parametrize(("action", "state"), [("poweroff", "POWEROFF"), ("suspend", "SUSPENDED")])
def test_vms_at_rest_move_with_their_files(action, state):
    lab = Lab(delay=0.5)
    lab.make()
    lab.sleep(1)
    lab("vm.action", action, 0)
    lab.sleep(0.5)
    lab(*migrate(1, live=True))
    assert lab.state().startswith("PROLOG_MIGRATE_")
    assert (lab.usage(0)[0], lab.usage(1)[0]) == (0, 100)
    lab.sleep(0.5)
    assert lab.state() == state
    lab("vm.action", "resume", 0)
    lab.sleep(0.5)
    assert (lab.state(), lab.records("HID")[-1]) == ("RUNNING", ("1",))


def test_a_failed_live_migration_leaves_three_records():
    lab = Lab()
    lab.make()
    lab.sleep(0)
    lab.fail("migrate")
    lab(*migrate(1, live=True))
    assert lab.state() == "RUNNING"
    assert [hid for (hid,) in lab.records("HID")] == ["0", "1", "0"]
    assert [etime == "0" for (etime,) in lab.records("ETIME")] == [False, False, True]
    assert (lab.usage(0), lab.usage(1)) == ((100, ["0"]), (0, []))


def test_another_datastore_on_the_same_host():
    lab = Lab()
    other = lab("datastore.allocate", 'NAME="other" TM_MAD="dummy" TYPE="SYSTEM_DS"', 0)
    lab.make()
    lab(*migrate(0, datastore=other))
    assert (lab.state(), lab.records("DS_ID")) == ("RUNNING", [("0",), (str(other),)])
    assert lab.usage(0) == (100, ["0"])
    assert "TM_MAD" not in (lab.vm().findtext("TEMPLATE/AUTOMATIC_DS_REQUIREMENTS") or "")


def test_refusals():
    lab = Lab(hosts=3)
    lab.make(body='CPU="1" MEMORY="64" TOPOLOGY=[PIN_POLICY="CORE"]')
    assert lab.refusal(*migrate(1, live=True)) == "VM with a pinned NUMA topology cannot be live-migrated"
    vm = lab.make(body='CPU="1" MEMORY="64" PCI=[CLASS="0c03"]')
    assert "with PCI devices" in lab.refusal(*migrate(1, oid=vm))
    lab("host.status", 2, 2)
    assert lab.refusal(*migrate(2)) == "Host is offline, cannot use it to deploy VM"
    shared = lab("datastore.allocate", f'NAME="shared" {SHARED}', 0)
    assert lab.refusal(*migrate(0, datastore=shared)) == "Cannot migrate to a system datastore with a different driver"


def test_hosts_and_datastores_share_a_cluster():
    lab = Lab()
    cluster = lab("cluster.allocate", "other")
    lab("cluster.addhost", cluster, 1)
    lab("vm.allocate", 'CPU="1" MEMORY="64"', True)
    why = f"datastore [0] and host [1] are not in the same cluster [{cluster}]."
    assert lab.refusal("vm.deploy", 0, 1, False, 0, "") == why
    why = f"cluster [{cluster}] does not have any datastore of type SYSTEM_DS."
    assert lab.refusal("vm.deploy", 0, 1, False, KEEP, "") == why
    lab("vm.deploy", 0, 0, False, 0, "")
    assert lab.refusal(*migrate(1)).startswith("Cannot migrate VM [0] to host [1] and system datastore [0].")


def test_a_vm_that_was_stopped_goes_back_to_its_files():
    lab = Lab()
    other = lab("datastore.allocate", 'NAME="other" TM_MAD="dummy" TYPE="SYSTEM_DS"', 0)
    lab("vm.allocate", 'CPU="1" MEMORY="64"', True)
    lab("vm.deploy", 0, 0, False, other, "")
    lab("vm.action", "undeploy", 0)
    lab("vm.deploy", 0, 1, False, KEEP, "")
    assert (lab.state(), lab.records("DS_ID")) == ("RUNNING", [(str(other),), (str(other),)])


def test_an_imported_vm_runs_at_once():
    lab = Lab(delay=0.5)
    lab("vm.allocate", 'CPU="1" MEMORY="64" DEPLOY_ID="wild"', True)
    lab("vm.deploy", 0, 0, False, 0, "")
    assert (lab.state(), lab.vm().findtext("DEPLOY_ID")) == ("RUNNING", "wild")


def test_deleting_a_migrating_vm_frees_both_hosts():
    lab = Lab(delay=0.5)
    lab.make()
    lab.sleep(1)
    lab(*migrate(1, live=True))
    lab("vm.recover", 0, 3)
    lab.sleep(0.5)
    assert (lab.state(), lab.usage(0), lab.usage(1)) == ("DONE", (0, []), (0, []))
    assert all(etime != "0" for (etime,) in lab.records("ETIME"))


@pytest.mark.parametrize(("action", "state"), [("", "RUNNING"), ("poweroff", "POWEROFF")])
def test_the_scheduler_moves_what_is_marked_once_there_is_room(action, state):
    lab = Lab(hosts=1)
    lab.make(*filter(None, [action]))
    lab("vm.action", "resched", 0)
    lab.sleep(2)
    assert (lab.vm().findtext("RESCHED"), lab.records("HID")) == ("1", [("0",)])
    lab("host.allocate", "host1", "dummy", "dummy", 0)
    lab.sleep(0)
    lab.sleep(2)
    assert (lab.state(), lab.vm().findtext("RESCHED"), lab.records("HID")[-1]) == (state, "0", ("1",))


def test_a_vm_that_is_no_longer_marked_stays():
    lab = Lab(delay=10)
    lab.make()
    lab.sleep(20)
    lab("vm.action", "resched", 0)
    lab("vm.action", "unresched", 0)
    lab.sleep(60)
    assert lab.records("HID") == [("0",)]


def test_the_scheduler_finds_the_files_of_a_stopped_vm():
    lab = Lab()
    other = lab("datastore.allocate", 'NAME="other" TM_MAD="dummy" TYPE="SYSTEM_DS"', 0)
    lab("vm.allocate", 'CPU="1" MEMORY="64"', True)
    lab("vm.deploy", 0, 0, False, other, "")
    lab("vm.action", "stop", 0)
    lab("vm.action", "resume", 0)
    lab.sleep(0)
    assert (lab.state(), lab.records("DS_ID")[-1]) == ("RUNNING", (str(other),))


def test_networks_that_are_chosen_at_deployment():
    lab = Lab()
    lab("vn.allocate", 'NAME="net" VN_MAD="dummy" BRIDGE="b" AR=[TYPE="IP4",IP="10.0.0.10",SIZE="3"]', 0)
    lab("vm.allocate", 'CPU="1" MEMORY="64" CONTEXT=[NETWORK="YES"] NIC=[NETWORK_MODE="auto"]', True)
    assert lab.vm().find("TEMPLATE/NIC/IP") is None
    lab("vm.deploy", 0, 0, False, 0, 'NIC=[NIC_ID="0",NETWORK_ID="0"] NIC=[NIC_ID="7",NETWORK_ID="0"]')
    assert (lab.state(), lab.vm().findtext("TEMPLATE/NIC/IP")) == ("RUNNING", "10.0.0.10")
    assert lab.vm().findtext("TEMPLATE/CONTEXT/ETH0_IP") == "10.0.0.10"
    assert lab.tree("vn.info", 0).findtext("USED_LEASES") == "1"
    lab("vm.action", "terminate", 0)
    lab.sleep(0)
    assert lab.tree("vn.info", 0).findtext("USED_LEASES") == "0"
