# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Users."""

from __future__ import annotations

import hashlib
import secrets
from functools import partial
from typing import Any, NamedTuple

from .._attributes import access, quotas
from .._attributes.labels import labels
from .._attributes.relations import in_order, reference_id
from .._attributes.template import canonical_single, content, set_attribute, template
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import first_text
from .._engine.resource import Attribute, Modes, Resource, Step, attribute, delete

KIND = "user"
CORE = "core"  # the driver whose passwords the server hashes; it stores those of all others as they are
DIGESTS = {40: "sha1", 64: "sha256"}  # by their length as text: sha1 until release 5.8
KEY = "SSH_PUBLIC_KEY"
BLANKS = frozenset(" \t\n\v\f\r")  # that a password must not have
PURGE = "purge_groups"  # option: the user leaves the secondary groups that are not named
# A replacement without TOKEN_PASSWORD would end the sessions of drivers that use it; the key is an option of its own.
MANAGED = frozenset(("TOKEN_PASSWORD", KEY))
USERS = 1  # the group that users are in without another
EVERY_GROUP, NEVER = -1, -1  # EGID and EXPIRATION_TIME of a login token
EXPIRED = 0  # seconds for which one.user.login makes a token valid: it removes the token
VALID_FOR = 36000  # seconds, as of the CLI's tokens
group_id = reference_id("group")


def read(cloud, user):
    """The record of a user (one.user.info or a USER of one.userpool.info); the password as the server stores it."""
    found = content(user)
    return dict(
        found,
        auth_driver=user.AUTH_DRIVER,
        password=user.PASSWORD or "",
        group=user.GNAME,
        group_id=user.GID,
        group_ids=[user.GID] + sorted(set(user.GROUPS.ID) - {user.GID}),
        enabled=user.ENABLED != 0,
        ssh_public_key=first_text(found["template"], KEY),
        login_tokens=[read_token(token) for token in user.LOGIN_TOKEN],
        **quotas.content(user),
    )


def read_token(token):
    return {"token": token.TOKEN, "expiration_time": token.EXPIRATION_TIME, "group_id": token.EGID}


def create(name, wanted, modes):
    """Drivers that ask somebody else for the password, such as ldap, get one that nobody knows: none is refused."""
    driver = wanted.get("auth_driver", CORE)
    password = checked(driver, wanted["password"]) if "password" in wanted else secrets.token_hex(32)
    arguments = (name, password, driver, groups_of_new(driver, wanted.get("groups", Groups())))
    return Step("create user %s" % name, "user.allocate", arguments)


def groups_of_new(driver, groups):
    """The groups for one.user.allocate, the primary one first; drivers such as ldap let nobody change them later."""
    if groups.primary is None and (driver == CORE or not groups.others):
        return []
    primary = USERS if groups.primary is None else groups.primary
    return [primary] + [group for group in groups.others or () if group != primary]


def needed(wanted):
    return ("password",) if wanted.get("auth_driver", CORE) == CORE else ()


def values(params):
    """`group` and `groups` together say in which groups the user is."""
    if params["group"] is None and params["groups"] is None:
        return {"groups": None}
    return {"groups": Groups(params["group"], params["groups"])}


# ---------------------------------------------------------------- password and driver


def stored(driver, password, like):
    """What the server stores of a password; `like`: what it stores now, which tells its release's digest."""
    if driver != CORE:
        return password
    return hashlib.new(DIGESTS.get(len(like), "sha256"), password.encode("utf-8")).hexdigest()


def checked(driver, password):
    """A password.

    Raises:
        Failure: the server takes no such password.
    """
    if driver == CORE and (not password or set(password) & BLANKS):
        raise Failure("The option password of a user has to be a text without blanks, tabs and line ends.", object=KIND)
    return password


def plan_password(record, wanted, modes):
    """The password is compared with what the server stores of it, with the driver that the user is to have."""
    driver = wanted.get("auth_driver", record["auth_driver"])
    password = checked(driver, wanted["password"])
    after = stored(driver, password, record["password"])
    steps = [Step("set the password of user %s" % record["name"], "user.passwd", (record["id"], password))]
    if driver == CORE:  # with others the password is not what a session has
        what = "go on with the new password of user %s" % record["name"]
        steps.append(Step(what, run=go_on_with, arguments=(record["name"], password)))
    return record["password"], after, steps


def go_on_with(cloud, name, password):
    """A task of the user that is changed has the new password from then on."""
    cloud.one.go_on_with(name, password)


def change_driver(record, after):
    """Without a password, which is an option of its own, the server keeps the present one."""
    what = "change the driver of user %s to %s" % (record["name"], after)
    return [Step(what, "user.chauth", (record["id"], after, ""))]


# ---------------------------------------------------------------- groups


class Groups(NamedTuple):
    """The groups that a task wants a user to be in.

    Args:
        primary (str | int | None): None: the one that the user has.
        others (list | None): None: the task does not say.
    """

    primary: Any = None
    others: Any = None


