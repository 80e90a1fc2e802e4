# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The life of a VM: states, the way of each action through them, history records, and the host it lies on.

A transition is a list of transient LCM states and the steady state behind them; one event advances one step.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from ..calls import Call
from ..errors import Refused, wrong_action
from ..store import Object
from . import capacity, context, devices, disks, pci, scheduler, schedules, usage
from . import image as images

INIT, PENDING, HOLD, ACTIVE, STOPPED, SUSPENDED, DONE, _FAILED, POWEROFF, UNDEPLOYED, CLONING, CLONING_FAILURE = range(
    12
)
STATES = "INIT PENDING HOLD ACTIVE STOPPED SUSPENDED DONE FAILED POWEROFF UNDEPLOYED CLONING CLONING_FAILURE".split()

PROLOG, BOOT, RUNNING, MIGRATE, SAVE_STOP, SAVE_SUSPEND, SAVE_MIGRATE, PROLOG_MIGRATE = range(1, 9)
PROLOG_RESUME, EPILOG_STOP, EPILOG, SHUTDOWN = 9, 10, 11, 12
CLEANUP_RESUBMIT, UNKNOWN, HOTPLUG = 15, 16, 17
SHUTDOWN_POWEROFF, BOOT_UNKNOWN, BOOT_POWEROFF, BOOT_SUSPENDED, BOOT_STOPPED, CLEANUP_DELETE = 18, 19, 20, 21, 22, 23
HOTPLUG_SNAPSHOT, HOTPLUG_NIC, HOTPLUG_SAVEAS, HOTPLUG_SAVEAS_POWEROFF, HOTPLUG_SAVEAS_SUSPENDED = range(24, 29)
SHUTDOWN_UNDEPLOY, EPILOG_UNDEPLOY, PROLOG_UNDEPLOY, BOOT_UNDEPLOY = 29, 30, 31, 32
HOTPLUG_PROLOG_POWEROFF, HOTPLUG_EPILOG_POWEROFF = 33, 34
BOOT_MIGRATE, BOOT_FAILURE, BOOT_MIGRATE_FAILURE, PROLOG_MIGRATE_FAILURE, PROLOG_FAILURE = range(35, 40)
EPILOG_FAILURE, EPILOG_STOP_FAILURE, EPILOG_UNDEPLOY_FAILURE = 40, 41, 42
PROLOG_MIGRATE_POWEROFF, PROLOG_MIGRATE_POWEROFF_FAILURE = 43, 44
PROLOG_MIGRATE_SUSPEND, PROLOG_MIGRATE_SUSPEND_FAILURE = 45, 46
BOOT_UNDEPLOY_FAILURE, BOOT_STOPPED_FAILURE, PROLOG_RESUME_FAILURE, PROLOG_UNDEPLOY_FAILURE = 47, 48, 49, 50
DISK_SNAPSHOT_POWEROFF, DISK_SNAPSHOT_REVERT_POWEROFF, DISK_SNAPSHOT_DELETE_POWEROFF = 51, 52, 53
DISK_SNAPSHOT_SUSPENDED, DISK_SNAPSHOT_DELETE_SUSPENDED, DISK_SNAPSHOT, DISK_SNAPSHOT_DELETE = 54, 56, 57, 59
PROLOG_MIGRATE_UNKNOWN, PROLOG_MIGRATE_UNKNOWN_FAILURE = 60, 61
DISK_RESIZE, DISK_RESIZE_POWEROFF, DISK_RESIZE_UNDEPLOYED = 62, 63, 64
HOTPLUG_NIC_POWEROFF, HOTPLUG_RESIZE, HOTPLUG_SAVEAS_UNDEPLOYED, HOTPLUG_SAVEAS_STOPPED = 65, 66, 67, 68
BACKUP, BACKUP_POWEROFF, RESTORE = 69, 70, 71

