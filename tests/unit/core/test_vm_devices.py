# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Disks, NICs and aliases: which one a task means, and how each is attached, changed, detached."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes, Reference, Step
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import devices
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.devices import ALIAS, DISK, NIC
from fake_vms import Element, cloud, refusal, unmarked

PLUGGED = frozenset(("running", "poweredoff"))
ANY_BUT_CHANGING = frozenset(("pending", "held", "stopped", "suspended", "poweredoff", "undeployed", "running"))
OF_VM = "of VM db"

# ---------------------------------------------------------------- one form


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"image": "os"}, {"IMAGE": "os"}),
        ({"image_id": 3}, {"IMAGE_ID": "3"}),
        ({"type": "fs", "size": "1 GB"}, {"TYPE": "fs", "SIZE": "1024"}),
        ({"disk_id": 0, "size": 512}, {"DISK_ID": "0", "SIZE": "512"}),
        ({"target": "vdb"}, {"TARGET": "vdb"}),
    ],
)
def test_a_disk_has_one_form(given, found):
    assert devices.canonical_disks(None, [given]) == [found]


@pytest.mark.parametrize(
    "given",
    [{name: "1"} for name in "NETWORK NETWORK_ID NETWORK_MODE NIC_ID NAME IP IP6 MAC".split()],
    ids=lambda given: next(iter(given)),
)
def test_a_nic_has_one_form(given):
    assert devices.canonical_nics(cloud(), [given]) == [given]


GROUPS = [Element(ID=10, NAME="web"), Element(ID=9, NAME="ssh"), Element(ID=100, NAME="all")]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("web", "10"),
        ("web, ssh", "9,10"),
        ("all,web,ssh", "9,10,100"),
        ("7", "7"),
        ("web,, 7", "7,10"),
        (["ssh", "web"], "9,10"),
        ("07", "7"),
        ("", ""),
    ],
)
def test_security_groups_are_ids_in_order(given, found):
    here = cloud(secgrouppool_info=GROUPS)
    (nic,) = devices.canonical_nics(here, [{"network": "net", "security_groups": given}])
    assert nic == {"NETWORK": "net", "SECURITY_GROUPS": found}


def test_a_security_group_that_is_yet_to_be_created_stays_as_it_is_written():
    here = cloud(check=True, secgrouppool_info=GROUPS)
    (nic,) = devices.canonical_nics(here, [{"network": "net", "security_groups": "new,web"}])
    assert nic["SECURITY_GROUPS"] == "10,new"


FORMS = {"disks": devices.canonical_disks, "networks": devices.canonical_nics}
ONE_OF_DISK = "Each of the option disks is a dictionary with one of IMAGE, IMAGE_ID, TYPE, DISK_ID, TARGET."
ONE_OF_NIC = (
    "Each of the option networks is a dictionary with one of NETWORK, NETWORK_ID, NETWORK_MODE, NIC_ID, NAME, IP, IP6, "
    "MAC."
)


@pytest.mark.parametrize(
    ("form", "given", "message", "data"),
    [
        ("disks", {"size": "1 GB"}, ONE_OF_DISK, {"object": "vm"}),
        ("networks", {"model": "virtio"}, ONE_OF_NIC, {"object": "vm"}),
        (
            "disks",
            {"disk_id": "a"},
            "The option disks (DISK_ID) takes a number from 0, not 'a'.",
            {},
        ),
        (
            "networks",
            {"nic_id": "-1"},
            "The option networks (NIC_ID) takes a number from 0, not '-1'.",
            {},
        ),
        (
            "disks",
            {"type": "fs", "size": "much"},
            "The option disks (SIZE) takes a size such as 4096 (MB), 512 MB or 4 GB, not 'much'.",
            {},
        ),
    ],
)
def test_what_is_no_device_is_told(form, given, message, data):
    assert refusal(FORMS[form], cloud(), [given]) == (message, data)


@pytest.mark.parametrize("option", ["disks", "networks"])
def test_what_opennebula_cannot_store_is_told_by_its_option(option):
    message, dummy = refusal(FORMS[option], cloud(), [{"image": {"a": 1}}])
    assert message.startswith("Cannot use the option %s: the member image of the vector " % option)


