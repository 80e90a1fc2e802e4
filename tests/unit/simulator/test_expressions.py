# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Requirements that place VMs."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from opennebula_simulator.expressions import Malformed, holds

HOST = ElementTree.fromstring(
    "<HOST><ID>3</ID><NAME>node3</NAME><CLUSTERS><ID>0</ID><ID>100</ID></CLUSTERS><HOST_SHARE><FREE_CPU>250</FREE_CPU>"
    "</HOST_SHARE><TEMPLATE><RACK>7</RACK><LOAD>0.5</LOAD><NAME>other</NAME><EMPTY/></TEMPLATE></HOST>"
)
PLACES = ("", "TEMPLATE/", "HOST_SHARE/")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "ID = 3",
        'ID = "3"',
        'NAME = "node*"',
        "NAME = node3",
        "NAME != node4",
        '"NAME" = "node?"',
        "RACK > 6 & RACK < 8",
        "RACK != 6",
        "LOAD < 0.6",
        "FREE_CPU > 100",
        "!(RACK = 6)",
        "!RACK = 6 & ID = 3",
        "!!(ID = 3)",
        '"CLUSTERS/ID" @> 100',
        '"CLUSTERS/ID" @> "1*"',
        "ID = 3 | ID = 4 & RACK = 7",
        "ABSENT = 0",
        "ABSENT < 1",
    ],
)
def test_true(expression):
    assert holds(expression, HOST, PLACES)


@pytest.mark.parametrize(
    "expression",
    [
        "ID = 4",
        "RACK > 7",
        'NAME = "NODE*"',
        "NAME != node3",
        'ABSENT = "x"',
        'ABSENT != "x"',
        'EMPTY != "x"',
        "ABSENT > 0",
        '"CLUSTERS/ID" @> 1',
        "ID = 3 | RACK = 7 & ID = 4",
        "!(ID = 3 | RACK = 1)",
        '"../x[" = "y"',
    ],
)
def test_false(expression):
    assert not holds(expression, HOST, PLACES)


@pytest.mark.parametrize(
    "expression",
    [
        "((",
        "ID",
        "ID =",
        "ID = 3)",
        "(ID = 3",
        "= 3",
        "ID = 3 &",
        "ID < x",
        "ID 3",
        "3 = ID",
        "ID = 3 ID = 4",
        'NAME = "x',
    ],
)
def test_what_cannot_be_read(expression):
    with pytest.raises(Malformed):
        holds(expression, HOST, PLACES)


@pytest.fixture
def hosts(one):
    """Two hosts, of which the second is in rack 7."""
    for name in ("host0", "host1"):
        one("host.allocate", name, "dummy", "dummy", 0)
    one("host.update", 1, "RACK=7", 1)
    one("host.info", 0)


@pytest.mark.parametrize(
    ("requirements", "host"),
    [
        ("RACK > 5", "1"),
        ('!(NAME = \\"host1\\")', "0"),
        ("MAX_CPU > 100 & ID = 1", "1"),
        ("((", None),
        ("ID = 9", None),
    ],
)
@pytest.mark.usefixtures("hosts")
def test_where_a_vm_goes(one, requirements, host):
    one("vm.allocate", f'CPU="0.1" MEMORY="32" SCHED_REQUIREMENTS="{requirements}"', False)
    vm = ElementTree.fromstring(one("vm.info", 0)[1])
    assert vm.findtext("HISTORY_RECORDS/HISTORY/HID") == host
    assert ("No host meets SCHED_REQUIREMENTS" in vm.findtext("USER_TEMPLATE/SCHED_MESSAGE", "")) == (host is None)


@pytest.mark.parametrize(
    ("requirements", "datastore"), [('NAME = \\"fast\\"', "100"), ("ID = 0", "0"), ("SPEED > 9", None)]
)
@pytest.mark.usefixtures("hosts")
def test_where_its_files_go(one, requirements, datastore):
    one("datastore.allocate", 'NAME="fast" TYPE="SYSTEM_DS" TM_MAD="dummy" SPEED="9"', 0)
    one("vm.allocate", f'CPU="0.1" MEMORY="32" SCHED_DS_REQUIREMENTS="{requirements}"', False)
    vm = ElementTree.fromstring(one("vm.info", 0)[1])
    assert vm.findtext("HISTORY_RECORDS/HISTORY/DS_ID") == datastore
    message = vm.findtext("USER_TEMPLATE/SCHED_MESSAGE", "")
    assert ("No system datastore meets SCHED_DS_REQUIREMENTS" in message) == (datastore is None)
