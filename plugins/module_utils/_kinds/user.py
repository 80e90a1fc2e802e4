# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a user is."""

from __future__ import annotations

import hashlib
import time

from .._attributes import common, quotas, relations
from .._core.failure import Failure
from .._engine.engine import Attribute, Resource

KIND = "user"
CORE = "core"  # the driver whose passwords the server hashes; it keeps those of all others as they are
DIGESTS = {40: "sha1", 64: "sha256"}  # by their length as text: sha1 until release 5.8
KEY = "SSH_PUBLIC_KEY"
# A replacement without TOKEN_PASSWORD would end the sessions of drivers that use it; the key is an option of its own.
MANAGED = frozenset(("TOKEN_PASSWORD", KEY))
EVERY_GROUP, NEVER = -1, -1  # EGID and EXPIRATION_TIME of a login token
VALID_FOR = 36000  # seconds, as of the CLI's tokens
group_id = relations.oid("group")


def read(cloud, user):
    """The record of a user (one.user.info or a USER of one.userpool.info)."""
    found = common.content(user)
    return dict(
        found,
        auth_driver=user.AUTH_DRIVER,
        password="%s:%s" % (user.AUTH_DRIVER, user.PASSWORD or ""),
        group=user.GNAME,
        group_id=user.GID,
        group_ids=[user.GID] + sorted(set(user.GROUPS.ID) - {user.GID}),
        enabled=user.ENABLED != 0,
        ssh_public_key=found["template"].get(KEY, ""),
        login_tokens=[read_token(token) for token in user.LOGIN_TOKEN],
        **quotas.content(user),
    )


def read_token(token):
    return {"token": token.TOKEN, "expiration_time": token.EXPIRATION_TIME, "group_id": token.EGID}


# ---------------------------------------------------------------- password and driver


def stored(driver, password, like):
    """What the server stores of a password; `like`: what it stores now, which tells its release's digest."""
    if driver != CORE:
        return password
    return hashlib.new(DIGESTS.get(len(like), "sha256"), password.encode("utf-8")).hexdigest()


def password(driver, on_create):
    """The Attribute `password`: compared with what the server stores.

    Args:
        driver (str | None): that the user is to have; None: the one that he has.
        on_create (bool): leave the password of a user who is there alone.
    """

    def merged(present, wanted):
        present_driver, dummy, kept = present.partition(":")
        chosen = present_driver if driver is None else driver
        same = present == "%s:%s" % (chosen, stored(chosen, wanted, kept))
        return present if on_create or same else wanted

    def write(cloud, oid, after, record):
        cloud.call("set the password of user %s" % record["name"], "user.passwd", oid, after)
        if (driver or record["auth_driver"]) == CORE:  # with others a session is no password
            cloud.one.go_on_with(record["name"], after)

    return Attribute(write, merged)


def write_driver(cloud, oid, after, record):
    """Without a password, which is an option of its own, the server keeps the present one."""
    cloud.call("give user %s the driver %s" % (record["name"], after), "user.chauth", oid, after, "")


# ---------------------------------------------------------------- groups


def groups(primary, purge):
    """The Attribute `group_ids`, the primary group first.

    Args:
        primary (bool): whether the first of the groups that are wanted is to be the primary one.
        purge (bool): the user leaves the other secondary groups.
    """

    def canonical(cloud, given):
        return list(dict.fromkeys(group_id(cloud, item) for item in given))

    def merged(present, wanted):
        first = wanted[:1] if primary and wanted else present[:1]
        others = set(wanted) | set(() if purge else present[1:])
        return first + relations.in_order(others - set(first))

    return Attribute(write_groups, merged, canonical)


def write_groups(cloud, oid, after, record):
    doing = "change the groups of user %s" % record["name"]
    present = set(record["group_ids"])
    if after[0] != record["group_ids"][0]:
        cloud.call(doing, "user.chgrp", oid, after[0])
        if after[0] not in present:  # else the former primary group stays a secondary one
            present = present - {record["group_ids"][0]} | {after[0]}
    for group in sorted(set(after) - present):
        cloud.call(doing, "user.addgroup", oid, group)
    for group in sorted(present - set(after)):
        cloud.call(doing, "user.delgroup", oid, group)


