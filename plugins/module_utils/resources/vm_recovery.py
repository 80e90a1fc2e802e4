# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What becomes of a VM that has failed, or is stuck on its way (one.vm.recover)."""

from __future__ import annotations

from typing import NamedTuple

from . import vm
from .vm_states import ANYWHERE, Step, Until, status

STUCK = frozenset(("changing",))
LIVING = ANYWHERE - {"done"}


class Operation(NamedTuple):
    """An operation of one.vm.recover.

    Args:
        number (int): as the method takes it.
        needed (frozenset): states of VMs that need it.
        possible (frozenset): states of others that it can be forced on.
    """

    number: int
    needed: frozenset
    possible: frozenset


FAILED = frozenset(("failed",))
OPERATIONS = {
    "failure": Operation(0, FAILED, STUCK),
    "success": Operation(1, FAILED | {"unknown"}, STUCK),
    "retry": Operation(2, FAILED, STUCK),
    "delete": Operation(3, FAILED, LIVING),
    "recreate": Operation(4, FAILED, LIVING),
}


def needs(item, word, force):
    """Whether a VM is in a state for an operation."""
    operation = OPERATIONS[word]
    return status(item) in operation.needed or (force and status(item) in operation.possible)


def legs(cloud, item, word):
    """The legs of a journey.Journey through an operation."""
    operation = OPERATIONS[word]

    def run():
        doing = "recover VM %s by %s" % (item.NAME, word)
        cloud.call(doing, "vm.recover", item.ID, operation.number, object=vm.KIND, id=item.ID)

    step = Step("be recovered by %s" % word, operation.needed | operation.possible, run, still=False)
    return [step, "done" if word == "delete" else Until("recovery", recovered)]


def recovered(item):
    """Whether a VM is neither broken nor on its way; it may wait for the scheduler."""
    return status(item) not in ("changing", "failed")
