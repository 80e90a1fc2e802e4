# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What no recording holds and the real server does: kinds of refusals, and VMs that no host can carry."""

from __future__ import annotations

import re

import pytest
from lab import Lab

SIZE = "CPU=1 MEMORY=64"


def state(one, oid):
    return re.search(r"<STATE>(\d+)</STATE>", one("vm.info", oid)[1])[1]


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ('ACTION="terminate"', "Unable to parse the time value or value is empty"),
        ('TIME="+60"', "No ACTION in template"),
        ('ACTION="fly",TIME="+60"', "fly is not supported."),
        ('ACTION="stop",TIME="+60",REPEAT="0",DAYS="7"', "Days in a week have to be in"),
        ('ACTION="stop",TIME="+60",REPEAT="1",DAYS="0"', "Days in a month have to be in"),
    ],
)
def test_schedules_of_templates_are_checked_when_they_are_written(one, action, says):
    assert says in one("template.allocate", f"NAME=bad {SIZE} SCHED_ACTION=[{action}]")[1]
    good = one("template.allocate", f'NAME=t {SIZE} SCHED_ACTION=[ACTION="terminate",TIME="+60"]')
    assert good[0]
    assert says in one("template.update", good[1], f"SCHED_ACTION=[{action}]", 1)[1]


def test_images_in_use(one):
    image = one("image.allocate", 'NAME="i" PATH="/i"', 1)[1]
    one("vm.allocate", f"{SIZE} DISK=[IMAGE_ID={image}]", True)
    for ok, message, *_rest in (one("image.enable", image, False), one("image.persistent", image, True)):
        assert not ok
        assert message.endswith("Image cannot be in state USED.")


def test_groups_with_members(one):
    group = one("group.allocate", "g")[1]
    one("user.allocate", "u", "p", "core", [group])
    assert one("group.delete", group)[1] == f"[one.group.delete] Cannot delete group. Group {group} is not empty."


def test_owners_of_a_namesake(one):
    user = one("user.allocate", "u", "p", "core", [1])[1]
    one("template.allocate", f"NAME=t {SIZE}")
    one("template.allocate", f"NAME=t {SIZE}", session="u:p")
    for oid in (0, 1):
        one("template.chmod", oid, *[1] * 9)
    message = one("template.chown", 0, user, -1)[1]
    assert message.endswith(f"user [{user}] already owns virtual machine template [1] with NAME t")


def test_a_word_is_no_limit(one):
    group = one("group.allocate", "g")[1]
    assert one("group.quota", group, 'VM=[VMS="many",MEMORY="512"]')[0]
    shown = one("group.info", group)[1]
    assert "<VMS><![CDATA[-1]]></VMS>" in shown
    assert "<MEMORY><![CDATA[512]]></MEMORY>" in shown
    assert "Negative limits" in one("group.quota", group, 'VM=[VMS="-7"]')[1]


def test_resize_of_a_vm_that_is_not_there(one):
    assert one("vm.resize", 77, "CPU=2", False)[1:4] == [
        "[one.vm.resize] Error getting virtual machine [77].",
        1024,
        77,
    ]
    assert one("vm.resize", 77, "CPU=[", False)[2] == 0x2000


@pytest.mark.parametrize("driver", ["ldap", "saml"])
def test_drivers_that_need_no_password(one, driver):
    assert one("user.allocate", driver, "", driver, [])[0]
    assert "cannot be empty" in one("user.allocate", "other", "", "core", [])[1]


@pytest.mark.parametrize(("extra", "good"), [(",VALIDATE=NO", True), ("", False), (",VALIDATE=YES", False)])
def test_raw_of_other_hypervisors(one, extra, good):
    body = f'{SIZE} RAW=[TYPE="kvm",DATA="<x/>"{extra}]'
    assert one("vm.allocate", body, True)[0] == good
    assert one("template.allocate", f"NAME=t {body}")[0] == good


def test_rules_of_the_administrator_of_a_group(one):
    group = one("group.allocate", "g")[1]
    user = one("user.allocate", "u", "p", "core", [group])[1]
    before = set(re.findall("<STRING>(.*?)</STRING>", one("acl.info")[1]))
    one("group.addadmin", group, user)
    given = set(re.findall("<STRING>(.*?)</STRING>", one("acl.info")[1])) - before
    assert given == {
        f"#{user} USER/@{group} USE+MANAGE+ADMIN+CREATE *",
        f"#{user} VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER+VMGROUP+BACKUPJOB/@{group} USE+MANAGE *",
        f"#{user} VROUTER/* CREATE *",
        f"#{user} GROUP/#{group} MANAGE *",
    }
    one("group.deladmin", group, user)
    assert set(re.findall("<STRING>(.*?)</STRING>", one("acl.info")[1])) == before


@pytest.mark.parametrize(
    "extra",
    [
        'TOPOLOGY=[SOCKETS="1",PIN_POLICY="THREAD"] VCPU="1"',
        'CPU_MODEL=[MODEL="host-passthrough",FEATURES="vmx,nosuch"]',
        'PCI=[VENDOR="10de",DEVICE="2684",CLASS="0300"]',
    ],
)
def test_vms_that_no_host_can_carry_wait(one, extra):
    one("host.allocate", "h", "dummy", "dummy", 0)
    vm = one("vm.allocate", f"{SIZE} {extra}", False)[1]
    plain = one("vm.allocate", SIZE, False)[1]
    assert (state(one, plain), state(one, vm)) == ("3", "1")
    assert "SCHED_MESSAGE" in one("vm.info", vm)[1]


