# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Users: passwords, authentication drivers, groups, login tokens, quotas."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import ACTION, RPC_API, Refused, internal, not_found, wrong_action
from ..quotas import Quotas
from ..sessions import NEVER, digest
from ..store import FORBIDDEN_IN_NAMES, ID, Kind, Object, cdata, ids, invalid_name, template, text
from ..template import Template
from . import group as groups
from .group import GROUP, ONEADMIN, USERS

CORE = "core"
MAX_TOKENS = 10
FORBIDDEN_IN_PASSWORDS = " \t\n\v\f\r"


def login_tokens(obj: Object) -> str:
    rows = ["".join([f"<{name}>{part}</{name}>" for name, part in token.items()]) for token in obj.tokens]
    return "".join([f"<LOGIN_TOKEN>{row}</LOGIN_TOKEN>" for row in rows])


USER = Kind(
    name="USER",
    title="user",
    method="user",
    root="USER",
    layout=(
        *ID,
        text("GID", "gid"),
        ids("GROUPS", "groups"),
        text("GNAME", "gname"),
        text("NAME", "name"),
        cdata("PASSWORD", "password"),
        cdata("AUTH_DRIVER", "auth_driver"),
        text("ENABLED", "enabled"),
        login_tokens,
        template(),
    ),
    after_each=lambda obj: f"<QUOTAS><ID>{obj.oid}</ID>{obj.quotas.xml(obj.release)}</QUOTAS>",
    owned=False,
    unique="pool",
    forbidden=FORBIDDEN_IN_NAMES + " ",
    last_wins=True,
    restricted="USER",
    restricted_title="User Template",
    encrypted="USER",
)
SELF_USE_MANAGE = 0o600  # everybody may see and change himself


def new(name: str, password: str, driver: str) -> Object:
    return Object(
        USER,
        name,
        Template([("TOKEN_PASSWORD", random_digest())], last_wins=True),
        password=password,
        auth_driver=driver,
        enabled=1,
        groups=set(),
        tokens=[],
        quotas=Quotas(),
        bits=SELF_USE_MANAGE,
    )


def random_digest() -> str:
    return hashlib.sha256(secrets.token_bytes(32)).hexdigest()


def stored_password(driver: str, password: str) -> str:
    return digest(password) if driver == CORE else password


def bad_password(password: str) -> str:
    """Why a password is refused; empty when it is not."""
    if not password:
        return "Invalid password, it cannot be empty"
    bad = next((char for char in password if char in FORBIDDEN_IN_PASSWORDS), None)
    return "" if bad is None else f"Invalid password, character '{bad}' is not allowed"


# ---------------------------------------------------------------- creation and removal


def allocate(call: Call, name: str, password: str, driver: str, gids: list[int]) -> int:
    chosen = [call.find("GROUP", gid) for gid in gids]
    manage = [call.need("MANAGE", group) for group in chosen]
    call.require(call.need("CREATE", "USER"), *manage)
    needed = configured(call, driver, "PASSWORD_REQUIRED", "YES") != "NO"
    why = (bad_password(password) if needed else "") or invalid_name(name, USER.forbidden)
    if why:
        raise internal(f"{why}.")
    driver = driver or CORE
    user = new(name, stored_password(driver, password), driver)
    user.uid = call.allocate(user)
    enrol(call.cloud, user, chosen or [call.pool("GROUP").get(USERS if call.is_admin else call.gid)])
    return user.oid


def enrol(cloud: Any, user: Object, chosen: list[Object]) -> None:
    """Into groups; the first is the primary one."""
    for group in chosen:
        groups.join(group, user)
    set_primary(user, chosen[0])


def set_primary(user: Object, group: Object) -> None:
    user.gid, user.gname = group.oid, group.name
    user.changed()


def removed(call: Call, user: Object) -> None:
    for gid in list(user.groups):
        groups.leave(call.cloud, call.pool("GROUP").get(gid), user)
    call.cloud.rules.forget_user(user.oid)


