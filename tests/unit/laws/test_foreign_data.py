# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whatever OpenNebula accepts in a template of any kind can be read by its modules, one_info and the lookup."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.lookup.one import found
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import SELECTION
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import RESOURCES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException, template
from kinds import SUBJECTS
from modules import Lab

ATTRIBUTES = """
AFFINED ANTI_AFFINED AR ARCH ARGUMENTS ARGUMENTS_STDIN BACKUP_CONFIG BACKUP_VMS BACKUP_VOLATILE BRIDGE CALL COMMAND
CONTEXT CPU CPU_MODEL DATASTORE_ID DESCRIPTION DEV_PREFIX DISK DRIVER DS_MAD ENDPOINT ERROR EXECUTION FEATURES FORMAT
FROM_APP FS_FREEZE GRAPHICS INPUT KEEP_LAST LABELS LCM_STATE MARKET_MAD MEMORY MODE NIC NIC_ALIAS ON ORIGIN_ID OS
PARENT_NETWORK_ID PHYDEV PRIORITY QEMU_GA_EXEC RAW READY REMOTE RESERVED_CPU RESERVED_MEM RESOURCE ROLE RULE
SCHED_ACTION SCHED_MESSAGE SCHED_REQUIREMENTS SECURITY_GROUPS SHARED SIZE SNAPSHOT SSH_PUBLIC_KEY STATE SUNSTONE
TEMPLATE_ID TIMEOUT TM_MAD TOKEN_PASSWORD TYPE USER_INPUTS VCPU VERSION VIDEO VLAN_ID VMGROUP VN_MAD ANSIBLE_REQUEST
""".split()
MEMBERS = """
ID NAME TYPE SIZE IP DISK_ID NIC_ID NETWORK_ID IMAGE_ID PROTOCOL RULE_TYPE RANGE NETWORK TIME ACTION REPEAT DAYS POLICY
VIEWS DEFAULT_VIEW VMGROUP_ID ROLE SNAPSHOT_ID HOST_AFFINED
""".split()
VECTOR = dict.fromkeys(MEMBERS, "word")
SHAPES: dict[str, Any] = {
    "word": "word",
    "number": "-7",
    "decimal": "1.5",
    "commas": " a,b , ,c",
    "empty": "",
    "twice": ["8", "word"],
    "vector": VECTOR,
    "small vector": {"A": ""},
    "vectors": [VECTOR, {"ID": "1"}],
    "mixed": ["word", VECTOR],
    "mixed the other way": [VECTOR, "9"],
}
WITHOUT_TEMPLATES = {"service", "service_template"}  # they are JSON, of OneFlow
NAMES = sorted(set(SUBJECTS))


def shaped(first: int) -> dict[str, Any]:
    """Every attribute, each in another shape than its neighbour, the first one in the shape of this number."""
    shapes = islice(cycle(SHAPES.values()), first, None)
    return dict(zip(ATTRIBUTES, shapes, strict=False))


def write(lab: Lab, kind: str, oid: int, attributes: dict[str, Any]) -> None:
    """Gives an object those attributes that OpenNebula takes."""
    method = f"{SUBJECTS[kind].prefix}.update"
    try:
        lab.one.call(method, oid, template.write(attributes), 1)
    except OneException:
        if len(attributes) > 1:
            names = list(attributes)
            for half in (names[::2], names[1::2]):
                write(lab, kind, oid, {name: attributes[name] for name in half})


def lookup(lab: Lab, kind: str) -> list[Any]:
    options = {"api_url": lab.url, "api_username": "oneadmin", "api_password": "opennebula"}
    return found(Cloud(connect(options, read_only=True)), kind, dict.fromkeys(SELECTION))


@pytest.mark.parametrize("kind", NAMES)
def test_what_others_write_can_be_read(lab, kind):
    subject = SUBJECTS[kind]
    made = [subject.create(lab.one, lab.name()) for dummy in SHAPES]
    for first, oid in enumerate(made):
        write(lab, kind, oid, shaped(first))
        own = {"id": oid, **({"state": "held"} if kind == "vm" else {}), **subject.info_options}
        result = lab.run(subject.module, **own)
        assert (result.message, result.changed) == ("", False), first
    assert lab.run(f"{subject.module}_info", **subject.info_options).message == ""
    if kind in RESOURCES:
        assert lab.run("one_info", kinds=[kind]).message == ""
        assert set(made) <= {record["id"] for record in lookup(lab, kind)}


def test_the_kinds_are_all_there():
    assert set(SUBJECTS) == set(RESOURCES) - WITHOUT_TEMPLATES | {"document"}


@pytest.mark.parametrize("first", range(len(SHAPES)))
def test_vms_that_others_made_can_be_read_and_changed(lab, first):
    attributes = {name: value for name, value in shaped(first).items() if name not in ("CPU", "MEMORY")}
    oid = allocate(lab, dict(attributes, NAME=lab.name(), CPU="0.1", MEMORY="8"))
    for module, options in (
        ("one_vm_info", {"ids": [oid]}),
        ("one_vm", {"id": oid, "attributes": {"SCHED_MESSAGE": "ours"}}),
        ("one_vm_schedule", {"id": oid, "schedules": []}),
    ):
        result = lab.run(module, **options)
        assert not result.failed, (module, result.message)


def allocate(lab: Lab, attributes: dict[str, Any]) -> int:
    """A VM with those attributes that OpenNebula takes."""
    needed = ("NAME", "CPU", "MEMORY")
    taken = {name: attributes[name] for name in needed}
    for name, value in attributes.items():
        try:
            oid = lab.one.vm.allocate({**taken, name: value}, True)
        except OneException:
            continue
        lab.one.vm.action("terminate-hard", oid)
        taken[name] = value
    return lab.one.vm.allocate(taken, True)
