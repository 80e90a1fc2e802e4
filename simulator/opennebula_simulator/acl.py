# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""ACL rules: how four numbers read as "#2 VM+NET/@100 USE #0", when they are malformed, and what they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .errors import internal

INDIVIDUAL, GROUP, ALL, CLUSTER = 1 << 32, 1 << 33, 1 << 34, 1 << 35
ID_MASK = (1 << 32) - 1
MASTER_ZONE = 0

TYPES = {
    name: 1 << (36 + i)
    for i, name in enumerate(
        "VM HOST NET IMAGE USER TEMPLATE GROUP ACL DATASTORE CLUSTER DOCUMENT ZONE SECGROUP VDC VROUTER MARKETPLACE"
        " MARKETPLACEAPP VMGROUP VNTEMPLATE HOOK BACKUPJOB SCHEDULEDACTION".split()
    )
}
RIGHTS = {"USE": 1, "MANAGE": 2, "ADMIN": 4, "CREATE": 8}
TYPE_MASK = sum(TYPES.values())


def types(*names: str) -> int:
    return sum(TYPES[name] for name in names)


CLUSTER_TYPES = types("HOST", "NET", "DATASTORE", "HOOK", "BACKUPJOB")
GROUPLESS_TYPES = types("HOST", "GROUP", "CLUSTER", "ZONE", "VDC")


def selector(bits: int) -> str:
    """ "#7", "@100", "%0", "*", or "??" when no selector is given."""
    oid = bits & ID_MASK
    for bit, sign in ((GROUP, "@"), (INDIVIDUAL, "#"), (CLUSTER, "%")):
        if bits & bit:
            return f"{sign}{oid}"
    return "*" if bits & ALL else "??"


def names(bits: int, table: dict[str, int]) -> str:
    return "+".join(name for name, bit in table.items() if bits & bit)


class Rule(NamedTuple):
    user: int
    resource: int
    rights: int
    zone: int = INDIVIDUAL | MASTER_ZONE

    def __str__(self) -> str:
        what = f"{names(self.resource, TYPES)}/{selector(self.resource)}"
        user = "*" if self.user & ALL else selector(self.user)
        return f"{user} {what} {names(self.rights, RIGHTS)} {selector(self.zone)}"

    @property
    def problem(self) -> str:
        """Why the rule is malformed; empty when it is not."""
        return next((text for text, wrong in PROBLEMS if wrong(self)), "")

    def fits_user(self, uid: int, groups: frozenset[int]) -> bool:
        oid = self.user & ID_MASK
        return bool(self.user & ALL or (self.user & INDIVIDUAL and oid == uid) or (self.user & GROUP and oid in groups))

    def fits_object(self, obj: object) -> bool:
        """Whether the rule speaks of this object; of its kind is checked by the caller. None: creation."""
        if self.resource & ALL:
            return True
        if obj is None:
            return False
        oid = self.resource & ID_MASK
        if self.resource & INDIVIDUAL:
            return oid == obj.oid
        return oid == obj.gid if self.resource & GROUP else oid in obj.in_clusters

    def fits_group(self, gid: int) -> bool:
        """Whether the rule speaks of what belongs to a group."""
        return bool(self.resource & GROUP) and self.resource & ID_MASK == gid


def exclusive(attribute: str, one: int, other: int) -> Callable[[Rule], bool]:
    return lambda rule: bool(getattr(rule, attribute) & one and getattr(rule, attribute) & other)


def lacks(attribute: str, *bits: int) -> Callable[[Rule], bool]:
    return lambda rule: not getattr(rule, attribute) & sum(bits)


def all_with_id(attribute: str) -> Callable[[Rule], bool]:
    return lambda rule: bool(getattr(rule, attribute) & ALL and getattr(rule, attribute) & ID_MASK)


