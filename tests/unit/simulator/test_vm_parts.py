# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Disks, interfaces, snapshots, devices, configuration and commands of a VM: failures and states."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET

import pytest

RUNNING, POWEROFF = ("3", "3"), ("8", "0")
FOREVER = 3600


@pytest.fixture
def vm(one):
    """VM 0 runs on host 0, from image 0, in network 0. Image 1 is a data block, image 2 a persistent one."""
    one("host.allocate", "host0", "dummy", "dummy", 0)
    for oid in range(3):
        one("datastore.update", oid, 'TM_MAD="dummy" DS_MAD="dummy"', 1)
    one("image.allocate", 'NAME="os" PATH="/os" TYPE="OS"', 1)
    one("image.allocate", 'NAME="data" SIZE="128" TYPE="DATABLOCK"', 1)
    one("image.allocate", 'NAME="kept" SIZE="64" TYPE="DATABLOCK" PERSISTENT="YES"', 1)
    one("vn.allocate", 'NAME="net" VN_MAD="dummy" BRIDGE="b" AR=[TYPE="IP4",IP="10.0.0.10",SIZE="3"]', 0)
    body = (
        'NAME="vm" CPU="0.5" MEMORY="128" DISK=[IMAGE_ID="0"] NIC=[NETWORK_ID="0"]'
        ' CONTEXT=[NETWORK="YES"] GRAPHICS=[TYPE="VNC"]'
    )
    assert one("vm.allocate", body, True) == [True, 0, 0]
    assert one("vm.deploy", 0, 0, False, 0, "")[0]
    assert state(one) == RUNNING


def shown(one, method="vm.info", oid=0):
    return ET.fromstring(one(method, oid)[1])


def state(one):
    tree = shown(one)
    return tree.findtext("STATE"), tree.findtext("LCM_STATE")


def texts(one, path, method="vm.info", oid=0):
    return [each.text for each in shown(one, method, oid).findall(path)]


def error(one):
    """The VM's ERROR without its date."""
    return (shown(one).findtext("USER_TEMPLATE/ERROR") or "").partition(": ")[2]


def power_off(one):
    assert one("vm.action", "poweroff", 0)[0]
    assert state(one) == POWEROFF


def failing(simulator, action):
    simulator.cloud.events.failures.append((action, "vm-0"))


def stuck(simulator):
    """No driver answers any more."""
    simulator.cloud.events.delay = FOREVER


pytestmark = pytest.mark.usefixtures("vm")

# ---------------------------------------------------------------- failing drivers

VOLATILE = 'DISK=[TYPE="fs",SIZE="10"]'
FAILURES = [  # driver action, call, whether in POWEROFF, error, path and what is there afterwards
    ("attach_disk", ("attach", 'DISK=[IMAGE_ID="1"]'), False, "Error attaching new VM Disk", "DISK/IMAGE", ["os"]),
    ("attach_disk", ("attach", VOLATILE), True, "Error attaching new VM Disk", "DISK/DISK_ID", ["0"]),
    ("detach_disk", ("detach", 0), False, "Error detaching VM Disk", "DISK/DISK_ID", ["0"]),
    ("resize_disk", ("diskresize", 0, "4096"), False, "Error resizing disk", "DISK/SIZE", ["1024"]),
    ("resize_disk", ("diskresize", 0, "4096"), True, "Error resizing disk", "DISK/SIZE_PREV", []),
    ("attach_nic", ("attachnic", 'NIC=[NETWORK_ID="0"]'), False, "Error attaching new VM NIC", "NIC/NIC_ID", ["0"]),
    ("detach_nic", ("detachnic", 0), True, "Error detaching VM NIC", "NIC/NIC_ID", ["0"]),
    ("update_conf", ("updateconf", 'CONTEXT=[A="1"]', 1), False, "Error updating conf for VM", "CONTEXT/A", []),
    (
        "update_nic",
        ("updatenic", 0, 'NIC=[INBOUND_AVG_BW="1"]', 1),
        False,
        "Error updating VM NIC",
        "NIC/INBOUND_AVG_BW",
        [],
    ),
    ("snapshot_create", ("snapshotcreate", "s"), False, "Error creating new VM Snapshot", "SNAPSHOT", []),
    ("exec", ("exec", "ls", ""), False, "Error executing command in VM", "QEMU_GA_EXEC/STATUS", ["ERROR"]),
]


