# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What VMs used and cost, and what the driver reported of them."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import pytest
from lab import Lab

HOUR = 3600
COSTS = 'CPU="2" MEMORY="100" CPU_COST="3" MEMORY_COST="0.1" DISK_COST="0.5" DISK=[TYPE="fs",SIZE="10"]'


@pytest.fixture
def lab():
    """A VM of half an hour of running and half an hour of rest; the month has an hour left at least."""
    found = Lab()
    now = time.localtime(found.now)
    found.now = time.mktime((now.tm_year, now.tm_mon, 10, 12, 0, 0, 0, 0, -1))
    found.make(body=COSTS)
    found.sleep(HOUR // 2)
    found("vm.action", "poweroff", 0)
    found.sleep(HOUR // 2)
    return found


def records(lab, flag=-2, start=-1, end=-1):
    return lab.tree("vmpool.accounting", flag, start, end).findall("HISTORY")


def bill(lab, *months, names=("CPU_COST", "MEMORY_COST", "DISK_COST", "TOTAL_COST", "HOURS", "RHOURS")):
    lab("vmpool.calculateshowback", *(months or (-1, -1, -1, -1)))
    found = lab.tree("vmpool.showback", -2, -1, -1, -1, -1).findall("SHOWBACK")
    return [[each.findtext(name) for name in names] for each in found]


def test_a_month_costs_what_was_reserved_by_the_hour(lab):
    assert bill(lab) == [["6", "10", "5", "21", "1.00", "0.50"]]


def test_bills_are_written_anew(lab):
    bill(lab)
    lab.sleep(HOUR)
    assert bill(lab, names=("HOURS",)) == [["2.00"]]


def test_bills_are_kept_when_other_months_are_calculated(lab):
    before = bill(lab)
    assert bill(lab, 1, 1, 2, 1) == before
    assert bill(lab, 13, 2024, 13, 2024) == before


def test_a_year_has_twelve_bills(lab):
    begin = time.localtime(lab.now)
    lab.sleep(370 * 24 * HOUR)
    months = [(int(year), int(month)) for year, month in bill(lab, names=("YEAR", "MONTH"))]
    assert months[0] == (begin.tm_year, begin.tm_mon)
    numbers = [12 * year + month for year, month in months]
    assert numbers == list(range(numbers[0], numbers[0] + 13))
    year = begin.tm_year
    found = lab.tree("vmpool.showback", -2, 1, year, 12, year).findall("SHOWBACK")
    assert {each.findtext("YEAR") for each in found} == {str(year)}


def test_records_in_a_period(lab):
    begin = int(records(lab)[0].findtext("STIME"))
    assert len(records(lab, end=begin)) == 0
    assert len(records(lab, end=begin + 1)) == 1
    lab("vm.action", "terminate", 0)
    lab.sleep(0)
    end = int(records(lab)[0].findtext("ETIME"))
    assert end == int(lab.now)
    assert (len(records(lab, start=end)), len(records(lab, start=end - 1))) == (0, 1)


def test_a_record_shows_the_vm_as_it_began_and_as_it_left(lab):
    began = records(lab)[0].find("VM")
    assert (began.findtext("LCM_STATE"), began.find("HISTORY_RECORDS/HISTORY")) == ("1", None)
    lab("vm.rename", 0, "other")
    lab("vm.action", "terminate", 0)
    lab.sleep(0)
    assert records(lab)[0].findtext("VM/NAME") == "other"


def test_whose_records(lab):
    lab("user.allocate", "alice", "secret", "core", [])
    assert (len(records(lab, 2)), len(records(lab, 0)), len(records(lab, -3))) == (0, 1, 1)
    lab("vm.chown", 0, 2, -1)
    assert (len(records(lab, 2)), len(records(lab, 0)), len(records(lab, -3))) == (1, 0, 0)


def test_samples_while_the_vm_runs(lab):
    found = lab.tree("vm.monitoring", 0).findall("MONITORING")
    begin = int(records(lab)[0].findtext("RSTIME"))
    assert [int(each.findtext("TIMESTAMP")) - begin for each in found] == list(range(10, HOUR // 2 + 1, 10))
    assert {each.findtext("ID") for each in found} == {"0"}
    assert len(lab.tree("vmpool.monitoring", -2, 0)) == 1
    assert len(lab.tree("vmpool.monitoring", -2, 60)) == 0
    lab("vm.action", "resume", 0)
    lab.sleep(0)
    lab.sleep(25)
    assert len(lab.tree("vmpool.monitoring", -2, 60)) == 2
    assert len(ET.fromstring(lab("vmpool.monitoring", 7, -1))) == 0


# ---------------------------------------------------------------- topologies


def numa(lab, topology, more='VCPU="8"'):
    body = f'CPU="1" MEMORY="64" {more} TOPOLOGY=[{topology}]'
    return lab.vm(lab("vm.allocate", body, True)).find("TEMPLATE")


def test_pinned_vms_have_nodes_and_whole_cores():
    tree = numa(Lab(), 'PIN_POLICY="THREAD",SOCKETS="2",CORES="2"')
    assert [each.text for each in tree.findall("NUMA_NODE/TOTAL_CPUS")] == ["4", "4"]
    assert [each.text for each in tree.findall("NUMA_NODE/MEMORY")] == ["32768", "32768"]
    assert (tree.findtext("CPU"), tree.findtext("TOPOLOGY/THREADS")) == ("8", "2")
    assert tree.findtext("AUTOMATIC_REQUIREMENTS") == "(PIN_POLICY = PINNED)"


@pytest.mark.parametrize(
    ("topology", "more", "why"),
    [
        ('SOCKETS="1",CORES="2",THREADS="2"', 'VCPU="8"', "Total threads per core and socket needs to match VCPU"),
        ('PIN_POLICY="CORE"', 'VCPU="8" VCPU_MAX="9"', "VM with TOPOLOGY does not support CPU hotplug (VCPU_MAX)"),
        ('PIN_POLICY="CORE",CORES="3"', 'VCPU="8"', "VCPU is not multiple of the total number of cores"),
        ('PIN_POLICY="CORE",CORES="1"', 'VCPU="3"', "Computed number of threads is not power of 2"),
        ('PIN_POLICY="CORE",SOCKETS="3"', 'VCPU="8"', "VCPU is not multiple of the number of NUMA nodes"),
        (
            'PIN_POLICY="CORE"',
            'VCPU="8" NUMA_NODE=[TOTAL_CPUS="4",MEMORY="64"]',
            "Total CPUS of NUMA nodes is different from VM VCPU",
        ),
    ],
)
def test_topologies_that_cannot_be(topology, more, why):
    refused = Lab().refusal("vm.allocate", f'CPU="1" MEMORY="64" {more} TOPOLOGY=[{topology}]', True)
    assert refused == f"Error allocating a new virtual machine. {why}"
