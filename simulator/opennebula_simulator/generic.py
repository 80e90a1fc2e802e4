# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The methods that many kinds have, once. A family takes the rows it has and says what is special about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import attributes
from .acl import TYPES
from .calls import Call, Method
from .errors import ACTION, RPC_API, Refused, internal, wrong_action
from .permissions import ADMIN_BITS, OPERATIONS, OTHER_BITS, Need, changed_bits, new_bits
from .quotas import Use, charge, refund
from .store import Kind, Object, invalid_name, well_formed
from .template import Template

MINE, ALL, MINE_GROUP, GROUP = -3, -2, -1, -4
GROUP_U, OTHER_U = 0o040, 0o004
LOCK_LEVELS = {1: 1, 2: 2, 3: 3, 4: 1}  # "all" is stored as USE, which blocks everything


def nothing(*dummy: Any) -> None:
    """The hook of a family that has nothing to add."""


# ---------------------------------------------------------------- info


def info(
    kind: Kind,
    arguments: str = "decrypt:boolean=false",
    xml: Callable[..., str] | None = None,
    details: Callable[[Call, Object], str] = lambda call, obj: "",
) -> Method:
    """`xml(call, obj, *options)` replaces the plain XML of the object, `details(call, obj)` adds to its TEMPLATE."""

    def run(call: Call, obj: Object, *options: Any) -> str:
        if xml is not None:
            return xml(call, obj, *options)
        with obj.detailed(details(call, obj)):
            return in_clear(call, obj) if options and options[-1] else obj.xml()

    return Method(
        f"one.{kind.method}.info",
        join("oid:int", arguments),
        run,
        needs=f"USE {kind.name} ignoring locks",
        reads=True,
        help=f"Returns {kind.title.title()} information",
    )


def in_clear(call: Call, obj: Object) -> str:
    """The object's XML with encrypted attributes readable, for administrators only."""
    names = attributes.encrypted(call.cloud.config, obj.kind)
    if not (call.is_admin and names):
        return obj.xml()
    attribute = obj.kind.template_of
    stored = getattr(obj, attribute)
    setattr(obj, attribute, attributes.decrypted(stored, names))
    shown = "".join([show(obj) for show in obj.kind.layout])
    setattr(obj, attribute, stored)
    return f"<{obj.kind.root}>{shown}</{obj.kind.root}>"


# ---------------------------------------------------------------- pools


def pool_info(kind: Kind, trailer: Callable[[Call], str] = lambda call: "") -> Method:
    """The pool without filters; `trailer(call)` is what follows the objects."""

    def run(call: Call, *_ignored: int) -> str:
        return call.pool(kind.name).show(ordered(call, visible(call, kind, ALL)), trailer(call))

    return Method(f"one.{kind.method}pool.info", "", run, reads=True)


def filtered_pool_info(kind: Kind) -> Method:
    """The pool with filter flag and range."""

    def run(call: Call, flag: int, start: int, end: int) -> str:
        return call.pool(kind.name).show(page(call, visible(call, kind, flag), start, end))

    arguments = "filter_flag:int, start:int, end:int"
    return Method(f"one.{kind.method}pool.info", arguments, run, reads=True)


def ordered(call: Call, found: list[Object]) -> list[Object]:
    """The objects, given ascending, in the order that the caller, his group or oned.conf asks for."""
    return found[::-1] if call.configured("API_LIST_ORDER").upper() == "DESC" else found


def page(call: Call, found: list[Object], start: int, end: int) -> list[Object]:
    """Part of the objects, given ascending, in order.

    (-1, -1) all; (3, 6) the IDs 3 to 6; (3, -1) the IDs from 3; (10, -5) five objects from the tenth of the answer.
    """
    if start != -1 and end >= -1:
        found = [obj for obj in found if obj.oid >= start and (end == -1 or obj.oid <= end)]
    found = ordered(call, found)
    if start != -1 and end < -1:
        first = max(start, 0)
        found = found[first : first - end]
    return found


