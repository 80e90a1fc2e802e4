# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Labels, which are kept in the attribute LABELS of an object's template."""

from __future__ import annotations

from functools import partial

from .._core.cloud import label, method
from .._core.failure import Failure
from .._core.values import LABELS
from .._engine.resource import Step, attribute


def labels(kind):
    """The Attribute `labels` of a kind; labels_mode says how labels are merged."""
    return attribute("labels", partial(_write, kind), merged_labels, canonical_labels)


def merged_labels(present, wanted, modes):
    """The labels after the change; in the order that they have, where they stay."""
    if modes.labels == "add":
        return present + [text for text in wanted if text not in present]
    if modes.labels == "remove":
        return [text for text in present if text not in wanted]
    return present if sorted(present) == sorted(wanted) else wanted


def _write(kind, record, after):
    what = "label %s %s" % (label(kind), record["name"])
    return [Step(what, method(kind, "update"), (record["id"], {LABELS: ",".join(after)}, 1))]


def canonical_labels(cloud, given):
    """Labels without blanks around them, each once.

    Raises:
        Failure: one has a comma.
    """
    wrong = [text for text in given if "," in text]
    if wrong:
        raise Failure("A label has no comma: %r are several, give them as a list." % wrong[0])
    return list(dict.fromkeys(text.strip() for text in given if text.strip()))
