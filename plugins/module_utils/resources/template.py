# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM template is."""

from __future__ import annotations

from ..difference import canonical
from ..resource import Resource
from . import common

KIND = "template"


def read(cloud, template):
    """The record of a VM template (one.template.info or a VMTEMPLATE of one.templatepool.info)."""
    return dict(common.owned(template), template=canonical(template.TEMPLATE or {}))


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name)
    return cloud.call("create VM template %s" % name, "template.allocate", body, object=KIND, name=name)


def remove(cloud, record):
    doing = "remove VM template %s" % record["name"]
    cloud.call(doing, "template.delete", record["id"], object=KIND, id=record["id"])


def resource(replace=False):
    """The Resource; `replace`: template_mode replace."""
    attributes = {
        "name": common.rename("template.rename", KIND),
        "template": common.at_creation(common.template("template.update", KIND, replace), ("NAME",)),
    }
    return Resource(KIND, read, create, attributes, remove)