def visible(call: Call, kind: Kind, flag: int) -> list[Object]:
    """The objects of a kind that the caller sees through a filter flag, ascending by ID. Raises Refused."""
    if flag < GROUP:
        raise Refused(RPC_API, "Incorrect filter_flag")
    if flag == ALL and call.is_admin:
        return list(call.pool(kind.name))
    chosen = {
        MINE: lambda obj: obj.uid == call.uid,
        MINE_GROUP: lambda obj: obj.uid == call.uid or (obj.gid in call.groups and obj.bits & GROUP_U),
        GROUP: lambda obj: obj.gid == call.gid,
        ALL: lambda obj: True,
    }.get(flag, lambda obj: obj.uid == flag)
    usable = can_use(call, kind) if flag in (ALL, GROUP) or flag >= 0 else lambda obj: True
    return [obj for obj in call.pool(kind.name) if chosen(obj) and usable(obj)]


def can_use(call: Call, kind: Kind, without: int = 0) -> Callable[[Object], Any]:
    """A test for objects of one kind, whatever their locks: fast enough for a pool of ten thousand.

    `without`: selectors (ALL, CLUSTER) whose rules are not heeded.
    """
    if call.is_admin:
        return lambda obj: True
    rules = list(call.cloud.rules.matching(call.uid, call.groups, OPERATIONS["USE"], TYPES.get(kind.name, 0)))
    rules = [rule for rule in rules if not rule.resource & without]
    uid, groups = call.uid, call.groups
    return lambda obj: (
        (obj.uid == uid and obj.bits & 0o400)
        or (obj.gid in groups and obj.bits & GROUP_U)
        or obj.bits & OTHER_U
        or any(rule.fits_object(obj) for rule in rules)
    )


# ---------------------------------------------------------------- update


def update(
    kind: Kind,
    operation: str = "MANAGE",
    normalise: Callable[[Call, Object, Template], None] = nothing,
    after: Callable[[Call, Object], None] = nothing,
) -> Method:
    """`normalise(call, obj, template)` may change or refuse the template to be stored; `after` follows its storing."""

    def run(call: Call, obj: Object, text: str, mode: int) -> None:
        if mode not in (0, 1):
            raise Refused(RPC_API, "Wrong update type")
        try:
            stored = store_template(call, obj, call.template(text, kind), mode == 1, normalise)
        except Refused as error:
            raise internal(f"Cannot update template. {error.message}") from None
        if stored:
            after(call, obj)

    return Method(
        f"one.{kind.method}.update",
        "oid:int, template:string, append:int=0",
        run,
        needs=f"{operation} {kind.name}",
    )


def store_template(call: Call, obj: Object, new: Template, append: bool, normalise: Callable[..., None]) -> bool:
    """Replaces or merges the object's template. A template that the database cannot hold is dropped in silence."""
    old: Template = getattr(obj, obj.kind.template_of)
    if not call.is_admin:
        refuse_restricted(call, obj.kind, new, old, append)
    if append:
        merged = old.copy()
        merged.merge(new)
        new = merged
    normalise(call, obj, new)
    new.settle()
    attributes.encrypt(new, attributes.encrypted(call.cloud.config, obj.kind))
    setattr(obj, obj.kind.template_of, new)
    if well_formed(obj):
        return True
    setattr(obj, obj.kind.template_of, old)
    obj.changed()
    return False


def refuse_restricted(call: Call, kind: Kind, new: Template, old: Template, append: bool) -> None:
    """Raises Refused when the template sets what only administrators may set."""
    names = attributes.listed(call.cloud.config, f"{kind.restricted}_RESTRICTED_ATTR")
    bad = attributes.first_restricted(new, old, names)
    if bad:
        raise internal(f"{kind.restricted_title} includes a restricted attribute {bad}")
    if not append:
        attributes.keep_restricted(new, old, names)