@pytest.mark.parametrize(("action", "call", "off", "why", "path", "left"), FAILURES)
def test_a_failing_driver_leads_back(simulator, one, action, call, off, why, path, left):
    failing(simulator, action)
    if off:
        power_off(one)
    assert one(f"vm.{call[0]}", 0, *call[1:])[0]
    assert state(one) == (POWEROFF if off else RUNNING)
    assert error(one) == why
    assert texts(one, f"TEMPLATE/{path}") == left


def test_what_could_not_be_attached_is_free_again(simulator, one):
    failing(simulator, "attach_*")
    one("vm.attach", 0, 'DISK=[IMAGE_ID="2"]')
    one("vm.attachnic", 0, 'NIC=[NETWORK_ID="0"]')
    assert state(one) == RUNNING
    assert texts(one, "STATE", "image.info", 2) == ["1"]
    assert texts(one, "USED_LEASES", "vn.info") == ["1"]
    assert "ETH1_IP" not in one("vm.info", 0)[1]


def test_a_failed_disk_snapshot_is_not_kept(simulator, one):
    failing(simulator, "snap_create")
    assert one("vm.disksnapshotcreate", 0, 0, "s") == [True, 0, 0]
    assert texts(one, "SNAPSHOTS/SNAPSHOT") == []
    assert texts(one, "TEMPLATE/DISK/DISK_SNAPSHOT_TOTAL_SIZE") == ["0"]


def test_a_failed_copy_leaves_an_image_in_error(simulator, one):
    failing(simulator, "cpds")
    assert one("vm.disksaveas", 0, 0, "saved", "", -1) == [True, 3, 0]
    assert state(one) == RUNNING
    assert texts(one, "STATE", "image.info", 3) == ["5"]


def test_failed_rules_are_seen_in_the_security_group(simulator, one):
    failing(simulator, "update_sg")
    assert one("secgroup.allocate", 'NAME="web"') == [True, 100, 0]
    assert one("vm.attachsg", 0, 0, 100)[0]
    assert texts(one, "ERROR_VMS/ID", "secgroup.info", 100) == ["0"]


# ---------------------------------------------------------------- transient states and recovery

TRANSIENT = [  # call, LCM state while the VM ran, and while it was powered off
    (("attach", VOLATILE), "17", "33"),
    (("detach", 0), "17", "34"),
    (("attachnic", "NIC=[]"), "25", "65"),
    (("detachnic", 0), "25", "65"),
    (("diskresize", 0, "4096"), "62", "63"),
    (("disksnapshotcreate", 0, ""), "57", "51"),
    (("disksaveas", 0, "saved", "", -1), "26", "27"),
]


@pytest.mark.parametrize(("call", "running", "off"), TRANSIENT)
@pytest.mark.parametrize("powered_off", [False, True])
def test_transient_states(simulator, one, call, running, off, powered_off):
    if powered_off:
        power_off(one)
    stuck(simulator)
    assert one(f"vm.{call[0]}", 0, *call[1:])[0]
    assert state(one) == ("3", off if powered_off else running)
    refused = one("vm.attach", 0, VOLATILE)
    assert refused[2] == 2048
    assert "wrong state" in refused[1]
    assert one("vm.recover", 0, 1)[0]
    assert state(one) == (POWEROFF if powered_off else RUNNING)


def test_a_recovered_failure_takes_back(simulator, one):
    stuck(simulator)
    one("vm.diskresize", 0, 0, "4096")
    assert one("vm.recover", 0, 0)[0]
    assert (state(one), texts(one, "TEMPLATE/DISK/SIZE")) == (RUNNING, ["1024"])


def test_deletion_frees_what_is_being_attached(simulator, one):
    stuck(simulator)
    one("vm.attach", 0, 'DISK=[IMAGE_ID="2"]')
    simulator.cloud.events.delay = 0
    assert one("vm.recover", 0, 3)[0]
    assert state(one) == ("6", "0")
    assert texts(one, "STATE", "image.info", 2) == ["1"]


# ---------------------------------------------------------------- disks


