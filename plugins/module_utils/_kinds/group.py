# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a group is."""

from __future__ import annotations

from .._attributes import common, quotas, relations
from .._engine.engine import Attribute, Resource

KIND = "group"
VIEWS = "SUNSTONE"  # the attribute with what members and administrators see of the web interface
LISTS = ("views", "group_admin_views")
SINGLE = ("default_view", "group_admin_default_view")
MANAGED = frozenset((VIEWS,))  # an option of its own


def read(cloud, group):
    """The record of a group (one.group.info or a GROUP of one.grouppool.info); users as ids."""
    found = common.content(group)
    return dict(
        found,
        user_ids=sorted(group.USERS.ID),
        admin_ids=sorted(group.ADMINS.ID),
        sunstone=read_views(found["template"].get(VIEWS, {})),
        **quotas.content(group),
    )


def read_with_names(cloud, group):
    """The record with `members` and `admins` by name, which costs a read of the users."""
    names = {user.ID: user.NAME for user in cloud.pool("user")}
    record = read(cloud, group)
    words = {"members": "user_ids", "admins": "admin_ids"}
    return dict(record, **{word: [names.get(oid, str(oid)) for oid in record[ids]] for word, ids in words.items()})


def read_views(vector):
    """The words of the option `sunstone`, where the attribute has them."""
    lists = {word: common.split_labels(vector[word.upper()]) for word in LISTS if word.upper() in vector}
    return dict(lists, **{word: vector[word.upper()] for word in SINGLE if word.upper() in vector})


def canonical_views(cloud, given):
    return {word: value for word, value in given.items() if value is not None}


def merged_views(present, wanted):
    return {word: value for word, value in dict(present, **wanted).items() if value}


def write_views(cloud, oid, after, record):
    others = {
        name: text for name, text in record["template"].get(VIEWS, {}).items() if name.lower() not in LISTS + SINGLE
    }
    lists = {word.upper(): ",".join(after[word]) for word in LISTS if word in after}
    vector = dict(others, **lists, **{word.upper(): after[word] for word in SINGLE if word in after})
    common.set_attribute(
        cloud, "set the views of group %s" % record["name"], KIND, oid, VIEWS, [vector] if vector else []
    )


def admins(purge):
    """The Attribute `admin_ids`: added to those there are, or exactly these with `purge`."""
    return relations.members("admin_ids", "user", KIND, "group.addadmin", "group.deladmin", purge)


def create(cloud, name, wanted):
    return cloud.call("create group %s" % name, "group.allocate", name, object=KIND, name=name)


def resource(replace=False, labels="exact", purge=False, purge_quotas=False, names=False):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        purge (bool): administrators that are not named are members only.
        purge_quotas (bool): limits that are not given are no longer set.
        names (bool): records have the members by name too.
    """
    attributes = {
        "name": Attribute(),  # the API cannot rename groups
        "template": common.template(KIND, replace, MANAGED),
        "sunstone": Attribute(write_views, merged_views, canonical_views),
        "labels": common.labels(KIND, labels),
        "admin_ids": admins(purge),
        "quotas": quotas.attribute(KIND, purge_quotas),
    }
    return Resource(KIND, read_with_names if names else read, create, attributes, common.remove(KIND))