LCM_NAMES = (
    "LCM_INIT PROLOG BOOT RUNNING MIGRATE SAVE_STOP SAVE_SUSPEND SAVE_MIGRATE PROLOG_MIGRATE PROLOG_RESUME"
    " EPILOG_STOP EPILOG SHUTDOWN CANCEL FAILURE CLEANUP_RESUBMIT UNKNOWN HOTPLUG SHUTDOWN_POWEROFF BOOT_UNKNOWN"
    " BOOT_POWEROFF BOOT_SUSPENDED BOOT_STOPPED CLEANUP_DELETE HOTPLUG_SNAPSHOT HOTPLUG_NIC HOTPLUG_SAVEAS"
    " HOTPLUG_SAVEAS_POWEROFF HOTPLUG_SAVEAS_SUSPENDED SHUTDOWN_UNDEPLOY EPILOG_UNDEPLOY PROLOG_UNDEPLOY"
    " BOOT_UNDEPLOY HOTPLUG_PROLOG_POWEROFF HOTPLUG_EPILOG_POWEROFF BOOT_MIGRATE BOOT_FAILURE"
    " BOOT_MIGRATE_FAILURE PROLOG_MIGRATE_FAILURE PROLOG_FAILURE EPILOG_FAILURE EPILOG_STOP_FAILURE"
    " EPILOG_UNDEPLOY_FAILURE PROLOG_MIGRATE_POWEROFF PROLOG_MIGRATE_POWEROFF_FAILURE PROLOG_MIGRATE_SUSPEND"
    " PROLOG_MIGRATE_SUSPEND_FAILURE BOOT_UNDEPLOY_FAILURE BOOT_STOPPED_FAILURE PROLOG_RESUME_FAILURE"
    " PROLOG_UNDEPLOY_FAILURE DISK_SNAPSHOT_POWEROFF DISK_SNAPSHOT_REVERT_POWEROFF DISK_SNAPSHOT_DELETE_POWEROFF"
    " DISK_SNAPSHOT_SUSPENDED DISK_SNAPSHOT_REVERT_SUSPENDED DISK_SNAPSHOT_DELETE_SUSPENDED DISK_SNAPSHOT"
    " DISK_SNAPSHOT_REVERT DISK_SNAPSHOT_DELETE PROLOG_MIGRATE_UNKNOWN PROLOG_MIGRATE_UNKNOWN_FAILURE DISK_RESIZE"
    " DISK_RESIZE_POWEROFF DISK_RESIZE_UNDEPLOYED HOTPLUG_NIC_POWEROFF HOTPLUG_RESIZE HOTPLUG_SAVEAS_UNDEPLOYED"
    " HOTPLUG_SAVEAS_STOPPED BACKUP BACKUP_POWEROFF RESTORE"
).split()

ACTIONS = {
    name: number
    for number, name in enumerate(
        "none migrate live-migrate shutdown shutdown-hard undeploy undeploy-hard hold release stop suspend resume boot"
        " delete delete-recreate reboot reboot-hard resched unresched poweroff poweroff-hard disk-attach disk-detach"
        " nic-attach nic-detach disk-snapshot-create disk-snapshot-delete terminate terminate-hard disk-resize"
        " deploy chown chmod updateconf rename resize update snapshot-create snapshot-delete snapshot-revert"
        " disk-saveas disk-snapshot-revert recover retry monitor disk-snapshot-rename alias-attach alias-detach"
        " poweroff-migrate poweroff-hard-migrate backup nic-update backup-cancel sched-add sched-update sched-delete"
        " sg-attach sg-detach pci-attach pci-detach restore exec exec-retry exec-cancel vmgroup-add vmgroup-del".split()
    )
}


class Step(NamedTuple):
    """One transient LCM state: the driver action in it (for failure injection), and where a failure leads."""

    action: str
    failure: tuple[int, int]  # state and LCM state


class Task(NamedTuple):
    """What a driver does to parts of a VM during one transient state."""

    action: str  # of the driver, for failure injection
    error: str  # what the VM's ERROR says when the driver fails
    done: Callable[[Any, Object], None]  # of cloud and VM
    undone: Callable[[Any, Object], None]


def failed(lcm: int) -> tuple[int, int]:
    return ACTIVE, lcm