def forbid_restricted(call: Call, prefix: str, title: str, new: Template, base: Template | None = None) -> None:
    """Raises Refused AUTHORIZATION when a user sets in a new object what only administrators may set.

    `prefix` is that of *_RESTRICTED_ATTR in oned.conf; what the base says already may be said again.
    """
    names = attributes.listed(call.cloud.config, f"{prefix}_RESTRICTED_ATTR")
    bad = "" if call.is_admin else attributes.first_restricted(new, base or Template(), names)
    if bad:
        raise call.unauthorized(f"{title} includes a restricted attribute {bad}")


# ---------------------------------------------------------------- name, permissions, owner


def rename(kind: Kind, operation: str = "MANAGE", after: Callable[[Call, Object], None] = nothing) -> Method:
    def run(call: Call, oid: int, name: str) -> None:
        obj = call.find(kind.name, oid)
        if obj.name == name:
            return
        call.require(call.need(operation, obj))
        pool = call.pool(kind.name)
        other = pool.named(name, obj.uid) if kind.unique else None
        if other is not None:
            raise wrong_action(
                f"{kind.title} cannot be renamed to {name} because it collides with {kind.title} {other.oid}"
            )
        why = invalid_name(name)
        if why:
            raise wrong_action(why)
        pool.rename(obj, name)
        after(call, obj)

    return Method(f"one.{kind.method}.rename", "oid:int, name:string", run)


NINE_BITS = ", ".join(f"{who}_{what}:int" for who in ("user", "group", "other") for what in ("use", "manage", "admin"))


def chmod(kind: Kind, more: str = "", after: Callable[..., None] = nothing) -> Method:
    """`more` are arguments behind the nine bits; `after(call, obj, bits, *more)` follows the change."""

    def run(call: Call, oid: int, *arguments: Any) -> None:
        nine, rest = arguments[:9], arguments[9:]
        obj = call.find(kind.name, oid)
        change_bits(call, obj, nine)
        after(call, obj, nine, *rest)

    return Method(f"one.{kind.method}.chmod", join("oid:int", NINE_BITS, more), run)


def change_bits(call: Call, obj: Object, nine: Sequence[int]) -> None:
    """Permission bits as chmod has them (1 set, 0 clear, -1 keep). Raises Refused."""
    changed = changed_bits(nine, obj.bits)
    if changed & OTHER_BITS and not (call.is_admin or call.cloud.config.flag("ENABLE_OTHER_PERMISSIONS", True)):
        raise call.unauthorized("'other' permissions is disabled in oned.conf")
    call.require(call.need("ADMIN" if changed & ADMIN_BITS else "MANAGE", obj))
    bits = new_bits(nine, obj.bits)
    if bits is None:
        raise internal("New permission values must be -1, 0 or 1")
    obj.bits = bits


def chown(
    kind: Kind, after: Callable[[Call, Object], None] = nothing, uses: Callable[[Call, Object], list[Use]] | None = None
) -> Method:
    """`uses(call, obj)` is what the object counts against the quotas of its owner; it may refuse the change."""

    def run(call: Call, oid: int, uid: int, gid: int) -> None:
        user = call.find("USER", uid) if uid > -1 else None
        group = call.find("GROUP", gid) if gid > -1 else None
        obj = call.find(kind.name, oid)
        needs = [call.need("MANAGE", obj)]
        if user is not None and user.oid != obj.uid:
            needs.append(call.need("MANAGE", user))
        if group is not None and group.oid != obj.gid:
            needs.append(call.need("USE", group))
        call.require(*needs)
        refuse_same_name(call, obj, user)
        if uses is not None:
            move_usage(call, obj, user, group, uses(call, obj))
        call.pool(kind.name).give(obj, user, group)
        after(call, obj)

    return Method(f"one.{kind.method}.chown", "oid:int, user_id:int, group_id:int", run)


def move_usage(call: Call, obj: Object, user: Object | None, group: Object | None, uses: list[Use]) -> None:
    """What the object counts goes over to the new owner and group. Raises Refused AUTHORIZATION."""
    uid, gid = (-1 if new is None or new.oid == old else new.oid for new, old in ((user, obj.uid), (group, obj.gid)))
    charge(call, uses, uid, gid)
    refund(call.cloud, -1 if uid == -1 else obj.uid, -1 if gid == -1 else obj.gid, uses)


