# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names of inventory hosts and groups, out of names that users of the cloud chose."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import chain, count

# Of Unicode: control characters, those without a shape of their own (such as what turns the direction of writing), and
# separators of lines.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def clean(name):
    """A name that is one line and no path: Ansible looks for ``host_vars/NAME``.

    Characters that it cannot have become underscores.
    """
    if name.isascii() and name.isprintable() and "/" not in name:
        return name.strip()
    kept = ("_" if char == "/" or unicodedata.category(char) in _UNSEEN else char for char in name)
    return "".join(kept).strip()


def unique_names(objects, reserved=()):
    """Names as they are, with ``-ID`` behind those that several objects have.

    Args:
        objects (list[tuple[str, int, str]]): name, id, and the server where the id counts.
        reserved (container): names that no object may have.

    Returns:
        list[str]: in the same order. Where ``-ID`` is not enough, ``-SERVER`` follows for all of them, then a number.
    """
    objects = [(clean(name), oid, clean(server)) for name, oid, server in objects]
    counts = Counter(name for name, dummy, server in objects)
    alone = {name for name in counts if name and counts[name] == 1 and name not in reserved}
    stems = Counter(_stem(name, oid) for name, oid, dummy in objects if name not in alone)
    taken = {*alone, *(stem for stem, times in stems.items() if times > 1), *reserved}
    return [name if name in alone else _other(_stem(name, oid), server, taken) for name, oid, server in objects]


def _stem(name, oid):
    return "%s-%d" % (name, oid) if name else str(oid)


def _other(stem, server, taken):
    longer = "%s-%s" % (stem, server) if server else stem
    candidates = chain((stem, longer), ("%s-%d" % (longer, number) for number in count(2)))
    found = next(one for one in candidates if one not in taken)
    taken.add(found)
    return found


def nested(label):
    """The labels that a label is below, and itself: ``a/b/c`` → ``a``, ``a/b``, ``a/b/c``."""
    parts = [part.strip() for part in label.split("/") if part.strip()]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
