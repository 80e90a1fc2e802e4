# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a virtual network template is."""

from __future__ import annotations

from .._attributes import access, common, relations
from .._engine.engine import Resource

KIND = "vntemplate"


def read(cloud, template):
    """The record of a network template (one.vntemplate.info or a VNTEMPLATE of one.vntemplatepool.info)."""
    return dict(access.owned(template), **access.locked(template), **common.content(template))


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name)
    doing = "create virtual network template %s" % name
    return cloud.call(doing, "vntemplate.allocate", body, object=KIND, name=name)


def resource(replace=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `labels`: labels_mode."""
    attributes = access.attributes(KIND, {"clone_of": relations.origin(relations.oid(KIND))}, replace, labels)
    attributes.update(access.lock(KIND))
    made = relations.copied(KIND, create)
    return Resource(KIND, read, made, attributes, common.remove(KIND), needed=(("template", "clone_of"),))