# ---------------------------------------------------------------- which device is meant

MEANT = [  # device, wanted, present, index of the present one that each means
    (DISK, [{"IMAGE": "os"}], [{"IMAGE": "os", "IMAGE_ID": "0"}], [0]),
    (DISK, [{"IMAGE": "os"}], [{"IMAGE": "data", "IMAGE_ID": "1"}], [None]),
    (DISK, [{"IMAGE": "os"}], [{}], [None]),
    (DISK, [{"IMAGE_ID": "1", "IMAGE": "os"}], [{"IMAGE": "os", "IMAGE_ID": "0"}], [None]),
    (DISK, [{"IMAGE": "os"}] * 2, [{"IMAGE": "os"}], [0, None]),
    (DISK, [{"IMAGE": "os"}, {"DISK_ID": "0"}], [{"DISK_ID": "0", "IMAGE": "os"}, {"IMAGE": "os"}], [1, 0]),
    (DISK, [{"DISK_ID": "1"}], [{"DISK_ID": "0"}, {"DISK_ID": "1"}], [1]),
    (DISK, [{"DISK_ID": "01"}], [{"DISK_ID": "1"}], [0]),
    (DISK, [{"DISK_ID": "1"}], [{"TARGET": "vda"}, {}], [None]),
    (DISK, [{"DISK_ID": "0", "TARGET": "vda"}], [{"DISK_ID": "1", "TARGET": "vda"}], [None]),
    (DISK, [{"TARGET": "vdb"}], [{"TARGET": "vda"}, {"TARGET": "vdb"}], [1]),
    (DISK, [{"TARGET": "vdb", "IMAGE": "os"}], [{"IMAGE": "os"}], [None]),
    (DISK, [{"TYPE": "fs", "SIZE": "9"}], [{"TYPE": "FS", "SIZE": "8"}], [0]),
    (DISK, [{"TYPE": "swap"}], [{"TYPE": "fs"}], [None]),
    (DISK, [{"TYPE": "fs"}], [{}], [None]),
    (DISK, [{"TYPE": "fs"}], [{"TYPE": "fs", "IMAGE_ID": "0"}], [None]),
    (DISK, [{"TYPE": "fs", "FORMAT": "RAW"}], [{"TYPE": "fs", "FORMAT": "raw"}], [0]),
    (DISK, [{"TYPE": "fs", "FORMAT": "qcow2"}], [{"TYPE": "fs", "FORMAT": "raw"}], [None]),
    (DISK, [{"TYPE": "fs", "FORMAT": "raw"}], [{"TYPE": "fs"}], [None]),
    (DISK, [{"SIZE": "9"}], [{}], [None]),
    (NIC, [{"NETWORK": "net"}], [{"NETWORK": "net2"}, {"NETWORK": "net"}], [1]),
    (NIC, [{"NETWORK": "net"}], [{}], [None]),
    (NIC, [{"NETWORK_ID": "1"}], [{}], [None]),
    (NIC, [{"NETWORK_ID": "0"}], [{"NETWORK_ID": "00"}], [0]),
    (NIC, [{"NETWORK_ID": "0", "NETWORK": "net"}], [{"NETWORK_ID": "1", "NETWORK": "net"}], [None]),
    (NIC, [{"NETWORK_MODE": "auto"}], [{"NETWORK_MODE": "auto"}], [0]),
    (NIC, [{"NETWORK": "net", "IP": "10.0.0.1"}], [{"NETWORK": "net", "IP": "10.0.0.2"}], [None]),
    (NIC, [{"IP": "10.0.0.2"}], [{"NETWORK": "net", "IP": "10.0.0.2"}], [0]),
    (NIC, [{"IP6": "fe80::1"}], [{"IP6": "fe80::1"}], [0]),
    (NIC, [{"MAC": "02:00"}], [{"MAC": "02:01"}, {"MAC": "02:00"}], [1]),
    (NIC, [{"NAME": "eth1", "IP": "10.0.0.1"}], [{"NAME": "eth1", "IP": "10.0.0.2"}], [0]),
    (NIC, [{"NIC_ID": "1", "NAME": "a"}], [{"NIC_ID": "0", "NAME": "a"}, {"NIC_ID": "1"}], [1]),
    (NIC, [{"MODEL": "e1000"}], [{"MODEL": "e1000"}], [None]),
    (NIC, [], [{"NETWORK": "net"}], []),
    (ALIAS, [{"NETWORK": "net"}], [{"NETWORK": "net", "PARENT": "NIC0"}], [0]),
    (ALIAS, [{"NETWORK": "net", "PARENT": "NIC0"}], [{"NETWORK": "net", "PARENT": "NIC0"}], [0]),
    (ALIAS, [{"NETWORK": "net", "PARENT": "NIC1"}], [{"NETWORK": "net", "PARENT": "NIC0"}], [None]),
    (ALIAS, [{"NETWORK": "net2", "PARENT": "NIC0"}], [{"NETWORK": "net", "PARENT": "NIC0"}], [None]),
]


