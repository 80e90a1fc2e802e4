# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What most kinds share: names, templates, labels, removal."""

from __future__ import annotations

from .._core.cloud import label, method
from .._core.failure import Failure, described
from .._core.values import canonical, changed_names, merged_template
from .._engine.engine import Attribute
from ..pyone import OneException
from ..pyone import template as grammar


def reference(kind, field="NAME"):
    """canonical() of an option that names another object: a field of it; what a check run does not find stays.

    Args:
        field (str): the object's NAME or ID.
    """

    def canonical_reference(cloud, given):
        item = cloud.reference(kind, given)
        return str(given) if item is None else getattr(item, field)

    return canonical_reference


def rename(kind):
    """The Attribute `name` of a kind that can be renamed."""

    def write(cloud, oid, after, record):
        cloud.call("rename %s %s to %s" % (label(kind), record["name"], after), method(kind, "rename"), oid, after)

    return Attribute(write)


def remove(kind):
    """remove() of a kind that one.*.delete removes."""

    def delete(cloud, record):
        doing = "remove %s %s" % (label(kind), record["name"])
        cloud.call(doing, method(kind, "delete"), record["id"], object=kind, id=record["id"])

    return delete


def canonical_template(cloud, given):
    """A template given as dictionary or text, in canonical form.

    Raises:
        Failure: it is neither, or cannot be read.
    """
    try:
        if isinstance(given, str):
            given = grammar.read(given)
        if not isinstance(given, dict):
            raise Failure("The option template takes a dictionary or a text, not %r." % (given,))
        return canonical(given)
    except OneException as error:
        raise described(error, "use the option template") from None


def nothing(record):
    """beside() of most templates."""
    return {}


def template(kind, replace=False, managed=(), option="template", beside=nothing):
    """The Attribute for a template of a kind, written by one.*.update.

    Args:
        option (str): what the option and its place in the record are called.
        replace (bool): template_mode replace.
        managed (container): names of attributes that the server keeps for itself.
        beside (callable): record → attributes of the template that the record has elsewhere; a whole new template must
            have them too.
    """

    def write(cloud, oid, after, record):
        changed, gone = changed_names(record[option], after)
        doing = "update the %s of %s %s" % (option, label(kind), record["name"])
        if gone:  # only a replacement can take attributes away
            cloud.call(doing, method(kind, "update"), oid, dict(after, **beside(record)), 0)
        else:
            cloud.call(doing, method(kind, "update"), oid, {name: after[name] for name in changed}, 1)

    kept = frozenset(managed) | {"LABELS"}  # which are an option of their own
    return Attribute(write, lambda present, wanted: merged_template(present, wanted, replace, kept), canonical_template)


def set_attribute(cloud, doing, kind, oid, name, values):
    """Gives an attribute of an object's template these values, and no others.

    Args:
        values (list): of dictionaries or texts; none: only a whole new template can lack the attribute.
    """
    if values:
        cloud.call(doing, method(kind, "update"), oid, {name: values}, 1)
    else:
        whole = canonical(cloud.info(kind, oid).TEMPLATE or {})
        cloud.call(doing, method(kind, "update"), oid, {key: whole[key] for key in whole if key != name}, 0)


def content(item):
    """The words that every record has of its object's TEMPLATE."""
    found = canonical(item.TEMPLATE or {})
    return {"template": found, "labels": split_labels(found.get("LABELS"))}


def split_labels(text):
    """The labels in the text of an attribute LABELS."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def labels(kind, how="exact", option="labels"):
    """The Attribute `labels` of a kind, kept in the attribute LABELS of its template.

    Args:
        how (str): exact, add or remove.
    """

    def merged(present, wanted):
        if how == "add":
            return present + [text for text in wanted if text not in present]
        if how == "remove":
            return [text for text in present if text not in wanted]
        return present if sorted(present) == sorted(wanted) else wanted

    def write(cloud, oid, after, record):
        doing = "label %s %s" % (label(kind), record["name"])
        cloud.call(doing, method(kind, "update"), oid, {"LABELS": ",".join(after)}, 1)

    def canonical_labels(cloud, given):
        wrong = [text for text in given if "," in text]
        if wrong:
            raise Failure("A label has no comma: %r are several, give them as a list." % wrong[0], object=kind)
        return list(dict.fromkeys(text.strip() for text in given if text.strip()))

    return Attribute(write, merged, canonical_labels)


def at_creation(attribute, names):
    """The same Attribute for a kind whose template may carry what creation takes out of it.

    Args:
        attribute (Attribute): a `template`.
        names (container): attributes that count at creation only: options or fields of the object say them afterwards.
    """

    def merged(present, wanted):
        return attribute.merged(present, {name: value for name, value in wanted.items() if name not in names})

    return attribute._replace(merged=merged)
