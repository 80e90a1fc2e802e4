# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""In which order declared objects are made: the graph of their references."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ...module_utils._core.values import vectors

# Attributes of templates that name objects: (attribute, member or None, kind).
NAMED_IN_TEMPLATES = (
    ("NIC", "NETWORK", "vnet"),
    ("NIC_ALIAS", "NETWORK", "vnet"),
    ("NIC", "SECURITY_GROUPS", "security_group"),
    ("DISK", "IMAGE", "image"),
    ("OS", "KERNEL_DS", "image"),
    ("OS", "INITRD_DS", "image"),
    ("CONTEXT", "FILES_DS", "image"),
    ("VMGROUP", "VMGROUP_NAME", "vm_group"),
)
FILE = re.compile(r"\$FILE\[[^]]*?IMAGE=[\"']?([^\"',\]]+)")  # how the members *_DS name images


class Node(NamedTuple):
    """An object, or the part of it that has to wait for others.

    Args:
        number (int): of the object.
        part (int): 0: the object; 1: the options that were put off, so that a cycle of references ends.
    """

    number: int
    part: int = 0


class Cycle(Exception):
    """Objects that need each other to be created; the argument is the list of their numbers."""


def template_names(template):
    """(kind, name) of the objects that a canonical template names."""
    return [
        (kind, name)
        for attribute, member, kind in NAMED_IN_TEMPLATES
        for vector in vectors(template, attribute)
        for name in _names(kind, member, vector.get(member, ""))
    ]


def _names(kind, member, text):
    """The names in a member of a template."""
    if member.endswith("_DS"):
        return FILE.findall(text)
    parts = text.split(",") if kind == "security_group" else [text]
    return [part.strip() for part in parts if part.strip()]


def order(references, deferrable):
    """The waves in which objects are made, and the options that are put off.

    Args:
        references (dict): number → {option: set of numbers that it refers to}; the option "" is the object as a whole.
        deferrable (callable): (number, option) → whether the object can be created without it.

    Returns:
        (list[list[Node]], dict): waves, each after those before it; number → options put off to its Node of part 1.

    Raises:
        Cycle
    """
    needs = {number: {option: set(others) for option, others in found.items()} for number, found in references.items()}
    for number, found in needs.items():
        for others in found.values():
            others.discard(number)
    put_off: dict[int, set] = {}
    waves, left = _waves(needs)
    while left:
        _break_cycle(needs, left, deferrable, put_off)
        waves, left = _waves(needs)
    if put_off:
        waves.append([Node(number, 1) for number in sorted(put_off)])
    return waves, put_off


def _waves(needs):
    """(waves as far as there are no cycles, numbers of the objects that are left)."""
    waves: list[list[Node]] = []
    left = set(needs)
    while True:
        ready = sorted(number for number in left if not set().union(*needs[number].values(), ()) & left)
        if not ready:
            return waves, left
        waves.append([Node(number) for number in ready])
        left -= set(ready)


def _break_cycle(needs, left, deferrable, put_off):
    """Puts off one option of one object that waits for others.

    Raises:
        Cycle: no object can be created without the others.
    """
    cycle = _cycle(needs, left)
    for number in cycle:
        for option, others in sorted(needs[number].items()):
            if others & left and option and deferrable(number, option):
                put_off.setdefault(number, set()).add(option)
                needs[number][option] = set()
                return
    raise Cycle(cycle)


def _cycle(needs, left):
    """Numbers of objects that wait for each other in a circle."""
    path: list[int] = [min(left)]
    while True:
        following = min(set().union(*needs[path[-1]].values()) & left)
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def dependants(references, numbers):
    """The numbers of all objects that refer, directly or through others, to these.

    Args:
        references (dict): as of order().
        numbers (set)

    Returns:
        dict: number → the one of `numbers` that it needs first.
    """
    found: dict[int, Any] = {}
    grown = True
    while grown:
        grown = False
        for number, options in references.items():
            if number in found or number in numbers:
                continue
            causes = sorted(set().union(*options.values(), ()) & (set(numbers) | set(found)))
            if causes:
                found[number] = found.get(causes[0], causes[0])
                grown = True
    return found
