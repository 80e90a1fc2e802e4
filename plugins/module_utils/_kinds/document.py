# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Documents: templates of the user's own, of a type that is a number."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes.relations import create_or_clone
from .._attributes.template import content
from .._core.cloud import ALL
from .._engine.resource import Resource, Step, delete, source

KIND = "document"


def read(cloud, document):
    """The record of a document (one.document.info or a DOCUMENT of one.documentpool.info)."""
    return dict(access.owned(document), **access.locked(document), **content(document), type=int(document.TYPE))


def create(number, name, wanted, modes):
    """The Step that creates a document of a type."""
    body = dict(wanted.get("template", {}), NAME=name)
    return Step("create document %s" % name, "document.allocate", (body, number))


def canonical_origin(number, cloud, given):
    """The id of a document of a type; of one that a check run does not find (yet) the name."""
    item = cloud.reference(KIND, given, ALL + (number,))
    return str(given) if item is None else item.ID


def documents(number):
    """The Resource of the documents of a type, which are a pool of their own."""
    own = {"clone_of": source(partial(canonical_origin, number))}
    return Resource(
        kind=KIND,
        read=read,
        create=create_or_clone(KIND, partial(create, number)),
        remove=partial(delete, KIND),
        pool_arguments=ALL + (number,),
        attributes=dict(access.attributes(KIND, own), **access.lock(KIND)),
    )