def test_a_persistent_image_keeps_size_and_snapshots(one):
    one("vm.attach", 0, 'DISK=[IMAGE_ID="2"]')
    one("vm.diskresize", 0, 2, "100")
    assert one("vm.disksnapshotcreate", 0, 2, "first") == [True, 0, 0]
    assert one("vm.disksnapshotcreate", 0, 2, "second") == [True, 1, 0]
    refused = one("vm.disksnapshotdelete", 0, 2, 0)
    assert refused[1] == "[one.vm.disksnapshotdelete] Cannot delete snapshot 0 for persistent disk images"
    one("vm.detach", 0, 2)
    assert texts(one, "SIZE", "image.info", 2) == ["100"]
    assert texts(one, "SNAPSHOTS/SNAPSHOT/NAME", "image.info", 2) == ["first", "second"]
    assert texts(one, "SNAPSHOTS/DISK_ID", "image.info", 2) == []
    assert texts(one, "SNAPSHOTS") == []
    one("vm.attach", 0, 'DISK=[IMAGE_ID="2"]')
    assert texts(one, "SNAPSHOTS/SNAPSHOT/NAME") == ["first", "second"]
    assert texts(one, "TEMPLATE/DISK/DISK_SNAPSHOT_TOTAL_SIZE") == ["0", "200"]


def test_snapshots_of_an_image(one):
    one("vm.attach", 0, 'DISK=[IMAGE_ID="2"]')
    for name in ("first", "second"):
        one("vm.disksnapshotcreate", 0, 2, name)
    assert (
        one("image.snapshotrevert", 2, 0)[1]
        == "[one.image.snapshotrevert] Cannot revert to snapshot in state USED_PERS"
    )
    one("vm.detach", 0, 2)
    assert one("image.snapshotdelete", 2, 1)[1] == "[one.image.snapshotdelete] Cannot delete the active snapshot"
    assert one("image.snapshotrevert", 2, 0) == [True, 2, 0]
    assert one("image.snapshotdelete", 2, 1) == [True, 2, 0]
    assert texts(one, "SNAPSHOTS/SNAPSHOT/ID", "image.info", 2) == ["0"]
    assert one("image.snapshotflatten", 2, 0) == [True, 2, 0]
    assert texts(one, "SNAPSHOTS/*", "image.info", 2) == []


def test_snapshots_of_an_image_count_for_its_owner(one):
    one("user.allocate", "alice", "secret", "")
    one("image.chown", 2, 2, 1)
    one("vm.attach", 0, 'DISK=[IMAGE_ID="2"]')
    one("vm.disksnapshotcreate", 0, 2, "")
    one("vm.disksnapshotcreate", 0, 2, "")
    one("vm.detach", 0, 2)
    used = "DATASTORE_QUOTA/DATASTORE/SIZE_USED"
    assert texts(one, used, "user.info", 2) == ["192"]
    one("image.snapshotrevert", 2, 0)
    one("image.snapshotdelete", 2, 1)
    assert texts(one, used, "user.info", 2) == ["128"]
    one("image.snapshotflatten", 2, 0)
    assert texts(one, used, "user.info", 2) == ["64"]
    one("image.delete", 2)
    assert texts(one, used, "user.info", 2) == []


def test_reverting_makes_a_snapshot_the_active_one(one):
    for dummy in range(2):
        one("vm.disksnapshotcreate", 0, 0, "")
    power_off(one)
    assert one("vm.disksnapshotrevert", 0, 0, 0)[0]
    assert state(one) == POWEROFF
    assert texts(one, "SNAPSHOTS/SNAPSHOT[ACTIVE='YES']/ID") == ["0"]
    assert texts(one, "HISTORY_RECORDS/HISTORY/ACTION")[-2:] == ["41", "19"]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (("disksnapshotcreate", 0, 2, "s"), "Cannot make snapshots on disks of type: fs"),
        (("disksnapshotdelete", 0, 2, 0), "Snapshots are not supported on disks of type: fs"),
        (("disksnapshotrevert", 0, 2, 0), "Snapshots are not supported on disks of type: fs"),
        (("disksnapshotrename", 0, 2, 0, "s"), "Snapshots are not supported on disks of type: fs"),
        (("attach", 0, 'DISK=[TYPE="block",SIZE="1"]'), "Unknown disk type BLOCK"),
        (("attach", 0, 'DISK=[TYPE="swap",SIZE="-1"]'), "SIZE attribute must be a positive integer value."),
        (
            ("attach", 0, 'DISK=[IMAGE="os",IMAGE_UNAME="nobody"]'),
            "User 0 does not own an image with name: os . Set IMAGE_UNAME or IMAGE_UID of owner in DISK.",
        ),
    ],
)
def test_refused_disks(one, call, why):
    one("vm.attach", 0, VOLATILE)
    assert one(f"vm.{call[0]}", *call[1:])[1] == f"[one.vm.{call[0]}] {why}"


