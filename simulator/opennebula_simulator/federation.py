# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A federation: what the master does for its slaves, and how a slave asks it.

A slave passes on the methods that change what all zones have in common, as they came, once it knows the user and its
zone is enabled. What the master has done is done here too: that stands for the replication of the database. The session
of one.user.login is the master's alone, and what the master is told directly does not arrive here.
"""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

from . import xmlrpc
from .errors import Fault, Refused, internal, wrong_action

if TYPE_CHECKING:
    from .store import Object
    from .template import Template

STANDALONE, MASTER, SLAVE = "STANDALONE", "MASTER", "SLAVE"
MODES = (STANDALONE, MASTER, SLAVE)
MASTER_ZONE, SLAVE_ZONE = 0, 100
TIMEOUT = 10  # seconds

_PASSED_ON = {
    "acl": "addrule delrule",
    "group": "allocate delete update addadmin deladmin",
    "user": "allocate update delete passwd chgrp addgroup delgroup chauth login enable",
    "zone": "allocate update delete rename",
    "vdc": "allocate update delete rename addgroup delgroup addcluster delcluster addhost delhost adddatastore"
    " deldatastore addvnet delvnet",
    "market": "update delete chmod chown rename enable",
    "marketapp": "update rename chmod chown enable lock unlock",
}
PASSED_ON = frozenset(f"one.{family}.{verb}" for family, verbs in _PASSED_ON.items() for verb in verbs.split())

# What slaves write into the database of the master with: they have no such methods.
OF_THE_MASTER = frozenset(
    (
        "one.zone.updatedb",
        "one.market.updatedb",
        "one.market.allocatedb",
        "one.marketapp.updatedb",
        "one.marketapp.allocatedb",
        "one.marketapp.dropdb",
    )
)


def configure(config: Template, mode: str, master: str) -> None:
    """Puts the mode, the endpoint of the master and the own zone where oned.conf has them."""
    zone = SLAVE_ZONE if mode == SLAVE else MASTER_ZONE
    config.vectors("FEDERATION")[0].update(MODE=mode, MASTER_ONED=master, ZONE_ID=str(zone))


class Membership:
    """What a cloud is in its federation, as its configuration says now.

    Args:
        config: oned.conf.
        session: of the server itself.
    """

    def __init__(self, config: Template, session: str) -> None:
        self.config = config
        self.session = session

    @property
    def conf(self) -> dict[str, str]:
        return self.config.vectors("FEDERATION")[0]

    @property
    def mode(self) -> str:
        return self.conf["MODE"]

    @property
    def zone(self) -> int:
        """The ID of the own zone."""
        return int(self.conf["ZONE_ID"])

    def passes_on(self, method: str) -> bool:
        return self.mode == SLAVE and method in PASSED_ON

    def ask_master(self, method: str, parameters: list[Any]) -> list[Any]:
        """The answer of the master. Raises Refused when there is none."""
        request = urllib.request.Request(
            self.conf["MASTER_ONED"], xmlrpc.request(method, parameters), {"Content-Type": "text/xml"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return xmlrpc.answer(answer.read())
        except (OSError, ValueError, Fault):
            raise internal("Could not connect to the federation master oned") from None

    def tell_master(self, zone: Object) -> None:
        """Has the master store the own zone, which has changed here. Raises Refused."""
        if self.mode != SLAVE:
            return
        try:
            done, said, *dummy = self.ask_master("one.zone.updatedb", [self.session, zone.oid, zone.xml()])
        except Refused as error:
            done, said = False, error.message
        if not done:
            raise wrong_action(f"Cannot update zone at federation master: {said}")