# Where a VM is again after a driver worked on its parts, or failed to.
RETURNS = {
    **dict.fromkeys((HOTPLUG, HOTPLUG_SNAPSHOT, HOTPLUG_NIC, HOTPLUG_SAVEAS), failed(RUNNING)),
    **dict.fromkeys((DISK_SNAPSHOT, DISK_SNAPSHOT_DELETE, DISK_RESIZE), failed(RUNNING)),
    **dict.fromkeys((HOTPLUG_PROLOG_POWEROFF, HOTPLUG_EPILOG_POWEROFF, HOTPLUG_NIC_POWEROFF), (POWEROFF, 0)),
    **dict.fromkeys((HOTPLUG_SAVEAS_POWEROFF, DISK_RESIZE_POWEROFF, DISK_SNAPSHOT_POWEROFF), (POWEROFF, 0)),
    **dict.fromkeys((DISK_SNAPSHOT_REVERT_POWEROFF, DISK_SNAPSHOT_DELETE_POWEROFF), (POWEROFF, 0)),
    **dict.fromkeys((HOTPLUG_SAVEAS_SUSPENDED, DISK_SNAPSHOT_SUSPENDED), (SUSPENDED, 0)),
    DISK_SNAPSHOT_DELETE_SUSPENDED: (SUSPENDED, 0),
    **dict.fromkeys((HOTPLUG_SAVEAS_UNDEPLOYED, DISK_RESIZE_UNDEPLOYED), (UNDEPLOYED, 0)),
    HOTPLUG_SAVEAS_STOPPED: (STOPPED, 0),
    BACKUP: failed(RUNNING),
    **dict.fromkeys((BACKUP_POWEROFF, RESTORE), (POWEROFF, 0)),
}
STEPS = {
    **{lcm: Step("", back) for lcm, back in RETURNS.items()},
    PROLOG: Step("prolog", failed(PROLOG_FAILURE)),
    BOOT: Step("deploy", failed(BOOT_FAILURE)),
    PROLOG_RESUME: Step("prolog", failed(PROLOG_RESUME_FAILURE)),
    PROLOG_UNDEPLOY: Step("prolog", failed(PROLOG_UNDEPLOY_FAILURE)),
    BOOT_STOPPED: Step("restore", failed(BOOT_STOPPED_FAILURE)),
    BOOT_UNDEPLOY: Step("deploy", failed(BOOT_UNDEPLOY_FAILURE)),
    BOOT_POWEROFF: Step("deploy", (POWEROFF, 0)),
    BOOT_SUSPENDED: Step("restore", (SUSPENDED, 0)),
    BOOT_UNKNOWN: Step("deploy", failed(UNKNOWN)),
    SAVE_STOP: Step("save", failed(RUNNING)),
    SAVE_SUSPEND: Step("save", failed(RUNNING)),
    MIGRATE: Step("migrate", failed(RUNNING)),
    SAVE_MIGRATE: Step("save", failed(RUNNING)),
    PROLOG_MIGRATE: Step("prolog", failed(PROLOG_MIGRATE_FAILURE)),
    PROLOG_MIGRATE_POWEROFF: Step("prolog", failed(PROLOG_MIGRATE_POWEROFF_FAILURE)),
    PROLOG_MIGRATE_SUSPEND: Step("prolog", failed(PROLOG_MIGRATE_SUSPEND_FAILURE)),
    PROLOG_MIGRATE_UNKNOWN: Step("prolog", failed(PROLOG_MIGRATE_UNKNOWN_FAILURE)),
    BOOT_MIGRATE: Step("restore", failed(BOOT_MIGRATE_FAILURE)),
    SHUTDOWN: Step("shutdown", failed(RUNNING)),
    SHUTDOWN_POWEROFF: Step("shutdown", failed(RUNNING)),
    SHUTDOWN_UNDEPLOY: Step("shutdown", failed(RUNNING)),
    EPILOG: Step("epilog", failed(EPILOG_FAILURE)),
    EPILOG_STOP: Step("epilog", failed(EPILOG_STOP_FAILURE)),
    EPILOG_UNDEPLOY: Step("epilog", failed(EPILOG_UNDEPLOY_FAILURE)),
    CLEANUP_DELETE: Step("cleanup", (DONE, 0)),
    CLEANUP_RESUBMIT: Step("cleanup", (PENDING, 0)),
    HOTPLUG_RESIZE: Step("resize", failed(RUNNING)),
}
SHUTDOWNS = (SHUTDOWN, SHUTDOWN_POWEROFF, SHUTDOWN_UNDEPLOY)
PROLOGS = (PROLOG, PROLOG_RESUME, PROLOG_UNDEPLOY, PROLOG_MIGRATE, PROLOG_MIGRATE_UNKNOWN)
PROLOGS_AT_REST = (PROLOG_MIGRATE_POWEROFF, PROLOG_MIGRATE_SUSPEND)
EPILOGS = (EPILOG, EPILOG_STOP, EPILOG_UNDEPLOY)
BOOTS = (BOOT, BOOT_UNDEPLOY, BOOT_STOPPED, BOOT_UNKNOWN, BOOT_POWEROFF, BOOT_SUSPENDED, BOOT_MIGRATE)
# The points of time that the history record gets when a transient state begins and ends.
BEGINS = {**dict.fromkeys(PROLOGS + PROLOGS_AT_REST, ("pstime",)), **dict.fromkeys(EPILOGS, ("estime",))}
ENDS = {
    **dict.fromkeys(PROLOGS, ("petime", "rstime")),
    **dict.fromkeys(PROLOGS_AT_REST, ("petime", "retime")),
    **dict.fromkeys((SAVE_STOP, SAVE_SUSPEND, *SHUTDOWNS), ("retime",)),
    **dict.fromkeys(EPILOGS, ("eetime",)),
}
LEFT_FILES = {  # actions after which the VM's files wait in a datastore, and the way of their deployment
    ACTIONS["stop"]: [PROLOG_RESUME, BOOT_STOPPED],
    ACTIONS["undeploy"]: [PROLOG_UNDEPLOY, BOOT_UNDEPLOY],
    ACTIONS["undeploy-hard"]: [PROLOG_UNDEPLOY, BOOT_UNDEPLOY],
}
BOOT_FAILURES = (BOOT_FAILURE, BOOT_MIGRATE_FAILURE, BOOT_UNDEPLOY_FAILURE, BOOT_STOPPED_FAILURE)
FAILURES = {step.failure[1] for step in STEPS.values()} - {0, RUNNING, UNKNOWN}
AT_REST = (STOPPED, SUSPENDED, POWEROFF, UNDEPLOYED)  # VMs that do not count as running
HOSTLESS = (INIT, PENDING, HOLD, STOPPED, UNDEPLOYED, DONE, CLONING, CLONING_FAILURE)

