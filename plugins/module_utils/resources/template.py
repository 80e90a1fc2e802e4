# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM template is."""

from __future__ import annotations

from ..resource import Resource
from . import access, common

KIND = "template"


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


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
    attributes = access.attributes(KIND, {}, replace, labels)
    attributes.update(access.lock(KIND))
    return Resource(KIND, read, create, attributes, common.remove(KIND))