def test_an_image_being_made_cannot_be_attached(simulator, one):
    stuck(simulator)
    one("image.allocate", 'NAME="new" SIZE="1" TYPE="DATABLOCK"', 1)
    refused = one("vm.attach", 0, 'DISK=[IMAGE_ID="3"]')
    assert refused[1] == "[one.vm.attach] Cannot acquire image 3, it is locked"
    assert state(one) == RUNNING


def test_volatile_disks_lie_in_the_system_datastore(one):
    one("vm.attach", 0, 'DISK=[TYPE="swap",SIZE="10"]')
    disk = shown(one).findall("TEMPLATE/DISK")[1]
    found = {name: disk.findtext(name) for name in ("DATASTORE", "DRIVER", "FORMAT", "TARGET", "TYPE")}
    assert found == {"DATASTORE": "system", "DRIVER": "raw", "FORMAT": "raw", "TARGET": "sdb", "TYPE": "swap"}


def test_a_cdrom_is_read_only_and_of_its_own_bus(one):
    one("image.allocate", 'NAME="cd" PATH="/cd" TYPE="CDROM"', 1)
    one("vm.attach", 0, 'DISK=[IMAGE="cd"]')
    disk = shown(one).findall("TEMPLATE/DISK")[1]
    found = {name: disk.findtext(name) for name in ("TARGET", "TYPE", "CLONE", "SAVE", "READONLY")}
    assert found == {"TARGET": "hdb", "TYPE": "CDROM", "CLONE": "NO", "SAVE": "NO", "READONLY": "YES"}
    refused = one("vm.disksnapshotcreate", 0, 2, "s")
    assert refused[1] == "[one.vm.disksnapshotcreate] Cannot make snapshots on readonly disks"


def test_an_image_may_be_used_twice(one):
    one("vm.attach", 0, 'DISK=[IMAGE_ID="0"]')
    assert texts(one, "VMS/ID", "image.info", 0) == ["0"]
    one("vm.detach", 0, 2)
    assert texts(one, "VMS/ID", "image.info", 0) == ["0"]
    one("vm.attach", 0, 'DISK=[IMAGE_ID="0"]')
    one("vm.disksnapshotcreate", 0, 0, "s")
    one("vm.action", "terminate", 0)
    assert texts(one, "VMS/ID", "image.info", 0) == []
    assert texts(one, "SNAPSHOTS/SNAPSHOT/NAME") == ["s"]


# ---------------------------------------------------------------- interfaces


def test_leases_run_out_and_come_back(one):
    for dummy in range(2):
        assert one("vm.attachnic", 0, 'NIC=[NETWORK_ID="0"]')[0]
    refused = one("vm.attachnic", 0, 'NIC=[NETWORK_ID="0"]')
    assert refused[1] == "[one.vm.attachnic] Cannot get IP/MAC lease from virtual network 0."
    assert one("vm.detachnic", 0, 1)[0]
    assert one("vm.attachnic", 0, 'NIC=[NETWORK_ID="0"]')[0]
    assert texts(one, "TEMPLATE/NIC/IP") == ["10.0.0.10", "10.0.0.12", "10.0.0.11"]


def test_an_alias_leaves_its_parent(one):
    for dummy in range(2):
        one("vm.attachnic", 0, 'NIC_ALIAS=[NETWORK_ID="0",PARENT="NIC0"]')
    assert one("vm.detachnic", 0, 1)[0]
    assert texts(one, "TEMPLATE/NIC/ALIAS_IDS") == ["2"]
    assert texts(one, "TEMPLATE/NIC_ALIAS/NAME") == ["NIC0_ALIAS2"]
    assert "ETH0_ALIAS0_IP" not in one("vm.info", 0)[1]
    assert texts(one, "HISTORY_RECORDS/HISTORY/ACTION") == ["46", "46", "47", "0"]
    refused = one("vm.updatenic", 0, 2, 'NIC=[INBOUND_AVG_BW="1"]', 1)
    assert refused[1] == "[one.vm.updatenic] Action not supported for NIC_ALIAS"


