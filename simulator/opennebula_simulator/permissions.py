# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Who may do what: permission bits, ACL rules and locks, in the one place where they are decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .acl import Rules
from .store import Kind, Object

OPERATIONS = {"USE": 1, "MANAGE": 2, "ADMIN": 4, "CREATE": 8}
# A bit per operation in each of the three groups of three (owner, group, other), octal 421.
BIT_OF = {"USE": 4, "MANAGE": 2, "ADMIN": 1, "CREATE": 0}
LOCK_LEVEL = {"USE": 1, "MANAGE": 2, "ADMIN": 3, "CREATE": 9}


class Who(NamedTuple):
    """The user behind a call, with the groups that the login token leaves."""

    uid: int
    gid: int
    groups: frozenset[int]

    @property
    def is_admin(self) -> bool:
        return self.uid == 0 or 0 in self.groups


class Need(NamedTuple):
    """An operation on an object, or on a kind (CREATE). Reading and unlocking pay no heed to locks."""

    operation: str
    kind: Kind
    obj: Object | None = None
    heeds_lock: bool = True

    @property
    def missing(self) -> str:
        """What the error text says."""
        where = "" if self.obj is None else f" [{self.obj.oid}]"
        return f"Not authorized to perform {self.operation} {self.kind.name}{where}"


def locked(need: Need) -> bool:
    """Whether a lock on the object forbids the operation: a lock blocks its own level and those above."""
    held = need.obj.lock if need.obj is not None and need.heeds_lock else None
    return held is not None and held["LOCKED"] <= LOCK_LEVEL[need.operation]


def bits_allow(who: Who, operation: str, obj: Object) -> bool:
    bit = BIT_OF[operation]
    return bool(
        (obj.uid == who.uid and obj.bits & bit << 6)
        or (obj.gid in who.groups and obj.bits & bit << 3)
        or obj.bits & bit
    )


def allowed(who: Who, need: Need, rules: Rules) -> bool:
    """Whether bits or rules allow what is needed, locks aside. Administrators may do all."""
    if who.is_admin:
        return True
    if need.obj is not None and bits_allow(who, need.operation, need.obj):
        return True
    return rules.allow(who.uid, who.groups, OPERATIONS[need.operation], need.kind.name, need.obj, who.gid)


def refusal(who: Who, needs: Iterable[Need], rules: Rules) -> str:
    """Why the user may not do all this, as the server words it; empty when he may."""
    missing = []
    for need in needs:
        blocked = locked(need)
        if blocked and who.is_admin and need.obj is not None:
            return f"{need.kind.name} is locked. [{need.obj.oid}]"
        if blocked or not allowed(who, need, rules):
            missing.append(need.missing)
    return "; ".join(missing)


# ---------------------------------------------------------------- permission bits


def new_bits(values: Iterable[int], bits: int) -> int | None:
    """Permission bits after chmod's nine values (1 set, 0 clear, -1 keep); None when a value is none of these."""
    for i, value in enumerate(values):
        if value not in (-1, 0, 1):
            return None
        bit = 1 << (8 - i)
        bits = bits if value == -1 else (bits & ~bit) | (bit if value else 0)
    return bits


def changed_bits(values: Iterable[int], bits: int) -> int:
    """The bits that chmod's nine values speak of and that are not so already."""
    places = [1 << (8 - i) for i in range(9)]
    return sum(bit for bit, value in zip(places, values, strict=False) if value not in (-1, int(bool(bits & bit))))


ADMIN_BITS, OTHER_BITS = 0o111, 0o007