# action -> where it is legal: (state, LCM state) -> transient states and the steady state behind them
END_HERE = {
    (DONE, 0): ([], None),
    (PENDING, 0): ([], DONE),
    (HOLD, 0): ([], DONE),
    (INIT, 0): ([], DONE),
    (CLONING, 0): ([], DONE),
    (CLONING_FAILURE, 0): ([], DONE),
    (SUSPENDED, 0): ([EPILOG], DONE),
    (POWEROFF, 0): ([EPILOG], DONE),
    (STOPPED, 0): ([EPILOG], DONE),
    (UNDEPLOYED, 0): ([EPILOG], DONE),
    (ACTIVE, RUNNING): ([SHUTDOWN, EPILOG], DONE),
    (ACTIVE, UNKNOWN): ([SHUTDOWN, EPILOG], DONE),
    **{(ACTIVE, lcm): ([CLEANUP_DELETE], DONE) for lcm in FAILURES},
}
UNDEPLOY = {
    (POWEROFF, 0): ([EPILOG_UNDEPLOY], UNDEPLOYED),
    (ACTIVE, RUNNING): ([SHUTDOWN_UNDEPLOY, EPILOG_UNDEPLOY], UNDEPLOYED),
    (ACTIVE, UNKNOWN): ([SHUTDOWN_UNDEPLOY, EPILOG_UNDEPLOY], UNDEPLOYED),
}
POWER_OFF = {
    (ACTIVE, RUNNING): ([SHUTDOWN_POWEROFF], POWEROFF),
    (ACTIVE, UNKNOWN): ([SHUTDOWN_POWEROFF], POWEROFF),
}
STAY = {(ACTIVE, RUNNING): ([], None)}
MARK = {(ACTIVE, RUNNING): ([], None), (ACTIVE, UNKNOWN): ([], None), (POWEROFF, 0): ([], None)}
LEGAL: dict[str, dict] = {
    "terminate": END_HERE,
    "terminate-hard": {**END_HERE, (ACTIVE, SHUTDOWN): ([SHUTDOWN, EPILOG], DONE)},
    "undeploy": UNDEPLOY,
    "undeploy-hard": {**UNDEPLOY, (ACTIVE, SHUTDOWN_UNDEPLOY): UNDEPLOY[ACTIVE, RUNNING]},
    "poweroff": POWER_OFF,
    "poweroff-hard": {**POWER_OFF, (ACTIVE, SHUTDOWN_POWEROFF): POWER_OFF[ACTIVE, RUNNING]},
    "reboot": STAY,
    "reboot-hard": STAY,
    "hold": {(PENDING, 0): ([], HOLD)},
    "release": {(HOLD, 0): ([], PENDING)},
    "stop": {(ACTIVE, RUNNING): ([SAVE_STOP, EPILOG_STOP], STOPPED), (SUSPENDED, 0): ([EPILOG_STOP], STOPPED)},
    "suspend": {(ACTIVE, RUNNING): ([SAVE_SUSPEND], SUSPENDED)},
    "resume": {
        (STOPPED, 0): ([], PENDING),
        (UNDEPLOYED, 0): ([], PENDING),
        (SUSPENDED, 0): ([BOOT_SUSPENDED], ACTIVE),
        (POWEROFF, 0): ([BOOT_POWEROFF], ACTIVE),
        (ACTIVE, UNKNOWN): ([BOOT_UNKNOWN], ACTIVE),
    },
    "resched": MARK,
    "unresched": MARK,
}
NOT_RECORDED = {"hold", "release", "resume", "reboot", "reboot-hard", "resched", "unresched"}
IN_STATE = {"hold": HOLD, "release": PENDING}


def state_name(vm: Object) -> str:
    return LCM_NAMES[vm.lcm_state] if vm.state == ACTIVE else STATES[vm.state]


def begin(cloud: Any, vm: Object) -> None:
    """A new VM waits to be deployed, or on HOLD; but first until its images are made."""
    locked = [image for image in images_of(cloud, vm) if image.state in images.LOCKED_STATES]
    for image in locked:
        images.await_image(image, vm, image_told)
    if locked:
        vm.state = vm.prev_state = CLONING
    else:
        go(cloud, vm, [], waiting(vm))


def waiting(vm: Object) -> int:
    """The state in which the VM waits to be deployed."""
    return HOLD if vm.template.flag("SUBMIT_ON_HOLD") else PENDING