def test_security_groups_come_and_go(one):
    one("secgroup.allocate", 'NAME="web" RULE=[PROTOCOL="TCP",RULE_TYPE="INBOUND",RANGE="80"]')
    assert one("vm.attachsg", 0, 0, 100)[0]
    assert texts(one, "TEMPLATE/NIC/SECURITY_GROUPS") == ["0,100"]
    assert texts(one, "TEMPLATE/SECURITY_GROUP_RULE[RANGE='80']/SECURITY_GROUP_NAME") == ["web"]
    assert texts(one, "UPDATED_VMS/ID", "secgroup.info", 100) == ["0"]
    assert one("vm.detachsg", 0, 0, 100)[0]
    assert texts(one, "TEMPLATE/SECURITY_GROUP_RULE[RANGE='80']") == []
    assert texts(one, "UPDATED_VMS/ID", "secgroup.info", 100) == []


@pytest.mark.parametrize(
    ("call", "code", "why"),
    [
        (("attachsg", 0, 7, 0), 8192, "VM 0 doesn't have NIC id 7"),
        (("detachsg", 0, 7, 0), 2048, "VM 0 doesn't have NIC id 7"),
        (("attachsg", 0, 0, 99), 2048, "Could not attach SG 99 to VM, SG does not exist"),
    ],
)
def test_refused_security_groups(one, call, code, why):
    assert one(f"vm.{call[0]}", *call[1:])[1:3] == [f"[one.vm.{call[0]}] {why}", code]


def test_security_groups_wait_for_the_interface(simulator, one):
    stuck(simulator)
    one("vm.attachnic", 0, "NIC=[]")
    assert one("vm.attachsg", 0, 0, 0)[1] == "[one.vm.attachsg] VM 0 is in wrong state HOTPLUG_NIC"


# ---------------------------------------------------------------- devices, configuration, commands


def test_devices_belong_to_one_vm(one):
    power_off(one)
    gpu = 'PCI=[SHORT_ADDRESS="02:00.0"]'
    assert one("vm.attachpci", 0, gpu)[0]
    assert texts(one, "HOST_SHARE/PCI_DEVICES/PCI[SHORT_ADDRESS='02:00.0']/VMID", "host.info") == ["0"]
    assert one("vm.attachpci", 0, gpu)[1].endswith("Cannot assign PCI device in host. Check address and free devices")
    assert one("vm.attachpci", 0, 'PCI=[TYPE="NIC",CLASS="0200"]')[1].endswith(
        "Use one.vm.attachnic to attach this PCI device"
    )
    assert one("vm.detachpci", 0, 0)[0]
    assert texts(one, "HOST_SHARE/PCI_DEVICES/PCI[SHORT_ADDRESS='02:00.0']/VMID", "host.info") == ["-1"]


def test_devices_of_a_vm_that_ends_are_free(one):
    power_off(one)
    one("vm.attachpci", 0, 'PCI=[CLASS="0c03"]')
    one("vm.action", "terminate", 0)
    assert set(texts(one, "HOST_SHARE/PCI_DEVICES/PCI/VMID", "host.info")) == {"-1"}


def test_an_interface_may_be_a_device(one):
    assert one("vm.attachnic", 0, 'PCI=[TYPE="NIC",NETWORK_ID="0",CLASS="0200"]')[0]
    device = shown(one).find("TEMPLATE/PCI")
    found = {name: device.findtext(name) for name in ("IP", "NIC_ID", "PCI_ID", "ADDRESS", "VM_ADDRESS")}
    assert found == {
        "IP": "10.0.0.11",
        "NIC_ID": "1",
        "PCI_ID": "0",
        "ADDRESS": "0000:04:00:1",
        "VM_ADDRESS": "01:01.0",
    }
    assert one("vm.detachnic", 0, 1)[0]
    assert set(texts(one, "HOST_SHARE/PCI_DEVICES/PCI/VMID", "host.info")) == {"-1"}
    assert texts(one, "USED_LEASES", "vn.info") == ["1"]


