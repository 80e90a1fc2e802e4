# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A simulated cloud for the laws: properties that hold for every kind of object and whatever is given."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneFlow, OneServer
from modules import SESSION, Lab
from opennebula_simulator.cloud import Options
from opennebula_simulator.releases import RELEASES
from opennebula_simulator.server import Simulator
from services import role


@pytest.fixture(scope="module", params=sorted(RELEASES))
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A cloud with two hosts, an image, a network, a VM template and a VM; one for all tests of a file."""
    simulator = Simulator(Options(delay=0, release=request.param), allow_reset=True).start()
    one = OneServer(simulator.url, session=SESSION)
    for number in range(2):
        one.host.allocate(f"host{number}", "dummy", "dummy", 0)
    for oid in range(3):
        one.datastore.update(oid, {"TM_MAD": "dummy"} if oid != 1 else {"DS_MAD": "dummy", "TM_MAD": "dummy"}, 1)
    one.datastore.allocate('NAME="bck" DS_MAD="dummy" TM_MAD="-" TYPE="BACKUP_DS"', 0)
    one.image.allocate('NAME="os" PATH="/srv/images/os.img" TYPE="OS"', 1)
    one.vn.allocate('NAME="net" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.10",SIZE="64"]', 0)
    one.template.allocate('NAME="tpl" CPU="0.1" MEMORY="64" DISK=[IMAGE_ID="0"] NIC=[NETWORK_ID="0"]')
    one.market.allocate('NAME="market" MARKET_MAD="dummy"')
    one.hostpool.info()  # lets what is due happen: the hosts are monitored
    with OneFlow(simulator.flow_url, session=SESSION) as flow:
        flow.create({"name": "shop", "roles": [role(request.param)]})
    yield Lab(simulator.url, one, itertools.count(), flow_url=simulator.flow_url, cloud=simulator.cloud)
    simulator.stop()