# ---------------------------------------------------------------- the other options


def write_enabled(cloud, oid, after, record):
    cloud.call("%s user %s" % ("enable" if after else "disable", record["name"]), "user.enable", oid, after)


def write_key(cloud, oid, after, record):
    doing = "set the SSH key of user %s" % record["name"]
    common.set_attribute(cloud, doing, KIND, oid, KEY, [after] if after else [])


def canonical_key(cloud, given):
    return given.strip()


# ---------------------------------------------------------------- login tokens


def tokens(made):
    """The Attribute `login_tokens`; `made`: the list that takes the token that OpenNebula makes."""

    def write(cloud, oid, after, record):
        doing = "change the login tokens of user %s" % record["name"]
        name = record["name"]
        for token in record["login_tokens"]:
            if token not in after:
                cloud.call(doing, "user.login", name, token["token"], 0, EVERY_GROUP)
        for token in after:
            if token not in record["login_tokens"]:
                given, valid = token.get("token", ""), token.get("valid_for", VALID_FOR)
                answer = cloud.call(doing, "user.login", name, given, valid, token["group_id"])
                made.extend([] if given else ["%s:%s" % (name, answer)])

    return Attribute(write, merged_tokens, canonical_token)


def canonical_token(cloud, given):
    """A wanted token without what is not given, its group by id."""
    found = {word: value for word, value in given.items() if value is not None}
    if "group" in found:
        found["group_id"] = group_id(cloud, found.pop("group"))
    if found.get("valid_for", NEVER) < NEVER or found.get("valid_for") == 0:
        raise Failure("A login token is valid for a number of seconds, or with -1 for ever.", object=KIND)
    return dict({"group_id": EVERY_GROUP}, **found)


def merged_tokens(present, wanted):
    """The tokens that stand: a wanted one is new unless one like it is still valid."""
    if wanted["state"] == "absent":
        return [token for token in present if wanted.get("token", token["token"]) != token["token"]]
    alike = [token for token in present if _fits(token, wanted)]
    new = {word: value for word, value in wanted.items() if word != "state"}
    kept = [token for token in present if token["token"] != new.get("token")]  # a token of this text is renewed
    return present if alike else kept + [new]


def _fits(token, wanted):
    valid = token["expiration_time"] == NEVER or token["expiration_time"] > time.time()
    same = token["token"] == wanted.get("token", token["token"])
    return valid and same and token["group_id"] == wanted["group_id"]


# ---------------------------------------------------------------- the resource


def create(primary):
    """create() of users; `primary`: as for groups()."""

    def allocate(cloud, name, wanted):
        chosen = wanted.get("group_ids", [])[:1] if primary else []
        driver = wanted.get("auth_driver", CORE)
        doing = "create user %s" % name
        return cloud.call(doing, "user.allocate", name, wanted["password"], driver, chosen, object=KIND, name=name)

    return allocate


def resource(
    replace=False, labels="exact", driver=None, on_create=False, primary=False, purge=False, purge_quotas=False
):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        driver, on_create: as for password().
        primary, purge (bool): as for groups().
        purge_quotas (bool): limits that are not given are no longer set.
    """
    made: list[str] = []

    def read_all(cloud, user):
        return dict(read(cloud, user), **({"one_auth": made[0]} if made else {}))

    attributes = {
        "name": Attribute(),  # the API cannot rename users
        "auth_driver": Attribute(write_driver),
        "password": password(driver, on_create),
        "group_ids": groups(primary, purge),
        "template": common.template(KIND, replace, MANAGED),
        "ssh_public_key": Attribute(write_key, canonical=canonical_key),
        "labels": common.labels(KIND, labels),
        "enabled": Attribute(write_enabled),
        "quotas": quotas.attribute(KIND, purge_quotas),
        "login_tokens": tokens(made),
    }
    return Resource(KIND, read_all, create(primary), attributes, common.remove(KIND), needed=("password",))
