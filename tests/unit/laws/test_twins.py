# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""An attribute of the option template that has an option of its own is that option, in OpenNebula's own words."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import RESOURCES
from kinds import SUBJECTS

HOOK = {"TYPE": "state", "RESOURCE": "VM", "COMMAND": "a", "REMOTE": "NO", "TIMEOUT": 60}
AR = {"TYPE": "IP4", "IP": "10.11.12.200", "SIZE": 30}
# (kind, template, options that mean the same, template of a change, field of the record, its value after the change)
CASES = {
    "hook": (
        "hook",
        {**HOOK, "ON": "DONE"},
        {"lcm_state": "LCM_INIT", "resource": "VM"},
        {"TIMEOUT": "61"},
        "timeout_seconds",
        61,
    ),
    "api hook": (
        "hook",
        {"TYPE": "API", "CALL": "one.vm.allocate", "COMMAND": "a", "RESOURCE": "VM"},
        {"type": "api"},
        {"COMMAND": "b"},
        "command",
        "b",
    ),
    "system": (
        "datastore",
        {"TYPE": "SYSTEM_DS", "TM_MAD": "dummy"},
        {"type": "SYSTEM_DS"},
        {"TYPE": "IMAGE_DS", "DS_MAD": "dummy"},
        "type",
        "image",
    ),
    "image": (
        "image",
        {"TYPE": "DATABLOCK", "SIZE": "0.5 GB"},
        {"datastore": "default", "type": "DATABLOCK", "size": "512"},
        {"PERSISTENT": True},
        "persistent",
        True,
    ),
    "network": (
        "vnet",
        {"VN_MAD": "dummy", "BRIDGE": "br0", "AR": AR, "SECURITY_GROUPS": [0]},
        {"address_ranges": [AR], "security_groups": ["default"]},
        {"AR": dict(AR, SIZE=50)},
        "size",
        50,
    ),
    "rules": (
        "security_group",
        {"RULE": [{"PROTOCOL": "TCP", "RULE_TYPE": "INBOUND", "RANGE": "22"}]},
        {"rules": [{"protocol": "TCP", "direction": "INBOUND", "range": "22"}]},
        {"RULE": {"PROTOCOL": "ALL", "RULE_TYPE": "outbound"}},
        "rules",
        [{"protocol": "all", "direction": "outbound"}],
    ),
    "interfaces": ("vrouter", {"NIC": {"NETWORK": "net"}}, {"nics": [{"NETWORK": "net"}]}, {}, "vms", []),
    "roles": (
        "vm_group",
        {"ROLE": [{"NAME": "a", "POLICY": "AFFINED"}, {"NAME": "b"}], "AFFINED": "a, b"},
        {"roles": [{"name": "a", "policy": "affined"}], "affined": [["b", "a"]]},
        {"AFFINED": []},
        "affined",
        [],
    ),
    "backups": (
        "backupjob",
        {"DATASTORE_ID": 100, "KEEP_LAST": 3, "MODE": "FULL", "PRIORITY": 7},
        {"datastore": "bck", "keep_last": 3, "backup_mode": "full", "priority": 7},
        {"PRIORITY": 8},
        "priority",
        8,
    ),
    "market": (
        "marketplace",
        {"MARKET_MAD": "dummy", "DESCRIPTION": "a"},
        {"market_mad": "dummy", "description": "a"},
        {"DESCRIPTION": "b"},
        "description",
        "b",
    ),
    "app": (
        "marketapp",
        {"ORIGIN_ID": 0, "DESCRIPTION": "a"},
        {"marketplace": "market", "image": "os"},
        {"VERSION": "2"},
        "version",
        "2",
    ),
    "views": (
        "group",
        {"SUNSTONE": {"VIEWS": "cloud,user", "DEFAULT_VIEW": "cloud"}},
        {"sunstone": {"views": ["cloud", "user"], "default_view": "cloud"}},
        {"SUNSTONE": {"DEFAULT_VIEW": "user"}},
        "sunstone",
        {"views": ["cloud", "user"], "default_view": "user"},
    ),
    "key": (
        "user",
        {"SSH_PUBLIC_KEY": "ssh-rsa A"},
        {"password": "secret", "ssh_public_key": "ssh-rsa A"},
        {"SSH_PUBLIC_KEY": "B"},
        "ssh_public_key",
        "B",
    ),
    "host": ("host", {"IM_MAD": "dummy", "VM_MAD": "dummy"}, {"im_mad": "dummy"}, {"SLOT": 1}, "vm_mad", "dummy"),
}
ELSEWHERE = {  # options that creation needs and that templates do not have
    "image": {"datastore": "default"},
    "user": {"password": "secret"},
    "marketapp": {"marketplace": "market"},
}


@pytest.mark.parametrize("case", CASES)
def test_a_template_in_the_words_of_opennebula(lab, case):
    kind, template, options, change, field, value = CASES[case]
    module, given = SUBJECTS[kind].module, dict(ELSEWHERE.get(kind, {}), name=lab.name())
    planned, first, second = lab.twice(module, template=template, **given)
    assert (planned.failed, first.message) == (False, "")
    assert (planned.changed, first.changed, second.changed) == (True, True, False)
    alike = lab.run(module, **dict(given, **options))
    assert (alike.message, alike.changed) == ("", False)
    changed = lab.run(module, template=change, **given)
    assert changed.message == ""
    assert changed.data[field] == value
    assert not lab.run(module, template=change, **given).changed


def test_every_kind_with_twins_has_a_case():
    kinds = {kind for kind, resource in RESOURCES.items() if resource.twins}
    assert kinds == {case[0] for case in CASES.values()} | {"zone"}
