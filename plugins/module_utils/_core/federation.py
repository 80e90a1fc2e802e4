# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Zones of a federation: the server's own, and the one that does what another refuses.

A slave passes on to the master what changes users, groups, VDCs, ACL rules, zones and marketplaces; it refuses that
while the master does not answer.  Servers of a zone, and whether it is enabled, are matters of the zone itself; so are
the apps that it has published.
"""

from __future__ import annotations

import re

from .failure import Failure
from .values import canonical, first_text

KIND = "zone"
MASTER = 0  # id of the zone that a federation begins with


def here(cloud):
    """The id of the zone that the server belongs to; in a federation only administrators may ask for it."""
    zones = cloud.pool(KIND)
    if len(zones) == 1:
        return zones[0].ID
    return mode_and_zone(cloud)[1]


def mode_and_zone(cloud):
    """MASTER, SLAVE or STANDALONE, and the id of the server's zone; only administrators may ask."""
    found = cloud.call("ask for the federation of the server", "system.config").FEDERATION
    return found.MODE or "STANDALONE", found.ZONE_ID


REPLICATED = frozenset(("acl", "group", "marketapp", "marketplace", "user", "vdc", KIND))
REPLICATION = 10  # seconds within which a slave has what its master has stored
PAUSE = 0.2


def replicated(cloud, kind, probe, arrived):
    """What `probe` reads; on a slave, which gets the writes of its master moments later, once it has arrived.

    Args:
        cloud (Cloud)
        kind (str): of what is read.
        probe (callable): reads it.
        arrived (callable): what was read → whether it is what was written.
    """
    found = probe()
    if kind not in REPLICATED or arrived(found) or not _is_slave(cloud):
        return found
    end = cloud.clock.now() + REPLICATION
    while not arrived(found) and cloud.clock.now() < end:
        cloud.clock.sleep(PAUSE)
        found = probe()
    return found


def _is_slave(cloud):
    """Whether the server is one; False where the user may not ask."""
    try:
        return len(cloud.pool(KIND)) > 1 and mode_and_zone(cloud)[0] == "SLAVE"
    except Failure:
        return False


def _of_marketplace(cloud, arguments):
    return int(cloud.info("marketplace", arguments[1]).ZONE_ID)


# What a server says of what another zone does → (cloud, what was found, arguments of the method) → the id of that zone.
REFUSED = (
    (re.compile(r"federation master|on a master zone"), lambda cloud, found, arguments: MASTER),
    (re.compile("through the target zone"), lambda cloud, found, arguments: arguments[0]),
    (re.compile(r"deleted from zone (\d+)"), lambda cloud, found, arguments: int(found.group(1))),
    (
        re.compile("not in this OpenNebula zone"),
        lambda cloud, found, arguments: _of_marketplace(cloud, arguments),
    ),
)
OF_THE_ZONE_ITSELF = frozenset(("zone.addserver", "zone.delserver", "zone.enable", "zone.resetserver"))


def direction(cloud, said, arguments):
    """Where to go with what a server refused: one sentence, or an empty text.

    Args:
        cloud (Cloud)
        said (str): by the server.
        arguments (tuple): of the method.
    """
    for pattern, zone_of in REFUSED:
        found = pattern.search(said)
        if found:
            try:
                zones = cloud.pool(KIND)
                return endpoint_of(zones, zone_of(cloud, found, arguments)) if len(zones) > 1 else ""
            except Failure:  # the refusal itself is told
                break
    return ""


def endpoint_of(zones, zone):
    """What to give as api_url to reach a zone, as far as the zones of the federation tell it."""
    found = [one for one in zones if zone == one.ID]
    name = found[0].NAME if found else zone
    endpoint = first_text(canonical(found[0].TEMPLATE), "ENDPOINT") if found else ""
    if endpoint in ("", "-"):
        return "Run this with the endpoint of zone %s as api_url." % name
    return "Run this with api_url %s, the endpoint of zone %s." % (endpoint, name)


def refuse_elsewhere(cloud, doing, method, arguments):
    """Raises Failure for what the server would leave to another zone, where that is known before."""
    if method not in OF_THE_ZONE_ITSELF:
        return
    zones = cloud.pool(KIND)
    if len(zones) == 1:
        return
    try:
        own = here(cloud)
    except Failure:  # the user may not ask; the server tells him
        return
    if arguments[0] != own:
        message = "Cannot %s: only the zone itself does this. %s"
        raise Failure(message % (doing, endpoint_of(zones, arguments[0])), object=KIND, id=arguments[0])
