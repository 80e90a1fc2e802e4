# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Who is behind a session string: password or login token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any

from .errors import AUTHENTICATION, Refused
from .permissions import Who
from .store import Object, Pool

NEVER = -1


def digest(password: str) -> str:
    """How the core driver stores a password."""
    return hashlib.sha256(password.encode()).hexdigest()


# Authentication driver -> does the secret fit what is stored? A driver that is not here lets nobody in.
DRIVERS: dict[str, Callable[[str, str], bool]] = {
    "core": lambda stored, secret: hmac.compare_digest(stored, digest(secret)),
    "plain": lambda stored, secret: hmac.compare_digest(stored.encode(), secret.encode()),
    "dummy": lambda stored, secret: True,
}


def authenticate(users: Pool, session: Any, now: float) -> tuple[Object, Who]:
    """The user and what the session lets him be. Raises Refused AUTHENTICATION."""
    name, colon, secret = session.partition(":") if isinstance(session, str) else ("", "", "")
    user = users.named(name) if colon and secret else None
    if user is not None and user.enabled:
        found = identity(user, secret, now)
        if found is not None:
            return user, found
    raise Refused(AUTHENTICATION, "User couldn't be authenticated, aborting call.")


def identity(user: Object, secret: str, now: float) -> Who | None:
    for token in valid_tokens(user.tokens, now):
        if token["TOKEN"] == secret:
            group = token["EGID"]
            return (
                Who(user.oid, user.gid, frozenset(user.groups))
                if group == -1
                else Who(user.oid, group, frozenset([group]))
            )
    check = DRIVERS.get(user.auth_driver)
    if check is not None and check(user.password, secret):
        return Who(user.oid, user.gid, frozenset(user.groups))
    return None


def valid_tokens(tokens: Iterable[dict], now: float) -> list:
    return [token for token in tokens if token["EXPIRATION_TIME"] == NEVER or token["EXPIRATION_TIME"] > now]
