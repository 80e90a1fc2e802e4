# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Which objects an info module returns."""

from __future__ import annotations

import re
import warnings

from .._core.cloud import KINDS
from .._core.failure import Failure
from .engine import Engine
from .resource import Report

LONGEST = 200  # characters of a name that a message repeats


def select(module, resource, plural):
    """Ends the task with the records that its options (argument_specs.SELECTION) ask for, as the result `plural`."""
    module.run(lambda cloud: Report(False, None, None, {plural: records(cloud, resource, module.params)}))


def records(cloud, resource, options):
    """The records of a kind's objects that match, in order of their ids.

    Ids are read one by one; anything else costs one read of the pool, and one of each object that matches where the
    pool does not tell all (Kind.whole, Resource.detailed).

    Args:
        cloud (Cloud)
        resource (Resource)
        options (dict): of argument_specs.SELECTION; None: any.

    Returns:
        list[dict]

    Raises:
        Failure: a name is a regular expression that cannot be read.
    """
    engine, kind, named = Engine(cloud, resource), resource.kind, pattern(options.get("name"))
    candidates = _candidates(cloud, resource, options.get("ids"))
    items = [item for item in candidates if named(item.NAME) and owned(item, options)]
    if options.get("ids") is None and (resource.detailed or not KINDS[kind].whole):
        items = _present(cloud, kind, [item.ID for item in items])
    found = [engine.record(item) for item in sorted(items, key=lambda item: item.ID)]
    return [record for record in found if set(options.get("labels") or ()) <= set(record.get("labels", ()))]


def _candidates(cloud, resource, ids):
    if ids is None:
        return list(cloud.pool(resource.kind, resource.pool_arguments))
    return _present(cloud, resource.kind, sorted(set(ids)))


def _present(cloud, kind, ids):
    found = [cloud.info(kind, oid) for oid in ids]
    return [item for item in found if item is not None]


def owned(item, options):
    """Whether owner and group are those of the options, by name or id."""
    return all(
        options.get(option) is None or options[option] in (getattr(item, name, None), str(getattr(item, number, "")))
        for option, name, number in (("owner", "UNAME", "UID"), ("group", "GNAME", "GID"))
    )


def pattern(text):
    """A function that tells whether a name matches: equal, ``~regex``, or ``~*regex`` in any case; None matches all.

    Raises:
        Failure: the regular expression cannot be read.
    """
    if text is None:
        return lambda name: True
    if not text.startswith("~"):
        return lambda name: name.strip() == text.strip()
    flags, source = (re.I, text[2:]) if text.startswith("~*") else (0, text[1:])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of "[[", which may mean something else one day
            expression = re.compile(source, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise Failure("The name %r is not a regular expression: %s." % (text[:LONGEST], error)) from None
    return lambda name: expression.match(name) is not None