# The checks of the server in its order, with its texts.
PROBLEMS = [
    ("[user] INDIVIDUAL (#) and GROUP (@) bits are exclusive", exclusive("user", INDIVIDUAL, GROUP)),
    ("[user] INDIVIDUAL (#) and ALL (*) bits are exclusive", exclusive("user", INDIVIDUAL, ALL)),
    ("[user] GROUP (@) and ALL (*) bits are exclusive", exclusive("user", GROUP, ALL)),
    ("[user] is missing one of the INDIVIDUAL, GROUP or ALL bits", lacks("user", INDIVIDUAL, GROUP, ALL)),
    ("when using the ALL bit, [user] ID must be 0", all_with_id("user")),
    ("[resource] type is missing", lacks("resource", TYPE_MASK)),
    ("[resource] INDIVIDUAL (#) and GROUP (@) bits are exclusive", exclusive("resource", INDIVIDUAL, GROUP)),
    ("[resource] INDIVIDUAL (#) and CLUSTER (%) bits are exclusive", exclusive("resource", INDIVIDUAL, CLUSTER)),
    ("[resource] INDIVIDUAL (#) and ALL (*) bits are exclusive", exclusive("resource", INDIVIDUAL, ALL)),
    ("[resource] GROUP (@) and ALL (*) bits are exclusive", exclusive("resource", GROUP, ALL)),
    ("[resource] GROUP (@) and CLUSTER (%) bits are exclusive", exclusive("resource", GROUP, CLUSTER)),
    ("[resource] CLUSTER (%) and ALL (*) bits are exclusive", exclusive("resource", CLUSTER, ALL)),
    (
        "[resource] CLUSTER(%) selector can be applied only to DATASTORE, HOST and NET types",
        lambda rule: bool(rule.resource & CLUSTER and rule.resource & TYPE_MASK & ~CLUSTER_TYPES),
    ),
    (
        "[resource] GROUP(@) selector cannot be applied to HOST, GROUP, CLUSTER, ZONE and VDC types",
        lambda rule: bool(rule.resource & GROUP and rule.resource & GROUPLESS_TYPES),
    ),
    (
        "[resource] is missing one of the INDIVIDUAL, GROUP, CLUSTER or ALL bits",
        lacks("resource", INDIVIDUAL, GROUP, CLUSTER, ALL),
    ),
    ("when using the ALL bit, [resource] ID must be 0", all_with_id("resource")),
    ("wrong [rights], it cannot be 0", lambda rule: rule.rights == 0),
    ("wrong [rights], it cannot be bigger than 0xF", lambda rule: rule.rights > 0xF),
    ("[zone] is missing one of the INDIVIDUAL or ALL bits", lacks("zone", INDIVIDUAL, ALL)),
    ("[zone] INDIVIDUAL (#) and ALL (*) bits are exclusive", exclusive("zone", INDIVIDUAL, ALL)),
    ("when using the ALL bit, [zone] ID must be 0", all_with_id("zone")),
]


class Rules:
    """All rules by ID; IDs are never given twice."""

    def __init__(self, zone: int = MASTER_ZONE) -> None:
        self.zone = zone  # of this server
        self._rules: dict[int, Rule] = {}
        self._next = 0

    def add(self, rule: Rule) -> int:
        """Returns the ID of the new rule. Raises Refused when it is malformed or there."""
        if rule.problem:
            raise internal(f"Rule {rule} is malformed: {rule.problem}")
        if rule in self._rules.values():
            raise internal(f"Rule {rule} already exists")
        self._rules[self._next] = rule
        self._next += 1
        return self._next - 1

    def ensure(self, rule: Rule) -> None:
        """Adds the rule unless it is there."""
        if rule not in self._rules.values():
            self.add(rule)

    def delete(self, oid: int) -> None:
        if oid not in self._rules:
            raise internal(f"Rule {oid} does not exist")
        del self._rules[oid]

    def discard(self, rule: Rule) -> None:
        self._drop(lambda other: other == rule)

    def forget_user(self, uid: int) -> None:
        self._drop(lambda rule: rule.user == INDIVIDUAL | uid)

    def forget_group(self, gid: int) -> None:
        self._drop(lambda rule: rule.user == GROUP | gid or (rule.resource & GROUP and rule.resource & ID_MASK == gid))

    def forget_cluster(self, cid: int) -> None:
        self._drop(lambda rule: rule.resource & CLUSTER and rule.resource & ID_MASK == cid)

    def forget_object(self, kind: str, oid: int) -> None:
        """A rule that speaks of other types too stays."""
        self._drop(lambda rule: rule.resource == TYPES.get(kind, 0) | INDIVIDUAL | oid)

    def _drop(self, condition: Callable[[Rule], object]) -> None:
        self._rules = {oid: rule for oid, rule in self._rules.items() if not condition(rule)}

    def allow(self, uid: int, groups: frozenset[int], right: int, kind: str, obj: object | None, gid: int) -> bool:
        """Whether a rule gives this user the right on an object of a kind; None: to create one, in the group GID."""
        kind_bit = TYPES.get(kind, 0)
        found = self.matching(uid, groups, right, kind_bit)
        return any(rule.fits_object(obj) or (obj is None and rule.fits_group(gid)) for rule in found)

    def matching(self, uid: int, groups: frozenset[int], right: int, kind_bit: int) -> Iterable[Rule]:
        for rule in self._rules.values():
            if (
                rule.resource & kind_bit
                and rule.rights & right
                and rule.fits_user(uid, groups)
                and self.here(rule.zone)
            ):
                yield rule

    def here(self, zone: int) -> bool:
        """Whether a rule's zone is all zones or this one."""
        return bool(zone & ALL or (zone & INDIVIDUAL and zone & ID_MASK == self.zone))

    def xml(self) -> str:
        listed: list[str] = []
        for oid, rule in sorted(self._rules.items(), key=lambda item: (item[1].user, item[0])):
            listed.append(
                f"<ACL><ID>{oid}</ID><USER>{rule.user:x}</USER><RESOURCE>{rule.resource:x}</RESOURCE>"
                f"<RIGHTS>{rule.rights:x}</RIGHTS><ZONE>{rule.zone:x}</ZONE><STRING>{rule}</STRING></ACL>"
            )
        return f"<ACL_POOL>{''.join(listed)}</ACL_POOL>"
