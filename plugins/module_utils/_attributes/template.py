# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The template of an object: the attributes that one.*.update writes."""

from __future__ import annotations

from functools import partial

from .._core.cloud import label, method
from .._core.failure import Failure
from .._core.values import LABELS, canonical, changed_names, declared, labels_of, merged_template
from .._engine.resource import Step, attribute
from ..pyone.errors import with_article
from .labels import merged_labels

REPLACE, MERGE = 0, 1  # of one.*.update


def content(item):
    """The fields that the record of an object with a TEMPLATE has of it."""
    found = canonical(item.TEMPLATE or {})
    return {"template": found, "labels": labels_of(found)}


def new(name, wanted, modes):
    """The template of a new object: what the option template wants of it, its labels and its name."""
    labels = merged_labels([], wanted.get("labels", []), modes)
    return dict(wanted.get("template", {}), **({LABELS: ",".join(labels)} if labels else {}), NAME=name)


def canonical_option(option, cloud, given):
    """A template given as dictionary or text in an option, in canonical form; see values.declared()."""
    return declared(option, given)


canonical_template = partial(canonical_option, "template")


def canonical_single(kind, cloud, given):
    """As canonical_template(), for a kind of which OpenNebula keeps the last attribute of each name only.

    Raises:
        Failure: an attribute is given several times.
    """
    found = canonical_template(cloud, given)
    several = [name for name, value in found.items() if isinstance(value, list) and len(value) > 1]
    if several:
        message = "OpenNebula keeps one attribute %s of %s, and the option template gives several."
        raise Failure(message % (several[0], with_article(label(kind))), object=kind)
    return found


def canonical_numbers(numbers, cloud, given):
    """As canonical_template(), for a kind of which OpenNebula stores any text, but reads some attributes as numbers.

    Args:
        numbers (dict): attribute → (compiled pattern of the texts that it reads, what they are).

    Raises:
        Failure: it would count an attribute as something else, or not at all.
    """
    found = canonical_template(cloud, given)
    for name, (pattern, what) in numbers.items():
        text = found.get(name)
        if isinstance(text, str) and text and not pattern.match(text):
            message = "The option template (%s) takes %s, not %r: OpenNebula would not count it."
            raise Failure(message % (name, what, text))
    return found


def nothing_beside(record):
    """beside() of most templates."""
    return {}


def template(
    kind, managed=(), option="template", beside=nothing_beside, creation=("NAME",), canonical=canonical_template
):
    """The Attribute for the template of a kind.

    Args:
        kind (str)
        managed (container): names of attributes that the server keeps for itself.
        option (str): what the option, and its field of the record, is called.
        beside (callable): record → attributes of the template that are options of their own; a whole new template must
            have them too.
        creation (container): names of attributes that count at creation only: options or fields of the object tell
            them afterwards.
        canonical (callable): as of Attribute.
    """
    kept = frozenset(managed) | {LABELS}  # which are an option of their own
    return attribute(
        option, partial(_update, kind, option, beside), partial(_merged, kept, frozenset(creation)), canonical
    )


def _merged(kept, creation, present, wanted, modes):
    lasting = {name: value for name, value in wanted.items() if name not in creation}
    return merged_template(present, lasting, modes.template == "replace", kept)


def _update(kind, option, beside, record, after):
    changed, gone = changed_names(record[option], after)
    what = "update the %s of %s %s" % (option, label(kind), record["name"])
    if gone:  # only a replacement can take attributes away
        return [Step(what, method(kind, "update"), (record["id"], dict(after, **beside(record)), REPLACE))]
    return [update(kind, record, what, {name: after[name] for name in changed})]


def update(kind, record, what, attributes):
    """The Step that gives an object's template attributes, beside those that it has."""
    return Step(what, method(kind, "update"), (record["id"], attributes, MERGE))


def set_attribute(kind, record, what, name, values):
    """The Step that gives an attribute of an object's template these values, and no others.

    Args:
        values (list): of dictionaries or texts; empty: the attribute is removed.
    """
    if values:
        return update(kind, record, what, {name: values})
    return Step(what, run=partial(_remove_attribute, kind, record["id"], what, name))


def _remove_attribute(kind, oid, what, name, cloud):
    """Only a whole new template can lack an attribute, so the present one is read."""
    whole = canonical(cloud.info(kind, oid).TEMPLATE or {})
    rest = {key: whole[key] for key in whole if key != name}
    return cloud.call(what, method(kind, "update"), oid, rest, REPLACE)
