# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Name, owner, group, permissions and locks: one meaning for every kind that has them."""

from __future__ import annotations

from functools import partial

from .._core import names
from .._core.cloud import label, method
from .._core.failure import described
from .._engine.resource import FIRST, LAST, Reference, Step, attribute
from ..pyone import OneException, permissions
from .labels import labels
from .relations import reference
from .template import template

LOCKS = {1: "use", 2: "manage", 3: "admin"}  # LOCKED of a LOCK element; what one.*.lock takes
LEVELS = {word: number for number, word in LOCKS.items()}
SAME = -1  # owner or group of one.*.chown


# ---------------------------------------------------------------- reading


def owned(item):
    """The fields that the record of every owned object has; the pool of VMs does not tell permissions."""
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
    """The field that the record of every kind with locks has."""
    return {"lock": LOCKS.get(item.LOCK.LOCKED, str(item.LOCK.LOCKED)) if item.LOCK is not None else "none"}


# ---------------------------------------------------------------- attributes


def rename(kind):
    """The Attribute `name` of a kind that can be renamed."""
    return attribute("name", partial(_rename, kind), merged_name, partial(canonical_name, kind))


def name(kind):
    """The Attribute `name` of a kind that the API cannot rename."""
    return attribute("name", None, merged_name, partial(canonical_name, kind))


def merged_name(present, wanted, modes):
    """Blanks around a name do not count; 6.10 keeps them."""
    return present if present.strip() == wanted else wanted


def canonical_name(kind, cloud, given):
    """A new name for an object; see names.valid()."""
    return names.valid(kind, label(kind), given)


def _rename(kind, record, after):
    what = "rename %s %s to %s" % (label(kind), record["name"], after)
    return [Step(what, method(kind, "rename"), (record["id"], after))]


def ownership(kind):
    """The Attributes `mode`, `group` and `owner` of a kind; the owner last, who may lose the right to the others."""
    return {
        "mode": attribute("mode", partial(change_mode, kind), canonical=canonical_mode),
        "group": attribute("group", partial(_change_group, kind), canonical=reference("group")),
        "owner": attribute("owner", partial(_change_owner, kind), canonical=reference("user")),
    }


def change_mode(kind, record, after):
    """The step that gives an object a mode (three digits)."""
    what = "set the mode of %s %s to %s" % (label(kind), record["name"], after)
    return [Step(what, method(kind, "chmod"), (record["id"], *permissions.bits(after)), phase=LAST)]


def _change_group(kind, record, after):
    what = "change the group of %s %s to %s" % (label(kind), record["name"], after)
    return [Step(what, method(kind, "chown"), (record["id"], SAME, Reference("group", after)), phase=LAST)]


def _change_owner(kind, record, after):
    what = "change the owner of %s %s to %s" % (label(kind), record["name"], after)
    return [Step(what, method(kind, "chown"), (record["id"], Reference("user", after), SAME), phase=LAST)]


def canonical_mode(cloud, given):
    """A mode as three digits.

    Raises:
        Failure: it is not an octal number.
    """
    try:
        permissions.bits(given)
    except OneException as error:
        raise described(error, "use the option mode") from None
    return given[-3:]


def lock(kind):
    """The Attribute `lock` of a kind: set last and removed first, since a lock forbids the other changes."""
    return {"lock": attribute("lock", partial(_change_lock, kind))}


def _change_lock(kind, record, after):
    if after == "none":
        what = "unlock %s %s" % (label(kind), record["name"])
        return [Step(what, method(kind, "unlock"), (record["id"],), phase=FIRST)]
    what = "lock %s %s" % (label(kind), record["name"])
    return [Step(what, method(kind, "lock"), (record["id"], LEVELS[after], False), phase=LAST)]


def attributes(kind, own, **options):
    """The Attributes of a kind with owner and template: those that all have, and its own between.

    Args:
        kind (str)
        own (dict): option → Attribute.
        options: of template.template().
    """
    return {
        "name": rename(kind),
        "template": template(kind, **options),
        **own,
        "labels": labels(kind),
        **ownership(kind),
    }
