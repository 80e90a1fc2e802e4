# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a document is: a template of the user's own, of a type that is a number."""

from __future__ import annotations

from .._attributes import access, common, relations
from .._core.cloud import ALL
from .._engine.engine import Resource

KIND = "document"


def read(cloud, document):
    """The record of a document (one.document.info or a DOCUMENT of one.documentpool.info)."""
    return dict(access.owned(document), **access.locked(document), **common.content(document), type=int(document.TYPE))


def creator(number):
    """create() of documents of a type."""

    def create(cloud, name, wanted):
        body = dict(wanted.get("template", {}), NAME=name)
        return cloud.call("create document %s" % name, "document.allocate", body, number, object=KIND, name=name)

    return create


def resource(number, replace=False, labels="exact"):
    """The Resource of documents of a type; `replace`: template_mode replace; `labels`: labels_mode."""
    attributes = access.attributes(KIND, {"clone_of": relations.origin(relations.oid(KIND))}, replace, labels)
    attributes.update(access.lock(KIND))
    made = relations.copied(KIND, creator(number))
    return Resource(KIND, read, made, attributes, common.remove(KIND), part=ALL + (number,))
