# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""ACL rules as people write them, and as the four hexadecimal numbers of one.acl.addrule.

A rule is ``USER RESOURCES RIGHTS [ZONE]``: ``#5 HOST+VM/@12 USE+MANAGE #0`` lets user 5 use and manage the hosts and
VMs of group 12 in zone 0.  ``#7`` is one user, object or zone, ``@7`` a group, ``%7`` a cluster, ``*`` all.
"""

from __future__ import annotations

import re
from typing import Mapping

from .errors import OneArgumentException

# Where an id comes from; it stands in the low 32 bits.
USERS = {"UID": 1 << 32, "GID": 1 << 33, "ALL": 1 << 34, "CLUSTER": 1 << 35}
RESOURCES = {
    name: 1 << 36 + position
    for position, name in enumerate(
        "VM HOST NET IMAGE USER TEMPLATE GROUP ACL DATASTORE CLUSTER DOCUMENT ZONE SECGROUP VDC VROUTER MARKETPLACE"
        " MARKETPLACEAPP VMGROUP VNTEMPLATE HOOK BACKUPJOB SCHEDULEDACTION".split()
    )
}
RIGHTS = {"USE": 1, "MANAGE": 2, "ADMIN": 4, "CREATE": 8}

_SELECTORS = {"#": USERS["UID"], "@": USERS["GID"], "%": USERS["CLUSTER"]}
_ID = (1 << 32) - 1


def parse_rule(rule: str) -> tuple[str, ...]:
    """The three or four numbers of a rule, as one.acl.addrule takes them.

    Returns:
        tuple[str, ...]: user, resources, rights and, where the rule names it, zone, each like ``0x100000005``.

    Raises:
        OneArgumentException: a part that is no such part; whether they go together is for the server to say.
    """
    parts = rule.split()
    if len(parts) not in (3, 4):
        raise OneArgumentException("an ACL rule is USER RESOURCES RIGHTS [ZONE], not %r" % rule)
    parsers = (parse_users, parse_resources, parse_rights, parse_zone)
    return tuple(parse(part) for parse, part in zip(parsers, parts))


def parse_users(users: str) -> str:
    """The number of ``#7``, ``@7`` or ``*``; raises as parse_rule()."""
    return hex(_selected(users, "#@", "a user"))


def parse_resources(resources: str) -> str:
    """The number of ``VM+HOST/#7``, with ``@7``, ``%7`` or ``*`` after the slash; raises as parse_rule()."""
    names, slash, selector = resources.partition("/")
    if not slash:
        raise OneArgumentException("the resources of an ACL rule are TYPE+TYPE/IDS, not %r" % resources)
    return hex(_joined(names, RESOURCES, "type of resource") | _selected(selector, "#@%", "a resource"))


def parse_rights(rights: str) -> str:
    """The number of ``USE+MANAGE``; raises as parse_rule()."""
    return hex(_joined(rights, RIGHTS, "right"))


def parse_zone(zone: str) -> str:
    """The number of ``#7`` or ``*``; raises as parse_rule()."""
    return hex(_selected(zone, "#", "a zone"))


def rule_text(user: str, resource: str, rights: str, zone: str = "") -> str:
    """A rule in words, as the server writes it.

    Args:
        user, resource, rights, zone (str): hexadecimal numbers, as the elements of ACL_POOL and one.acl.addrule have
            them; no zone is that of the server, which is left out.

    Raises:
        OneArgumentException: a text that is no such number.
    """
    what = _number(resource)
    parts = [_selector(_number(user)), "%s/%s" % (_names(what, RESOURCES), _selector(what))]
    parts.append(_names(_number(rights), RIGHTS))
    return " ".join(parts + [_selector(_number(zone))] if zone else parts)


def _joined(text, table, kind):
    number = 0
    for name in text.upper().split("+"):
        if name not in table:
            raise OneArgumentException("%r is no %s of an ACL rule: choose from %s" % (name, kind, ", ".join(table)))
        number |= table[name]
    return number


def _selected(text, signs, what):
    if text == "*":
        return USERS["ALL"]
    found = re.match(r"([#@%])([0-9]{1,10})\Z", text)
    if found is None or found.group(1) not in signs or int(found.group(2)) > _ID:
        forms = ", ".join("%s7" % sign for sign in signs)
        raise OneArgumentException("%r selects nothing as %s of an ACL rule: give %s or *" % (text, what, forms))
    return _SELECTORS[found.group(1)] | int(found.group(2))


def _number(text):
    try:
        return int(text, 16)
    except ValueError:
        raise OneArgumentException("%r is no hexadecimal number" % text) from None


def _names(number: int, table: Mapping[str, int]) -> str:
    return "+".join(name for name, bit in table.items() if number & bit)


def _selector(number):
    for sign, bit in _SELECTORS.items():
        if number & bit:
            return "%s%d" % (sign, number & _ID)
    return "*"


class OneAcl:
    """The parsers under one name, as pyone has them."""

    parse_rule = staticmethod(parse_rule)
    parse_users = staticmethod(parse_users)
    parse_resources = staticmethod(parse_resources)
    parse_rights = staticmethod(parse_rights)
    parse_zone = staticmethod(parse_zone)

    @staticmethod
    def calculate_ids(id_str: str) -> int:
        """The number of ``#7``, ``@7``, ``%7`` or ``*``; raises as parse_rule()."""
        return _selected(id_str, "#@%", "an id")
