# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Virtual network templates."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes import template as templates
from .._attributes.relations import clone_of, create_or_clone
from .._attributes.template import content
from .._engine.resource import Resource, Step, delete

KIND = "vntemplate"


def read(cloud, template):
    """The record of a network template (one.vntemplate.info or a VNTEMPLATE of one.vntemplatepool.info)."""
    return {**access.owned(template), **access.locked(template), **content(template)}


def create(name, wanted, modes):
    body = templates.new(name, wanted, modes)
    return Step("create virtual network template %s" % name, "vntemplate.allocate", (body,))


def needed(wanted):
    return (("template", "clone_of"),)


VNTEMPLATE = Resource(
    kind=KIND,
    read=read,
    create=create_or_clone(KIND, create),
    remove=partial(delete, KIND),
    needed=needed,
    attributes={**access.attributes(KIND, {"clone_of": clone_of(KIND)}), **access.lock(KIND)},
)