@pytest.mark.parametrize(
    "extra", ['CPU_MODEL=[MODEL="host-passthrough",FEATURES="vmx,sha-ni"]', 'PCI=[VENDOR="10de",CLASS="0302"]']
)
def test_vms_that_a_host_can_carry_run(one, extra):
    one("host.allocate", "h", "dummy", "dummy", 0)
    vm = one("vm.allocate", f"{SIZE} {extra}", False)[1]
    assert state(one, vm) == "3"


def test_a_pci_device_is_given_once(one):
    one("host.allocate", "h", "dummy", "dummy", 0)
    first, second = (one("vm.allocate", f'{SIZE} PCI=[SHORT_ADDRESS="02:00.0"]', False)[1] for dummy in range(2))
    assert (state(one, first), state(one, second)) == ("3", "1")
    assert "Unavailable PCI device." in one("vm.deploy", second, 0, False, -1, "")[1]


def test_pinned_vms_run_on_hosts_for_them(one):
    for name in ("plain", "pinned"):
        one("host.allocate", name, "dummy", "dummy", 0)
    one("host.update", 1, "PIN_POLICY=PINNED", 1)
    vm = one("vm.allocate", f'{SIZE} VCPU="1" TOPOLOGY=[SOCKETS="1",PIN_POLICY="THREAD"]', False)[1]
    other = one("vm.allocate", SIZE, False)[1]
    hosts = [re.search("<HID>(.)</HID>", one("vm.info", oid)[1])[1] for oid in (vm, other)]
    assert hosts == ["1", "0"]


def test_the_scheduler_chooses_networks(one):
    one("host.allocate", "h", "dummy", "dummy", 0)
    ranges = 'AR=[TYPE="IP4",IP="10.{}.0.1",SIZE="9"]'
    waiting = one("vm.allocate", f'{SIZE} NIC=[NETWORK_MODE="auto",SCHED_REQUIREMENTS="COLOR=blue"]', False)[1]
    one("vn.allocate", f'NAME="red" VN_MAD="dummy" BRIDGE="b" COLOR="red" {ranges.format(1)}', -1)
    assert state(one, waiting) == "1"
    one("vn.allocate", f'NAME="blue" VN_MAD="dummy" BRIDGE="b" COLOR="blue" {ranges.format(2)}', -1)
    vm = one("vm.allocate", f'{SIZE} NIC=[NETWORK_MODE="auto",SCHED_REQUIREMENTS="COLOR=blue"]', False)[1]
    shown = one("vm.info", vm)[1]
    assert state(one, vm) == "3"
    assert "<NETWORK><![CDATA[blue]]></NETWORK>" in shown
    assert "<IP><![CDATA[10.2.0.1]]></IP>" in shown


# As 6.10.5 and 7.4.0 answered.
COSTS = {
    "1.5": "1.5",
    " 2": "2",
    "+3": "3",
    "1.": "1",
    "1e2": "100",
    "1234567.5": "1.23457e+06",
    "0.000012345678": "1.23457e-05",
    **dict.fromkeys(("x", "1x", "1 2", "0x10", "inf", "nan", ""), None),
}


@pytest.mark.parametrize(("given", "stored"), COSTS.items())
@pytest.mark.parametrize("name", ["CPU_COST", "MEMORY_COST", "DISK_COST"])
def test_a_cost_is_a_number_or_lost(name, given, stored):
    lab = Lab(hosts=0)
    oid = lab("vm.allocate", f'CPU="1" MEMORY="64" {name}="{given}"', True)
    assert lab.vm(oid).findtext(f"TEMPLATE/{name}") == stored


def test_a_negative_cost_is_refused():
    said = Lab(hosts=0).refusal("vm.allocate", 'CPU="1" MEMORY="64" CPU_COST="-0.5"', True)
    assert said == "CPU_COST attribute must be a positive float or integer value."


# What a host of 800 hundredths of a core reserves, or its cluster; the same on 7.4.0 and 6.10.5.
RESERVES = {"100": 100, "-5": -5, "+5": 5, "00100": 100, "10%": 80, "-10%": -80, "150%": 1200} | dict.fromkeys(
    ("ten", "1.5", "20.9", "1.5%", "10 GB", "1e3", "5x", "0x10", "10 %", "%", "5%%", "- 5"), 0
)


@pytest.mark.parametrize(("given", "expected"), RESERVES.items())
@pytest.mark.parametrize("holder", ["host", "cluster"])
def test_what_hosts_and_clusters_reserve(holder, given, expected):
    lab = Lab(hosts=1)
    before = int(lab.tree("host.info", 0).findtext("HOST_SHARE/MAX_CPU"))
    lab(f"{holder}.update", 0, f'RESERVED_CPU="{given}"', 1)
    share = lab.tree("host.info", 0).find("HOST_SHARE")
    assert before - int(share.findtext("MAX_CPU")) == expected * before // 800


@pytest.mark.parametrize(
    ("limit", "fits"), [("-5", False), ("+5", False), ("1.5", True), ("1e3", True), ("10 GB", True)]
)
def test_limits_of_datastores(limit, fits):
    lab = Lab()
    lab("datastore.update", 1, f'LIMIT_MB="{limit}"', 1)
    assert lab.answer("image.allocate", 'NAME="a" SIZE="1" TYPE="DATABLOCK"', 1)[0] is fits
