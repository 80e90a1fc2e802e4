# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How an object relates to others: by an id, as a set of members, or made from one."""

from __future__ import annotations

from .._core.cloud import label, method
from .._engine.engine import Attribute, as_given
from .common import reference


def oid(kind):
    """canonical() of an option that names an object of another kind: its id; what a check run does not find stays."""
    return reference(kind, "ID")


def oids(kind):
    """canonical() of an option that names a set of objects of another kind; see oid()."""
    canonical_id = oid(kind)

    def canonical_ids(cloud, given):
        return in_order({canonical_id(cloud, item) for item in given})

    return canonical_ids


def in_order(ids):
    """Ids, and behind them the names that stand for ids."""
    return sorted(ids, key=lambda item: (isinstance(item, str), item))


def ids(text):
    """The ids in a text such as ``3,1``, as they stand there; what is no id is passed over."""
    return [int(part) for part in (text or "").split(",") if part.strip().isdigit()]


def joined(given):
    """The text of ids."""
    return ",".join(str(one) for one in given)


def members(option, kind, oneself, add, take, purge):
    """The Attribute for a set of other objects, kept as ids: added to those there are, or exactly these with `purge`.

    Args:
        option (str): what the ids are called in the record.
        kind (str): of the members.
        oneself (str): kind of the object that has them.
        add, take (str): methods that add and take away a member; what a method belongs to is its first argument.
        purge (bool)
    """

    def merged(present, wanted):
        return wanted if purge else in_order(set(present) | set(wanted))

    def write(cloud, oid, after, record):
        doing = "change the %ss of %s %s" % (label(kind), label(oneself), record["name"])
        present = set(record[option])
        calls = [(add, member) for member in sorted(set(after) - present)]
        calls += [(take, member) for member in sorted(present - set(after))]
        for name, member in calls:
            pair = (member, oid) if name.startswith(method(kind, "")) else (oid, member)
            cloud.call(doing, name, *pair)

    return Attribute(write, merged, oids(kind))


def origin(canonical=as_given):
    """The Attribute for what an object is made from: it counts at creation, and nothing of it is seen afterwards."""
    return Attribute(merged=lambda present, wanted: present, canonical=canonical, lasting=False, origin=True)


def copied(kind, create, *extra):
    """create() that copies an object where `clone_of` names one.

    Args:
        kind (str): which has one.*.clone.
        create (callable): create() of the kind.
        extra: arguments of one.*.clone behind id and name.
    """

    def create_or_clone(cloud, name, wanted):
        if "clone_of" not in wanted:
            return create(cloud, name, wanted)
        doing = "clone %s %s as %s" % (label(kind), wanted["clone_of"], name)
        return cloud.call(doing, method(kind, "clone"), wanted["clone_of"], name, *extra, object=kind, name=name)

    return create_or_clone