def canonical_groups(cloud, given):
    """Groups with ids in place of names."""
    primary = None if given.primary is None else group_id(cloud, given.primary)
    others = None if given.others is None else [group_id(cloud, one) for one in given.others]
    return Groups(primary, others)


def merged_groups(present, wanted, modes):
    """The ids of the user's groups after the change, the primary one first."""
    first = present[:1] if wanted.primary is None else [wanted.primary]
    kept = () if wanted.others is not None and PURGE in modes.purge else present[1:]
    return first + in_order({*(wanted.others or ()), *kept} - set(first))


def shown_groups(value):
    return merged_groups([], value, Modes()) if isinstance(value, Groups) else value


def change_groups(record, after):
    """The former primary group is left, unless it is to be a secondary one."""
    what = "change the groups of user %s" % record["name"]
    former, present, steps = record["group_ids"][0], set(record["group_ids"]), []
    if after[0] != former:
        steps.append(Step(what, "user.chgrp", (record["id"], after[0])))
        if after[0] not in present:  # else the server keeps the former one among the secondary groups
            present = present - {former} | {after[0]}
    new, gone = in_order(set(after) - present), in_order(present - set(after))
    steps += [Step(what, "user.addgroup", (record["id"], group)) for group in new]
    return steps + [Step(what, "user.delgroup", (record["id"], group)) for group in gone]


# ---------------------------------------------------------------- the other options


def change_enabled(record, after):
    what = "%s user %s" % ("enable" if after else "disable", record["name"])
    return [Step(what, "user.enable", (record["id"], after))]


def change_key(record, after):
    what = "set the SSH key of user %s" % record["name"]
    return [set_attribute(KIND, record, what, KEY, [after] if after else [])]


def canonical_key(cloud, given):
    return given.strip()


# ---------------------------------------------------------------- login tokens


def canonical_token(cloud, given):
    """A wanted token without what is not given, its group by id; `now` is the time that tells whether one is valid.

    Raises:
        Failure: it would be valid for no time.
    """
    found = {word: value for word, value in given.items() if value is not None}
    if "group" in found:
        found["group_id"] = group_id(cloud, found.pop("group"))
    if found.get("valid_for", NEVER) < NEVER or found.get("valid_for") == EXPIRED:
        raise Failure("A login token is valid for a number of seconds, or with -1 for ever.", object=KIND)
    return dict({"group_id": EVERY_GROUP, "now": cloud.clock.time()}, **found)


def merged_tokens(present, wanted, modes):
    """The tokens after the change: a wanted one is new unless one like it is still valid."""
    if wanted["state"] == "absent":
        return [token for token in present if wanted.get("token", token["token"]) != token["token"]]
    if any(_fits(token, wanted) for token in present):
        return present
    new = {word: value for word, value in wanted.items() if word not in ("state", "now")}
    return [token for token in present if token["token"] != new.get("token")] + [new]  # one of this text is renewed


def _fits(token, wanted):
    valid = token["expiration_time"] == NEVER or token["expiration_time"] > wanted["now"]
    same = token["token"] == wanted.get("token", token["token"])
    return valid and same and token["group_id"] == wanted["group_id"]


def shown_tokens(value):
    return merged_tokens([], value, Modes()) if isinstance(value, dict) else value


def change_tokens(record, after):
    what, name, present = "change the login tokens of user %s" % record["name"], record["name"], record["login_tokens"]
    gone = [one["token"] for one in present if one not in after]
    steps = [Step(what, "user.login", (name, token, EXPIRED, EVERY_GROUP)) for token in gone]
    return steps + [_make_token(what, name, one) for one in after if one not in present]


def _make_token(what, name, token):
    given = token.get("token", "")
    arguments = (name, given, token.get("valid_for", VALID_FOR), token["group_id"])
    return Step(what, "user.login", arguments, result=None if given else partial(new_session, name))


def new_session(name, token):
    """The result of a task with a token that the server made."""
    return {"one_auth": "%s:%s" % (name, token)}


USER = Resource(
    kind=KIND,
    read=read,
    values=values,
    create=create,
    remove=partial(delete, KIND),
    needed=needed,
    twins={KEY: twin("ssh_public_key")},
    attributes={
        "name": access.name(KIND),
        "auth_driver": attribute("auth_driver", change_driver),
        "password": Attribute(plan_password),
        "groups": attribute(
            "groups", change_groups, merged_groups, canonical_groups, field="group_ids", shown=shown_groups
        ),
        "template": template(KIND, MANAGED, canonical=partial(canonical_single, KIND)),
        "ssh_public_key": attribute("ssh_public_key", change_key, canonical=canonical_key),
        "labels": labels(KIND),
        "enabled": attribute("enabled", change_enabled),
        "quotas": quotas.quotas(KIND),
        "login_token": attribute(
            "login_token", change_tokens, merged_tokens, canonical_token, field="login_tokens", shown=shown_tokens
        ),
    },
)