# ---------------------------------------------------------------- authentication


def configured(call: Call, driver: str, name: str, default: str) -> str:
    """What oned.conf says of an authentication driver in AUTH_MAD_CONF."""
    rows = call.cloud.config.vectors("AUTH_MAD_CONF")
    return next((row[name] for row in rows if row["NAME"] == driver and name in row), default)


def set_password(call: Call, user: Object, password: str) -> None:
    if not call.is_admin and configured(call, user.auth_driver, "PASSWORD_CHANGE", "NO") != "YES":
        raise wrong_action(f"Password for driver {user.auth_driver} cannot be changed.")
    why = bad_password(password)
    if why:
        raise wrong_action(why)
    user.password = stored_password(user.auth_driver, password)


def set_driver(call: Call, user: Object, driver: str, password: str) -> None:
    """An empty password keeps the stored one."""
    if password:
        why = bad_password(password)
        if why:
            raise wrong_action(why)
        user.password = stored_password(driver, password)
    user.auth_driver = driver


def enable(call: Call, user: Object, enabled: bool) -> None:
    if user.oid == ONEADMIN:
        raise wrong_action("Cannot enable/disable oneadmin user")
    user.enabled = int(enabled)


def login(call: Call, name: str, token: str, valid: int, egid: int) -> str:
    """Makes a token that is valid for some seconds (-1 for ever), or with 0 removes it (all, if none is named)."""
    user = call.pool("USER").named(name)
    if user is None:
        raise not_found(USER.title)
    call.require(call.need("MANAGE", user))
    user.changed()
    longest = int(configured(call, user.auth_driver, "MAX_TOKEN_TIME", "-1"))
    if longest > 0 and (valid > longest or valid == NEVER):
        valid = longest
    if valid == 0:
        return forget_token(user, token)
    if valid < NEVER:
        raise Refused(RPC_API, "Wrong valid period for token")
    refuse_scope(call, user, egid)
    kept = [other for other in user.tokens if other["TOKEN"] != token]
    if len(kept) >= MAX_TOKENS:
        raise Refused(RPC_API, "Max number of tokens limit reached.")
    token = token or random_digest()
    expires = NEVER if valid == NEVER else call.cloud.events.time() + valid
    user.tokens = [*kept, {"TOKEN": token, "EXPIRATION_TIME": expires, "EGID": egid}]
    return token


def refuse_scope(call: Call, user: Object, egid: int) -> None:
    """Raises Refused when the token would give rights in groups that the user, or the caller's own token, lacks."""
    if egid != -1 and not call.is_admin and not (egid in user.groups and egid in call.groups):
        raise Refused(RPC_API, "EGID is not in user group list")
    if egid == -1 and call.groups != user.groups:
        raise Refused(RPC_API, "Cannot create a full token with a specific group token")


def forget_token(user: Object, token: str) -> str:
    kept = [other for other in user.tokens if token and other["TOKEN"] != token]
    if token and len(kept) == len(user.tokens):
        raise Refused(RPC_API, f"Could not find token: {token}")
    user.tokens = kept
    return token


# ---------------------------------------------------------------- groups


def change_group(call: Call, oid: int, gid: int) -> None:
    """Another primary group; the old one is left unless the new one was among the user's groups already."""
    if gid < 0:
        raise Refused(RPC_API, "Wrong group ID")
    user = call.find("USER", oid)
    if gid not in user.groups:
        refuse_managed(call, user, RPC_API)
    group = call.find("GROUP", gid)
    if oid == ONEADMIN:
        raise internal("user [0] oneadmin cannot be moved outside of the group [0] oneadmin")
    call.require(call.need("MANAGE", user), call.need("USE", group))
    if gid == user.gid:
        return
    if gid not in user.groups:
        groups.leave(call.cloud, call.pool("GROUP").get(user.gid), user)
        groups.join(group, user)
    set_primary(user, group)


