# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Owner, group, permissions and locks: one meaning for every kind that has them."""

from __future__ import annotations

from .._core.cloud import label, method
from .._core.failure import described
from .._engine.engine import Attribute
from ..pyone import OneException, permissions
from . import common

LOCKS = {1: "use", 2: "manage", 3: "admin"}  # LOCKED of a LOCK element; what one.*.lock takes
LEVELS = {word: number for number, word in LOCKS.items()}


def owned(item):
    """The words that every owned object's record has; the pool of VMs tells no permissions."""
    return {
        "user_id": item.UID,
        "user_name": item.UNAME,
        "group_id": item.GID,
        "group_name": item.GNAME,
        "owner": item.UNAME,
        "group": item.GNAME,
        "mode": permissions.octal(item.PERMISSIONS) if item.PERMISSIONS is not None else None,
    }


def bits(item):
    """The nine permissions one by one, as community.general returns them: ``owner_u``, …, each 0 or 1."""
    words = ["%s_%s" % (who, right) for who in ("owner", "group", "other") for right in "uma"]
    return {word: int(getattr(item.PERMISSIONS, word.upper())) for word in words}


def locked(item):
    """The word that the record of every kind with locks has."""
    return {"lock": LOCKS.get(item.LOCK.LOCKED, str(item.LOCK.LOCKED)) if item.LOCK is not None else "none"}


def ownership(kind):
    """The Attributes `mode`, `group` and `owner` of a kind; the owner last: who gives away has no right to more."""

    def write_mode(cloud, oid, after, record):
        doing = "set the mode of %s %s to %s" % (label(kind), record["name"], after)
        cloud.call(doing, method(kind, "chmod"), oid, *permissions.bits(after))

    def write_group(cloud, oid, after, record):
        doing = "give %s %s to group %s" % (label(kind), record["name"], after)
        cloud.call(doing, method(kind, "chown"), oid, -1, cloud.reference("group", after).ID)

    def write_owner(cloud, oid, after, record):
        doing = "give %s %s to user %s" % (label(kind), record["name"], after)
        cloud.call(doing, method(kind, "chown"), oid, cloud.reference("user", after).ID, -1)

    return {
        "mode": Attribute(write_mode, canonical=canonical_mode),
        "group": Attribute(write_group, canonical=common.reference("group")),
        "owner": Attribute(write_owner, canonical=common.reference("user")),
    }


def canonical_mode(cloud, given):
    try:
        permissions.bits(given)
    except OneException as error:
        raise described(error, "use the option mode") from None
    return given[-3:]


def lock(kind):
    """The Attribute `lock` of a kind: put on last, taken off first, since a lock forbids the other changes."""

    def write(cloud, oid, after, record):
        if after == "none":
            cloud.call("unlock %s %s" % (label(kind), record["name"]), method(kind, "unlock"), oid)
        else:
            doing = "lock %s %s" % (label(kind), record["name"])
            cloud.call(doing, method(kind, "lock"), oid, LEVELS[after], False)

    return {"lock": Attribute(write, early=lambda after: after == "none")}


def attributes(kind, own, replace=False, labels="exact", managed=(), creation=("NAME",)):
    """The attributes of a kind with owner and template: what all have, and its own between.

    Args:
        own (dict): option → Attribute.
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        managed, creation (container): as for common.template and common.at_creation.
    """
    return {
        "name": common.rename(kind),
        "template": common.at_creation(common.template(kind, replace, managed), creation),
        **own,
        "labels": common.labels(kind, labels),
        **ownership(kind),
    }
