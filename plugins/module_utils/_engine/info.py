# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Which objects an info module returns."""

from __future__ import annotations

import re

from .._core.cloud import KINDS
from .._core.failure import Failure
from .engine import Engine, Report


def select(module, resource, plural, detailed=False):
    """Ends the task with the records that its options (arguments.SELECTION) ask for, as the result `plural`."""
    module.run(lambda cloud: Report(False, None, None, {plural: records(cloud, resource, module.params, detailed)}))


def records(cloud, resource, options, detailed=False):
    """The records of a kind's objects that fit, by id.

    Ids are read one by one; anything else costs one read of the pool, and one of each object that fits where the pool
    does not tell all (Kind.whole).

    Args:
        cloud (Cloud)
        resource (Resource)
        options (dict): of arguments.SELECTION; None for what does not matter.
        detailed (bool): read each object that fits also where the pool tells all that its module needs.

    Returns:
        list[dict]

    Raises:
        Failure: a name is a regular expression that cannot be read.
    """
    engine, kind, named = Engine(cloud, resource, apply=False), resource.kind, pattern(options.get("name"))
    candidates = _candidates(cloud, kind, options.get("ids"))
    items = [item for item in candidates if named(item.NAME) and owned(item, options)]
    if options.get("ids") is None and (detailed or not KINDS[kind].whole):
        items = _present(cloud, kind, [item.ID for item in items])
    found = [engine.record(item) for item in sorted(items, key=lambda item: item.ID)]
    return [record for record in found if set(options.get("labels") or ()) <= set(record.get("labels", ()))]


def _candidates(cloud, kind, ids):
    if ids is None:
        return list(cloud.pool(kind))
    return _present(cloud, kind, sorted(set(ids)))


def _present(cloud, kind, ids):
    found = [cloud.info(kind, oid) for oid in ids]
    return [item for item in found if item is not None]


def owned(item, options):
    """Whether owner and group are those wanted, by name or id."""
    return all(
        options.get(option) is None or options[option] in (getattr(item, name, None), str(getattr(item, number, "")))
        for option, name, number in (("owner", "UNAME", "UID"), ("group", "GNAME", "GID"))
    )


def pattern(text):
    """Whether a name fits: equal, or as ``~regex``, or as ``~*regex`` without regard to case; None fits all."""
    if text is None:
        return lambda name: True
    if not text.startswith("~"):
        return lambda name: name == text
    flags, source = (re.I, text[2:]) if text.startswith("~*") else (0, text[1:])
    try:
        fits = re.compile(source, flags).match
    except re.error as error:
        raise Failure("The name %r is not a regular expression: %s." % (text, error)) from None
    return lambda name: fits(name) is not None
