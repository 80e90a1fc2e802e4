# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Documents: templates of the user's own, of a type that is a number."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes import template as templates
from .._attributes.relations import clone_of, create_or_clone
from .._attributes.template import content
from .._core.cloud import ALL
from .._engine.resource import Resource, Step, delete

KIND = "document"


def read(cloud, document):
    """The record of a document (one.document.info or a DOCUMENT of one.documentpool.info)."""
    return dict(access.owned(document), **access.locked(document), **content(document), type=int(document.TYPE))


def create(number, name, wanted, modes):
    """The Step that creates a document of a type."""
    body = templates.new(name, wanted, modes)
    return Step("create document %s" % name, "document.allocate", (body, number))


def documents(number):
    """The Resource of the documents of a type, which are a pool of their own."""
    arguments = ALL + (number,)
    own = {"clone_of": clone_of(KIND, arguments)}
    return Resource(
        kind=KIND,
        unique=False,
        read=read,
        create=create_or_clone(KIND, partial(create, number)),
        remove=partial(delete, KIND),
        pool_arguments=arguments,
        attributes=dict(access.attributes(KIND, own), **access.lock(KIND)),
    )
