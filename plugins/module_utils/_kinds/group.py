# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Groups of users."""

from __future__ import annotations

from functools import partial

from .._attributes import access, quotas, twins
from .._attributes.labels import labels
from .._attributes.relations import members
from .._attributes.template import content, set_attribute, template
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import first_vector, split_labels
from .._engine.resource import Resource, Step, attribute, delete

KIND = "group"
VIEWS = "SUNSTONE"  # the attribute with what members and administrators see of the web interface
LISTS = ("views", "group_admin_views")
SINGLE = ("default_view", "group_admin_default_view")
MANAGED = frozenset((VIEWS,))  # an option of its own


NEW = -1  # stands for the id of a group that is yet to be created


def read(cloud, group):
    """The record of a group (one.group.info or a GROUP of one.grouppool.info); users as ids."""
    found = content(group)
    return dict(
        found,
        user_ids=sorted(group.USERS.ID),
        admin_ids=sorted(group.ADMINS.ID),
        sunstone=read_views(first_vector(found["template"], VIEWS)),
        **quotas.content(group),
    )


def read_with_names(cloud, group):
    """The record with `members` and `admins` by name, which costs a read of the users."""
    names = {user.ID: user.NAME for user in cloud.pool("user")}
    record = read(cloud, group)
    fields = {"members": "user_ids", "admins": "admin_ids"}
    return dict(record, **{field: [names.get(oid, str(oid)) for oid in record[ids]] for field, ids in fields.items()})


def create(name, wanted, modes):
    checks = [("group.addadmin", NEW, user) for user in wanted.get("admins", ())]
    return Step("create group %s" % name, "group.allocate", (name,), checks=tuple(checks))


# ---------------------------------------------------------------- views


def read_views(vector):
    """The suboptions of `sunstone` that the attribute has."""
    lists = {word: split_labels(vector[word.upper()]) for word in LISTS if word.upper() in vector}
    return dict(lists, **{word: vector[word.upper()] for word in SINGLE if word.upper() in vector})


def views_given(name, value):
    """The suboptions of `sunstone` that an attribute SUNSTONE stands for.

    Raises:
        Failure: it has another member, or is not one vector.
    """
    vector = twins.vectors(name, value)[-1] if value else {}
    unknown = sorted(member for member in vector if member.lower() not in LISTS + SINGLE)
    if unknown:
        known = ", ".join(LISTS + SINGLE).upper()
        raise Failure("The attribute SUNSTONE has the members %s, not %s." % (known, unknown[0]), object=KIND)
    return read_views(vector)


def canonical_views(cloud, given):
    return {word: value for word, value in given.items() if value is not None}


def merged_views(present, wanted, modes):
    return {word: value for word, value in dict(present, **wanted).items() if value}


def change_views(record, after):
    """Members of the attribute that are no suboptions stay."""
    present = first_vector(record["template"], VIEWS)
    others = {name: text for name, text in present.items() if name.lower() not in LISTS + SINGLE}
    lists = {word.upper(): ",".join(after[word]) for word in LISTS if word in after}
    vector = dict(others, **lists, **{word.upper(): after[word] for word in SINGLE if word in after})
    what = "set the views of group %s" % record["name"]
    return [set_attribute(KIND, record, what, VIEWS, [vector] if vector else [])]


GROUP = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    twins={VIEWS: twin("sunstone", views_given)},
    attributes={
        "name": access.name(KIND),
        "template": template(KIND, MANAGED),
        "sunstone": attribute("sunstone", change_views, merged_views, canonical_views),
        "labels": labels(KIND),
        "admins": members("admins", "admin_ids", KIND, "user", "group.addadmin", "group.deladmin", "purge_admins"),
        "quotas": quotas.quotas(KIND),
    },
)
GROUP_WITH_NAMES = GROUP._replace(read=read_with_names)