@pytest.mark.parametrize(("device", "wanted", "present", "meant"), MEANT)
def test_which_device_is_meant(device, wanted, present, meant):
    assert devices.match(device, wanted, present) == meant


# ---------------------------------------------------------------- plans


def planned(device, wanted, present, purge=False):
    purges = frozenset(["purge"] if purge else [])
    record = {"id": 7, "name": "db", device.option: present}
    return devices.plan_devices(device, "purge", record, {device.option: wanted}, Modes(purge=purges))


OS = {"DISK_ID": "0", "IMAGE": "os", "IMAGE_ID": "0", "SIZE": "1024", "TARGET": "vda"}
OS_SHOWN = {"DISK_ID": "0", "IMAGE": "os", "SIZE": "1024"}
NET = {
    "NIC_ID": "1",
    "NETWORK": "net",
    "NETWORK_ID": "0",
    "IP": "10.0.0.1",
    "SECURITY_GROUPS": "0,2",
    "MODEL": "virtio",
}
NET_SHOWN = {"NIC_ID": "1", "NETWORK": "net", "IP": "10.0.0.1", "SECURITY_GROUPS": "0,2"}


def attach(what, method, vector):
    return Step(what, method, (7, vector), on="to VM db", states=PLUGGED, transient=True)


def detach(what, method, number):
    return Step(what, method, (7, number), on="from VM db", states=PLUGGED, transient=True)


def update_nic(what, rates):
    return Step(what, "vm.updatenic", (7, 1, {"NIC": rates}, 1), on=OF_VM, states=ANY_BUT_CHANGING, transient=True)


def group_step(what, method, group):
    return Step(what, method, (7, 1, group), on=OF_VM, states=ANY_BUT_CHANGING)