def images_of(cloud: Any, vm: Object) -> list[Object]:
    found = [disks.image_of(cloud, disk) for disk in vm.template.vectors("DISK")]
    return [image for image in found if image is not None]


def image_told(cloud: Any, oid: int) -> None:
    """An image that the VM waits for is made, or could not be."""
    vm = cloud["VM"].get(oid)
    if vm is None or vm.state not in (CLONING, CLONING_FAILURE):
        return
    for disk in vm.template.vectors("DISK"):
        image = disks.image_of(cloud, disk)
        if "CLONING" in disk and image.state not in (images.ERROR, *images.LOCKED_STATES):
            del disk["CLONING"]
            disk["SOURCE"] = image.source
    failed_ones = [image for image in images_of(cloud, vm) if image.state == images.ERROR]
    for image in failed_ones:  # somebody may enable them
        images.await_image(image, vm, image_told)
    if failed_ones:
        vm.state = vm.prev_state = CLONING_FAILURE
    else:
        begin(cloud, vm)


def act(call: Call, vm: Object, action: str) -> None:
    """One of the actions of one.vm.action. Raises Refused when the state does not allow it."""
    way = LEGAL[action].get((vm.state, vm.lcm_state))
    if way is None:
        raise wrong_action(
            f'Error performing action "{action}": This action is not available for state {state_name(vm)}'
        )
    steps, target = way
    if steps == [CLEANUP_DELETE]:
        clean_up(call, vm, "delete")
        return
    if action not in NOT_RECORDED and vm.history and vm.state != DONE:
        record_action(call, vm, action)
    if action in ("resched", "unresched"):
        mark(call.cloud, vm, action)
    elif action == "resume" and steps:
        begin_record(call.cloud, vm, dict(vm.history[-1]))
        context.add_devices(vm)
        record_action(call, vm, action)
    if target is not None:
        go(call.cloud, vm, steps, target, by="cancel" if action.endswith("-hard") else "")


def mark(cloud: Any, vm: Object, action: str) -> None:
    """Sets or clears the mark for the scheduler, which must find a datastore of the same transfer driver."""
    vm.resched = int(action == "resched")
    if action == "resched":
        demand_driver(vm)
        cloud.events.after(1, move_on, cloud, vm.oid)


def demand_driver(vm: Object) -> None:
    """The VM can move between system datastores of its transfer driver only."""
    requirements = vm.template.text("AUTOMATIC_DS_REQUIREMENTS")
    driver = f'(TM_MAD = "{vm.history[-1]["tm_mad"]}")'
    if requirements and driver not in requirements:
        vm.template.set("AUTOMATIC_DS_REQUIREMENTS", f"{requirements} & {driver}")


class Owner(NamedTuple):
    """In whose name the server itself acts on a VM."""

    cloud: Any
    uid: int
    gid: int
    request: int = 0


def record_action(call: Call | Owner, vm: Object, action: str) -> None:
    vm.history[-1].update(action=ACTIONS[action], uid=call.uid, gid=call.gid, request_id=call.request)


# ---------------------------------------------------------------- transitions


def go(cloud: Any, vm: Object, steps: list[int], target: int, by: str = "") -> None:
    """Starts a transition; one that is under way ends here. `by`: another driver action than usual takes the first."""
    vm.changed()
    vm.turn += 1
    vm.task, vm.by = None, by
    if not steps:
        settle(cloud, vm, target)
        return
    vm.state = vm.prev_state = ACTIVE
    vm.way = (list(steps), target)
    enter(cloud, vm)


def work(cloud: Any, vm: Object, lcm: int, task: Task) -> None:
    """A driver works on parts of the VM in a transient state; then the VM is where it was."""
    vm.resched = 0
    go(cloud, vm, [lcm], RETURNS[lcm][0])
    vm.task = task


def enter(cloud: Any, vm: Object) -> None:
    stamp(cloud, vm, *BEGINS.get(vm.way[0][0], ()))
    ask(cloud, vm)


def ask(cloud: Any, vm: Object) -> None:
    """The driver is asked for what the transient state stands for."""
    vm.lcm_state = vm.prev_lcm_state = vm.way[0][0]
    cloud.events.after(1, advance, cloud, vm.oid, vm.turn)


def stamp(cloud: Any, vm: Object, *moments: str) -> None:
    if vm.history:
        vm.history[-1].update(dict.fromkeys(moments, cloud.events.time()))


def driver_action(vm: Object) -> str:
    """The driver action that the transient state stands for."""
    return vm.task.action if vm.task else vm.by or STEPS[vm.lcm_state].action


