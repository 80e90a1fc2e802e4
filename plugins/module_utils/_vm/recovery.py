# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What becomes of a VM that has failed, or is stuck on its way (one.vm.recover)."""

from __future__ import annotations

from typing import Callable, NamedTuple

from .._core.failure import Failure
from . import resource as vm
from .state_names import lcm_name
from .states import ANYWHERE, COMING, broken, error, stands, status

STUCK = frozenset(("changing",))
LIVING = ANYWHERE - {"done"}
LATE = 5  # looks (a second) at which a VM may be as it was: some operations only trigger what they change


def failed(item):
    return status(item) == "failed"


def moved_in_vain(item):
    """Whether a VM waits on the host that it could not be moved to; other failures are failures already."""
    return failed(item) and lcm_name(item).startswith("PROLOG_MIGRATE")


class Operation(NamedTuple):
    """An operation of one.vm.recover.

    Args:
        number (int): as the method takes it.
        needed (callable): VM → whether it needs the operation.
        possible (frozenset): states of others that it can be forced on.
    """

    number: int
    needed: Callable
    possible: frozenset


OPERATIONS = {
    "failure": Operation(0, moved_in_vain, STUCK),
    "success": Operation(1, failed, STUCK | {"unknown"}),
    "retry": Operation(2, failed, STUCK),
    "delete": Operation(3, failed, LIVING),
    "recreate": Operation(4, failed, LIVING),
    "delete_db": Operation(5, failed, LIVING),
}
FINAL = frozenset(("delete", "delete_db"))  # of which nothing is left to recover


def needs(item, word, force):
    """Whether a VM is in a state for an operation."""
    operation = OPERATIONS[word]
    return operation.needed(item) or (force and status(item) in operation.possible)


def recover(cloud, item, word, waits=True):
    """Recovers a VM (of one.vm.info); returns it as it is then, None when it has gone.

    Raises:
        Failure: it has failed again, but for the operation failure; or time is over.
    """
    doing = "recover VM %s by %s" % (item.NAME, word)
    cloud.call(doing, "vm.recover", item.ID, OPERATIONS[word].number, object=vm.KIND, id=item.ID)
    if not waits:
        return cloud.info(vm.KIND, item.ID)
    try:
        found = cloud.wait(lambda: cloud.info(vm.KIND, item.ID), at_rest(item), lambda seen: "VM " + stands(seen))
    except Failure as failure:
        failure.data.update(object=vm.KIND, id=item.ID)
        raise
    if found is not None and failed(found) and word != "failure":
        raise broken(found)
    return found


def at_rest(before):
    """done() of a wait: the VM is not on its way any more, nor where it was `before` for want of time."""
    looks = []

    def over(seen):
        looks.append(seen)
        if seen is None:
            return True
        return status(seen) not in COMING and (mark(seen) != mark(before) or len(looks) >= LATE)

    return over


def mark(item):
    """What an operation changes of a VM."""
    history = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    return item.STATE, item.LCM_STATE, error(item), len(history)