PLANS = {  # name: device, wanted, present, purge, before, after, steps
    "nothing": (DISK, [{"IMAGE": "os"}], [OS], True, [OS_SHOWN], [OS_SHOWN], []),
    "attach": (
        DISK,
        [{"IMAGE": "data", "SIZE": "5"}],
        [OS],
        False,
        [OS_SHOWN],
        [OS_SHOWN, {"IMAGE": "data", "SIZE": "5"}],
        [attach("attach disk data", "vm.attach", {"DISK": {"SIZE": "5", "IMAGE_ID": Reference("image", "data")}})],
    ),
    "attach by id": (
        DISK,
        [{"IMAGE_ID": "4"}],
        [],
        False,
        [],
        [{"IMAGE_ID": "4"}],
        [attach("attach disk 4", "vm.attach", {"DISK": {"IMAGE_ID": "4"}})],
    ),
    "attach volatile": (
        DISK,
        [{"TYPE": "fs", "SIZE": "64"}],
        [],
        False,
        [],
        [{"TYPE": "fs", "SIZE": "64"}],
        [attach("attach disk of 64 MB", "vm.attach", {"DISK": {"TYPE": "fs", "SIZE": "64"}})],
    ),
    "attach of no size": (
        DISK,
        [{"TYPE": "fs"}],
        [],
        False,
        [],
        [{"TYPE": "fs"}],
        [attach("attach disk of ? MB", "vm.attach", {"DISK": {"TYPE": "fs"}})],
    ),
    "attach of another owner": (
        DISK,
        [{"IMAGE": "data", "IMAGE_UNAME": "bob"}],
        [],
        False,
        [],
        [{"IMAGE": "data", "IMAGE_UNAME": "bob"}],
        [attach("attach disk data", "vm.attach", {"DISK": {"IMAGE": "data", "IMAGE_UNAME": "bob"}})],
    ),
    "attach of another owner by id": (
        DISK,
        [{"IMAGE": "data", "IMAGE_UID": "3"}],
        [],
        False,
        [],
        [{"IMAGE": "data", "IMAGE_UID": "3"}],
        [attach("attach disk data", "vm.attach", {"DISK": {"IMAGE": "data", "IMAGE_UID": "3"}})],
    ),
    "attach named and numbered": (
        DISK,
        [{"IMAGE": "data", "IMAGE_ID": "3"}],
        [],
        False,
        [],
        [{"IMAGE": "data", "IMAGE_ID": "3"}],
        [attach("attach disk data", "vm.attach", {"DISK": {"IMAGE": "data", "IMAGE_ID": "3"}})],
    ),
    "detach": (
        DISK,
        [{"IMAGE": "os"}],
        [OS, {"DISK_ID": "2", "IMAGE": "data"}],
        True,
        [OS_SHOWN, {"DISK_ID": "2", "IMAGE": "data"}],
        [OS_SHOWN],
        [detach("detach disk 2", "vm.detach", 2)],
    ),
    "what is not named stays": (
        DISK,
        [{"IMAGE": "data"}],
        [OS, {"DISK_ID": "2", "IMAGE": "data"}],
        False,
        [OS_SHOWN, {"DISK_ID": "2", "IMAGE": "data"}],
        [OS_SHOWN, {"DISK_ID": "2", "IMAGE": "data"}],
        [],
    ),
    "grow": (
        DISK,
        [{"DISK_ID": "0", "SIZE": "2048"}],
        [OS],
        False,
        [OS_SHOWN],
        [{"DISK_ID": "0", "IMAGE": "os", "SIZE": "2048"}],
        [
            Step(
                "grow disk 0 from 1024 to 2048 MB",
                "vm.diskresize",
                (7, 0, "2048"),
                on=OF_VM,
                states=PLUGGED | {"undeployed"},
                transient=True,
            )
        ],
    ),
    "grow from nothing": (
        DISK,
        [{"DISK_ID": "0", "SIZE": "1"}],
        [{"DISK_ID": "0"}],
        False,
        [{"DISK_ID": "0"}],
        [{"DISK_ID": "0", "SIZE": "1"}],
        [
            Step(
                "grow disk 0 from 0 to 1 MB",
                "vm.diskresize",
                (7, 0, "1"),
                on=OF_VM,
                states=PLUGGED | {"undeployed"},
                transient=True,
            )
        ],
    ),
    "same size": (DISK, [{"DISK_ID": "0", "SIZE": "1024"}], [OS], False, [OS_SHOWN], [OS_SHOWN], []),
    "an empty member is one that is not there": (
        NIC,
        [{"NETWORK": "net", "FILTER": ""}],
        [NET],
        False,
        [NET_SHOWN],
        [NET_SHOWN],
        [],
    ),
    "attach NIC": (
        NIC,
        [{"NETWORK": "net2", "MODEL": "e1000"}],
        [NET],
        False,
        [NET_SHOWN],
        [NET_SHOWN, {"NETWORK": "net2", "MODEL": "e1000"}],
        [
            attach(
                "attach NIC net2",
                "vm.attachnic",
                {"NIC": {"MODEL": "e1000", "NETWORK_ID": Reference("vnet", "net2")}},
            )
        ],
    ),
    "replace NIC": (
        NIC,
        [{"NETWORK_ID": "9"}],
        [NET],
        True,
        [NET_SHOWN],
        [{"NETWORK_ID": "9"}],
        [
            detach("detach NIC 1", "vm.detachnic", 1),
            attach("attach NIC 9", "vm.attachnic", {"NIC": {"NETWORK_ID": "9"}}),
        ],
    ),
    "attach alias": (
        ALIAS,
        [{"NETWORK": "net", "PARENT": "NIC0"}],
        [],
        False,
        [],
        [{"NETWORK": "net", "PARENT": "NIC0"}],
        [
            attach(
                "attach NIC alias net",
                "vm.attachnic",
                {"NIC_ALIAS": {"PARENT": "NIC0", "NETWORK_ID": Reference("vnet", "net")}},
            )
        ],
    ),
    "bandwidth": (
        NIC,
        [{"NETWORK": "net", "INBOUND_AVG_BW": "100", "OUTBOUND_PEAK_BW": "9"}],
        [dict(NET, INBOUND_AVG_BW="50")],
        False,
        [dict(NET_SHOWN, INBOUND_AVG_BW="50")],
        [dict(NET_SHOWN, INBOUND_AVG_BW="100", OUTBOUND_PEAK_BW="9")],
        [
            update_nic(
                "set INBOUND_AVG_BW, OUTBOUND_PEAK_BW of NIC 1", {"INBOUND_AVG_BW": "100", "OUTBOUND_PEAK_BW": "9"}
            )
        ],
    ),
    "same bandwidth": (
        NIC,
        [{"NETWORK": "net", "INBOUND_AVG_BW": "50.0"}],
        [dict(NET, INBOUND_AVG_BW="50")],
        False,
        [NET_SHOWN],
        [NET_SHOWN],
        [],
    ),
    "security groups": (
        NIC,
        [{"NETWORK": "net", "SECURITY_GROUPS": "5,2,9"}],
        [NET],
        False,
        [NET_SHOWN],
        [dict(NET_SHOWN, SECURITY_GROUPS="5,2,9")],
        [
            group_step("attach security group 5 to NIC 1", "vm.attachsg", 5),
            group_step("attach security group 9 to NIC 1", "vm.attachsg", 9),
            group_step("detach security group 0 from NIC 1", "vm.detachsg", 0),
        ],
    ),
    "the same security groups in another order": (
        NIC,
        [{"NETWORK": "net", "SECURITY_GROUPS": "2,0"}],
        [NET],
        False,
        [NET_SHOWN],
        [NET_SHOWN],
        [],
    ),
    "first security groups and a bandwidth": (
        NIC,
        [{"NETWORK": "net", "SECURITY_GROUPS": "2", "OUTBOUND_AVG_BW": "8"}],
        [{"NIC_ID": "1", "NETWORK": "net"}],
        False,
        [{"NIC_ID": "1", "NETWORK": "net"}],
        [{"NIC_ID": "1", "NETWORK": "net", "SECURITY_GROUPS": "2", "OUTBOUND_AVG_BW": "8"}],
        [
            group_step("attach security group 2 to NIC 1", "vm.attachsg", 2),
            update_nic("set OUTBOUND_AVG_BW of NIC 1", {"OUTBOUND_AVG_BW": "8"}),
        ],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_devices_are_attached_changed_and_detached(name):
    device, wanted, present, purge, *expected = PLANS[name]
    before, after, steps = planned(device, wanted, present, purge)
    adds = (device.attach,)
    steps = [step._replace(arguments=unmarked(step.arguments)) if step.method in adds else step for step in steps]
    assert [before, after, steps] == expected


@pytest.mark.parametrize(("device", "one"), [(DISK, {"IMAGE": "data"}), (NIC, {"NETWORK": "net"})])
@pytest.mark.parametrize("number", [1, 2])
def test_of_what_two_runs_have_attached_the_younger_is_detached(device, one, number):
    wanted = [one] * number
    first, second = (planned(device, wanted, [], False)[2] for dummy in range(2))
    vectors = [step.arguments[1][device.vector] for step in first + second]
    present = [{**vector, **one, device.number: str(index)} for index, vector in enumerate(vectors)]
    before, after, steps = planned(device, wanted, present, False)
    assert [step.arguments for step in steps] == [(7, index) for index in range(number, 2 * number)]
    assert (len(before), len(after)) == (2 * number, number)
    assert planned(device, wanted, present[:number], False)[2] == []


def test_what_was_attached_for_requests_of_their_own_stays():
    (step,) = planned(DISK, [{"IMAGE": "data"}], [], False)[2]
    given = {**step.arguments[1]["DISK"], "IMAGE": "data", "DISK_ID": "4"}
    copied = [dict(given, ANSIBLE_REQUEST="8" + given["ANSIBLE_REQUEST"][1:], DISK_ID=str(number)) for number in (5, 6)]
    by_hand = {"IMAGE": "data", "DISK_ID": "3"}
    assert planned(DISK, [{"IMAGE": "data"}], [by_hand, given, *copied], False)[2] == []
    (other,) = planned(DISK, [{"IMAGE": "data"}] * 2, [given], False)[2]
    assert other.arguments[1]["DISK"]["ANSIBLE_REQUEST"] not in (given["ANSIBLE_REQUEST"], copied[0]["ANSIBLE_REQUEST"])


REFUSED = [  # device, wanted, present, message
    (DISK, {"DISK_ID": "0", "SIZE": "1"}, OS, "Disk 0 of VM db has 1024 MB and cannot shrink to 1 MB."),
    (DISK, {"DISK_ID": "0", "SIZE": "1023"}, OS, "Disk 0 of VM db has 1024 MB and cannot shrink to 1023 MB."),
    (DISK, {"DISK_ID": "7", "SIZE": "1"}, OS, "VM db has no disk 7."),
    (NIC, {"NIC_ID": "7"}, NET, "VM db has no NIC 7."),
    (ALIAS, {"NIC_ID": "7"}, NET, "VM db has no NIC alias 7."),
    (
        NIC,
        {"NETWORK": "net", "MODEL": "e1000", "FILTER": "a"},
        NET,
        "NIC 1 of VM db cannot be changed in place: FILTER, MODEL. Detach it first, or leave that out.",
    ),
    (
        DISK,
        {"DISK_ID": "0", "CACHE": "none"},
        OS,
        "disk 0 of VM db cannot be changed in place: CACHE. Detach it first, or leave that out.",
    ),
]


@pytest.mark.parametrize(("device", "wanted", "present", "message"), REFUSED)
def test_what_cannot_be_changed_in_place_is_told(device, wanted, present, message):
    assert refusal(planned, device, [wanted], [present]) == (message, {"object": "vm", "id": 7})


@pytest.mark.parametrize("name", sorted(devices.SOURCES - {"SIZE", "SECURITY_GROUPS"}))
def test_what_tells_where_a_device_comes_from_is_no_change_of_it(name):
    assert planned(DISK, [{"DISK_ID": "0", name: "other"}], [OS])[2] == []


# ---------------------------------------------------------------- new VMs

NEW = [  # device, of the template, wanted, what the new VM gets
    (DISK, [], [{"IMAGE": "os"}], [{"IMAGE_ID": Reference("image", "os")}]),
    (DISK, [{"IMAGE": "os"}], [{"IMAGE": "os", "SIZE": "9"}], [{"IMAGE": "os", "SIZE": "9"}]),
    (
        DISK,
        [{"IMAGE": "os"}, {"IMAGE": "data"}],
        [{"DISK_ID": "1", "SIZE": "9"}, {"TYPE": "fs"}],
        [{"IMAGE": "os"}, {"IMAGE": "data", "SIZE": "9"}, {"TYPE": "fs"}],
    ),
    (NIC, [], [{"NETWORK": "net"}], [{"NETWORK_ID": Reference("vnet", "net")}]),
]


@pytest.mark.parametrize(("device", "given", "wanted", "found"), NEW)
def test_devices_of_a_new_vm(device, given, wanted, found):
    kept = [dict(one) for one in given]
    assert devices.for_new_vm(device, given, wanted) == found
    assert given == kept, "the template stays as it is"