def refuse_managed(call: Call, user: Object, code: int) -> None:
    """Raises Refused when the user's driver says which groups he is in."""
    if configured(call, user.auth_driver, "DRIVER_MANAGED_GROUPS", "NO") == "YES":
        raise Refused(code, f"Groups cannot be manually managed for auth driver {user.auth_driver}")


def add_group(call: Call, user: Object, group: Object) -> None:
    refuse_managed(call, user, ACTION)
    if group.oid in user.groups:
        raise wrong_action("User is already in this group")
    groups.join(group, user)


def del_group(call: Call, user: Object, group: Object) -> None:
    refuse_managed(call, user, ACTION)
    if group.oid == user.gid:
        raise wrong_action("Cannot remove user from the primary group")
    if group.oid not in user.groups:
        raise wrong_action("User is not part of this group")
    groups.leave(call.cloud, group, user)


# ---------------------------------------------------------------- information and quotas


def own(call: Call, oid: int, decrypt: bool) -> str:
    """-1 is the caller himself."""
    user = call.find("USER", call.uid if oid == -1 else oid)
    call.require(call.need("USE", user, heeds_lock=False))
    shown = generic.in_clear(call, user) if decrypt else user.xml()
    defaults = call.cloud.default_quotas["USER"].xml(call.cloud.release)
    quotas = f"{user.quotas.xml(user.release)}<DEFAULT_USER_QUOTAS>{defaults}</DEFAULT_USER_QUOTAS>"
    return f"{shown[: -len('</USER>')]}{quotas}</USER>"


def set_quota(call: Call, user: Object, text: str) -> None:
    if user.oid == ONEADMIN:
        raise wrong_action("Cannot set quotas for oneadmin user")
    groups.limit(call, user, text, "uid")


def bootstrap(cloud: Any) -> None:
    options = cloud.options
    admins = cloud["GROUP"].get(ONEADMIN)
    accounts = (
        (options.user, digest(options.password), CORE),
        ("serveradmin", random_digest(), "server_cipher"),
    )
    for name, password, driver in accounts:
        user = cloud["USER"].bootstrap(new(name, password, driver))
        user.uid = user.oid
        enrol(cloud, user, [admins])


def refuse_oneadmin(call: Call, user: Object) -> str | None:
    return "oneadmin cannot be deleted." if user.oid == ONEADMIN else None


GROUPS_OF_USER = (f"MANAGE {USER.name}", f"MANAGE {GROUP.name}")

KINDS = [USER]
METHODS = [
    Method(
        "one.user.allocate",
        "username:string, password:string, driver:string, group_ids:array=",
        allocate,
    ),
    generic.update(USER),
    generic.delete(USER, "ADMIN", refuse=refuse_oneadmin, after=removed),
    Method("one.user.info", "oid:int, decrypt:boolean=false", own, reads=True),
    Method("one.user.passwd", "oid:int, new_password:string", set_password, needs="MANAGE USER"),
    Method("one.user.chgrp", "oid:int, new_gid:int", change_group),
    Method("one.user.addgroup", "oid:int, group_id:int", add_group, needs=GROUPS_OF_USER),
    Method("one.user.delgroup", "oid:int, group_id:int", del_group, needs=GROUPS_OF_USER),
    Method("one.user.chauth", "oid:int, new_auth:string, new_password:string", set_driver, needs="ADMIN USER"),
    Method("one.user.quota", "oid:int, quota:string", set_quota, needs="ADMIN USER"),
    Method(
        "one.user.login",
        "uname:string, token:string, valid:int, egid:int=-1",
        login,
    ),
    Method("one.user.enable", "oid:int, enable:boolean", enable, needs="ADMIN USER"),
    generic.pool_info(
        USER,
        lambda call: (
            f"<DEFAULT_USER_QUOTAS>{call.cloud.default_quotas['USER'].xml(call.cloud.release)}</DEFAULT_USER_QUOTAS>"
        ),
    ),
    *groups.default_quotas("USER"),
]
