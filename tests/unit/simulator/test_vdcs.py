# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import re

import pytest

MEMBERS = {
    "cluster": ("cluster.allocate", ["c"]),
    "host": ("host.allocate", ["h", "dummy", "dummy", 0]),
    "datastore": ("datastore.allocate", ['NAME="d" TM_MAD="dummy" DS_MAD="dummy"', 0]),
    "vnet": ("vn.allocate", ['NAME="n" VN_MAD="dummy" BRIDGE="br0"', 0]),
}


@pytest.fixture
def staff(one):
    """A VDC (100) with the one group staff (100), which is in the default VDC no more."""
    assert one("vdc.allocate", 'NAME="v"') == [True, 100, 0]
    assert one("group.allocate", "staff") == [True, 100, 0]
    one("vdc.delgroup", 0, 100)
    one("vdc.addgroup", 100, 100)


def rules(one):
    return [text for text in re.findall("<STRING>(.*?)</STRING>", one("acl.info")[1]) if text.startswith("@100 ")]


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.usefixtures("staff")
def test_what_is_deleted_leaves_the_vdc_with_its_rules(one, kind):
    method, arguments = MEMBERS[kind]
    oid = one(method, *arguments)[1]
    assert one(f"vdc.add{kind}", 100, 0, oid)[0]
    assert rules(one)
    family = method.partition(".")[0]
    assert one(f"{family}.delete", oid)[0]
    one("system.version")
    assert rules(one) == []
    assert f"<{kind.upper()}_ID>" not in one("vdc.info", 100)[1]


@pytest.mark.usefixtures("staff")
def test_a_deleted_vdc_takes_its_rules_along(one):
    one("vdc.addcluster", 100, 0, -10)
    assert rules(one) == ["@100 HOST/* MANAGE #0", "@100 NET/* USE #0", "@100 DATASTORE/* USE #0"]
    assert one("vdc.delete", 100)[0]
    assert rules(one) == []


@pytest.mark.usefixtures("staff")
def test_all_resources_replace_single_ones(one):
    one("vdc.addcluster", 100, 0, 0)
    one("vdc.addcluster", 100, 0, -10)
    assert re.findall("<CLUSTER_ID>(.*?)<", one("vdc.info", 100)[1]) == ["-10"]
    assert rules(one) == ["@100 HOST/* MANAGE #0", "@100 NET/* USE #0", "@100 DATASTORE/* USE #0"]


@pytest.mark.usefixtures("staff")
def test_who_may_change_a_vdc(one):
    one("user.allocate", "alice", "pw", "core", [])
    answer = one("vdc.addcluster", 100, 0, 0, session="alice:pw")
    assert answer[2] == 512
    assert "ADMIN VDC [100]; Not authorized to perform ADMIN ZONE [0]; Not authorized to perform ADMIN" in answer[1]


def test_only_rules_that_speak_of_the_deleted_object_alone_go(one):
    one("image.allocate", 'NAME="i" PATH="/i"', 1)
    one("document.allocate", "A=1", 1)
    one("acl.addrule", "100000000", "400100000000", "1")  # #0 DOCUMENT/#0 USE
    one("acl.addrule", "100000000", "408100000000", "1")  # #0 IMAGE+DOCUMENT/#0 USE
    one("document.delete", 0)
    assert re.findall(r"<STRING>(#0 .*?) #0<", one("acl.info")[1]) == ["#0 IMAGE+DOCUMENT/#0 USE"]
