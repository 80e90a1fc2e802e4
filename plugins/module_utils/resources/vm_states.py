# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The states of a VM, in one word each, and what is said of them."""

from __future__ import annotations

from ..failure import Broken, Failure

STATE_NAMES = (
    "INIT PENDING HOLD ACTIVE STOPPED SUSPENDED DONE FAILED POWEROFF UNDEPLOYED CLONING CLONING_FAILURE".split()
)
LCM_NAMES = (
    "LCM_INIT PROLOG BOOT RUNNING MIGRATE SAVE_STOP SAVE_SUSPEND SAVE_MIGRATE PROLOG_MIGRATE PROLOG_RESUME "
    "EPILOG_STOP EPILOG SHUTDOWN CANCEL FAILURE CLEANUP_RESUBMIT UNKNOWN HOTPLUG SHUTDOWN_POWEROFF BOOT_UNKNOWN "
    "BOOT_POWEROFF BOOT_SUSPENDED BOOT_STOPPED CLEANUP_DELETE HOTPLUG_SNAPSHOT HOTPLUG_NIC HOTPLUG_SAVEAS "
    "HOTPLUG_SAVEAS_POWEROFF HOTPLUG_SAVEAS_SUSPENDED SHUTDOWN_UNDEPLOY EPILOG_UNDEPLOY PROLOG_UNDEPLOY "
    "BOOT_UNDEPLOY HOTPLUG_PROLOG_POWEROFF HOTPLUG_EPILOG_POWEROFF BOOT_MIGRATE BOOT_FAILURE BOOT_MIGRATE_FAILURE "
    "PROLOG_MIGRATE_FAILURE PROLOG_FAILURE EPILOG_FAILURE EPILOG_STOP_FAILURE EPILOG_UNDEPLOY_FAILURE "
    "PROLOG_MIGRATE_POWEROFF PROLOG_MIGRATE_POWEROFF_FAILURE PROLOG_MIGRATE_SUSPEND PROLOG_MIGRATE_SUSPEND_FAILURE "
    "BOOT_UNDEPLOY_FAILURE BOOT_STOPPED_FAILURE PROLOG_RESUME_FAILURE PROLOG_UNDEPLOY_FAILURE "
    "DISK_SNAPSHOT_POWEROFF DISK_SNAPSHOT_REVERT_POWEROFF DISK_SNAPSHOT_DELETE_POWEROFF DISK_SNAPSHOT_SUSPENDED "
    "DISK_SNAPSHOT_REVERT_SUSPENDED DISK_SNAPSHOT_DELETE_SUSPENDED DISK_SNAPSHOT DISK_SNAPSHOT_REVERT "
    "DISK_SNAPSHOT_DELETE PROLOG_MIGRATE_UNKNOWN PROLOG_MIGRATE_UNKNOWN_FAILURE DISK_RESIZE DISK_RESIZE_POWEROFF "
    "DISK_RESIZE_UNDEPLOYED HOTPLUG_NIC_POWEROFF HOTPLUG_RESIZE HOTPLUG_SAVEAS_UNDEPLOYED HOTPLUG_SAVEAS_STOPPED "
    "BACKUP BACKUP_POWEROFF RESTORE"
).split()

ACTIVE = 3  # STATE whose LCM_STATE tells more
WORDS = {
    "INIT": "init",
    "PENDING": "pending",
    "HOLD": "held",
    "STOPPED": "stopped",
    "SUSPENDED": "suspended",
    "DONE": "done",
    "POWEROFF": "poweredoff",
    "UNDEPLOYED": "undeployed",
    "CLONING": "cloning",
    "CLONING_FAILURE": "failed",
    "RUNNING": "running",
    "UNKNOWN": "unknown",
}
RESTING = frozenset(("running", "unknown", "held", "stopped", "suspended", "poweredoff", "undeployed", "done"))
# What gets somewhere by itself.
COMING = frozenset(("init", "pending", "cloning", "changing"))
ANYWHERE = RESTING | COMING | {"failed"}


def state_name(vm):
    """STATE as OpenNebula calls it."""
    return STATE_NAMES[vm.STATE] if vm.STATE in range(len(STATE_NAMES)) else str(vm.STATE)


def lcm_name(vm):
    """LCM_STATE as OpenNebula calls it; a number that releases up to 7.4 do not have as it is."""
    return LCM_NAMES[vm.LCM_STATE] if vm.LCM_STATE in range(len(LCM_NAMES)) else str(vm.LCM_STATE)


def status(vm):
    """One word for STATE and LCM_STATE of a VM, from vm.info or a pool."""
    if vm.STATE != ACTIVE:
        return WORDS.get(state_name(vm), state_name(vm).lower())
    lcm = lcm_name(vm)
    return "failed" if lcm.endswith("_FAILURE") else WORDS.get(lcm, "changing")


def error(vm):
    """What the drivers said when they last failed; empty when they did not."""
    return (vm.USER_TEMPLATE or {}).get("ERROR", "").rstrip(".")


def reason(vm):
    """Why a VM does not get on, as drivers or scheduler say it; empty when they say nothing."""
    return error(vm) or (vm.USER_TEMPLATE or {}).get("SCHED_MESSAGE", "").rstrip(".")


def broken(vm):
    """The Failure of a VM that a driver could not serve."""
    why = error(vm) or "OpenNebula gives no reason; see the log of the VM"
    return Broken("VM %s has failed: %s." % (vm.NAME, why), object="vm", id=vm.ID)


def stuck(vm, what):
    """The Failure of a VM that is to do what it cannot from where it is (``be migrated``)."""
    message = "VM %s is %s, and from there it cannot %s."
    return Failure(message % (vm.NAME, status(vm), what), object="vm", id=vm.ID)


def look(cloud, ids, whole=True):
    """{id: VM} of the VMs with these ids, by one call; `whole`: as vm.info has them, else as the pool."""
    if not ids:
        return {}
    text = ",".join(str(oid) for oid in sorted(ids))
    return {vm.ID: vm for vm in cloud.call("read the VMs", "vmpool.infoset", text, whole).VM}