def advance(cloud: Any, oid: int, turn: int) -> None:
    """Event: the driver has done, or failed, what the transient state stands for."""
    vm = cloud["VM"].get(oid)
    if vm is None or vm.turn != turn:
        return
    if cloud.events.fails(driver_action(vm), vm.key):
        fail(cloud, vm)
        return
    if vm.lcm_state in BOOTS and STEPS[vm.lcm_state].action == "deploy":
        name = f"{vm.history[-1]['hostname']}:{vm.name}:dummy"
        vm.deploy_id = name.split(" ", maxsplit=1)[0]  # the driver's answer is cut at the first blank
    proceed(cloud, vm)


def proceed(cloud: Any, vm: Object) -> None:
    """A transient state is done with: the next one begins, or the VM comes to rest."""
    steps, target = vm.way
    lcm = steps.pop(0)
    stamp(cloud, vm, *ENDS.get(lcm, ()))
    if vm.task:
        vm.task.done(cloud, vm)
    elif lcm in DONE_WITH:
        DONE_WITH[lcm](cloud, vm)
    vm.by = ""
    if steps:
        enter(cloud, vm)
    else:
        settle(cloud, vm, target)


def fail(cloud: Any, vm: Object) -> None:
    """The driver failed: the VM returns to where it was, or waits in a failure state with the rest of its way."""
    lcm, action = vm.way[0][0], driver_action(vm)
    vm.turn += 1
    state, failure = STEPS[lcm].failure
    if state == ACTIVE:
        vm.state, vm.lcm_state = vm.prev_state, vm.prev_lcm_state = ACTIVE, failure
    else:
        settle(cloud, vm, state)
    why = vm.task.error if vm.task else f"Error executing {action}"
    vm.user_template.set("ERROR", f"{cloud.events.date()}: {why}")
    usage.set_running(cloud, vm, vm.state not in AT_REST)
    if vm.task:
        vm.task.undone(cloud, vm)
    elif lcm in UNDONE_BY:
        UNDONE_BY[lcm](cloud, vm)


def settle(cloud: Any, vm: Object, target: int) -> None:
    """The steady state at the end of a transition."""
    lcm = RUNNING if target == ACTIVE else 0
    vm.state, vm.lcm_state = vm.prev_state, vm.prev_lcm_state = target, lcm
    if target != ACTIVE:
        vm.resched = 0
    usage.set_running(cloud, vm, target not in AT_REST)
    if target in HOSTLESS:
        leave_host(cloud, vm)
    if target in (DONE, UNDEPLOYED):
        devices.take_console_port(vm)
    if target == DONE:
        vm.etime = cloud.events.time()
        end_run(cloud, vm)
        usage.release(cloud, vm)
        schedules.drop(cloud, vm.sched_actions)
        images.forget_vm(cloud, vm)
        devices.release(cloud, vm)
    elif target == PENDING:
        cloud.events.after(1, place, cloud, vm.oid)


# ---------------------------------------------------------------- hosts and history

RETRY_SECONDS = 1  # until the scheduler looks at a VM again


def place(cloud: Any, oid: int) -> None:
    """Event: the scheduler deploys the VM if it still waits, or says why it must wait on, and tries again later."""
    vm = cloud["VM"].get(oid)
    if vm is None or vm.state != PENDING:
        return
    host, why = scheduler.choose(cloud, vm)
    datastore = None if host is None else datastore_for(cloud, vm, host)
    networks = None if host is None else scheduler.networks(cloud, vm, host)
    if host is not None and datastore is not None and networks is not None:
        vm.user_template.erase("SCHED_MESSAGE")
        if not start(cloud, vm, host, datastore, networks):
            cloud.events.again(RETRY_SECONDS, place, cloud, oid)
        return
    message = scheduler.NOWHERE[why or ("datastore" if datastore is None else "network")]
    vm.user_template.set("SCHED_MESSAGE", f"{cloud.events.date()}: Cannot dispatch VM: {message}")
    cloud.events.again(RETRY_SECONDS, place, cloud, oid)


def start(cloud: Any, vm: Object, host: Object, datastore: Object, networks: dict[str, int]) -> bool:
    """Deploys a VM where the scheduler wants it; interfaces without a network get theirs. Whether quotas allow it."""
    if usage.cluster_refusal(cloud, vm, host.cluster_id):
        return False
    if networks:
        nics = " ".join([f'NIC=[NIC_ID="{nic}",NETWORK_ID="{network}"]' for nic, network in networks.items()])
        with suppress(Refused):
            cloud.act("one.vm.deploy", [vm.oid, host.oid, False, datastore.oid, nics])
        return vm.state != PENDING
    deploy(cloud, vm, cloud["HOST"].get(host.oid), datastore)
    return True


