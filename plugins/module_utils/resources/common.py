# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What several kinds share: templates, references, names."""

from __future__ import annotations

from ..cloud import label
from ..difference import canonical, changed_names, merged_template
from ..failure import Failure, described
from ..pyone import OneException
from ..pyone import template as grammar
from ..resource import Attribute


def reference(kind):
    """canonical() of an option that names an object of another kind: the object's name."""

    def canonical_name(cloud, given):
        item = cloud.reference(kind, given)
        return str(given) if item is None else item.NAME

    return canonical_name


def rename(method, kind):
    """The Attribute `name` of a kind that can be renamed."""

    def write(cloud, oid, after, record):
        cloud.call("rename %s %s to %s" % (label(kind), record["name"], after), method, oid, after)

    return Attribute(write)


def canonical_template(cloud, given):
    """A template given as dictionary or text, in canonical form.

    Raises:
        Failure: it is neither, or cannot be read.
    """
    try:
        if isinstance(given, str):
            given = grammar.read(given)
        if not isinstance(given, dict):
            raise Failure("The option template takes a dictionary or a text, not a %s." % type(given).__name__)
        return canonical(given)
    except OneException as error:
        raise described(error, "use the option template") from None


def template(method, kind, replace=False, managed=(), option="template"):
    """The Attribute for a template of a kind, written by `method` (one.*.update).

    Args:
        option (str): what the option and its place in the record are called.
        replace (bool): template_mode replace.
        managed (container): names of attributes that the server keeps for itself.
    """

    def write(cloud, oid, after, record):
        changed, gone = changed_names(record[option], after)
        doing = "update the %s of %s %s" % (option, label(kind), record["name"])
        if gone:  # only a replacement can take attributes away
            cloud.call(doing, method, oid, after, 0)
        else:
            cloud.call(doing, method, oid, {name: after[name] for name in changed}, 1)

    return Attribute(
        write, lambda present, wanted: merged_template(present, wanted, replace, managed), canonical_template
    )


def owned(item):
    """The words that every owned object's record has."""
    return {
        "user_id": item.UID,
        "user_name": item.UNAME,
        "group_id": item.GID,
        "group_name": item.GNAME,
    }


def at_creation(attribute, names):
    """The same Attribute for a kind whose template may carry what creation takes out of it.

    Args:
        attribute (Attribute): a `template`.
        names (container): attributes that count at creation only: options or fields of the object say them afterwards.
    """

    def merged(present, wanted):
        return attribute.merged(present, {name: value for name, value in wanted.items() if name not in names})

    return attribute._replace(merged=merged)