def test_configuration_needs_a_context_to_change_one(one):
    one("vm.allocate", 'CPU="1" MEMORY="64"', True)
    refused = one("vm.updateconf", 1, 'CONTEXT=[A="1"]', 1)
    assert refused[1:3] == ["[one.vm.updateconf] Virtual machine does not have context, cannot add a new one.", 8192]


def test_a_new_console_gets_a_port(one):
    assert one("vm.updateconf", 0, 'CPU_MODEL=[MODEL="host"]', 0)[0]
    assert texts(one, "TEMPLATE/GRAPHICS") == []
    assert one("vm.updateconf", 0, 'GRAPHICS=[TYPE="VNC"]', 1)[0]
    assert texts(one, "TEMPLATE/GRAPHICS/PORT") == ["5900"]


def test_incremental_backups_forbid_snapshots(one):
    one("vm.allocate", 'CPU="1" MEMORY="64" BACKUP_CONFIG=[MODE="INCREMENT"]', True)
    for method, arguments in (("disksnapshotcreate", (0, "s")), ("snapshotcreate", ("s",))):
        assert one(f"vm.{method}", 1, *arguments)[1].endswith("is not compatible with incremental backups")


def test_commands_are_repeated_and_cancelled(one):
    one("vm.exec", 0, "ls", "input")
    busy = "Could not execute command, a command is already being executed"
    assert one("vm.exec", 0, "ls", "")[1].endswith(busy)
    assert one("vm.cancelexec", 0) == [True, 0, 0]
    assert one("vm.cancelexec", 0)[1].endswith("Could not cancel command, there is no command being executed")
    assert texts(one, "TEMPLATE/QEMU_GA_EXEC/STATUS") == ["CANCELLED"]
    assert one("vm.retryexec", 0) == [True, 0, 0]
    found = [texts(one, f"TEMPLATE/QEMU_GA_EXEC/{name}")[0] for name in ("COMMAND", "STDIN", "STATUS")]
    assert found == ["ls", "input", "EXECUTING"]


@pytest.mark.parametrize(
    ("command", "given", "ended"),
    [
        ("echo 'a  b' c", "", ("0", "a  b c\n", "")),
        ("cat", "line", ("0", "line", "")),
        ("false", "", ("1", "", "")),
        ("exit 300", "", ("44", "", "")),
        ("", "", ("0", "", "")),
        ("nought", "", ("127", "", "sh: nought: not found\n")),
        ("echo 'open", "", ("2", "", "sh: syntax error: No closing quotation\n")),
    ],
)
def test_guests_of_other_drivers_answer(one, command, given, ended):
    one("host.allocate", "host1", "kvm", "kvm", 0)
    one("vm.allocate", 'CPU="0.5" MEMORY="128"', True)
    one("vm.deploy", 1, 1, False, 0, "")
    one("vm.exec", 1, command, base64.b64encode(given.encode()).decode())
    last = shown(one, oid=1).find("TEMPLATE/QEMU_GA_EXEC")
    output = [base64.b64decode(last.findtext(name) or "").decode() for name in ("STDOUT", "STDERR")]
    assert last.findtext("STATUS") == "DONE"
    assert (last.findtext("RETURN_CODE"), *output) == ended


# ---------------------------------------------------------------- rights


def test_parts_ask_for_rights(one):
    one("user.allocate", "alice", "secret", "")
    refused = one("vm.detach", 0, 0, session="alice:secret")
    assert refused[2] == 512
    one("vm.chown", 0, 2, -1)
    refused = one("vm.attach", 0, 'DISK=[IMAGE_ID="1"]', session="alice:secret")
    assert refused[1] == "[one.vm.attach] User [2] : Not authorized to perform USE IMAGE [1]."
    refused = one("vm.attachnic", 0, 'NIC=[NETWORK_ID="0",MAC="02:00:00:00:00:01"]', session="alice:secret")
    assert refused[1:3] == ["[one.vm.attachnic] User [2] : NIC includes a restricted attribute MAC.", 512]
    assert one("vm.attachnic", 0, 'NIC=[NETWORK_ID="0"]', session="alice:secret")[0]
