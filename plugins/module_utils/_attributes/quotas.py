# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Quotas, in one form for users, groups and the defaults of both.

A dictionary by what is limited: ``{"vm": {"cpu": 4}, "datastore": {"1": {"size": 1024, "images": "unlimited"}}}``.
Limits that nobody has set are left out.  Sizes and memory are in MB.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import NamedTuple

from .._core.cloud import label, method
from .._core.failure import Failure, did_you_mean
from .._core.quotas import METRICS, answered, as_number, entries
from .._core.releases import FEATURES
from .._core.values import megabytes
from .._engine.engine import Engine
from .._engine.engine import canonical as canonical_options
from .._engine.resource import Resource, Step, attribute, modes_of, wanted_of
from ..pyone.errors import with_article
from . import relations

PURGE = "purge_quotas"  # option that unsets the limits that are not given

SIZES = frozenset("MEMORY RUNNING_MEMORY SYSTEM_DISK_SIZE SIZE".split())  # metrics in MB
# What users limit → element.
KINDS = {"vm": "VM", "generic": "VM", "cluster": "VM", "datastore": "DATASTORE", "network": "NETWORK", "image": "IMAGE"}
# Kinds whose limits belong to objects → kind of these.
OBJECTS = {"cluster": "cluster", "datastore": "datastore", "network": "vnet", "image": "image"}
OPEN = ("generic", "cluster")  # whose metrics QUOTA_VM_ATTRIBUTE of oned.conf can add to
WORDS = {-1: "default", -2: "unlimited"}
NUMBERS = {word: number for number, word in WORDS.items()}
NO_NUMBER = "none"  # an empty limit, which would be one of 0
OF_HOLDERS, OF_DEFAULTS = "default", "unlimited"  # the limit that nobody has set: of users and groups, of the defaults


# ---------------------------------------------------------------- reading


def limits(holder, unset=OF_HOLDERS):
    """The quotas of a user, a group or the defaults.

    Args:
        holder (Element): with VM_QUOTA, DATASTORE_QUOTA, NETWORK_QUOTA and IMAGE_QUOTA.
        unset (str): the limit that nobody has set.
    """
    found = {place: _word(item, place[-1]) for place, item in _metrics(holder)}
    return _nested({place: limit for place, limit in found.items() if not _is_unset(place, limit, unset)})


def used(holder):
    """What a user or group uses of what can be limited, in the form of quotas; what is not used is left out."""
    found = {place: answered(item, place[-1].upper() + "_USED") for place, item in _metrics(holder)}
    return _nested({place: number for place, number in found.items() if number != 0})


def content(item):
    """The words that the record of a user or group has of its quotas, from its pool or its info."""
    holder = getattr(item, "QUOTAS", item)
    return {"quotas": limits(holder), "quotas_used": used(holder)}


def _metrics(holder):
    """(place, element) of each metric, where a place is (kind, key of the object or "", metric)."""
    for element, key, metric, item in entries(holder):
        yield _place(element, key, metric), item


def _place(element, key, metric):
    if element != "VM":
        return element.lower(), key, metric.lower()
    if key:
        return "cluster", key, metric.lower()
    return "vm" if metric in METRICS["VM"] else "generic", "", metric.lower()


def _is_unset(place, limit, unset):
    """Whether nobody has set a limit. For clusters there are no defaults, so `default` and `unlimited` are the same."""
    return limit == unset or (place[0] == "cluster" and limit in NUMBERS)


def _word(item, metric):
    number = answered(item, metric.upper())
    return WORDS.get(number, number)


def _nested(flat):
    """Quotas by kind, then object where the kind has them, then metric."""
    nested: dict[str, dict] = {}
    for (kind, key, metric), value in sorted(flat.items()):
        inside = nested.setdefault(kind, {})
        if kind in OBJECTS:
            inside = inside.setdefault(key, {})
        inside[metric] = value
    return nested


def _flat(nested):
    """The other way round: place → value."""
    flat = {}
    for kind, inside in nested.items():
        for key, metrics in (inside if kind in OBJECTS else {"": inside}).items():
            flat.update({(kind, key, metric): value for metric, value in metrics.items()})
    return flat


# ---------------------------------------------------------------- what is wanted


def canonical(cloud, given):
    """Quotas in one form: metrics in lower case, objects by id, limits as numbers or words.

    Raises:
        Failure: a kind, a metric, a limit or an object that is none.
    """
    kinds = {str(kind).lower(): inside for kind, inside in given.items() if inside is not None}
    return {kind: _canonical_kind(cloud, kind, inside) for kind, inside in kinds.items()}


def _canonical_kind(cloud, kind, inside):
    if kind not in KINDS:
        message = "There are no quotas for %r; there are: %s.%s"
        raise Failure(message % (kind, ", ".join(sorted(KINDS)), did_you_mean(kind, KINDS)))
    if not isinstance(inside, dict):
        raise Failure("The quotas for %s are a dictionary, not %r." % (kind, inside))
    if kind == "cluster" and inside:
        cloud.require(FEATURES["quotas of clusters"], "limit VMs of clusters")
    if kind not in OBJECTS:
        return _canonical_limits(kind, inside)
    return {_key(cloud, kind, name): _canonical_limits(kind, metrics) for name, metrics in inside.items()}


def _key(cloud, kind, name):
    """The ids of the objects that a key of quotas names; several clusters are joined by commas."""
    names = str(name).split(",") if kind == "cluster" else [name]
    return relations.joined(relations.reference_ids(OBJECTS[kind])(cloud, names))


def _canonical_limits(kind, given):
    if not isinstance(given, dict):
        raise Failure("The quotas for %s are a dictionary of limits, not %r." % (with_article(kind), given))
    return {_metric(kind, name): _limit(kind, name, value) for name, value in given.items() if value is not None}