def datastore_for(cloud: Any, vm: Object, host: Object) -> Object | None:
    """The datastore that holds the VM's files, or one of the host's cluster."""
    left = bool(vm.history) and vm.history[-1]["action"] in LEFT_FILES
    kept = cloud["DATASTORE"].get_ro(vm.history[-1]["ds_id"]) if left else None
    return kept or scheduler.system_datastore(cloud, host, vm.user_template.text("SCHED_DS_REQUIREMENTS"))


def move_on(cloud: Any, oid: int) -> None:
    """Event: the scheduler moves a VM that is marked to another host, as soon as there is one."""
    vm = cloud["VM"].get_ro(oid)
    if vm is None or not vm.resched:
        return
    host, _why = scheduler.choose(cloud, vm, leaving=vm.history[-1]["hid"])
    if host is None:
        cloud.events.again(RETRY_SECONDS, move_on, cloud, oid)
        return
    with suppress(Refused):  # it stays marked where it cannot move
        cloud.act("one.vm.migrate", [oid, host.oid, False, True, -1, 0])


def deploy(cloud: Any, vm: Object, host: Object, datastore: Object) -> None:
    """Puts a waiting VM on a host; one that was imported from there runs at once."""
    last = vm.history[-1]["action"] if vm.history else 0
    move_in(cloud, vm, host, datastore)
    if vm.template.flag("IMPORTED"):
        stamp(cloud, vm, "pstime", "petime", "rstime")
        go(cloud, vm, [], ACTIVE)
    else:
        go(cloud, vm, LEFT_FILES.get(last, [PROLOG, BOOT]), ACTIVE)
    vm.history[-1]["vm"] = picture(vm, prev_lcm_state=0)


def move_in(cloud: Any, vm: Object, host: Object, datastore: Object, leaves: bool = True) -> None:
    """The VM takes capacity and devices of the host and begins a history record; `leaves`: the one before ends."""
    usage.change_cluster(cloud, vm, host.cluster_id)
    if vm.oid not in host.vms:
        capacity.take(host, vm)
        pci.take_all(cloud, host, vm)
    vm.template.set("TM_MAD_SYSTEM", datastore.tm_mad)
    devices.give_console_port(vm)
    disks.place_volatile(cloud, vm, datastore)
    context.add_devices(vm)
    place = (host.name, host.oid, host.cluster_id, host.vm_mad, datastore.tm_mad, datastore.oid)
    begin_record(cloud, vm, dict(zip(PLACE, place, strict=True)), running=False, leaves=leaves)


PLACE = ("hostname", "hid", "cid", "vm_mad", "tm_mad", "ds_id")
NOBODY = {"action": 0, "uid": -1, "gid": -1, "request_id": -1}  # asked for what the record tells
TIMES = ("stime", "etime", "pstime", "petime", "rstime", "retime", "estime", "eetime")


def begin_record(cloud: Any, vm: Object, place: dict, running: bool = True, leaves: bool = True) -> None:
    """A new history record at a place; the one before ends, unless the VM is there still."""
    now = cloud.events.time()
    if vm.history and leaves and not vm.history[-1]["etime"]:
        vm.history[-1]["etime"] = now
        if vm.history[-1]["hid"] != place["hid"]:
            vacate(cloud, vm, vm.history[-1]["hid"])
    record = {**{name: place[name] for name in PLACE}, **dict.fromkeys(TIMES, 0)}
    record.update(stime=now, rstime=now if running else 0, vm=picture(vm), **NOBODY)
    vm.history.append(record)


def picture(vm: Object, **fields: Any) -> str:
    """The VM at this moment, without its history, for its accounting; `fields` are shown otherwise than they are."""
    before = {name: getattr(vm, name) for name in ("history", *fields)}
    vm.__dict__.update(history=[], **fields)
    shown = "".join([show(vm) for show in vm.kind.layout])
    vm.__dict__.update(before)
    return f"<VM>{shown}</VM>"


def copy_record(call: Call | Owner, vm: Object, action: str) -> None:
    """Ends the record under an action and opens its copy. A VM that did not run still does not."""
    last = vm.history[-1]
    before, stopped = last["action"], last["retime"] != 0
    record_action(call, vm, action)
    if not stopped:
        stamp(call.cloud, vm, "retime")
    begin_record(call.cloud, vm, last)
    vm.history[-1]["action"] = before
    if stopped:
        stamp(call.cloud, vm, "retime")


def leave_host(cloud: Any, vm: Object) -> None:
    """Gives capacity back to the host of the VM, while it migrates to both, if it is on one."""
    for record in vm.history[-2:]:
        if not record["etime"]:
            record.update(etime=cloud.events.time(), vm=picture(vm))
        vacate(cloud, vm, record["hid"])


def end_run(cloud: Any, vm: Object) -> None:
    """A VM that ran to its end has stopped to run."""
    if vm.history and vm.history[-1]["rstime"] and not vm.history[-1]["retime"]:
        stamp(cloud, vm, "retime")


