# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""one.vm.recover: what a driver is at is declared done, failed, or done again; or the VM goes, or begins anew."""

from __future__ import annotations

from typing import Any

from ..calls import Call
from ..errors import wrong_action
from ..store import Object
from . import lifecycle

FAILURE, SUCCESS, RETRY, DELETE, RECREATE, DELETE_DB = range(6)
ON_HOST = (lifecycle.ACTIVE, lifecycle.POWEROFF, lifecycle.SUSPENDED)
HOST_LEFT = (lifecycle.STOPPED, lifecycle.UNDEPLOYED, lifecycle.HOLD)
REPEATED = (  # the states in which the driver is asked once more
    *lifecycle.PROLOGS,
    *lifecycle.PROLOGS_AT_REST,
    *lifecycle.BOOTS,
    *lifecycle.EPILOGS,
    *lifecycle.SHUTDOWNS,
    *lifecycle.FAILURES,
    lifecycle.SAVE_STOP,
    lifecycle.SAVE_SUSPEND,
    lifecycle.SAVE_MIGRATE,
    lifecycle.MIGRATE,
)
MOVED_IN_VAIN = {  # failures of a migration that can be taken back
    lifecycle.PROLOG_MIGRATE_FAILURE,
    lifecycle.PROLOG_MIGRATE_POWEROFF_FAILURE,
    lifecycle.PROLOG_MIGRATE_SUSPEND_FAILURE,
    lifecycle.PROLOG_MIGRATE_UNKNOWN_FAILURE,
}


def recover(call: Call, vm: Object, operation: int) -> None:
    """One of the operations. Raises Refused where the state does not allow it."""
    REFUSALS.get(operation, lambda vm: None)(vm)
    OPERATIONS[operation](call, vm)


def refuse_at_rest(vm: Object) -> None:
    if vm.state not in (lifecycle.ACTIVE, lifecycle.CLONING_FAILURE):
        state = lifecycle.state_name(vm)
        raise wrong_action(f"Could not perform a recover operation on VM {vm.oid}, wrong state {state}.")


def refuse_retry(vm: Object) -> None:
    if vm.state != lifecycle.ACTIVE:
        raise wrong_action(f"Could not perform a retry on VM {vm.oid}, wrong state {lifecycle.state_name(vm)}.")


def refuse_done(vm: Object) -> None:
    if vm.state == lifecycle.DONE:
        raise wrong_action("Cannot delete-recreate a VM already in DONE state")


def declare(call: Call, vm: Object, done: bool) -> None:
    """The driver is taken to have done, or to have failed, what it is at."""
    cloud, lcm = call.cloud, vm.lcm_state
    if lcm == lifecycle.UNKNOWN:
        lifecycle.settle(cloud, vm, lifecycle.ACTIVE)
    elif vm.state == lifecycle.CLONING_FAILURE and done:
        lifecycle.go(cloud, vm, [], lifecycle.waiting(vm))
    elif lcm in lifecycle.FAILURES and not done:
        if lcm in MOVED_IN_VAIN:
            take_back(cloud, vm)
        elif lcm in lifecycle.BOOT_FAILURES:
            lifecycle.stamp(cloud, vm, "retime")
    elif lcm in lifecycle.STEPS or lcm in lifecycle.FAILURES:
        declare_step(cloud, vm, done)


def declare_step(cloud: Any, vm: Object, done: bool) -> None:
    cleaning = vm.lcm_state in (lifecycle.CLEANUP_DELETE, lifecycle.CLEANUP_RESUBMIT)
    vm.lcm_state = vm.way[0][0]
    if not (done or cleaning):
        lifecycle.fail(cloud, vm)
        return
    vm.turn += 1
    lifecycle.proceed(cloud, vm)


def take_back(cloud: Any, vm: Object) -> None:
    """The files could not be moved: the VM goes on where it was."""
    vm.turn += 1
    lifecycle.stamp(cloud, vm, "petime")
    lifecycle.return_to_previous(cloud, vm, "pstime")
    lifecycle.proceed(cloud, vm)


def retry(call: Call, vm: Object) -> None:
    if vm.lcm_state in REPEATED:
        vm.turn += 1
        lifecycle.ask(call.cloud, vm)


def delete(call: Call, vm: Object) -> None:
    if vm.state == lifecycle.ACTIVE:
        lifecycle.clean_up(call, vm, "delete")
    elif vm.state != lifecycle.DONE:
        lifecycle.go(call.cloud, vm, [], lifecycle.DONE)


def delete_from_database(call: Call, vm: Object) -> None:
    if vm.state != lifecycle.DONE:
        lifecycle.go(call.cloud, vm, [], lifecycle.DONE)


def recreate(call: Call, vm: Object) -> None:
    if vm.state in ON_HOST:
        lifecycle.clean_up(call, vm, "delete-recreate")
        return
    if vm.history and vm.state in HOST_LEFT:
        lifecycle.record_action(call, vm, "delete-recreate")
    lifecycle.go(call.cloud, vm, [], lifecycle.PENDING)


REFUSALS = {FAILURE: refuse_at_rest, SUCCESS: refuse_at_rest, RETRY: refuse_retry, RECREATE: refuse_done}
RIGHTS = {
    FAILURE: "recover",
    SUCCESS: "recover",
    RETRY: "retry",
    DELETE: "delete",
    RECREATE: "delete-recreate",
    DELETE_DB: "delete",
}
OPERATIONS = {
    FAILURE: lambda call, vm: declare(call, vm, False),
    SUCCESS: lambda call, vm: declare(call, vm, True),
    RETRY: retry,
    DELETE: delete,
    RECREATE: recreate,
    DELETE_DB: delete_from_database,
}
