# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How an object relates to others: it names one, has a set of them, or is made from one."""

from __future__ import annotations

from functools import partial

from .._core.cloud import label, method
from .._core.numbers import is_whole
from .._engine.resource import Reference, Step, attribute, source

# ---------------------------------------------------------------- one object


def reference(kind, field="NAME", pool_arguments=None):
    """canonical() of an option that names an object of another kind: a field of it, NAME or ID.

    An object that does not exist in a check run stays as it is written.

    Args:
        kind (str)
        field (str)
        pool_arguments (tuple | None): as of Resource.
    """
    return partial(_canonical_reference, kind, field, pool_arguments)


def _canonical_reference(kind, field, pool_arguments, cloud, given):
    item = cloud.reference(kind, given, pool_arguments)
    return str(given) if item is None else getattr(item, field)


def reference_id(kind, pool_arguments=None):
    """canonical() of an option that names an object of another kind: its id."""
    return reference(kind, "ID", pool_arguments)


def optional(kind, wanted, option, missing=-1):
    """The argument of a step for an option that names an object; `missing`: where it is not wanted."""
    return Reference(kind, wanted[option]) if option in wanted else missing


# ---------------------------------------------------------------- sets of objects


def reference_ids(kind):
    """canonical() of an option that names a set of objects of another kind: their ids, in order."""
    return partial(_canonical_ids, kind)


def _canonical_ids(kind, cloud, given):
    return in_order({_canonical_reference(kind, "ID", None, cloud, item) for item in given})


def in_order(ids):
    """Ids in order, then the names that are in place of ids in a check run."""
    return sorted(ids, key=lambda item: (isinstance(item, str), item))


def ids(text):
    """The ids in a text such as ``3,1``, in its order; what is not a number is ignored."""
    return [int(part) for part in (text or "").split(",") if is_whole(part.strip())]


def joined(given):
    """The text of ids."""
    return ",".join(str(one) for one in given)


def merged_ids(purge, present, wanted, modes):
    """The ids after the change: those wanted are added, or with the purge option are the only ones."""
    return wanted if purge in modes.purge else in_order(set(present) | set(wanted))


def members(option, field, owner, kind, add, remove, purge, member_first=False):
    """The Attribute for a set of objects that belong to another one, kept as ids.

    Args:
        option (str)
        field (str): of the record, for the ids.
        owner (str): kind of the object that has the members.
        kind (str): of the members.
        add, remove (str): methods of the API for one member.
        purge (str): option that removes the members that are not named.
        member_first (bool): whether the methods take the member before the owner.
    """
    write = partial(change_members, field, owner, kind, add, remove, member_first)
    return attribute(option, write, partial(merged_ids, purge), reference_ids(kind), field)


def change_members(field, owner, kind, add, remove, member_first, record, after):
    """The steps from the members that a record has to others; arguments as of members()."""
    what = "change the %ss of %s %s" % (label(kind), label(owner), record["name"])
    present = set(record[field])
    calls = [(add, member) for member in in_order(set(after) - present)]
    calls += [(remove, member) for member in in_order(present - set(after))]
    pairs = [(name, (record["id"], member)) for name, member in calls]
    return [Step(what, name, pair[::-1] if member_first else pair) for name, pair in pairs]


# ---------------------------------------------------------------- copies


def clone_of(kind, pool_arguments=None):
    """The Attribute `clone_of`: the object of the same kind that a new one is copied from."""
    return source(reference_id(kind, pool_arguments))


def create_or_clone(kind, create, arguments=None):
    """create() that copies an object where `clone_of` names one.

    Args:
        kind (str): which has one.*.clone.
        create (callable): create() of the kind.
        arguments (callable | None): (wanted, modes) -> arguments of one.*.clone after id and name.
    """
    return partial(_create_or_clone, kind, create, arguments)


def _create_or_clone(kind, create, arguments, name, wanted, modes):
    if "clone_of" not in wanted:
        return create(name, wanted, modes)
    extra = arguments(wanted, modes) if arguments is not None else ()
    what = "clone %s %s as %s" % (label(kind), wanted["clone_of"], name)
    return Step(what, method(kind, "clone"), (wanted["clone_of"], name) + extra)