def refuse_same_name(call: Call, obj: Object, user: Object | None) -> None:
    """Raises Refused when the new owner has an object of this name."""
    if user is None or user.oid == obj.uid or obj.kind.unique != "owner":
        return
    other = call.pool(obj.kind.name).named(obj.name, user.oid)
    if other is not None:
        raise internal(f"user [{user.oid}] already owns {obj.kind.title} [{other.oid}] with NAME {obj.name}")


# ---------------------------------------------------------------- locks


def lock(kind: Kind) -> Method:
    def run(call: Call, obj: Object, level: int, test: bool) -> None:
        if level not in LOCK_LEVELS:
            raise wrong_action("Wrong lock level specified")
        if obj.lock is not None and test:
            raise Refused(ACTION, str(obj.lock["TIME"]))
        if obj.lock is not None and obj.lock["OWNER"] != call.uid and not call.is_admin:
            raise wrong_action("Error trying to lock the resource.")
        obj.lock = {
            "LOCKED": LOCK_LEVELS[level],
            "OWNER": call.uid,
            "TIME": call.cloud.events.time(),
            "REQ_ID": call.request,
        }

    return Method(
        f"one.{kind.method}.lock",
        "oid:int, level:int, test:boolean=false",
        run,
        needs=f"MANAGE {kind.name} ignoring locks",
    )


def unlock(kind: Kind) -> Method:
    def run(call: Call, obj: Object) -> None:
        if obj.lock is not None and obj.lock["OWNER"] != call.uid and not call.is_admin:
            raise wrong_action("Cannot unlock: Lock is owned by another user")
        obj.lock = None

    return Method(f"one.{kind.method}.unlock", "oid:int", run, needs=f"MANAGE {kind.name} ignoring locks")


# ---------------------------------------------------------------- copies and removal


def clone(
    kind: Kind, more: str = "", copy: Callable[..., Object] | None = None, after: Callable[..., None] = nothing
) -> Method:
    """`copy(call, obj, name)` makes the new object; `after(call, obj, new, *more)` follows its storing.

    What rights the caller needs on the original depends on the release.
    """

    def run(call: Call, oid: int, name: str, *options: Any) -> int:
        obj = call.find(kind.name, oid)
        call.require(*clone_needs(call, obj))
        new = Object(kind, name, obj.template.copy()) if copy is None else copy(call, obj, name)
        call.add_copy(new)
        after(call, obj, new, *options)
        return new.oid

    return Method(f"one.{kind.method}.clone", join("oid:int", "name:string", more), run)


def clone_needs(call: Call, obj: Object) -> list[Need]:
    """The rights that copying an object asks for."""
    use = [] if call.cloud.release.clones_without_use else [call.need("USE", obj)]
    return [call.need("CREATE", obj.kind.name), *use]


def delete(
    kind: Kind,
    operation: str = "MANAGE",
    more: str = "",
    refuse: Callable[..., str | None] = nothing,
    after: Callable[..., None] = nothing,
) -> Method:
    """`refuse(call, obj, *more)` returns why not, or nothing; `after(call, obj, *more)` follows the removal."""

    def run(call: Call, obj: Object, *options: Any) -> int:
        why = refuse(call, obj, *options)
        if why:
            raise wrong_action(f"Cannot delete {kind.title}. {why}")
        call.pool(kind.name).drop(obj)
        after(call, obj, *options)
        call.cloud.rules.forget_object(kind.name, obj.oid)
        return obj.oid

    needs = f"{operation} {kind.name}"
    return Method(f"one.{kind.method}.delete", join("oid:int", more), run, needs=needs)


def system_object(title: str) -> Callable[[Call, Object], str | None]:
    """The objects of a fresh server, below 100, stay: the text for `refuse` of `delete`."""
    return lambda call, obj: f"System {title} (ID < 100) cannot be deleted." if obj.oid < 100 else None


def join(*parts: str) -> str:
    return ", ".join(filter(None, parts))
