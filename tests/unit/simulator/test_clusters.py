# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import re

import pytest


@pytest.fixture
def vm(one):
    """A VM (0) of alice (2) on the host 0, which is in cluster 0; a cluster 100 without hosts."""
    one("user.allocate", "alice", "pw", "core", [])
    one("host.allocate", "h", "dummy", "dummy", 0)
    one("cluster.allocate", "other")
    one("vm.allocate", 'CPU="1" MEMORY="64"', True, session="alice:pw")
    assert one("vm.deploy", 0, 0, False, -1, "")[0]
    one("system.version")


def cids(one):
    return re.findall("<CID>(.*?)</CID>", one("vm.info", 0)[1])


def used(one):
    """Clusters of alice's quotas of VMs -> VMs that count there."""
    shown = one("user.info", 2)[1]
    pattern = r"<VM><CLUSTER_IDS><!\[CDATA\[(.*?)]]></CLUSTER_IDS>.*?<VMS_USED><!\[CDATA\[(.*?)]]></VMS_USED>"
    return dict(re.findall(pattern, shown))


@pytest.mark.usefixtures("vm")
def test_a_host_takes_its_vms_along_and_what_they_count(one):
    one("user.quota", 2, 'VM=[CLUSTER_IDS="0",VMS="5"] VM=[CLUSTER_IDS="100",VMS="5"]')
    assert used(one) == {"0": "1", "100": "0"}
    assert one("cluster.addhost", 100, 0) == [True, 100, 0]
    assert cids(one) == ["100"]
    assert used(one) == {"0": "0", "100": "1"}
    assert one("cluster.delhost", 4242, 0) == [True, 4242, 0], "out of whichever cluster it is in"
    assert cids(one) == ["0"]
    assert used(one) == {"0": "1", "100": "0"}


@pytest.mark.usefixtures("vm")
def test_a_renamed_host_tells_its_vms(one):
    one("host.rename", 0, "renamed")
    assert "<HOSTNAME>renamed</HOSTNAME>" in one("vm.info", 0)[1]
