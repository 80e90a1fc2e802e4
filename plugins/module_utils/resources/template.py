# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM template is."""

from __future__ import annotations

from functools import partial

from ..cloud import ALL
from ..resource import Resource
from . import access, common

KIND = "template"
# Whose templates one.templatepool.info lists, in the words of community.general.
FILTERS = {"user_primary_group": -4, "user": -3, "all": -2, "user_groups": -1}


def read(cloud, item):
    """The record of a VM template (one.template.info or a VMTEMPLATE of one.templatepool.info)."""
    return dict(
        access.owned(item),
        **access.locked(item),
        **common.content(item),
    )


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name)
    return cloud.call("create VM template %s" % name, "template.allocate", body, object=KIND, name=name)


def remove(cloud, record, recursive=False):
    doing = "remove VM template %s" % record["name"]
    cloud.call(doing, "template.delete", record["id"], recursive, object=KIND, id=record["id"])


def resource(replace=False, labels="exact", among="all", recursive=False):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        among (str): key of FILTERS.
        recursive (bool): a clone has copies of the images; they are removed with the template.
    """
    attributes = access.attributes(KIND, {"clone_of": common.origin(common.oid(KIND))}, replace, labels)
    attributes.update(access.lock(KIND))
    return Resource(
        KIND,
        read,
        common.copied(KIND, create, recursive),
        attributes,
        partial(remove, recursive=recursive),
        part=(FILTERS[among],) + ALL[1:],
    )