def _metric(kind, name):
    known = [metric.lower() for metric in METRICS[KINDS[kind]]]
    metric = str(name).lower()
    if kind not in OPEN and metric not in known:
        message = "There is no quota %r for %s; there are: %s.%s"
        raise Failure(message % (name, kind, ", ".join(sorted(known)), did_you_mean(metric, known)))
    return metric


def _limit(kind, name, value):
    text, sized = str(value).strip().lower(), str(name).upper() in SIZES
    if sized and text[-1:].isalpha() and text not in NUMBERS:
        return megabytes(value, "quotas (%s of %s)" % (name, kind))
    try:
        number = NUMBERS[text] if text in NUMBERS else as_number(text or NO_NUMBER)
    except (ValueError, OverflowError):
        number = -3
    if isinstance(value, bool) or (number < 0 and number not in WORDS):
        message = "The quota %s for %s takes %s, 'default' or 'unlimited', not %r."
        raise Failure(message % (name, kind, "a size such as 64 GB" if sized else "a number", value))
    return WORDS.get(number, number)


def merged(present, wanted, purge=False, unset=OF_HOLDERS):
    """The quotas that stand: those there are and those wanted, or with `purge` just these."""
    before = _flat(present)
    after = {} if purge else dict(before)
    for place, limit in _flat(wanted).items():
        after[place] = before[place] if _same(before.get(place), limit) else limit
    return _nested({place: limit for place, limit in after.items() if not _is_unset(place, limit, unset)})


def _same(one, other):
    """Whether two limits are the same for the server, which computes with 32 bits."""
    if isinstance(one, str) or isinstance(other, str) or one is None:
        return one == other
    return struct.pack("f", one) == struct.pack("f", other)


# ---------------------------------------------------------------- writing


def body(before, after, unset=OF_HOLDERS):
    """The quota template that leads from some quotas to others.

    Each vector is whole: older servers refuse one that lacks a metric, newer ones take the metric for unset.
    """
    old, new = _vectors(before), _vectors(after)
    template: dict[str, list] = {}
    for element, key in sorted(set(old) | set(new)):
        vector = new.get((element, key), {})
        if vector != old.get((element, key), {}):
            name = "CLUSTER_IDS" if element == "VM" else "ID"
            named = {name: key} if key else {}
            whole = dict(dict.fromkeys(METRICS[element], NUMBERS[unset]), **vector)
            template.setdefault(element, []).append(dict(named, **whole))
    return template


def _vectors(quotas):
    """(element, key) → {METRIC: number}."""
    vectors: dict[tuple, dict] = {}
    for (kind, key, metric), limit in _flat(quotas).items():
        vectors.setdefault((KINDS[kind], key), {})[metric.upper()] = NUMBERS.get(limit, limit)
    return vectors


def quotas(kind):
    """The Attribute `quotas` of users or groups; with `purge_quotas` limits that are not given are no longer set."""
    return attribute("quotas", partial(_write, kind), _merged, canonical)


def _merged(present, wanted, modes):
    return merged(present, wanted, PURGE in modes.purge)


def _write(kind, record, after):
    what = "set the quotas of %s %s" % (label(kind), record["name"])
    return [Step(what, method(kind, "quota"), (record["id"], body(record["quotas"], after)))]


# ---------------------------------------------------------------- defaults


class Defaults(NamedTuple):
    """The default quotas of users or of groups, as an object of the engine."""

    ID: str  # user or group
    NAME: str  # for messages
    quotas: dict


def fetch_defaults(cloud, dummy, holder):
    """The Defaults of `holder`: user or group."""
    answer = cloud.call("read the default quotas of %ss" % holder, holder + "quota.info")
    return Defaults(holder, "of %ss" % holder, limits(answer, OF_DEFAULTS))


def read_defaults(cloud, item):
    return {"kind": item.ID, "quotas": item.quotas}


def canonical_defaults(cloud, given):
    """Quotas in one form.

    Raises:
        Failure: they have what only quotas of users and groups have: clusters, or the limit `default`.
    """
    wanted = canonical(cloud, given)
    refused = sorted(place[-1] for place, limit in _flat(wanted).items() if limit == "default")
    if refused or "cluster" in wanted:
        what = "clusters" if "cluster" in wanted else "%s to 'default'" % refused[0]
        raise Failure("Default quotas cannot limit %s: give numbers or 'unlimited', for VMs anywhere." % what)
    return wanted


def _merged_defaults(present, wanted, modes):
    return merged(present, wanted, PURGE in modes.purge, OF_DEFAULTS)


def _write_defaults(record, after):
    what = "set the default quotas of %ss" % record["kind"]
    return [Step(what, record["kind"] + "quota.update", (body(record["quotas"], after, OF_DEFAULTS),))]


QUOTA_DEFAULTS = Resource(
    kind="quota_defaults",
    read=read_defaults,
    fetch=fetch_defaults,
    attributes={"quotas": attribute("quotas", _write_defaults, _merged_defaults, canonical_defaults)},
)


def ensure_defaults(cloud, options, apply=True):
    """Makes the default quotas of users or of groups those that are wanted.

    Args:
        cloud (Cloud)
        options (dict): kind, quotas and purge_quotas, as of the module.
        apply (bool): False: only plan.

    Returns:
        Report: its record has `kind` and `quotas`.
    """
    wanted = canonical_options(cloud, QUOTA_DEFAULTS, wanted_of(QUOTA_DEFAULTS, options))
    item = fetch_defaults(cloud, QUOTA_DEFAULTS.kind, options["kind"])
    report = Engine(cloud, QUOTA_DEFAULTS, modes_of(options), apply).update(item, wanted)
    return report._replace(record={field: report.record[field] for field in ("kind", "quotas")})
