# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The numbers of the API, against the reference and the recordings where ../shared is."""

from __future__ import annotations

import gzip
import json
import pickle
import re

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import constants, element
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from project import SHARED

STATES = SHARED / "reference/states.md"
ENUMERATIONS = [
    kind
    for kind in vars(constants).values()
    if isinstance(kind, type) and issubclass(kind, constants.Constant) and kind is not constants.Constant
]
# The reference's heading or words before a table of numbers, and the enumeration that has them.
TABLES = {
    "Image\nSTATE: ": constants.IMAGE_STATES,
    "\nTYPE: ": constants.IMAGE_TYPES,
    "DISK_TYPE: ": constants.DISK_TYPES,
    "Marketplace STATE ": constants.MARKETPLACE_STATES,
    "Marketplace app STATE ": constants.MARKETPLACEAPP_STATES,
    "(since 6.4; none before) ": constants.VNET_STATES,
    "Raft server STATE ": constants.RAFT_STATES,
    "plan STATE ": constants.PLAN_STATES,
    "service states: ": constants.SERVICE_STATES,
}


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda kind: kind.__name__)
def test_every_enumeration_is_described_and_labelled(enumeration):
    assert enumeration.__doc__ not in (None, constants.Constant.__doc__)
    assert len(enumeration) > 1
    for constant in enumeration:
        assert enumeration(int(constant)) is enumeration[constant.name] is constant
        assert re.fullmatch(r"[A-Za-z -]+", constant.label)
        assert pickle.loads(pickle.dumps(constant)) is constant  # noqa: S301


@pytest.mark.parametrize(
    "constant, number, label",
    [
        (constants.VM_STATE.POWEROFF, 8, "powered off"),
        (constants.LCM_STATE.RUNNING, 3, "running"),
        (constants.LCM_STATE.BACKUP, 69, "backup"),
        (constants.LCM_STATE.RESTORE, 71, "restore"),
        (constants.LCM_STATE.HOTPLUG_NIC_POWEROFF, 65, "hotplug NIC power off"),
        (constants.IMAGE_TYPES.BACKUP, 6, "backup"),
        (constants.IMAGE_TYPES.FILESYSTEM, 7, "filesystem"),
        (constants.DISK_TYPES.FILE_SYSTEM, 10, "file system"),
        (constants.DISK_TYPES.CD_ROM, 1, "CD-ROM"),
        (constants.DATASTORE_TYPES.BACKUP, 3, "backup"),
        (constants.HISTORY_ACTION["snapshot-create"], 37, "snapshot create"),
        (constants.HISTORY_ACTION["vmgroup-del"], 65, "VM group del"),
        (constants.ERROR_CODES.REPLICATION, 0x10000, "replication"),
    ],
)
def test_constants(constant, number, label):
    assert (constant, constant.label) == (number, label)
    assert json.dumps(constant) == str(number)


def test_a_name_of_older_clients_stays():
    assert constants.HISTORY_ACTION["snapshot-resize"] is constants.HISTORY_ACTION["snapshot-create"]


def test_actions():
    assert len(constants.VM_ACTIONS) == 15
    assert len(constants.SCHED_ACTIONS) == 20
    assert set(constants.VM_ACTIONS) - set(constants.SCHED_ACTIONS) == {"resched", "unresched"}


def test_words():
    words = {name: value for name, value in vars(constants).items() if isinstance(value, tuple) and name.isupper()}
    assert len([name for name in words if not name.startswith("_")]) == 13
    for value in words.values():
        assert len(set(value)) == len(value) > 1
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", word) for word in value)


def test_the_pools_that_have_pages():
    infos = {name: text for name, text in METHODS.items() if name.endswith("pool.info")}
    paginated = {name[: -len("pool.info")] for name, text in infos.items() if re.search(r"\bend", text)}
    names = {constant.name[: -len("_POOL")].lower() for constant in constants.PAGINATED_POOLS}
    assert names == paginated


@pytest.mark.skipif(not STATES.is_file(), reason="no ../shared")
class TestReference:
    """Against ../shared/reference/states.md."""

    text = STATES.read_text(encoding="utf-8") if STATES.is_file() else ""

    def numbers(self, start):
        """{number: name} of the line after a beginning."""
        line = self.text.split(start, 1)[1].split("\n")[0].split(". ")[0].split("; role")[0]
        return {int(number): name for number, name in re.findall(r"(-?\d+) \(?([A-Z][A-Z_]+)", line)}

    @pytest.mark.parametrize("start", TABLES)
    def test_numbers(self, start):
        told = {number: name.upper() for number, name in self.numbers(start).items()}
        ours = {int(constant): constant.name for constant in TABLES[start]}
        assert len(told) > 1
        assert {number: ours[number] for number in told} == told

    def test_life_cycle(self):
        section = self.text.split("## 3. VM LCM_STATE\n")[1].split("\n\n")[0]
        told = {int(number): name for number, name in re.findall(r"(\d+) \(?([A-Z_]+)", section)}
        assert {int(constant): constant.name for constant in constants.LCM_STATE} == told

    def test_vm_states(self):
        section = self.text.split("## 2. VM STATE\n")[1].split("\n\n")[0]
        told = {int(number): name for number, name in re.findall(r"(\d+) \| \(?([A-Z_]+)", section)}
        assert {int(constant): constant.name for constant in constants.VM_STATE} == told

    def test_history(self):
        section = self.text.split("## 11. VM history ACTION numbers\n")[1].split("\n\n")[0]
        told = {int(number): name for number, name in re.findall(r"(\d+) ([a-z][a-z-]*)", section)}
        assert {int(constant): constant.name for constant in constants.HISTORY_ACTION} == told

    def test_errors(self):
        section = self.text.split("## 1. Error codes")[1].split("\n\nNotes")[0]
        told = {int(number, 16): name for number, name in re.findall(r"0x(\d+) \| \d+ \| ([A-Z_]+)", section)}
        assert {int(constant): constant.name for constant in constants.ERROR_CODES} == told


@pytest.mark.skipif(not (SHARED / "conformance/pools").is_dir(), reason="no ../shared")
def test_what_servers_answer_has_a_name():
    for name, fields in {
        "vmpool.info": [("STATE", constants.VM_STATE), ("LCM_STATE", constants.LCM_STATE)],
        "hostpool.info": [("STATE", constants.HOST_STATES)],
        "imagepool.info": [
            ("STATE", constants.IMAGE_STATES),
            ("TYPE", constants.IMAGE_TYPES),
            ("DISK_TYPE", constants.DISK_TYPES),
        ],
        "vnpool.info": [("STATE", constants.VNET_STATES)],
    }.items():
        pool = element.parse(gzip.decompress((SHARED / f"conformance/pools/{name}.xml.gz").read_bytes()))
        items = getattr(pool, type(pool).__name__[: -len("_POOL")])
        assert items
        for field, enumeration in fields:
            assert {enumeration(getattr(item, field)) for item in items}