def clean_up(call: Call | Owner, vm: Object, action: str) -> None:
    """Takes the VM off its host, whatever it is at: to delete it, or to deploy it anew."""
    cloud, lcm = call.cloud, vm.lcm_state if vm.state == ACTIVE else 0
    record_action(call, vm, action)
    stamp(cloud, vm, *CUT_SHORT.get(lcm, ()))
    if lcm in (MIGRATE, SAVE_MIGRATE):
        close_previous(cloud, vm)
    if not vm.history[-1]["etime"]:
        vm.history[-1].update(etime=cloud.events.time(), vm=picture(vm))
    steps, target = CLEANUPS[action]
    go(cloud, vm, steps, target)


def vacate(cloud: Any, vm: Object, hid: int) -> None:
    host = cloud["HOST"].get(hid)
    if host is not None:
        capacity.give_back(host, vm)
        pci.give_back(host, vm)


def close_previous(cloud: Any, vm: Object) -> None:
    """The VM has left the place of the record before the last."""
    before, last = vm.history[-2:]
    before.update(etime=cloud.events.time(), vm=picture(vm))
    before["retime"] = before["retime"] or before["etime"]
    if before["hid"] != last["hid"]:
        vacate(cloud, vm, before["hid"])


def arrive(cloud: Any, vm: Object) -> None:
    """A live migration is done."""
    close_previous(cloud, vm)
    stamp(cloud, vm, "rstime")


def return_to_previous(cloud: Any, vm: Object, *moments: str) -> None:
    """A migration ends where it began: in a new record, at the place of the record before the last."""
    place = dict(vm.history[-2])
    if not place["etime"]:
        close_previous(cloud, vm)
    vacate(cloud, vm, vm.history[-1]["hid"])
    begin_record(cloud, vm, place, running=False)
    stamp(cloud, vm, *moments)
    host = cloud["HOST"].get(place["hid"])
    if host is not None:
        capacity.take(host, vm)


def keep_running(cloud: Any, vm: Object) -> None:
    """It could not be saved, shut down or moved: nothing has happened to the record."""
    vm.history[-1].update(NOBODY)


def run_again(cloud: Any, vm: Object) -> None:
    """It boots: the record of its run is open, whatever it told."""
    vm.history[-1].update(NOBODY, etime=0, retime=0)


def forget_domain(cloud: Any, vm: Object) -> None:
    vm.deploy_id = ""


DONE_WITH: dict[int, Callable[[Any, Object], None]] = {
    MIGRATE: arrive,
    SAVE_MIGRATE: close_previous,
    CLEANUP_RESUBMIT: forget_domain,
    **dict.fromkeys(BOOTS, run_again),
}
CLEANUPS = {"delete": ([CLEANUP_DELETE], DONE), "delete-recreate": ([CLEANUP_RESUBMIT], PENDING)}
UNDONE_BY: dict[int, Callable[[Any, Object], None]] = {
    **dict.fromkeys((MIGRATE, SAVE_MIGRATE), lambda cloud, vm: return_to_previous(cloud, vm, "rstime")),
    **dict.fromkeys((SAVE_STOP, SAVE_SUSPEND, *SHUTDOWNS), keep_running),
    **dict.fromkeys(BOOTS, lambda cloud, vm: stamp(cloud, vm, "retime")),
    **dict.fromkeys((BOOT_STOPPED, BOOT_UNDEPLOY), lambda cloud, vm: stamp(cloud, vm, "retime", "etime")),
}
# The point of time that the history record gets when the VM is cleaned up in a state.
CUT_SHORT = {
    **dict.fromkeys((lcm for lcm, step in STEPS.items() if step.action == "prolog"), ("petime",)),
    **dict.fromkeys((step.failure[1] for step in STEPS.values() if step.action == "prolog"), ("petime",)),
    **dict.fromkeys((*EPILOGS, EPILOG_FAILURE, EPILOG_STOP_FAILURE, EPILOG_UNDEPLOY_FAILURE), ("eetime",)),
    **dict.fromkeys((RUNNING, UNKNOWN, MIGRATE, SAVE_STOP, SAVE_SUSPEND, SAVE_MIGRATE, *SHUTDOWNS), ("retime",)),
    **dict.fromkeys((*BOOTS, *BOOT_FAILURES), ("retime",)),
    **dict.fromkeys((HOTPLUG, HOTPLUG_SNAPSHOT, HOTPLUG_NIC, HOTPLUG_NIC_POWEROFF, HOTPLUG_RESIZE), ("retime",)),
    **dict.fromkeys((HOTPLUG_SAVEAS, HOTPLUG_SAVEAS_POWEROFF, HOTPLUG_SAVEAS_SUSPENDED), ("retime",)),
    **dict.fromkeys((DISK_SNAPSHOT, DISK_RESIZE, BACKUP), ("retime",)),
}
