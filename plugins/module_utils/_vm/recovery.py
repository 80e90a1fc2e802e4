# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The recovery of a VM that has failed, or does not leave an intermediate state (one.vm.recover)."""

from __future__ import annotations

from typing import Callable, NamedTuple

from .._core.failure import Failure
from .record import KIND
from .state_names import lcm_name
from .states import ANYWHERE, COMING, describe, error, failure_of, status

INTERMEDIATE = frozenset(("changing",))
ALIVE = ANYWHERE - {"done"}
DELAY = 1  # seconds that a VM may be as it was: some operations only trigger what they change


def failed(item):
    return status(item) == "failed"


def migration_failed(item):
    """Whether a VM waits on the host that it could not be migrated to; other failures are failures already."""
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
    "failure": Operation(0, migration_failed, INTERMEDIATE),
    "success": Operation(1, failed, INTERMEDIATE | {"unknown"}),
    "retry": Operation(2, failed, INTERMEDIATE),
    "delete": Operation(3, failed, ALIVE),
    "recreate": Operation(4, failed, ALIVE),
    "delete_db": Operation(5, failed, ALIVE),
}
FINAL = frozenset(("delete", "delete_db"))  # of which nothing is left to recover


def needs(item, word, force):
    """Whether a VM is in a state for an operation."""
    operation = OPERATIONS[word]
    return operation.needed(item) or (force and status(item) in operation.possible)


def recover(cloud, item, word, waits):
    """Recovers a VM (of one.vm.info); returns it as it is then, None when it has gone.

    Raises:
        Failure: it has failed again, but for the operation failure; or time is over.
    """
    doing = "recover VM %s by %s" % (item.NAME, word)
    cloud.call(doing, "vm.recover", item.ID, OPERATIONS[word].number, object=KIND, id=item.ID)
    if not waits:
        return cloud.info(KIND, item.ID)
    try:
        found = _wait(cloud, item)
    except Failure as failure:
        failure.data.update(object=KIND, id=item.ID)
        raise
    if found is not None and failed(found) and word != "failure":
        raise failure_of(found)
    return found


def _wait(cloud, before):
    """The VM when it rests, and is not as it was `before`, or has been for longer than DELAY; None: it is gone."""
    begun = cloud.clock.now()

    def rests(seen):
        if seen is None:
            return True
        changed = _traits(seen) != _traits(before) or cloud.clock.now() - begun >= DELAY
        return changed and status(seen) not in COMING

    return cloud.wait(lambda: cloud.info(KIND, before.ID), rests, lambda seen: "VM " + describe(seen))


def _traits(item):
    """What an operation changes of a VM."""
    history = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    return item.STATE, item.LCM_STATE, error(item), len(history)
